"""Posts, their media, the attempts to publish them and what came of them."""

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.ids import new_id
from accounts.models import Organization
from accounts.querysets import OrganizationQuerySet
from campaigns.models import Campaign
from connections.models import SocialConnection


class PostStatus(models.TextChoices):
    DRAFT = "DRAFT", _("Draft")
    PENDING_APPROVAL = "PENDING_APPROVAL", _("Waiting for approval")
    SCHEDULED = "SCHEDULED", _("Scheduled")
    PUBLISHING = "PUBLISHING", _("Publishing")
    PUBLISHED = "PUBLISHED", _("Published")
    FAILED = "FAILED", _("Failed")
    CANCELLED = "CANCELLED", _("Cancelled")


TRANSITIONS: dict[str, frozenset[str]] = {
    PostStatus.DRAFT: frozenset({PostStatus.PENDING_APPROVAL, PostStatus.SCHEDULED, PostStatus.CANCELLED}),
    PostStatus.PENDING_APPROVAL: frozenset({PostStatus.DRAFT, PostStatus.SCHEDULED, PostStatus.CANCELLED}),
    PostStatus.SCHEDULED: frozenset(
        {PostStatus.DRAFT, PostStatus.PUBLISHING, PostStatus.PUBLISHED, PostStatus.FAILED, PostStatus.CANCELLED}
    ),
    PostStatus.PUBLISHING: frozenset({PostStatus.SCHEDULED, PostStatus.PUBLISHED, PostStatus.FAILED}),
    PostStatus.PUBLISHED: frozenset(),
    PostStatus.FAILED: frozenset({PostStatus.DRAFT, PostStatus.SCHEDULED, PostStatus.PUBLISHED, PostStatus.CANCELLED}),
    PostStatus.CANCELLED: frozenset({PostStatus.DRAFT, PostStatus.SCHEDULED, PostStatus.PUBLISHED}),
}
"""From a status, where a post may go. FAILED, SCHEDULED or CANCELLED -> PUBLISHED: it turned out to be out after
all."""


class Hold(models.TextChoices):
    """Why a due post waits for a person."""

    NONE = "", _("not held")
    RECONNECTED = "RECONNECTED", _("came due while its account was disconnected")


class MediaAssetQuerySet(OrganizationQuerySet["MediaAsset"]):
    pass


