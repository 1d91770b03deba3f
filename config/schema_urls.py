"""The OpenAPI document and its two readers, served from our own files."""

from typing import Any

from django.conf import settings
from django.urls import path
from django.utils.csp import CSP
from django.views.decorators.csp import csp_override
from drf_spectacular.views import SpectacularAPIView, SpectacularRedocView, SpectacularSwaggerSplitView

# Redoc makes its style sheets in the page and searches in a worker made from a blob. Its scripts are held as elsewhere.
_REDOC_POLICY: dict[str, Any] = settings.SECURE_CSP | {
    "style-src": [CSP.SELF, CSP.UNSAFE_INLINE],
    "worker-src": [CSP.SELF, "blob:"],
}

urlpatterns = [
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="api-docs"),
    path("redoc/", csp_override(_REDOC_POLICY)(SpectacularRedocView.as_view(url_name="schema")), name="api-redoc"),
]
