"""What may happen to a connection: connected, reconnected, validated, synced, disconnected."""

import hashlib
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.audit import SYSTEM, Actor, record_audit
from accounts.crypto import CannotDecrypt, reveal
from accounts.models import Organization, User
from connections.credentials import credentials_for
from connections.errors import (
    AlreadyConnected,
    ConnectionInactive,
    InvalidToken,
    NotConfigured,
    PlatformError,
    TokenRefused,
    TransientError,
    UnsafeAddress,
    hide_secrets,
)
from connections.events import connection_disconnected
from connections.guard import fetch_avatar
from connections.hurry import hurry_on_commit
from connections.models import SocialConnection
from connections.platforms.base import Account, AppCredentials, Platform, TokenGrant, Validation, platform_class
from connections.renewal import store_grant
from connections.revocations import withdraw_tokens
from connections.states import mark_inactive, restore
from connections.tokens import ask_with_fresh_token, call_with_fresh_token

__all__ = [
    "connect_account",
    "connect_with_tokens",
    "disconnect",
    "mark_inactive",
    "restore",
    "sync_due_profiles",
    "sync_profile",
    "validate_connection",
]

log = structlog.get_logger(__name__)

PROFILE_EVERY = timedelta(hours=24)
PROFILE_AGAIN = timedelta(hours=1)
BATCH = 50
VALIDATE_ASKS = 3
"""How often a token is asked about that others keep replacing meanwhile."""


# --- connecting -------------------------------------------------------------------------------------------------------


def connect_account(
    organization: Organization,
    platform: str | type[Platform],
    account: Account,
    *,
    server_url: str = "",
    app_client_id: str = "",
    by: Actor,
) -> SocialConnection:
    """Connect an account that a consent opened, or reconnect the one that is known: it keeps its id, posts and history,
    every error mark goes, and a refresh token that the platform did not send again stays.

    ``platform`` is the stored name or the class. Raises ValueError for an account without a grant.
    """
    if account.grant is None:
        raise ValueError("only an account with its grant can be connected")
    cls = platform_class(platform) if isinstance(platform, str) else platform
    now = timezone.now()
    described = _described(account) | {"app_client_id": app_client_id, "next_sync_at": now}
    if isinstance(by, User):
        described["connected_by"] = by
    with transaction.atomic():
        connection, is_new = SocialConnection.objects.get_or_create(
            organization=organization, platform=cls.name, server_url=server_url, platform_account_id=account.id,
            defaults=described,
        )  # fmt: skip
        if not is_new:
            for name, value in described.items():
                setattr(connection, name, value)
            connection.save(update_fields=[*described, "updated_at"])
        store_grant(connection, account.grant, now=now)
        if not is_new:
            restore(connection, by=by)
        record_audit(
            "connection.connected" if is_new else "connection.reconnected", connection, by=by,
            changes={"permissions": [None, connection.permissions]},
        )  # fmt: skip
        hurry_on_commit("connections.tasks.sync_profile_task", str(connection.pk))
    return connection


def _described(account: Account) -> dict[str, Any]:
    """The columns that an account fills; what the platform did not tell is left as it is."""
    columns: dict[str, Any] = {
        "account_name": (account.name or account.handle or account.id)[:200],
        "account_handle": account.handle[:200],
        "kind": account.kind[:20],
        "avatar_url": account.avatar_url[:500],
        "profile_url": account.url[:500],
    }
    if account.followers is not None:
        columns["followers"] = account.followers
    if account.limits:
        columns["limits"] = account.limits
    return columns


