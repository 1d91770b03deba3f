"""Middleware that belongs to the whole installation."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.csp import ContentSecurityPolicyMiddleware as DjangoContentSecurityPolicyMiddleware
from django.utils.csp import CSP

_ADMIN_POLICY: dict[str, Any] = settings.SECURE_CSP | {
    # The admin theme runs Alpine, which compiles expressions and sets inline styles. Nothing else may.
    "script-src": [CSP.SELF, CSP.UNSAFE_EVAL, CSP.UNSAFE_INLINE],
    "style-src": [CSP.SELF, CSP.UNSAFE_INLINE],
}


class ProbesMiddleware:
    """Answers probes whatever ``Host`` they name: load balancers, Prometheus and the supervisor come by address. Every
    other page is there under the installation's own names alone."""

    PROBES = frozenset({"/healthz", "/readyz", "/metrics"})

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path in self.PROBES:
            request.META["HTTP_HOST"] = urlsplit(settings.APP_URL).netloc
            request.META.pop("HTTP_X_FORWARDED_HOST", None)
        return self.get_response(request)


class ContentSecurityPolicyMiddleware(DjangoContentSecurityPolicyMiddleware):
    """The strict policy everywhere; the admin's own under ``/admin/``."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        if request.path.startswith("/admin/") and not hasattr(response, "_csp_config"):
            response._csp_config = _ADMIN_POLICY  # type: ignore[attr-defined]  # the attribute Django's own override sets
        answer: HttpResponse = super().process_response(request, response)
        return answer
