"""People, organizations, memberships, invitations, audit events and notifications."""

import zoneinfo
from datetime import datetime
from typing import Any, ClassVar, Self

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.ids import new_id
from accounts.permissions import Role, may
from accounts.querysets import OrganizationQuerySet
from accounts.text import OneLine
from accounts.zones import validate_time_zone


def validate_language(code: str) -> None:
    """Refuse a language that Parley does not speak."""
    if code not in dict(settings.LANGUAGES):
        raise ValidationError(_("Parley does not speak “%(code)s”."), params={"code": code})


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        if not email:
            raise ValueError("a user needs an email address")
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, **{"is_staff": True, "is_superuser": True} | fields)

    def get_by_natural_key(self, email: str | None) -> "User":
        return self.get(email__iexact=email)


class User(AbstractBaseUser, PermissionsMixin):
    """A person, who signs in with an email address. ``is_staff`` is not used: roles open the admin."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    email = models.EmailField(_("email address"), unique=True)
    name = models.CharField(_("name"), max_length=150, blank=True, validators=[OneLine()])
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True, validators=[validate_time_zone])
    language = models.CharField(_("language"), max_length=10, blank=True, validators=[validate_language])
    avatar = models.ImageField(_("picture"), upload_to="avatars/", blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    is_staff = models.BooleanField(_("operator"), default=False)
    date_joined = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")

    def __str__(self) -> str:
        return self.display_name

    @property
    def display_name(self) -> str:
        return self.name or self.email

    @property
    def avatar_url(self) -> str:
        """Where the picture is shown to those who may see it; "" without one."""
        return reverse("accounts:avatar", args=[self.pk]) if self.avatar else ""

    @property
    def first_name(self) -> str:
        return self.name.split(" ")[0] if self.name else self.email.split("@")[0]


class Organization(models.Model):
    """A tenant: a club, brand or agency."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(_("name"), max_length=120, validators=[OneLine()])
    slug = models.SlugField(_("short name"), max_length=60, unique=True)
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC", validators=[validate_time_zone])
    language = models.CharField(_("language"), max_length=10, default="en", validators=[validate_language])
    logo = models.ImageField(_("logo"), upload_to="logos/", blank=True)
    settings = models.JSONField(_("settings"), default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        verbose_name = _("organization")
        verbose_name_plural = _("organizations")

    def __str__(self) -> str:
        return self.name

    @property
    def logo_url(self) -> str:
        """Where the logo is shown to members; "" without one."""
        return reverse("accounts:logo", args=[self.pk]) if self.logo else ""

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.time_zone)


class MembershipQuerySet(OrganizationQuerySet["Membership"]):
    def of(self, user: Any) -> Self:
        """A person's memberships, with their organizations, by name."""
        return self.filter(user=user).select_related("organization").order_by("organization__name")

    def who_may(self, permission: str) -> Self:
        """Memberships whose role grants the permission."""
        return self.filter(role__in=[role for role in Role.values if may(Membership(role=role), permission)])


class Membership(models.Model):
    """A person in an organization, with a role."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="memberships", db_column="tenant_id"
    )
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(_("role"), max_length=10, choices=Role.choices)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        verbose_name = _("member")
        verbose_name_plural = _("members")
        constraints = [
            models.UniqueConstraint(fields=["organization", "user"], name="membership_once_per_person"),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="membership_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.get_role_display()}"


class Invitation(models.Model):
    """An offer of membership to an email address. The link carries a signed token that names this row."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="invitations", db_column="tenant_id"
    )
    email = models.EmailField(_("email address"))
    role = models.CharField(_("role"), max_length=10, choices=Role.choices, default=Role.MARKETER)
    invited_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    nonce = models.CharField(max_length=43, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    objects = OrganizationQuerySet["Invitation"].as_manager()

    class Meta:
        ordering = ["-created_at"]
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "email"],
                condition=Q(accepted_at__isnull=True, revoked_at__isnull=True),
                name="invitation_once_while_open",
            )
        ]

    def __str__(self) -> str:
        return self.email

    def is_open(self, now: datetime) -> bool:
        return self.accepted_at is None and self.revoked_at is None and now < self.expires_at


