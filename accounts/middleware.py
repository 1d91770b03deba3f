"""Finds the organization that a signed-in person works in."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import structlog
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from accounts.models import Membership, Organization, User
from accounts.switching import BACK_FIELD, membership_of_page, organization_of_page, refuse_page

SESSION_KEY = "organization_id"

if TYPE_CHECKING:
    from django_htmx.middleware import HtmxDetails


class OrganizationRequest(HttpRequest):
    """A request of a member: what ``requires()`` guarantees to a view."""

    user: User
    organization: Organization
    membership: Membership
    htmx: "HtmxDetails"


def current_membership(request: HttpRequest) -> Membership | None:
    """The membership kept in the session, else the person's first one; None for strangers."""
    if not request.user.is_authenticated:
        return None
    memberships = Membership.objects.of(request.user)
    chosen = request.session.get(SESSION_KEY)
    if chosen and (membership := memberships.filter(organization_id=chosen).first()):
        return membership
    return memberships.first()


class OrganizationMiddleware:
    """Sets ``request.membership`` and ``request.organization`` (None without one) and the zone that pages show."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        membership = current_membership(request) if not request.path.startswith(("/api/v1/", "/static/")) else None
        _work_in(request, membership)
        try:
            return self.get_response(request)
        finally:
            timezone.deactivate()

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], _args: Any, _kwargs: Any
    ) -> HttpResponseBase | None:
        """Refuse a page that was made for another organization. Runs after the CSRF check."""
        membership: Membership | None = request.membership  # type: ignore[attr-defined]
        if membership is None or not getattr(view, "acts_in_organization", False):
            return None
        told = organization_of_page(request)
        if told is None or told == str(membership.organization_id):
            return None
        before = membership_of_page(request, told)
        if before and request.POST.get(BACK_FIELD) == told:
            request.session[SESSION_KEY] = told
            _work_in(request, before)
            return None
        return refuse_page(request, before)


def _work_in(request: HttpRequest, membership: Membership | None) -> None:
    request.membership = membership  # type: ignore[attr-defined]
    request.organization = membership.organization if membership else None  # type: ignore[attr-defined]
    if membership:
        timezone.activate(membership.organization.zone)
        structlog.contextvars.bind_contextvars(organization=str(membership.organization_id))
