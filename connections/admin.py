"""The operators' view of connections. Tokens are rows of their own and are registered nowhere."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.admin_base import OrganizationModelAdmin
from accounts.errors import DomainError
from connections.cards import state_of
from connections.errors import InvalidToken
from connections.models import SocialConnection, SocialConnectionQuerySet
from connections.services import mark_inactive, validate_connection
from connections.tokens import refresh_connection

EXPIRED = "Token expired - reauthentication required"


class ExpiryFilter(admin.SimpleListFilter):
    title = gettext_lazy("token expiry")
    parameter_name = "expires"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("7", _("active, expires within 7 days")), ("0", _("active, has expired"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[SocialConnection]) -> QuerySet[SocialConnection]:
        if self.value() not in {"0", "7"} or not isinstance(queryset, SocialConnectionQuerySet):
            return queryset
        return queryset.expiring_before(timezone.now() + timedelta(days=int(str(self.value()))))


@admin.register(SocialConnection)
class SocialConnectionAdmin(OrganizationModelAdmin):
    """Read here, changed by actions alone: each calls the service that the pages and REST call."""

    view_permission = "connections.view"
    list_display = (
        "account_name", "platform_name", "handle", "organization", "state", "token_expires_at", "last_post_at",
        "error_message",
    )  # fmt: skip
    list_filter = ("platform", "is_active", ExpiryFilter)
    list_select_related = ("organization",)
    search_fields = ("account_name", "account_handle", "platform_account_id", "id")
    ordering = ("platform", "account_name")
    actions = ("mark_token_expired", "refresh_token", "validate_token")
    fields = (
        "id", "organization", "platform", "server_url", "platform_account_id", "account_name", "account_handle", "kind",
        "profile_url", "is_active", "error_code", "error_message", "inactive_since", "disconnected_at", "permissions",
        "missing", "limits", "followers", "token_expires_at", "token_refreshed_at", "refresh_failures",
        "next_refresh_at", "validated_at", "last_post_at", "last_sync_at", "next_sync_at", "connected_by", "created_at",
        "updated_at",
    )  # fmt: skip
    readonly_fields = fields

    def has_manage_permission(self, request: HttpRequest) -> bool:
        """Asked by Django for the actions."""
        return self._allowed(request, "connections.manage")

    @admin.display(description=gettext_lazy("platform"), ordering="platform")
    def platform_name(self, connection: SocialConnection) -> str:
        return connection.platform_label

    @admin.display(description=gettext_lazy("handle"))
    def handle(self, connection: SocialConnection) -> str:
        return connection.handle or "–"

    @admin.display(description=gettext_lazy("state"))
    def state(self, connection: SocialConnection) -> str:
        return state_of(connection, timezone.now()).word

    @admin.display(description=gettext_lazy("missing permissions"))
    def missing(self, connection: SocialConnection) -> str:
        return ", ".join(connection.missing_permissions) or "–"

    @admin.action(
        description=gettext_lazy("Mark inactive: token expired, reauthentication required"), permissions=["manage"]
    )
    def mark_token_expired(self, request: HttpRequest, queryset: QuerySet[SocialConnection]) -> None:
        changed = sum(
            mark_inactive(connection, code=InvalidToken.code, message=EXPIRED, by=request.user)  # type: ignore[arg-type]
            for connection in queryset.select_related("organization")
        )
        text = ngettext(
            "%(count)d connection was marked inactive.", "%(count)d connections were marked inactive.", changed
        )
        self.message_user(request, text % {"count": changed}, messages.SUCCESS if changed else messages.WARNING)

    @admin.action(description=gettext_lazy("Renew the token now"), permissions=["manage"])
    def refresh_token(self, request: HttpRequest, queryset: QuerySet[SocialConnection]) -> None:
        self._each(request, queryset, lambda connection: refresh_connection(connection, by=request.user), _("renewed"))  # type: ignore[arg-type]

    @admin.action(description=gettext_lazy("Validate with the platform"), permissions=["manage"])
    def validate_token(self, request: HttpRequest, queryset: QuerySet[SocialConnection]) -> None:
        def ask(connection: SocialConnection) -> None:
            if not validate_connection(connection, by=request.user).is_valid:  # type: ignore[arg-type]
                raise InvalidToken(connection.error_message or _("The access token is no longer valid."))

        self._each(request, queryset, ask, _("valid"))

    def _each(
        self,
        request: HttpRequest,
        queryset: QuerySet[SocialConnection],
        call: Callable[[SocialConnection], Any],
        done: str,
    ) -> None:
        for connection in queryset.select_related("organization"):
            try:
                call(connection)
            except DomainError as error:
                self.message_user(request, f"{connection}: {error}", messages.ERROR)
            else:
                self.message_user(request, f"{connection}: {done}", messages.SUCCESS)
