"""Moving posts on the calendar, and taking a move back."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.core import signing
from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from accounts.errors import Conflict
from accounts.models import Organization, User
from publishing.errors import InThePast, PostNotEditable
from publishing.models import PostStatus, SocialPost
from publishing.services import UNCLAIMED, cancel_post, move_status, schedule_post, unschedule_post
from publishing.zones import local_to_utc

UNDO_FOR_S = 3600
_SALT = "publishing.moves"
_KEPT = ("status", "hold_reason", "error_code", "error_message", "retry_count")


class MoveOutdated(Conflict):
    """The post changed since the move, or the offer to take it back has expired."""

    code = "move_outdated"


@dataclass(frozen=True)
class Move:
    """A move that was made. ``undo`` is a signed word that takes it back for an hour, as long as nothing else changed."""

    post: SocialPost
    undo: str


def move_post(
    post: SocialPost,
    wanted: datetime,
    *,
    zone: ZoneInfo,
    by: User,
    fold: int | None = None,
    now: datetime | None = None,
) -> Move:
    """Give a post another wall time (naive, in ``zone``); a draft becomes scheduled by it.

    ``fold`` chooses between the two moments of a time that happens twice: 0 the first, 1 the second, None refuses it.
    Raises NonexistentTime, AmbiguousTime, PostNotEditable, and what ``schedule_post`` raises.
    """
    _must_be_movable(post)
    at = local_to_utc(wanted, zone, fold=fold)
    before = _snapshot(post)
    return _made(before, schedule_post(post, at=at, by=by, now=now))


def move_to_tray(post: SocialPost, *, by: User) -> Move:
    """Take a post's time away: it becomes a draft in the tray. Raises PostNotEditable, IllegalTransition."""
    _must_be_movable(post)
    before = _snapshot(post)
    return _made(before, unschedule_post(post, by=by))


def call_off(post: SocialPost, *, by: User) -> Move:
    """Cancel a post in a way that can be taken back while its time has not come. Raises IllegalTransition."""
    before = _snapshot(post)
    return _made(before, cancel_post(post, by=by))


def take_back(organization: Organization, undo: str, *, by: User) -> tuple[SocialPost, datetime | None]:
    """Put a post back where it was before a move; the post, and the time that it just left (aware).

    Raises MoveOutdated when it changed meanwhile, InThePast when its earlier time has passed, and what
    ``schedule_post`` raises.
    """
    try:
        said: dict[str, Any] = signing.loads(undo, salt=_SALT, max_age=UNDO_FOR_S)
    except signing.BadSignature as error:
        raise MoveOutdated(_("This move can no longer be undone.")) from error
    with transaction.atomic():
        rows = SocialPost.objects.for_organization(organization).select_for_update(of=("self",))
        post = rows.select_related("connection", "organization").filter(pk=UUID(said["post"])).first()
        if post is None or [post.status, _iso(post.scheduled_at)] != said["after"]:
            raise MoveOutdated(_("This post changed in the meantime, so the move was not undone."))
        left = post.scheduled_at
        return _restore(post, said["before"], by=by), left


def _restore(post: SocialPost, before: dict[str, Any], *, by: User) -> SocialPost:
    at = parse_datetime(before["scheduled_at"]) if before["scheduled_at"] else None
    if before["status"] == PostStatus.SCHEDULED and at is not None and not before["hold_reason"]:
        if at <= timezone.now():
            raise InThePast(_("Its earlier time has passed, so it stays where it is now."))
        return schedule_post(post, at=at, by=by)
    kept = {name: before[name] for name in _KEPT if name != "status"}
    return move_status(
        post, before["status"], expect=(post.status,), by=by, action="post.move_undone",
        scheduled_at=at, next_attempt_at=None, **kept, **UNCLAIMED,
    )  # fmt: skip


def _must_be_movable(post: SocialPost) -> None:
    if post.status == PostStatus.PUBLISHED:
        raise PostNotEditable(_("This post is already published and cannot be moved."))
    if post.status == PostStatus.PUBLISHING:
        raise PostNotEditable(_("This post is being published right now and cannot be moved."))


def _snapshot(post: SocialPost) -> dict[str, Any]:
    return {name: getattr(post, name) for name in _KEPT} | {"scheduled_at": _iso(post.scheduled_at)}


def _made(before: dict[str, Any], post: SocialPost) -> Move:
    said = {"post": str(post.pk), "before": before, "after": [post.status, _iso(post.scheduled_at)]}
    return Move(post, signing.dumps(said, salt=_SALT, compress=True))


def _iso(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""
