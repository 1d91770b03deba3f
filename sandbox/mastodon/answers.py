"""How a Mastodon server answers: errors, rate-limit headers, parameters in their three encodings, and who may call."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import QueryDict
from django.utils import timezone

from sandbox.faults import Refused, Visit, measure_window
from sandbox.middleware import MOUNT
from sandbox.models import Account, PlatformName, Token
from sandbox.oauth import bearer_of, find_token

PLATFORM = PlatformName.MASTODON
LIMIT, WINDOW_S = 300, 300
MEDIA_LIMIT, MEDIA_WINDOW_S = 30, 1800
DELETE_LIMIT = 30
STATUS_LIMIT, STATUS_WINDOW_S = 300, 10800


@dataclass(frozen=True)
class Server:
    """A kind of server, known by the path that it is mounted at."""

    mount: str
    version: str  # as its instance documents say it
    knows_parts: bool
    """Whether it understands granular scopes everywhere. Takahe wants plain ``read`` for verify_credentials, grants
    only what the application registered letter by letter, and has neither app tokens nor PKCE nor idempotency keys.
    Source: https://github.com/jointakahe/takahe/tree/main/api
    """


SERVERS = {one.mount: one for one in (Server("mastodon", "4.6.0", True), Server("takahe", "takahe/0.11.0", False))}


def server_of(request: HttpRequest) -> Server:
    """The server that was called."""
    mount = request.path_info.removeprefix(f"{MOUNT}/").partition("/")[0]
    return SERVERS[mount]


def error(status: int, text: str, description: str = "") -> JsonResponse:
    body = {"error": text}
    if description:
        body["error_description"] = description
    return JsonResponse(body, status=status)


def refused(status: int, text: str) -> Refused:
    return Refused(error(status, text))


def format_time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


# Doorkeeper's sentences, which Mastodon passes on.
# Source: https://github.com/doorkeeper-gem/doorkeeper/blob/main/config/locales/en.yml
TOKEN_EXPIRED = "The access token expired"
TOKEN_REVOKED = "The access token was revoked"
# Takahe's.
NO_IDENTITY = "identity_token_required"
OUT_OF_SCOPE = "out_of_scope_for_token"


class Voice:
    """A Mastodon server's wording of ordered faults."""

    def server_error(self, status: int) -> HttpResponse:
        if status == 503:
            return error(503, "There was a temporary problem serving your request, please try again")
        return error(status, "Internal Server Error")

    def rate_limited(self, seconds: int | None) -> HttpResponse:
        response = error(429, "Too many requests")
        if seconds is None:
            return response
        response["X-RateLimit-Limit"] = str(LIMIT)
        response["X-RateLimit-Remaining"] = "0"
        resets_at = datetime.fromtimestamp(timezone.now().timestamp() + seconds, tz=UTC)
        response["X-RateLimit-Reset"] = format_time(resets_at)
        return response

    def invalid_token(self) -> HttpResponse:
        return error(401, "The access token is invalid")

    def expired_token(self, operation: str) -> HttpResponse:
        return self.rejected(operation) if operation == "token" else error(401, TOKEN_EXPIRED)

    def revoked_token(self, operation: str) -> HttpResponse:
        return self.rejected(operation) if operation == "token" else error(401, TOKEN_REVOKED)

    def rejected(self, operation: str) -> HttpResponse:
        if operation == "media":
            return error(422, "Validation failed: File content type is invalid, File is invalid")
        if operation == "token":
            return error(400, "invalid_grant", INVALID_GRANT)
        return error(422, "Validation failed: Text contains content that this server does not allow")

    def duplicate(self) -> HttpResponse | None:
        return None  # no such refusal: the server then ignores the Idempotency-Key, as some servers do


INVALID_GRANT = (
    "The provided authorization grant is invalid, expired, revoked, does not match the redirection URI used in the "
    "authorization request, or was issued to another client."
)
VOICE = Voice()


def has_scope(granted: list[str], needed: str) -> bool:
    """Scopes hold what lies below them: write covers write:statuses."""
    return needed in granted or needed.partition(":")[0] in granted


