"""Two people at one draft, as the second one sees it in a real browser; and one person whose own saves cross."""

import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import APIResponse, Page, Route, expect

from accounts.models import Organization, User
from publishing.models import PostStatus, SocialPost
from tests.conftest import signed_in
from tests.factories import make_connection, make_post

pytestmark = pytest.mark.browser

Browse = Callable[..., Page]
SAVE = "**/posts/autosave/"


@pytest.fixture
def draft(club: Organization) -> SocialPost:
    x = make_connection(club, "TWITTER", account_name="Riverside Golf Club", account_handle="@riversidegc")
    return make_post(x, status=PostStatus.DRAFT, content="Dinner on Friday")


@pytest.fixture
def desk(browse: Browse, alice: User, draft: SocialPost) -> Page:
    """The draft in front of Alice."""
    return browse(alice, f"/posts/{draft.pk}/edit/")


def saves(user: User, draft: SocialPost, text: str) -> None:
    """Somebody saves from another page, without having seen what Alice writes."""
    signed_in(user).post("/posts/autosave/", {"post": str(draft.pk), "text": text, "when": "draft"})


def kept_as(draft: SocialPost) -> str:
    return SocialPost.objects.get(pk=draft.pk).content


def test_autosave_stops_says_who_changed_what_and_keep_mine_goes_on(desk: Page, bob: User, draft: SocialPost) -> None:
    saves(bob, draft, "Dinner on Saturday")
    desk.locator("#text-all").fill("Dinner on Friday at eight")
    conflict = desk.locator("#composer-conflict")
    expect(conflict).to_contain_text("Bob changed this at", timeout=10_000)
    expect(conflict).to_contain_text("Dinner on Saturday")
    expect(desk.locator("#text-all")).to_have_value("Dinner on Friday at eight")
    desk.locator("#text-all").fill("Dinner on Friday at nine")
    desk.wait_for_timeout(3000)
    assert kept_as(draft) == "Dinner on Saturday", "nothing is sent before the person has chosen"
    found = Axe().run(desk, options={"resultTypes": ["violations"]}).response["violations"]
    assert [violation["id"] for violation in found] == []

    conflict.get_by_role("button", name="Keep mine").click()
    expect(desk.locator("#save-state")).to_contain_text("Draft saved", timeout=10_000)
    expect(conflict).to_be_hidden()
    assert kept_as(draft) == "Dinner on Friday at nine"
    desk.locator("#text-all").fill("And on we go")
    expect(desk.locator("#save-state")).to_contain_text("Not saved yet")
    expect(desk.locator("#save-state")).to_contain_text("Draft saved", timeout=10_000)
    assert kept_as(draft) == "And on we go"


def test_take_theirs_shows_it_and_still_has_what_was_typed(desk: Page, bob: User, draft: SocialPost) -> None:
    saves(bob, draft, "Dinner on Saturday")
    desk.locator("#text-all").fill("Dinner on Friday at eight")
    desk.get_by_role("link", name="Take theirs").click(timeout=10_000)
    expect(desk.locator("#text-all")).to_have_value("Dinner on Saturday")
    assert kept_as(draft) == "Dinner on Saturday"
    desk.get_by_role("button", name="Restore").click()
    expect(desk.locator("#text-all")).to_have_value("Dinner on Friday at eight")


def test_a_refused_save_by_hand_asks_in_the_same_words(desk: Page, bob: User, draft: SocialPost) -> None:
    desk.route(SAVE, lambda route: route.abort())
    saves(bob, draft, "Dinner on Saturday")
    desk.locator("#text-all").fill("Dinner on Friday at eight")
    desk.get_by_text("Save as draft").click()
    desk.locator("#composer-submit").click()
    expect(desk.locator("#composer-conflict")).to_contain_text("Bob changed this at")
    expect(desk.locator("#composer-conflict")).to_be_focused()
    expect(desk.locator("#text-all")).to_have_value("Dinner on Friday at eight")
    desk.get_by_role("button", name="Keep mine").click()
    expect(desk).to_have_url(re.compile("/calendar/"))
    assert kept_as(draft) == "Dinner on Friday at eight"


def test_a_save_whose_answer_was_lost_is_nobody_elses(desk: Page, draft: SocialPost) -> None:
    def lose_the_answer(route: Route) -> None:
        route.fetch()
        route.abort()

    desk.route(SAVE, lose_the_answer)
    desk.locator("#text-all").fill("On the train")
    expect(desk.locator("#save-state")).to_contain_text("Your text is saved in this browser", timeout=10_000)
    assert kept_as(draft) == "On the train", "it did arrive"
    desk.unroute(SAVE, lose_the_answer)
    desk.locator("#text-all").fill("On the train, and out of the tunnel")
    expect(desk.locator("#save-state")).to_contain_text("Draft saved", timeout=15_000)
    expect(desk.locator("#composer-conflict")).to_be_hidden()
    assert kept_as(draft) == "On the train, and out of the tunnel"


def test_sending_waits_for_the_save_that_is_on_its_way(desk: Page, draft: SocialPost) -> None:
    held: list[tuple[Route, APIResponse]] = []

    def hold_the_first_answer(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append((route, route.fetch()))

    desk.route(SAVE, hold_the_first_answer)
    desk.get_by_text("Save as draft").click()
    desk.locator("#text-all").fill("Saved by itself")
    expect(desk.locator("#save-state")).to_contain_text("Saving", timeout=10_000)
    desk.locator("#text-all").fill("Saved by hand")
    desk.locator("#composer-submit").click()
    desk.wait_for_timeout(500)
    route, answer = held[0]
    route.fulfill(response=answer)
    expect(desk).to_have_url(re.compile("/calendar/"), timeout=15_000)
    assert kept_as(draft) == "Saved by hand"


def test_the_question_fits_a_phone(desk: Page, bob: User, draft: SocialPost) -> None:
    desk.set_viewport_size({"width": 390, "height": 844})
    saves(bob, draft, "x" * 300)
    desk.locator("#text-all").fill("Mine")
    expect(desk.locator("#composer-conflict")).to_contain_text("Bob changed this", timeout=10_000)
    assert desk.evaluate("document.documentElement.scrollWidth") <= 390
