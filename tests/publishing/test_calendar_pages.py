"""The calendar over HTTP: views and filters, drops and their refusals, undo, live changes."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import Organization, User
from accounts.permissions import Role
from connections.models import SocialConnection
from publishing.models import SocialPost
from tests import factories
from tests.conftest import signed_in

LISBON = ZoneInfo("Europe/Lisbon")
NOW = datetime(2026, 12, 9, 12, 0, tzinfo=UTC)
MONTH = "/calendar/?view=month&date=2026-12-09"


@pytest.fixture(autouse=True)
def _at_noon() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def x(club: Organization) -> SocialConnection:
    return factories.make_connection(club, "TWITTER", account_name="Riverside GC", expires_in_s=30 * 24 * 3600)


@pytest.fixture
def post(x: SocialConnection, bob: User) -> SocialPost:
    return factories.make_post(x, content="Members' dinner", scheduled_at=lisbon(2026, 12, 10, 17, 45), created_by=bob)


def lisbon(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=LISBON)  # type: ignore[arg-type, misc]


def drop(client: Client, post: SocialPost, page: str = MONTH, **fields: object) -> Any:
    """Drop a card as the page does."""
    answer = client.post(
        reverse("publishing:calendar_drop", args=[post.pk]), fields, HTTP_HX_REQUEST="true",
        HTTP_HX_CURRENT_URL=f"http://testserver{page}",
    )  # fmt: skip
    return answer


def toast_of(answer: Any) -> dict[str, str]:
    toast: dict[str, str] = json.loads(answer.headers["HX-Trigger"])["toast"]
    return toast


def undo(client: Client, url: str, page: str = MONTH) -> Any:
    return client.post(url, HTTP_HX_REQUEST="true", HTTP_HX_CURRENT_URL=f"http://testserver{page}")


def days_in(answer: Any) -> set[str]:
    text = answer.content.decode()
    return {part[:10] for part in text.split('id="day-')[1:]}


# --- what it shows ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("view", ["month", "week", "day", "list"])
def test_every_view_shows_the_post_at_its_local_time_and_names_the_zone(
    as_bob: Client, post: SocialPost, view: str
) -> None:
    page = as_bob.get(f"/calendar/?view={view}&date=2026-12-10").content.decode()
    assert f'id="post-{post.pk}"' in page
    assert "17:45" in page
    assert "Europe/Lisbon" in page


def test_the_month_is_the_first_view_and_marks_today(as_bob: Client, club: Organization) -> None:
    page = as_bob.get("/calendar/").content.decode()
    assert "December 2026" in page
    assert 'class="day is-today is-empty" id="day-2026-12-09"' in page


def test_an_address_that_makes_no_sense_shows_the_month_of_today(as_bob: Client, club: Organization) -> None:
    for query in (
        "view=year",
        "date=2026-13-40",
        "date=9999-01-01",
        "connection=x&author=1&status=?",
        "date=%00&q=%00&platform=%00",
    ):
        answer = as_bob.get(f"/calendar/?{query}")
        assert answer.status_code == 200, query


def test_filters_hold_together_and_several_values_of_one_mean_any(
    as_bob: Client, club: Organization, x: SocialConnection, alice: User, bob: User
) -> None:
    page = factories.make_connection(club, "FACEBOOK")
    winter = factories.make_campaign(club, name="Winter")
    at = lisbon(2026, 12, 10, 9, 0)
    by_bob = factories.make_post(x, scheduled_at=at, created_by=bob, campaign=winter)
    by_alice = factories.make_post(x, scheduled_at=at, created_by=alice)
    on_page = factories.make_post(page, scheduled_at=at, created_by=bob)

    def shown(query: str) -> set[SocialPost]:
        text = as_bob.get(f"/calendar/?date=2026-12-09&{query}").content.decode()
        return {row for row in (by_bob, by_alice, on_page) if f'id="post-{row.pk}"' in text}

    assert shown("") == {by_bob, by_alice, on_page}
    assert shown("platform=TWITTER") == {by_bob, by_alice}
    assert shown("platform=TWITTER&platform=FACEBOOK") == {by_bob, by_alice, on_page}
    assert shown(f"connection={page.pk}") == {on_page}
    assert shown(f"author={bob.pk}") == {by_bob, on_page}
    assert shown(f"author={bob.pk}&platform=TWITTER") == {by_bob}
    assert shown(f"campaign={winter.pk}") == {by_bob}
    assert shown("status=FAILED") == set()
    assert shown(f"q={by_alice.content[-6:]}") == {by_alice}


def test_htmx_gets_the_grid_alone_and_an_address_to_bookmark(as_bob: Client, post: SocialPost) -> None:
    answer = as_bob.get("/calendar/?view=week&date=2026-12-10&q=&platform=TWITTER", HTTP_HX_REQUEST="true")
    assert b"<html" not in answer.content
    assert f'id="post-{post.pk}"'.encode() in answer.content
    assert answer.headers["HX-Push-Url"] == "/calendar/?view=week&date=2026-12-10&platform=TWITTER"
    assert "HX-Request" in answer.headers["Vary"]


def test_drafts_without_a_time_wait_in_the_tray_and_what_needs_a_person_beside_it(
    as_bob: Client, club: Organization, x: SocialConnection
) -> None:
    lost = factories.make_connection(club, "FACEBOOK", account_name="Junior Academy", is_active=False)
    draft = factories.make_post(x, status="DRAFT", content="Sunrise over the 12th")
    failed = factories.make_post(x, status="FAILED", error_message="X refused the picture.")
    waiting = factories.make_post(lost, content="Spring camp", scheduled_at=lisbon(2027, 3, 1, 9, 0))
    page = as_bob.get("/calendar/").content.decode()
    attention, tray = page.split('id="attention-title"')[1].split('id="tray"')
    assert f'id="post-{draft.pk}"' in tray
    assert f"/posts/{failed.pk}/" in attention
    assert "X did not accept this post. Edit it, then try again." in attention
    assert f"/posts/{waiting.pk}/" in attention
    assert "Junior Academy needs to be reconnected" in attention


def test_a_post_whose_account_must_be_reconnected_is_unmistakable_on_its_day(
    as_bob: Client, club: Organization, post: SocialPost
) -> None:
    SocialConnection.objects.update(is_active=False)
    page = as_bob.get(MONTH).content.decode()
    card = page.split(f'id="post-{post.pk}"')[1][:900]
    assert 'data-tone="warn"' in card
    assert "Waiting for reconnection" in card


@pytest.mark.parametrize("view", ["month", "week", "list"])
def test_thirty_posts_cost_as_many_queries_as_three(
    as_bob: Client, club: Organization, x: SocialConnection, view: str
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(database) as caught:
            assert as_bob.get(f"/calendar/?view={view}&date=2026-12-09").status_code == 200
        return len(caught)

    def add(number: int) -> None:
        for hour in range(number):
            row = factories.make_post(x, scheduled_at=lisbon(2026, 12, 10, 8, 0) + timedelta(hours=hour))
            factories.attach(row, factories.make_asset(club))
            factories.make_post(x, status="DRAFT")
            factories.make_post(x, status="FAILED")

    add(3)
    as_bob.get("/calendar/")
    few = queries()
    add(27)
    assert queries() == few


def test_a_viewer_sees_the_calendar_and_nothing_to_move(club: Organization, post: SocialPost) -> None:
    viewer = signed_in(factories.make_member(club, Role.VIEWER).user)
    page = viewer.get(MONTH).content.decode()
    assert f'id="post-{post.pk}"' in page
    assert "data-editable" not in page
    assert "day-add" not in page
    assert "is-movable" not in page
    assert drop(viewer, post, to="day", day="2026-12-11").status_code == 403


def test_a_stranger_sees_and_moves_nothing_of_another_organization(as_eve: Client, post: SocialPost) -> None:
    assert str(post.pk) not in as_eve.get(MONTH).content.decode()
    assert drop(as_eve, post, to="day", day="2026-12-11").status_code == 404
    assert as_eve.get(reverse("publishing:move", args=[post.pk])).status_code == 404
    assert as_eve.get(reverse("publishing:calendar_post", args=[post.pk]), HTTP_HX_REQUEST="true").status_code == 404


def test_plus_more_opens_the_whole_day(as_bob: Client, x: SocialConnection) -> None:
    rows = [factories.make_post(x, scheduled_at=lisbon(2026, 12, 10, hour, 0)) for hour in range(8, 15)]
    page = as_bob.get(MONTH).content.decode()
    assert "+4 more" in page
    opened = as_bob.get("/calendar/days/2026-12-10/", HTTP_HX_REQUEST="true").content.decode()
    assert all(str(row.pk) in opened for row in rows)
    assert (
        as_bob.get("/calendar/days/2026-12-10/").headers["Location"].startswith("/calendar/?view=day&date=2026-12-10")
    )
    assert as_bob.get("/calendar/days/2026-02-30/", HTTP_HX_REQUEST="true").status_code == 404


# --- moving -----------------------------------------------------------------------------------------------------------


def test_a_drop_on_another_day_keeps_the_posts_own_time_of_day(as_bob: Client, post: SocialPost) -> None:
    answer = drop(as_bob, post, to="day", day="2026-12-17")
    post.refresh_from_db()
    assert answer.status_code == 200
    assert post.scheduled_at == lisbon(2026, 12, 17, 17, 45)
    assert days_in(answer) == {"2026-12-10", "2026-12-17"}
    assert toast_of(answer)["text"] == "Moved to Thu 17 Dec, 17:45."


def test_a_drop_keeps_the_wall_time_across_the_clock_change(as_bob: Client, post: SocialPost) -> None:
    drop(as_bob, post, page="/calendar/?date=2027-03-01", to="day", day="2027-03-30")
    post.refresh_from_db()
    assert post.scheduled_at == lisbon(2027, 3, 30, 17, 45)
    assert post.scheduled_at is not None
    assert post.scheduled_at.astimezone(UTC).hour == 16  # summer time: 17:45 in Lisbon is 16:45 in UTC


def test_a_drop_keeps_the_wall_time_where_the_day_is_another_one_in_utc(
    as_bob: Client, club: Organization, post: SocialPost
) -> None:
    """Twenty to eleven in the evening in New York is the next day's early morning in UTC."""
    club.time_zone = "America/New_York"
    club.save(update_fields=["time_zone"])
    evening = datetime(2026, 12, 10, 22, 40, tzinfo=club.zone)
    SocialPost.objects.filter(pk=post.pk).update(scheduled_at=evening)
    drop(as_bob, post, to="day", day="2026-12-17")
    post.refresh_from_db()
    assert post.scheduled_at == datetime(2026, 12, 17, 22, 40, tzinfo=club.zone)