def authenticate(request: HttpRequest, visit: Visit, *scopes: str) -> Account:
    """The account of a live token that has one of the scopes, its rate limit checked.

    Refuses with 401 (absent, unknown, revoked, expired), 403 (outside the scopes), 429.
    """
    secret, server = bearer_of(request), server_of(request)
    if not secret:
        raise refused(401, "This method requires an authenticated user" if server.knows_parts else NO_IDENTITY)
    token = find_token(secret, Token.Kind.ACCESS, related=("account", "client"))
    if not server.knows_parts and (token is None or token.revoked_at is not None):
        raise Refused(HttpResponse("Invalid Bearer token", status=400))
    if token is None or token.account is None:
        raise refused(401, "The access token is invalid")
    if token.revoked_at is not None:
        raise refused(401, TOKEN_REVOKED)
    if token.expires_at is not None and token.expires_at <= timezone.now():
        raise refused(401, TOKEN_EXPIRED)
    visit.token, visit.account = token, token.account
    if scopes and not any(has_scope(token.scopes, scope) for scope in scopes):
        raise refused(403, "This action is outside the authorized scopes" if server.knows_parts else OUT_OF_SCOPE)
    limit_calls(request, visit)
    return token.account


def limit_calls(request: HttpRequest, visit: Visit) -> None:
    """300 calls in 5 minutes; of these 30 uploads and 30 deletes in half an hour, and 300 statuses in 3 hours. The headers
    tell of the narrower one.
    """
    if visit.endpoint == "upload_media":
        window = measure_window(visit, limit=MEDIA_LIMIT, seconds=MEDIA_WINDOW_S)
    elif request.method == "DELETE":
        window = measure_window(visit, limit=DELETE_LIMIT, seconds=MEDIA_WINDOW_S)
    else:
        window = measure_window(visit, limit=LIMIT, seconds=WINDOW_S, endpoint=None)
        if visit.endpoint == "statuses" and not window.is_spent:
            window = measure_window(visit, limit=STATUS_LIMIT, seconds=STATUS_WINDOW_S)
    visit.headers.update(
        {
            "X-RateLimit-Limit": str(window.limit),
            "X-RateLimit-Remaining": str(max(window.remaining, 0)),
            "X-RateLimit-Reset": format_time(datetime.fromtimestamp(window.resets_at, tz=UTC)),
        }
    )
    if window.is_spent:
        raise refused(429, "Too many requests")


class Parameters:
    """The parameters of a call, whether they came as query, form, multipart or JSON."""

    def __init__(self, request: HttpRequest) -> None:
        self._json: dict[str, Any] = {}
        self._form: QueryDict = request.GET.copy()
        if request.content_type == "application/json" and request.body:
            try:
                body = json.loads(request.body)
            except ValueError as problem:
                raise refused(400, "Error occurred while parsing request parameters") from problem
            self._json = body if isinstance(body, dict) else {}
        elif request.method == "POST":
            self._form.update(request.POST)
        elif request.method in {"PUT", "DELETE"} and request.content_type == "application/x-www-form-urlencoded":
            self._form.update(QueryDict(request.body))

    def text(self, name: str, default: str = "") -> str:
        if name in self._json:
            value = self._json[name]
            return default if value is None else str(value)
        return str(self._form.get(name, default))

    def has(self, name: str) -> bool:
        return name in self._json or name in self._form

    def list(self, name: str) -> list[str]:
        """``name[]=a&name[]=b``, or a JSON array; a single ``name=a`` counts as one."""
        value = self._json.get(name)
        if isinstance(value, list):
            return [str(one) for one in value]
        return [str(one) for one in self._form.getlist(f"{name}[]") or self._form.getlist(name)]

    def flag(self, name: str) -> bool:
        return self.text(name).lower() in {"1", "true", "t", "on", "yes"}


def base_url(request: HttpRequest) -> str:
    """The server's address without a slash at its end."""
    return request.build_absolute_uri(f"{MOUNT}/{server_of(request).mount}")
