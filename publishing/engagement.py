"""What people did with published posts: read from the platforms on a ladder, kept as totals and as history."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Min
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.audit import SYSTEM, Actor, record_audit
from connections.errors import ConnectionInactive, InvalidToken, PlatformError, RateLimited
from connections.hurry import hurry
from connections.models import SocialConnection
from connections.platforms.base import Can, Metrics
from connections.tokens import call_with_fresh_token
from publishing.errors import IllegalTransition
from publishing.models import PostMetric, PostStatus, SocialPost, SocialPostQuerySet, metric_fields

log = structlog.get_logger(__name__)

IN_TROUBLE = timedelta(minutes=15)
POSTS_A_RUN = 400
CONNECTIONS_A_RUN = 500


def next_sync_at(published_at: datetime, now: datetime) -> datetime | None:
    """Hourly on the first day, every six hours in the first week, then daily; None when the days of watching are over."""
    age = now - published_at
    if age < timedelta(days=1):
        return now + timedelta(hours=1)
    if age < timedelta(days=7):
        return now + timedelta(hours=6)
    if age < timedelta(days=settings.ENGAGEMENT_SYNC_DAYS):
        return now + timedelta(days=1)
    return None


def sync_due_engagement(now: datetime | None = None) -> None:
    """One task per connection that has posts due for a look and lets them be read, longest due first."""
    now = now or timezone.now()
    waiting = _due(now).values("connection_id").annotate(since=Min("engagement_due_at")).order_by("since")
    ids = [row["connection_id"] for row in waiting]
    # A platform's scopes imply each other in ways of its own, so that no query can tell who may be read.
    connections = SocialConnection.objects.only("platform", "permissions").in_bulk(ids)
    readable = [pk for pk in ids if pk in connections and connections[pk].can(Can.METRICS)]
    for connection_id in readable[:CONNECTIONS_A_RUN]:
        hurry("publishing.tasks.sync_connection_engagement_task", str(connection_id))


def _due(now: datetime) -> SocialPostQuerySet:
    """Posts whose time for a look has come, of accounts that work."""
    return SocialPost.objects.filter(
        status=PostStatus.PUBLISHED, engagement_due_at__lte=now, deleted_at__isnull=True,
        platform_post_id__isnull=False, connection__is_active=True, connection__disconnected_at__isnull=True,
    ).order_by()  # fmt: skip


def why_unread(post: SocialPost) -> str:
    """Why the counts of a published post are not read though its platform has it; "" when they are."""
    connection = post.connection
    platform = connection.platform_class
    if Can.METRICS not in platform.capabilities:
        reason = platform.absences.get(Can.METRICS)
        return (
            str(reason) if reason else _("%(platform)s does not provide post metrics.") % {"platform": platform.label}
        )
    if connection.disconnected_at or not connection.is_active:
        return _("%(account)s needs to be reconnected before its engagement can be read.") % {
            "account": connection.account_name
        }
    if missing := platform.missing_permissions(connection.permissions).get(Can.METRICS):
        words = ngettext(
            "The permission %(names)s was not granted, so post metrics are not available for this account.",
            "The permissions %(names)s were not granted, so post metrics are not available for this account.",
            len(missing),
        )
        return words % {"names": ", ".join(missing), "platform": platform.label}
    return ""


def sync_connection_engagement(connection_id: UUID, now: datetime | None = None) -> int:
    """Read the counts of a connection's due posts, in the platform's batches; how many posts were updated."""
    now = now or timezone.now()
    connection = SocialConnection.objects.active().filter(pk=connection_id).first()
    if connection is None or not connection.can(Can.METRICS):
        return 0
    due = _due(now).filter(connection=connection).order_by("engagement_due_at")
    posts = [post for post in due[:POSTS_A_RUN] if _take(post, now)]
    updated = 0
    size = connection.platform_class.metrics_batch
    for start in range(0, len(posts), size):
        batch = posts[start : start + size]
        try:
            updated += _sync(connection, batch, now)
        except PlatformError as error:
            later = error.retry_at if isinstance(error, RateLimited) and error.retry_at else now + IN_TROUBLE
            rest = [post.pk for post in posts[start:]]
            SocialPost.objects.filter(pk__in=rest).update(engagement_due_at=later)
            log.warning("engagement not read", connection=str(connection.pk), error=error.code)
            break
        except ConnectionInactive:
            break
    return updated


def _take(post: SocialPost, now: datetime) -> bool:
    """Move the post's next look ahead before looking, so that a second task finds nothing to do."""
    following = next_sync_at(post.published_at or now, now)
    return bool(
        SocialPost.objects.filter(pk=post.pk, engagement_due_at=post.engagement_due_at).update(
            engagement_due_at=following
        )
    )


def _sync(connection: SocialConnection, posts: Sequence[SocialPost], now: datetime) -> int:
    ids = [str(post.platform_post_id) for post in posts]
    found = call_with_fresh_token(connection, lambda platform: platform.metrics(ids))
    return sum(
        _record(post, found[str(post.platform_post_id)], now) for post in posts if str(post.platform_post_id) in found
    )


@transaction.atomic
def _record(post: SocialPost, metrics: Metrics, now: datetime) -> bool:
    rows = SocialPost.objects.filter(pk=post.pk)
    if metrics.gone:
        if rows.filter(deleted_at__isnull=True).update(deleted_at=now, engagement_due_at=None, updated_at=now):
            record_audit("post.gone", post, by=SYSTEM)
            post.deleted_at = now
        return True
    counts = {name: getattr(metrics, name) for name in metric_fields()}
    known = {name: value for name, value in counts.items() if value is not None}
    rows.update(engagement_synced_at=now, updated_at=now, **known)
    PostMetric.objects.update_or_create(post=post, at=now, defaults=counts)
    for name, value in known.items():
        setattr(post, name, value)
    post.engagement_synced_at = now
    return True


def sync_post_engagement(post: SocialPost, *, by: Actor) -> SocialPost:
    """Read one post's counts now. Raises IllegalTransition when it is not out, ConnectionInactive, PlatformError."""
    if post.status != PostStatus.PUBLISHED or not post.platform_post_id:
        raise IllegalTransition("Only a published post has engagement to read.")
    if not post.connection.can(Can.METRICS):
        raise IllegalTransition(f"{post.connection.platform_label} does not give the counts of posts for this account.")
    now = timezone.now()
    try:
        _sync(post.connection, [post], now)
    except InvalidToken:
        post.connection.refresh_from_db()
        raise
    record_audit("post.engagement_synced", post, by=by)
    return post