def connect_with_tokens(
    organization: Organization,
    platform: type[Platform],
    *,
    access_token: str,
    refresh_token: str = "",
    expires_in_s: int | None = None,
    expires_at: datetime | None = None,
    permissions: Sequence[str] = (),
    server_url: str = "",
    by: Actor,
) -> SocialConnection:
    """Connect with tokens that were obtained elsewhere, after the platform has confirmed them.

    What the platform says of the permissions counts; where it says nothing, ``permissions`` does, and without these
    what Parley asks for by default: a call that lacks one is refused by the platform with its name.

    Raises TokenRefused, AlreadyConnected (the account works here already), UnsafeAddress, and PlatformError when the
    platform cannot tell.
    """
    now = timezone.now()
    if expires_at is None and expires_in_s is not None:
        expires_at = now + timedelta(seconds=expires_in_s)
    server = platform.normalize_server(server_url) if platform.needs_server else ""
    app = _app_at_hand(organization, platform, server)
    try:
        client = platform(app=app, access_token=access_token, server_url=server)
        validation = client.validate()
        if not validation.is_valid:
            raise TokenRefused(_refused(platform, validation.reason), field="access_token")
        client = platform(app=app, access_token=access_token, server_url=server, account_id=validation.account_id)
        account = client.profile()
    except InvalidToken as error:
        said = str(hide_secrets(error, access_token, refresh_token))
        raise TokenRefused(_refused(platform, said), field="access_token") from error
    except PlatformError as error:
        hide_secrets(error, access_token, refresh_token)
        raise
    known = SocialConnection.objects.for_organization(organization).filter(
        platform=platform.name, server_url=server, platform_account_id=account.id
    )
    if known.active().exists():
        raise AlreadyConnected(_("This account is already connected."))
    granted = tuple(validation.permissions or permissions or platform.scopes)
    grant = TokenGrant(access_token, refresh_token or None, validation.expires_at or expires_at, granted)
    connected = Account(
        id=account.id, name=account.name, handle=account.handle, kind=account.kind, avatar_url=account.avatar_url,
        url=account.url, followers=account.followers, grant=grant, limits=account.limits,
    )  # fmt: skip
    try:
        return connect_account(organization, platform, connected, server_url=server, app_client_id=app.client_id, by=by)
    except IntegrityError as error:
        raise AlreadyConnected(_("This account is already connected.")) from error


def _app_at_hand(organization: Organization, platform: type[Platform], server_url: str) -> AppCredentials:
    """The registration that tokens from elsewhere most likely belong to; an empty one serves for calls."""
    try:
        return credentials_for(organization, platform, server_url)
    except NotConfigured:
        return AppCredentials("", "", server_url)


def _refused(platform: type[Platform], reason: str) -> str:
    return (
        _("%(platform)s does not accept this token. %(reason)s") % {"platform": platform.label, "reason": reason}
    ).strip()


# --- asking the platform ----------------------------------------------------------------------------------------------


def validate_connection(connection: SocialConnection, *, by: Actor) -> Validation:
    """Ask the platform about the token and store what it says: expiry, permissions, and whether it works at all.

    An account that turns out to work is active again. What is said of a token that was replaced meanwhile (somebody
    reconnected) says nothing of the account: the newer one is asked about then.

    Raises ConnectionInactive for a disconnected account, and TransientError or RateLimited when the platform cannot tell
    (nothing changes then).
    """
    for _ask in range(VALIDATE_ASKS):
        validation, is_kept = _validate_once(connection, by=by)
        if is_kept:
            return validation
    raise TransientError(
        _("%(account)s was reconnected while its access was being checked. Try again.") % {"account": connection}
    )


def _validate_once(connection: SocialConnection, *, by: Actor) -> tuple[Validation, bool]:
    """What the platform says, and whether it was said of the token that the connection still has, and so was kept."""
    try:
        answered = ask_with_fresh_token(connection, lambda client: client.validate(), by=by, inactive_too=True)
    except InvalidToken as error:
        # Marked already, unless it was the word on a token that has been replaced.
        connection.refresh_from_db()
        if is_kept := not connection.is_active:
            record_audit("connection.validated", connection, by=by, changes={"is_valid": [None, False]})
        return Validation(is_valid=False, reason=str(error)), is_kept
    validation, version = answered.value, answered.token_version
    with transaction.atomic():
        still = SocialConnection.objects.in_use().filter(pk=connection.pk, token_version=version)
        kept: dict[str, Any] = {"updated_at": timezone.now()}
        if validation.is_valid:
            kept["validated_at"] = timezone.now()
            if validation.permissions:
                kept["permissions"] = sorted(set(validation.permissions))
            if validation.expires_at:
                kept["token_expires_at"] = validation.expires_at
        # One conditional UPDATE: from here on the row is ours, and nobody reconnects or disconnects it before we end.
        is_kept = still.update(**kept) == 1
        connection.refresh_from_db()
        if not is_kept:
            return validation, False
        record_audit("connection.validated", connection, by=by, changes={"is_valid": [None, validation.is_valid]})
        if not validation.is_valid:
            reason = validation.reason or _("The platform no longer accepts the access. Reconnect the account.")
            mark_inactive(connection, code=InvalidToken.code, message=reason, by=by, token_version=version)
        elif not connection.is_active:
            restore(connection, by=by)
    return validation, True


