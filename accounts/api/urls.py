"""Routes of people and organizations, under ``/api/v1/``."""

from django.urls import URLPattern, URLResolver, path

from accounts.api import views
from accounts.api.routing import make_router

router = make_router()
router.register("members", views.MemberViewSet, "members")
router.register("invitations", views.InvitationViewSet, "invitations")
router.register("audit-events", views.AuditEventViewSet, "audit-events")
router.register("notifications", views.NotificationViewSet, "notifications")

organization = views.OrganizationEndpoint.as_view({"get": "retrieve", "patch": "partial_update"})

app_name = "accounts_api"
urlpatterns: list[URLPattern | URLResolver] = [
    path("auth/token", views.TokenView.as_view(), name="token"),
    path("auth/token/refresh", views.TokenRefreshView.as_view(), name="token-refresh"),
    path("auth/token/revoke", views.TokenRevokeView.as_view(), name="token-revoke"),
    path("organization", organization, name="organization"),
    *router.urls,
]
