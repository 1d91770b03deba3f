"""The composer in a real browser: writing for three accounts, pictures, times, and text that survives what happens."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Organization, User
from connections.models import SocialConnection
from publishing.models import MediaAsset, PostStatus, SocialPost
from tests.accessibility import assert_accessible
from tests.factories import attach, make_asset, make_connection, make_post, picture

pytestmark = pytest.mark.browser

Browse = Callable[..., Page]

TEXT = "Members' dinner is back. 40 seats.\n\nBook: https://riverside-golf-club.com/dinner\n\n#riversidegc"


@pytest.fixture
def accounts(club: Organization) -> list[SocialConnection]:
    return [
        make_connection(club, "FACEBOOK", account_name="Riverside GC"),
        make_connection(club, "MASTODON", account_name="Riverside", account_handle="@riverside@mastodon.example"),
        make_connection(club, "TWITTER", account_name="Riverside Golf Club", account_handle="@riversidegc"),
    ]


@pytest.fixture
def desk(browse: Browse, alice: User, accounts: list[SocialConnection]) -> Page:
    """The browser, signed in as Alice."""
    return browse(alice, "/campaigns/")


def choose(page: Page, *names: str) -> None:
    for name in names:
        page.get_by_role("checkbox", name=name).check()


def test_one_idea_for_three_accounts_with_a_variant_and_a_described_picture(
    desk: Page, server: LiveServer, tmp_path: Path
) -> None:
    desk.goto(f"{server.url}/posts/new/?at=2030-12-17T09:00")
    choose(desk, "Facebook: Riverside GC", "Mastodon: Riverside", "X: Riverside Golf Club")
    desk.get_by_label("Text for all accounts").fill(TEXT)
    expect(desk.locator("#composer-counters")).to_contain_text("X 79 / 280")
    expect(desk.locator("#composer-counters")).to_contain_text("Mastodon 79 / 500")

    desk.get_by_role("tab", name="X", exact=True).first.click()
    own = desk.get_by_label("Text for X: Riverside Golf Club")
    expect(own).to_have_value(TEXT)
    own.fill("x" * 300)
    expect(desk.locator("#composer-counters")).to_contain_text("X 300 / 280")
    expect(desk.locator("#composer-problems")).to_contain_text("20 characters over")
    own.fill("Shorter, for X")
    expect(desk.locator("#composer-problems [data-tone=danger]")).to_have_count(0)
    expect(desk.locator("#composer-previews")).to_contain_text("Shorter, for X")

    file = tmp_path / "table.png"
    file.write_bytes(picture())
    desk.locator("#shared-tray input[type=file]").set_input_files(file)
    desk.get_by_role("button", name="Add alt text").click()
    dialog = desk.get_by_role("dialog", name="Alt text")
    expect(dialog.locator("img")).to_have_js_property("naturalWidth", 640)
    assert_accessible(desk)
    dialog.get_by_label("What does the image show?").fill("A long table")
    dialog.get_by_role("button", name="Save").click()
    expect(desk.get_by_role("button", name="A long table")).to_be_focused()
    expect(desk.locator("#composer-previews .preview-alt").first).to_be_attached()
    expect(desk.locator("#save-state")).to_contain_text("Draft saved", timeout=10_000)
    assert_accessible(desk)

    desk.keyboard.press("Control+Enter")
    expect(desk.locator("#toasts")).to_contain_text("3 posts scheduled for Tue 17 Dec 2030, 09:00.")
    posts = {post.connection.platform: post for post in SocialPost.objects.select_related("connection")}
    assert {post.status for post in posts.values()} == {PostStatus.SCHEDULED}
    assert posts["TWITTER"].content == "Shorter, for X"
    assert posts["FACEBOOK"].content == posts["MASTODON"].content == TEXT
    assert all(post.attached_media.get().alt_text == "A long table" for post in posts.values())


def test_typing_on_saves_one_draft_and_puts_it_into_the_address(desk: Page, server: LiveServer) -> None:
    desk.goto(f"{server.url}/posts/new/")
    choose(desk, "Facebook: Riverside GC")
    box = desk.get_by_label("Text for all accounts")
    box.fill("First")
    expect(desk.locator("#save-state")).to_contain_text("Draft saved", timeout=10_000)
    box.fill("First and second")
    expect(desk.locator("#save-state")).to_contain_text("Not saved yet")
    expect(desk.locator("#save-state")).to_contain_text("Draft saved", timeout=10_000)
    assert SocialPost.objects.get().content == "First and second"
    desk.reload()
    expect(desk.get_by_label("Text for all accounts")).to_have_value("First and second")
    expect(desk.locator("#composer-recovery")).to_be_hidden()


def test_a_lost_session_loses_no_text(browse: Browse, alice: User, accounts: list[SocialConnection]) -> None:
    desk = browse(alice, "/posts/new/")
    choose(desk, "Facebook: Riverside GC")
    desk.context.clear_cookies(name="sessionid")
    desk.get_by_label("Text for all accounts").fill("Written while signed out")
    expect(desk.locator("#save-state")).to_contain_text("You were signed out", timeout=10_000)
    expect(desk.locator("#composer")).to_be_visible()
    desk.get_by_role("link", name="Sign in again").click()
    expect(desk).to_have_url(re.compile("/accounts/login/"))

    browse(alice, "/posts/new/")
    expect(desk.locator("#composer-recovery")).to_contain_text("Unsaved text from")
    desk.get_by_role("button", name="Restore").click()
    expect(desk.get_by_label("Text for all accounts")).to_have_value("Written while signed out")
    expect(desk.get_by_role("checkbox", name="Facebook: Riverside GC")).to_be_checked()
    expect(desk.locator("#save-state")).to_contain_text("Draft saved", timeout=10_000)


def test_without_a_connection_the_text_waits_in_the_browser(desk: Page, server: LiveServer) -> None:
    def unplugged(route: Route) -> None:
        route.abort()

    desk.goto(f"{server.url}/posts/new/")
    choose(desk, "Facebook: Riverside GC")
    desk.route("**/posts/autosave/", unplugged)
    desk.get_by_label("Text for all accounts").fill("On the train")
    expect(desk.locator("#save-state")).to_contain_text("Your text is saved in this browser", timeout=10_000)
    desk.unroute("**/posts/autosave/", unplugged)
    desk.reload()
    desk.get_by_role("button", name="Restore").click()
    expect(desk.get_by_label("Text for all accounts")).to_have_value("On the train")


def test_a_scheduled_post_changes_only_when_it_is_saved(
    desk: Page, server: LiveServer, accounts: list[SocialConnection]
) -> None:
    post = make_post(accounts[0], content="As scheduled")
    desk.goto(f"{server.url}/posts/{post.pk}/edit/")
    desk.locator("#text-all").fill("Half a sen")
    expect(desk.locator("#save-state")).to_contain_text("Unsaved changes")
    desk.wait_for_timeout(3500)
    post.refresh_from_db()
    assert post.content == "As scheduled"
    desk.locator("#composer-submit").click()
    expect(desk.locator("#toasts")).to_contain_text("Scheduled for")
    post.refresh_from_db()
    assert post.content == "Half a sen"
    desk.goto(f"{server.url}/posts/{post.pk}/edit/")
    expect(desk.locator("#composer-recovery")).to_be_hidden()


def test_a_refused_file_says_why_and_leaves_no_hole(desk: Page, server: LiveServer, tmp_path: Path) -> None:
    fake, real = tmp_path / "notes.jpg", tmp_path / "green.png"
    fake.write_bytes(b"Dear members")
    real.write_bytes(picture())
    desk.goto(f"{server.url}/posts/new/")
    desk.locator("#shared-tray input[type=file]").set_input_files([fake, real])
    said = desk.get_by_role("alert").filter(has_text="“notes.jpg” isn't an image")
    expect(said).to_be_visible()
    expect(desk.locator("#shared-tray [data-tile]")).to_have_count(1)
    expect(desk.locator("#shared-tray img")).to_have_js_property("complete", True)
    assert_accessible(desk)
    said.get_by_role("button", name="Dismiss").click()
    expect(said).to_have_count(0)


def test_a_refusal_goes_when_the_problem_is_mended_and_the_page_stays_new(desk: Page, server: LiveServer) -> None:
    desk.goto(f"{server.url}/posts/new/?at=2030-12-17T09:00")
    choose(desk, "Facebook: Riverside GC", "X: Riverside Golf Club")
    desk.get_by_label("Text for all accounts").fill("x" * 300)
    desk.locator("#composer-submit").click()
    refusal = desk.locator("#composer-refusal .callout")
    expect(refusal).to_contain_text("Fix the problems below for X")
    expect(desk.get_by_role("heading", level=1)).to_have_text("New post")
    assert_accessible(desk)
    desk.get_by_label("Text for all accounts").fill("Shorter")
    expect(refusal).to_have_count(0)


def test_alternative_texts_are_written_image_by_image(desk: Page, server: LiveServer, club: Organization) -> None:
    make_asset(club, name="one.png", alt_text="")
    make_asset(club, name="two.png", alt_text="")
    desk.goto(f"{server.url}/posts/new/")
    for name in ("one.png", "two.png"):
        desk.get_by_role("button", name="Library").click()
        desk.locator("#media-pick-body").get_by_role("button", name=name).click()
    desk.get_by_role("button", name="Add alt text").first.click()
    dialog = desk.get_by_role("dialog", name="Alt text")
    box = dialog.get_by_label("What does the image show?")
    box.fill("First")
    dialog.get_by_role("button", name="Next image").click()
    expect(dialog).to_contain_text("2 of 2")
    box.fill("Second")
    box.press("Control+Enter")
    expect(dialog).to_be_hidden()
    desk.get_by_role("button", name="Second").click()
    box.fill("Thrown away")
    desk.keyboard.press("Escape")
    values = desk.locator("#shared-tray [data-tile-alt]").evaluate_all("fields => fields.map((field) => field.value)")
    assert values == ["First", "Second"]


def test_days_and_times_are_in_our_format_whatever_the_browser_speaks(desk: Page, server: LiveServer) -> None:
    desk.goto(f"{server.url}/posts/new/?at=2030-12-17T09:00")
    choose(desk, "Facebook: Riverside GC")
    expect(desk.get_by_label("Date", exact=True)).to_have_value("17 Dec 2030")
    expect(desk.get_by_label("Time", exact=True)).to_have_value("09:00")
    desk.get_by_label("Date", exact=True).fill("18 dec 2030")
    desk.get_by_label("Time", exact=True).fill("1830")
    expect(desk.locator("#when-words")).to_contain_text("on Wednesday 18 December 2030 at 18:30")
    desk.locator("[data-date-picker]").evaluate(
        "picker => { picker.value = '2030-12-24'; picker.dispatchEvent(new Event('change', { bubbles: true })); }"
    )
    expect(desk.get_by_label("Date", exact=True)).to_have_value("24 Dec 2030")
    expect(desk.locator("#when-words")).to_contain_text("on Tuesday 24 December 2030 at 18:30")


def test_a_post_waits_for_the_picture_that_is_still_on_its_way(desk: Page, server: LiveServer, tmp_path: Path) -> None:
    held: list[Route] = []
    file = tmp_path / "green.png"
    file.write_bytes(picture())
    desk.goto(f"{server.url}/posts/new/?at=2030-12-17T09:00")
    choose(desk, "Facebook: Riverside GC")
    desk.get_by_label("Text for all accounts").fill("With a picture")
    desk.route("**/media/upload/", lambda route: held.append(route))
    desk.locator("#shared-tray input[type=file]").set_input_files(file)
    expect(desk.locator("[data-state=uploading]")).to_be_visible()
    desk.keyboard.press("Control+Enter")
    expect(desk.locator("#toasts")).to_contain_text("still uploading")
    assert not SocialPost.objects.filter(status=PostStatus.SCHEDULED).exists()
    held[0].continue_()
    expect(desk.locator("#toasts")).to_contain_text("Scheduled for")
    assert SocialPost.objects.get().media.count() == 1


def test_pictures_are_ordered_by_keyboard_and_inserted_from_the_library(
    desk: Page, server: LiveServer, club: Organization
) -> None:
    one, two = make_asset(club, name="one.png", alt_text="One"), make_asset(club, name="two.png", alt_text="Two")
    desk.goto(f"{server.url}/posts/new/")
    for alt in ("One", "Two"):
        desk.get_by_role("button", name="Library").click()
        desk.locator("#media-pick-body").get_by_role("button", name=alt).wait_for()
        if alt == "One":
            assert_accessible(desk)
        desk.locator("#media-pick-body").get_by_role("button", name=alt).click()
    desk.locator("#shared-tray").get_by_role("button", name="Move right").press("Enter")
    tiles = desk.locator("#shared-tray [data-asset]")
    expect(tiles.first).to_have_attribute("data-asset", str(two.pk))
    expect(tiles.last).to_have_attribute("data-asset", str(one.pk))
    expect(desk.locator("#live")).to_have_text("Image 2 of 2")


def test_an_account_can_have_pictures_of_its_own(desk: Page, server: LiveServer, club: Organization) -> None:
    make_asset(club, alt_text="One")
    desk.goto(f"{server.url}/posts/new/?at=2030-12-17T09:00")
    choose(desk, "Facebook: Riverside GC", "X: Riverside Golf Club")
    desk.get_by_label("Text for all accounts").fill("Dinner")
    desk.get_by_role("button", name="Library").click()
    desk.locator("#media-pick-body").get_by_role("button", name="One").click()
    desk.get_by_role("tab", name="X", exact=True).first.click()
    desk.get_by_label("Different images for Riverside Golf Club").check()
    desk.get_by_role("group", name="Images for Riverside Golf Club").get_by_role("button", name="Remove image").click()
    desk.locator("#composer-submit").click()
    expect(desk.locator("#toasts")).to_contain_text("2 posts scheduled")
    counts = {post.connection.platform: post.media.count() for post in SocialPost.objects.select_related("connection")}
    assert counts == {"FACEBOOK": 1, "TWITTER": 0}


def test_a_skipped_hour_is_explained_and_chosen_before_anything_is_sent(desk: Page, server: LiveServer) -> None:
    desk.goto(f"{server.url}/posts/new/?at=2030-03-31T01:30")
    choose(desk, "Facebook: Riverside GC")
    desk.get_by_label("Text for all accounts").fill("Early birds")
    expect(desk.locator("#when-words")).to_contain_text("01:30 does not exist on 31 March 2030")
    desk.locator("#when-words label", has_text="02:30").click()
    expect(desk.locator("#when-words")).to_contain_text("at 02:30")
    desk.locator("#composer-submit").click()
    expect(desk.locator("#toasts")).to_contain_text("02:30")


def test_emoji_go_to_the_caret_of_the_text_in_use(desk: Page, server: LiveServer) -> None:
    desk.goto(f"{server.url}/posts/new/")
    box = desk.get_by_label("Text for all accounts")
    box.fill("ab")
    box.press("ArrowLeft")
    desk.locator("[data-emoji] summary").press("Enter")
    desk.get_by_role("button", name="golf flag").press("Enter")
    expect(box).to_have_value("a⛳b")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/posts/new/", "/media/", "/campaigns/", "/campaigns/new/"])
def test_the_pages_have_no_accessibility_faults(
    desk: Page, server: LiveServer, club: Organization, path: str, scheme: Any
) -> None:
    make_asset(club)
    make_connection(club, "TWITTER", is_active=False)
    desk.emulate_media(color_scheme=scheme)
    desk.goto(server.url + path)
    assert_accessible(desk)


def test_nothing_is_wider_than_a_phone(desk: Page, server: LiveServer, club: Organization) -> None:
    make_asset(club)
    desk.set_viewport_size({"width": 360, "height": 780})
    for path in ("/posts/new/", "/media/", "/campaigns/", "/campaigns/new/"):
        desk.goto(server.url + path)
        assert desk.evaluate("document.documentElement.scrollWidth") <= 360, path


@pytest.mark.parametrize("width", [390, 1440])
def test_a_word_without_end_widens_no_page(
    desk: Page, server: LiveServer, accounts: list[SocialConnection], width: int
) -> None:
    desk.set_viewport_size({"width": width, "height": 844})
    desk.goto(f"{server.url}/posts/new/")
    desk.get_by_label("Text for all accounts").fill("a" * 300)
    post = make_post(accounts[2], content="b" * 250)
    day = timezone.localtime(post.scheduled_at).date()
    for path in (
        None, "/posts/", f"/posts/{post.pk}/", f"/calendar/?view=list&date={day}", f"/calendar/?view=week&date={day}",
        f"/calendar/?view=month&date={day}", "/",
    ):  # fmt: skip
        if path:
            desk.goto(server.url + path)
        assert desk.evaluate("document.documentElement.scrollWidth") <= width, path or "the composer"


def test_the_library_opens_an_image_to_describe_and_to_delete_it(
    desk: Page, server: LiveServer, club: Organization, accounts: list[SocialConnection]
) -> None:
    used, unused = make_asset(club, name="used.png", alt_text=""), make_asset(club, name="unused.png", alt_text="Dusk")
    attach(make_post(accounts[0]), used)
    desk.goto(f"{server.url}/media/")
    cards = desk.locator("#media-cards")
    cards.get_by_role("link", name="used.png").filter(has_text="No alt text").click()
    dialog = desk.get_by_role("dialog", name="used.png")
    expect(dialog).to_contain_text("Images in use can't be deleted.")
    assert_accessible(desk)
    dialog.get_by_label("Alt text").fill("A green")
    dialog.get_by_role("button", name="Save alt text").click()
    expect(dialog.get_by_role("status")).to_have_text("Saved")
    desk.keyboard.press("Escape")
    expect(cards.get_by_text("No alt text")).to_have_count(0)

    desk.get_by_text("Unused", exact=True).first.click()
    expect(cards.get_by_role("link")).to_have_count(1)
    expect(desk).to_have_url(re.compile("use=unused"))
    cards.get_by_role("link", name="unused.png").click()
    desk.get_by_role("dialog", name="unused.png").get_by_role("button", name="Delete").click()
    desk.get_by_role("dialog", name="Delete “unused.png”").get_by_role("button", name="Delete").click()
    expect(desk.get_by_text("No images match these filters")).to_be_visible()
    assert not MediaAsset.objects.filter(pk=unused.pk).exists()
