"""Errors as RFC 9457 problem details: the one place where a refusal becomes an answer of the REST API."""

from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from math import ceil
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import connections
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.views import defaults
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.settings import api_settings

from accounts.api.shapes import CONTRADICTION
from accounts.errors import DomainError

CONTENT_TYPE = "application/problem+json"
API_PREFIX = "/api/v1/"
_WELL_FORMED = frozenset({CONTRADICTION, "does_not_exist", "overflow"})


def problem(status_code: int, code: str, detail: str, **members: Any) -> dict[str, Any]:
    """One problem: ``type``, ``title``, ``status``, ``detail``, ``code`` and further members that are not empty."""
    document: dict[str, Any] = {
        "type": f"urn:parley:problem:{code}",
        "title": HTTPStatus(status_code).phrase,
        "status": status_code,
        "detail": detail,
        "code": code,
    }
    return document | {name: member for name, member in members.items() if member}


def field_errors(detail: Any, path: str = "") -> dict[str, list[str]]:
    """DRF's nested error detail as ``{"media.0.alt_text": ["..."]}``; errors of the whole body stand under ``""``."""
    if isinstance(detail, Mapping):
        found: dict[str, list[str]] = {}
        for name, part in detail.items():
            own = "" if name == api_settings.NON_FIELD_ERRORS_KEY else str(name)
            found |= field_errors(part, ".".join(piece for piece in (path, own) if piece))
        return found
    if isinstance(detail, list):
        if all(isinstance(part, str) for part in detail):
            return {path: [str(part) for part in detail]} if detail else {}
        found = {}
        for position, part in enumerate(detail):
            found |= field_errors(part, f"{path}.{position}" if path else str(position))
        return found
    return {path: [str(detail)]}


class BodyTooLarge(exceptions.APIException):
    status_code = 413
    default_code = "body_too_large"
    default_detail = "The body is larger than this address takes."


def _seconds_until(moment: datetime) -> int:
    return max(1, ceil((moment - datetime.now(UTC)).total_seconds()))


def _as_members(problems: Any) -> list[dict[str, Any]]:
    return [asdict(entry) if is_dataclass(entry) and not isinstance(entry, type) else entry for entry in problems or ()]


def _answer(document: dict[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    return Response(document, status=document["status"], headers=dict(headers or {}), content_type=CONTENT_TYPE)


def _domain_problem(error: DomainError) -> Response:
    headers: dict[str, str] = {}
    if error.http_status == status.HTTP_401_UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer realm="parley"'
    if retry_at := getattr(error, "retry_at", None):
        headers["Retry-After"] = str(_seconds_until(retry_at))
    elif error.http_status == status.HTTP_429_TOO_MANY_REQUESTS:
        headers["Retry-After"] = "60"
    return _answer(
        problem(
            error.http_status,
            error.code.lower(),
            str(error),
            errors={error.field: [str(error)]} if error.field else None,
            problems=_as_members(getattr(error, "problems", None)),
        ),
        headers,
    )


def _api_problem(error: exceptions.APIException) -> Response:
    headers: dict[str, str] = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if (wait := getattr(error, "wait", None)) is not None:
        headers["Retry-After"] = str(max(1, ceil(wait)))
    if isinstance(error, exceptions.ValidationError):
        errors = field_errors(error.detail)
        whole = errors.pop("", [])
        codes = _codes(error.get_codes())
        code = next(iter(codes)) if len(codes) == 1 and codes <= {"unknown_field", "unknown_parameter"} else "invalid"
        detail = " ".join(whole) or "Some fields are invalid; see errors."
        # 400: not as the schema says. 422: as it says, and impossible.
        status_code = status.HTTP_422_UNPROCESSABLE_ENTITY if codes and codes <= _WELL_FORMED else error.status_code
        return _answer(problem(status_code, code, detail, errors=errors), headers)
    codes = _codes(error.get_codes())
    return _answer(problem(error.status_code, codes.pop() if codes else "error", str(error.detail)), headers)


def _codes(codes: Any) -> set[str]:
    if isinstance(codes, Mapping):
        return set().union(*(_codes(part) for part in codes.values())) if codes else set()
    if isinstance(codes, list):
        return set().union(*(_codes(part) for part in codes)) if codes else set()
    return {str(codes)}


def problem_response(error: Exception, _context: dict[str, Any]) -> Response | None:
    """DRF's exception handler. None (an unforeseen exception) goes on to ``server_error``."""
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    elif isinstance(error, DjangoValidationError):
        error = exceptions.ValidationError(error.message_dict if hasattr(error, "error_dict") else error.messages)
    elif isinstance(error, RequestDataTooBig):
        error = BodyTooLarge()
    elif isinstance(error, SuspiciousOperation):
        error = exceptions.ParseError("This request cannot be read.")
    if isinstance(error, DomainError):
        answer = _domain_problem(error)
    elif isinstance(error, exceptions.APIException):
        answer = _api_problem(error)
    else:
        return None
    for connection in connections.all(initialized_only=True):
        if connection.settings_dict["ATOMIC_REQUESTS"] and connection.in_atomic_block:
            connection.set_rollback(True)
    return answer


def problem_json(status_code: int, code: str, detail: str) -> JsonResponse:
    """A problem outside of a DRF view."""
    return JsonResponse(problem(status_code, code, detail), status=status_code, content_type=CONTENT_TYPE)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """404 for addresses that no route takes: a problem under the REST prefix, the page elsewhere."""
    if request.path.startswith(API_PREFIX):
        return problem_json(status.HTTP_404_NOT_FOUND, "not_found", "Not found.")
    return defaults.page_not_found(request, exception)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """400, and 413 for too large a body: a problem under the REST prefix, the page elsewhere."""
    too_large = isinstance(exception, RequestDataTooBig)
    if request.path.startswith(API_PREFIX):
        refusal = BodyTooLarge() if too_large else exceptions.ParseError("This request cannot be read.")
        return problem_json(refusal.status_code, str(refusal.detail.code), str(refusal.detail))  # type: ignore[union-attr]
    answer = defaults.bad_request(request, exception)
    if too_large:
        answer.status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    return answer


def server_error(request: HttpRequest) -> HttpResponse:
    """500: a problem under the REST prefix, the page elsewhere; neither says what went wrong inside."""
    if request.path.startswith(API_PREFIX):
        return problem_json(
            status.HTTP_500_INTERNAL_SERVER_ERROR,
            "server_error",
            "Something went wrong on the server. The error was logged.",
        )
    return defaults.server_error(request)
