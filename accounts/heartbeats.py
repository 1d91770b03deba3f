"""Signs of life of the installation's processes, as rows: no broker has to be asked who is there."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.utils import timezone

from accounts.models import Heartbeat

EVERY_S = 10
SILENT_AFTER = timedelta(seconds=45)
FORGOTTEN_AFTER = timedelta(days=7)
TICK = "tick"


def beat(name: str, *, kind: str = "worker", queues: Sequence[str] = (), now: datetime | None = None) -> None:
    """This process lives."""
    Heartbeat.objects.update_or_create(
        name=name[:120], defaults={"kind": kind, "queues": list(queues), "seen_at": now or timezone.now()}
    )


def note_tick(now: datetime) -> None:
    """The periodic work runs; written at most every few seconds."""
    seen = Heartbeat.objects.filter(pk=TICK).values_list("seen_at", flat=True).first()
    if seen is None or now - seen > timedelta(seconds=5):
        beat(TICK, kind="tick", now=now)


def take_turn(name: str, *, every: timedelta, now: datetime) -> bool:
    """Whether it is this process's turn at something that one of many processes does every so often."""
    turn = Heartbeat.objects.filter(pk=name)
    if turn.filter(seen_at__gt=now - every).exists():
        return False
    if turn.filter(seen_at__lte=now - every).update(seen_at=now):
        return True
    _row, is_first = Heartbeat.objects.get_or_create(name=name, defaults={"kind": "turn", "seen_at": now})
    return is_first


def living_workers(now: datetime) -> list[Heartbeat]:
    return list(Heartbeat.objects.filter(kind="worker", seen_at__gt=now - SILENT_AFTER).order_by("name"))


def living_beats(now: datetime) -> list[Heartbeat]:
    """Processes that order the periodic work. That they live does not say that anybody does it: see ``last_tick``."""
    return list(Heartbeat.objects.filter(kind="beat", seen_at__gt=now - SILENT_AFTER).order_by("name"))


def last_tick() -> datetime | None:
    return Heartbeat.objects.filter(pk=TICK).values_list("seen_at", flat=True).first()


def last_seen(queue: str) -> datetime | None:
    """When a worker that takes this queue last showed that it lives, or said that it ends; None: never, or long ago."""
    workers = Heartbeat.objects.filter(kind__in=["worker", "gone"]).values_list("queues", "seen_at")
    return max((seen_at for queues, seen_at in workers if queue in queues), default=None)


def say_goodbye(name: str) -> None:
    """A process that ends in order leaves no ghost: its row says that it is gone, and since when."""
    now = timezone.now()
    Heartbeat.objects.filter(pk=name[:120]).update(kind="gone", seen_at=now)
    Heartbeat.objects.filter(kind__in=["worker", "beat", "gone"], seen_at__lt=now - FORGOTTEN_AFTER).delete()
