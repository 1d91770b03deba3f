"""Connections, their tokens, app registrations and consents under way."""

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.crypto import SealedField
from accounts.ids import new_id
from accounts.models import Organization
from accounts.querysets import OrganizationQuerySet
from connections.platforms.base import Can, Limits, Platform, platform_class


class SocialConnectionQuerySet(OrganizationQuerySet["SocialConnection"]):
    def in_use(self) -> Self:
        """Not disconnected."""
        return self.filter(disconnected_at__isnull=True)

    def active(self) -> Self:
        return self.in_use().filter(is_active=True)

    def by_name(self) -> Self:
        return self.order_by("platform", "account_name")

    def expiring_before(self, moment: datetime) -> Self:
        return self.active().filter(token_expires_at__lt=moment)

    def refresh_due(self, now: datetime) -> Self:
        """Those whose token is to be renewed, longest due first, so that a full batch starves nobody."""
        return self.active().filter(next_refresh_at__lte=now).order_by("next_refresh_at")

    def sync_due(self, now: datetime) -> Self:
        """Those whose name, picture and follower count are to be read again, longest due first."""
        return self.active().filter(next_sync_at__lte=now).order_by("next_sync_at")


class SocialConnection(models.Model):
    """A social account that an organization has connected. Its tokens are separate rows; it stays after disconnecting,
    so that its posts keep their history."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="connections", db_column="tenant_id"
    )
    platform = models.CharField(_("platform"), max_length=20)
    server_url = models.CharField(_("server"), max_length=200, blank=True, default="")
    platform_account_id = models.CharField(_("id at the platform"), max_length=200)
    account_name = models.CharField(_("name"), max_length=200)
    account_handle = models.CharField(_("handle"), max_length=200, blank=True, default="")
    kind = models.CharField(_("kind"), max_length=20, default="person")
    avatar_url = models.CharField(max_length=500, blank=True, default="")
    avatar = models.FileField(upload_to="connections/", blank=True, default="")
    profile_url = models.CharField(max_length=500, blank=True, default="")
    permissions = models.JSONField(_("granted permissions"), default=list, blank=True)
    limits = models.JSONField(_("limits that its server stated"), default=dict, blank=True)
    followers = models.PositiveBigIntegerField(_("followers"), null=True)
    is_active = models.BooleanField(_("active"), default=True)
    error_code = models.CharField(max_length=40, blank=True, default="")
    error_message = models.TextField(_("error"), null=True, blank=True)  # noqa: DJ001  operators set it to NULL by SQL
    inactive_since = models.DateTimeField(_("inactive since"), null=True, blank=True)
    """When it lost its token; None while active, and when an operator switched it off by SQL."""
    app_client_id = models.CharField(_("client id of its app"), max_length=200, blank=True, default="")
    """The app registration that its tokens were given to: only that one can renew or withdraw them."""
    token_version = models.PositiveIntegerField(default=0)
    """Counts up with every stored grant, so that a late answer to an older token is told apart."""
    token_expires_at = models.DateTimeField(_("token expires"), null=True, blank=True)
    token_refreshed_at = models.DateTimeField(_("token refreshed"), null=True, blank=True)
    refresh_failures = models.PositiveSmallIntegerField(default=0)
    next_refresh_at = models.DateTimeField(_("next refresh"), null=True, blank=True, db_index=True)
    refresh_lease_until = models.DateTimeField(null=True, blank=True)
    """While in the future, one worker is renewing the token and the others wait for it."""
    last_post_at = models.DateTimeField(_("last post"), null=True, blank=True)
    last_sync_at = models.DateTimeField(_("last sync"), null=True, blank=True)
    next_sync_at = models.DateTimeField(_("next sync"), null=True, blank=True, db_index=True)
    validated_at = models.DateTimeField(_("validated"), null=True, blank=True)
    connected_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    disconnected_at = models.DateTimeField(_("disconnected"), null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = SocialConnectionQuerySet.as_manager()

    class Meta:
        db_table = "SocialConnection"
        ordering = ["platform", "account_name"]
        verbose_name = _("connection")
        verbose_name_plural = _("connections")
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "platform", "server_url", "platform_account_id"],
                name="connection_once_per_organization",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.platform_label} · {self.account_name}"

    @property
    def platform_class(self) -> type[Platform]:
        return platform_class(self.platform)

    @property
    def platform_label(self) -> str:
        return self.platform_class.label

    @property
    def handle(self) -> str:
        """As people write it, "@club" or "@club@server"; "" when the account has none."""
        handle = self.account_handle.lstrip("@")
        return f"@{handle}" if handle else ""

    @property
    def can_be_used(self) -> bool:
        """Whether it has access at its platform as far as is known here."""
        return self.is_active and self.disconnected_at is None

    @property
    def effective_limits(self) -> Limits:
        """The platform's limits with what this account's server stated."""
        return self.platform_class.limits.with_changes(self.limits)

    @property
    def missing_permissions(self) -> list[str]:
        """Scopes that a feature of the platform needs and that were not granted."""
        missing = self.platform_class.missing_permissions(self.permissions)
        return sorted({scope for scopes in missing.values() for scope in scopes})

    def can(self, capability: Can) -> bool:
        """Whether the platform offers the capability and the needed scopes were granted."""
        cls = self.platform_class
        return capability in cls.capabilities and capability not in cls.missing_permissions(self.permissions)


class TokenKind(models.TextChoices):
    ACCESS = "ACCESS", _("access token")
    REFRESH = "REFRESH", _("refresh token")


class ConnectionToken(models.Model):
    """One token of a connection, encrypted; opened only at the moment of a call."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    connection = models.ForeignKey(SocialConnection, on_delete=models.CASCADE, related_name="tokens")
    kind = models.CharField(max_length=10, choices=TokenKind.choices)
    secret = SealedField()
    expires_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "kind"], name="token_once_per_kind")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.connection_id}"


