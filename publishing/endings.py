"""How attempts end, and what each ending does to its post."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import structlog
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from accounts.audit import SYSTEM
from accounts.models import Membership
from accounts.notifications import notify, notify_those_who_may, withdraw
from connections import budgets
from connections.errors import (
    ConnectionInactive,
    Duplicate,
    InvalidToken,
    OutcomeUnknown,
    PlatformError,
    RateLimited,
    TransientError,
)
from connections.models import SocialConnection
from connections.platforms.base import Published
from publishing.errors import IllegalTransition
from publishing.models import RECONCILING, Hold, Outcome, PostStatus, PublishAttempt, SocialPost
from publishing.services import UNCLAIMED, cancel_post, move_status
from publishing.states import standing_of

log = structlog.get_logger(__name__)

BACKOFF_S = (30, 90, 240, 480, 960)
"""Waits after each passing failure: five tries over about thirty minutes."""
FIRST_LOOK_AFTER = timedelta(seconds=3)
FIRST_ENGAGEMENT_SYNC = timedelta(minutes=2)
RATE_LIMIT_WAIT = timedelta(hours=1)
QUOTED_WORDS = 14
"""Of a post's text in a notification."""
UNPUBLISHED = (PostStatus.PUBLISHING, PostStatus.SCHEDULED, PostStatus.FAILED, PostStatus.CANCELLED)


def record_published(attempt: PublishAttempt, published: Published, *, note: str = "") -> None:
    """The post is out. Overrides whatever was believed before: an answer that came late is still the truth.

    ``note`` says in a sentence what did not work after it went out (a first comment that was refused).
    """
    now = timezone.now()
    try:
        _end_published(attempt, published, note=note, now=now)
    except IntegrityError:
        if _finished_copy(attempt) is None:
            raise
        note = note or "It is out, but another post here is linked to its address, so its numbers are not read."
        _end_published(attempt, replace(published, id=""), note=note, now=now)
    # Apart from the post: who disconnects the account has its row locked, and then changes its posts. Conditional, so
    # that two posts ending at once leave the later time whatever the order of their commits.
    SocialConnection.objects.filter(
        Q(last_post_at__isnull=True) | Q(last_post_at__lt=published.at), pk=attempt.post.connection_id
    ).update(last_post_at=published.at)


@transaction.atomic
def _end_published(attempt: PublishAttempt, published: Published, *, note: str, now: datetime) -> None:
    """Raises IntegrityError when another post of the account has this id at the platform already."""
    post = attempt.post
    try:
        _move_to_published(post, published, note=note, now=now, expect=UNPUBLISHED)
    except IllegalTransition:
        log.warning("post was settled meanwhile", post=str(post.pk), status=post.status)
    close(attempt, Outcome.PUBLISHED)
    if note:
        _tell_creator(post, "post.partly_published", note)


def _move_to_published(
    post: SocialPost, published: Published, *, note: str, now: datetime, expect: Sequence[str]
) -> None:
    move_status(
        post, PostStatus.PUBLISHED, expect=expect, by=SYSTEM, action="post.published", now=now,
        platform_post_id=published.id or None, permalink=published.url[:500], published_at=published.at,
        error_code="PARTLY_PUBLISHED" if note else "", error_message=note or None, next_attempt_at=None,
        hold_reason=Hold.NONE, engagement_due_at=now + FIRST_ENGAGEMENT_SYNC if published.id else None, **UNCLAIMED,
    )  # fmt: skip


def close(attempt: PublishAttempt, outcome: str, *, error: Exception | None = None) -> None:
    """End an attempt; the first ending stands."""
    PublishAttempt.objects.filter(pk=attempt.pk, outcome__in=["", Outcome.UNKNOWN]).update(
        outcome=outcome,
        finished_at=timezone.now(),
        error_code=getattr(error, "code", "")[:40] if error else "",
        error_message=str(error) if error else "",
        detail=getattr(error, "detail", "") if error else "",
    )


