"""Campaigns."""

from typing import Self

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.ids import new_id
from accounts.models import Organization
from accounts.querysets import OrganizationQuerySet
from accounts.text import OneLine


class CampaignQuerySet(OrganizationQuerySet["Campaign"]):
    def open(self) -> Self:
        """Not archived: what a new post may join."""
        return self.filter(is_archived=False)


class Campaign(models.Model):
    """A named effort with a goal and dates, to which posts belong."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="campaigns", db_column="tenant_id"
    )
    name = models.CharField(_("name"), max_length=120, validators=[OneLine()])
    goal = models.CharField(_("goal"), max_length=300, blank=True, validators=[OneLine()])
    starts_on = models.DateField(_("starts"), null=True, blank=True)
    ends_on = models.DateField(_("ends"), null=True, blank=True)
    colour = models.CharField(
        _("colour"), max_length=7, default="#2f5d50", validators=[RegexValidator(r"^#[0-9a-fA-F]{6}$")]
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    is_archived = models.BooleanField(_("archived"), default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = CampaignQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name = _("campaign")
        verbose_name_plural = _("campaigns")
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="campaign_name_once"),
            models.CheckConstraint(
                condition=Q(starts_on__isnull=True) | Q(ends_on__isnull=True) | Q(ends_on__gte=F("starts_on")),
                name="campaign_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return self.name
