"""All routes."""

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import TemplateView

from config import health, home, mail_pages

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.home, name="home"),
    path("accounts/", include("allauth.urls")),
    path("", include("accounts.urls")),
    path("", include("connections.urls")),
    path("", include("publishing.urls")),
    path("", include("campaigns.urls")),
    path("api/v1/", include("config.api_urls")),
    path("api/", include("config.schema_urls")),
    path("admin/", admin.site.urls),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("health/", health.page, name="health"),
]
if settings.SANDBOX:
    urlpatterns.append(path("sandbox/", include("sandbox.urls")))
if settings.DEBUG or settings.SANDBOX:
    urlpatterns += [
        path("mails/", mail_pages.mails, name="mails"),
        path("mails/<slug:name>/", mail_pages.mail, name="mail"),
    ]
    urlpatterns.append(path("styleguide/", TemplateView.as_view(template_name="styleguide.html"), name="styleguide"))

handler400 = "accounts.api.problems.bad_request"
handler404 = "accounts.api.problems.page_not_found"
handler500 = "accounts.api.problems.server_error"