@transaction.atomic
def settle_failure(
    attempt: PublishAttempt, error: PlatformError | ConnectionInactive, *, now: datetime | None = None
) -> None:
    """What each kind of failure does to its post. The one place that decides it."""
    now = now or timezone.now()
    rows = SocialPost.objects.select_related("connection", "organization", "created_by")
    post = rows.select_for_update(of=("self",)).get(pk=attempt.post_id)
    if post.status != PostStatus.PUBLISHING:
        close(attempt, Outcome.UNKNOWN if isinstance(error, OutcomeUnknown) else Outcome.FAILED, error=error)
        return
    if published := _finished_copy(attempt):
        # A side call after the post went out failed (its first comment): the post is live, and is never sent again.
        # What came of the comment is unknown, too, when its own answer was lost.
        is_lost = isinstance(error, OutcomeUnknown)
        words = (
            _("The post is out. It is not known whether its first comment is: %(said)s")
            if is_lost
            else _("The post is out, but its first comment is not: %(said)s")
        )
        record_published(attempt, published, note=words % {"said": error})
        return
    if _is_replaced(attempt, post):
        log.info("a worker that was replaced failed", post=str(post.pk), code=error.code)
        return
    was_sent = isinstance(error, TransientError) and error.was_sent
    if was_sent or isinstance(error, (OutcomeUnknown, Duplicate)):
        # A duplicate is as good as unknown: an earlier copy of ours may be what the platform has.
        begin_reconciling(attempt, post, error)
        return
    if isinstance(error, (InvalidToken, ConnectionInactive)):
        close(attempt, Outcome.HELD, error=error)
        back_to_schedule(
            post,
            at=None,
            code="INVALID_TOKEN",
            message=f"Waiting for reauthentication of {post.connection.account_name}.",
        )
        if post.connection.disconnected_at is not None:
            # Claimed when the account was disconnected, so it was not called off with the others.
            cancel_post(post, by=SYSTEM, reason=f"{post.connection.account_name} was disconnected.")
    elif isinstance(error, RateLimited):
        close(attempt, Outcome.RETRY, error=error)
        told = error.retry_at if error.retry_at and error.retry_at > now else now + RATE_LIMIT_WAIT
        retry_at = min(told, now + budgets.LONGEST_WAIT)
        if error.code == RateLimited.code:
            # What the platform said of one post holds for the next ones of this account too.
            budgets.close_until(post.connection, "posts", retry_at)
        back_to_schedule(post, at=retry_at, code=error.code, message=str(error))
    elif isinstance(error, TransientError):
        close(attempt, Outcome.RETRY, error=error)
        try_later(post, error, now=now)
    else:
        close(attempt, Outcome.FAILED, error=error)
        end_failed(post, error.code, str(error))


def _is_replaced(attempt: PublishAttempt, post: SocialPost) -> bool:
    """Whether another worker has gone on since with this attempt or with a later one: what happened to this one must not
    take the post away from under it."""
    is_ours = post.claimed_by == attempt.owner or post.claimed_by.startswith(RECONCILING)
    return not is_ours or not PublishAttempt.objects.filter(pk=attempt.pk, outcome="").exists()


def _finished_copy(attempt: PublishAttempt) -> Published | None:
    step = attempt.steps.filter(name="post", is_public=True, finished_at__isnull=False).first()
    if step is None:
        return None
    return Published(
        id=str(step.result["id"]),
        url=str(step.result.get("url", "")),
        at=_moment(step.result.get("at")) or step.started_at,
    )


def _moment(text: Any) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) and text else None


def try_later(post: SocialPost, error: Exception, *, now: datetime) -> None:
    """After a passing failure: back to the schedule with a growing wait, FAILED when the tries are used up."""
    if post.retry_count >= len(BACKOFF_S):
        end_failed(post, "TRANSIENT", f"Tried {post.retry_count + 1} times without success. Last time: {error}")
        return
    wait = BACKOFF_S[post.retry_count] * random.uniform(0.8, 1.2)  # noqa: S311  spreads load, no secret
    back_to_schedule(
        post, at=now + timedelta(seconds=wait), code="TRANSIENT", message=str(error), retry_count=post.retry_count + 1
    )


def back_to_schedule(post: SocialPost, *, at: datetime | None, code: str, message: str, **changes: Any) -> None:
    """PUBLISHING -> SCHEDULED with the reason in sight; due again at ``at`` (None: as soon as its account allows)."""
    move_status(
        post, PostStatus.SCHEDULED, expect=(PostStatus.PUBLISHING,), by=SYSTEM, action="post.postponed",
        next_attempt_at=at, error_code=code, error_message=message or None, **changes, **UNCLAIMED,
    )  # fmt: skip


