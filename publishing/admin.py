"""The operators' view of posts, their groups and media. Nothing here is edited by form: actions call the services."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import Count, Q, QuerySet
from django.db.models.functions import TruncHour
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import TabularInline
from unfold.decorators import action

from accounts.admin_base import OrganizationModelAdmin
from accounts.errors import DomainError
from accounts.models import User
from connections.models import SocialConnection
from connections.platforms.base import platforms
from publishing import services
from publishing.engagement import sync_post_engagement
from publishing.models import MediaAsset, PostGroup, PostMedia, PostStatus, PublishAttempt, SocialPost
from publishing.states import attention, standing_of

HOURS = 24


class PlatformFilter(admin.SimpleListFilter):
    title = gettext_lazy("platform")
    parameter_name = "platform"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(platform.name, platform.label) for platform in platforms()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[SocialPost]) -> QuerySet[SocialPost]:
        known = {platform.name for platform in platforms()}
        return queryset.filter(connection__platform=self.value()) if self.value() in known else queryset


class ConnectionFilter(admin.SimpleListFilter):
    """Connections of the person's own organization alone: Django's own filter would offer everybody's."""

    title = gettext_lazy("connection")
    parameter_name = "connection"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(str(row.pk), str(row)) for row in _connections(request)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[SocialPost]) -> QuerySet[SocialPost]:
        try:
            return queryset.filter(connection_id=UUID(str(self.value()))) if self.value() else queryset
        except ValueError:
            return queryset


def questions(now: datetime) -> dict[str, Q]:
    """What operators ask of posts, by the name that the filter and the first page have for it."""
    recently = Q(settled_at__gte=now - timedelta(days=7)) | Q(scheduled_at__gte=now - timedelta(days=7))
    return {
        "failed": Q(status=PostStatus.FAILED) & recently,
        "attention": attention(),
        "late": Q(status=PostStatus.SCHEDULED, scheduled_at__lt=now - timedelta(minutes=1)),
        "next": Q(status=PostStatus.SCHEDULED, scheduled_at__range=(now, now + timedelta(hours=24))),
        "unsynced": Q(status=PostStatus.PUBLISHED, engagement_synced_at__isnull=True),
    }


QUESTIONS = {
    "failed": gettext_lazy("failed in the last 7 days"),
    "attention": gettext_lazy("needs attention"),
    "late": gettext_lazy("due and not sent"),
    "next": gettext_lazy("due in the next 24 hours"),
    "unsynced": gettext_lazy("published, engagement never read"),
}


class OperationsFilter(admin.SimpleListFilter):
    """What operators ask for by SQL too: the questions of the runbook."""

    title = gettext_lazy("operations")
    parameter_name = "operations"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(QUESTIONS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[SocialPost]) -> QuerySet[SocialPost]:
        wanted = questions(timezone.now()).get(str(self.value()))
        return queryset.filter(wanted) if wanted is not None else queryset


def _connections(request: HttpRequest) -> QuerySet[SocialConnection]:
    """The connections that the person may choose from: the current organization's, or all for a superuser."""
    rows = SocialConnection.objects.by_name()
    if request.user.is_superuser:
        return rows
    organization = getattr(request, "organization", None)
    return rows.for_organization(organization) if organization else rows.none()


class ReadOnlyInline(TabularInline):  # type: ignore[misc]  # unfold is not typed
    extra = 0
    can_delete = False
    tab = True

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True  # whoever may look at the post

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    has_change_permission = has_delete_permission = has_add_permission


class AttemptInline(ReadOnlyInline):
    model = PublishAttempt
    fields = ("number", "started_at", "finished_at", "outcome", "error_code", "error_message", "detail", "made")
    readonly_fields = fields
    verbose_name_plural = gettext_lazy("publish attempts")

    def get_queryset(self, request: HttpRequest) -> QuerySet[PublishAttempt]:
        rows: QuerySet[PublishAttempt] = super().get_queryset(request)
        return rows.prefetch_related("steps")

    @admin.display(description=gettext_lazy("steps"))
    def made(self, attempt: PublishAttempt) -> str:
        """Each step with how it ended: ✓ answered, ✗ refused, … begun and never answered."""
        signs = [(step.name, "✓" if step.finished_at else "✗" if step.error else "…") for step in attempt.steps.all()]
        return ", ".join(f"{name} {sign}" for name, sign in signs) or "–"


class MediaInline(ReadOnlyInline):
    model = PostMedia
    fields = ("position", "asset", "alt_text")
    readonly_fields = fields
    verbose_name_plural = gettext_lazy("media")


