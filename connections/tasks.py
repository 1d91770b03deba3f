"""Celery entry points: ids in, one service called."""

from uuid import UUID

import structlog
from celery import shared_task

from connections import services
from connections.breaker import probe_paused
from connections.budgets import forget_old_uses
from connections.consents import tidy_consents
from connections.errors import ConnectionInactive, PlatformError
from connections.models import SocialConnection
from connections.revocations import retry_revocations
from connections.tokens import refresh_due_tokens

log = structlog.get_logger(__name__)


@shared_task(ignore_result=True)
def refresh_due_tokens_task() -> None:
    refresh_due_tokens()


@shared_task(ignore_result=True)
def retry_revocations_task() -> None:
    retry_revocations()


@shared_task(ignore_result=True)
def tidy_consents_task() -> None:
    tidy_consents()


@shared_task(ignore_result=True)
def probe_paused_platforms_task() -> None:
    probe_paused()


@shared_task(ignore_result=True)
def forget_old_rate_uses_task() -> None:
    forget_old_uses()


@shared_task(ignore_result=True)
def sync_due_profiles_task() -> None:
    services.sync_due_profiles()


@shared_task(ignore_result=True)
def sync_profile_task(connection_id: str) -> None:
    """Hurries one profile along; ``next_sync_at`` finds it again when this fails or is lost."""
    connection = SocialConnection.objects.active().filter(pk=UUID(connection_id)).first()
    if connection is None:
        return
    try:
        services.sync_profile(connection)
    except (PlatformError, ConnectionInactive) as error:
        log.info("profile not read", connection=connection_id, code=error.code)