def end_failed(post: SocialPost, code: str, message: str) -> None:
    now = timezone.now()
    move_status(
        post, PostStatus.FAILED, expect=(PostStatus.PUBLISHING, PostStatus.SCHEDULED), by=SYSTEM, action="post.failed",
        now=now, error_code=code[:40], error_message=message, settled_at=now, next_attempt_at=None, hold_reason=Hold.NONE,
        **UNCLAIMED,
    )  # fmt: skip
    _tell_creator(post, "post.failed", message)


def end_unknown(post: SocialPost, attempt: PublishAttempt, message: str) -> None:
    """FAILED, because nobody can tell whether it is out: a person decides, never a silent second copy."""
    close(attempt, Outcome.UNKNOWN, error=OutcomeUnknown(message, detail=attempt.detail))
    end_failed(post, OutcomeUnknown.code, message)


def settle_question(attempt: PublishAttempt, published: Published) -> None:
    """A post that a person was asked about stands on its platform's list by now: the question is void, unless somebody
    has decided meanwhile."""
    post = attempt.post
    try:
        with transaction.atomic():
            _move_to_published(post, published, note="", now=timezone.now(), expect=(PostStatus.FAILED,))
            close(attempt, Outcome.PUBLISHED)
    except (IllegalTransition, IntegrityError) as error:
        # The attempt stays open to doubt: who sends the post again has to look for this copy first.
        log.info("a question was not settled", post=str(post.pk), why=type(error).__name__)
        return
    withdraw(_key_of(post, "post.failed"), organization=post.organization)


def begin_reconciling(attempt: PublishAttempt, post: SocialPost, error: PlatformError | ConnectionInactive) -> None:
    """Leave the post PUBLISHING and ask the platform soon, from another task. Its attempt, still open, keeps what happened
    for the person who may have to be asked."""
    now = timezone.now()
    what = str(error)
    if not isinstance(error, Duplicate):
        what = _("The post was sent, but not confirmed: %(said)s") % {"said": error}
    PublishAttempt.objects.filter(pk=attempt.pk, outcome="").update(
        error_code=error.code, error_message=what, detail=getattr(error, "detail", "")
    )
    checking = _("Checking with %(platform)s whether it went out.") % {"platform": post.connection.platform_label}
    SocialPost.objects.filter(pk=post.pk, status=PostStatus.PUBLISHING).update(
        claimed_by=f"{RECONCILING}{uuid4().hex[:8]}",
        lease_until=now + FIRST_LOOK_AFTER,
        error_code=OutcomeUnknown.code,
        error_message=f"{what} {checking}",
        updated_at=now,
    )


def _key_of(post: SocialPost, kind: str) -> str:
    return f"{kind}:{post.pk}"


def _tell_creator(post: SocialPost, kind: str, message: str) -> None:
    """Tell who wrote the post; when they are gone, everybody who may publish. A failure is nobody's secret."""
    from django.urls import reverse

    names = {"account": post.connection.account_name, "platform": post.connection.platform_label}
    failed = kind == "post.failed"
    title = (
        _("Was a post on %(account)s (%(platform)s) published?")
        if post.error_code == OutcomeUnknown.code
        else _("A post on %(account)s (%(platform)s) failed")
        if failed
        else _("A post on %(account)s (%(platform)s) was only partly published")
    )
    advice = standing_of(post, now=timezone.now()).sentence if failed else ""
    quote = Truncator(post.content or post.link_url).words(QUOTED_WORDS, truncate=" …")
    words = {
        "kind": kind,
        "key": _key_of(post, kind),
        "title": title % names,
        "body": "\n".join(dict.fromkeys(filter(None, (f"“{quote}”" if quote else "", advice, message)))),
        "url": reverse("publishing:post", args=[post.pk]),
    }
    creator = post.created_by
    members = Membership.objects.for_organization(post.organization).filter(user=creator, user__is_active=True)
    if creator is not None and members.exists():
        notify([creator], organization=post.organization, **words)
    else:
        notify_those_who_may("posts.publish", organization=post.organization, **words)
