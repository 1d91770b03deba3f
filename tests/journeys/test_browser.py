"""The main job in a real browser against the running product: connect, write, move, see it published and counted."""

import re
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.product import PASSWORD, Product

pytestmark = [pytest.mark.processes, pytest.mark.browser]

LISBON = ZoneInfo("Europe/Lisbon")
Enter = Callable[[str], Page]


@pytest.fixture
def enter(browser: Browser, browser_context_args: dict[str, object], running_product: Product) -> Iterator[Enter]:
    """``enter("marketer@riverside.example")``: a window of that person's own, signed in by the form. Whatever its
    console complains about fails the test."""
    said: list[str] = []
    contexts = []

    def open_window(email: str) -> Page:
        context = browser.new_context(**browser_context_args, base_url=running_product.url)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto("/accounts/login/")
        page.get_by_label("Email").fill(email)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        expect(page).to_have_url(f"{running_product.url}/")
        return page

    yield open_window
    for context in contexts:
        context.close()
    assert said == []


def test_an_account_is_connected_through_its_platforms_consent_page(enter: Enter) -> None:
    page = enter("admin@riverside.example")
    page.goto("/connections/")
    page.get_by_role("link", name="Connect X").click()
    expect(page.get_by_role("button", name="Authorize app")).to_be_visible()
    page.get_by_role("radio", name=re.compile("Hilltop Tennis Club")).check()
    page.get_by_role("button", name="Authorize app").click()
    expect(page.get_by_text("Connected: Hilltop Tennis Club (X).")).to_have_count(1)


def test_a_post_for_three_accounts_is_written_scheduled_and_seen_published(
    enter: Enter, running_product: Product
) -> None:
    page = enter("marketer@riverside.example")
    text = f"Twilight tee times from four. {datetime.now(LISBON):%H:%M:%S}"
    at = datetime.now(LISBON) + timedelta(seconds=75)
    page.goto(f"/posts/new/?at={at:%Y-%m-%dT%H:%M}")
    for name in ("X: Riverside Golf Club", "Facebook: Riverside Golf Club", "Mastodon: Riverside Golf Club"):
        page.get_by_role("checkbox", name=name).check()
    page.get_by_label("Text for all accounts").fill(text)
    expect(page.locator("#composer-counters")).to_contain_text("280")
    page.locator("#composer-submit").click()
    expect(page).not_to_have_url(re.compile("/posts/new/"))

    page.goto(f"/posts/?q={text[-8:]}")
    expect(page.get_by_text(text).first).to_be_visible()
    due = at.replace(second=0, microsecond=0)
    time.sleep(max(0.0, (due - datetime.now(LISBON)).total_seconds()))
    until = time.monotonic() + 60
    while len([row for row in running_product.taken() if row["text"] == text]) < 3:
        assert time.monotonic() < until, running_product.log()[-4000:]
        time.sleep(0.5)
    assert sorted(row["platform"] for row in running_product.taken() if row["text"] == text) == [
        "FACEBOOK", "MASTODON", "TWITTER",
    ]  # fmt: skip

    page.reload()
    page.get_by_role("link", name=re.compile(re.escape(text[:20]))).first.click()
    expect(page.get_by_text("Published").first).to_be_visible()


def test_a_post_is_dragged_to_another_day_keeping_its_time_and_the_move_undone(enter: Enter) -> None:
    page = enter("marketer@riverside.example")
    page.set_viewport_size({"width": 1440, "height": 1400})  # all weeks in sight: nothing scrolls under the hand
    page.goto("/calendar/")
    card = page.locator('[data-post][data-status="SCHEDULED"][data-time="07:45"]').first
    if not card.count():
        page.get_by_role("link", name=re.compile("Next")).first.click()
    post, home = (
        card.get_attribute("data-post"),
        card.locator("xpath=ancestor::*[@data-place][1]").get_attribute("data-date"),
    )
    assert post is not None
    assert home is not None
    target = (datetime.fromisoformat(home) + timedelta(days=1)).date().isoformat()
    place = page.locator(f'[data-place][data-date="{target}"]').first
    card.scroll_into_view_if_needed()
    drag(page, f'[data-post="{post}"]', f'[data-place][data-date="{target}"]')
    moved = place.locator(f'[data-post="{post}"]')
    expect(moved).to_be_visible()
    expect(moved).to_have_attribute("data-time", "07:45")
    page.get_by_role("button", name="Undo").first.click()
    expect(page.locator(f'[data-place][data-date="{home}"] [data-post="{post}"]')).to_be_visible()


def drag(page: Page, source: str, target: str) -> None:
    """With the mouse, in steps, as a hand does."""
    start, end = page.locator(source).first.bounding_box(), page.locator(target).first.bounding_box()
    assert start is not None
    assert end is not None
    page.mouse.move(start["x"] + start["width"] / 2, start["y"] + start["height"] / 2)
    page.mouse.down()
    page.mouse.move(start["x"] + start["width"] / 2 + 12, start["y"] + start["height"] / 2 + 6, steps=4)
    page.mouse.move(end["x"] + end["width"] / 2, end["y"] + end["height"] * 0.7, steps=16)
    page.mouse.up()
