"""What the sandbox remembers: accounts, OAuth clients and tokens, posts and media taken, planted events and faults."""

from __future__ import annotations

import hashlib
import itertools
import secrets
import time
from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.db.models import Count, Q
from django.utils import timezone


class PlatformName(models.TextChoices):
    """The platforms imitated, under the names that the product stores."""

    TWITTER = "TWITTER", "X"
    FACEBOOK = "FACEBOOK", "Facebook"
    MASTODON = "MASTODON", "Mastodon"


def digest(secret: str) -> str:
    """How codes and tokens are stored: nobody who reads the table can use them."""
    return hashlib.sha256(secret.encode()).hexdigest()


def new_secret(prefix: str = "") -> str:
    """An unguessable token of URL-safe characters."""
    return prefix + secrets.token_urlsafe(36)


_numbers = itertools.count(secrets.randbits(32))


def new_native_id(platform: str) -> str:
    """An id as the platform makes them: 64-bit numbers that grow with time, as text.

    X: 41 bits of ms since 2010-11-04 and 22 bits that count. Mastodon: ms of the Unix epoch and 16 bits that count.
    Facebook: digits of time and 5 that count; posts put the Page's id before it. Each process counts from a number of
    its own, so that any number of ids of one millisecond differ.
    """
    now_ms = time.time_ns() // 1_000_000
    number = next(_numbers)
    if platform == PlatformName.TWITTER:
        return str((now_ms - 1288834974657) << 22 | number % 2**22)
    if platform == PlatformName.MASTODON:
        return str(now_ms << 16 | number % 2**16)
    return f"{now_ms}{number % 10**5:05d}"


class OAuthClient(models.Model):
    """An application known to a platform: seeded for X and Facebook, registered on the fly for Mastodon."""

    platform = models.CharField(max_length=16, choices=PlatformName.choices)
    client_id = models.CharField(max_length=100)
    client_secret = models.CharField(max_length=200)
    name = models.CharField(max_length=200)
    website = models.CharField(max_length=500, blank=True)
    redirect_uris = models.JSONField(default=list)
    loopback_callback = models.CharField(
        max_length=200,
        blank=True,
        help_text="Any loopback address with exactly this path is accepted as redirect_uri, besides those listed.",
    )
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["platform", "client_id"], name="sandbox_client_unique")]

    def __str__(self) -> str:
        return f"{self.platform} {self.client_id}"


class Account(models.Model):
    """A person, brand account or Facebook Page of the sandbox."""

    class Kind(models.TextChoices):
        USER = "user", "Account"
        PERSON = "person", "Person"
        PAGE = "page", "Page"

    platform = models.CharField(max_length=16, choices=PlatformName.choices)
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.USER)
    native_id = models.CharField(max_length=40)
    username = models.CharField(max_length=60, blank=True)
    name = models.CharField(max_length=200)
    about = models.CharField(max_length=500, blank=True)
    category = models.CharField(max_length=100, blank=True)
    colour = models.CharField(max_length=7, default="#2f5d50")
    followers = models.PositiveIntegerField(default=1000)
    manager = models.ForeignKey("self", null=True, blank=True, on_delete=models.CASCADE, related_name="pages")
    tasks = models.JSONField(default=list, blank=True)
    group = models.CharField(
        max_length=60, blank=True, help_text="The organization of the demonstration it belongs to."
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["platform", "native_id"], name="sandbox_account_unique")]
        ordering = ["platform", "id"]

    def __str__(self) -> str:
        return f"@{self.username}" if self.username and self.kind == self.Kind.USER else self.name


class Grant(models.Model):
    """One consent: which application may do what for whom."""

    client = models.ForeignKey(OAuthClient, on_delete=models.CASCADE)
    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    scopes = models.JSONField(default=list)
    declined = models.JSONField(default=list)
    page_ids = models.JSONField(default=list, help_text="Facebook: native ids of the Pages chosen in the dialog.")
    revoked_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.client} for {self.account}"

    def revoke(self, *, now: datetime) -> None:
        """Kill the consent and every token made from it."""
        Grant.objects.filter(pk=self.pk, revoked_at=None).update(revoked_at=now)
        self.token_set.filter(revoked_at=None).update(revoked_at=now)


