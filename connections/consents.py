"""The journey through a platform's consent page, from "connect" to the accounts that it opened.

A consent is a row: its state is stored hashed, it is bound to the browser session, expires, and is taken once by a
conditional UPDATE. The accounts that it opened wait sealed in ``found`` until the person has chosen.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable, MutableMapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.crypto import CannotDecrypt, reveal, seal_into
from accounts.models import Organization, User
from connections.credentials import credentials_for, forget_registration, redirect_uri
from connections.errors import (
    APP_REFUSED,
    Busy,
    ConsentFailed,
    InvalidToken,
    NotConfigured,
    OutcomeUnknown,
    PermissionMissing,
    PlatformError,
    RateLimited,
    TransientError,
    UnsafeAddress,
    hide_secrets,
)
from connections.models import Consent, SocialConnection
from connections.platforms.base import Account, Platform, TokenGrant, platform_class
from connections.services import connect_account

log = structlog.get_logger(__name__)

CONSENT_LIFE = timedelta(minutes=10)
CHOICE_LIFE = timedelta(minutes=20)
KEPT = timedelta(days=1)
SESSION_KEY = "consent_binding"
Session = MutableMapping[str, Any]


@dataclass(frozen=True)
class Candidate:
    """An account to choose from. ``connection`` is the one that it is connected as already."""

    account: Account
    connection: SocialConnection | None

    @property
    def handle(self) -> str:
        handle = self.account.handle.lstrip("@")
        return f"@{handle}" if handle else ""

    @property
    def is_connected(self) -> bool:
        return self.connection is not None and self.connection.is_active


@dataclass(frozen=True)
class Outcome:
    """What a consent led to: connections, or a choice that the person has to make first."""

    connected: tuple[SocialConnection, ...] = ()
    choice: Consent | None = None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _binding(session: Session, *, make: bool = False) -> str:
    """A random that lives in this browser's session and nowhere else."""
    if make and not session.get(SESSION_KEY):
        session[SESSION_KEY] = secrets.token_urlsafe(32)
    return str(session.get(SESSION_KEY, ""))


# --- setting out ------------------------------------------------------------------------------------------------------


def start_consent(
    organization: Organization,
    platform: type[Platform],
    *,
    user: User,
    session: Session,
    typed_server: str = "",
    reconnects: SocialConnection | None = None,
) -> str:
    """The address of the consent page to send the person to. Raises ConsentFailed with what to do next."""
    server_url = ""
    try:
        if platform.needs_server:
            server_url = reconnects.server_url if reconnects else platform.normalize_server(typed_server)
        app = credentials_for(organization, platform, server_url)
    except (NotConfigured, UnsafeAddress) as error:
        raise ConsentFailed(str(error)) from error
    except PlatformError as error:
        raise ConsentFailed(_sentence(platform, error, server_url)) from error
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(64)
    consent = Consent(
        organization=organization, user=user, platform=platform.name, server_url=server_url, reconnects=reconnects,
        state_hash=_digest(state), session_hash=_digest(_binding(session, make=True)),
        expires_at=timezone.now() + CONSENT_LIFE,
    )  # fmt: skip
    seal_into(consent, "verifier", verifier)
    consent.save()
    return platform(app=app, server_url=server_url).authorize_url(
        redirect_uri=redirect_uri(platform),
        state=state,
        challenge=create_s256_code_challenge(verifier),
        again=reconnects is not None,
    )


# --- coming back ------------------------------------------------------------------------------------------------------


def take_consent(platform: type[Platform], *, state: str, user: User, session: Session) -> Consent:
    """The consent that a returning browser belongs to, taken: True for one caller only. Raises ConsentFailed."""
    start_again = _("Choose “Connect” once more to start again.")
    consent = (
        Consent.objects.filter(state_hash=_digest(state), platform=platform.name)
        .select_related("organization", "reconnects", "user")
        .first()
        if state
        else None
    )
    if consent is None:
        raise ConsentFailed(
            _("The answer of %(platform)s does not belong to any request from here.") % {"platform": platform.label}
            + " " + start_again
        )  # fmt: skip
    same_browser = hmac.compare_digest(consent.session_hash, _digest(_binding(session)))
    if consent.user_id != user.pk or not same_browser:
        raise ConsentFailed(_("This consent was started in another browser or by someone else.") + " " + start_again)
    if consent.used_at is not None:
        raise ConsentFailed(_("This consent was used already: nothing more was connected.") + " " + start_again)
    now = timezone.now()
    if consent.expires_at <= now:
        raise ConsentFailed(_("The consent took more than ten minutes and has expired.") + " " + start_again)
    if not Consent.objects.filter(pk=consent.pk, used_at__isnull=True).update(used_at=now):
        raise ConsentFailed(_("This consent was used already: nothing more was connected.") + " " + start_again)
    consent.used_at = now
    return consent