def sync_profile(connection: SocialConnection, *, by: Actor = SYSTEM) -> SocialConnection:
    """Read the account's name, handle, picture, followers and limits again. Raises what a call may raise."""
    account = call_with_fresh_token(connection, lambda client: client.profile(), by=by)
    now = timezone.now()
    columns = _described(account)
    old = connection.avatar_url if connection.avatar else ""
    if account.avatar_url and account.avatar_url != old:
        _store_avatar(connection, account.avatar_url)
    columns |= {
        "last_sync_at": now, "next_sync_at": now + PROFILE_EVERY * random.uniform(0.9, 1.1), "updated_at": now,  # noqa: S311
    }  # fmt: skip
    if not account.avatar_url:
        del columns["avatar_url"]
    if not account.url:
        del columns["profile_url"]
    SocialConnection.objects.filter(pk=connection.pk).update(**columns)
    connection.refresh_from_db()
    if by is not SYSTEM:
        record_audit("connection.synced", connection, by=by)
    return connection


def _store_avatar(connection: SocialConnection, url: str) -> None:
    """Keep a copy of the picture, so that no page loads from a foreign host. A picture that cannot be had is not worth
    failing a sync: the initials are shown."""
    try:
        body, content_type = fetch_avatar(url)
    except (UnsafeAddress, PlatformError) as error:
        log.info("avatar not fetched", connection=str(connection.pk), code=error.code)
        return
    previous = connection.avatar.name
    suffix = "png" if content_type == "image/png" else "jpg"
    digest = hashlib.sha256(body).hexdigest()[:8]
    connection.avatar.save(f"{connection.pk}-{digest}.{suffix}", ContentFile(body), save=False)
    SocialConnection.objects.filter(pk=connection.pk).update(avatar=connection.avatar.name)
    if previous and previous != connection.avatar.name:
        connection.avatar.storage.delete(previous)


def sync_due_profiles(now: datetime | None = None) -> int:
    """Read the due accounts' profiles; how many worked."""
    now = now or timezone.now()
    done = 0
    for connection in SocialConnection.objects.sync_due(now)[:BATCH]:
        # Moved on first: one that fails in any way waits its turn instead of coming first each time.
        SocialConnection.objects.filter(pk=connection.pk).update(next_sync_at=now + PROFILE_AGAIN)
        try:
            sync_profile(connection)
            done += 1
        except (PlatformError, ConnectionInactive) as error:
            log.info("profile not read", connection=str(connection.pk), code=error.code)
        except Exception:
            log.exception("profile not read", connection=str(connection.pk))
    return done


# --- disconnecting ----------------------------------------------------------------------------------------------------


def disconnect(connection: SocialConnection, *, by: Actor, reason: str = "") -> SocialConnection:
    """Destroy the tokens here at once and queue their withdrawal at the platform; its posts and history stay.

    A platform that is down changes nothing about it. Disconnecting twice does nothing more.
    """
    now = timezone.now()
    reason = reason or _("The account was disconnected.")
    with transaction.atomic():
        changed = SocialConnection.objects.in_use().filter(pk=connection.pk).update(
            disconnected_at=now, is_active=False, error_code="", error_message=None, inactive_since=None,
            token_expires_at=None, next_refresh_at=None, next_sync_at=None, refresh_lease_until=None,
            refresh_failures=0, updated_at=now,
        )  # fmt: skip
        if not changed:
            connection.refresh_from_db()
            return connection
        withdraw_tokens(connection, _secrets_of(connection))
        connection.tokens.all().delete()
        connection.refresh_from_db()
        record_audit("connection.disconnected", connection, by=by, changes={"reason": [None, reason]})
        connection_disconnected.send(SocialConnection, connection=connection, by=by, reason=reason)
    return connection


def _secrets_of(connection: SocialConnection) -> list[str]:
    secrets = []
    for token in connection.tokens.all():
        try:
            secrets.append(reveal(token, "secret"))
        except CannotDecrypt:
            log.warning("token could not be opened for its revocation", connection=str(connection.pk), kind=token.kind)
    return secrets
