"""What the imitated consent pages and token endpoints share: clients, redirect addresses, PKCE, codes, tokens."""

import base64
import hashlib
import hmac
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode, urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone

from sandbox.models import Account, AuthorizationCode, Grant, OAuthClient, Token, digest, new_secret


def find_client(platform: str, client_id: str) -> OAuthClient | None:
    """The application registered under this id; None when there is none."""
    return OAuthClient.objects.filter(platform=platform, client_id=client_id).first()


def secret_matches(client: OAuthClient, secret: str) -> bool:
    return hmac.compare_digest(client.client_secret.encode(), secret.encode())


def accepts_redirect(client: OAuthClient, address: str) -> bool:
    """True when the address equals a registered one, or is the product's callback on a loopback address."""
    if address in client.redirect_uris:
        return True
    if not client.loopback_callback:
        return False
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.scheme not in {"http", "https"} or parts.query or parts.fragment or parts.path != client.loopback_callback:
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def issue_code(grant: Grant, *, redirect_uri: str, challenge: str, method: str, life_s: int, now: datetime) -> str:
    """A fresh authorization code; only its digest is kept."""
    code = new_secret()
    AuthorizationCode.objects.create(
        grant=grant,
        code_digest=digest(code),
        redirect_uri=redirect_uri,
        code_challenge=challenge,
        code_challenge_method=method,
        expires_at=now + timedelta(seconds=life_s),
    )
    return code


def use_code(code: AuthorizationCode, *, now: datetime) -> bool:
    """Mark a code as used; True for exactly one of any number of callers, False also when it is too late."""
    return AuthorizationCode.objects.filter(pk=code.pk, used_at=None, expires_at__gt=now).update(used_at=now) == 1


def verifier_matches(code: AuthorizationCode, verifier: str) -> bool:
    """RFC 7636: S256 compares the base64url SHA-256 of the verifier, plain the verifier itself."""
    if code.code_challenge_method == "plain":
        expected = verifier
    else:
        expected = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return hmac.compare_digest(code.code_challenge.encode(), expected.encode())


def issue_token(
    grant: Grant, kind: str, *, life_s: int | None, prefix: str = "", account: Account | None = None, value: str = ""
) -> str:
    """Make (or, for a ``value`` that is already known, keep) a token of the grant; ``life_s`` None: no expiry."""
    secret = value or new_secret(prefix)
    expires_at = None if life_s is None else timezone.now() + timedelta(seconds=life_s)
    Token.objects.get_or_create(
        token_digest=digest(secret),
        defaults={
            "grant": grant,
            "client": grant.client,
            "account": account or grant.account,
            "kind": kind,
            "scopes": grant.scopes,
            "expires_at": expires_at,
        },
    )
    return secret


def find_token(secret: str, *kinds: str, related: tuple[str, ...] = ("account",)) -> Token | None:
    """The token row of a secret, dead or alive, and with it what is ``related``; None when it was never issued."""
    token = Token.objects.select_related(*related).filter(token_digest=digest(secret)).first()
    return token if token is not None and token.kind in kinds else None


def bearer_of(request: HttpRequest) -> str:
    """The secret of an ``Authorization: Bearer`` header, or ''."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""


def basic_of(request: HttpRequest) -> tuple[str, str] | None:
    """Client id and secret of an ``Authorization: Basic`` header; None without a readable one."""
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        return None
    return (name, secret) if colon else None


def back_to(redirect_uri: str, answer: dict[str, str]) -> HttpResponseRedirect:
    """The redirect to the application, its own query kept."""
    glue = "&" if urlsplit(redirect_uri).query else "?"
    return HttpResponseRedirect(f"{redirect_uri}{glue}{urlencode(answer)}")


@dataclass(frozen=True)
class Screen:
    """What a consent page shows."""

    platform: str  # as stored: TWITTER
    title: str
    client: OAuthClient
    accounts: Iterable[Account]
    permissions: list[tuple[str, str]]  # scope and what it means
    chooses_pages: bool = False
    chooses_permissions: bool = False


def show_screen(request: HttpRequest, screen: Screen, *, problem: str = "") -> HttpResponse:
    """The consent page; with a problem (nothing chosen) it is 422."""
    return render(
        request, "sandbox/consent.html", {"screen": screen, "problem": problem}, status=422 if problem else 200
    )


def show_refusal(request: HttpRequest, platform: str, reason: str) -> HttpResponse:
    """The page of a request for consent that cannot be answered to the application (400)."""
    return render(request, "sandbox/refused.html", {"platform": platform, "reason": reason}, status=400)


def chosen_account(request: HttpRequest, platform: str, kind: str) -> Account | None:
    """The account picked on a consent page; None when none or an unknown one was sent."""
    native_id = request.POST.get("account", "")
    return Account.objects.filter(platform=platform, kind=kind, native_id=native_id).first()
