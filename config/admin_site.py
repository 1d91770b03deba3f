"""The agents' and operators' workspace: who may enter, and which organization they see."""

from django.http import HttpRequest
from unfold.sites import UnfoldAdminSite

from accounts.permissions import may


class ParleyAdminSite(UnfoldAdminSite):
    """Open to superusers, and to members whose role grants ``admin.enter`` in their current organization."""

    def has_permission(self, request: HttpRequest) -> bool:
        user = request.user
        if not user.is_active or not user.is_authenticated:
            return False
        return user.is_superuser or may(getattr(request, "membership", None), "admin.enter")
