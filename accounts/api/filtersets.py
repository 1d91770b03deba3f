"""Filters of the lists of people and organizations."""

from typing import Any

import django_filters
from django.db.models import QuerySet

from accounts.models import AuditEvent, Invitation, Membership, Notification
from accounts.permissions import Role


class MemberFilter(django_filters.FilterSet):
    role = django_filters.ChoiceFilter(choices=Role.choices)

    class Meta:
        model = Membership
        fields = ["role"]


class InvitationFilter(django_filters.FilterSet):
    is_open = django_filters.BooleanFilter(method="only_open", label="neither accepted nor revoked")

    class Meta:
        model = Invitation
        fields: list[str] = []

    def only_open(self, rows: QuerySet[Any], _name: str, value: bool) -> QuerySet[Any]:
        waiting = {"accepted_at__isnull": True, "revoked_at__isnull": True}
        return rows.filter(**waiting) if value else rows.exclude(**waiting)


class AuditEventFilter(django_filters.FilterSet):
    actor = django_filters.UUIDFilter(field_name="actor_id", label="ID of the person who did it")
    action = django_filters.CharFilter(label="for example post.scheduled")
    object_type = django_filters.CharFilter()
    object_id = django_filters.CharFilter()
    since = django_filters.IsoDateTimeFilter(field_name="at", lookup_expr="gte", label="At or after this time.")
    until = django_filters.IsoDateTimeFilter(field_name="at", lookup_expr="lt", label="Before this time.")

    class Meta:
        model = AuditEvent
        fields: list[str] = []


class NotificationFilter(django_filters.FilterSet):
    unread = django_filters.BooleanFilter(field_name="read_at", lookup_expr="isnull")

    class Meta:
        model = Notification
        fields: list[str] = []
