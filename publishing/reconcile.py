"""After a cut-off send: ask the platform what happened before anything is sent again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID, uuid4

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.heartbeats import take_turn
from connections.errors import (
    ConnectionInactive,
    Duplicate,
    InvalidToken,
    OutcomeUnknown,
    PlatformError,
    RateLimited,
    TransientError,
)
from connections.hurry import hurry
from connections.tokens import call_with_fresh_token
from publishing.endings import close, end_failed, end_unknown, record_published, settle_question, try_later
from publishing.journal import lease
from publishing.models import (
    RECONCILING,
    Outcome,
    PostStatus,
    PublishAttempt,
    PublishStep,
    SocialPost,
    SocialPostQuerySet,
)
from publishing.read_back import NOT_FOUND_THERE, Found, can_be_out_since, find_copies, unanswered

log = structlog.get_logger(__name__)

TOGETHER = timedelta(seconds=5)
"""What is to be looked for within this time is looked for at once: one reading of the list serves all."""
LOOK_AGAIN = timedelta(seconds=5)
"""The shortest wait between two looks. Each look comes twice as late after the send as the one before."""
LOOK_LATER = timedelta(minutes=1)
DENIED_PROOF_AFTER = timedelta(seconds=60)
"""Where the platform itself said that it could not take the post, and that it may be sent again: how long its list must
be silent before that is believed. "Try again" has been seen of posts that were there afterwards."""
GIVE_UP_AFTER = timedelta(hours=6)
"""How long a platform that cannot be read is asked before a person is."""
ASKED_EVERY = timedelta(minutes=15)
ASKED_FOR = timedelta(days=1)
"""How often, and for how long, posts are still looked for after a person was asked about them."""


@dataclass(frozen=True)
class Case:
    """A post of unknown outcome. ``since``: no copy of it was made before (aware UTC). ``sent_at``: the last send.
    ``said``: the code of what the platform said of that send, "" when nothing is known of an answer. ``was_sent_before``:
    an earlier send may be what is out."""

    post: SocialPost
    attempt: PublishAttempt
    since: datetime
    sent_at: datetime
    said: str
    was_sent_before: bool


def reconcile_connection(connection_id: UUID) -> None:
    """Find out what became of an account's posts whose public call was cut off, by one reading of its list, and settle
    them."""
    now = timezone.now()
    holder = f"{RECONCILING}{uuid4().hex[:8]}"
    posts = SocialPost.objects.filter(connection_id=connection_id, status=PostStatus.PUBLISHING)
    posts.filter(claimed_by__startswith=RECONCILING, lease_until__lte=now + TOGETHER).update(
        claimed_by=holder, lease_until=now + lease()
    )
    cases = _cases(posts.filter(claimed_by=holder), outcome="")
    if not cases:
        return
    try:
        found = _look_for(cases)
    except (PlatformError, ConnectionInactive) as error:
        log.info("list of posts not read", connection=str(connection_id), code=error.code)
        for case in cases:
            _settle(case, partial(_cannot_read, error=error), holder=holder, now=now)
        return
    for case in cases:
        if (copy := found.copies.get(case.post.pk)) is None:
            _settle(case, partial(_not_found, found=found), holder=holder, now=now)
            continue
        try:
            record_published(case.attempt, copy)
        except IntegrityError:
            # Another post with the same text took this copy in the same moment: ours is the next one, if any.
            _look_again(case, now + LOOK_AGAIN, holder=holder)


def look_for_asked_when_due(now: datetime) -> None:
    """Have those posts looked for, from time to time, that a person was asked about in the last day."""
    if take_turn("asked", every=ASKED_EVERY, now=now):
        connections = _asked(now).order_by().values_list("connection_id", flat=True).distinct()
        for connection_id in connections:
            hurry("publishing.tasks.look_for_asked_task", str(connection_id))


def look_for_asked(connection_id: UUID) -> None:
    """Settle the questions about posts that the platform's list shows by now. What it does not show stays a question."""
    cases = _cases(_asked(timezone.now()).filter(connection_id=connection_id), outcome=Outcome.UNKNOWN)
    if not cases:
        return
    try:
        found = _look_for(cases)
    except (PlatformError, ConnectionInactive) as error:
        log.info("list of posts not read", connection=str(connection_id), code=error.code)
        return
    for case in cases:
        if (copy := found.copies.get(case.post.pk)) is not None:
            settle_question(case.attempt, copy)


def _asked(now: datetime) -> SocialPostQuerySet:
    return SocialPost.objects.filter(
        status=PostStatus.FAILED, error_code=OutcomeUnknown.code, settled_at__gt=now - ASKED_FOR,
        connection__is_active=True, connection__disconnected_at__isnull=True,
    )  # fmt: skip