class AuthorizationCode(models.Model):
    """A code of the redirect back: single use, short-lived."""

    grant = models.ForeignKey(Grant, on_delete=models.CASCADE)
    code_digest = models.CharField(max_length=64, unique=True)
    redirect_uri = models.CharField(max_length=2000)
    code_challenge = models.CharField(max_length=200, blank=True)
    code_challenge_method = models.CharField(max_length=10, blank=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"code of {self.grant}"


class Token(models.Model):
    """An access, refresh or Page token, stored as its digest."""

    class Kind(models.TextChoices):
        ACCESS = "access"
        REFRESH = "refresh"
        PAGE = "page"
        APP = "app"

    grant = models.ForeignKey(Grant, null=True, on_delete=models.CASCADE)
    client = models.ForeignKey(OAuthClient, on_delete=models.CASCADE)
    account = models.ForeignKey(Account, null=True, on_delete=models.CASCADE)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    token_digest = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(default=list)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Empty: never.")
    used_at = models.DateTimeField(null=True, blank=True, help_text="When a single-use refresh token was used.")
    revoked_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["account", "kind"], name="sandbox_token_account")]

    def __str__(self) -> str:
        return f"{self.kind} token of {self.account}"


class PostQuerySet(models.QuerySet["Post"]):
    """Posts as the platforms keep and show them."""

    def with_card(self) -> Self:
        """All that showing a post needs, in two queries for any number of posts; ``planted_comments`` on each."""
        said = Count("event", filter=Q(event__kind=Event.Kind.COMMENT), distinct=True)
        return self.select_related("account", "client").prefetch_related("media").annotate(planted_comments=said)

    def kept(self, platform: str) -> Self:
        """Those of a platform that are not deleted, with their card: what a write can refer to."""
        return self.with_card().filter(platform=platform, deleted_at=None)

    def readable(self, platform: str) -> Self:
        """Those that readers find: not deleted, and not ordered to appear later."""
        shown = Q(appears_at=None) | Q(appears_at__lte=timezone.now())
        return self.filter(shown, platform=platform, deleted_at=None)

    def live(self, platform: str) -> Self:
        """Those that readers find, with their card."""
        return self.readable(platform).with_card()


class Post(models.Model):
    """A post that the platform took, kept after deletion."""

    platform = models.CharField(max_length=16, choices=PlatformName.choices)
    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    client = models.ForeignKey(OAuthClient, null=True, on_delete=models.SET_NULL)
    native_id = models.CharField(max_length=60)
    text = models.TextField(blank=True)
    link = models.CharField(max_length=2000, blank=True)
    in_reply_to = models.CharField(max_length=60, blank=True)
    options = models.JSONField(default=dict)
    idempotency_key = models.CharField(max_length=200, blank=True)
    fingerprint = models.CharField(
        max_length=64, blank=True, help_text="Of the text as its platform compares it when it looks for duplicates."
    )
    publish_at = models.DateTimeField(default=timezone.now, help_text="In the future: scheduled at the platform.")
    created_at = models.DateTimeField(default=timezone.now)
    appears_at = models.DateTimeField(
        null=True, blank=True, help_text="No read shows it before, though it was taken; empty: at once."
    )
    edited_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects = PostQuerySet.as_manager()
    planted_comments: int | None = None
    """How many comments were planted under it: None until with_card() counts them."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["platform", "native_id"], name="sandbox_post_unique")]
        indexes = [models.Index(fields=["account", "created_at"], name="sandbox_post_account")]
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.platform} {self.native_id}"

    def attach(self, media: list[Media]) -> None:
        """Give a post that was just made its uploads, in order."""
        for position, one in enumerate(media):
            Media.objects.filter(pk=one.pk).update(post=self, position=position)


class IdempotencyKey(models.Model):
    """Mastodon: the status that a key made, so that a repeat within the hour returns it."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    key = models.CharField(max_length=200)
    post = models.ForeignKey(Post, on_delete=models.CASCADE)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "key"], name="sandbox_idempotency_unique")]

    def __str__(self) -> str:
        return self.key


class Media(models.Model):
    """An uploaded file: its measures and a small picture of it, not its bytes."""

    class State(models.TextChoices):
        UPLOADING = "uploading"
        PROCESSING = "processing"
        READY = "ready"
        FAILED = "failed"

    platform = models.CharField(max_length=16, choices=PlatformName.choices)
    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    native_id = models.CharField(max_length=40)
    category = models.CharField(max_length=20, blank=True)
    content_type = models.CharField(max_length=100, blank=True)
    size_bytes = models.PositiveBigIntegerField(default=0)
    width = models.PositiveIntegerField(default=0)
    height = models.PositiveIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    thumbnail = models.BinaryField(blank=True, default=b"")
    alt_text = models.TextField(blank=True)
    caption = models.TextField(blank=True)
    state = models.CharField(max_length=12, choices=State.choices, default=State.READY)
    ready_at = models.DateTimeField(null=True, blank=True, help_text="While PROCESSING: when it ends; empty: never.")
    expires_at = models.DateTimeField(null=True, blank=True)
    post = models.ForeignKey(Post, null=True, blank=True, on_delete=models.SET_NULL, related_name="media")
    position = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["platform", "native_id"], name="sandbox_media_unique")]
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return f"{self.platform} media {self.native_id}"

    def is_ready(self, *, now: datetime) -> bool:
        """True once it may be attached to a post."""
        if self.state == self.State.PROCESSING:
            return self.ready_at is not None and self.ready_at <= now
        return self.state == self.State.READY


