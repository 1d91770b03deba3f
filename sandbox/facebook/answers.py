"""How the Graph API answers: its error object, its usage headers, its parameters, and who may call."""

import hashlib
import hmac
import json
import secrets
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from sandbox.faults import Refused, Visit, measure_window
from sandbox.models import Account, OAuthClient, PlatformName, Token
from sandbox.oauth import bearer_of, find_client, find_token, secret_matches
from sandbox.seed import FACEBOOK_APP

PLATFORM = PlatformName.FACEBOOK
VERSIONS = ("21.0", "22.0", "23.0", "24.0", "25.0", "26.0")
PAGE_CALLS_A_DAY = 4800 * 10  # 4,800 for each engaged user; the sandbox's Pages count as having ten


def error(
    code: int,
    message: str,
    *,
    subcode: int | None = None,
    status: int = 400,
    kind: str = "OAuthException",
    title: str = "",
    user_message: str = "",
    transient: bool = False,
) -> JsonResponse:
    """The Graph API's error object."""
    body: dict[str, Any] = {"message": message, "type": kind, "code": code}
    if subcode is not None:
        body["error_subcode"] = subcode
    if title or user_message or transient:
        body["is_transient"] = transient
    if title:
        body["error_user_title"] = title
    if user_message:
        body["error_user_msg"] = user_message
    body["fbtrace_id"] = "A" + secrets.token_urlsafe(16)
    return JsonResponse({"error": body}, status=status)


def refused(code: int, message: str, **more: Any) -> Refused:
    return Refused(error(code, message, **more))


def bad_parameter(message: str) -> Refused:
    return refused(100, f"(#100) {message}")


def missing_object(native_id: str, method: str) -> Refused:
    verb = method.lower()
    return refused(
        100,
        f"Unsupported {verb} request. Object with ID '{native_id}' does not exist, cannot be loaded due to missing "
        "permissions, or does not support this operation. Please read the Graph API documentation at "
        "https://developers.facebook.com/docs/graph-api",
        subcode=33,
        kind="GraphMethodException",
    )


def session_expired(at: datetime) -> JsonResponse:
    """190 with subcode 463. Source: https://developers.facebook.com/docs/graph-api/guides/error-handling"""
    ended = at.strftime("%A, %d-%b-%y %H:%M:%S UTC")
    return error(190, f"Error validating access token: Session has expired on {ended}.", subcode=463, status=401)


def application_removed(app_id: str) -> JsonResponse:
    """190 with subcode 458: the person took the application's access away. Source: as above."""
    message = f"Error validating access token: The user has not authorized application {app_id}."
    return error(190, message, subcode=458, status=401)