def _cases(posts: SocialPostQuerySet, *, outcome: str) -> list[Case]:
    """The posts with their latest attempt that ended so ("": that is open); those without one are left out."""
    found = []
    for post in posts.with_card().prefetch_related("attempts__steps"):
        attempt = next((one for one in reversed(post.attempts.all()) if one.outcome == outcome), None)
        if attempt is None:
            continue
        attempt.post = post
        last = next((step for step in reversed(attempt.steps.all()) if step.is_public), None)
        found.append(
            Case(
                post,
                attempt,
                since=can_be_out_since(post, attempt),
                sent_at=last.started_at if last else attempt.started_at,
                said=attempt.error_code or (last.error if last else ""),
                was_sent_before=any(step.attempt_id != attempt.pk for step in unanswered(post)),
            )
        )
    return found


def _look_for(cases: Sequence[Case]) -> Found:
    """One reading for all of them; they are of one connection. Raises PlatformError, ConnectionInactive."""
    wanted = {case.post: case.since for case in cases}
    return call_with_fresh_token(cases[0].post.connection, partial(find_copies, posts=wanted))


def _settle(case: Case, ending: Callable[..., None], *, holder: str, now: datetime) -> None:
    """End a post, or put its next look off, while it is ours: who took it meanwhile may be sending it again already."""
    ours = SocialPost.objects.filter(pk=case.post.pk, status=PostStatus.PUBLISHING, claimed_by=holder)
    try:
        with transaction.atomic():
            if ours.select_for_update().values_list("pk").first() is None:
                log.info("settled meanwhile", post=str(case.post.pk))
                return
            ending(case, holder=holder, now=now)
    except Exception:
        log.exception("an unknown outcome could not be settled", post=str(case.post.pk))


def _not_found(case: Case, *, found: Found, holder: str, now: datetime) -> None:
    """What a list without the post means: sent again only when it is certainly not there."""
    post, age = case.post, now - case.sent_at
    is_duplicate = case.said == Duplicate.code
    proof_after = (
        DENIED_PROOF_AFTER if case.said == TransientError.code else post.connection.platform_class.absence_proof_after
    )
    is_absent = found.is_absent(post, since=case.since)
    patience = timedelta(seconds=settings.PUBLISH_ASK_AFTER_S)
    if is_duplicate and not case.was_sent_before and (age >= patience or (is_absent and age >= LOOK_AGAIN)):
        close(case.attempt, Outcome.FAILED)
        _end_refused_duplicate(post)
    elif is_absent and proof_after is not None and age >= proof_after and not is_duplicate:
        _send_again(case)
    elif age >= patience:
        _ask(case, _silent_for(case, found, age))
    else:
        limits = [case.sent_at + limit for limit in (proof_after, patience) if limit is not None]
        _look_again(case, min([now + max(age, LOOK_AGAIN), *(at for at in limits if at > now)]), holder=holder)


def _send_again(case: Case) -> None:
    PublishStep.objects.filter(attempt=case.attempt, is_public=True, finished_at__isnull=True).update(
        error=NOT_FOUND_THERE
    )
    label = case.post.connection.platform_label
    error = TransientError(_("%(platform)s did not accept the post. It is not online.") % {"platform": label})
    close(case.attempt, Outcome.RETRY, error=error)
    try_later(case.post, error, now=case.sent_at)  # the time that the proof took was a part of the wait


def _end_refused_duplicate(post: SocialPost) -> None:
    label = post.connection.platform_label
    end_failed(
        post, Duplicate.code,
        _("%(platform)s says that this account has posted the same text already. Change it and try again.")
        % {"platform": label},
    )  # fmt: skip


def _silent_for(case: Case, found: Found, age: timedelta) -> str:
    """What was seen, for the person who is asked."""
    names = {"platform": case.post.connection.platform_label}
    if found.listed.whole_since is None or found.listed.whole_since > case.since:
        return _("%(platform)s does not list this account's posts far enough back to tell.") % names
    minutes = max(1, round(age.total_seconds() / 60))
    words = ngettext(
        "It has not appeared at %(platform)s within a minute.",
        "It has not appeared at %(platform)s within %(minutes)d minutes.",
        minutes,
    )
    return words % {**names, "minutes": minutes}


def _cannot_read(case: Case, *, error: PlatformError | ConnectionInactive, holder: str, now: datetime) -> None:
    names = {"platform": case.post.connection.platform_label, "account": case.post.connection.account_name}
    give_up_at = case.sent_at + GIVE_UP_AFTER
    if isinstance(error, (InvalidToken, ConnectionInactive)):
        _ask(case, _("%(account)s must be reconnected before Parley can look for it.") % names)
    elif now >= give_up_at:
        _ask(case, _("%(platform)s could not be asked: %(said)s") % {**names, "said": error})
    else:
        opens_at = error.retry_at if isinstance(error, RateLimited) and error.retry_at else now
        _look_again(case, min(max(opens_at, now + LOOK_LATER), max(give_up_at, now + LOOK_LATER)), holder=holder)


def _look_again(case: Case, at: datetime, *, holder: str) -> None:
    SocialPost.objects.filter(pk=case.post.pk, status=PostStatus.PUBLISHING, claimed_by=holder).update(lease_until=at)


def _ask(case: Case, seen: str) -> None:
    what = case.attempt.error_message or _("Sending the post was interrupted.")
    end_unknown(case.post, case.attempt, f"{what} {seen}")
