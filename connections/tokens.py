"""Calls with a token that is good: the one way to call a platform for a connection, and renewing on demand."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

import structlog
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.audit import SYSTEM, Actor
from connections.breaker import note_outcome, refuse_while_paused
from connections.errors import ConnectionInactive, InvalidToken, NotRenewable, PlatformError, hide_secrets
from connections.models import SocialConnection
from connections.platforms.base import Platform, TokenPolicy
from connections.renewal import (
    BACKOFF_FIRST,
    RENEWABLE,
    Opened,
    is_short,
    open_connection,
    open_fresh,
    refuse_unusable,
    renew,
)
from connections.states import mark_inactive, restore

log = structlog.get_logger(__name__)

DUE_BATCH = 200


@dataclass(frozen=True)
class Answered[T]:
    """What a call gave, and the version of the token that it was given to: the one that the last try was made with."""

    value: T
    token_version: int


def call_with_fresh_token[T](
    connection: SocialConnection,
    call: Callable[[Platform], T],
    *,
    now: datetime | None = None,
    by: Actor = SYSTEM,
    inactive_too: bool = False,
    just_read: bool = False,
    paid_requests: int = 0,
) -> T:
    """Run ``call`` with a bound client. When the platform says that the token is no good, renew once where tokens can
    be renewed and repeat once; refused again, mark the connection inactive and raise InvalidToken. Not inside a
    transaction. ``paid_requests`` are taken from the budget already; ``just_read`` spares reading the connection again,
    for a caller that has done so a moment ago."""
    return ask_with_fresh_token(
        connection, call, now=now, by=by, inactive_too=inactive_too, just_read=just_read, paid_requests=paid_requests
    ).value


def ask_with_fresh_token[T](
    connection: SocialConnection,
    call: Callable[[Platform], T],
    *,
    now: datetime | None = None,
    by: Actor = SYSTEM,
    inactive_too: bool = False,
    just_read: bool = False,
    paid_requests: int = 0,
) -> Answered[T]:
    """``call_with_fresh_token`` for answers that speak of the token itself: they count only while the connection still
    has the token of that version. An InvalidToken that gets out of here has marked the connection already."""
    refuse_while_paused(connection)
    opened = open_fresh(connection, now=now, by=by, inactive_too=inactive_too, just_read=just_read)
    opened = replace(opened, paid_requests=paid_requests)
    try:
        return Answered(_watched(opened, call), opened.connection.token_version)
    except InvalidToken as error:
        newer = _newer_than_refused(opened, error, by=by, inactive_too=inactive_too)
    try:
        return Answered(_watched(newer, call), newer.connection.token_version)
    except InvalidToken as error:
        _give_up(newer, error, by=by)
        raise


def _watched[T](opened: Opened, call: Callable[[Platform], T]) -> T:
    """Run a call, and let what comes of it speak for or against the platform's health."""
    try:
        result = call(opened.client())
    except PlatformError as error:
        hide_secrets(error, opened.access, opened.refresh)
        note_outcome(opened.connection, error)
        raise
    note_outcome(opened.connection, None)
    return result


def probe(connection: SocialConnection) -> None:
    """One cheap read, whatever the circuit breaker says. Raises PlatformError."""
    open_connection(connection.pk).client().profile()


def _newer_than_refused(opened: Opened, error: InvalidToken, *, by: Actor, inactive_too: bool) -> Opened:
    current = open_connection(opened.connection.pk)
    if current.connection.token_version != opened.connection.token_version:
        return current  # renewed or reconnected by another meanwhile
    if opened.connection.platform_class.token_policy == TokenPolicy.ROTATING and opened.refresh:
        return renew(opened, by=by, inactive_too=inactive_too)
    _give_up(opened, error, by=by)
    raise error


def _give_up(opened: Opened, error: InvalidToken, *, by: Actor) -> None:
    mark_inactive(
        opened.connection, code=error.code, message=str(error), by=by, token_version=opened.connection.token_version
    )


def refresh_connection(connection: SocialConnection, *, by: Actor, force: bool = True) -> SocialConnection:
    """Renew the token now (``force``), or only when it is short. An inactive connection that could be renewed is active
    again. Raises NotRenewable, ConnectionInactive, InvalidToken, TransientError, RateLimited."""
    opened = open_connection(connection.pk)
    current = opened.connection
    refuse_unusable(current, inactive_too=True)
    if current.platform_class.token_policy == TokenPolicy.PERMANENT or current.token_expires_at is None:
        if current.platform_class.token_policy != TokenPolicy.ROTATING:
            raise NotRenewable(
                _("Access to %(account)s never expires, so there is nothing to renew. Check it instead.")
                % {"account": current}
            )
    elif current.platform_class.token_policy == TokenPolicy.NOT_RENEWABLE:
        raise NotRenewable(
            _("%(platform)s renews access only through its consent page. Reconnect %(account)s.")
            % {"platform": current.platform_label, "account": current.account_name}
        )
    if force or is_short(current, timezone.now()):
        current = renew(opened, by=by, inactive_too=True).connection
        if not current.is_active:
            restore(current, by=by)
    connection.refresh_from_db()
    return connection


def refresh_due_tokens(now: datetime | None = None) -> int:
    """Renew every token that is due; how many were. One that fails is left to its own next time."""
    now = now or timezone.now()
    renewed = 0
    for connection in SocialConnection.objects.refresh_due(now).select_related("organization")[:DUE_BATCH]:
        if connection.platform_class.token_policy not in RENEWABLE:
            SocialConnection.objects.filter(pk=connection.pk).update(next_refresh_at=None)
            continue
        try:
            refresh_connection(connection, by=SYSTEM)
            renewed += 1
        except (PlatformError, ConnectionInactive, NotRenewable) as error:
            # Already noted on its row (backoff, or inactive), or changed by someone else meanwhile.
            log.info("due token not renewed", connection=str(connection.pk), code=error.code)
        except Exception:
            log.exception("due token not renewed", connection=str(connection.pk))
            SocialConnection.objects.filter(pk=connection.pk).update(next_refresh_at=now + BACKOFF_FIRST * 10)
    return renewed
