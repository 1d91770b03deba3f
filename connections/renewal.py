"""Renewing tokens: kept in rows of their own, opened only for a call, renewed once however many workers ask.

Renewing goes over the network, so no transaction is held meanwhile: the one who renews takes a lease on the connection
by a conditional UPDATE, the others poll until the new pair is stored and use that. The pair is stored before it is
used. A web request waits for the platform a few seconds only: the answer that comes later is stored all the same.
What remains: when a process dies between the platform's answer and our store, a single-use refresh token is
spent and its successor lost, and the person has to consent again.
"""

import random
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connections, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.audit import Actor, record_audit
from accounts.crypto import CannotDecrypt, reveal, seal_into
from accounts.page_calls import TooSlow, time_left_s
from connections import budgets
from connections.credentials import credentials_of
from connections.errors import (
    APP_REFUSED,
    Busy,
    ConnectionInactive,
    InvalidToken,
    PlatformError,
    RateLimited,
    TransientError,
    hide_secrets,
)
from connections.guard import in_time
from connections.models import ConnectionToken, SocialConnection, TokenKind
from connections.platforms.base import Platform, TokenGrant, TokenPolicy
from connections.rate_headers import Rate
from connections.revocations import withdraw_tokens
from connections.states import mark_inactive, restore

log = structlog.get_logger(__name__)

RENEWABLE = frozenset({TokenPolicy.ROTATING, TokenPolicy.EXTENDING})
POLL_S = 0.1
BACKOFF_FIRST = timedelta(minutes=1)
BACKOFF_LONGEST = timedelta(hours=6)


def lease_length() -> timedelta:
    """Longer than the slowest answer that the HTTP client waits for."""
    return timedelta(seconds=2 * (settings.PLATFORM_CONNECT_TIMEOUT_S + settings.PLATFORM_READ_TIMEOUT_S) + 20)


@dataclass(frozen=True)
class Opened:
    """A connection as it stands, with its secrets, for one call."""

    connection: SocialConnection
    access: str
    refresh: str
    paid_requests: int = 0
    """How many requests are taken from the budget already."""

    def client(self) -> Platform:
        connection = self.connection
        platform = connection.platform_class(
            app=partial(credentials_of, connection),
            access_token=self.access,
            account_id=connection.platform_account_id,
            handle=connection.account_handle,
            server_url=connection.server_url,
            limits=connection.limits,
        )
        if budgets.counts_requests(connection):
            platform.http.meter = _Meter(connection, self.paid_requests).take
        platform.http.on_rate = partial(_note_rate, connection)
        return platform

    def client_for_thread(self) -> Platform:
        """A client for one request, which is paid here, in a thread that cannot use this one's database connection."""
        platform = self.client()
        if platform.http.meter is not None:
            platform.http.meter()
            platform.http.meter = None
        _looked_up = platform.app
        return platform


@dataclass
class _Meter:
    """Takes each request of a client from its connection's budget, but for those that are paid."""

    connection: SocialConnection
    paid: int

    def take(self) -> None:
        """Raises RateLimited."""
        if self.paid:
            self.paid -= 1
        else:
            budgets.take(self.connection, "requests")


def _note_rate(connection: SocialConnection, operation: str, rate: Rate) -> None:
    # Only what publishing posts has left, and only when it runs short: other operations have budgets of their own.
    if operation == "create_post" and rate.remaining is not None and rate.remaining * 10 <= (rate.limit or 0):
        budgets.remember_report(
            connection, "posts", limit=rate.limit, remaining=rate.remaining, resets_at=rate.resets_at
        )


def open_connection(connection_id: UUID) -> Opened:
    return with_secrets(SocialConnection.objects.select_related("organization").get(pk=connection_id))


def with_secrets(connection: SocialConnection) -> Opened:
    secrets = {}
    for token in connection.tokens.all():
        try:
            secrets[token.kind] = reveal(token, "secret")
        except CannotDecrypt as error:
            raise TransientError(
                _("The tokens of %(account)s cannot be decrypted. Ask your operator to check the encryption key.")
                % {"account": connection},
                detail=str(error),
            ) from error
    return Opened(connection, secrets.get(TokenKind.ACCESS, ""), secrets.get(TokenKind.REFRESH, ""))


def refuse_unusable(connection: SocialConnection, *, inactive_too: bool) -> None:
    if connection.disconnected_at is not None:
        raise ConnectionInactive(_("%(account)s was disconnected.") % {"account": connection})
    if not connection.is_active and not inactive_too:
        reason = connection.error_message or ""
        raise ConnectionInactive(
            (_("%(account)s needs to be reconnected. %(reason)s") % {"account": connection, "reason": reason}).strip()
        )


# --- storing ----------------------------------------------------------------------------------------------------------