def test_a_drop_on_an_hour_sets_the_hour(as_bob: Client, post: SocialPost) -> None:
    answer = drop(as_bob, post, page="/calendar/?view=week&date=2026-12-09", to="day", day="2026-12-11", hour=8)
    post.refresh_from_db()
    assert post.scheduled_at == lisbon(2026, 12, 11, 8, 45)
    assert b'id="hour-2026-12-11-08"' in answer.content


def test_a_draft_dropped_on_a_day_is_scheduled_for_nine(as_bob: Client, x: SocialConnection) -> None:
    draft = factories.make_post(x, status="DRAFT", content="Sunrise over the 12th")
    answer = drop(as_bob, draft, to="day", day="2026-12-12")
    draft.refresh_from_db()
    assert draft.status == "SCHEDULED"
    assert draft.scheduled_at == lisbon(2026, 12, 12, 9, 0)
    assert toast_of(answer)["text"] == "Scheduled for Sat 12 Dec, 09:00."
    tray = answer.content.decode().split('id="tray"')[1]
    assert str(draft.pk) not in tray


def test_a_draft_dropped_on_today_gets_the_next_full_hour(as_bob: Client, x: SocialConnection) -> None:
    draft = factories.make_post(x, status="DRAFT")
    drop(as_bob, draft, to="day", day="2026-12-09")
    draft.refresh_from_db()
    assert draft.scheduled_at == lisbon(2026, 12, 9, 13, 0)


