"""The calendar's grid: which days a view shows, which posts stand where, and where a drop leads.

Pure functions over posts that were read before; no query, no request. Days and hours are wall time in the
organization's zone, moments are aware.
"""

import calendar as months
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cached_property, lru_cache
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from publishing.allowances import DayQuota, day_quotas
from publishing.cards import Card, cards_of
from publishing.models import SocialPost

CARDS_PER_DAY = 4
CARDS_PER_HOUR = 3
LIST_DAYS = 14
DEFAULT_TIME = time(9)
ONE_DAY = timedelta(days=1)


class View(StrEnum):
    MONTH = "month"
    WEEK = "week"
    DAY = "day"
    LIST = "list"


@dataclass(frozen=True)
class Span:
    """The days that a view shows around ``anchor``: from ``first`` up to, not including, ``after``."""

    view: View
    anchor: date
    zone: ZoneInfo
    first: date
    after: date

    @property
    def days(self) -> list[date]:
        return [self.first + timedelta(days=number) for number in range((self.after - self.first).days)]

    @property
    def start(self) -> datetime:
        """Its first moment, aware UTC."""
        return midnight(self.first, self.zone)

    @property
    def end(self) -> datetime:
        """The first moment after it, aware UTC."""
        return midnight(self.after, self.zone)

    @property
    def previous(self) -> date:
        """An anchor in the span before this one."""
        if self.view == View.MONTH:
            return (self.anchor.replace(day=1) - ONE_DAY).replace(day=1)
        return self.first - (self.after - self.first)

    @property
    def next(self) -> date:
        if self.view == View.MONTH:
            return (self.anchor.replace(day=28) + timedelta(days=4)).replace(day=1)
        return self.after

    def __contains__(self, day: date) -> bool:
        return self.first <= day < self.after


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """When a day begins, aware UTC; where the clock skips midnight, the moment it skips."""
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


def span_of(view: View, anchor: date, zone: ZoneInfo) -> Span:
    """The whole weeks of a month, one week, one day, or two weeks of a list. Weeks begin on Monday."""
    if view == View.MONTH:
        last = anchor.replace(day=months.monthrange(anchor.year, anchor.month)[1])
        return Span(view, anchor, zone, monday_of(anchor.replace(day=1)), monday_of(last) + timedelta(days=7))
    if view == View.WEEK:
        return Span(view, anchor, zone, monday_of(anchor), monday_of(anchor) + timedelta(days=7))
    length = 1 if view == View.DAY else LIST_DAYS
    return Span(view, anchor, zone, anchor, anchor + timedelta(days=length))


@dataclass(frozen=True, slots=True)
class DayNames:
    """How a day is written: ``Thursday 10 December``, ``Thu 10 Dec``, ``10 December``, ``Thu``, and the label of the link that
    starts a post there."""

    full: str
    short: str
    plain: str
    weekday: str
    new_post: str


@lru_cache(maxsize=400)
def _day_names(day: date, language: str | None) -> DayNames:
    # A week names each of its days 24 times; the language is a part of the key.
    plain = date_format(day, "j F")
    new_post = _("New post on %(day)s") % {"day": plain}
    return DayNames(date_format(day, "l j F"), date_format(day, "D j M"), plain, date_format(day, "D"), new_post)


class Place:
    """What a day and an hour have in common: a date with its names, and cards of which some may be hidden."""

    cards: Sequence[Card]
    date: date

    @cached_property
    def key(self) -> str:
        """The date as in addresses and ids: ``2026-12-10``."""
        return self.date.isoformat()

    @cached_property
    def names(self) -> DayNames:
        return _day_names(self.date, get_language())

    @cached_property
    def post_count(self) -> int:
        return sum(len(card.posts) for card in self.cards)

    @property
    def count_text(self) -> str:
        return ngettext("%(number)d post", "%(number)d posts", self.post_count) % {"number": self.post_count}

    @cached_property
    def visible(self) -> Sequence[Card]:
        """As many cards as there is room for, one less where "+N more" needs its line."""
        return self.cards if self.most is None or len(self.cards) <= self.most else self.cards[: self.most - 1]

    @cached_property
    def hidden(self) -> Sequence[Card]:
        return self.cards[len(self.visible) :]

    @property
    def most(self) -> int | None:
        """How many cards the view shows at once; None: all."""
        return CARDS_PER_DAY

    @cached_property
    def hidden_that_need_attention(self) -> int:
        return sum(card.standing.needs_attention for card in self.hidden)


@dataclass(frozen=True)
class Hour(Place):
    """One hour of one day. ``is_missing``: the clock skips it on that day."""

    date: date
    hour: int
    cards: Sequence[Card] = ()
    is_past: bool = False
    is_now: bool = False
    is_today: bool = False
    is_missing: bool = False
    shows_all: bool = False

    @property
    def clock(self) -> str:
        return f"{self.hour:02}:00"

    @property
    def most(self) -> int | None:
        return None if self.shows_all else CARDS_PER_HOUR