def _next_refresh(platform: type[Platform], expires_at: datetime | None, now: datetime) -> datetime | None:
    """When the job should renew by itself, spread so that accounts connected together are not renewed together."""
    spread = random.uniform(0.9, 1)  # noqa: S311  (spreads load)
    if platform.token_policy == TokenPolicy.EXTENDING and expires_at:
        return max(now, expires_at - platform.refresh_ahead * (2 - spread))
    if platform.token_policy == TokenPolicy.ROTATING and platform.keep_alive_every:
        return now + platform.keep_alive_every * spread
    return None


def store_grant(connection: SocialConnection, grant: TokenGrant, *, now: datetime | None = None) -> None:
    """Keep what a platform gave, and forget earlier failures to renew. A refresh token that was not sent again is kept."""
    now = now or timezone.now()
    with transaction.atomic():
        for kind, secret, expires_at in (
            (TokenKind.ACCESS, grant.access_token, grant.expires_at),
            (TokenKind.REFRESH, grant.refresh_token, None),
        ):
            if not secret:
                continue
            token = ConnectionToken.objects.get_or_create(connection=connection, kind=kind)[0]
            seal_into(token, "secret", secret)
            token.expires_at = expires_at
            token.save(update_fields=["secret", "expires_at", "updated_at"])
        changes: dict[str, Any] = {
            "token_expires_at": grant.expires_at, "token_refreshed_at": now, "refresh_failures": 0,
            "next_refresh_at": _next_refresh(connection.platform_class, grant.expires_at, now),
            "refresh_lease_until": None, "token_version": F("token_version") + 1, "updated_at": now,
        }  # fmt: skip
        if grant.permissions:
            changes["permissions"] = sorted(set(grant.permissions))
        SocialConnection.objects.filter(pk=connection.pk).update(**changes)
        connection.refresh_from_db()


# --- renewing ---------------------------------------------------------------------------------------------------------


def _take_lease(connection_id: UUID, *, version: int, failures: int) -> datetime | None:
    """The lease, for exactly one caller at a time, and only while nobody has renewed or failed to since the caller
    looked."""
    now = timezone.now()
    # A moment of its own for each holder: it is also the name by which the lease is given back.
    until = now + lease_length() + timedelta(microseconds=random.randrange(1_000_000))  # noqa: S311
    with transaction.atomic(durable=True):
        free = SocialConnection.objects.in_use().filter(
            Q(refresh_lease_until__isnull=True) | Q(refresh_lease_until__lt=now),
            pk=connection_id,
            token_version=version,
            refresh_failures=failures,
        )
        return until if free.update(refresh_lease_until=until) == 1 else None


def _give_back(connection_id: UUID, lease: datetime) -> None:
    SocialConnection.objects.filter(pk=connection_id, refresh_lease_until=lease).update(refresh_lease_until=None)


def renew(opened: Opened, *, by: Actor, inactive_too: bool = False) -> Opened:
    """The connection with a newer token than ``opened`` has, renewed by this caller or by another.

    Raises InvalidToken on the platform's clear word (the connection is inactive then); TransientError or RateLimited
    when it could not be done now; ConnectionInactive.
    """
    first = opened.connection
    left_s = time_left_s()
    wait_s = lease_length().total_seconds()
    patience = time.monotonic() + (wait_s if left_s is None else min(wait_s, left_s))
    while True:
        current = SocialConnection.objects.select_related("organization").get(pk=first.pk)
        if current.token_version != first.token_version:
            return open_connection(first.pk)
        refuse_unusable(current, inactive_too=inactive_too)
        if current.refresh_failures > first.refresh_failures:
            # The one we waited for did not get through; asking again at once would only add to the trouble.
            raise TransientError(_cannot_renew_now(current))
        lease = _take_lease(first.pk, version=first.token_version, failures=first.refresh_failures)
        if lease is not None:
            return _renew_with_lease(opened, lease, by=by)
        if time.monotonic() > patience:
            raise TransientError(_cannot_renew_now(current))
        time.sleep(POLL_S)


class _StillRenewing(TransientError):
    """The platform takes longer than a web request waits. What it answers is stored when it comes, and the lease stays
    until then."""


def _renew_with_lease(opened: Opened, lease: datetime, *, by: Actor) -> Opened:
    try:
        newer = _store_renewal(opened, partial(_ask_for_grant, opened, lease, by=by), by=by)
    except _StillRenewing:
        raise
    except BaseException:
        _give_back(opened.connection.pk, lease)
        raise
    _give_back(opened.connection.pk, lease)
    return newer


def _ask_for_grant(opened: Opened, lease: datetime, *, by: Actor) -> TokenGrant:
    """What the platform gives for the token at hand. Raises PlatformError."""
    connection = opened.connection
    rotating = connection.platform_class.token_policy == TokenPolicy.ROTATING
    secret = opened.refresh if rotating else opened.access
    if not secret:
        raise InvalidToken(_("No refresh token is stored. Reconnect the account."))
    opened = replace(opened, paid_requests=0)
    if not rotating or time_left_s() is None:
        return opened.client().refresh(secret)
    # The refresh token is spent as soon as the platform has it: a web request may stop waiting for the new pair, but the
    # pair must not be lost.
    ask: Callable[[], TokenGrant] = partial(opened.client_for_thread().refresh, secret)
    late: Callable[[Future[TokenGrant]], None] = partial(_store_late, opened, lease, by=by)
    try:
        return in_time(ask, guarded=False, late=late)
    except TooSlow as error:
        raise (_StillRenewing if error.was_begun else Busy)(_cannot_renew_now(connection)) from None


