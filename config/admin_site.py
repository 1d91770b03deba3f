"""The agents' and operators' workspace: who may enter, and which organization they see."""

from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from unfold.sites import UnfoldAdminSite

from accounts.permissions import may


class ParleyAdminSite(UnfoldAdminSite):  # type: ignore[misc]  # unfold is not typed
    """Open to superusers, and to members whose role grants ``admin.enter`` in their current organization."""

    def has_permission(self, request: HttpRequest) -> bool:
        user = request.user
        if not user.is_active or not user.is_authenticated:
            return False
        return user.is_superuser or may(getattr(request, "membership", None), "admin.enter")

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """People sign in on the product's own page, where the second factor and the limits on tries are."""
        target = request.GET.get("next") or "/admin/"
        if not request.user.is_authenticated:
            return redirect_to_login(target, settings.LOGIN_URL)
        if not self.has_permission(request):
            raise PermissionDenied
        return redirect("admin:index")

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Passwords are changed on the product's own page."""
        return redirect("account_change_password")
