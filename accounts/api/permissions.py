"""Which organization a call is about, and whether the caller's role allows it."""

from typing import Any
from uuid import UUID

import structlog
from rest_framework.exceptions import NotAuthenticated, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.api.authentication import Credential
from accounts.errors import DomainError
from accounts.models import Membership, Organization, User
from accounts.permissions import may


class ApiRequest(Request):
    """What ``RolePermission`` guarantees to an endpoint."""

    user: User
    auth: Credential
    organization: Organization
    membership: Membership


class OrganizationUnclear(DomainError):
    """The caller belongs to several organizations and named none."""

    code = "organization_required"


def _named(memberships: list[Membership], name: str) -> Membership | None:
    try:
        wanted: Any = UUID(name)
    except ValueError:
        return next((one for one in memberships if one.organization.slug == name), None)
    return next((one for one in memberships if one.organization_id == wanted), None)


def find_membership(request: Request) -> Membership:
    """The membership that the call is made under: the token's organization, else the one that ``X-Organization``
    names by id or short name, else the only one.

    A token that was issued for an organization opens no other. Raises PermissionDenied for organizations that the
    caller does not belong to (whether or not they exist) and OrganizationUnclear.
    """
    memberships = list(Membership.objects.of(request.user))
    name = request.headers.get("X-Organization", "").strip()
    bound = request.auth.organization_id if isinstance(request.auth, Credential) else None
    if bound:
        memberships = [one for one in memberships if one.organization_id == bound]
        if not memberships:
            raise PermissionDenied("You no longer belong to the organization of this token.", code="not_a_member")
    if name:
        chosen = _named(memberships, name)
        if chosen is None:
            raise PermissionDenied("This token does not give access to that organization.", code="not_a_member")
        return chosen
    if len(memberships) == 1:
        return memberships[0]
    if not memberships:
        raise PermissionDenied("You do not belong to any organization yet.", code="not_a_member")
    raise OrganizationUnclear(
        "You belong to several organizations. Name one in the X-Organization header, or request a token for one."
    )


HTTP_METHODS = ["get", "head", "post", "put", "patch", "delete"]
"""No OPTIONS: the schema describes the endpoints, and no page of another origin may call them."""


def is_offered(view: Any, request: Request) -> bool:
    """Whether the method exists at this address."""
    method = (request.method or "").lower()
    return (
        method in view.http_method_names
        and method in getattr(view, "action_map", {method: method})
        and hasattr(view, method)
    )


class RolePermission(BasePermission):
    """Asks the permission table for what the view's ``permissions`` map names for the action (or, in a plain view,
    the method in lower case). An action without an entry is denied."""

    message = "Your role does not allow this."

    def has_permission(self, request: Request, view: Any) -> bool:
        if not request.user.is_authenticated:
            raise NotAuthenticated
        membership = find_membership(request)
        for target in (request, request._request):
            target.membership = membership  # type: ignore[attr-defined]
            target.organization = membership.organization  # type: ignore[attr-defined]
        structlog.contextvars.bind_contextvars(organization=str(membership.organization_id))
        if not is_offered(view, request):
            return True  # the view answers 405
        action = view.action if hasattr(view, "action_map") else (request.method or "").lower()
        permission = getattr(view, "permissions", {}).get(action)
        return permission is not None and may(membership, permission)