class MediaAsset(models.Model):
    """An uploaded picture, decoded and stripped of its location."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="media_assets", db_column="tenant_id"
    )
    file = models.FileField(upload_to="media/")
    thumbnail = models.FileField(upload_to="media/", blank=True, default="")
    name = models.CharField(_("file name"), max_length=200)
    content_type = models.CharField(max_length=50)
    size_bytes = models.PositiveBigIntegerField()
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    is_animated = models.BooleanField(default=False, db_default=False)
    converted_from = models.CharField(max_length=100, blank=True, default="", db_default="")
    """The colours that the file came with, when they had to be converted to sRGB."""
    sha256 = models.CharField(max_length=64)
    alt_text = models.CharField(_("alt text"), max_length=1500, blank=True, default="")
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = MediaAssetQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        verbose_name = _("media asset")
        verbose_name_plural = _("media assets")

    def __str__(self) -> str:
        return self.name


class PostGroup(models.Model):
    """The same idea sent to several connections."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="post_groups", db_column="tenant_id"
    )
    content = models.TextField(blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = OrganizationQuerySet["PostGroup"].as_manager()

    class Meta:
        verbose_name = _("post group")
        verbose_name_plural = _("post groups")

    def __str__(self) -> str:
        return self.content[:60]


QUEUED = "queue:"
WORKING = "worker:"
RECONCILING = "reconcile:"
"""How ``claimed_by`` begins while a post is PUBLISHING: ready for any worker, in the hands of one, or cut off while it was
sent and being looked up at its platform."""


class SocialPostQuerySet(OrganizationQuerySet["SocialPost"]):
    def with_card(self) -> Self:
        """All that a calendar card or a list row shows, in two queries for any number of posts."""
        return self.select_related("connection", "campaign", "created_by", "organization").prefetch_related(
            "attached_media__asset"
        )

    def between(self, start: datetime, end: datetime) -> Self:
        """Posts whose time on the calendar lies in [start, end)."""
        return self.filter(scheduled_at__gte=start, scheduled_at__lt=end)

    def ready(self) -> Self:
        """Claimed and in no worker's hands yet, in the order in which workers take them."""
        return self.filter(status=PostStatus.PUBLISHING, claimed_by__startswith=QUEUED).order_by(
            "claimed_at", "scheduled_at", "pk"
        )

    def waiting(self, now: datetime) -> Self:
        """Due at ``now`` and allowed to go: time reached, backoff over, account active, not held."""
        return self.filter(
            Q(next_attempt_at__isnull=True) | Q(next_attempt_at__lte=now),
            status=PostStatus.SCHEDULED,
            scheduled_at__lte=now,
            hold_reason="",
            connection__is_active=True,
            connection__disconnected_at__isnull=True,
        )


class SocialPost(models.Model):
    """One text for one connection. Operators read and change this table by SQL: its name and columns are a contract."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="posts", db_column="tenant_id"
    )
    connection = models.ForeignKey(SocialConnection, on_delete=models.CASCADE, related_name="posts")
    campaign = models.ForeignKey(Campaign, on_delete=models.SET_NULL, null=True, blank=True, related_name="posts")
    group = models.ForeignKey(PostGroup, on_delete=models.SET_NULL, null=True, blank=True, related_name="posts")
    media = models.ManyToManyField(MediaAsset, through="PostMedia", related_name="posts")
    content = models.TextField(_("text"), blank=True, default="")
    link_url = models.CharField(_("link"), max_length=2000, blank=True, default="")
    first_comment = models.TextField(_("first comment"), blank=True, default="")
    options = models.JSONField(_("platform options"), default=dict, blank=True)
    status = models.CharField(_("status"), max_length=20, choices=PostStatus.choices, default=PostStatus.DRAFT)
    scheduled_at = models.DateTimeField(_("scheduled for"), null=True, blank=True)
    published_at = models.DateTimeField(_("published"), null=True, blank=True)
    platform_post_id = models.CharField(_("post ID"), max_length=200, null=True, blank=True)  # noqa: DJ001
    permalink = models.CharField(_("link to the post"), max_length=500, blank=True, default="")
    retry_count = models.PositiveSmallIntegerField(_("retries"), default=0)
    error_code = models.CharField(max_length=40, blank=True, default="")
    error_message = models.TextField(_("error"), null=True, blank=True)  # noqa: DJ001  operators set it to NULL by SQL
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    likes = models.PositiveBigIntegerField(default=0)
    comments = models.PositiveBigIntegerField(default=0)
    shares = models.PositiveBigIntegerField(default=0)
    reach = models.PositiveBigIntegerField(null=True, blank=True)
    impressions = models.PositiveBigIntegerField(null=True, blank=True)
    clicks = models.PositiveBigIntegerField(null=True, blank=True)
    engagement_synced_at = models.DateTimeField(_("engagement synced"), null=True, blank=True)
    engagement_due_at = models.DateTimeField(_("next engagement sync"), null=True, blank=True)
    deleted_at = models.DateTimeField(_("gone from the platform"), null=True, blank=True)
    hold_reason = models.CharField(max_length=20, blank=True, default="", choices=Hold.choices)
    next_attempt_at = models.DateTimeField(_("next attempt"), null=True, blank=True)
    settled_at = models.DateTimeField(_("last ended"), null=True, blank=True)
    """When it last ended FAILED or CANCELLED. A later SCHEDULED is a deliberate revival, never "too late"."""
    paced_until = models.DateTimeField(null=True, blank=True)
    """To when quiet hours or the gap between posts moved it: its real time, against which its lateness is measured."""
    pacing_waived = models.BooleanField(default=False)
    """A person said "now": neither quiet hours nor the gap hold it."""
    claimed_by = models.CharField(max_length=80, blank=True, default="")
    claimed_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = SocialPostQuerySet.as_manager()

    class Meta:
        db_table = "SocialPost"
        verbose_name = _("post")
        verbose_name_plural = _("posts")
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=PostStatus.values), name="post_status_known"),
            models.CheckConstraint(
                condition=~Q(status__in=["SCHEDULED", "PUBLISHING"]) | Q(scheduled_at__isnull=False),
                name="post_scheduled_has_time",
            ),
            models.UniqueConstraint(
                fields=["connection", "platform_post_id"],
                condition=Q(platform_post_id__isnull=False),
                name="post_is_one_copy",
            ),
            models.CheckConstraint(
                condition=~Q(status="PUBLISHED") | Q(published_at__isnull=False), name="post_published_has_time"
            ),
        ]
        indexes = [
            models.Index(fields=["scheduled_at"], name="post_due", condition=Q(status="SCHEDULED")),
            models.Index(fields=["lease_until"], name="post_leased", condition=Q(status="PUBLISHING")),
            models.Index(
                fields=["engagement_due_at"], name="post_engagement_due", condition=Q(engagement_due_at__isnull=False)
            ),
            models.Index(fields=["organization", "scheduled_at"], name="post_calendar"),
            models.Index(fields=["organization", "status", "-created_at"], name="post_list"),
            models.Index(fields=["connection", "published_at"], name="post_of_connection"),
        ]

    def __str__(self) -> str:
        return self.content[:60] or str(self.pk)

    @property
    def is_editable(self) -> bool:
        """Whether its text and time may still change."""
        return self.status in {
            PostStatus.DRAFT, PostStatus.PENDING_APPROVAL, PostStatus.SCHEDULED, PostStatus.FAILED, PostStatus.CANCELLED,
        }  # fmt: skip

    @property
    def has_first_comment_out(self) -> bool:
        """Whether a first comment went out with it, as far as is known."""
        return self.status == PostStatus.PUBLISHED and bool(self.first_comment) and not self.error_message

    @property
    def engagement(self) -> int:
        return self.likes + self.comments + self.shares


class PostMedia(models.Model):
    """A media asset's place in a post, with the alternative text that this post gives it."""

    post = models.ForeignKey(SocialPost, on_delete=models.CASCADE, related_name="attached_media")
    asset = models.ForeignKey(MediaAsset, on_delete=models.PROTECT, related_name="uses")
    position = models.PositiveSmallIntegerField()
    alt_text = models.CharField(max_length=1500, blank=True, default="")

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["post", "position"], name="post_media_order")]

    def __str__(self) -> str:
        return f"{self.position}: {self.asset_id}"