class PlatformApp(models.Model):
    """A registration of Parley at a platform: an organization's own, or one made on the fly at a server (no
    organization). Registrations for the whole installation stand in the settings."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey(
        Organization,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="platform_apps",
        db_column="tenant_id",
    )
    platform = models.CharField(max_length=20)
    server_url = models.CharField(max_length=200, blank=True, default="")
    redirect_uri = models.CharField(max_length=300, blank=True, default="")
    client_id = models.CharField(_("client id"), max_length=200)
    client_secret = SealedField()
    scopes = models.CharField(max_length=200, blank=True, default="", db_default="")
    """What it is registered for at its server, with spaces between; empty: the platform's default."""
    tested_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = OrganizationQuerySet["PlatformApp"].as_manager()

    class Meta:
        verbose_name = _("platform app")
        verbose_name_plural = _("platform apps")
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "platform", "server_url"],
                name="platform_app_once",
                nulls_distinct=False,
            )
        ]

    def __str__(self) -> str:
        return f"{self.platform} {self.server_url}".strip()


class Consent(models.Model):
    """One journey through a platform's consent page: single use, short-lived, bound to the browser session."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+", db_column="tenant_id")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    platform = models.CharField(max_length=20)
    server_url = models.CharField(max_length=200, blank=True, default="")
    reconnects = models.ForeignKey(SocialConnection, on_delete=models.CASCADE, null=True, related_name="+")
    state_hash = models.CharField(max_length=64, unique=True)
    session_hash = models.CharField(max_length=64)
    verifier = SealedField()
    found = SealedField()
    """The accounts that the consent opened, as JSON with their tokens, until the person has chosen."""
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)

    objects = OrganizationQuerySet["Consent"].as_manager()

    def __str__(self) -> str:
        return f"{self.platform} consent of {self.user_id}"


class Revocation(models.Model):
    """A token that was destroyed here and still has to be withdrawn at its platform."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+", db_column="tenant_id")
    platform = models.CharField(max_length=20)
    server_url = models.CharField(max_length=200, blank=True, default="")
    account_id = models.CharField(max_length=200)
    app_client_id = models.CharField(max_length=200, blank=True, default="")
    secret = SealedField()
    tries = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(db_index=True)
    error_message = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = OrganizationQuerySet["Revocation"].as_manager()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(tries__gte=0), name="revocation_tries_counted")]

    def __str__(self) -> str:
        return f"{self.platform} revocation {self.pk}"


class RateGate(models.Model):
    """One rate budget: of a connection, or of an app for all its connections. Its row is the lock under which uses are
    counted, and keeps what the platform itself said."""

    key = models.CharField(max_length=120, primary_key=True)
    blocked_until = models.DateTimeField(null=True)
    reported_limit = models.PositiveIntegerField(null=True)
    reported_remaining = models.PositiveIntegerField(null=True)
    reported_reset_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.key


class RateUse(models.Model):
    """One use of a rate budget: the sliding window is the rows of the last so many seconds."""

    gate = models.ForeignKey(RateGate, on_delete=models.CASCADE, related_name="uses")
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["gate", "at"], name="rate_use_window")]

    def __str__(self) -> str:
        return f"{self.gate_id} at {self.at:%H:%M:%S}"


class PlatformTrouble(models.Model):
    """Failures of a platform (or one server of it) in a row. Once too many, calls pause until a probe gets through."""

    platform = models.CharField(max_length=20)
    server_url = models.CharField(max_length=200, blank=True, default="")
    failures = models.PositiveIntegerField(default=0)
    first_failure_at = models.DateTimeField()
    paused_since = models.DateTimeField(null=True)
    probe_at = models.DateTimeField(null=True)
    probes = models.PositiveSmallIntegerField(default=0)
    last_error = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["platform", "server_url"], name="trouble_once_per_server")]

    def __str__(self) -> str:
        return f"{self.platform} {self.server_url}".strip()

    @property
    def label(self) -> str:
        """What people call it: the platform, and the server where it has many."""
        host = self.server_url.partition("://")[2]
        name = platform_class(self.platform).label
        return f"{name} ({host})" if host else name
