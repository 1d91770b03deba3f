"""One try at publishing a post: its recorded steps, and what each ending does to the post.

A worker may die at any instruction. What it leaves behind tells the next one enough: no public call begun, go on; a
public call finished, its stored answer is used; a public call begun and not finished, the platform is asked first
(``reconcile``). The lease speaks only of our worker's life, never of what happened at the platform.
"""

import os
import random
import socket
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import structlog
from django.conf import settings
from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from accounts.audit import SYSTEM
from accounts.models import Membership
from accounts.notifications import notify, notify_those_who_may
from connections import budgets
from connections.errors import (
    ConnectionInactive,
    ContentRejected,
    Duplicate,
    InvalidToken,
    OutcomeUnknown,
    PlatformError,
    RateLimited,
    TransientError,
)
from connections.models import SocialConnection
from connections.platforms.base import Draft, Json, Platform, Published
from connections.tokens import call_with_fresh_token
from publishing.drafts import draft_of, problems_of_post
from publishing.errors import IllegalTransition, LeaseLost
from publishing.models import Hold, Outcome, PostStatus, PublishAttempt, PublishStep, SocialPost
from publishing.pacing import wait_of
from publishing.services import UNCLAIMED, cancel_post, move_status

log = structlog.get_logger(__name__)

QUEUED = "queue:"
WORKING = "worker:"
RECONCILING = "reconcile:"

BACKOFF_S = (30, 90, 240, 480, 960)
"""Waits after each passing failure: five tries over about thirty minutes."""
FIRST_ENGAGEMENT_SYNC = timedelta(minutes=2)
RATE_LIMIT_WAIT = timedelta(hours=1)
CLOCK_SKEW = timedelta(minutes=2)


