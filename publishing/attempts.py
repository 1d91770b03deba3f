"""One try at publishing a post: taking it, making its calls, settling its ending.

A worker may die at any instruction. What it leaves behind tells the next one enough: no public call begun, go on; a
public call finished, its stored answer is used; a public call begun and not finished, the platform is asked first
(``reconcile``). The lease speaks only of our worker's life, never of what happened at the platform.
"""

import os
import socket
import threading
from datetime import timedelta
from functools import partial
from uuid import UUID, uuid4

import structlog
from django.conf import settings
from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.db.models import prefetch_related_objects
from django.utils import timezone

from connections import budgets
from connections.errors import ConnectionInactive, ContentRejected, PlatformError, TransientError
from connections.platforms.base import Draft, Platform, Published
from connections.tokens import call_with_fresh_token
from publishing.drafts import draft_of, problems_of_post
from publishing.endings import back_to_schedule, close, end_failed, record_published, settle_failure, try_later
from publishing.errors import LeaseLost
from publishing.journal import AttemptJournal, lease
from publishing.models import WORKING, Outcome, PostStatus, PublishAttempt, SocialPost
from publishing.pacing import wait_of
from publishing.read_back import can_be_out_since, find_copies

log = structlog.get_logger(__name__)


def worker_name() -> str:
    """This thread among all workers of the installation."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{threading.get_ident() % 100_000}"


def publish_post(post_id: UUID) -> None:
    """Publish one claimed post and record what came of it. A redelivered message finds nothing to do.

    No transaction is held around the network: a platform may take half a minute, and a lock held that long would stop
    everybody else.
    """
    _publish_one(post_id)


def publish_next() -> bool:
    """Publish the post that has been ready longest, whoever claimed it; False when none is ready."""
    return _publish_one(None)


def _publish_one(post_id: UUID | None) -> bool:
    holder = f"{WORKING}{worker_name()}:{uuid4().hex[:6]}"
    post = attempt = None
    try:
        with transaction.atomic():
            post = _take(post_id, holder=holder)
            attempt = _open_attempt(post, holder=holder) if post is not None else None
    except (OperationalError, InterfaceError):
        raise  # the database is away: its lease brings the post back
    except Exception as error:
        if post is None:
            raise
        log.exception("an attempt could not be begun", post=str(post.pk))
        _put_off(post, error, holder=holder)
    if attempt is not None:
        run_attempt(attempt, holder)
    return post is not None


def _put_off(post: SocialPost, error: Exception, *, holder: str) -> None:
    """A post that breaks our own code must not stay the first in line, before everybody else's."""
    try:
        with transaction.atomic():
            if not SocialPost.objects.ready().order_by().filter(pk=post.pk).update(claimed_by=holder):
                return  # another worker has taken it meanwhile
            trouble = TransientError("Something went wrong in Parley.", detail=type(error).__name__)
            try_later(SocialPost.objects.get(pk=post.pk), trouble, now=timezone.now())
    except Exception:
        log.exception("nor could it be put off", post=str(post.pk))
        SocialPost.objects.ready().order_by().filter(pk=post.pk).update(claimed_by=holder)


@transaction.atomic
def begin_attempt(post_id: UUID, *, holder: str) -> PublishAttempt | None:
    """Take a claimed post; one of any number of callers gets an attempt, the others None."""
    post = _take(post_id, holder=holder)
    return _open_attempt(post, holder=holder) if post is not None else None


def _take(post_id: UUID | None, *, holder: str) -> SocialPost | None:
    """A ready post in this holder's hands. Rows that another worker is just taking are skipped; the UPDATE names the
    claim again, for databases that cannot skip."""
    ready = SocialPost.objects.ready() if post_id is None else SocialPost.objects.ready().filter(pk=post_id)
    post = (
        ready.select_related("connection", "organization")
        .select_for_update(skip_locked=True, of=("self",), no_key=True)
        .first()
    )
    if post is None or not SocialPost.objects.filter(
        pk=post.pk, status=PostStatus.PUBLISHING, claimed_by=post.claimed_by
    ).update(claimed_by=holder, lease_until=timezone.now() + lease()):
        return None
    post.claimed_by = holder
    post.connection.organization = post.organization
    return post


def _open_attempt(post: SocialPost, *, holder: str) -> PublishAttempt | None:
    """The attempt at a post that was just taken; None when it has to wait or is too late, which its row then says.

    An attempt that a dead worker left open is carried on rather than begun anew.
    """
    now = timezone.now()
    prefetch_related_objects([post], "attached_media__asset")
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
    attempt = PublishAttempt(
        organization_id=post.organization_id,
        post=post,
        number=number,
        key=UUID(draft_of(post).key),
        owner=holder,
        started_at=now,
    )
    attempt.save(force_insert=True)
    attempt.is_new = True
    return attempt


def _is_of_other_words(attempt: PublishAttempt) -> bool:
    """Whether an open attempt that sent nothing was made for a text or pictures that the post no longer has: what it
    uploaded must not go out. Only operators' SQL leads here."""
    return attempt.key != UUID(draft_of(attempt.post).key) and not attempt.steps.filter(is_public=True).exists()


def run_attempt(attempt: PublishAttempt, holder: str) -> None:
    """Make the calls of an attempt and settle its ending."""
    post = attempt.post
    journal = AttemptJournal(attempt, holder)
    try:
        is_first = not journal.begun()
        if is_first:
            if blocking := [problem for problem in problems_of_post(post) if problem.blocking]:
                raise ContentRejected(" ".join(problem.message for problem in blocking))
            budgets.take(post.connection, "posts", "requests")
        draft = draft_of(post)
        earlier = unresolved_attempt(post, before=attempt)
        published = call_with_fresh_token(
            post.connection,
            partial(_publish, post, draft, journal, earlier),
            just_read=True,
            paid_requests=int(is_first),
        )
    except LeaseLost:
        log.info("lease lost, another worker has the post", post=str(post.pk))
    except (PlatformError, ConnectionInactive) as error:
        settle_failure(attempt, error)
    except Exception as error:
        log.exception("publishing failed by an error of our own", post=str(post.pk))
        settle_failure(attempt, TransientError("Something went wrong in Parley.", detail=type(error).__name__))
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
        # A person decided to send it again, and may have overlooked a copy.
        found = find_copies(platform, {post: can_be_out_since(post, earlier)})
        if (copy := found.copies.get(post.pk)) is not None:
            return copy
    return platform.publish(draft, journal)
