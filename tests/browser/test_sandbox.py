"""The sandbox's own pages in a real browser: consent, control pages and the posts as their platform shows them."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from sandbox.seed import seed_demo
from tests.sandbox.callers import (
    RIVERSIDE_PAGE,
    connect_facebook,
    connect_mastodon,
    connect_x,
    facebook_request,
    mastodon_request,
    picture,
    register,
    x_request,
)

WINDOWS = {"desk": (1440, 900), "phone": (390, 844)}


def live_a_little() -> dict[str, str]:
    """Posts of all platforms with a picture, a link, a comment and a deletion, faults of all kinds; the addresses."""
    seed_demo()
    visitor = Client()
    x, facebook, mastodon = connect_x(visitor), connect_facebook(visitor), connect_mastodon(visitor)
    media = x.form("/2/media/upload", {"media": picture(), "media_category": "tweet_image"}).json()["data"]["id"]
    on_x = x.json("/2/tweets", {"text": "Frost www.example.com", "media": {"media_ids": [media]}}).json()["data"]["id"]
    feed = {"message": "Frost", "link": "https://example.com/" + "long" * 40}
    on_facebook = facebook.form(f"/{RIVERSIDE_PAGE}/feed", feed).json()["id"]
    on_mastodon = mastodon.json("/api/v1/statuses", {"status": "Frost"}).json()["id"]
    gone = mastodon.json("/api/v1/statuses", {"status": "Gone"}).json()["id"]
    mastodon.delete(f"/api/v1/statuses/{gone}")
    for path, order in (
        ("events", {"platform": "TWITTER", "kind": "comment", "account": "riversidegc", "text": "See you"}),
        ("faults", {"platform": "FACEBOOK", "operation": "any", "fault": "latency", "value": 5, "times": 0}),
        ("faults", {"platform": "TWITTER", "operation": "publish", "fault": "appear_late", "value": 90}),
    ):
        visitor.post(f"/sandbox/api/{path}", order, content_type="application/json")
    facebook.get("/me")
    app = register(visitor).json()
    return {
        "accounts": "/sandbox/",
        "posts": "/sandbox/posts/",
        "faults": "/sandbox/faults/",
        "events": "/sandbox/events/",
        "consent of X": x_request(),
        "consent of Facebook": facebook_request(),
        "consent of Mastodon": mastodon_request(app),
        "refused": x_request(scope="everything"),
        "Mastodon": "/sandbox/mastodon/",
        "profile": "/sandbox/twitter/riversidegc",
        "Page": f"/sandbox/facebook/{RIVERSIDE_PAGE}",
        "post on X": f"/sandbox/twitter/riversidegc/status/{on_x}",
        "post on Facebook": f"/sandbox/facebook/{on_facebook.replace('_', '/posts/')}",
        "post on Mastodon": f"/sandbox/mastodon/@riverside/{on_mastodon}",
    }


@pytest.mark.parametrize(("window", "scheme"), [("desk", "light"), ("phone", "dark")])
def test_axe_finds_nothing_on_the_pages_of_the_sandbox(
    browser: Browser, server: LiveServer, window: str, scheme: Any
) -> None:
    addresses = live_a_little()
    width, height = WINDOWS[window]
    # axe is put into the page as an inline script.
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, bypass_csp=True, has_touch=window == "phone"
    )
    page = context.new_page()
    found: dict[str, Any] = {}

    def judge(name: str) -> None:
        for problem in Axe().run(page).response["violations"]:
            found[f"{name}: {problem['id']}"] = [node["html"] for node in problem["nodes"]]
        too_wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        if too_wide > 0:
            found[f"{name} is too wide"] = too_wide

    for name, address in addresses.items():
        page.goto(server.url + address)
        judge(name)
    for name in ("faults", "events"):
        page.goto(server.url + addresses[name])
        page.locator("form.card").evaluate("form => { form.noValidate = true }")
        for field in page.locator("form.card input:not([type=hidden])").all():
            field.fill("-1" if name == "faults" else "")
        page.locator("form.card .btn-primary").click()
        page.wait_for_selector(".field-error")
        judge(f"{name} with problems")
    page.goto(server.url + addresses["consent of Facebook"])
    page.locator("input[name=account]").evaluate_all("all => all.forEach(one => { one.checked = false })")
    page.locator("button[value=approve]").click()
    page.wait_for_selector(".consent-problem")
    judge("consent with a problem")
    context.close()
    assert found == {}
