"""The calendar's grid: which days a view shows, where posts stand, and what a drop means."""

from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from accounts.models import Organization
from publishing.calendar import View, build_days, default_time, drop_target, span_of
from publishing.models import SocialPost
from tests import factories

LISBON = ZoneInfo("Europe/Lisbon")
NOON = datetime(2026, 12, 9, 12, 0, tzinfo=UTC)


def lisbon(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=LISBON)  # type: ignore[arg-type, misc]


@pytest.fixture
def post(club: Organization) -> Any:
    connection = factories.make_connection(club)

    def make(at: datetime, **fields: Any) -> SocialPost:
        return factories.make_post(connection, scheduled_at=at, **fields)

    return make


def test_a_month_shows_whole_weeks_from_monday() -> None:
    span = span_of(View.MONTH, date(2026, 12, 9), LISBON)
    assert (span.first, span.after) == (date(2026, 11, 30), date(2027, 1, 4))
    assert span.first.weekday() == 0
    assert len(span.days) == 35


@pytest.mark.parametrize(
    ("view", "anchor", "previous", "following"),
    [
        (View.MONTH, date(2026, 1, 31), date(2025, 12, 1), date(2026, 2, 1)),
        (View.MONTH, date(2026, 12, 9), date(2026, 11, 1), date(2027, 1, 1)),
        (View.WEEK, date(2026, 12, 9), date(2026, 11, 30), date(2026, 12, 14)),
        (View.DAY, date(2026, 12, 9), date(2026, 12, 8), date(2026, 12, 10)),
        (View.LIST, date(2026, 12, 9), date(2026, 11, 25), date(2026, 12, 23)),
    ],
)
def test_going_back_and_forth_reaches_the_neighbouring_span(
    view: View, anchor: date, previous: date, following: date
) -> None:
    span = span_of(view, anchor, LISBON)
    assert (span.previous, span.next) == (previous, following)
    if view != View.MONTH:  # whole weeks: a month shows days of its neighbours
        assert previous not in span
        assert following not in span


def test_the_day_of_the_clock_change_has_the_length_that_it_has() -> None:
    spring = span_of(View.DAY, date(2026, 3, 29), LISBON)
    autumn = span_of(View.DAY, date(2026, 10, 25), LISBON)
    assert (spring.end - spring.start).total_seconds() == 23 * 3600
    assert (autumn.end - autumn.start).total_seconds() == 25 * 3600


def test_an_hour_that_the_clock_skips_is_marked(post: Any) -> None:
    days = build_days(span_of(View.DAY, date(2026, 3, 29), LISBON), [], now=NOON)
    assert [hour.hour for hour in days[0].hours if hour.is_missing] == [1]


def test_a_post_stands_on_its_day_in_the_organizations_zone_and_not_in_utc(post: Any) -> None:
    late = post(datetime(2026, 7, 9, 23, 30, tzinfo=UTC))  # 00:30 of the tenth in Lisbon
    days = build_days(span_of(View.MONTH, date(2026, 7, 1), LISBON), [late], now=NOON)
    assert [day.date for day in days if day.cards] == [date(2026, 7, 10)]


def test_a_published_post_stands_where_it_went_out(post: Any) -> None:
    moved = post(lisbon(2026, 12, 1, 9, 0), status="PUBLISHED", published_at=lisbon(2026, 12, 2, 10, 0))
    days = build_days(span_of(View.MONTH, date(2026, 12, 1), LISBON), [moved], now=NOON)
    assert [(day.date.day, day.cards[0].clock) for day in days if day.cards] == [(2, "10:00")]


def test_a_day_shows_its_first_posts_and_counts_the_rest_with_what_failed_among_them(post: Any) -> None:
    posts = [post(lisbon(2026, 12, 10, hour, 0)) for hour in range(8, 14)]
    posts.append(post(lisbon(2026, 12, 10, 20, 0), status="FAILED"))
    day = next(d for d in build_days(span_of(View.MONTH, date(2026, 12, 1), LISBON), posts, now=NOON) if d.cards)
    assert [card.clock for card in day.visible] == ["08:00", "09:00", "10:00"]
    assert len(day.hidden) == 4
    assert day.hidden_that_need_attention == 1


def test_a_day_whose_posts_all_fit_hides_none(post: Any) -> None:
    posts = [post(lisbon(2026, 12, 10, hour, 0)) for hour in range(8, 12)]
    day = next(d for d in build_days(span_of(View.MONTH, date(2026, 12, 1), LISBON), posts, now=NOON) if d.cards)
    assert (len(day.visible), len(day.hidden)) == (4, 0)


def test_the_version_of_a_day_changes_with_anything_that_it_shows_and_with_nothing_else(post: Any) -> None:
    span = span_of(View.MONTH, date(2026, 12, 1), LISBON)
    row = post(lisbon(2026, 12, 10, 9, 0))

    def versions() -> dict[date, str]:
        return {day.date: day.version for day in build_days(span, [row], now=NOON)}

    before = versions()
    assert versions() == before
    row.likes = 5
    assert versions() == before
    for name, value in [
        ("status", "FAILED"),
        ("content", "Other words"),
        ("scheduled_at", lisbon(2026, 12, 10, 9, 30)),
    ]:
        setattr(row, name, value)
        after = versions()
        assert {day for day in before if before[day] != after[day]} == {date(2026, 12, 10)}, name
        before = after


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (lisbon(2026, 12, 9, 7, 10), time(9)),
        (lisbon(2026, 12, 9, 9, 0), time(10)),
        (lisbon(2026, 12, 9, 14, 40), time(15)),
        (lisbon(2026, 12, 9, 23, 5), None),
        (lisbon(2026, 12, 1, 14, 40), time(9)),
    ],
)
def test_a_draft_gets_nine_o_clock_or_the_next_full_hour_today(now: datetime, expected: time | None) -> None:
    assert default_time(date(2026, 12, 9), now) == expected


def test_a_drop_on_a_day_keeps_the_time_of_day_and_one_on_an_hour_keeps_the_minutes() -> None:
    own = lisbon(2026, 12, 10, 17, 45)
    now = lisbon(2026, 12, 9, 12, 0)
    assert drop_target(day=date(2026, 12, 24), hour=None, current=own, now=now) == datetime(2026, 12, 24, 17, 45)
    assert drop_target(day=date(2026, 12, 24), hour=8, current=own, now=now) == datetime(2026, 12, 24, 8, 45)
    assert drop_target(day=date(2026, 12, 24), hour=8, current=None, now=now) == datetime(2026, 12, 24, 8, 0)
    assert drop_target(day=date(2026, 12, 24), hour=None, current=None, now=now) == datetime(2026, 12, 24, 9, 0)
