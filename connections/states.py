"""From active to inactive and back: the two changes that everything else about a connection waits for."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.audit import SYSTEM, Actor, record_audit
from accounts.models import Notification
from accounts.notifications import Kind, notify_those_who_may, register_kind
from connections.cards import problem_of
from connections.events import connection_inactivated, connection_restored
from connections.models import SocialConnection

NOTIFICATION_KIND = "connection_inactive"
register_kind(
    Kind(
        NOTIFICATION_KIND,
        gettext_lazy("An account must be reconnected"),
        gettext_lazy("Reconnect the account"),
        order=1,
    )
)


def notification_key(connection: SocialConnection) -> str:
    """The key under which repeats of the same prompt fold."""
    return f"connection:{connection.pk}:inactive"


def mark_inactive(
    connection: SocialConnection, *, code: str, message: str, by: Actor = SYSTEM, token_version: int | None = None
) -> bool:
    """Mark a connection as needing a new consent; True for exactly one of any number of callers.

    The first caller audits, tells those who may reconnect, and announces it; later ones change nothing. With
    ``token_version`` the word counts only while the connection still has that token: a late refusal of an older one
    must not undo a reconnection. ``message`` is a sentence for people.
    """
    now = timezone.now()
    with transaction.atomic():
        rows = SocialConnection.objects.active().filter(pk=connection.pk)
        if token_version is not None:
            rows = rows.filter(token_version=token_version)
        changed = rows.update(
            is_active=False, error_code=code[:40], error_message=message, inactive_since=now, next_refresh_at=None,
            refresh_lease_until=None, updated_at=now,
        )  # fmt: skip
        connection.refresh_from_db()
        if not changed:
            return False
        record_audit(
            "connection.inactivated", connection, by=by,
            changes={"is_active": [True, False], "error_message": [None, message]},
        )  # fmt: skip
        notify_those_who_may(
            "connections.manage",
            organization=connection.organization,
            kind=NOTIFICATION_KIND,
            key=notification_key(connection),
            title=_("%(account)s needs to be reconnected") % {"account": connection},
            body=problem_of(connection),
            url=reverse("connections:detail", args=[connection.pk]),
        )
        connection_inactivated.send(SocialConnection, connection=connection)
    return True


def restore(connection: SocialConnection, *, by: Actor) -> bool:
    """Clear every error mark and prompt of a connection that works again; True when it was inactive."""
    now = timezone.now()
    with transaction.atomic():
        before = SocialConnection.objects.select_for_update().get(pk=connection.pk)
        cleared: dict[str, Any] = {
            "is_active": True, "error_code": "", "error_message": None, "inactive_since": None, "refresh_failures": 0,
            "disconnected_at": None, "updated_at": now,
        }  # fmt: skip
        SocialConnection.objects.filter(pk=connection.pk).update(**cleared)
        connection.refresh_from_db()
        if before.is_active and before.disconnected_at is None:
            return False
        inactive_since: datetime | None = before.inactive_since or before.disconnected_at
        Notification.objects.for_organization(connection.organization).filter(
            Q(key=notification_key(connection)), read_at__isnull=True
        ).update(read_at=now)
        record_audit(
            "connection.restored", connection, by=by,
            changes={"is_active": [False, True], "error_message": [before.error_message, None]},
        )  # fmt: skip
        connection_restored.send(SocialConnection, connection=connection, by=by, inactive_since=inactive_since)
    return True
