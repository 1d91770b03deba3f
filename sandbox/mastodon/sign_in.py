"""Mastodon: registering an application, the consent page, tokens without expiry.

Source: https://docs.joinmastodon.org/methods/apps/ and .../methods/oauth/
"""

import secrets
from urllib.parse import urlsplit

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from sandbox import oauth
from sandbox.faults import Visit, imitate
from sandbox.mastodon.answers import (
    INVALID_GRANT,
    PLATFORM,
    VOICE,
    Parameters,
    base_url,
    error,
    has_scope,
    refused,
    server_of,
)
from sandbox.models import Account, AuthorizationCode, Grant, OAuthClient, Token, digest

CODE_LIFE_S = 600
PARTS = {
    "read": "accounts blocks bookmarks favourites filters follows lists mutes notifications search statuses",
    "write": "accounts blocks bookmarks conversations favourites filters follows lists media mutes notifications "
    "reports statuses",
}
SCOPES = {"read", "write", "push", "profile", "follow"} | {
    f"{whole}:{part}" for whole, parts in PARTS.items() for part in parts.split()
}
OUT_OF_BAND = "urn:ietf:wg:oauth:2.0:oob"


@imitate(PLATFORM, VOICE, "token", methods="POST")
def register_app(request: HttpRequest, visit: Visit) -> HttpResponse:
    """``POST /api/v1/apps``."""
    parameters = Parameters(request)
    name = parameters.text("client_name").strip()
    addresses = [line for value in parameters.list("redirect_uris") for line in value.split()]
    scopes = parameters.text("scopes", "read").split()
    if not name:
        raise refused(422, "Validation failed: Application name can't be blank")
    if len(name) > 60:
        raise refused(422, "Validation failed: Application name is too long (maximum is 60 characters)")
    if not addresses:
        raise refused(422, "Validation failed: Redirect URI can't be blank")
    if not all(address == OUT_OF_BAND or urlsplit(address).scheme for address in addresses):
        raise refused(422, "Validation failed: Redirect URI must be an absolute URI.")
    if server_of(request).knows_parts and not set(scopes) <= SCOPES:
        raise refused(422, "Validation failed: Scopes doesn't match configured on the server.")
    client = OAuthClient.objects.create(
        platform=PLATFORM, client_id=secrets.token_urlsafe(32), client_secret=secrets.token_urlsafe(32), name=name,
        website=parameters.text("website"), redirect_uris=addresses, scopes=scopes,
    )  # fmt: skip
    return JsonResponse(
        {
            "id": str(client.pk),
            "name": client.name,
            "website": client.website or None,
            "scopes": scopes,
            "redirect_uris": addresses,
            "redirect_uri": "\n".join(addresses),
            "client_id": client.client_id,
            "client_secret": client.client_secret,
            "client_secret_expires_at": 0,
            "vapid_key": "",
        }
    )


@imitate(PLATFORM, VOICE, "token")
def verify_app(request: HttpRequest, visit: Visit) -> HttpResponse:
    """``GET /api/v1/apps/verify_credentials``."""
    found = oauth.find_token(oauth.bearer_of(request), Token.Kind.APP, Token.Kind.ACCESS)
    if found is None or found.revoked_at is not None:
        raise refused(401, "The access token is invalid")
    client = found.client
    return JsonResponse({"name": client.name, "website": client.website or None, "scopes": client.scopes})


def refusal_reason(request: HttpRequest, client: OAuthClient | None) -> str:
    query = request.GET
    if client is None:
        return (
            "Client authentication failed due to unknown client, no client authentication included, or unsupported "
            "authentication method."
        )
    if not oauth.accepts_redirect(client, query.get("redirect_uri", "")):
        return "The redirect uri included is not valid."
    if query.get("response_type") != "code":
        return "The authorization server does not support this response type."
    scopes = query.get("scope", "read").split()
    if not server_of(request).knows_parts:
        return "" if set(scopes) <= set(client.scopes) else "The requested scope is invalid, unknown, or malformed."
    if query.get("code_challenge") and query.get("code_challenge_method") != "S256":
        return "The code_challenge_method must be S256."
    if any(scope not in SCOPES or not has_scope(client.scopes, scope) for scope in scopes):
        return "The requested scope is invalid, unknown, or malformed."
    return ""


@login_not_required
def authorize(request: HttpRequest) -> HttpResponse:
    """``/oauth/authorize``: the consent page."""
    query = request.GET
    client = oauth.find_client(PLATFORM, query.get("client_id", ""))
    reason = refusal_reason(request, client)
    if reason or client is None:
        return oauth.show_refusal(request, PLATFORM, reason)
    scopes = query.get("scope", "read").split()
    screen = oauth.Screen(
        platform=PLATFORM,
        title=f"{client.name} would like permission to access your account",
        client=client,
        accounts=Account.objects.filter(platform=PLATFORM),
        permissions=[(scope, scope) for scope in scopes],
    )
    if request.method != "POST":
        return oauth.show_screen(request, screen)
    state = {"state": query["state"]} if query.get("state") else {}
    if request.POST.get("decision") != "approve":
        description = "The resource owner or authorization server denied the request."
        denied = {"error": "access_denied", "error_description": description}
        return oauth.back_to(query["redirect_uri"], denied | state)
    account = oauth.chosen_account(request, PLATFORM, Account.Kind.USER)
    if account is None:
        return oauth.show_screen(request, screen, problem="Choose the account to sign in as.")
    grant = Grant.objects.create(client=client, account=account, scopes=scopes)
    code = oauth.issue_code(
        grant,
        redirect_uri=query["redirect_uri"],
        challenge=query.get("code_challenge", "") if server_of(request).knows_parts else "",
        method=query.get("code_challenge_method", ""),
        life_s=CODE_LIFE_S,
        now=timezone.now(),
    )
    return oauth.back_to(query["redirect_uri"], {"code": code, **state})


