"""Reads behind the calendar, the lists and the home page. The number of queries does not grow with the posts."""

from collections.abc import Iterable
from datetime import date, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Case, Count, Exists, Max, OuterRef, Q, Subquery, UUIDField, When, Window
from django.db.models.functions import Coalesce

from accounts.models import Organization
from connections.models import SocialConnection
from publishing.calendar import midnight
from publishing.filters import PostFilters
from publishing.models import PostMedia, PostStatus, SocialPost, SocialPostQuerySet
from publishing.states import attention

TRAY_SIZE = 40
ATTENTION_SIZE = 6

_CARD_FIELDS = (
    "connection_id", "group_id", "content", "link_url", "status", "scheduled_at", "published_at", "hold_reason", "error_code",
    "error_message", "next_attempt_at", "paced_until", "deleted_at", "claimed_by", "platform_post_id",
)  # fmt: skip


def posts_on(
    organization: Organization, days: Iterable[date], zone: ZoneInfo, filters: PostFilters | None = None
) -> list[SocialPost]:
    """The posts that stand on the given local days, with their connections: two queries for any number of either."""
    where = Q()
    for first, after in _runs(days):
        start, end = midnight(first, zone), midnight(after, zone)
        where |= Q(published_at__gte=start, published_at__lt=end, status=PostStatus.PUBLISHED)
        where |= Q(scheduled_at__gte=start, scheduled_at__lt=end) & ~Q(status=PostStatus.PUBLISHED)
    if not where:
        return []
    posts = (filters or PostFilters()).apply(SocialPost.objects.for_organization(organization).filter(where))
    return with_connections(organization, with_pictures(posts).only(*_CARD_FIELDS).order_by())


def with_pictures(posts: SocialPostQuerySet) -> SocialPostQuerySet:
    """With ``picture``, the id of each post's first one, or None."""
    first = PostMedia.objects.filter(post_id=OuterRef("pk")).order_by("position").values("asset_id")[:1]
    return posts.annotate(picture=Subquery(first, output_field=UUIDField()))


def with_connections(organization: Organization, posts: SocialPostQuerySet) -> list[SocialPost]:
    """The rows, each holding the one object of its connection instead of a copy of its own."""
    connections = {row.pk: row for row in SocialConnection.objects.for_organization(organization)}
    found = []
    for post in posts:
        post.connection = connections[post.connection_id]
        found.append(post)
    return found


def _runs(days: Iterable[date]) -> list[tuple[date, date]]:
    """Days as half-open runs of neighbours, so that a month is one range and not 42."""
    runs: list[tuple[date, date]] = []
    for day in sorted(set(days)):
        if runs and runs[-1][1] == day:
            runs[-1] = (runs[-1][0], day + timedelta(days=1))
        else:
            runs.append((day, day + timedelta(days=1)))
    return runs


def tray_of(organization: Organization, filters: PostFilters | None = None) -> list[SocialPost]:
    """Drafts without a time, the newest ideas first, each with ``picture``: all drafts of ``TRAY_SIZE`` ideas. A filter by
    status does not empty the tray."""
    drafts = SocialPost.objects.for_organization(organization).filter(
        status=PostStatus.DRAFT, scheduled_at__isnull=True
    )
    narrowed = (filters or PostFilters()).without_status().apply(drafts).annotate(idea=Coalesce("group_id", "pk"))
    ideas = narrowed.order_by().values("idea").annotate(latest=Max("created_at")).order_by("-latest")[:TRAY_SIZE]
    narrowed = narrowed.filter(idea__in=ideas.values("idea"))
    return list(with_pictures(narrowed).select_related("connection", "created_by").order_by("-created_at"))


def one_draft_per_idea(posts: SocialPostQuerySet) -> SocialPostQuerySet:
    """The same rows, but of the drafts of one idea the oldest alone: a list of drafts is a list of ideas."""
    older = posts.filter(status=PostStatus.DRAFT, group=OuterRef("group"), pk__lt=OuterRef("pk"))
    return posts.exclude(Q(status=PostStatus.DRAFT) & Exists(older))


def drafts_by_idea(posts: SocialPostQuerySet, shown: Iterable[SocialPost]) -> dict[UUID | None, list[SocialPost]]:
    """For every shown draft of a group, by the group's id, all drafts of that idea among ``posts``: one query."""
    groups = {post.group_id for post in shown if post.status == PostStatus.DRAFT and post.group_id}
    found: dict[UUID | None, list[SocialPost]] = {}
    if groups:
        drafts = posts.filter(status=PostStatus.DRAFT, group__in=groups).select_related("connection")
        for draft in drafts.order_by("connection__platform", "connection__account_name", "pk"):
            found.setdefault(draft.group_id, []).append(draft)
    return found


def attention_of(
    organization: Organization, filters: PostFilters | None = None, *, limit: int = ATTENTION_SIZE
) -> tuple[list[SocialPost], int]:
    """What waits for a person, failed posts first and each time the latest first, and how many there are in all."""
    waiting = SocialPost.objects.for_organization(organization).filter(attention())
    narrowed = (filters or PostFilters()).without_status().apply(waiting).select_related("connection")
    failed_first = Case(When(status=PostStatus.FAILED, then=0), default=1)
    counted = narrowed.annotate(total=Window(Count("pk")))
    found = list(counted.order_by(failed_first, "-scheduled_at", "-pk")[:limit])
    return found, int(getattr(found[0], "total", 0)) if found else 0
