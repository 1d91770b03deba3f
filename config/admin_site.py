"""The agents' and operators' workspace: who may enter, and which organization they see."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from unfold.sites import UnfoldAdminSite

from accounts.permissions import may


@dataclass(frozen=True)
class Number:
    """A number on the first page; ``is_trouble`` when it should be 0."""

    label: str
    value: int
    url: str
    is_trouble: bool = True


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

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Above what there is: numbers of what the person sees, each leading to its rows."""
        answer: HttpResponse = super().index(request, (extra_context or {}) | {"numbers": self._numbers(request)})
        return answer

    def _numbers(self, request: HttpRequest) -> list[Number]:
        from connections.models import SocialConnection
        from publishing.admin import QUESTIONS, questions
        from publishing.models import SocialPost

        found = []
        posts = self._registry.get(SocialPost)
        if posts and posts.has_view_permission(request):
            wanted = {name: Count("pk", filter=question) for name, question in questions(timezone.now()).items()}
            # The order of the list joins nothing that a count needs.
            counted = posts.get_queryset(request).order_by().aggregate(**wanted)
            url = reverse("admin:publishing_socialpost_changelist")
            found = [
                Number(_("Posts: %(what)s") % {"what": QUESTIONS[name]}, counted[name], f"{url}?operations={name}", name != "next")
                for name in ("attention", "failed", "late", "next")
            ]  # fmt: skip
        connections = self._registry.get(SocialConnection)
        if connections and connections.has_view_permission(request):
            broken = connections.get_queryset(request).filter(is_active=False, disconnected_at__isnull=True).count()
            url = reverse("admin:connections_socialconnection_changelist")
            query = "?is_active__exact=0&disconnected_at__isnull=True"
            found.append(Number(_("Connections to reconnect"), broken, url + query))
        return found

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Passwords are changed on the product's own page."""
        return redirect("account_change_password")
