"""The calendar under the mouse, the keyboard and a finger."""

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection as database
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from accounts.models import Organization, User
from connections.models import SocialConnection
from publishing.calendar import monday_of
from publishing.models import PostGroup, SocialPost
from tests import factories
from tests.accessibility import assert_accessible

pytestmark = pytest.mark.browser

LISBON = ZoneInfo("Europe/Lisbon")
Browse = Callable[..., Page]


def next_month_day(number: int) -> date:
    """A day of next month: always in the future, always on one page with its neighbours."""
    first = (timezone.now().astimezone(LISBON).date().replace(day=28) + timedelta(days=4)).replace(day=1)
    return first.replace(day=number)


TENTH, MONTH = next_month_day(10), f"/calendar/?view=month&date={next_month_day(10)}"


@pytest.fixture
def x(club: Organization) -> SocialConnection:
    return factories.make_connection(club, "TWITTER", account_name="Riverside GC", expires_in_s=90 * 24 * 3600)


@pytest.fixture
def idea(club: Organization, x: SocialConnection) -> list[SocialPost]:
    """One idea for three accounts, on the tenth at 17:45."""
    group = PostGroup.objects.create(organization=club, content="Members' dinner")
    others = [factories.make_connection(club, platform, account_name="Riverside GC") for platform in ("FACEBOOK", "MASTODON")]  # fmt: skip
    return [factories.make_post(account, group=group, content=group.content, scheduled_at=at(TENTH, 17, 45))
            for account in (x, *others)]  # fmt: skip


@pytest.fixture
def post(x: SocialConnection) -> SocialPost:
    return factories.make_post(x, content="Members' dinner", scheduled_at=at(TENTH, 17, 45))


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), tzinfo=LISBON)


def time_of(post: SocialPost) -> datetime | None:
    return SocialPost.objects.values_list("scheduled_at", flat=True).get(pk=post.pk)


def drag(page: Page, card: Locator, place: Locator, *, see: Callable[[], None] | None = None) -> None:
    """Lift a card with the mouse, carry it in steps as a hand does, look, drop it."""
    start, end = card.bounding_box(), place.bounding_box()
    assert start is not None
    assert end is not None
    page.mouse.move(start["x"] + 40, start["y"] + start["height"] / 2)
    page.mouse.down()
    page.mouse.move(start["x"] + 50, start["y"] + start["height"] / 2 + 8, steps=4)
    page.mouse.move(end["x"] + end["width"] / 2, end["y"] + end["height"] / 2, steps=12)
    if see:
        see()
    page.mouse.up()


def card_of(page: Page, post: SocialPost) -> Locator:
    return page.locator(f'[id="post-{post.pk}"]')


def day_of(page: Page, day: date) -> Locator:
    return page.locator(f"#day-{day}")


def test_a_drag_to_another_day_shows_the_new_time_keeps_it_and_can_be_undone(
    browse: Browse, bob: User, post: SocialPost
) -> None:
    page = browse(bob, MONTH)
    target = TENTH + timedelta(days=1) if TENTH.weekday() < 6 else TENTH - timedelta(days=1)
    hint = f"{target:%a} {target.day} {target:%b}, 17:45"
    drag(
        page,
        card_of(page, post),
        day_of(page, target),
        see=lambda: expect(page.locator(".drag-hint")).to_have_text(hint),
    )
    expect(page.locator(".toast")).to_contain_text(f"Moved to {hint}.")
    expect(day_of(page, target).locator(".post-card")).to_have_count(1)
    expect(card_of(page, post)).to_have_count(1)
    assert time_of(post) == at(target, 17, 45)
    page.get_by_role("button", name="Undo").click()
    expect(day_of(page, TENTH).locator(".post-card")).to_have_count(1)
    assert time_of(post) == at(TENTH, 17, 45)
    expect(page.get_by_role("dialog")).to_have_count(0)  # a drag is no click


def test_a_drop_on_the_past_snaps_back_and_says_why(browse: Browse, bob: User, x: SocialConnection) -> None:
    today = timezone.now().astimezone(LISBON).date()
    soon = factories.make_post(x, scheduled_at=timezone.now() + timedelta(hours=30))
    there = timezone.localtime(soon.scheduled_at, LISBON).date()
    page = browse(bob, f"/calendar/?view=month&date={there}")
    past = (
        page.locator("[data-place][data-past]").last if there.day > 1 else page.locator("[data-place][data-past]").first
    )
    assert today >= date.fromisoformat(past.get_attribute("data-date") or "")
    before = time_of(soon)
    drag(page, card_of(page, soon), past, see=lambda: expect(page.locator(".drag-hint")).to_contain_text("in the past"))
    expect(page.get_by_role("alert")).to_contain_text("has passed")
    expect(day_of(page, there).locator(f'[id="post-{soon.pk}"]')).to_be_visible()
    assert time_of(soon) == before


