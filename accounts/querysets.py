"""Reads that every organization's table shares."""

from typing import TYPE_CHECKING, Self, TypeVar

from django.db import models

if TYPE_CHECKING:
    from accounts.models import Organization

Row = TypeVar("Row", bound=models.Model)


class OrganizationQuerySet(models.QuerySet[Row]):
    """The base of every queryset over rows that belong to an organization."""

    def for_organization(self, organization: "Organization") -> Self:
        """The rows of one organization. Whatever reaches a user goes through here."""
        return self.filter(organization=organization)
