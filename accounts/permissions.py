"""Who may do what: the one table that pages, REST and the Django admin ask."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, cast

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    OWNER = "OWNER", _("Owner")
    ADMIN = "ADMIN", _("Admin")
    MARKETER = "MARKETER", _("Marketer")
    AGENT = "AGENT", _("Agent")
    VIEWER = "VIEWER", _("Viewer")


_VIEW = frozenset({
    "organization.view", "members.view", "connections.view", "posts.view", "campaigns.view", "media.view",
    "notifications.view",
})  # fmt: skip
_AGENT = _VIEW | {"admin.enter", "tickets.work"}
_MARKETER = _VIEW | {
    "posts.edit", "posts.publish", "posts.delete", "media.edit", "campaigns.edit", "connections.sync",
}  # fmt: skip
_ADMIN = _AGENT | _MARKETER | {
    "connections.manage", "members.manage", "organization.manage", "audit.view", "api_keys.manage",
}  # fmt: skip
_OWNER = _ADMIN | {"owners.manage", "organization.delete"}

ROLE_PERMISSIONS: dict[str, frozenset[str]] = {
    Role.OWNER: frozenset(_OWNER),
    Role.ADMIN: frozenset(_ADMIN),
    Role.MARKETER: frozenset(_MARKETER),
    Role.AGENT: frozenset(_AGENT),
    Role.VIEWER: _VIEW,
}
PERMISSIONS = frozenset().union(*ROLE_PERMISSIONS.values())


class HasRole(Protocol):
    role: Any


def may(membership: HasRole | None, permission: str) -> bool:
    """Whether the member's role grants the permission; no membership grants nothing.

    Raises KeyError for a permission that stands in no role: a misspelt one must not quietly mean "no".
    """
    if permission not in PERMISSIONS:
        raise KeyError(f"unknown permission: {permission}")
    return membership is not None and permission in ROLE_PERMISSIONS[membership.role]


P = ParamSpec("P")
View = Callable[Concatenate[Any, P], HttpResponseBase]


def requires(permission: str) -> Callable[[View[P]], View[P]]:
    """For pages: signed in, in an organization, and with a role that grants ``permission``; else sign-in, the page
    that makes a first organization, or 403."""
    if permission not in PERMISSIONS:
        raise KeyError(f"unknown permission: {permission}")

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if getattr(request, "organization", None) is None:
                return redirect("accounts:start")
            if not may(getattr(request, "membership", None), permission):
                request.denied_permission = permission  # type: ignore[attr-defined]  # its page names who may
                raise PermissionDenied
            return view(request, *args, **kwargs)

        # The middleware refuses a page of another organization to act here (accounts/switching.py).
        guarded.acts_in_organization = True  # type: ignore[attr-defined]
        return cast("View[P]", login_required(guarded))

    return decorate