class MediaChunk(models.Model):
    """A part of a chunked upload; removed when the upload is finalized."""

    media = models.ForeignKey(Media, on_delete=models.CASCADE, related_name="chunks")
    segment_index = models.PositiveSmallIntegerField()
    content = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["media", "segment_index"], name="sandbox_chunk_unique")]
        ordering = ["segment_index"]

    def __str__(self) -> str:
        return f"part {self.segment_index} of {self.media}"


class Event(models.Model):
    """Something that the outside world did: a mention, comment, direct message or lead."""

    class Kind(models.TextChoices):
        MENTION = "mention", "Mention"
        COMMENT = "comment", "Comment"
        MESSAGE = "dm", "Direct message"
        LEAD = "lead", "Lead"

    platform = models.CharField(max_length=16, choices=PlatformName.choices)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, help_text="Whom it concerns.")
    post = models.ForeignKey(Post, null=True, blank=True, on_delete=models.SET_NULL)
    native_id = models.CharField(max_length=60)
    author_id = models.CharField(max_length=40)
    author_name = models.CharField(max_length=200)
    author_username = models.CharField(max_length=60)
    text = models.TextField(blank=True)
    fields = models.JSONField(default=dict, blank=True)
    by_client = models.BooleanField(default=False, help_text="Written through the API by the Page itself.")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["platform", "native_id"], name="sandbox_event_unique")]
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.platform} {self.kind} {self.native_id}"


class Fault(models.Model):
    """An order to misbehave, waiting for calls that it fits."""

    class Kind(models.TextChoices):
        LATENCY = "latency", "Latency: answer after value ms"
        DROP_BEFORE = "drop_before", "Drop before: cut the connection, nothing taken"
        DROP_AFTER = "drop_after", "Drop after: do it, then cut the connection"
        ERROR_AFTER = "error_after", "Error after: do it, then answer with status value (500)"
        APPEAR_LATE = "appear_late", "Appear late: the post shows to readers after value s (60)"
        SLOW_BODY = "slow_body", "Slow body: spread the answer over value s"
        SERVER_ERROR = "server_error", "Server error: answer with status value (500)"
        HTML = "html", "HTML: a proxy's page with status value (502)"
        RATE_LIMIT = "rate_limit", "Rate limit: until value s from now (900)"
        RATE_LIMIT_BARE = "rate_limit_bare", "Rate limit, bare: without a word on when it opens again"
        INVALID_TOKEN = "invalid_token", "Invalid token: unknown, or the session was ended"
        EXPIRED_TOKEN = "expired_token", "Expired token"
        REVOKED_TOKEN = "revoked_token", "Revoked token: the person removed the application"
        REJECT = "reject", "Reject the content"
        DUPLICATE = "duplicate", "Duplicate"
        STUCK = "stuck", "Stuck: media stays in processing"

    class Operation(models.TextChoices):
        PUBLISH = "publish"
        MEDIA = "media"
        TOKEN = "token"
        READ = "read"
        METRICS = "metrics"
        ENGAGE = "engage"
        ANY = "any"

    ANY_PLATFORM = "*"

    platform = models.CharField(max_length=16)
    operation = models.CharField(max_length=8, choices=Operation.choices)
    fault = models.CharField(max_length=16, choices=Kind.choices)
    times = models.PositiveIntegerField(null=True, blank=True, help_text="How often still; empty: until removed.")
    probability = models.FloatField(null=True, blank=True, help_text="0 to 1; empty: always.")
    value = models.FloatField(null=True, blank=True)
    hits = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.platform} {self.operation} {self.fault}"


class Call(models.Model):
    """One request that a platform answered: what the rate limits count, and what a test reads. A day is kept."""

    KEPT = timedelta(hours=24)

    platform = models.CharField(max_length=16)
    operation = models.CharField(max_length=8)
    endpoint = models.CharField(max_length=60)
    method = models.CharField(max_length=8)
    subject = models.CharField(max_length=60, blank=True, help_text="Native id of the account that called.")
    status = models.PositiveSmallIntegerField(help_text="0: the connection was cut.")
    fault = models.CharField(max_length=16, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["platform", "subject", "endpoint", "created_at"], name="sandbox_call_window")]
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.method} {self.endpoint} {self.status}"