def refuse_denied(platform: type[Platform], error: str) -> ConsentFailed:
    """What to say when a consent page sends the person back with an error instead of a code."""
    if error in {"access_denied", "user_denied", "user_cancelled_login", "user_cancelled_authorize"}:
        return ConsentFailed(
            _("You did not give consent at %(platform)s, so nothing was connected. Connect again whenever you like.")
            % {"platform": platform.label}
        )
    if error in {"temporarily_unavailable", "server_error"}:
        return ConsentFailed(
            _("%(platform)s has trouble with its consent page. Try again in some minutes.")
            % {"platform": platform.label}
        )
    return ConsentFailed(
        _(
            "%(platform)s did not accept the request. Check that its app names %(uri)s as the callback address and has "
            "the permissions, then connect again."
        )
        % {"platform": platform.label, "uri": redirect_uri(platform)}
    )


def complete_consent(consent: Consent, *, code: str, by: User) -> Outcome:
    """Code -> tokens -> accounts; one account connects at once, several wait for the person. Raises ConsentFailed."""
    cls = platform_class(consent.platform)
    secrets_at_hand: list[str] = []
    try:
        verifier = reveal(consent, "verifier")
        secrets_at_hand.append(verifier)
        app = credentials_for(consent.organization, cls, consent.server_url)
        client = cls(app=app, server_url=consent.server_url)
        grant = client.exchange_code(code, redirect_uri=redirect_uri(cls), verifier=verifier)
        secrets_at_hand += [grant.access_token, grant.refresh_token or ""]
        accounts = list(client.accounts(grant))
    except (NotConfigured, UnsafeAddress, CannotDecrypt) as error:
        raise ConsentFailed(str(error)) from error
    except PlatformError as error:
        hide_secrets(error, code, *secrets_at_hand)
        if cls.needs_server and error.platform_code in APP_REFUSED:
            forget_registration(cls, consent.server_url)
        log.warning(
            "consent failed", platform=cls.name, code=error.code, platform_code=error.platform_code, detail=error.detail
        )
        raise ConsentFailed(_sentence(cls, error, consent.server_url)) from error
    finally:
        Consent.objects.filter(pk=consent.pk).update(verifier="")
    if consent.reconnects is not None:
        account = _the_one_asked_for(consent.reconnects, accounts)
        return Outcome(connected=_connect(consent, [account], app_client_id=app.client_id, by=by))
    choosable = [account for account in accounts if not account.unavailable]
    if not accounts:
        raise ConsentFailed(
            _(
                "%(platform)s gave no account that can be connected: either none is managed by the person who gave "
                "consent, or it was left unticked. Connect again and tick the accounts."
            )
            % {"platform": cls.label}
        )
    if len(accounts) == 1 and choosable:
        return Outcome(connected=_connect(consent, choosable, app_client_id=app.client_id, by=by))
    _keep_found(consent, accounts, app_client_id=app.client_id)
    return Outcome(choice=consent)


def _the_one_asked_for(connection: SocialConnection, accounts: Sequence[Account]) -> Account:
    for account in accounts:
        if account.id == connection.platform_account_id:
            if account.unavailable:
                raise ConsentFailed(
                    _("%(account)s cannot be reconnected: %(reason)s")
                    % {"account": connection, "reason": account.unavailable}
                )
            return account
    others = ", ".join(account.handle or account.name for account in accounts[:3]) or _("no account")
    raise ConsentFailed(
        _(
            "You gave consent as %(others)s, but %(account)s is to be reconnected, so nothing was changed. Sign in at "
            "%(platform)s as the right account and reconnect, or use “Connect an account” to add the other one."
        )
        % {"others": others, "account": connection, "platform": connection.platform_label}
    )


def _connect(
    consent: Consent, accounts: Iterable[Account], *, app_client_id: str, by: User
) -> tuple[SocialConnection, ...]:
    with transaction.atomic():
        connected = tuple(
            connect_account(
                consent.organization,
                consent.platform,
                account,
                server_url=consent.server_url,
                app_client_id=app_client_id,
                by=by,
            )
            for account in accounts
        )
        Consent.objects.filter(pk=consent.pk).update(completed_at=timezone.now(), found="", verifier="")
    return connected


