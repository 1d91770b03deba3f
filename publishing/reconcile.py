"""After a cut-off send: ask the platform what happened before anything is sent again."""

from datetime import datetime, timedelta
from functools import partial
from uuid import UUID, uuid4

import structlog
from django.db import IntegrityError, transaction
from django.utils import timezone

from connections.errors import ConnectionInactive, InvalidToken, PlatformError, RateLimited, TransientError
from connections.platforms.base import Draft, Platform, Published
from connections.tokens import call_with_fresh_token
from publishing.attempts import CLOCK_SKEW, taken_ids
from publishing.drafts import draft_of
from publishing.endings import close, end_failed, end_unknown, record_published, try_later
from publishing.errors import IllegalTransition
from publishing.journal import lease
from publishing.models import RECONCILING, Outcome, PostStatus, PublishAttempt, PublishStep, SocialPost

log = structlog.get_logger(__name__)

LOOK_AGAIN = timedelta(seconds=10)
LOOK_LATER = timedelta(minutes=1)
GIVE_UP_AFTER = timedelta(hours=6)
"""How long a platform that cannot be read is asked before a person is."""
ASK_PERSON_AFTER = timedelta(seconds=45)
"""How long to look on a platform where absence proves nothing: what went out shows up within seconds."""


def reconcile_post(post_id: UUID) -> None:
    """Find out what became of a post whose public call was cut off, and settle it."""
    now = timezone.now()
    holder = f"{RECONCILING}{uuid4().hex[:8]}"
    taken = SocialPost.objects.filter(
        pk=post_id, status=PostStatus.PUBLISHING, claimed_by__startswith=RECONCILING, lease_until__lte=now
    ).update(claimed_by=holder, lease_until=now + lease())
    if not taken:
        return
    post = SocialPost.objects.select_related("connection", "organization", "created_by").get(pk=post_id)
    attempt = post.attempts.filter(outcome="").first()
    if attempt is None:
        return
    unknown = post.attempts.filter(outcome=Outcome.UNKNOWN).first()
    since = (unknown or attempt).started_at - CLOCK_SKEW
    try:
        found = call_with_fresh_token(post.connection, partial(_find, post, draft_of(post), since))
    except (InvalidToken, ConnectionInactive):
        _ask(post, attempt, f"{post.connection.account_name} must be reconnected before it can be checked.")
    except PlatformError as error:
        _cannot_read(post, attempt, error, now=now)
    else:
        if found is None:
            try:
                _not_found(post, attempt, now=now)
            except IllegalTransition:
                log.info("settled meanwhile", post=str(post.pk))
            return
        try:
            record_published(attempt, found)
        except IntegrityError:
            # Another post with the same text took this copy in the same moment: ours is the next one, if any.
            _look_again(post, now + LOOK_AGAIN)


def _find(post: SocialPost, draft: Draft, since: datetime, platform: Platform) -> Published | None:
    return platform.find_published(draft, since=since, taken=taken_ids(post, since))


def _sent_at(attempt: PublishAttempt) -> datetime:
    step = attempt.steps.filter(is_public=True).order_by("-started_at").first()
    return step.started_at if step else attempt.started_at


@transaction.atomic
def _not_found(post: SocialPost, attempt: PublishAttempt, *, now: datetime) -> None:
    proof_after = post.connection.platform_class.absence_proof_after
    sent_at = _sent_at(attempt)
    refused = attempt.steps.filter(is_public=True, error="DUPLICATE").exists()
    if refused and now - sent_at >= LOOK_AGAIN:
        close(attempt, Outcome.FAILED)
        _end_refused_duplicate(post)
    elif proof_after is not None and now - sent_at >= proof_after and not refused:
        PublishStep.objects.filter(attempt=attempt, is_public=True, finished_at__isnull=True).update(
            error="not found at the platform"
        )
        error = TransientError(f"{post.connection.platform_label} did not take the post: it is not there.")
        close(attempt, Outcome.RETRY, error=error)
        try_later(post, error, now=sent_at)  # the time that the proof took was a part of the wait
    elif proof_after is None and not refused and now - sent_at >= ASK_PERSON_AFTER:
        _ask(
            post, attempt,
            f"The connection to {post.connection.platform_label} broke while sending, and the post is not in sight there. "
            "Look at the account: is it out?",
        )  # fmt: skip
    else:
        _look_again(post, now + LOOK_AGAIN)


def _end_refused_duplicate(post: SocialPost) -> None:
    label = post.connection.platform_label
    end_failed(
        post, "DUPLICATE", f"{label} says that this account has posted the same text already. Change it and try again."
    )


def _cannot_read(post: SocialPost, attempt: PublishAttempt, error: PlatformError, *, now: datetime) -> None:
    if now - _sent_at(attempt) >= GIVE_UP_AFTER:
        _ask(post, attempt, f"{post.connection.platform_label} could not be asked whether the post is out: {error}")
        return
    wait = error.retry_at if isinstance(error, RateLimited) and error.retry_at else now + LOOK_LATER
    _look_again(post, max(wait, now + LOOK_AGAIN))


def _look_again(post: SocialPost, at: datetime) -> None:
    SocialPost.objects.filter(pk=post.pk, status=PostStatus.PUBLISHING, claimed_by__startswith=RECONCILING).update(
        lease_until=at
    )


def _ask(post: SocialPost, attempt: PublishAttempt, message: str) -> None:
    with transaction.atomic():
        end_unknown(post, attempt, message)