def test_a_draft_that_its_platform_would_refuse_stays_in_the_tray_and_says_why(
    as_bob: Client, x: SocialConnection
) -> None:
    draft = factories.make_post(x, status="DRAFT", content="x" * 300)
    answer = drop(as_bob, draft, to="day", day="2026-12-12")
    draft.refresh_from_db()
    assert answer.status_code == 422
    assert draft.status == "DRAFT"
    assert "280" in toast_of(answer)["text"]
    assert str(draft.pk) in answer.content.decode().split('id="tray"')[1]


def test_a_post_dropped_into_the_tray_becomes_a_draft_without_a_time(as_bob: Client, post: SocialPost) -> None:
    answer = drop(as_bob, post, to="tray")
    post.refresh_from_db()
    assert (post.status, post.scheduled_at) == ("DRAFT", None)
    assert str(post.pk) in answer.content.decode().split('id="tray"')[1]


def test_nothing_can_be_dropped_into_the_past(as_bob: Client, post: SocialPost) -> None:
    before = post.scheduled_at
    answer = drop(as_bob, post, to="day", day="2026-12-08")
    post.refresh_from_db()
    assert answer.status_code == 422
    assert (post.status, post.scheduled_at) == ("SCHEDULED", before)
    assert "passed" in toast_of(answer)["text"]
    assert days_in(answer) == {"2026-12-10", "2026-12-08"}
    assert f'is-refused" id="post-{post.pk}"'.encode() in answer.content


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"status": "PUBLISHED", "published_at": NOW - timedelta(hours=1)}, "already published"),
        ({"status": "PUBLISHING"}, "being published"),
        ({"status": "FAILED", "error_code": "OUTCOME_UNKNOWN"}, "Say what happened"),
    ],
)
def test_a_post_that_went_out_or_may_have_stays_where_it_is(
    as_bob: Client, post: SocialPost, fields: dict[str, Any], reason: str
) -> None:
    SocialPost.objects.filter(pk=post.pk).update(**fields)
    answer = drop(as_bob, post, to="day", day="2026-12-17")
    row = SocialPost.objects.get(pk=post.pk)
    assert answer.status_code == 422
    assert reason in toast_of(answer)["text"]
    assert row.status == fields["status"]
    assert row.scheduled_at == post.scheduled_at