class Outcome(models.TextChoices):
    """How an attempt ended. An open attempt has none ("")."""

    PUBLISHED = "PUBLISHED", _("published")
    RETRY = "RETRY", _("will be retried")
    HELD = "HELD", _("on hold until the account is reconnected")
    FAILED = "FAILED", _("failed")
    UNKNOWN = "UNKNOWN", _("unknown, needs a decision")
    ABANDONED = "ABANDONED", _("nothing was sent")


class PublishAttempt(models.Model):
    """One try at publishing a post. ``key`` is the same for every try at the same copy, so that a platform with
    idempotency keys refuses a second one."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+", db_column="tenant_id")
    post = models.ForeignKey(SocialPost, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField()
    key = models.UUIDField()
    owner = models.CharField(max_length=80)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=10, choices=Outcome.choices, blank=True, default="")
    error_code = models.CharField(max_length=40, blank=True, default="")
    error_message = models.TextField(blank=True, default="")
    detail = models.TextField(blank=True, default="")

    objects = OrganizationQuerySet["PublishAttempt"].as_manager()
    is_new = False
    """Whether it was begun just now, so that no step of it can exist."""

    class Meta:
        ordering = ["number"]
        verbose_name = _("publish attempt")
        verbose_name_plural = _("publish attempts")
        constraints = [
            models.UniqueConstraint(fields=["post", "number"], name="attempt_numbered"),
            models.UniqueConstraint(fields=["post"], condition=Q(outcome=""), name="attempt_one_open"),
        ]
        indexes = [models.Index(fields=["started_at"], name="attempt_started")]

    def __str__(self) -> str:
        return f"attempt {self.number} of {self.post_id}"


class PublishStep(models.Model):
    """One call of an attempt: written before it is made, and completed after it answered."""

    attempt = models.ForeignKey(PublishAttempt, on_delete=models.CASCADE, related_name="steps")
    name = models.CharField(max_length=60)
    is_public = models.BooleanField()
    """Whether its effect can be seen by the public: such a call is never repeated blindly."""
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    result = models.JSONField(default=dict)
    error = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering = ["started_at", "id"]
        constraints = [models.UniqueConstraint(fields=["attempt", "name"], name="step_once_per_attempt")]

    def __str__(self) -> str:
        return self.name


class PostMetric(models.Model):
    """The counts of a post at one moment: a point of its history."""

    post = models.ForeignKey(SocialPost, on_delete=models.CASCADE, related_name="metric_points")
    at = models.DateTimeField()
    likes = models.PositiveBigIntegerField(null=True)
    comments = models.PositiveBigIntegerField(null=True)
    shares = models.PositiveBigIntegerField(null=True)
    reach = models.PositiveBigIntegerField(null=True)
    impressions = models.PositiveBigIntegerField(null=True)
    clicks = models.PositiveBigIntegerField(null=True)

    class Meta:
        ordering = ["at"]
        constraints = [models.UniqueConstraint(F("post"), F("at"), name="metric_point_once")]

    def __str__(self) -> str:
        return f"{self.post_id} at {self.at:%Y-%m-%d %H:%M}"


def allowed(before: str, after: str) -> bool:
    """Whether a post may go from one status to another."""
    return after in TRANSITIONS.get(before, frozenset())


def metric_fields() -> tuple[str, ...]:
    return ("likes", "comments", "shares", "reach", "impressions", "clicks")