def test_a_draft_dragged_from_the_tray_onto_a_day_is_scheduled(browse: Browse, bob: User, x: SocialConnection) -> None:
    draft = factories.make_post(x, status="DRAFT", content="Sunrise over the 12th")
    page = browse(bob, MONTH)
    drag(page, card_of(page, draft), day_of(page, TENTH))
    expect(page.locator(".toast")).to_contain_text("09:00")
    expect(day_of(page, TENTH).locator(".post-card")).to_contain_text("Sunrise")
    expect(page.locator("#tray [data-post]")).to_have_count(0)
    draft.refresh_from_db()
    assert (draft.status, draft.scheduled_at) == ("SCHEDULED", at(TENTH, 9))


def test_a_draft_that_the_platform_would_refuse_goes_back_into_the_tray(
    browse: Browse, bob: User, x: SocialConnection
) -> None:
    draft = factories.make_post(x, status="DRAFT", content="x" * 300)
    page = browse(bob, MONTH)
    drag(page, card_of(page, draft), day_of(page, TENTH))
    expect(page.get_by_role("alert")).to_contain_text("280")
    expect(page.locator("#tray [data-post]")).to_have_count(1)
    expect(day_of(page, TENTH).locator("[data-post]")).to_have_count(0)
    draft.refresh_from_db()
    assert draft.status == "DRAFT"


def test_a_post_dragged_into_the_tray_loses_its_time(browse: Browse, bob: User, post: SocialPost) -> None:
    page = browse(bob, MONTH)
    drag(page, card_of(page, post), page.locator("#tray"))
    expect(page.locator(".toast")).to_contain_text("Moved to drafts")
    expect(page.locator("#tray [data-post]")).to_have_count(1)
    post.refresh_from_db()
    assert (post.status, post.scheduled_at) == ("DRAFT", None)


def test_plus_more_is_a_place_to_drop_too(browse: Browse, bob: User, x: SocialConnection, post: SocialPost) -> None:
    full = TENTH + timedelta(days=7)
    for hour in range(8, 14):
        factories.make_post(x, scheduled_at=at(full, hour))
    page = browse(bob, MONTH)
    drag(page, card_of(page, post), day_of(page, full).locator(".day-more"))
    expect(day_of(page, full).locator(".day-more")).to_have_text("+4 more")
    expect(page.locator(".toast")).to_contain_text("17:45")
    assert time_of(post) == at(full, 17, 45)
    day_of(page, full).locator(".day-more").click()
    expect(page.get_by_role("dialog")).to_contain_text("Members' dinner")


def test_a_drop_on_an_hour_of_the_week_sets_the_hour(browse: Browse, bob: User, post: SocialPost) -> None:
    page = browse(bob, f"/calendar/?view=week&date={TENTH}")
    other = monday_of(TENTH) + timedelta(days=(TENTH.weekday() + 1) % 7)
    card_of(page, post).scroll_into_view_if_needed()
    target = page.locator(f"#hour-{other}-15")
    target.scroll_into_view_if_needed()
    drag(page, card_of(page, post), target, see=lambda: expect(page.locator(".drag-hint")).to_contain_text("15:45"))
    expect(page.locator(".toast")).to_contain_text("15:45")
    expect(target.locator(".post-card")).to_have_count(1)
    assert time_of(post) == at(other, 15, 45)


def test_a_server_that_does_not_answer_leaves_the_card_where_it_was(
    browse: Browse, bob: User, post: SocialPost
) -> None:
    page = browse(bob, MONTH)
    page.route("**/drop/", lambda route: route.abort())
    drag(page, card_of(page, post), day_of(page, TENTH + timedelta(days=7)))
    expect(page.get_by_role("alert")).to_contain_text("did not respond")
    expect(day_of(page, TENTH).locator(".post-card")).to_have_count(1)
    assert time_of(post) == at(TENTH, 17, 45)


