"""How the installation is: what the health page, ``/readyz`` and ``/metrics`` tell alike."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from django.conf import settings
from django.db.models import Count, Min, Q
from django.db.models.functions import Coalesce

from accounts import heartbeats
from accounts.models import Heartbeat
from connections.breaker import paused
from connections.models import PlatformTrouble, SocialConnection
from publishing.models import QUEUED, Outcome, PostStatus, PublishAttempt, SocialPost, SocialPostQuerySet

OVERDUE_AFTER = timedelta(seconds=60)
SILENT_AFTER = timedelta(seconds=60)
EXPIRING_WITHIN = timedelta(days=7)
LATENESS_SAMPLE = 2000


@dataclass(frozen=True)
class Lateness:
    """Seconds between the moment a post was planned for and its being out, of posts that went out at the first try. One
    that quiet hours or the gap between posts moved was planned for the moment they moved it to."""

    posts: int
    p50_s: float
    p99_s: float


@dataclass(frozen=True)
class State:
    """One look at the installation. Counts are over all organizations; nothing of a post's content. What only pages and
    metrics show is read when it is asked for: the watchdog looks every few seconds."""

    now: datetime
    workers: list[Heartbeat]
    beats: list[Heartbeat]
    last_tick: datetime | None
    troubles: list[PlatformTrouble]
    overdue: int
    oldest_due: datetime | None
    stuck: int
    oldest_stuck: datetime | None

    @property
    def problems(self) -> dict[str, str]:
        """What keeps posts from going out, a sentence each."""
        found = {}
        if not self.takes("publish"):
            found["workers"] = (
                "No worker is consuming the “publish” queue, so posts are not being published. Start one, or check its log."
            )
        is_silent = self.last_tick is None or self.now - self.last_tick > SILENT_AFTER
        # The tick is done by a worker: where none is, that is what is wrong, unless no beat lives either.
        if is_silent and not (found and self.beats):
            found["beat"] = self._why_no_tick()
        if self.overdue and not found:
            found["overdue"] = f"{self.overdue} posts have been due for over a minute."
        if self.stuck:
            found["stuck"] = f"{self.stuck} posts are being published by a worker that stopped responding."
        return found

    def takes(self, queue: str) -> bool:
        """Whether a living worker takes this queue."""
        return any(queue in worker.queues for worker in self.workers)

    def _why_no_tick(self) -> str:
        if not self.beats:
            return "Scheduled jobs are not running: start `celery -A config beat`, or check its log."
        if not self.takes("dispatch"):
            return "No worker is consuming the “dispatch” queue, so scheduled jobs are not running. Start one, or check its log."
        return "Beat is running, but its jobs are not: check the message broker and the workers' logs."

    @cached_property
    def checking(self) -> int:
        return SocialPost.objects.filter(status=PostStatus.PUBLISHING, claimed_by__startswith="reconcile:").count()

    @cached_property
    def lateness(self) -> Lateness | None:
        return lateness(self.now)

    @cached_property
    def attempts(self) -> dict[str, int]:
        """Of the last day, by outcome; ``OPEN`` those that have none yet."""
        recent = PublishAttempt.objects.filter(started_at__gt=self.now - timedelta(days=1)).order_by()
        counts = dict.fromkeys(Outcome.values, 0)
        for outcome, count in recent.values_list("outcome").annotate(Count("pk")):
            counts[outcome or "OPEN"] = count
        return counts

    @cached_property
    def expiring(self) -> int:
        in_use = SocialConnection.objects.in_use().expiring_before(self.now + EXPIRING_WITHIN)
        return in_use.filter(next_refresh_at__isnull=True).count()

    @cached_property
    def inactive(self) -> int:
        return SocialConnection.objects.in_use().filter(is_active=False).count()


def look(now: datetime) -> State:
    """Read the state: a fixed number of queries."""
    troubles = paused()
    late = overdue_posts(now, troubles).aggregate(count=Count("pk"), oldest=Min("scheduled_at"))
    held = stuck_posts(now).aggregate(count=Count("pk"), oldest=Min("lease_until"))
    return State(
        now=now,
        workers=heartbeats.living_workers(now),
        beats=heartbeats.living_beats(now),
        last_tick=heartbeats.last_tick(),
        troubles=troubles,
        overdue=late["count"],
        oldest_due=late["oldest"],
        stuck=held["count"],
        oldest_stuck=held["oldest"],
    )


def overdue_posts(now: datetime, troubles: list[PlatformTrouble]) -> SocialPostQuerySet:
    """Posts that nobody has begun for too long: not claimed, or claimed over and over by a dispatcher whose messages
    reach no worker. Not those of platforms in trouble, which wait on purpose."""
    since = now - OVERDUE_AFTER
    since_claim = since - timedelta(seconds=settings.PUBLISH_CLAIM_LEASE_S)
    due = SocialPost.objects.waiting(since) | SocialPost.objects.filter(
        Q(next_attempt_at__isnull=True) | Q(next_attempt_at__lte=since_claim),
        Q(paced_until__isnull=True) | Q(paced_until__lte=since_claim),
        status=PostStatus.PUBLISHING, claimed_by__startswith=QUEUED, scheduled_at__lte=since_claim,
    )  # fmt: skip
    for trouble in troubles:
        due = due.exclude(connection__platform=trouble.platform, connection__server_url=trouble.server_url)
    return due


def stuck_posts(now: datetime) -> SocialPostQuerySet:
    """Posts whose lease lapsed so long ago that a sweep should have found them."""
    return SocialPost.objects.filter(status=PostStatus.PUBLISHING, lease_until__lt=now - OVERDUE_AFTER)


def lateness(now: datetime) -> Lateness | None:
    """Of the last day's posts (the newest two thousand); None when there were none."""
    first_tries = (
        PublishAttempt.objects.filter(
            Q(post__settled_at__isnull=True), number=1, outcome=Outcome.PUBLISHED, finished_at__gt=now - timedelta(days=1),
            post__scheduled_at__isnull=False,
        )
        .order_by("-finished_at")
        .annotate(due=Coalesce("post__paced_until", "post__scheduled_at"))
        .values_list("finished_at", "due")[:LATENESS_SAMPLE]
    )  # fmt: skip
    late = sorted(max(0.0, (finished - due).total_seconds()) for finished, due in first_tries if finished)
    if not late:
        return None
    return Lateness(len(late), late[len(late) // 2], late[min(len(late) - 1, int(len(late) * 0.99))])
