"""REST sessions: short access tokens, and refresh tokens that work once.

A pair of tokens stands on a session of its own, which the person finds in the list of sessions and can end there.
Every call looks that session up (allauth's stateful validation), so ending it refuses the access token at once.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

from allauth.account.adapter import get_adapter
from allauth.headless.internal.sessionkit import new_session
from allauth.headless.tokens.strategies.jwt import JWTTokenStrategy, internal
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase, UpdateError
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts.audit import record_audit
from accounts.errors import DomainError
from accounts.models import Membership, Organization, RefreshToken, User

ORGANIZATION_KEY = "token_organization"


class TokenRefused(DomainError):
    """The refresh token is not valid any more, or never was."""

    code = "invalid_token"
    http_status = 401


class TokenReused(TokenRefused):
    """The refresh token was used before: its session has been ended."""

    code = "token_reused"


@dataclass(frozen=True)
class TokenPair:
    """What a REST client gets. ``expires_in_s``: seconds that the access token lasts."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    expires_in_s: int


class OrganizationJWTStrategy(JWTTokenStrategy):  # type: ignore[misc]  # allauth is not typed
    """allauth's strategy, with the organization that the token was asked for as claim ``org`` and with refresh tokens
    whose second use ends the session."""

    def create_access_token(self, request: HttpRequest) -> str | None:
        return _access_token(cast(User, request.user), request.session)

    def create_access_token_payload(self, request: HttpRequest) -> dict[str, Any] | None:
        pair = _pair(cast(User, request.user), request.session)
        return {"access_token": pair.access, "refresh_token": pair.refresh, "expires_in": pair.expires_in_s}

    def refresh_token(self, refresh_token: str) -> tuple[str, str] | None:
        try:
            pair = rotate(refresh_token)
        except TokenRefused:
            return None
        return pair.access, pair.refresh


def open_session(user: User, *, organization: Organization | None, request: HttpRequest) -> TokenPair:
    """Begin a REST session for a person who has proved who they are. With an ``organization`` its tokens open that one
    only."""
    session: SessionBase = new_session()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    if organization:
        session[ORGANIZATION_KEY] = str(organization.pk)
    membership = Membership.objects.of(user).first()
    about = organization or (membership.organization if membership else None)
    with transaction.atomic():
        pair = _pair(user, session)
        UserSession.objects.create(
            user=user,
            session_key=session.session_key,
            ip=get_adapter().get_client_ip(request),
            user_agent=request.headers.get("User-Agent", "")[:200] or "REST",
        )
        User.objects.filter(pk=user.pk).update(last_login=timezone.now())
        record_audit("person.token_issued", user, by=user, organization=about)
    return pair


def rotate(refresh_token: str) -> TokenPair:
    """A new pair for a refresh token, which is used up. Raises TokenRefused, or TokenReused after ending the session
    when the token was used before."""
    claims = internal.decode_token(refresh_token, "refresh")
    session: SessionBase | None = internal.get_token_session(claims) if claims else None
    user = cast("User | None", internal.validate_token_user(claims, session)) if claims and session else None
    if not claims or session is None or user is None:
        raise TokenRefused("The refresh token is not valid: it has expired or was revoked.")
    now = timezone.now()
    used = RefreshToken.objects.filter(pk=_token_id(claims), user=user, used_at__isnull=True, expires_at__gt=now)
    if used.update(used_at=now) != 1:
        if RefreshToken.objects.filter(pk=_token_id(claims), used_at__isnull=False).exists():
            end_session(session, user=user, action="person.token_reused")
            raise TokenReused("This refresh token has already been used. All tokens of its session were revoked.")
        raise TokenRefused("The refresh token is not valid: it has expired or was revoked.")
    try:
        return _pair(user, session)
    except UpdateError as error:
        raise TokenRefused("The session was ended.") from error


def revoke(token: str) -> None:
    """End the session behind an access or refresh token; a token that is dead already is none of our business."""
    for use in ("refresh", "access"):
        claims = internal.decode_token(token, use)
        session = internal.get_token_session(claims) if claims else None
        user = internal.validate_token_user(claims, session) if claims and session else None
        if session is not None and user is not None:
            end_session(session, user=cast(User, user), action="person.token_revoked")


def end_session(session: SessionBase, *, user: User, action: str) -> None:
    """Delete a session with everything that stands on it."""
    bound = session.get(ORGANIZATION_KEY)
    organization = Organization.objects.filter(pk=bound).first() if bound else None
    membership = Membership.objects.of(user).first()
    about = organization or (membership.organization if membership else None)
    key = session.session_key
    with transaction.atomic():
        UserSession.objects.filter(session_key=key).delete()
        session.delete(key)
        record_audit(action, user, by=user, organization=about)


def _pair(user: User, session: SessionBase) -> TokenPair:
    """Tokens on a session that lasts as long as the refresh token. Raises UpdateError when it was ended meanwhile."""
    lifetime_s: int = settings.HEADLESS_JWT_REFRESH_TOKEN_EXPIRES_IN
    session.set_expiry(timezone.now() + timedelta(seconds=lifetime_s))
    session.save() if session.session_key else session.create()
    now = timezone.now()
    refresh, claims = internal.create_token(
        "refresh", sub=str(user.pk), sid=internal.session_key_to_sid(session.session_key), expires_in=lifetime_s
    )
    RefreshToken.objects.filter(user=user, expires_at__lt=now).delete()
    RefreshToken.objects.create(id=_token_id(claims), user=user, expires_at=datetime.fromtimestamp(claims["exp"], UTC))
    return TokenPair(_access_token(user, session), refresh, settings.HEADLESS_JWT_ACCESS_TOKEN_EXPIRES_IN)


def _access_token(user: User, session: SessionBase) -> str:
    organization_id = session.get(ORGANIZATION_KEY)
    token: str = internal.create_access_token(user, session, {"org": organization_id} if organization_id else {})
    return token


def _token_id(claims: dict[str, Any]) -> UUID:
    return UUID(claims["jti"])