@admin.register(SocialPost)
class SocialPostAdmin(OrganizationModelAdmin):
    """Read here, changed by actions alone."""

    view_permission = "posts.view"
    list_display = (
        "summary", "account", "organization", "standing", "scheduled_at", "published_at", "retry_count", "error_message",
        "engagement",
    )  # fmt: skip
    list_filter = (OperationsFilter, "status", PlatformFilter, ConnectionFilter)
    list_select_related = ("connection", "organization")
    list_per_page = 50
    search_fields = ("content", "id", "platform_post_id", "error_message", "connection__account_name")
    ordering = ("-created_at",)
    actions = ("retry", "set_to_scheduled", "cancel", "back_to_drafts", "sync_engagement")
    actions_list = ("posts_per_hour",)
    inlines = (AttemptInline, MediaInline)
    fields = (
        "id", "organization", "connection", "campaign", "group", "standing", "status", "reason", "content", "link_url",
        "first_comment", "options", "scheduled_at", "published_at", "platform_post_id", "permalink", "retry_count",
        "next_attempt_at", "error_code", "error_message", "hold_reason", "claimed_by", "claimed_at", "lease_until",
        "likes", "comments", "shares", "reach", "impressions", "clicks", "engagement_synced_at", "engagement_due_at",
        "deleted_at", "created_by", "created_at", "updated_at",
    )  # fmt: skip
    readonly_fields = fields

    def has_edit_permission(self, request: HttpRequest) -> bool:
        """Asked by Django for the actions that change a post."""
        return self._allowed(request, "posts.edit")

    def has_publish_permission(self, request: HttpRequest) -> bool:
        """Asked by Django for the actions that send one."""
        return self._allowed(request, "posts.publish")

    def has_sync_permission(self, request: HttpRequest) -> bool:
        return self._allowed(request, "connections.sync")

    @admin.display(description=gettext_lazy("post"))
    def summary(self, post: SocialPost) -> str:
        return (post.content or post.link_url or str(post.pk))[:70]

    @admin.display(description=gettext_lazy("account"), ordering="connection__account_name")
    def account(self, post: SocialPost) -> str:
        return str(post.connection)

    @admin.display(description=gettext_lazy("state"), ordering="status")
    def standing(self, post: SocialPost) -> str:
        return standing_of(post, now=timezone.now()).label

    @admin.display(description=gettext_lazy("what it means"))
    def reason(self, post: SocialPost) -> str:
        return standing_of(post, now=timezone.now()).sentence or "–"

    @admin.action(description=gettext_lazy("Retry now"), permissions=["publish"])
    def retry(self, request: HttpRequest, queryset: QuerySet[SocialPost]) -> None:
        self._each(request, queryset, lambda post: services.retry_post(post, by=request.user), _("sent again"))  # type: ignore[arg-type]

    @admin.action(
        description=gettext_lazy("Reschedule at the original time, or now if it has passed"),
        permissions=["publish"],
    )
    def set_to_scheduled(self, request: HttpRequest, queryset: QuerySet[SocialPost]) -> None:
        now = timezone.now()

        def revive(post: SocialPost) -> None:
            if post.scheduled_at and post.scheduled_at > now:
                services.schedule_post(post, at=post.scheduled_at, by=request.user, now=now)  # type: ignore[arg-type]
            else:
                services.publish_now(post, by=request.user)  # type: ignore[arg-type]

        self._each(request, queryset, revive, _("scheduled"))

    @admin.action(description=gettext_lazy("Cancel"), permissions=["edit"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[SocialPost]) -> None:
        self._each(request, queryset, lambda post: services.cancel_post(post, by=request.user), _("cancelled"))  # type: ignore[arg-type]

    @admin.action(description=gettext_lazy("Put back among the drafts"), permissions=["edit"])
    def back_to_drafts(self, request: HttpRequest, queryset: QuerySet[SocialPost]) -> None:
        by = cast(User, request.user)
        self._each(request, queryset, lambda post: services.unschedule_post(post, by=by), _("back among the drafts"))

    @admin.action(description=gettext_lazy("Sync engagement now"), permissions=["sync"])
    def sync_engagement(self, request: HttpRequest, queryset: QuerySet[SocialPost]) -> None:
        self._each(request, queryset, lambda post: sync_post_engagement(post, by=request.user), _("engagement synced"))  # type: ignore[arg-type]

    def _each(
        self, request: HttpRequest, queryset: QuerySet[SocialPost], call: Callable[[SocialPost], Any], done: str
    ) -> None:
        """One post's refusal does not stop the others; each says what came of it."""
        for post in queryset.select_related("connection", "organization"):
            try:
                call(post)
            except DomainError as error:
                self.message_user(request, f"{self.summary(post)}: {error}", messages.ERROR)
            else:
                self.message_user(request, f"{self.summary(post)}: {done}", messages.SUCCESS)

    @action(description=gettext_lazy("Posts per hour"), url_path="per-hour", permissions=["view"])  # type: ignore[untyped-decorator]
    def posts_per_hour(self, request: HttpRequest) -> HttpResponse:
        """How many posts of one connection went out in each of the last 24 hours."""
        connections = list(_connections(request))
        chosen = next((row for row in connections if str(row.pk) == request.GET.get("connection")), None)
        chosen = chosen or (connections[0] if connections else None)
        context = self.admin_site.each_context(request) | {
            "title": _("Posts per hour"), "opts": self.model._meta, "connections": connections, "chosen": chosen,
            "hours": posts_per_hour(chosen, timezone.now()) if chosen else [], "zone": timezone.get_current_timezone_name(),
        }  # fmt: skip
        context["most"] = max([count for _hour, count in context["hours"]] or [0]) or 1
        context["total"] = sum(count for _hour, count in context["hours"])
        return TemplateResponse(request, "publishing/post_hours_admin.html", context)


def posts_per_hour(connection: SocialConnection, now: datetime) -> list[tuple[datetime, int]]:
    """For each of the last 24 full hours and the running one, oldest first: its start (aware) and its published posts."""
    running = timezone.localtime(now).replace(minute=0, second=0, microsecond=0)
    first = running - timedelta(hours=HOURS - 1)
    counted = (
        SocialPost.objects.filter(connection=connection, status=PostStatus.PUBLISHED, published_at__gte=first)
        .order_by()
        .annotate(hour=TruncHour("published_at"))
        .values_list("hour")
        .annotate(number=Count("pk"))
    )
    numbers = {hour.timestamp(): number for hour, number in counted}
    starts = [first + timedelta(hours=number) for number in range(HOURS)]
    return [(start, numbers.get(start.timestamp(), 0)) for start in starts]


@admin.register(PostGroup)
class PostGroupAdmin(OrganizationModelAdmin):
    view_permission = "posts.view"
    list_display = ("summary", "organization", "number_of_posts", "created_by", "created_at")
    list_select_related = ("organization", "created_by")
    search_fields = ("content", "id")
    ordering = ("-created_at",)
    fields = ("id", "organization", "content", "created_by", "created_at")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[PostGroup]:
        rows: QuerySet[PostGroup] = super().get_queryset(request)
        return rows.annotate(post_count=Count("posts"))

    @admin.display(description=gettext_lazy("idea"))
    def summary(self, group: PostGroup) -> str:
        return group.content[:70] or str(group.pk)

    @admin.display(description=gettext_lazy("posts"), ordering="post_count")
    def number_of_posts(self, group: PostGroup) -> int:
        return int(getattr(group, "post_count", 0))


@admin.register(MediaAsset)
class MediaAssetAdmin(OrganizationModelAdmin):
    view_permission = "media.view"
    list_display = (
        "name",
        "organization",
        "content_type",
        "dimensions",
        "size",
        "number_of_uses",
        "uploaded_by",
        "created_at",
    )
    list_filter = ("content_type",)
    list_select_related = ("organization", "uploaded_by")
    search_fields = ("name", "alt_text", "id")
    ordering = ("-created_at",)
    fields = (
        "id", "organization", "name", "content_type", "dimensions", "size", "sha256", "alt_text", "uploaded_by",
        "created_at",
    )  # fmt: skip
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[MediaAsset]:
        rows: QuerySet[MediaAsset] = super().get_queryset(request)
        return rows.annotate(use_count=Count("uses"))

    @admin.display(description=gettext_lazy("pixels"))
    def dimensions(self, asset: MediaAsset) -> str:
        return f"{asset.width} × {asset.height}"

    @admin.display(description=gettext_lazy("size"), ordering="size_bytes")
    def size(self, asset: MediaAsset) -> str:
        return f"{asset.size_bytes / 1000:,.0f} kB"

    @admin.display(description=gettext_lazy("used in posts"), ordering="use_count")
    def number_of_uses(self, asset: MediaAsset) -> int:
        return int(getattr(asset, "use_count", 0))