def test_a_post_of_a_disconnected_account_stays_and_says_so(as_bob: Client, post: SocialPost) -> None:
    SocialConnection.objects.update(is_active=False)
    answer = drop(as_bob, post, to="day", day="2026-12-17")
    assert answer.status_code == 422
    assert "reconnected" in toast_of(answer)["text"]


def test_a_time_that_the_clocks_skip_is_refused_with_the_ones_that_exist(as_bob: Client, x: SocialConnection) -> None:
    early = factories.make_post(x, scheduled_at=lisbon(2027, 3, 27, 1, 30))
    answer = drop(as_bob, early, page="/calendar/?date=2027-03-01", to="day", day="2027-03-28")
    early.refresh_from_db()
    assert answer.status_code == 422
    assert early.scheduled_at == lisbon(2027, 3, 27, 1, 30)
    text = toast_of(answer)["text"]
    assert "01:30 does not exist on 28 March 2027" in text
    assert "00:30" in text
    assert "02:30" in text


def test_a_time_that_happens_twice_takes_the_first_and_says_so(as_bob: Client, x: SocialConnection) -> None:
    early = factories.make_post(x, scheduled_at=lisbon(2027, 10, 30, 1, 30))
    answer = drop(as_bob, early, page="/calendar/?date=2027-10-01", to="day", day="2027-10-31")
    early.refresh_from_db()
    assert early.scheduled_at == datetime(2027, 10, 31, 0, 30, tzinfo=UTC)
    assert "happens twice" in toast_of(answer)["text"]


