"""What every page's frame needs."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from accounts.asking import Colleagues
from accounts.models import Membership, Notification
from accounts.permissions import PERMISSIONS, may


def shell(request: HttpRequest) -> dict[str, Any]:
    """``organization``, ``membership``, ``memberships`` (for the switcher), ``can`` (permission with dots as
    underscores -> bool), ``colleagues`` (who else may), ``unread_notifications`` and ``sandbox``."""
    user = getattr(request, "user", None)
    # Who has just signed out, or is nobody to this view, has no membership any more.
    membership: Membership | None = getattr(request, "membership", None) if user and user.is_authenticated else None
    context: dict[str, Any] = {
        "organization": membership.organization if membership else None,
        "membership": membership,
        "memberships": [],
        "can": {permission.replace(".", "_"): may(membership, permission) for permission in PERMISSIONS},
        "colleagues": Colleagues(membership.organization) if membership else None,
        "unread_notifications": 0,
        "sandbox": settings.SANDBOX,
    }
    if membership and not (getattr(request, "htmx", False) and not request.htmx.boosted):  # type: ignore[attr-defined]
        context["memberships"] = list(Membership.objects.of(user))
        context["unread_notifications"] = (
            Notification.objects.for_organization(membership.organization).filter(user=membership.user).unread().count()
        )
    return context
