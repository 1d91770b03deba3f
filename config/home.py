"""The first page after sign-in: today, what waits for a person, the week, the accounts, and what to do next."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.middleware import OrganizationRequest
from accounts.models import Organization
from accounts.permissions import may, requires
from connections.models import SocialConnection
from connections.platforms.base import TokenPolicy
from publishing.calendar import View, build_days, span_of
from publishing.models import PostStatus, SocialPost
from publishing.reads import attention_of, posts_on
from publishing.states import standing_of

EXPIRY_IN_SIGHT = timedelta(days=7)


@dataclass(frozen=True)
class Step:
    """One line of the checklist for a new organization."""

    title: str
    text: str
    url: str
    action: str
    is_done: bool


@dataclass(frozen=True)
class Health:
    """A connection and what there is to say about it; ``tone`` "" means all is well."""

    connection: SocialConnection
    tone: str
    label: str


@require_safe
@requires("posts.view")
def home(request: OrganizationRequest) -> HttpResponse:
    """What a person sees first. The number of queries does not grow with the posts."""
    organization = request.organization
    now = timezone.now()
    zone = organization.zone
    today = now.astimezone(zone).date()
    week = span_of(View.WEEK, today, zone)
    days = build_days(week, posts_on(organization, week.days, zone), now=now)
    waiting, waiting_count = attention_of(organization)
    connections = list(SocialConnection.objects.for_organization(organization).in_use().by_name())
    steps = _steps(organization, connections)
    context = {
        "today": next(day for day in days if day.is_today),
        "days": days,
        "waiting": [(post, standing_of(post, now=now)) for post in waiting],
        "waiting_count": waiting_count,
        "health": [_health(connection, now=now) for connection in connections],
        "steps": steps if not all(step.is_done for step in steps) and may(request.membership, "posts.edit") else [],
        "zone": zone.key,
        "now": now,
        "can_edit": may(request.membership, "posts.edit"),
    }
    return render(request, "home.html", context)


def _health(connection: SocialConnection, *, now: datetime) -> Health:
    if not connection.is_active:
        return Health(connection, "danger", _("Reconnect"))
    expires = connection.token_expires_at
    renews = connection.platform_class.token_policy in {TokenPolicy.ROTATING, TokenPolicy.EXTENDING}
    if expires is not None and not renews and expires < now + EXPIRY_IN_SIGHT:
        return Health(connection, "warn", _("Expires soon"))
    if connection.missing_permissions:
        return Health(connection, "warn", _("Permissions missing"))
    return Health(connection, "", _("Works"))


def _steps(organization: Organization, connections: list[SocialConnection]) -> list[Step]:
    """Connect, write, schedule: ticked off as they happen."""
    posts = SocialPost.objects.for_organization(organization)
    has_posts = posts.exists()
    has_planned = posts.exclude(status=PostStatus.DRAFT).exists() if has_posts else False
    return [
        Step(
            _("Connect a social account"), _("X, a Facebook Page or a Mastodon account. You stay on their own pages for the password."),
            reverse("connections:list"), _("Connect"), bool(connections),
        ),
        Step(
            _("Write a post"), _("One idea for several accounts, with a preview of each."),
            reverse("publishing:compose"), _("Write"), has_posts,
        ),
        Step(
            _("Give it a time"), _("In the composer, or by dragging it onto a day of the calendar."),
            reverse("publishing:calendar"), _("Open the calendar"), has_planned,
        ),
    ]  # fmt: skip
