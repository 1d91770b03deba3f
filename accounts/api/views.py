"""Endpoints of people and organizations."""

from accounts.api.base import OrganizationViewSet

__all__ = ["OrganizationViewSet"]