def test_a_card_of_three_accounts_is_dragged_as_one_and_comes_back_by_one_undo(
    browse: Browse, bob: User, idea: list[SocialPost]
) -> None:
    page = browse(bob, MONTH)
    card, target = page.locator(".post-card"), TENTH + timedelta(days=7)
    expect(card).to_have_count(1)
    drag(page, card, day_of(page, target))
    expect(page.locator(".toast")).to_contain_text("3 posts moved to")
    expect(day_of(page, target).locator(".post-card .post-mark")).to_have_count(3)
    assert {time_of(post) for post in idea} == {at(target, 17, 45)}
    page.get_by_role("button", name="Undo").click()
    expect(day_of(page, TENTH).locator(".post-card .post-mark")).to_have_count(3)
    assert {time_of(post) for post in idea} == {at(TENTH, 17, 45)}


def test_a_card_that_one_account_refuses_to_move_goes_back_and_says_which(
    browse: Browse, bob: User, idea: list[SocialPost]
) -> None:
    SocialPost.objects.filter(pk=idea[2].pk).update(content="x" * 600)
    page = browse(bob, MONTH)
    drag(page, page.locator(".post-card"), day_of(page, TENTH + timedelta(days=7)))
    expect(page.get_by_role("alert")).to_contain_text("Riverside GC on Mastodon")
    expect(day_of(page, TENTH).locator(".post-card .post-mark")).to_have_count(3)
    assert {time_of(post) for post in idea} == {at(TENTH, 17, 45)}


def test_one_post_of_a_card_is_moved_alone_from_its_drawer(browse: Browse, bob: User, idea: list[SocialPost]) -> None:
    page = browse(bob, MONTH)
    page.locator(".post-card").click()
    drawer = page.get_by_role("dialog", name="Post")
    expect(drawer.locator(".idea-posts > li")).to_have_count(3)
    assert_accessible(page)
    row = drawer.locator(".idea-posts > li").filter(has=page.get_by_role("img", name="Facebook"))
    row.get_by_role("button", name="Move to…").click()
    dialog = page.get_by_role("dialog", name="Move to…")
    dialog.get_by_label("Date").fill(f"{TENTH + timedelta(days=2)}")
    dialog.get_by_role("button", name="Move", exact=True).click()
    expect(page.locator(".post-card")).to_have_count(2)
    assert [time_of(post) for post in idea] == [at(TENTH, 17, 45), at(TENTH + timedelta(days=2), 17, 45), at(TENTH, 17, 45)]  # fmt: skip


# --- keyboard ---------------------------------------------------------------------------------------------------------


def test_a_post_is_moved_by_keyboard_alone_and_every_step_is_said(browse: Browse, bob: User, post: SocialPost) -> None:
    page = browse(bob, MONTH)
    day_of(page, TENTH).focus()
    page.keyboard.press("ArrowDown")
    expect(card_of(page, post)).to_be_focused()
    page.keyboard.press("Space")
    expect(page.locator("#live")).to_contain_text("Picked up")
    page.keyboard.press("ArrowDown")
    week_later = TENTH + timedelta(days=7)
    expect(page.locator("#live")).to_have_text(f"Over {week_later:%a} {week_later.day} {week_later:%b}, 17:45")
    page.keyboard.press("Space")
    expect(day_of(page, week_later).locator(".post-card.is-settled")).to_have_count(1)
    expect(card_of(page, post)).to_be_focused()
    assert time_of(post) == at(week_later, 17, 45)
    page.keyboard.press("z")
    expect(day_of(page, TENTH).locator(".post-card")).to_have_count(1)


def test_escape_puts_a_lifted_post_back(browse: Browse, bob: User, post: SocialPost) -> None:
    page = browse(bob, MONTH)
    card_of(page, post).focus()
    for key in ("Space", "ArrowRight", "ArrowDown", "Escape"):
        page.keyboard.press(key)
    expect(page.locator("#live")).to_contain_text("Move cancelled")
    expect(page.locator(".is-lifted, .is-drop-target, .is-cursor")).to_have_count(0)
    assert time_of(post) == at(TENTH, 17, 45)


def test_shift_and_an_arrow_move_by_a_day_or_a_week_and_the_focus_stays_on_the_post(
    browse: Browse, bob: User, post: SocialPost
) -> None:
    page = browse(bob, MONTH)
    card_of(page, post).focus()
    page.keyboard.press("Shift+ArrowDown")
    expect(day_of(page, TENTH + timedelta(days=7)).locator(".post-card.is-settled")).to_have_count(1)
    expect(card_of(page, post)).to_be_focused()
    page.keyboard.press("Shift+ArrowLeft")
    expect(day_of(page, TENTH + timedelta(days=6)).locator(".post-card.is-settled")).to_have_count(1)
    assert time_of(post) == at(TENTH + timedelta(days=6), 17, 45)


