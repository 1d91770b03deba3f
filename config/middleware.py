"""Middleware that belongs to the whole installation."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.csp import ContentSecurityPolicyMiddleware as DjangoContentSecurityPolicyMiddleware
from django.utils.csp import CSP

_ADMIN_POLICY: dict[str, Any] = settings.SECURE_CSP | {
    # The admin theme runs Alpine, which compiles expressions and sets inline styles. Nothing else may.
    "script-src": [CSP.SELF, CSP.UNSAFE_EVAL, CSP.UNSAFE_INLINE],
    "style-src": [CSP.SELF, CSP.UNSAFE_INLINE],
}


class ContentSecurityPolicyMiddleware(DjangoContentSecurityPolicyMiddleware):
    """The strict policy everywhere; the admin's own under ``/admin/``."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        if request.path.startswith("/admin/") and not hasattr(response, "_csp_config"):
            response._csp_config = _ADMIN_POLICY  # type: ignore[attr-defined]  # the attribute Django's own override sets
        answer: HttpResponse = super().process_response(request, response)
        return answer