def test_the_dialog_asks_which_of_two_equal_times_is_meant(as_bob: Client, post: SocialPost) -> None:
    url = reverse("publishing:move", args=[post.pk])
    said = {"day": "2027-10-31", "time": "01:30"}
    asked = as_bob.post(url, said, HTTP_HX_REQUEST="true", HTTP_HX_CURRENT_URL=f"http://testserver{MONTH}")
    assert asked.status_code == 422
    assert "01:30 (UTC+0100)" in asked.content.decode()
    assert "01:30 (UTC+0000)" in asked.content.decode()
    as_bob.post(url, said | {"fold": "1"}, HTTP_HX_REQUEST="true", HTTP_HX_CURRENT_URL=f"http://testserver{MONTH}")
    post.refresh_from_db()
    assert post.scheduled_at == datetime(2027, 10, 31, 1, 30, tzinfo=UTC)


def test_the_dialog_moves_to_any_day_and_refuses_with_the_reason_beside_the_fields(
    as_bob: Client, post: SocialPost
) -> None:
    url = reverse("publishing:move", args=[post.pk])
    here: dict[str, Any] = {"HTTP_HX_REQUEST": "true", "HTTP_HX_CURRENT_URL": f"http://testserver{MONTH}"}
    assert 'value="17:45"' in as_bob.get(url, **here).content.decode()
    refused = as_bob.post(url, {"day": "2026-12-01", "time": "10:00"}, **here)
    assert refused.status_code == 422
    assert "passed" in refused.content.decode()
    moved = as_bob.post(url, {"day": "2027-06-01", "time": "10:00"}, **here)
    post.refresh_from_db()
    assert moved.status_code == 200
    assert post.scheduled_at == lisbon(2027, 6, 1, 10, 0)
    assert days_in(moved) == {"2026-12-10"}  # June is not on the page


def test_the_dialog_works_as_a_page_without_scripts(as_bob: Client, post: SocialPost) -> None:
    url = reverse("publishing:move", args=[post.pk])
    assert "<html" in as_bob.get(url).content.decode()
    answer = as_bob.post(url, {"day": "2026-12-20", "time": "10:00"})
    post.refresh_from_db()
    assert answer.headers["Location"] == reverse("publishing:post", args=[post.pk])
    assert post.scheduled_at == lisbon(2026, 12, 20, 10, 0)


@pytest.mark.parametrize("fields", [{}, {"to": "day"}, {"to": "day", "day": "soon"}, {"to": "moon", "day": "2026-12-12"},
                                    {"to": "day", "day": "2026-12-12", "hour": "24"}, {"to": "day", "day": "9999-12-12"}])  # fmt: skip
def test_a_drop_that_makes_no_sense_changes_nothing(as_bob: Client, post: SocialPost, fields: dict[str, str]) -> None:
    assert drop(as_bob, post, **fields).status_code == 422
    before = post.scheduled_at
    post.refresh_from_db()
    assert post.scheduled_at == before


# --- undo -------------------------------------------------------------------------------------------------------------


