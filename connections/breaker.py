"""A circuit breaker per platform and server: when it fails for everybody, calls pause and are probed.

Every answer, also a refusal, proves that the platform works and ends its trouble. Failures without an answer in a row
(timeouts, resets, 5xx) pause it; then posts wait without using up their tries, and one cheap read asks now and then.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from connections.errors import PlatformError, RateLimited
from connections.models import PlatformTrouble, SocialConnection

log = structlog.get_logger(__name__)

FAILURES_TO_PAUSE = 8
FIRST_PROBE = timedelta(seconds=20)
LONGEST_PROBE_WAIT = timedelta(minutes=5)


class PlatformPaused(RateLimited):
    """The platform has trouble; ``retry_at`` is when it is probed next."""

    code = "PLATFORM_TROUBLE"


def note_failure(connection: SocialConnection, error: PlatformError, *, now: datetime | None = None) -> None:
    """Count a failure without an answer; the platform is paused once there were too many in a row."""
    now = now or timezone.now()
    row, _made = PlatformTrouble.objects.get_or_create(
        platform=connection.platform, server_url=connection.server_url, defaults={"first_failure_at": now}
    )
    rows = PlatformTrouble.objects.filter(pk=row.pk)
    rows.update(failures=F("failures") + 1, last_error=str(error)[:300])
    if rows.filter(failures__gte=FAILURES_TO_PAUSE, paused_since__isnull=True).update(
        paused_since=now, probe_at=now + FIRST_PROBE, probes=0
    ):
        log.warning("platform paused", platform=connection.platform, server=connection.server_url, error=error.code)


def note_outcome(connection: SocialConnection, error: PlatformError | None) -> None:
    """What a call says of its platform: no answer counts against it, any answer ends its trouble."""
    if error is not None and error.is_outage:
        note_failure(connection, error)
    elif error is None or not isinstance(error, RateLimited):
        note_answer(connection)


def note_answer(connection: SocialConnection) -> None:
    """The platform answered: its trouble is over."""
    ended = PlatformTrouble.objects.filter(platform=connection.platform, server_url=connection.server_url)
    if ended.exists() and ended.delete()[0]:
        log.info("platform works", platform=connection.platform, server=connection.server_url)


def refuse_while_paused(connection: SocialConnection) -> None:
    """Raises PlatformPaused while calls to this platform are paused."""
    trouble = PlatformTrouble.objects.filter(
        platform=connection.platform, server_url=connection.server_url, paused_since__isnull=False
    ).first()
    if trouble is not None and trouble.paused_since is not None:
        since = trouble.paused_since.astimezone(connection.organization.zone)
        raise PlatformPaused(
            f"{trouble.label} has been having trouble since {since:%H:%M}. Posts resume automatically.",
            retry_at=trouble.probe_at,
        )


def paused() -> list[PlatformTrouble]:
    """Platforms and servers whose calls are paused now."""
    return list(PlatformTrouble.objects.filter(paused_since__isnull=False).order_by("paused_since"))


def probe_paused(*, now: datetime | None = None) -> list[PlatformTrouble]:
    """Ask each paused platform that is due for a look with one read; those that answer again are returned."""
    now = now or timezone.now()
    recovered = []
    for trouble in PlatformTrouble.objects.filter(paused_since__isnull=False, probe_at__lte=now):
        wait = min(FIRST_PROBE * 2 ** min(trouble.probes + 1, 8), LONGEST_PROBE_WAIT)
        mine = PlatformTrouble.objects.filter(pk=trouble.pk, probe_at=trouble.probe_at)
        if mine.update(probe_at=now + wait, probes=F("probes") + 1) and _answers(_witnesses(trouble)):
            with transaction.atomic():
                PlatformTrouble.objects.filter(pk=trouble.pk).delete()
            log.info("platform works again", platform=trouble.platform, server=trouble.server_url)
            recovered.append(trouble)
    return recovered


def _witnesses(trouble: PlatformTrouble) -> Iterable[SocialConnection]:
    return SocialConnection.objects.active().filter(platform=trouble.platform, server_url=trouble.server_url)[:2]


def _answers(connections: Iterable[SocialConnection]) -> bool:
    """Whether the platform answers for any of these; with nobody left to ask for, there is nothing to pause."""
    from connections.tokens import probe

    asked = False
    for connection in connections:
        asked = True
        try:
            probe(connection)
        except PlatformError as error:
            if error.is_outage:
                continue
        return True
    return not asked
