"""Everything under ``/api/v1/``: each app brings its own routes."""

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("accounts.api.urls")),
    path("", include("connections.api_urls")),
    path("", include("campaigns.api_urls")),
    path("", include("publishing.api_urls")),
]
