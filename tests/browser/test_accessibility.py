"""Everybody can use the pages: axe finds nothing on any of them, light and dark, on a desk and on a phone."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page
from pytest_django.live_server_helper import LiveServer

from accounts.models import Organization, User
from accounts.notifications import notify
from publishing.models import PostMetric
from tests import factories
from tests.accessibility import faults_of
from tests.conftest import signed_in

pytestmark = pytest.mark.browser

WINDOWS = {"desk": (1440, 900), "phone": (390, 844)}
LOOKS = [("desk", "light"), ("phone", "dark")]
"""Both windows and both colours, each once: axe takes seconds a page."""
Open = Callable[[User, str], Page]


def problems_of(page: Page) -> dict[str, Any]:
    """What axe finds, and whether the page is wider than its window."""
    found: dict[str, Any] = dict(faults_of(page))
    if (too_wide := page.evaluate("document.documentElement.scrollWidth - window.innerWidth")) > 0:
        found["wider than the window"] = too_wide
    return found


@pytest.fixture(params=LOOKS, ids=["-".join(look) for look in LOOKS])
def opened(request: pytest.FixtureRequest, browser: Browser, server: LiveServer) -> Iterator[Open]:
    """``opened(user, "/posts/")``: the page in one of the windows and colours."""
    window, scheme = request.param
    width, height = WINDOWS[window]
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, bypass_csp=True, has_touch=window == "phone",
        reduced_motion="reduce",
    )  # fmt: skip
    page = context.new_page()

    def open_page(user: User, path: str) -> Page:
        session = signed_in(user).cookies["sessionid"].value
        context.add_cookies([{"name": "sessionid", "value": session, "url": server.url}])
        page.goto(server.url + path)
        return page

    yield open_page
    context.close()


@pytest.fixture
def filled(club: Organization, alice: User, bob: User) -> dict[str, str]:
    """Rows in every state that a page shows; the addresses of the pages by name."""
    now = timezone.now()
    x = factories.make_connection(club, "TWITTER", account_name="Riverside", followers=4210, last_post_at=now)
    lost = factories.make_connection(
        club, "FACEBOOK", account_name="Junior Academy", is_active=False, error_message="(#190) Error validating token"
    )
    poor = factories.make_connection(club, "MASTODON", permissions=["read:accounts"])
    gone = factories.make_connection(club, "TWITTER", is_active=False, disconnected_at=now)
    campaign = factories.make_campaign(club, goal="Sixty entries")
    asset = factories.make_asset(club)
    posts = {
        "scheduled": factories.make_post(x, campaign=campaign, created_by=bob),
        "failed": factories.make_post(
            x, status="FAILED", error_message="(#324) Requires upload file", campaign=campaign
        ),
        "unknown": factories.make_post(x, status="FAILED", error_code="OUTCOME_UNKNOWN", error_message="No answer"),
        "waiting": factories.make_post(lost, campaign=campaign),
        "draft": factories.make_post(poor, status="DRAFT"),
        "published": factories.make_post(
            x, status="PUBLISHED", likes=20, comments=3, shares=1, reach=900, impressions=1200, engagement_synced_at=now
        ),
    }
    factories.attach(posts["published"], asset)
    for hours in (2, 1):
        PostMetric.objects.create(post=posts["published"], at=now - timedelta(hours=hours), likes=20 - hours)
    notify(
        [alice, bob], organization=club, kind="post.failed", key="x", title="A post failed", body="Why", url="/posts/"
    )
    pages = {name: f"/posts/{post.pk}/" for name, post in posts.items()}
    connections = {"x": x, "lost": lost, "poor": poor, "gone": gone}
    return pages | {name: f"/connections/{row.pk}/" for name, row in connections.items()} | {
        "campaign": f"/campaigns/{campaign.pk}/", "disconnect": f"/connections/{x.pk}/disconnect/",
    }  # fmt: skip


def test_of_a_member(opened: Open, bob: User, filled: dict[str, str]) -> None:
    found = {}
    addresses = ("/", "/posts/", "/posts/?q=nothing+like+it", "/connections/", "/campaigns/", "/notifications/",
                 "/notifications/mails/", "/members/", "/organization/", "/profile/", "/health/", "/campaigns/new/",
                 *(filled[name] for name in filled if name != "disconnect"))  # fmt: skip
    for address in addresses:
        if problems := problems_of(opened(bob, address)):
            found[address] = problems
    assert not found, json.dumps(found, indent=1)


def test_of_an_owner(opened: Open, alice: User, filled: dict[str, str]) -> None:
    found = {}
    addresses = ("/", "/connections/", "/members/", "/organization/", "/organization/audit/", "/health/",
                 "/connections/apps/twitter/", filled["lost"], filled["disconnect"],
                 "/admin/", "/admin/publishing/socialpost/", "/admin/connections/socialconnection/")  # fmt: skip
    for address in addresses:
        if problems := problems_of(opened(alice, address)):
            found[address] = problems
    assert not found, json.dumps(found, indent=1)


def test_of_what_opens_on_them(opened: Open, bob: User, filled: dict[str, str]) -> None:
    found: dict[str, Any] = {}
    page = opened(bob, filled["scheduled"])
    page.get_by_role("button", name="Cancel post").click()
    page.get_by_role("dialog").wait_for()
    found["the question before cancelling"] = problems_of(page)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Move to…").click()
    page.get_by_role("heading", name="Move to…").wait_for()
    found["the dialog of the time"] = problems_of(page)
    page.keyboard.press("Escape")
    page = opened(bob, filled["failed"])
    for summary in page.locator("main details > summary").all():
        summary.click()
    found["details of a failed post"] = problems_of(page)
    page = opened(bob, "/")
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keyboard shortcuts").wait_for()
    found["keyboard shortcuts"] = problems_of(page)
    found = {name: problems for name, problems in found.items() if problems}
    assert not found, json.dumps(found, indent=1)


@pytest.mark.parametrize("reader", ["docs", "redoc"])
def test_of_the_readers_of_the_rest_api(opened: Open, alice: User, server: LiveServer, reader: str) -> None:
    """With two paths of the document: a whole one takes axe minutes and shows the same kinds of elements."""
    page = opened(alice, "/api/schema/?format=json")
    document = json.loads(page.evaluate("document.body.innerText"))
    kept = ("/api/v1/auth/token", "/api/v1/social/posts")
    document["paths"] = {path: document["paths"][path] for path in kept}
    content_type = "application/vnd.oai.openapi+json"
    page.route("**/api/schema/**", lambda route: route.fulfill(body=json.dumps(document), content_type=content_type))
    page.goto(f"{server.url}/api/{reader}/")
    if reader == "docs":
        page.locator(".opblock-summary-control").nth(1).click()
        page.locator(".responses-table").first.wait_for()
    else:
        page.locator("[data-section-id]").first.wait_for()
    page.wait_for_timeout(500)
    found = problems_of(page)
    assert not found, json.dumps(found, indent=1)