class AuditEvent(models.Model):
    """One change, who made it and what it changed. Append-only: a database trigger refuses updates and deletes."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey(
        Organization,
        on_delete=models.DO_NOTHING,
        null=True,
        related_name="+",
        db_column="tenant_id",
        db_constraint=False,
    )
    at = models.DateTimeField(default=timezone.now, db_index=True)
    actor = models.ForeignKey(User, on_delete=models.DO_NOTHING, null=True, related_name="+", db_constraint=False)
    actor_label = models.CharField(max_length=254)
    action = models.CharField(max_length=60)
    object_type = models.CharField(max_length=60, blank=True)
    object_id = models.CharField(max_length=64, blank=True)
    object_label = models.CharField(max_length=200, blank=True)
    changes = models.JSONField(default=dict)
    ip = models.GenericIPAddressField(null=True)
    request_id = models.CharField(max_length=64, blank=True)

    objects = OrganizationQuerySet["AuditEvent"].as_manager()

    class Meta:
        ordering = ["-at"]
        verbose_name = _("audit event")
        verbose_name_plural = _("audit events")
        indexes = [
            models.Index(fields=["organization", "-at"], name="audit_by_organization"),
            models.Index(fields=["object_type", "object_id"], name="audit_by_object"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.object_label}".strip()


class NotificationQuerySet(OrganizationQuerySet["Notification"]):
    def unread(self) -> Self:
        return self.filter(read_at__isnull=True)


class Notification(models.Model):
    """Something that a person should know. Repeats with the same ``key`` fold into the unread one."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="notifications", db_column="tenant_id"
    )
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notifications")
    kind = models.CharField(max_length=40)
    key = models.CharField(max_length=120)
    title = models.CharField(max_length=200)
    body = models.TextField(blank=True)
    url = models.CharField(max_length=300, blank=True)
    count = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)
    read_at = models.DateTimeField(null=True)
    email_due_at = models.DateTimeField(null=True)
    """When it is to be mailed, or tried again; None: not to be mailed, or mailed."""
    emailed_at = models.DateTimeField(null=True)
    email_tries = models.PositiveSmallIntegerField(default=0)

    objects = NotificationQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        constraints = [
            models.UniqueConstraint(
                fields=["user", "organization", "key"],
                condition=Q(read_at__isnull=True),
                name="notification_folds_while_unread",
            ),
            models.CheckConstraint(condition=Q(count__gte=1), name="notification_counts_from_one"),
        ]
        indexes = [
            models.Index(F("user"), F("organization"), F("created_at").desc(), name="notification_of_user"),
            models.Index(fields=["email_due_at"], name="notification_to_mail", condition=Q(email_due_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.title


class NotificationPreference(models.Model):
    """What a person settled about one kind of notification. Without a row the kind's own default holds."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notification_preferences")
    kind = models.CharField(max_length=40)
    by_email = models.BooleanField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "kind"], name="notification_preference_once_per_kind")]

    def __str__(self) -> str:
        return f"{self.kind}: {'by email' if self.by_email else 'in the app'}"


class RefreshToken(models.Model):
    """One refresh token of a REST session, by the id in the token (never the token). It works once: a second use shows
    that it was copied, and ends the session."""

    id = models.UUIDField(primary_key=True, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"refresh token {self.pk}"


class IdempotentAnswer(models.Model):
    """What a write with an ``Idempotency-Key`` answered, so that its repetition gets the same answer. ``status`` is
    None while the first call is still at work."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+", db_column="tenant_id")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    request_hash = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    content_type = models.CharField(max_length=100, blank=True)
    body = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    objects = OrganizationQuerySet["IdempotentAnswer"].as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "user", "key"], name="idempotency_key_once")]

    def __str__(self) -> str:
        return f"answer to {self.key}"


class Heartbeat(models.Model):
    """A process of the installation that shows that it lives: a worker with its queues, a beat, or the beat's tick; and
    whose turn it was last at what one of many processes does."""

    name = models.CharField(max_length=120, primary_key=True)
    kind = models.CharField(
        max_length=10,
        choices=[
            ("worker", _("worker")), ("beat", _("beat")), ("gone", _("ended in order")), ("tick", _("tick")),
            ("turn", _("turn")), ("sweep", _("sweep")),
        ],
    )  # fmt: skip
    queues = models.JSONField(default=list)
    seen_at = models.DateTimeField()

    class Meta:
        verbose_name = _("heartbeat")
        verbose_name_plural = _("heartbeats")

    def __str__(self) -> str:
        return self.name


class IncidentQuerySet(models.QuerySet["Incident"]):
    def open(self) -> Self:
        return self.filter(closed_at__isnull=True)

    def told(self) -> Self:
        """What people know of, newest first; the rest passed by itself or has not lasted yet."""
        return self.filter(told_at__isnull=False).order_by("-began_at")


class Incident(models.Model):
    """A time in which posts did not go out as they should, of the whole installation: nothing in it belongs to one
    organization. Opened, told and closed by the watchdog."""

    class Kind(models.TextChoices):
        WORKERS = "workers", _("No worker was publishing")
        BEAT = "beat", _("The scheduler stopped")
        OVERDUE = "overdue", _("Posts were published late")
        STUCK = "stuck", _("Posts were stuck")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    began_at = models.DateTimeField()
    """Since when things were wrong, which is before anybody noticed."""
    noticed_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    """When it was last seen to be so."""
    told_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    said = models.CharField(max_length=300)
    """What was wrong, in the words of the health page."""
    posts_affected = models.PositiveIntegerField(default=0)
    posts_late = models.PositiveIntegerField(default=0)
    posts_waiting = models.PositiveIntegerField(default=0)
    mail_due_at = models.DateTimeField(null=True)
    """When the operators are to be mailed, or tried again; None: they know."""
    mail_tries = models.PositiveSmallIntegerField(default=0)

    objects = IncidentQuerySet.as_manager()

    class Meta:
        verbose_name = _("incident")
        verbose_name_plural = _("incidents")
        constraints = [
            models.UniqueConstraint(
                fields=["kind"], condition=Q(closed_at__isnull=True), name="incident_once_per_kind_while_open"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["workers", "beat", "overdue", "stuck"]), name="incident_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True) | Q(told_at__isnull=False), name="incident_closed_was_told"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.began_at:%Y-%m-%d %H:%M}"