def worker_name() -> str:
    """This thread among all workers of the installation."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{threading.get_ident() % 100_000}"


def lease() -> timedelta:
    return timedelta(seconds=settings.PUBLISH_LEASE_S)


class AttemptJournal:
    """The ``Journal`` of one attempt: each step is a row, committed before its call is made and after it answered."""

    def __init__(self, attempt: PublishAttempt, holder: str) -> None:
        self.attempt = attempt
        self.holder = holder
        self.steps: dict[str, PublishStep] | None = None

    def once(self, name: str, call: Callable[[], Json]) -> Json:
        return self._run(name, call, is_public=True)

    def again(self, name: str, call: Callable[[], Json]) -> Json:
        return self._run(name, call, is_public=False)

    def _run(self, name: str, call: Callable[[], Json], *, is_public: bool) -> Json:
        step = self.begun().get(name)
        if step is not None and step.finished_at is not None:
            result: Json = step.result
            return result
        if step is not None and step.is_public and not step.error:
            raise OutcomeUnknown("An earlier try was cut off while it was sending.")
        step = self._begin(step, name, is_public=is_public)
        try:
            result = call()
        except OutcomeUnknown:
            raise  # begun and not finished: exactly what is true
        except PlatformError as error:
            self._note(step, error=error.code)
            raise
        except Exception as error:
            if not is_public:
                self._note(step, error=type(error).__name__[:300])
                raise
            log.exception("a public call ended in an error of our own", post=str(self.attempt.post_id), step=name)
            raise OutcomeUnknown("The answer of the platform could not be read.") from error
        try:
            self._note(step, finished_at=timezone.now(), result=result)
        except DatabaseError as error:
            if not is_public:
                raise
            # As a failure of ours it would be tried again, and go out twice.
            raise OutcomeUnknown("The answer of the platform could not be stored.") from error
        return result

    def begun(self) -> dict[str, PublishStep]:
        """The steps of this attempt. Read once: only the holder of the lease writes them."""
        if self.steps is None:
            self.steps = {step.name: step for step in self.attempt.steps.all()}
        return self.steps

    @transaction.atomic
    def _begin(self, step: PublishStep | None, name: str, *, is_public: bool) -> PublishStep:
        """Extend the lease and write the step down, both or neither. Raises LeaseLost."""
        self.renew(calls=1 if is_public else 2)  # an upload may take longer than any other call
        now = timezone.now()
        if step is None:
            step = PublishStep.objects.create(attempt=self.attempt, name=name, is_public=is_public, started_at=now)
            self.begun()[name] = step
        else:
            self._note(step, started_at=now, error="")
        return step

    @staticmethod
    def _note(step: PublishStep, **changes: Any) -> None:
        PublishStep.objects.filter(pk=step.pk).update(**changes)
        for field, value in changes.items():
            setattr(step, field, value)

    def renew(self, *, calls: int = 1) -> None:
        """Extend the lease before a call. Raises LeaseLost when another worker has taken over."""
        until = timezone.now() + calls * lease()
        held = SocialPost.objects.filter(
            pk=self.attempt.post_id, status=PostStatus.PUBLISHING, claimed_by=self.holder
        ).update(lease_until=until)
        if not held:
            raise LeaseLost


# --- beginning --------------------------------------------------------------------------------------------------------


def publish_post(post_id: UUID) -> None:
    """Publish one claimed post and record what came of it. A redelivered message finds nothing to do.

    No transaction is held around the network: a platform may take half a minute, and a lock held that long would stop
    everybody else.
    """
    holder = f"{WORKING}{worker_name()}:{uuid4().hex[:6]}"
    attempt = begin_attempt(post_id, holder=holder)
    if attempt is not None:
        run_attempt(attempt, holder)


@transaction.atomic
def begin_attempt(post_id: UUID, *, holder: str) -> PublishAttempt | None:
    """Take a claimed post; one of any number of callers gets an attempt, the others None.

    An attempt that a dead worker left open is carried on rather than begun anew.
    """
    now = timezone.now()
    taken = SocialPost.objects.filter(pk=post_id, status=PostStatus.PUBLISHING, claimed_by__startswith=QUEUED).update(
        claimed_by=holder, lease_until=now + lease()
    )
    if not taken:
        return None
    post = SocialPost.objects.select_related("connection").prefetch_related("attached_media__asset").get(pk=post_id)
    attempts = list(post.attempts.all())
    for attempt in attempts:
        attempt.post = post
        if not attempt.outcome:
            if _is_of_other_words(attempt):
                close(attempt, Outcome.ABANDONED)
                break
            attempt.owner = holder
            attempt.save(update_fields=["owner"])
            return attempt
    allowed_from = max(filter(None, (post.scheduled_at, post.next_attempt_at)))
    revived = post.settled_at is not None and post.scheduled_at is not None and post.settled_at >= post.scheduled_at
    if not revived and now - allowed_from > timedelta(hours=settings.PUBLISH_LATE_AFTER_H):
        late_h = int((now - allowed_from).total_seconds() // 3600)
        end_failed(
            post,
            "TOO_LATE",
            f"This post was due {late_h} hours ago and was not sent. Publish it now, move it or cancel it.",
        )
        return None
    if (wait := wait_of(post, now=now)) is not None:
        back_to_schedule(post, at=wait.until, code=wait.code, message=wait.message, paced_until=wait.until)
        return None
    number = attempts[-1].number + 1 if attempts else 1
    return PublishAttempt.objects.create(
        organization_id=post.organization_id,
        post=post,
        number=number,
        key=UUID(draft_of(post).key),
        owner=holder,
        started_at=now,
    )


def _is_of_other_words(attempt: PublishAttempt) -> bool:
    """Whether an open attempt that sent nothing was made for a text or pictures that the post no longer has: what it
    uploaded must not go out. Only operators' SQL leads here."""
    return attempt.key != UUID(draft_of(attempt.post).key) and not attempt.steps.filter(is_public=True).exists()


def run_attempt(attempt: PublishAttempt, holder: str) -> None:
    """Make the calls of an attempt and settle its ending."""
    post = attempt.post
    journal = AttemptJournal(attempt, holder)
    try:
        blocking = [problem for problem in problems_of_post(post) if problem.blocking]
        if blocking and not journal.begun():
            raise ContentRejected(" ".join(problem.message for problem in blocking))
        if not journal.begun():
            budgets.take(post.connection, "posts")
        draft = draft_of(post)
        earlier = unresolved_attempt(post, before=attempt)
        published = call_with_fresh_token(post.connection, partial(_publish, post, draft, journal, earlier))
    except LeaseLost:
        log.info("lease lost, another worker has the post", post=str(post.pk))
    except (PlatformError, ConnectionInactive) as error:
        settle_failure(attempt, error)
    except Exception as error:
        log.exception("publishing failed by an error of our own", post=str(post.pk))
        settle_failure(attempt, TransientError("Something went wrong on our side.", detail=type(error).__name__))
    else:
        try:
            record_published(attempt, published)
        except IntegrityError:
            # Another post took this earlier copy in the same moment. Nothing was sent now: look again later.
            settle_failure(attempt, TransientError("Another post took the copy that was found."))


def unresolved_attempt(post: SocialPost, *, before: PublishAttempt) -> PublishAttempt | None:
    """The earliest earlier attempt whose outcome nobody knows: it may have put the post out."""
    if before.number == 1:
        return None
    return post.attempts.filter(outcome=Outcome.UNKNOWN, number__lt=before.number).first()