class Voice:
    """The Graph API's wording of ordered faults."""

    def server_error(self, status: int) -> HttpResponse:
        return error(
            2, "An unexpected error has occurred. Please retry your request later.", status=status, transient=True
        )

    def rate_limited(self, seconds: int | None) -> HttpResponse:
        response = error(4, "(#4) Application request limit reached", status=403, transient=True)
        if seconds is None:
            return response
        response["X-App-Usage"] = json.dumps({"call_count": 100, "total_time": 25, "total_cputime": 25})
        minutes = max(1, -(-seconds // 60))
        usage = {"type": "pages", "call_count": 100, "total_cputime": 25, "total_time": 25}
        usage["estimated_time_to_regain_access"] = minutes
        response["X-Business-Use-Case-Usage"] = json.dumps({"0": [usage]})
        return response

    def invalid_token(self) -> HttpResponse:
        return error(
            190,
            "Error validating access token: The session has been invalidated because the user changed their password "
            "or Facebook has changed the session for security reasons.",
            subcode=460,
            status=401,
        )

    def expired_token(self, operation: str) -> HttpResponse:
        """The same at the token endpoint, which also says so of an access token that it is to extend."""
        return session_expired(timezone.now())

    def revoked_token(self, operation: str) -> HttpResponse:
        return application_removed(FACEBOOK_APP[0])

    def rejected(self, operation: str) -> HttpResponse:
        if operation == "media":
            return error(324, "(#324) Missing or invalid image file", subcode=2069019, transient=True)
        if operation == "token":
            return error(100, "This authorization code has been used.", subcode=36009)
        return error(
            368,
            "The action attempted has been deemed abusive or is otherwise disallowed",
            title="You can't post right now",
            user_message="Your content couldn't be shared, because it goes against our Community Standards.",
        )

    def duplicate(self) -> HttpResponse:
        return error(
            506,
            "Duplicate status message",
            title="Duplicate Status Update",
            user_message="This status update is identical to the last one you posted. Try posting something "
            "different, or delete your previous update.",
        )


VOICE = Voice()


def read_parameters(request: HttpRequest) -> dict[str, Any]:
    """Query, form and JSON body as one; the body wins. Lists and objects inside forms stay JSON text."""
    found: dict[str, Any] = dict(request.GET.items())
    if request.content_type == "application/json" and request.body:
        try:
            body = json.loads(request.body)
        except ValueError as problem:
            raise refused(100, "(#100) The request body is not valid JSON") from problem
        if not isinstance(body, dict):
            raise bad_parameter("The request body must be a JSON object")
        found.update(body)
    elif request.method in {"POST", "DELETE"}:
        found.update(request.POST.items())
    return found


def read_json_value(parameters: dict[str, Any], name: str) -> Any:
    """A parameter that may be JSON text inside a form; refuses broken JSON with code 100."""
    value = parameters.get(name)
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError as problem:
        raise bad_parameter(f"Param {name} must be valid JSON") from problem


def is_true(value: Any, *, default: bool) -> bool:
    if value is None:
        return default
    return str(value).lower() in {"1", "true", "yes"}


def find_app(secret: str) -> OAuthClient | None:
    """The application of an app token ``{id}|{secret}``; None for any other token."""
    app_id, bar, app_secret = secret.partition("|")
    client = find_client(PLATFORM, app_id) if bar else None
    return client if client is not None and secret_matches(client, app_secret) else None


def dead_token(token: Token | None) -> HttpResponse | None:
    """The refusal that a dead or unknown token gets (190 and its subcode); None for a live one."""
    if token is None:
        return error(190, "Invalid OAuth access token - Cannot parse access token", status=401)
    now = timezone.now()
    if token.revoked_at is not None:
        return application_removed(token.client.client_id)
    if token.expires_at is not None and token.expires_at <= now:
        return session_expired(token.expires_at)
    return None


def authenticate(request: HttpRequest, visit: Visit, parameters: dict[str, Any]) -> Token:
    """The live user or Page token of the call, its appsecret_proof and rate limit checked."""
    secret = bearer_of(request) or str(parameters.get("access_token") or "")
    if not secret:
        raise refused(
            2500 if request.method == "GET" else 104,
            "An active access token must be used to query information about the current user.",
        )
    token = find_token(secret, Token.Kind.ACCESS, Token.Kind.PAGE)
    if (problem := dead_token(token)) is not None:
        raise Refused(problem)
    if token is None or token.account is None:
        raise Refused(VOICE.invalid_token())
    visit.account = token.account
    proof = parameters.get("appsecret_proof")
    if proof is not None:
        expected = hmac.new(token.client.client_secret.encode(), secret.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected.encode(), str(proof).encode()):
            raise refused(100, "Invalid appsecret_proof provided in the API argument", kind="GraphMethodException")
    count_usage(visit, token)
    return token


def count_usage(visit: Visit, token: Token) -> None:
    """Add the usage headers; refuses with 80001 when the Page's calls of the day are spent."""
    window = measure_window(visit, limit=PAGE_CALLS_A_DAY, seconds=86400, endpoint=None)
    percent = min(100, round(100 * (window.limit - window.remaining) / window.limit))
    visit.headers["X-App-Usage"] = json.dumps({"call_count": percent, "total_time": 1, "total_cputime": 1})
    visit.headers["facebook-api-version"] = f"v{VERSIONS[-1]}"
    if token.kind == Token.Kind.PAGE and token.account is not None:
        usage = {"type": "pages", "call_count": percent, "total_cputime": 1, "total_time": 1}
        usage["estimated_time_to_regain_access"] = 0
        visit.headers["X-Business-Use-Case-Usage"] = json.dumps({token.account.native_id: [usage]})
    if window.is_spent:
        raise refused(80001, "(#80001) There have been too many calls to this Page account. Wait a bit and try again.")


def require_page(token: Token, page: Account, *, task: str, scopes: tuple[str, ...]) -> None:
    """Refuse a user token (210), a missing task or a missing permission (200)."""
    if token.kind != Token.Kind.PAGE or token.account_id != page.pk:
        raise refused(210, "(#210) A page access token is required to request this resource.", status=403)
    if task not in page.tasks or not set(scopes) <= set(token.scopes):
        raise refused(
            200,
            "(#200) If posting to a group, requires app being installed in the group, and either publish_to_groups "
            "permission with user token, or both pages_read_engagement and pages_manage_posts permission with page "
            "token; If posting to a page, requires both pages_read_engagement and pages_manage_posts as an admin "
            "with sufficient administrative permission",
            status=403,
        )


def require_scope(token: Token, scope: str) -> None:
    if scope not in token.scopes:
        raise refused(10, f"(#10) This endpoint requires the '{scope}' permission.", status=403)