def authenticate_client(request: HttpRequest, parameters: Parameters) -> OAuthClient | None:
    """The client of the body or of a Basic header; None when id or secret is wrong."""
    client_id, secret = parameters.text("client_id"), parameters.text("client_secret")
    if (credentials := oauth.basic_of(request)) is not None:
        client_id, secret = credentials
    client = oauth.find_client(PLATFORM, client_id)
    return client if client is not None and oauth.secret_matches(client, secret) else None


@imitate(PLATFORM, VOICE, "token", methods="POST")
def token(request: HttpRequest, visit: Visit) -> HttpResponse:
    """``POST /oauth/token``: authorization_code or client_credentials; no expiry, no refresh token."""
    parameters = Parameters(request)
    client = authenticate_client(request, parameters)
    if not server_of(request).knows_parts:
        return takahe_token(visit, parameters, client)
    if client is None:
        return error(
            401,
            "invalid_client",
            "Client authentication failed due to unknown client, no client authentication included, or unsupported "
            "authentication method.",
        )
    kind = parameters.text("grant_type")
    if kind == "client_credentials":
        scopes = parameters.text("scope", "read").split()
        if any(not has_scope(client.scopes, scope) for scope in scopes):
            return error(400, "invalid_scope", "The requested scope is invalid, unknown, or malformed.")
        secret = secrets.token_urlsafe(32)
        app_token = Token.objects.create(client=client, kind=Token.Kind.APP, token_digest=digest(secret), scopes=scopes)
        return token_body(secret, app_token)
    if kind != "authorization_code":
        description = "The authorization grant type is not supported by the authorization server."
        return error(400, "unsupported_grant_type", description)
    codes = AuthorizationCode.objects.select_related("grant__account", "grant__client")
    code = codes.filter(code_digest=digest(parameters.text("code")), grant__client=client).first()
    if code is None or code.redirect_uri != parameters.text("redirect_uri"):
        return error(400, "invalid_grant", INVALID_GRANT)
    if code.code_challenge and not oauth.verifier_matches(code, parameters.text("code_verifier")):
        return error(400, "invalid_grant", INVALID_GRANT)
    if not oauth.use_code(code, now=timezone.now()):
        return error(400, "invalid_grant", INVALID_GRANT)
    return exchange(visit, code)


def takahe_token(visit: Visit, parameters: Parameters, client: OAuthClient | None) -> HttpResponse:
    """``POST /oauth/token`` as Takahe answers it: a code for a token, and one word for whatever is wrong."""
    if parameters.text("grant_type") != "authorization_code":
        return error(400, "invalid_grant_type")
    codes = AuthorizationCode.objects.select_related("grant__account", "grant__client")
    code = codes.filter(code_digest=digest(parameters.text("code")), grant__client=client).first()
    is_right = code is not None and code.redirect_uri == parameters.text("redirect_uri")
    if code is None or not is_right or not oauth.use_code(code, now=timezone.now()):
        return error(401, "access_denied")
    return exchange(visit, code)


def exchange(visit: Visit, code: AuthorizationCode) -> HttpResponse:
    visit.account = code.grant.account
    secret = oauth.issue_token(code.grant, Token.Kind.ACCESS, life_s=None)
    return token_body(secret, Token.objects.get(token_digest=digest(secret)))


def token_body(secret: str, made: Token) -> JsonResponse:
    return JsonResponse(
        {
            "access_token": secret,
            "token_type": "Bearer",
            "scope": " ".join(made.scopes),
            "created_at": int(made.created_at.timestamp()),
        }
    )


@imitate(PLATFORM, VOICE, "token", methods="POST")
def revoke(request: HttpRequest, visit: Visit) -> HttpResponse:
    """``POST /oauth/revoke``: 200 also for a token that is unknown; 403 for one of another application. Takahe answers
    without a body, and 403 to an unknown token."""
    parameters = Parameters(request)
    client = authenticate_client(request, parameters)
    found = oauth.find_token(parameters.text("token"), Token.Kind.ACCESS, Token.Kind.APP)
    knows_parts = server_of(request).knows_parts
    if client is None or (found is not None and found.client_id != client.pk) or (found is None and not knows_parts):
        refusal = error(403, "unauthorized_client", "You are not authorized to revoke this token")
        return refusal if knows_parts else HttpResponse(status=403)
    if found is not None:
        visit.account = found.account
        Token.objects.filter(pk=found.pk, revoked_at=None).update(revoked_at=timezone.now())
    return JsonResponse({}) if knows_parts else HttpResponse("")


@imitate(PLATFORM, VOICE, "read")
def authorization_server(request: HttpRequest, visit: Visit) -> HttpResponse:
    """``GET /.well-known/oauth-authorization-server`` (since 4.3)."""
    base = base_url(request)
    return JsonResponse(
        {
            "issuer": base + "/",
            "service_documentation": "https://docs.joinmastodon.org/",
            "authorization_endpoint": f"{base}/oauth/authorize",
            "token_endpoint": f"{base}/oauth/token",
            "app_registration_endpoint": f"{base}/api/v1/apps",
            "revocation_endpoint": f"{base}/oauth/revoke",
            "scopes_supported": sorted(SCOPES),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query", "fragment", "form_post"],
            "grant_types_supported": ["authorization_code", "client_credentials"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
        }
    )