def _store_late(opened: Opened, lease: datetime, answered: Future[TokenGrant], *, by: Actor) -> None:
    """Store what came of a renewal that a web request gave up waiting for."""
    connection = opened.connection
    try:
        _store_renewal(opened, answered.result, by=by)
    except (PlatformError, ConnectionInactive) as error:
        log.info("late renewal did not succeed", connection=str(connection.pk), code=error.code)
    finally:
        _give_back(connection.pk, lease)
        connections.close_all()


def _store_renewal(opened: Opened, ask: Callable[[], TokenGrant], *, by: Actor) -> Opened:
    """The connection with the new token that ``ask`` gives, or with what its refusal means for the connection."""
    connection = opened.connection
    was_active = connection.is_active
    try:
        grant = ask()
    except (_StillRenewing, Busy):
        raise  # says nothing of the token
    except InvalidToken as error:
        hide_secrets(error, opened.access, opened.refresh)
        if error.platform_code in APP_REFUSED:
            _note_failure(connection, error)
            raise TransientError(_cannot_renew_now(connection), detail=error.detail) from error
        current = open_connection(connection.pk)
        if current.connection.token_version != connection.token_version:
            return current  # reconnected while we asked: the refusal was of the older token
        mark_inactive(connection, code=error.code, message=str(error), by=by, token_version=connection.token_version)
        raise
    except PlatformError as error:
        hide_secrets(error, opened.access, opened.refresh)
        _note_failure(connection, error)
        if isinstance(error, RateLimited | TransientError):
            raise
        raise TransientError(_cannot_renew_now(connection), detail=error.detail) from error
    with transaction.atomic(durable=True):
        current_row = SocialConnection.objects.select_for_update().get(pk=connection.pk)
        if current_row.disconnected_at is not None:
            withdraw_tokens(current_row, [grant.access_token, grant.refresh_token or ""])
        elif current_row.token_version == connection.token_version:
            store_grant(connection, grant)
            record_audit("connection.token_refreshed", connection, by=by)
            if was_active and not connection.is_active:
                # Another, who took over an overrun lease, had the spent token refused: this pair is the good one.
                restore(connection, by=by)
        # Else reconnected while we asked: the pair of the newer consent stays.
    refuse_unusable(current_row, inactive_too=True)
    return open_connection(connection.pk)


def _cannot_renew_now(connection: SocialConnection) -> str:
    return _("%(platform)s could not renew access to %(account)s. Parley will try again automatically.") % {
        "platform": connection.platform_label, "account": connection.account_name,
    }  # fmt: skip


def _note_failure(connection: SocialConnection, error: PlatformError) -> None:
    """A passing failure: later again, and nothing for the user."""
    now = timezone.now()
    wait = min(BACKOFF_FIRST * 2 ** min(connection.refresh_failures, 12), BACKOFF_LONGEST)
    again = now + wait * random.uniform(0.8, 1.2)  # noqa: S311  (spreads load)
    if isinstance(error, RateLimited) and error.retry_at:
        again = max(again, error.retry_at)
    SocialConnection.objects.active().filter(pk=connection.pk).update(
        refresh_failures=F("refresh_failures") + 1, next_refresh_at=again
    )
    log.warning(
        "token refresh failed", connection=str(connection.pk), platform=connection.platform, code=error.code,
        platform_code=error.platform_code, again=again.isoformat(),
    )  # fmt: skip


def is_short(connection: SocialConnection, now: datetime) -> bool:
    """Whether the token should be renewed before it is used."""
    platform = connection.platform_class
    expires_at = connection.token_expires_at
    return platform.token_policy in RENEWABLE and expires_at is not None and expires_at - now < platform.refresh_ahead


def open_fresh(
    connection: SocialConnection, *, now: datetime | None, by: Actor, inactive_too: bool, just_read: bool = False
) -> Opened:
    now = now or timezone.now()
    opened = with_secrets(connection) if just_read else open_connection(connection.pk)
    current = opened.connection
    refuse_unusable(current, inactive_too=inactive_too)
    rotating = current.platform_class.token_policy == TokenPolicy.ROTATING
    if not is_short(current, now) or (rotating and not opened.refresh):
        return opened
    try:
        return renew(opened, by=by, inactive_too=inactive_too)
    except (TransientError, RateLimited):
        expires_at = current.token_expires_at
        if expires_at is not None and expires_at > now:
            return opened  # it still has some life: use that
        raise
