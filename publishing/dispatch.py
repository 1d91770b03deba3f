"""Finds what is due and hands it to workers, fairly; and finds what a dead worker or a lost message left behind."""

import os
import socket
import time
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from accounts.audit import SYSTEM
from accounts.heartbeats import take_turn
from connections.breaker import paused
from connections.hurry import hurry
from publishing.errors import IllegalTransition
from publishing.models import QUEUED, RECONCILING, WORKING, PostStatus, PublishAttempt, SocialPost
from publishing.services import UNCLAIMED, move_status

log = structlog.get_logger(__name__)

TICK = timedelta(seconds=1)
SWEEP_EVERY = timedelta(seconds=5)
BUSY_SHARE = 0.9
"""With less room than this in the queue the tick leaves it to the workers, rather than send messages nobody needs."""


def dispatch_due_posts(now: datetime | None = None) -> list[UUID]:
    """Claim what is due, as much as the queue should hold, and send one message per post. Returns the claimed ids.

    Any number of dispatchers may run at once: a post is claimed by exactly one.
    """
    room = room_in_queue()
    if room < settings.PUBLISH_IN_FLIGHT * BUSY_SHARE:
        return []  # workers who come to the end of what is ready claim the next themselves
    claimed = claim_due_posts(now or timezone.now(), limit=room)
    for post_id in claimed:
        hurry("publishing.tasks.publish_post_task", str(post_id))
    return claimed


def dispatch_imminent_posts(now: datetime) -> list[UUID]:
    """Wait for what comes due before the next tick, and send it then: posts are planned for whole minutes, ticks come at
    any moment of a second. Returns the claimed ids."""
    coming = SocialPost.objects.filter(
        status=PostStatus.SCHEDULED, hold_reason="", scheduled_at__gt=now, scheduled_at__lte=now + TICK
    )
    due = coming.order_by("scheduled_at").values_list("scheduled_at", flat=True).first()
    if due is None:
        return []
    time.sleep(max(0.0, (due - timezone.now()).total_seconds()))
    return dispatch_due_posts()


def room_in_queue() -> int:
    """How many more posts may be claimed now. A short queue keeps claims fair between organizations."""
    return max(0, int(settings.PUBLISH_IN_FLIGHT) - SocialPost.objects.ready().order_by().count())


def claim_due_posts(now: datetime, *, limit: int) -> list[UUID]:
    """SCHEDULED -> PUBLISHING for up to ``limit`` due posts; their ids, in the order in which to send them.

    In turns between organizations, each in order of time, so that one with ten thousand due posts delays nobody.
    """
    if limit <= 0:
        return []
    waiting = SocialPost.objects.waiting(now)
    for trouble in paused():
        waiting = waiting.exclude(connection__platform=trouble.platform, connection__server_url=trouble.server_url)
    due = (
        waiting.annotate(
            turn=Window(
                RowNumber(), partition_by=[F("organization_id")], order_by=[F("scheduled_at").asc(), F("id").asc()]
            )
        )
        .order_by("turn", "scheduled_at")
        .values_list("pk", flat=True)[:limit]
    )
    wanted = list(due)
    if not wanted:
        return []
    claim = f"{QUEUED}{socket.gethostname()[:30]}:{os.getpid()}:{uuid4().hex[:8]}"
    with transaction.atomic():
        # Rows that another dispatcher is claiming are skipped (PostgreSQL); on SQLite this transaction holds the one
        # write lock. The UPDATE names the expected status again: what went meanwhile is left alone.
        free = list(
            SocialPost.objects.select_for_update(skip_locked=True, of=("self",), no_key=True)
            .filter(pk__in=wanted, status=PostStatus.SCHEDULED)
            .values_list("pk", flat=True)
        )
        SocialPost.objects.filter(
            Q(next_attempt_at__isnull=True) | Q(next_attempt_at__lte=now),
            pk__in=free, status=PostStatus.SCHEDULED, scheduled_at__lte=now, hold_reason="",
        ).update(
            status=PostStatus.PUBLISHING, claimed_by=claim, claimed_at=now, updated_at=now,
            lease_until=now + timedelta(seconds=settings.PUBLISH_CLAIM_LEASE_S),
        )  # fmt: skip
        mine = set(SocialPost.objects.filter(pk__in=free, claimed_by=claim).values_list("pk", flat=True))
    return [post_id for post_id in wanted if post_id in mine]


def sweep_when_due(now: datetime) -> bool:
    """Sweep unless somebody did within the last seconds; whether it did.

    A part of the tick: a beat that is restarted forgets when it last ordered a sweep and waits anew, so that one which
    never lives long would never order any.
    """
    is_ours = take_turn("sweep", every=SWEEP_EVERY, now=now)
    if is_ours:
        sweep_posts(now)
    return is_ours


def sweep_posts(now: datetime | None = None) -> None:
    """Find what no message announced: lapsed leases, posts to be checked at their platform.

    - claimed, but no worker began: the message was lost. Back to the schedule.
    - begun, no public call open: another worker carries the attempt on.
    - begun, a public call open: the worker died while sending. The platform is asked.
    """
    now = now or timezone.now()
    lapsed = SocialPost.objects.filter(status=PostStatus.PUBLISHING, lease_until__lte=now)
    unknown: dict[UUID, None] = {}  # connections, each once and in order
    for post in lapsed.select_related("connection")[:500]:
        if post.claimed_by.startswith(RECONCILING) or _recover(post, now):
            unknown[post.connection_id] = None
    for connection_id in unknown:
        hurry("publishing.tasks.reconcile_connection_task", str(connection_id))


def _died_while_sending(attempt: PublishAttempt) -> bool:
    public = attempt.steps.filter(is_public=True)
    # Once the post itself is out, a comment that was cut off is no reason to look for it.
    is_out = public.filter(name="post", finished_at__isnull=False).exists()
    return not is_out and public.filter(finished_at__isnull=True, error="").exists()


def _recover(post: SocialPost, now: datetime) -> bool:
    """Take a post out of a dead worker's hands; whether its platform has to be asked now."""
    attempt = post.attempts.filter(outcome="").first()
    mine = SocialPost.objects.filter(
        pk=post.pk, status=PostStatus.PUBLISHING, claimed_by=post.claimed_by, lease_until__lte=now
    )
    if attempt is None:
        try:
            with transaction.atomic():
                if not mine.update(claimed_by=f"{WORKING}sweep"):
                    return False
                move_status(
                    post,
                    PostStatus.SCHEDULED,
                    expect=(PostStatus.PUBLISHING,),
                    by=SYSTEM,
                    action="post.reclaimed",
                    **UNCLAIMED,
                )
        except IllegalTransition:
            return False
    elif _died_while_sending(attempt):
        if mine.update(
            claimed_by=f"{RECONCILING}{uuid4().hex[:8]}", lease_until=now, updated_at=now,
            error_code="OUTCOME_UNKNOWN",
            error_message=f"Interrupted while sending. Checking with {post.connection.platform_label} whether it went out.",
        ):  # fmt: skip
            log.warning("a worker died while sending", post=str(post.pk))
            return True
    elif mine.update(
        claimed_by=f"{QUEUED}sweep:{uuid4().hex[:8]}", updated_at=now,
        lease_until=now + timedelta(seconds=settings.PUBLISH_CLAIM_LEASE_S),
    ):  # fmt: skip
        log.warning("a worker died before sending", post=str(post.pk))
        hurry("publishing.tasks.publish_post_task", str(post.pk))
    return False
