"""How the installation is: what the health page, ``/readyz`` and ``/metrics`` tell alike."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Min, Q
from django.db.models.functions import Coalesce

from accounts import heartbeats
from accounts.models import Heartbeat
from connections.breaker import paused
from connections.models import PlatformTrouble, SocialConnection
from publishing.models import Outcome, PostStatus, PublishAttempt, SocialPost

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
    """One look at the installation. Counts are over all organizations; nothing of a post's content."""

    now: datetime
    workers: list[Heartbeat]
    last_tick: datetime | None
    overdue: int
    oldest_due: datetime | None
    stuck: int
    checking: int
    lateness: Lateness | None
    attempts: dict[str, int]
    troubles: list[PlatformTrouble]
    expiring: int
    inactive: int

    @property
    def problems(self) -> dict[str, str]:
        """What keeps posts from going out, a sentence each."""
        found = {}
        publishing = [worker for worker in self.workers if "publish" in worker.queues]
        if not publishing:
            found["workers"] = (
                "No worker takes the queue “publish”: posts do not go out. Start one, or look at its log."
            )
        if self.last_tick is None or self.now - self.last_tick > SILENT_AFTER:
            found["beat"] = "The periodic work stands still: start `celery -A config beat`, or look at its log."
        if self.overdue and not found:
            found["overdue"] = f"{self.overdue} posts have been due for over a minute."
        if self.stuck:
            found["stuck"] = f"{self.stuck} posts are being published by a worker that no longer answers."
        return found


def look(now: datetime) -> State:
    """Read the state: a fixed number of queries."""
    due = SocialPost.objects.waiting(now - OVERDUE_AFTER)
    troubles = paused()
    for trouble in troubles:
        due = due.exclude(connection__platform=trouble.platform, connection__server_url=trouble.server_url)
    publishing = SocialPost.objects.filter(status=PostStatus.PUBLISHING)
    in_use = SocialConnection.objects.in_use()
    return State(
        now=now,
        workers=heartbeats.living_workers(now),
        last_tick=heartbeats.last_tick(),
        overdue=due.count(),
        oldest_due=due.aggregate(oldest=Min("scheduled_at"))["oldest"],
        stuck=publishing.filter(lease_until__lt=now - OVERDUE_AFTER).count(),
        checking=publishing.filter(claimed_by__startswith="reconcile:").count(),
        lateness=lateness(now),
        attempts=_attempts(now),
        troubles=troubles,
        expiring=in_use.expiring_before(now + EXPIRING_WITHIN).filter(next_refresh_at__isnull=True).count(),
        inactive=in_use.filter(is_active=False).count(),
    )


def _attempts(now: datetime) -> dict[str, int]:
    recent = PublishAttempt.objects.filter(started_at__gt=now - timedelta(days=1))
    counts = dict.fromkeys(Outcome.values, 0)
    for outcome in recent.values_list("outcome", flat=True):
        counts[outcome or "OPEN"] = counts.get(outcome or "OPEN", 0) + 1
    return counts


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
