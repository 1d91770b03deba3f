"""The journey through a platform's consent page, from "connect" to the accounts that it opened.

A consent is a row: its state is stored hashed, it is bound to the browser session, expires, and is taken once by a
conditional UPDATE. The accounts that it opened wait sealed in ``found`` until the person has chosen.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable, MutableMapping, Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from django.db import connections, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.crypto import CannotDecrypt, reveal, seal_into
from accounts.models import Organization, User
from accounts.page_calls import TooSlow, time_left_s
from connections import consent_words
from connections.credentials import ask_broadly, credentials_for, forget_registration, redirect_uri
from connections.errors import (
    APP_REFUSED,
    SCOPE_REFUSED,
    ConsentFailed,
    NotConfigured,
    OutcomeUnknown,
    PlatformError,
    UnsafeAddress,
    hide_secrets,
)
from connections.guard import in_time
from connections.models import Consent, SocialConnection
from connections.platforms.base import Account, AppCredentials, Platform, TokenGrant, platform_class
from connections.revocations import withdraw_grant
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
        raise ConsentFailed(consent_words.sentence(platform, error, server_url)) from error
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
    start_again = _("Choose “Connect” to start again.")
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
        raise ConsentFailed(
            _("This authorization was started in another browser or by someone else.") + " " + start_again
        )
    if consent.used_at is not None:
        raise ConsentFailed(
            _("This authorization has already been used. Nothing else was connected.") + " " + start_again
        )
    now = timezone.now()
    if consent.expires_at <= now:
        raise ConsentFailed(_("The authorization took more than ten minutes and has expired.") + " " + start_again)
    if not Consent.objects.filter(pk=consent.pk, used_at__isnull=True).update(used_at=now):
        raise ConsentFailed(
            _("This authorization has already been used. Nothing else was connected.") + " " + start_again
        )
    consent.used_at = now
    return consent


def refuse_denied(platform: type[Platform], error: str, *, server_url: str) -> ConsentFailed:
    """What to say when a consent page sends the person back with an error instead of a code."""
    if error == SCOPE_REFUSED and ask_broadly(platform, server_url):
        return consent_words.only_broad(platform, server_url)
    return consent_words.denied(platform, error)


@dataclass
class _Given:
    """What a consent has given so far."""

    app: AppCredentials | None = None
    grant: TokenGrant | None = None
    accounts: list[Account] | None = None
    secrets: list[str] = field(default_factory=list)
    """Texts that no sentence may hold."""


def complete_consent(consent: Consent, *, code: str, by: User) -> Outcome:
    """Code -> tokens -> accounts; one account connects at once, several wait for the person.

    Raises ConsentFailed; then, what the platform gave already is withdrawn there.
    """
    given = _Given(secrets=[code])
    try:
        return _complete(consent, code, given, by=by)
    except Exception as error:
        if given.grant is not None and given.app is not None:
            ids = None if given.accounts is None else [account.id for account in given.accounts]
            withdraw_grant(consent, given.grant, ids, app_client_id=given.app.client_id)
        if isinstance(error, PlatformError):
            raise _explained(consent, error, given) from error
        if isinstance(error, NotConfigured | UnsafeAddress | CannotDecrypt):
            raise ConsentFailed(str(error)) from error
        raise
    finally:
        Consent.objects.filter(pk=consent.pk).update(verifier="")


def _complete(consent: Consent, code: str, given: _Given, *, by: User) -> Outcome:
    cls = platform_class(consent.platform)
    verifier = reveal(consent, "verifier")
    given.app = app = credentials_for(consent.organization, cls, consent.server_url)
    client = cls(app=app, server_url=consent.server_url)
    given.grant = _exchange(consent, client, code, verifier)
    given.secrets += [verifier, given.grant.access_token, given.grant.refresh_token or ""]
    given.grant = client.lengthen(given.grant)
    given.secrets.append(given.grant.access_token)
    given.accounts = accounts = list(client.accounts(given.grant))
    if consent.reconnects is not None:
        account = _the_one_asked_for(consent.reconnects, accounts)
        return Outcome(connected=_connect(consent, [account], app_client_id=app.client_id, by=by))
    if not accounts:
        raise ConsentFailed(
            _(
                "%(platform)s gave no account that can be connected: either none is managed by the person who gave "
                "consent, or it was left unticked. Connect again and tick the accounts."
            )
            % {"platform": cls.label}
        )
    choosable = [account for account in accounts if not account.unavailable]
    if len(accounts) == 1 and choosable:
        return Outcome(connected=_connect(consent, choosable, app_client_id=app.client_id, by=by))
    _keep_found(consent, accounts, given.grant, app_client_id=app.client_id)
    return Outcome(choice=consent)


def _exchange(consent: Consent, client: Platform, code: str, verifier: str) -> TokenGrant:
    """What the code is worth. Raises PlatformError.

    A web request waits a few seconds only. A token that one of the platforms gives later is withdrawn there; one of a
    server that somebody named is not waited for.
    """

    def ask() -> TokenGrant:
        return client.exchange_code(code, redirect_uri=redirect_uri(type(client)), verifier=verifier)

    def withdraw_late(answered: Future[TokenGrant]) -> None:
        try:
            if answered.exception() is None:
                withdraw_grant(consent, answered.result(), None, app_client_id=client.app.client_id)
        finally:
            connections.close_all()

    if client.needs_server or time_left_s() is None:
        return ask()
    try:
        return in_time(ask, guarded=False, late=withdraw_late)
    except TooSlow:
        raise OutcomeUnknown(_("%(platform)s did not answer in time.") % {"platform": client.label}) from None


def _explained(consent: Consent, error: PlatformError, given: _Given) -> ConsentFailed:
    """What a platform's failure means for a consent, in a sentence."""
    cls = platform_class(consent.platform)
    hide_secrets(error, *given.secrets)
    log.warning(
        "consent failed", platform=cls.name, code=error.code, platform_code=error.platform_code, detail=error.detail
    )
    if error.platform_code == SCOPE_REFUSED and ask_broadly(cls, consent.server_url):
        return consent_words.only_broad(cls, consent.server_url)
    if cls.needs_server and error.platform_code in APP_REFUSED:
        forget_registration(cls, consent.server_url)
    return ConsentFailed(consent_words.sentence(cls, error, consent.server_url))


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


