"""The admin of people and organizations, and what the admin does not show of other people's sign-in."""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.admin.exceptions import NotRegistered
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule
from unfold.admin import ModelAdmin

from accounts.admin_base import OrganizationModelAdmin
from accounts.models import AuditEvent, Invitation, Membership, Organization, User

# Second factors hold secrets, social tokens are secrets, and roles stand in one table: none of these is shown.
for hidden in (Authenticator, SocialToken, SocialApp, SocialAccount, UserSession, EmailAddress, Group):
    try:
        admin.site.unregister(hidden)
    except NotRegistered:
        continue


class SuperuserModelAdmin(ModelAdmin):  # type: ignore[misc]  # unfold is not typed
    """For tables of the installation itself: superusers alone."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and request.user.is_superuser)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_module_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)


for table in (PeriodicTask, IntervalSchedule, CrontabSchedule, SolarSchedule, ClockedSchedule):
    usual = type(admin.site.get_model_admin(table))
    admin.site.unregister(table)
    admin.site.register(table, type(f"{table.__name__}Admin", (SuperuserModelAdmin, usual), {}))


@admin.register(User)
class UserAdmin(OrganizationModelAdmin):
    """People of the organization. Passwords, factors and sessions are their own affair."""

    view_permission = "members.view"
    list_display = ("email", "name", "is_active", "last_login", "date_joined")
    search_fields = ("email", "name")
    list_filter = ("is_active",)
    fields = ("email", "name", "time_zone", "language", "is_active", "is_superuser", "last_login", "date_joined")
    readonly_fields = fields

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_active and request.user.is_superuser)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return tuple(name for name in self.fields if name not in {"name", "time_zone", "language", "is_active"})

    def _is_within(self, request: HttpRequest, obj: models.Model | None) -> bool:
        if obj is None or request.user.is_superuser:
            return True
        organization = getattr(request, "organization", None)
        return bool(organization and Membership.objects.for_organization(organization).filter(user=obj.pk).exists())

    def of_organization(self, rows: QuerySet[Any], request: HttpRequest) -> QuerySet[Any]:
        organization = getattr(request, "organization", None)
        return rows.filter(memberships__organization=organization) if organization else rows.none()


@admin.register(Organization)
class OrganizationAdmin(OrganizationModelAdmin):
    view_permission = "organization.view"
    change_permission = "organization.manage"
    list_display = ("name", "slug", "time_zone", "language", "created_at")
    search_fields = ("name", "slug")
    fields = ("name", "slug", "time_zone", "language", "created_at")
    readonly_fields = ("created_at",)

    def _is_within(self, request: HttpRequest, obj: models.Model | None) -> bool:
        if obj is None or request.user.is_superuser:
            return True
        organization = getattr(request, "organization", None)
        return organization is not None and obj.pk == organization.pk

    def of_organization(self, rows: QuerySet[Any], request: HttpRequest) -> QuerySet[Any]:
        organization = getattr(request, "organization", None)
        return rows.filter(pk=organization.pk) if organization else rows.none()


@admin.register(Membership)
class MembershipAdmin(OrganizationModelAdmin):
    """Roles are changed on the members page, where the last owner is kept."""

    view_permission = "members.view"
    list_display = ("user", "organization", "role", "created_at")
    list_filter = ("role",)
    search_fields = ("user__email", "user__name")
    list_select_related = ("user", "organization")
    fields = ("organization", "user", "role", "created_at")
    readonly_fields = fields


@admin.register(Invitation)
class InvitationAdmin(OrganizationModelAdmin):
    """Invitations are sent and revoked on the members page."""

    view_permission = "members.manage"
    list_display = ("email", "organization", "role", "created_at", "sent_at", "expires_at", "accepted_at", "revoked_at")
    list_filter = ("role",)
    search_fields = ("email",)
    list_select_related = ("organization",)
    fields = (
        "organization", "email", "role", "invited_by", "created_at", "sent_at", "expires_at", "accepted_at", "revoked_at",
    )  # fmt: skip
    readonly_fields = fields


@admin.register(AuditEvent)
class AuditEventAdmin(OrganizationModelAdmin):
    """Read-only for everybody: the database refuses changes too."""

    view_permission = "audit.view"
    list_display = ("at", "actor_label", "action", "object_label", "ip")
    list_filter = ("action", "object_type")
    search_fields = ("actor_label", "action", "object_label", "object_id")
    date_hierarchy = "at"
    fields = (
        "organization", "at", "actor_label", "action", "object_type", "object_id", "object_label", "changes", "ip",
        "request_id",
    )  # fmt: skip
    readonly_fields = fields
