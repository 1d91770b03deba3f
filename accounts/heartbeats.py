"""Signs of life of the installation's processes, as rows: no broker has to be asked who is there."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.utils import timezone

from accounts.models import Heartbeat

EVERY_S = 10
SILENT_AFTER = timedelta(seconds=45)
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


def living_workers(now: datetime) -> list[Heartbeat]:
    return list(Heartbeat.objects.filter(kind="worker", seen_at__gt=now - SILENT_AFTER).order_by("name"))


def last_tick() -> datetime | None:
    return Heartbeat.objects.filter(pk=TICK).values_list("seen_at", flat=True).first()


def say_goodbye(name: str) -> None:
    """A worker that ends in order leaves no ghost."""
    Heartbeat.objects.filter(pk=name[:120]).delete()