# --- choosing ---------------------------------------------------------------------------------------------------------


def _keep_found(consent: Consent, accounts: Sequence[Account], grant: TokenGrant, *, app_client_id: str) -> None:
    found = {
        "app_client_id": app_client_id,
        "accounts": [asdict(account) for account in accounts],
        "grant": asdict(grant),
    }
    seal_into(consent, "found", json.dumps(found, default=datetime.isoformat))
    consent.expires_at = timezone.now() + CHOICE_LIFE
    consent.save(update_fields=["found", "expires_at"])


def _found(consent: Consent) -> tuple[str, list[Account]]:
    sealed = json.loads(reveal(consent, "found"))
    accounts = []
    for row in sealed["accounts"]:
        given = row.pop("grant")
        accounts.append(Account(**row, grant=_grant_of(given) if given else None))
    return str(sealed["app_client_id"]), accounts


def _grant_of(kept: dict[str, Any]) -> TokenGrant:
    at = datetime.fromisoformat(kept["expires_at"]) if kept["expires_at"] else None
    return TokenGrant(kept["access_token"], kept["refresh_token"], at, tuple(kept["permissions"]))


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
            raise ConsentFailed(_("You have already chosen."))
        return _connect(consent, chosen, app_client_id=app_client_id, by=by)


def _check_choice(consent: Consent, *, user: User, session: Session) -> None:
    same_browser = hmac.compare_digest(consent.session_hash, _digest(_binding(session)))
    if consent.user_id != user.pk or not same_browser:
        raise ConsentFailed(_("You started this in another browser. Connect again here."))
    if consent.completed_at is not None or not consent.found:
        raise ConsentFailed(_("You have already chosen. Connect again to add more accounts."))
    if consent.expires_at <= timezone.now():
        raise ConsentFailed(_("This page has expired. Connect again."))


def tidy_consents(now: datetime | None = None) -> int:
    """Withdraw and destroy what expired consents still hold, and delete rows a day later; how many were deleted."""
    now = now or timezone.now()
    expired = Consent.objects.filter(expires_at__lt=now)
    for consent in expired.filter(completed_at__isnull=True).exclude(found=""):
        with transaction.atomic():
            _withdraw_found(consent)
            Consent.objects.filter(pk=consent.pk).update(found="")
    expired.exclude(found="", verifier="").update(found="", verifier="")
    deleted, _by_model = Consent.objects.filter(expires_at__lt=now - KEPT).delete()
    return deleted


def _withdraw_found(consent: Consent) -> None:
    """Withdraw what a consent gave whose accounts nobody chose."""
    try:
        sealed = json.loads(reveal(consent, "found"))
    except CannotDecrypt:
        log.warning("tokens of a consent could not be opened for their withdrawal", consent=str(consent.pk))
        return
    if grant := sealed.get("grant"):
        ids = [str(row["id"]) for row in sealed["accounts"]]
        withdraw_grant(consent, _grant_of(grant), ids, app_client_id=str(sealed["app_client_id"]))
