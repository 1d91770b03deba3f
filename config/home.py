"""The first page after sign-in: today, what waits for a person, the week, the accounts, and what to do next."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, F, Q, Sum
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.middleware import OrganizationRequest
from accounts.models import Organization
from accounts.permissions import may, requires
from connections.cards import state_of
from connections.models import SocialConnection
from publishing.calendar import View, build_days, span_of
from publishing.models import PostStatus, SocialPost
from publishing.reads import attention_of, posts_on
from publishing.states import Standing, standing_of

WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Step:
    """One line of the checklist for a new organization."""

    title: str
    text: str
    url: str
    action: str
    is_done: bool


@dataclass(frozen=True)
class Waiting:
    """What waits for a person: one post, or several that wait for the same account."""

    posts: list[SocialPost]
    standing: Standing

    @property
    def post(self) -> SocialPost:
        return self.posts[0]


@dataclass(frozen=True)
class Numbers:
    """The organization in four numbers. ``audience`` None: no account has told its followers; ``engagement`` None: no
    count of a post of this week was read, "" in ``trend``: there is nothing to compare with."""

    audience: int | None
    accounts_counted: int
    accounts: int
    engagement: int | None
    engagement_before: int | None
    published: int
    published_before: int
    planned: int

    @property
    def trend(self) -> str:
        """The change of engagement against the week before, in percent with its sign."""
        if self.engagement is None or not self.engagement_before:
            return ""
        change = round(100 * (self.engagement - self.engagement_before) / self.engagement_before)
        return f"{change:+d} %".replace("-", "−")


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
    entries = [(day, [entry for card in day.cards for entry in card.entries]) for day in days]
    waiting, waiting_count = attention_of(organization)
    connections = list(SocialConnection.objects.for_organization(organization).in_use().by_name())
    steps = _steps(organization, connections)
    context = {
        "today": next(day for day in days if day.is_today),
        "today_count": next(len(posts) for day, posts in entries if day.is_today),
        "days": entries,
        "waiting": _waiting(waiting, now=now),
        "waiting_count": waiting_count,
        "has_more_waiting": waiting_count > len(waiting),
        "accounts": [(connection, state_of(connection, now)) for connection in connections],
        "numbers": _numbers(organization, connections, now=now),
        "steps": steps if not all(step.is_done for step in steps) and may(request.membership, "posts.edit") else [],
        "zone": zone.key,
        "now": now,
        "can_edit": may(request.membership, "posts.edit"),
    }
    return render(request, "home.html", context)


def _waiting(posts: list[SocialPost], *, now: datetime) -> list[Waiting]:
    """In their order; those that wait for the same account to be reconnected are one entry."""
    entries: dict[object, Waiting] = {}
    for post in posts:
        standing = standing_of(post, now=now)
        waits = post.status == PostStatus.SCHEDULED and not post.connection.can_be_used
        entry = entries.setdefault(post.connection_id if waits else post.pk, Waiting([], standing))
        entry.posts.append(post)
    return list(entries.values())


def _numbers(organization: Organization, connections: list[SocialConnection], *, now: datetime) -> Numbers:
    """One query. The weeks are the last seven days and the seven before them."""
    this, before = (Q(published_at__gt=now - (n + 1) * WEEK, published_at__lte=now - n * WEEK) for n in (0, 1))
    out = Q(status=PostStatus.PUBLISHED)
    planned = Q(status=PostStatus.SCHEDULED, scheduled_at__gt=now, scheduled_at__lte=now + WEEK)
    read = Q(engagement_synced_at__isnull=False)
    engagement = F("likes") + F("comments") + F("shares")
    recent = Q(published_at__gt=now - 2 * WEEK) | planned
    counted = SocialPost.objects.for_organization(organization).filter(recent).aggregate(
        engagement=Sum(engagement, filter=out & read & this),
        engagement_before=Sum(engagement, filter=out & read & before),
        published=Count("pk", filter=out & this),
        published_before=Count("pk", filter=out & before),
        planned=Count("pk", filter=planned),
    )  # fmt: skip
    followers = [connection.followers for connection in connections if connection.followers is not None]
    return Numbers(
        audience=sum(followers) if followers else None, accounts_counted=len(followers), accounts=len(connections),
        **counted,
    )  # fmt: skip


def _steps(organization: Organization, connections: list[SocialConnection]) -> list[Step]:
    """Connect, write, schedule: ticked off as they happen."""
    posts = SocialPost.objects.for_organization(organization)
    has_posts = posts.exists()
    has_planned = posts.exclude(status=PostStatus.DRAFT).exists() if has_posts else False
    return [
        Step(
            _("Connect a social account"), _("X, a Facebook Page or a Mastodon account. You sign in on the platform's own site."),
            reverse("connections:list"), _("Connect"), bool(connections),
        ),
        Step(
            _("Write a post"), _("One post for several accounts, with a preview for each."),
            reverse("publishing:compose"), _("New post"), has_posts,
        ),
        Step(
            _("Schedule it"), _("In the composer, or by dragging it to a day in the calendar."),
            reverse("publishing:calendar"), _("Open the calendar"), has_planned,
        ),
    ]  # fmt: skip
