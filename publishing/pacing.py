"""Whether a due post has to wait: for its organization's quiet hours, or for the gap after its account's last post.

Decided right before an attempt begins, in the transaction that begins it. With a gap the account's row is locked first:
of two workers that hold two due posts of one account, the second sees the attempt of the first. A post that waits gets a
time of its own behind those that wait already, so that a hundred posts of one minute come out one gap apart.

A person who says "now" means now: ``pacing_waived`` marks the post, and any other scheduling takes the mark away.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from accounts.preferences import PublishingRules, publishing_rules
from connections.models import SocialConnection
from publishing.models import Outcome, PostStatus, PublishAttempt, SocialPost

SPACING, QUIET_HOURS = "SPACING", "QUIET_HOURS"
PACED = frozenset({SPACING, QUIET_HOURS})
"""Codes of posts that wait by their organization's own wish: nothing failed, and no try was used."""
_MOST_ROUNDS = 400


@dataclass(frozen=True, slots=True)
class Wait:
    """``until`` is aware UTC; ``message`` a sentence with the time in the organization's zone."""

    until: datetime
    code: str
    message: str


def wait_of(post: SocialPost, *, now: datetime) -> Wait | None:
    """Why and until when a post that is about to be sent has to wait; None when it may go. Needs a transaction."""
    if post.pacing_waived:
        return None
    rules = publishing_rules(post.organization)
    if not rules.gap and rules.quiet is None:
        return None
    if rules.gap:
        SocialConnection.objects.select_for_update(of=("self",)).only("pk").get(pk=post.connection_id)
    until = _next_place(post, rules, now)
    if until <= now:
        return None
    local = until.astimezone(post.organization.zone)
    said = {
        "time": f"{local:%H:%M}" if local.date() == now.astimezone(local.tzinfo).date() else f"{local:%d.%m. %H:%M}",
        "minutes": rules.gap_minutes,
        "hours": str(rules.quiet or ""),
    }
    if rules.quiet is not None and rules.quiet.end_of(now) is not None:
        return Wait(until, QUIET_HOURS, _("Quiet hours (%(hours)s): it goes out at %(time)s.") % said)
    return Wait(
        until,
        SPACING,
        _("Posts of this account keep %(minutes)d minutes apart: it goes out at %(time)s.") % said,
    )


def _next_place(post: SocialPost, rules: PublishingRules, now: datetime) -> datetime:
    """The first moment from ``now`` on that neither quiet hours nor another post of the account takes."""
    place = now
    last, taken = (None, []) if not rules.gap else (_last_sent(post, since=now - rules.gap), _places(post, now))
    if last is not None:
        place = max(place, last + rules.gap)
    # A post that has come to its own place may be some seconds nearer to the next one than the gap: sending takes time.
    distance = rules.gap / 2 if post.error_code in PACED else rules.gap
    for _round in range(_MOST_ROUNDS):
        if rules.quiet is not None and (ends := rules.quiet.end_of(place)) is not None:
            place = ends
        # At the moment itself nobody waits for those who come later.
        in_the_way = [one for one in taken if abs(one - place) < distance] if place > now else []
        if not in_the_way:
            break
        place = max(in_the_way) + rules.gap
    return place


def _last_sent(post: SocialPost, *, since: datetime) -> datetime | None:
    """When the account last sent something, or began to; what failed without going out does not count."""
    recent = PublishAttempt.objects.filter(
        post__connection_id=post.connection_id,
        started_at__gt=since - timedelta(hours=1),  # a long upload ends long after it began
        outcome__in=["", Outcome.PUBLISHED, Outcome.UNKNOWN],
    ).exclude(post_id=post.pk)
    moments = [finished or started for started, finished in recent.values_list("started_at", "finished_at")]
    return max(moments, default=None)


def _places(post: SocialPost, now: datetime) -> list[datetime]:
    """The times that other posts of the account wait for."""
    waiting = SocialPost.objects.filter(
        connection_id=post.connection_id,
        status=PostStatus.SCHEDULED,
        error_code__in=PACED,
        next_attempt_at__gt=now,
    ).exclude(pk=post.pk)
    return sorted(moment for moment in waiting.values_list("next_attempt_at", flat=True) if moment is not None)