def test_the_keyboard_moves_all_of_a_card(browse: Browse, bob: User, idea: list[SocialPost]) -> None:
    page = browse(bob, MONTH)
    card = page.locator(".post-card")
    card.focus()
    page.keyboard.press("Shift+ArrowDown")
    expect(day_of(page, TENTH + timedelta(days=7)).locator(".post-card.is-settled")).to_have_count(1)
    expect(card).to_be_focused()
    assert {time_of(post) for post in idea} == {at(TENTH + timedelta(days=7), 17, 45)}
    page.keyboard.press("m")
    expect(page.get_by_role("dialog", name="Move to…")).to_contain_text("Move 3 posts to…")
    assert_accessible(page)


def test_m_opens_the_dialog_that_moves_to_any_day(browse: Browse, bob: User, post: SocialPost) -> None:
    page = browse(bob, MONTH)
    card_of(page, post).focus()
    page.keyboard.press("m")
    dialog = page.get_by_role("dialog", name="Move to…")
    expect(dialog.get_by_label("Time")).to_have_value("17:45")
    dialog.get_by_label("Date").fill("2020-01-01")
    dialog.get_by_role("button", name="Move").click()
    expect(dialog.get_by_role("alert")).to_contain_text("has passed")
    dialog.get_by_label("Date").fill(f"{TENTH + timedelta(days=2)}")
    dialog.get_by_label("Time").fill("08:15")
    dialog.get_by_role("button", name="Move").click()
    expect(dialog).to_be_hidden()
    expect(card_of(page, post)).to_contain_text("08:15")
    assert time_of(post) == at(TENTH + timedelta(days=2), 8, 15)


def test_walking_off_the_month_turns_the_page(browse: Browse, bob: User, club: Organization) -> None:
    page = browse(bob, MONTH)
    first = page.locator(".day").first
    there = date.fromisoformat(first.get_attribute("data-date") or "")
    first.focus()
    page.keyboard.press("ArrowLeft")
    expect(day_of(page, there - timedelta(days=1))).to_be_focused()
    assert f"{there.replace(day=1):%Y-%m}" in page.url or f"{there - timedelta(days=1):%Y-%m}" in page.url


def test_tab_leaves_the_grid_after_one_stop(browse: Browse, bob: User, post: SocialPost) -> None:
    page = browse(bob, MONTH)
    expect(page.locator("[data-roving] [tabindex='0']")).to_have_count(1)
    day_of(page, TENTH).focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('[data-roving]') === null")


def test_enter_on_a_post_opens_it_and_escape_closes_it(browse: Browse, bob: User, post: SocialPost) -> None:
    page = browse(bob, MONTH)
    card_of(page, post).focus()
    page.keyboard.press("Enter")
    drawer = page.get_by_role("dialog")
    expect(drawer).to_contain_text("Members' dinner")
    expect(drawer).to_contain_text("Europe/Lisbon")
    page.keyboard.press("Escape")
    expect(drawer).to_have_count(0)


# --- live, filters, phone, access -------------------------------------------------------------------------------------


def test_a_status_changed_elsewhere_appears_without_a_reload(browse: Browse, bob: User, post: SocialPost) -> None:
    page = browse(bob, MONTH)
    expect(card_of(page, post)).to_have_attribute("data-status", "SCHEDULED")
    with database.cursor() as cursor:
        cursor.execute("""UPDATE "SocialPost" SET status = 'FAILED', error_message = 'Refused.'""")
    expect(card_of(page, post)).to_have_attribute("data-status", "FAILED", timeout=15_000)
    expect(page.locator("#calendar-aside")).to_contain_text("did not publish it")


def test_a_filter_narrows_the_grid_and_stands_in_the_address(
    browse: Browse, bob: User, club: Organization, post: SocialPost
) -> None:
    other = factories.make_post(factories.make_connection(club, "FACEBOOK"), scheduled_at=at(TENTH, 9))
    page = browse(bob, MONTH)
    page.locator(".chip", has_text="Facebook").click()
    expect(card_of(page, post)).to_have_count(0)
    expect(card_of(page, other)).to_have_count(1)
    expect(page).to_have_url(re.compile("platform=FACEBOOK"))
    page.get_by_role("navigation", name="View").get_by_role("link", name="Week").click()
    expect(page.locator(".week")).to_be_visible()
    expect(page).to_have_url(re.compile("view=week.*platform=FACEBOOK"))
    page.reload()
    expect(card_of(page, other)).to_have_count(1)
    expect(card_of(page, post)).to_have_count(0)


