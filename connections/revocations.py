"""Tokens that were destroyed here and still have to be withdrawn at their platform."""

import random
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.utils import timezone

from accounts.audit import SYSTEM, record_audit
from accounts.crypto import reveal, seal_into
from connections.credentials import credentials_named
from connections.errors import PlatformError, RateLimited, hide_secrets
from connections.hurry import hurry_on_commit
from connections.models import Consent, Revocation, SocialConnection
from connections.platforms.base import Platform, TokenGrant, platform_class

log = structlog.get_logger(__name__)

FIRST = timedelta(minutes=1)
LONGEST = timedelta(hours=12)
TRIES = 10
BATCH = 50


def withdraw_tokens(connection: SocialConnection, secrets: Iterable[str]) -> None:
    """Queue the withdrawal of a connection's tokens, in the transaction that destroys them here. Nothing happens for a
    platform that has no such call."""
    _queue(
        connection.platform_class, secrets, organization_id=connection.organization_id,
        server_url=connection.server_url, account_id=connection.platform_account_id,
        app_client_id=connection.app_client_id,
    )  # fmt: skip


def withdraw_grant(
    consent: Consent, grant: TokenGrant, account_ids: Sequence[str] | None, *, app_client_id: str
) -> None:
    """Queue the withdrawal of what a consent gave and no connection keeps. ``account_ids``: the accounts that it opens,
    None when that is not known. A consent whose tokens a connection may depend on stays as it is."""
    platform = platform_class(consent.platform)
    if platform.shares_tokens and _is_used(
        platform, server_url=consent.server_url, app_client_id=app_client_id, account_ids=account_ids
    ):
        return
    _queue(
        platform, [grant.access_token, grant.refresh_token or ""], organization_id=consent.organization_id,
        server_url=consent.server_url, account_id=account_ids[0] if account_ids else "", app_client_id=app_client_id,
    )  # fmt: skip


def _is_used(
    platform: type[Platform], *, server_url: str, app_client_id: str, account_ids: Sequence[str] | None
) -> bool:  # fmt: skip
    """Whether a connection, of whatever organization, has one of these accounts (None: any) by this registration."""
    rows = SocialConnection.objects.in_use().filter(
        platform=platform.name, server_url=server_url, app_client_id=app_client_id
    )
    return (rows if account_ids is None else rows.filter(platform_account_id__in=account_ids)).exists()


def _queue(
    platform: type[Platform], secrets: Iterable[str], *, organization_id: UUID, server_url: str, account_id: str,
    app_client_id: str,
) -> None:  # fmt: skip
    if platform.revoke is Platform.revoke:
        return
    for secret in filter(None, secrets):
        row = Revocation(
            organization_id=organization_id, platform=platform.name, server_url=server_url, account_id=account_id,
            app_client_id=app_client_id, next_attempt_at=timezone.now(),
        )  # fmt: skip
        seal_into(row, "secret", secret)
        row.save()
    hurry_on_commit("connections.tasks.retry_revocations_task")


def retry_revocations(now: datetime | None = None) -> int:
    """Withdraw what is due at its platform; how many are done. One that a platform does not take for days is given up:
    the token is gone here, and the audit trail says so."""
    now = now or timezone.now()
    done = 0
    due = Revocation.objects.filter(next_attempt_at__lte=now).select_related("organization").order_by("next_attempt_at")
    for row in due[:BATCH]:
        wait = min(FIRST * 2**row.tries, LONGEST) * random.uniform(0.9, 1.1)  # noqa: S311  (spreads load)
        claim = Revocation.objects.filter(pk=row.pk, next_attempt_at=row.next_attempt_at)
        if not claim.update(tries=row.tries + 1, next_attempt_at=now + wait):
            continue
        try:
            _revoke(row)
        except PlatformError as error:
            _note_failure(row, error)
        except Exception:
            log.exception("revocation failed", revocation=str(row.pk))
        else:
            row.delete()
            done += 1
    return done


def _revoke(row: Revocation) -> None:
    cls = platform_class(row.platform)
    if cls.shares_tokens and row.account_id and _is_used(
        cls, server_url=row.server_url, app_client_id=row.app_client_id, account_ids=[row.account_id]
    ):  # fmt: skip
        return  # connected here or in another organization: it would lose its access
    app = credentials_named(row.organization, cls, row.server_url, row.app_client_id)
    secret = reveal(row, "secret")
    platform = cls(app=app, access_token=secret, account_id=row.account_id, server_url=row.server_url)
    try:
        platform.revoke(secret)
    except PlatformError as error:
        hide_secrets(error, secret)
        raise


def _note_failure(row: Revocation, error: PlatformError) -> None:
    if row.tries + 1 >= TRIES:
        record_audit("connection.revocation_abandoned", row, by=SYSTEM, changes={"reason": [None, str(error)]})
        row.delete()
        return
    later: dict[str, Any] = {"error_message": str(error)}
    if isinstance(error, RateLimited) and error.retry_at:
        later["next_attempt_at"] = error.retry_at
    Revocation.objects.filter(pk=row.pk).update(**later)