def _publish(
    post: SocialPost, draft: Draft, journal: AttemptJournal, earlier: PublishAttempt | None, platform: Platform
) -> Published:
    if earlier is not None:
        since = earlier.started_at - CLOCK_SKEW
        found = platform.find_published(draft, since=since, taken=taken_ids(post, since))
        if found is not None:
            return found
    return platform.publish(draft, journal)


def taken_ids(post: SocialPost, since: datetime) -> set[str]:
    """Ids at the platform that belong to other posts of the same connection and may lie in a read-back since then."""
    others = SocialPost.objects.filter(
        connection_id=post.connection_id, platform_post_id__isnull=False, published_at__gte=since - timedelta(days=1)
    ).exclude(pk=post.pk)
    return {str(post_id) for post_id in others.values_list("platform_post_id", flat=True)}


# --- endings ----------------------------------------------------------------------------------------------------------


def record_published(attempt: PublishAttempt, published: Published, *, note: str = "") -> None:
    """The post is out. Overrides whatever was believed before: an answer that came late is still the truth.

    ``note`` says in a sentence what did not work after it went out (a first comment that was refused).
    """
    now = timezone.now()
    post = attempt.post
    with transaction.atomic():
        try:
            try:
                _move_to_published(post, published, note=note, now=now)
            except IntegrityError:
                if _finished_copy(attempt) is None:
                    raise
                note = note or "It is out, but another post here is linked to its address, so its numbers are not read."
                _move_to_published(post, replace(published, id=""), note=note, now=now)
        except IllegalTransition:
            log.warning("post was settled meanwhile", post=str(post.pk), status=post.status)
        close(attempt, Outcome.PUBLISHED)
        if note:
            _tell_creator(post, "post.partly_published", note)
        # Conditional, so that two posts ending at once leave the later time whatever the order of their commits.
        SocialConnection.objects.filter(
            Q(last_post_at__isnull=True) | Q(last_post_at__lt=published.at), pk=post.connection_id
        ).update(last_post_at=published.at)


def _move_to_published(post: SocialPost, published: Published, *, note: str, now: datetime) -> None:
    """Raises IntegrityError when another post of the account has this id at the platform already."""
    move_status(
        post, PostStatus.PUBLISHED,
        expect=(PostStatus.PUBLISHING, PostStatus.SCHEDULED, PostStatus.FAILED, PostStatus.CANCELLED),
        by=SYSTEM, action="post.published", now=now,
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
        record_published(attempt, published, note=f"The post is out, but its first comment is not: {error}")
        return
    if _is_replaced(attempt, post):
        log.info("a worker that was replaced failed", post=str(post.pk), code=error.code)
        return
    if isinstance(error, (OutcomeUnknown, Duplicate)):
        # A duplicate is as good as unknown: an earlier copy of ours may be what the platform has.
        begin_reconciling(post, error)
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
        retry_at = error.retry_at if error.retry_at and error.retry_at > now else now + RATE_LIMIT_WAIT
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
    close(attempt, Outcome.UNKNOWN, error=OutcomeUnknown(message))
    end_failed(post, OutcomeUnknown.code, message)


def begin_reconciling(post: SocialPost, error: Exception) -> None:
    """Leave the post PUBLISHING and ask the platform soon, from another task."""
    now = timezone.now()
    SocialPost.objects.filter(pk=post.pk, status=PostStatus.PUBLISHING).update(
        claimed_by=f"{RECONCILING}{uuid4().hex[:8]}",
        lease_until=now + timedelta(seconds=3),
        error_code=OutcomeUnknown.code,
        error_message=f"Checking with {post.connection.platform_label} whether it went out. {error}",
        updated_at=now,
    )


def _tell_creator(post: SocialPost, kind: str, message: str) -> None:
    """Tell who wrote the post; when they are gone, everybody who may publish. A failure is nobody's secret."""
    from django.urls import reverse

    words = {
        "kind": kind,
        "key": f"{kind}:{post.pk}",
        "title": f"{post.connection.account_name}: “{str(post)[:60]}”",
        "body": message,
        "url": reverse("publishing:post", args=[post.pk]),
    }
    creator = post.created_by
    members = Membership.objects.for_organization(post.organization).filter(user=creator, user__is_active=True)
    if creator is not None and members.exists():
        notify([creator], organization=post.organization, **words)
    else:
        notify_those_who_may("posts.publish", organization=post.organization, **words)
