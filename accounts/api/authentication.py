"""Who calls: the person behind a bearer token."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from allauth.headless.tokens.strategies.jwt.internal import session_key_from_sid, validate_access_token
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.models import User


@dataclass(frozen=True)
class Credential:
    """What a request was made with. ``name`` tells credentials apart without being one: it may be logged and kept.
    ``organization_id`` is the organization that the token was issued for, None when it was not bound to one."""

    name: str
    organization_id: UUID | None


def credential_name(session_key: str) -> str:
    """A short name of the session behind a token, from which the session key cannot be had."""
    from django.utils.crypto import salted_hmac

    return salted_hmac("accounts.api.credential", session_key).hexdigest()[:24]


class BearerAuthentication(BaseAuthentication):
    """``Authorization: Bearer <access token>``. The token's session must still be open: a revoked one is refused at
    once, however long the token would have lasted."""

    def authenticate(self, request: Request) -> tuple[User, Credential] | None:
        parts = get_authorization_header(request).split()
        if not parts or parts[0].lower() != b"bearer":
            return None
        found = validate_access_token(parts[1].decode("latin-1")) if len(parts) == 2 else None
        if found is None:
            raise AuthenticationFailed("The access token is invalid, expired or revoked.", code="invalid_token")
        user, claims = found
        return user, Credential(credential_name(session_key_from_sid(claims["sid"]) or ""), _organization_id(claims))

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="parley"'


def _organization_id(claims: dict[str, Any]) -> UUID | None:
    try:
        return UUID(claims["org"])
    except (KeyError, ValueError, TypeError, AttributeError):
        return None