def test_undo_restores_the_time_before(as_bob: Client, post: SocialPost) -> None:
    url = toast_of(drop(as_bob, post, to="day", day="2026-12-17"))["undo_url"]
    answer = undo(as_bob, url)
    post.refresh_from_db()
    assert post.scheduled_at == lisbon(2026, 12, 10, 17, 45)
    assert days_in(answer) == {"2026-12-10", "2026-12-17"}
    assert toast_of(answer)["text"] == "Put back to Thu 10 Dec, 17:45."


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"status": "DRAFT"}, ("DRAFT", "")),
        ({"status": "FAILED", "error_code": "MEDIA_ERROR", "error_message": "Too large.", "retry_count": 2},
         ("FAILED", "MEDIA_ERROR")),
        ({"status": "CANCELLED", "scheduled_at": NOW - timedelta(days=3)}, ("CANCELLED", "")),
        ({"hold_reason": "RECONNECTED", "error_code": "HELD", "scheduled_at": NOW - timedelta(hours=3)},
         ("SCHEDULED", "HELD")),
    ],
)  # fmt: skip
def test_undo_restores_the_state_before_too(
    as_bob: Client, x: SocialConnection, fields: dict[str, Any], expected: tuple[str, str]
) -> None:
    row = factories.make_post(x, **fields)
    before = (
        SocialPost.objects.filter(pk=row.pk).values("scheduled_at", "hold_reason", "error_message", "retry_count").get()
    )
    moved = drop(as_bob, row, to="day", day="2026-12-17")
    row.refresh_from_db()
    assert (row.status, row.hold_reason, row.error_code) == ("SCHEDULED", "", "")
    undo(as_bob, toast_of(moved)["undo_url"])
    row.refresh_from_db()
    assert (row.status, row.error_code) == expected
    assert {name: getattr(row, name) for name in before} == before


def test_undo_of_a_drop_into_the_tray_schedules_it_again(as_bob: Client, post: SocialPost) -> None:
    undo(as_bob, toast_of(drop(as_bob, post, to="tray"))["undo_url"])
    post.refresh_from_db()
    assert (post.status, post.scheduled_at) == ("SCHEDULED", lisbon(2026, 12, 10, 17, 45))


def test_undo_is_refused_once_something_else_changed(as_bob: Client, post: SocialPost) -> None:
    url = toast_of(drop(as_bob, post, to="day", day="2026-12-17"))["undo_url"]
    drop(as_bob, post, to="day", day="2026-12-18")
    answer = undo(as_bob, url)
    post.refresh_from_db()
    assert answer.status_code == 422
    assert "changed in the meantime" in toast_of(answer)["text"]
    assert post.scheduled_at == lisbon(2026, 12, 18, 17, 45)


def test_undo_never_brings_a_post_into_the_past(as_bob: Client, x: SocialConnection) -> None:
    soon = factories.make_post(x, scheduled_at=NOW + timedelta(minutes=2))
    url = toast_of(drop(as_bob, soon, to="day", day="2026-12-17"))["undo_url"]
    with time_machine.travel(NOW + timedelta(minutes=5), tick=False):
        answer = undo(as_bob, url)
    soon.refresh_from_db()
    assert answer.status_code == 422
    assert soon.scheduled_at is not None
    assert soon.scheduled_at.astimezone(LISBON).day == 17


def test_an_undo_is_for_its_own_organization_and_for_an_hour(as_bob: Client, as_eve: Client, post: SocialPost) -> None:
    url = toast_of(drop(as_bob, post, to="day", day="2026-12-17"))["undo_url"]
    assert undo(as_eve, url).status_code == 422
    assert undo(as_bob, url + "x").status_code == 422
    with time_machine.travel(NOW + timedelta(hours=2), tick=False):
        assert undo(as_bob, url).status_code == 422
    post.refresh_from_db()
    assert post.scheduled_at == lisbon(2026, 12, 17, 17, 45)