@dataclass(frozen=True)
class Day(Place):
    """One day with its cards in order of time. ``version`` changes whenever what the day shows does."""

    date: date
    cards: Sequence[Card] = ()
    is_today: bool = False
    is_past: bool = False
    is_outside: bool = False
    default_time: time | None = DEFAULT_TIME
    """The time that a draft without one gets here; None when no time is left today."""
    version: str = ""
    quotas: Sequence[DayQuota] = ()
    """Accounts that have nearly as many posts on this day as their platform takes, or more."""
    hours: Sequence[Hour] = field(default=(), repr=False)


def default_time(day: date, now: datetime) -> time | None:
    """When a draft without a time goes out if it is dropped on a day: 09:00, or today the next full hour once 09:00
    has passed. None when today has none left. ``now`` is aware, in the organization's zone."""
    if day != now.date() or now.time() < DEFAULT_TIME:
        return DEFAULT_TIME
    following = (now + timedelta(hours=1)).replace(minute=0, second=0, microsecond=0)
    return following.time() if following.date() == day else None


def exists(naive: datetime, zone: ZoneInfo) -> bool:
    """Whether the clock of the zone shows this wall time at all."""
    return naive.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None) == naive


def build_days(span: Span, posts: Iterable[SocialPost], *, now: datetime) -> list[Day]:
    """The days of a span with the posts that stand in it; hours too where the view has them."""
    local_now = now.astimezone(span.zone)
    today = local_now.date()
    cards = cards_of(posts, zone=span.zone, now=now)
    has_hours = span.view in {View.WEEK, View.DAY}
    days = []
    for day in span.days:
        todays = cards.get(day, [])
        built = Day(
            date=day,
            cards=todays,
            is_today=day == today,
            is_past=day < today,
            is_outside=span.view == View.MONTH and (day.year, day.month) != (span.anchor.year, span.anchor.month),
            default_time=default_time(day, local_now),
            quotas=day_quotas(post for card in todays for post in card.posts) if day >= today else (),
            version=_version(todays, day, local_now, has_hours=has_hours),
            hours=_hours(day, todays, local_now, span) if has_hours else (),
        )
        days.append(built)
    return days


def fold(span: Span, days: Sequence[Day], today: date) -> tuple[Sequence[Day], Sequence[Day]]:
    """The days of a view as (folded away, shown): in the month of today the weeks that ended before last week are
    folded, so that this week stands near the top."""
    start = monday_of(today) - timedelta(days=7)
    if span.view != View.MONTH or (span.anchor.year, span.anchor.month) != (today.year, today.month):
        return (), days
    return [day for day in days if day.date < start], [day for day in days if day.date >= start]


def _hours(day: date, cards: Sequence[Card], now: datetime, span: Span) -> list[Hour]:
    by_hour: defaultdict[int, list[Card]] = defaultdict(list)
    zone = span.zone
    for card in cards:
        assert card.at is not None  # noqa: S101  it stands on a day
        by_hour[card.at.hour].append(card)
    today = now.date()
    return [
        Hour(
            date=day,
            hour=hour,
            cards=by_hour[hour],
            is_past=(day, hour) < (today, now.hour),
            is_now=(day, hour) == (today, now.hour),
            is_today=day == today,
            shows_all=span.view == View.DAY,
            is_missing=not exists(datetime.combine(day, time(hour)), zone)
            and not exists(datetime.combine(day, time(hour, 59)), zone),
        )
        for hour in range(24)
    ]


def _version(cards: Sequence[Card], day: date, now: datetime, *, has_hours: bool) -> str:
    """Eight characters over everything that a day shows. Rows are changed by SQL too, so no column is trusted to say
    that another one changed."""
    clock = (day < now.date(), day == now.date(), now.hour if has_hours and day == now.date() else -1)
    seen = [str(clock), *(card.fingerprint for card in cards)]
    return hashlib.blake2b("\n".join(seen).encode(), digest_size=4).hexdigest()


def tray_version(cards: Iterable[Card]) -> str:
    """The same for the lists beside the calendar."""
    seen = [card.fingerprint for card in cards]
    return hashlib.blake2b("\n".join(seen).encode(), digest_size=4).hexdigest()


def drop_target(*, day: date, hour: int | None, current: datetime | None, now: datetime) -> datetime | None:
    """The wall time, naive, that a drop means.

    On a day (``hour`` None) a post keeps its own time of day; on an hour it takes the hour and keeps its minutes. A post
    without a time (``current`` None) gets the default of the day, or the full hour. None when today has no time left.
    ``current`` and ``now`` are aware, in the organization's zone.
    """
    if hour is not None:
        return datetime.combine(day, time(hour, current.minute if current else 0))
    if current is not None:
        return datetime.combine(day, current.time().replace(second=0, microsecond=0))
    chosen = default_time(day, now)
    return datetime.combine(day, chosen) if chosen else None
