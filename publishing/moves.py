"""Moving posts on the calendar, and taking a move back."""

from collections.abc import Callable, Sequence
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
from django.utils.translation import ngettext

from accounts.errors import Conflict, DomainError
from accounts.models import Organization, User
from publishing.cards import are_one_card
from publishing.errors import InThePast, PostNotEditable
from publishing.models import PostStatus, SocialPost
from publishing.services import UNCLAIMED, cancel_post, move_status, schedule_post, unschedule_post
from publishing.zones import local_to_utc

UNDO_FOR_S = 3600
_SALT = "publishing.moves.posts"
_KEPT = ("status", "hold_reason", "error_code", "error_message", "retry_count")


class MoveOutdated(Conflict):
    """The post changed since the move, or the offer to take it back has expired."""

    code = "move_outdated"


class MoveRefused(Conflict):
    """One of several posts may not be moved, so none was."""

    code = "move_refused"


@dataclass(frozen=True)
class Move:
    """A move that was made. ``undo`` is a signed word that takes it back for an hour, as long as nothing else changed."""

    posts: tuple[SocialPost, ...]
    undo: str

    @property
    def post(self) -> SocialPost:
        return self.posts[0]


def move_posts(
    posts: Sequence[SocialPost],
    wanted: datetime,
    *,
    zone: ZoneInfo,
    by: User,
    fold: int | None = None,
    now: datetime | None = None,
) -> Move:
    """Give the posts of one card another wall time (naive, in ``zone``), all or none; drafts become scheduled by it.

    ``fold`` chooses between the two moments of a time that happens twice: 0 the first, 1 the second, None refuses it.
    Raises NonexistentTime, AmbiguousTime, MoveOutdated when they are no card any more, and for a single post
    PostNotEditable and what ``schedule_post`` raises, for several MoveRefused with the account and that reason.
    """
    at = local_to_utc(wanted, zone, fold=fold)
    return _move_all(posts, lambda post: schedule_post(post, at=at, by=by, now=now))


def move_to_tray(posts: Sequence[SocialPost], *, by: User) -> Move:
    """Unschedule the posts of one card, all or none: they become drafts in the tray. Raises as ``move_posts``."""
    return _move_all(posts, lambda post: unschedule_post(post, by=by))


def call_off(post: SocialPost, *, by: User) -> Move:
    """Cancel a post in a way that can be taken back while its time has not come. Raises IllegalTransition."""
    before = _snapshot(post)
    return _made([before], [cancel_post(post, by=by)])


def _move_all(posts: Sequence[SocialPost], verb: Callable[[SocialPost], SocialPost]) -> Move:
    if not are_one_card(posts):
        raise MoveOutdated(_("Some of these posts changed in the meantime, so none was moved. Try again."))
    # Always in the same order: two people who move the same card wait for each other instead of deadlocking.
    ordered = sorted(posts, key=lambda post: post.pk)
    before = [_snapshot(post) for post in ordered]
    moved = []
    with transaction.atomic():
        for post in ordered:
            try:
                _must_be_movable(post)
                moved.append(verb(post))
            except DomainError as error:
                if len(ordered) == 1:
                    raise
                raise MoveRefused(_refusal_of(post, len(ordered), error)) from error
    return _made(before, moved)


def _refusal_of(post: SocialPost, number: int, reason: DomainError) -> str:
    said = {
        "account": post.connection.account_name, "platform": post.connection.platform_label, "reason": reason,
        "number": number,
    }  # fmt: skip
    return _(
        "%(account)s on %(platform)s: %(reason)s None of the %(number)d posts was moved. Open the card to move the"
        " others one by one."
    ) % said  # fmt: skip


def take_back(organization: Organization, undo: str, *, by: User) -> tuple[list[SocialPost], list[datetime | None]]:
    """Put the posts of a move back where they were, all or none; the posts, and the times that they just left (aware).

    Raises MoveOutdated when one changed meanwhile, InThePast when its earlier time has passed, and what
    ``schedule_post`` raises.
    """
    try:
        said: list[dict[str, Any]] = signing.loads(undo, salt=_SALT, max_age=UNDO_FOR_S)
    except signing.BadSignature as error:
        raise MoveOutdated(_("This move can no longer be undone.")) from error
    with transaction.atomic():
        rows = SocialPost.objects.for_organization(organization).select_for_update(of=("self",))
        wanted = [UUID(one["post"]) for one in said]
        found = {
            post.pk: post
            for post in rows.select_related("connection", "organization").filter(pk__in=wanted).order_by("pk")
        }
        if any(_differs(found.get(UUID(one["post"])), one["after"]) for one in said):
            raise MoveOutdated(
                ngettext(
                    "This post changed in the meantime, so the move was not undone.",
                    "One of these posts changed in the meantime, so the move was not undone.",
                    len(said),
                )
            )
        left = [found[pk].scheduled_at for pk in wanted]
        return [_restore(found[UUID(one["post"])], one["before"], by=by) for one in said], left


def _differs(post: SocialPost | None, after: list[str]) -> bool:
    return post is None or [post.status, _iso(post.scheduled_at)] != after


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


def _made(before: Sequence[dict[str, Any]], posts: Sequence[SocialPost]) -> Move:
    said = [
        {"post": str(post.pk), "before": was, "after": [post.status, _iso(post.scheduled_at)]}
        for was, post in zip(before, posts, strict=True)
    ]
    return Move(tuple(posts), signing.dumps(said, salt=_SALT, compress=True))


def _iso(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""