def test_a_cancelled_post_comes_back_by_undo(as_bob: Client, post: SocialPost) -> None:
    answer = as_bob.post(
        reverse("publishing:cancel", args=[post.pk]), HTTP_HX_REQUEST="true",
        HTTP_HX_CURRENT_URL=f"http://testserver{MONTH}",
    )  # fmt: skip
    post.refresh_from_db()
    assert post.status == "CANCELLED"
    undo(as_bob, toast_of(answer)["undo_url"])
    post.refresh_from_db()
    assert (post.status, post.scheduled_at) == ("SCHEDULED", lisbon(2026, 12, 10, 17, 45))


# --- live -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def ask(as_bob: Client) -> Callable[[], Any]:
    """Ask for changes as an open page does, knowing what that page showed when the fixture was first used."""
    page = as_bob.get(MONTH).content.decode()
    grid, aside = page.split('id="calendar-aside"')
    versions = [part[:8] for part in grid.split('data-version="')[1:]]
    tray = aside.split('data-version="')[1][:8]

    def asked() -> Any:
        query = {"view": "month", "date": "2026-12-09", "versions": ",".join(versions), "tray": tray}
        answer: Any = as_bob.get("/calendar/changes/", query, HTTP_HX_REQUEST="true")
        return answer

    return asked


def test_nothing_new_is_answered_with_nothing(post: SocialPost, ask: Callable[[], Any]) -> None:
    assert ask().status_code == 204


@pytest.mark.parametrize("field", ["status", "content", "is_active"])
def test_a_change_made_by_plain_sql_appears_on_the_open_page(
    post: SocialPost, ask: Callable[[], Any], field: str
) -> None:
    statements = {
        "status": """UPDATE "SocialPost" SET status = 'CANCELLED'""",
        "content": """UPDATE "SocialPost" SET content = 'Other words'""",
        "is_active": """UPDATE "SocialConnection" SET is_active = FALSE""",
    }
    with database.cursor() as cursor:
        cursor.execute(statements[field])
    answer = ask()
    assert answer.status_code == 200
    assert days_in(answer) == {"2026-12-10"}
    assert b'hx-swap-oob="true"' in answer.content


def test_a_new_draft_appears_in_the_tray_of_the_open_page(x: SocialConnection, ask: Callable[[], Any]) -> None:
    draft = factories.make_post(x, status="DRAFT")
    answer = ask()
    assert days_in(answer) == set()
    assert f'id="post-{draft.pk}"'.encode() in answer.content


def test_at_midnight_the_mark_of_today_moves_on_the_open_page(post: SocialPost, ask: Callable[[], Any]) -> None:
    with time_machine.travel(NOW + timedelta(days=1), tick=False):
        assert days_in(ask()) == {"2026-12-09", "2026-12-10"}


def test_the_drawer_shows_the_post_and_what_can_be_done(as_bob: Client, post: SocialPost) -> None:
    text = as_bob.get(reverse("publishing:calendar_post", args=[post.pk]), HTTP_HX_REQUEST="true").content.decode()
    assert "Members&#x27; dinner" in text
    assert "Thu 10 Dec 2026, 17:45" in text
    for name in ("edit", "move", "publish_now", "cancel", "unschedule"):
        assert reverse(f"publishing:{name}", args=[post.pk]) in text
    assert as_bob.get(reverse("publishing:calendar_post", args=[post.pk])).headers["Location"] == reverse(
        "publishing:post", args=[post.pk]
    )


def test_publishing_now_from_the_drawer_updates_the_open_calendar(as_bob: Client, post: SocialPost) -> None:
    answer = as_bob.post(
        reverse("publishing:publish_now", args=[post.pk]), HTTP_HX_REQUEST="true",
        HTTP_HX_CURRENT_URL=f"http://testserver{MONTH}",
    )  # fmt: skip
    post.refresh_from_db()
    assert post.scheduled_at == timezone.now()
    assert days_in(answer) == {"2026-12-09", "2026-12-10"}
    assert "closeDialog" in answer.headers["HX-Trigger-After-Settle"]