def test_on_a_phone_the_month_is_an_agenda_and_a_post_moves_by_the_sheet(
    browse: Browse, bob: User, post: SocialPost, page: Page
) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    browse(bob, MONTH)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    card_of(page, post).click()
    drawer = page.get_by_role("dialog", name="Post")
    drawer.get_by_role("button", name="Move to…").click()
    sheet = page.get_by_role("dialog", name="Move to…")
    sheet.get_by_label("Date").fill(f"{TENTH + timedelta(days=3)}")
    sheet.get_by_role("button", name="Move", exact=True).click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(day_of(page, TENTH + timedelta(days=3)).locator(".post-card")).to_be_visible()
    assert time_of(post) == at(TENTH + timedelta(days=3), 17, 45)


def test_on_a_phone_what_leads_on_is_in_sight_at_opening_and_while_scrolling(
    browse: Browse, page: Page, bob: User, x: SocialConnection
) -> None:
    today = timezone.now().astimezone(LISBON).date()
    for number in range(-12, 3):
        factories.make_post(x, content="Greens " * 20, scheduled_at=at(today + timedelta(days=number), 23, 30))
    page.set_viewport_size({"width": 390, "height": 844})
    browse(bob, "/calendar/")
    expect(day_of(page, today)).to_be_in_viewport()
    for view in ("Month", "Week", "Day", "List"):
        page.get_by_role("navigation", name="View").get_by_role("link", name=view).click()
        expect(page.locator("#calendar")).to_have_attribute("data-view", view.lower())
        page.mouse.move(200, 500)
        page.mouse.wheel(0, 300)
        expect(page.get_by_role("heading", level=1)).to_be_in_viewport()
        expect(page.get_by_role("button", name="Filters")).to_be_in_viewport()
        expect(page.get_by_role("banner").get_by_role("link", name="New post")).to_be_in_viewport()
        expect(
            page.get_by_role("navigation", name="Quick navigation").get_by_role("link", name="New post")
        ).to_be_in_viewport()
        if view == "Week":
            expect(page.locator("a.week-head").nth(today.weekday())).to_be_in_viewport()
        expect(page.get_by_text("drag onto a day")).to_be_hidden()
    page.get_by_role("button", name="Filters").click()
    page.locator("#calendar-filters .chip", has_text="X").click()
    expect(page).to_have_url(re.compile("platform=TWITTER"))
    assert_accessible(page)


@pytest.mark.parametrize("width", [1440, 390])
def test_the_buttons_of_a_post_that_waits_stand_in_one_row(
    browse: Browse, page: Page, alice: User, x: SocialConnection, width: int
) -> None:
    factories.make_post(x, status="FAILED")
    factories.make_post(x, hold_reason="RECONNECTED", error_message="It came due while the account was away.")
    away = factories.make_connection(x.organization, "MASTODON", is_active=False)
    factories.make_post(away)
    page.set_viewport_size({"width": width, "height": 900})
    browse(alice, MONTH)
    rows = page.locator("#calendar-aside .tray-card .actions")
    expect(rows).to_have_count(3)
    for row in rows.all():
        boxes = [button.bounding_box() for button in row.locator(".btn").all()]
        assert len(boxes) == 2
        assert len({round(box["y"]) for box in boxes if box}) == 1, row.inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize(
    "path",
    [
        "/calendar/",
        *(MONTH.replace("month", view) for view in ("month", "week", "day", "list")),
        "/posts/",
        "post",
        "/",
    ],
)
def test_axe_finds_nothing(
    browse: Browse, page: Page, bob: User, x: SocialConnection, post: SocialPost, path: str, width: int, scheme: str
) -> None:
    factories.make_post(x, status="DRAFT", content="Sunrise")
    failed = factories.make_post(x, status="FAILED", scheduled_at=at(TENTH, 12))
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": 900})
    browse(bob, f"/posts/{failed.pk}/" if path == "post" else path)
    assert_accessible(page)


def test_axe_finds_nothing_in_the_drawer(browse: Browse, bob: User, post: SocialPost) -> None:
    page = browse(bob, MONTH)
    card_of(page, post).click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert_accessible(page)
