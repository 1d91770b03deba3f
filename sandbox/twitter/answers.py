"""How X answers: its problem bodies, its headers, its rate limits, and who may call."""

import json
import secrets
import time
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from sandbox.faults import Refused, Visit, measure_window
from sandbox.models import PlatformName, Token
from sandbox.oauth import bearer_of, find_token

PLATFORM = PlatformName.TWITTER
PROBLEMS = "https://api.x.com/2/problems/"
WINDOW_S = 900

# Calls per user and 15 minutes. Source: https://docs.x.com/x-api/fundamentals/rate-limits
LIMITS = {
    "create_post": 100,
    "delete_post": 50,
    "posts_by_ids": 5000,
    "post_by_id": 900,
    "user_posts": 900,
    "user_mentions": 300,
    "me": 75,
    "upload": 500,
    "upload_status": 1000,
    "initialize": 1875,
    "append": 1875,
    "finalize": 1875,
    "metadata": 500,
}


def problem(status: int, title: str, detail: str, kind: str = "about:blank", **more: Any) -> JsonResponse:
    """X's problem body; ``kind`` is the last part of a documented type, or about:blank."""
    body = {"title": title, "detail": detail, "type": kind if ":" in kind else PROBLEMS + kind, "status": status}
    return JsonResponse({**body, **more}, status=status)


def invalid(message: str, parameters: Mapping[str, list[str]] | None = None) -> Refused:
    """400 with X's list of what is wrong with the parameters or the body."""
    return Refused(
        JsonResponse(
            {
                "errors": [{"parameters": dict(parameters or {}), "message": message}],
                "title": "Invalid Request",
                "detail": "One or more parameters to your request was invalid.",
                "type": PROBLEMS + "invalid-request",
            },
            status=400,
        )
    )


def forbidden(detail: str) -> Refused:
    return Refused(problem(403, "Forbidden", detail))


def oauth_error(status: int, error: str, description: str = "") -> JsonResponse:
    body = {"error": error}
    if description:
        body["error_description"] = description
    return JsonResponse(body, status=status)


class Voice:
    """X's wording of ordered faults."""

    def server_error(self, status: int) -> HttpResponse:
        if status == 503:
            return problem(503, "Service Unavailable", "Service Unavailable")
        return problem(
            status, "Internal Server Error", "Something is broken. Please try again later.", "internal-error"
        )

    def rate_limited(self, seconds: int | None) -> HttpResponse:
        response = problem(429, "Too Many Requests", "Too Many Requests")
        if seconds is None:
            return response
        response["x-rate-limit-limit"] = "100"
        response["x-rate-limit-remaining"] = "0"
        response["x-rate-limit-reset"] = str(int(time.time()) + seconds)
        return response

    def invalid_token(self) -> HttpResponse:
        return problem(401, "Unauthorized", "Unauthorized")

    def expired_token(self, operation: str) -> HttpResponse:
        """X answers every dead token alike; its token endpoint refuses the refresh token."""
        return self.rejected(operation) if operation == "token" else self.invalid_token()

    def revoked_token(self, operation: str) -> HttpResponse:
        return self.expired_token(operation)

    def rejected(self, operation: str) -> HttpResponse:
        if operation == "media":
            return invalid("Your media IDs are invalid.").response
        if operation == "token":
            return oauth_error(400, "invalid_request", "Value passed for the token was invalid.")
        return problem(403, "Forbidden", "You are not permitted to perform this action.")

    def duplicate(self) -> HttpResponse:
        return problem(403, "Forbidden", "You are not allowed to create a Tweet with duplicate content.")


VOICE = Voice()


def authenticate(request: HttpRequest, visit: Visit, *scopes: str) -> Token:
    """The live user token of the call, its scopes and rate limit checked.

    Refuses with 401 (absent, unknown, expired, revoked), 403 (scope missing) or 429 (window spent).
    """
    visit.headers.update(
        {"x-transaction-id": secrets.token_hex(8), "api-version": "2.167", "x-access-level": "read-write"}
    )
    token = find_token(bearer_of(request), Token.Kind.ACCESS)
    now = timezone.now()
    if token is None or token.revoked_at or (token.expires_at and token.expires_at <= now) or token.account is None:
        raise Refused(VOICE.invalid_token())
    visit.account = token.account
    missing = [scope for scope in scopes if scope not in token.scopes]
    if missing:
        raise Refused(
            problem(
                403,
                "Forbidden",
                f"Your client app was not granted the scope {missing[0]} which this endpoint requires.",
                "oauth1-permissions",
            )
        )
    limit = LIMITS[visit.endpoint]
    window = measure_window(visit, limit=limit, seconds=WINDOW_S)
    visit.headers.update(
        {
            "x-rate-limit-limit": str(limit),
            "x-rate-limit-remaining": str(max(window.remaining, 0)),
            "x-rate-limit-reset": str(int(window.resets_at)),
        }
    )
    if window.is_spent:
        raise Refused(problem(429, "Too Many Requests", "Too Many Requests"))
    return token


def read_json(request: HttpRequest) -> dict[str, Any]:
    """The object in a JSON body; refuses other content types and other shapes with 400."""
    if request.content_type != "application/json":
        raise invalid("Content-Type must be application/json.")
    try:
        body = json.loads(request.body)
    except ValueError as error:
        raise invalid("Request body is not valid JSON.") from error
    if not isinstance(body, dict):
        raise invalid("Request body must be a JSON object.")
    return body


def refuse_unknown(body: Mapping[str, Any], known: set[str], where: str = "$") -> None:
    """X refuses every field that its schema does not name."""
    for name in body:
        if name not in known:
            raise invalid(
                f"[{where}.{name}: is not defined in the schema and the schema does not allow additional properties]"
            )


def refuse_unknown_query(request: HttpRequest, known: set[str]) -> None:
    for name in request.GET:
        if name not in known:
            raise invalid(
                f"The query parameter [{name}] is not one of [{','.join(sorted(known))}]",
                {name: request.GET.getlist(name)},
            )