def _sentence(platform: type[Platform], error: PlatformError, server_url: str) -> str:
    """One sentence for people, with what to do next."""
    name = server_url.split("://")[-1] or platform.label
    if error.platform_code in APP_REFUSED:
        if platform.needs_server:
            return _("%(name)s no longer knows Parley. Connect again: Parley introduces itself anew.") % {"name": name}
        return _(
            "%(name)s does not know the app that Parley was given. Check its client id and secret, then connect again."
        ) % {"name": name}
    match error:
        case Busy():
            return str(error)
        case TransientError() | OutcomeUnknown():
            return _(
                "%(name)s does not answer as it should just now. Nothing was connected: try again in some minutes."
            ) % {"name": name}
        case RateLimited():
            return _("%(name)s takes no more requests from here for the moment. Try again in a quarter of an hour.") % {
                "name": name
            }
        case InvalidToken():
            return _("The consent at %(name)s took too long or was used before. Connect again.") % {"name": name}
        case PermissionMissing(scopes=scopes) if scopes:
            return _("%(name)s did not grant what is needed (%(scopes)s). Connect again and leave every permission ticked.") % {
                "name": name, "scopes": ", ".join(scopes),
            }  # fmt: skip
        case PermissionMissing():
            return _("%(name)s did not grant what is needed. Connect again and leave every permission ticked.") % {
                "name": name
            }
    return _("%(name)s refused: %(reason)s") % {"name": name, "reason": error}


# --- choosing ---------------------------------------------------------------------------------------------------------


def _keep_found(consent: Consent, accounts: Sequence[Account], *, app_client_id: str) -> None:
    rows = [asdict(account) for account in accounts]
    for row in rows:
        if row["grant"] and row["grant"]["expires_at"]:
            row["grant"]["expires_at"] = row["grant"]["expires_at"].isoformat()
    seal_into(consent, "found", json.dumps({"app_client_id": app_client_id, "accounts": rows}))
    consent.expires_at = timezone.now() + CHOICE_LIFE
    consent.save(update_fields=["found", "expires_at"])


def _found(consent: Consent) -> tuple[str, list[Account]]:
    sealed = json.loads(reveal(consent, "found"))
    accounts = []
    for row in sealed["accounts"]:
        given = row.pop("grant")
        grant = None
        if given:
            at = datetime.fromisoformat(given["expires_at"]) if given["expires_at"] else None
            grant = TokenGrant(given["access_token"], given["refresh_token"], at, tuple(given["permissions"]))
        accounts.append(Account(**row, grant=grant))
    return str(sealed["app_client_id"]), accounts


def open_choice(consent: Consent, *, user: User, session: Session) -> list[Candidate]:
    """The accounts to choose from, without their tokens. Raises ConsentFailed when there is no choice (any more)."""
    _check_choice(consent, user=user, session=session)
    _app, accounts = _found(consent)
    known = {
        connection.platform_account_id: connection
        for connection in SocialConnection.objects.for_organization(consent.organization)
        .in_use()
        .filter(platform=consent.platform, server_url=consent.server_url)
    }
    return [Candidate(replace(account, grant=None), known.get(account.id)) for account in accounts]


def choose_accounts(
    consent: Consent, account_ids: Iterable[str], *, by: User, session: Session
) -> tuple[SocialConnection, ...]:
    """Connect the chosen accounts and forget the tokens of the others. Raises ConsentFailed."""
    _check_choice(consent, user=by, session=session)
    wanted = set(account_ids)
    app_client_id, accounts = _found(consent)
    chosen = [account for account in accounts if account.id in wanted and not account.unavailable and account.grant]
    if not chosen:
        raise ConsentFailed(_("Choose at least one account."), field="accounts")
    with transaction.atomic():
        # Taken by a conditional UPDATE: a second press of the button connects nothing twice.
        if not Consent.objects.filter(pk=consent.pk, completed_at__isnull=True).update(completed_at=timezone.now()):
            raise ConsentFailed(_("This choice was made already."))
        return _connect(consent, chosen, app_client_id=app_client_id, by=by)


def _check_choice(consent: Consent, *, user: User, session: Session) -> None:
    same_browser = hmac.compare_digest(consent.session_hash, _digest(_binding(session)))
    if consent.user_id != user.pk or not same_browser:
        raise ConsentFailed(_("This choice belongs to another browser. Connect again here."))
    if consent.completed_at is not None or not consent.found:
        raise ConsentFailed(_("This choice was made already. Connect again to choose more."))
    if consent.expires_at <= timezone.now():
        raise ConsentFailed(_("The choice was open for too long and has expired. Connect again."))


def tidy_consents(now: datetime | None = None) -> int:
    """Destroy what expired consents still hold, and delete rows a day later; how many were deleted."""
    now = now or timezone.now()
    Consent.objects.filter(expires_at__lt=now).exclude(found="", verifier="").update(found="", verifier="")
    deleted, _by_model = Consent.objects.filter(expires_at__lt=now - KEPT).delete()
    return deleted
