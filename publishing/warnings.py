"""What a person should know before a post is scheduled, and may do all the same: a repetition, a neighbour within the
hour, the platform's quota, quiet hours."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from difflib import SequenceMatcher
from uuid import UUID

import regex
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.preferences import publishing_rules
from connections.models import SocialConnection
from connections.platforms.base import Problem
from publishing.allowances import Allowance, allowances
from publishing.drafts import PostInput, input_of
from publishing.models import PostStatus, SocialPost

SAME_TEXT_WITHIN = timedelta(days=7)
NEIGHBOUR_WITHIN = timedelta(hours=1)
NEARLY_THE_SAME = 0.9
"""From this share of matching characters on, two texts are nearly the same."""
ROWS_MOST = 100
"""Rows that are looked at on either side of the time, nearest first."""
_COMPARED_MOST = 30
_CHARACTERS_MOST = 400
_COUNTING = (PostStatus.SCHEDULED, PostStatus.PUBLISHING, PostStatus.PUBLISHED)
_NOISE = regex.compile(r"[^\p{L}\p{N}]+")


def warnings_for(
    connection: SocialConnection,
    given: PostInput,
    at: datetime,
    *,
    besides: Iterable[UUID] = (),
    now: datetime | None = None,
    is_now: bool = False,
    with_budget: bool = True,
) -> list[Problem]:
    """Warnings, none of them blocking, about sending ``given`` at ``at`` (aware).

    ``besides``: posts that do not count, such as the one that is written. The same few queries for any number of rows.
    Reads ``connection.organization``. ``is_now``: a person sends it at once, so that it waits for nothing. ``with_budget``
    False leaves the quota to a caller that knows the allowance already.
    """
    now = now or timezone.now()
    zone = connection.organization.zone
    counted_out = list(besides)
    near = _neighbours(connection, at, counted_out)
    found = []
    twin = _same_text(given.content, near)
    if twin is not None:
        found.append(
            Problem(
                "repeated",
                _("This account has the same text, or nearly the same, on %(time)s.")
                % {"time": _time(_moment(twin), zone)},
                blocking=False,
            )
        )
    rules = publishing_rules(connection.organization)
    others = [abs(_moment(one) - at) for one in near]
    beside = next((one for one in near if abs(_moment(one) - at) < NEIGHBOUR_WITHIN), None)
    if rules.gap and not is_now and any(distance < rules.gap for distance in others):
        found.append(
            Problem(
                "spacing",
                _("Another post of this account is less than %(minutes)d minutes away: this one may go out later.")
                % {"minutes": rules.gap_minutes},
                "scheduled_at",
                blocking=False,
            )
        )
    elif beside is not None:
        found.append(
            Problem(
                "neighbour",
                _("Another post of this account goes out within the hour, at %(time)s.")
                % {"time": f"{_moment(beside).astimezone(zone):%H:%M}"},
                "scheduled_at",
                blocking=False,
            )
        )
    if not is_now and rules.quiet is not None and (ends := rules.quiet.end_of(at)) is not None:
        found.append(
            Problem(
                "quiet_hours",
                _("This is within the quiet hours (%(hours)s): it will go out at %(time)s.")
                % {"hours": rules.quiet, "time": f"{ends.astimezone(zone):%H:%M}"},
                "scheduled_at",
                blocking=False,
            )
        )
    if with_budget:
        left = allowances([connection], at=max(at, now), now=now, besides=counted_out)
        found += [problem for one in left if (problem := quota_warning(one)) is not None]
    return found


def warnings_of_post(post: SocialPost, *, now: datetime | None = None) -> list[Problem]:
    """The same for a stored post at its own time; none without a time."""
    if post.scheduled_at is None:
        return []
    post.connection.organization = post.organization  # saves a query
    return warnings_for(
        post.connection, input_of(post), post.scheduled_at, besides=[post.pk], now=now, is_now=post.pacing_waived
    )


def _time(moment: datetime, zone: object) -> str:
    return date_format(moment.astimezone(zone), "D j M, H:i")  # type: ignore[arg-type]


def _moment(post: SocialPost) -> datetime:
    moment = post.published_at or post.scheduled_at
    assert moment is not None  # noqa: S101  the query asks for a time
    return moment


def _neighbours(connection: SocialConnection, at: datetime, besides: list[UUID]) -> list[SocialPost]:
    """Posts of the account within seven days of a time, the nearest first: two queries."""
    rows = (
        SocialPost.objects.filter(connection_id=connection.pk, status__in=_COUNTING)
        .exclude(pk__in=besides)
        .only("content", "scheduled_at", "published_at")
    )
    before = rows.filter(scheduled_at__gt=at - SAME_TEXT_WITHIN, scheduled_at__lte=at).order_by("-scheduled_at")
    after = rows.filter(scheduled_at__gt=at, scheduled_at__lt=at + SAME_TEXT_WITHIN).order_by("scheduled_at")
    return sorted([*before[:ROWS_MOST], *after[:ROWS_MOST]], key=lambda post: abs(_moment(post) - at))


def normalised(text: str) -> str:
    """A text without what changes nothing about what it says: case, punctuation, emoji, spaces."""
    return _NOISE.sub(" ", text.casefold()).strip()[:_CHARACTERS_MOST]


def _same_text(text: str, posts: list[SocialPost]) -> SocialPost | None:
    said = normalised(text)
    if not said:
        return None
    matcher = SequenceMatcher(None, "", said, autojunk=False)  # prepares its second text once for all comparisons
    words, compared = set(said.split()), 0
    for post in posts:
        other = normalised(post.content)
        if other == said:
            return post
        shared = len(words & set(other.split()))
        if not other or (len(words) > 3 and shared < len(words) / 2) or compared >= _COMPARED_MOST:
            continue
        matcher.set_seq1(other)
        if matcher.real_quick_ratio() >= NEARLY_THE_SAME and matcher.quick_ratio() >= NEARLY_THE_SAME:
            compared += 1
            if matcher.ratio() >= NEARLY_THE_SAME:
                return post
    return None


def quota_warning(allowance: Allowance) -> Problem | None:
    """What to say when the platform would not take one more post of an account; None while it would."""
    if allowance.left and not allowance.frees_at:
        return None
    said = {"platform": allowance.connection.platform_label, "limit": allowance.limit, "span": allowance.span}
    return Problem(
        "quota",
        _(
            "%(platform)s takes %(limit)d posts of this account in %(span)s, and this would be one too many: it waits until"
            " there is room."
        )
        % said,
        "scheduled_at",
        blocking=False,
    )
