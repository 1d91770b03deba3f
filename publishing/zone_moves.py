"""What a new time zone of an organization does to its scheduled posts."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.dispatch import receiver
from django.utils import timezone
from django.utils.translation import ngettext

from accounts.audit import Actor
from accounts.events import zone_asked, zone_changed
from accounts.models import Organization
from publishing.errors import IllegalTransition, InThePast
from publishing.models import PostStatus, SocialPost, SocialPostQuerySet
from publishing.services import move_status
from publishing.zones import NonexistentTime, local_to_utc


def _waiting(organization: Organization) -> SocialPostQuerySet:
    posts: SocialPostQuerySet = SocialPost.objects.for_organization(organization)
    return posts.filter(status=PostStatus.SCHEDULED, scheduled_at__gt=timezone.now()).order_by("scheduled_at", "pk")


def _differs(moment: datetime, before: ZoneInfo, after: ZoneInfo) -> bool:
    return moment.astimezone(before).utcoffset() != moment.astimezone(after).utcoffset()


@receiver(zone_asked)
def moments_shown_anew(organization: Organization, zone: str, **_kwargs: Any) -> list[datetime]:
    """Of the scheduled posts that would stand at another wall time in the zone, in order."""
    moments = _waiting(organization).values_list("scheduled_at", flat=True)
    return [moment for moment in moments if moment and _differs(moment, organization.zone, ZoneInfo(zone))]


@receiver(zone_changed)
def keep_wall_times(organization: Organization, before: str, by: Actor, **_kwargs: Any) -> None:
    """Give each scheduled post the moment at which its wall time comes in the new zone.

    A time that the clocks skip there becomes the one after the jump, one that happens twice the first. Raises InThePast
    when that would make a post late: all of them then stay as they are.
    """
    old, new, now = ZoneInfo(before), organization.zone, timezone.now()
    moves = []
    for post in _waiting(organization).select_related("connection"):
        if post.scheduled_at is not None and _differs(post.scheduled_at, old, new):
            moves.append((post, _same_wall_time(post.scheduled_at, old, new)))
    late = sum(1 for _post, at in moves if at <= now)
    if late:
        message = ngettext(
            "%(count)d scheduled post would be in the past in %(zone)s. Move it first, or publish at the same moment.",
            "%(count)d scheduled posts would be in the past in %(zone)s. Move them first, or publish at the same moment.",
            late,
        )
        raise InThePast(message % {"count": late, "zone": organization.time_zone}, field="time_zone")
    for post, at in moves:
        try:
            move_status(
                post, PostStatus.SCHEDULED, expect=(PostStatus.SCHEDULED,), by=by, action="post.scheduled",
                scheduled_at=at, paced_until=None,
            )  # fmt: skip
        except IllegalTransition:
            continue  # a worker has it already


def _same_wall_time(moment: datetime, old: ZoneInfo, new: ZoneInfo) -> datetime:
    wall = moment.astimezone(old).replace(tzinfo=None)
    try:
        return local_to_utc(wall, new, fold=0)
    except NonexistentTime as error:
        return local_to_utc(error.after, new, fold=0).astimezone(UTC)
