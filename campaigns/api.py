"""REST endpoints of campaigns."""

from typing import Any
from uuid import UUID

import django_filters
from django.db.models import QuerySet
from rest_framework import mixins, status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import OrganizationViewSet, OwnRelatedField, StrictModelSerializer
from accounts.api.shapes import CONTRADICTION
from accounts.models import User
from campaigns import services
from campaigns.models import Campaign


class MemberField(OwnRelatedField):
    """A person who belongs to the caller's organization."""

    def get_queryset(self) -> Any:
        request = self.context.get("request")
        if request is None or not hasattr(request, "organization"):
            return User.objects.none()
        return User.objects.filter(memberships__organization=request.organization)


class CampaignSerializer(StrictModelSerializer):
    owner = MemberField(model=User, required=False, allow_null=True, help_text="A member; the caller unless named.")

    class Meta:
        model = Campaign
        fields = ("id", "name", "goal", "starts_on", "ends_on", "colour", "owner", "is_archived", "created_at")
        read_only_fields = ("id", "created_at")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        starts = attrs.get("starts_on", getattr(self.instance, "starts_on", None))
        ends = attrs.get("ends_on", getattr(self.instance, "ends_on", None))
        if starts and ends and ends < starts:
            raise ValidationError({"ends_on": ["The campaign ends before it starts."]}, code=CONTRADICTION)
        return attrs


class CampaignFilter(django_filters.FilterSet):
    is_archived = django_filters.BooleanFilter()
    owner = django_filters.UUIDFilter(field_name="owner_id")

    class Meta:
        model = Campaign
        fields: list[str] = []


class CampaignViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, OrganizationViewSet):
    """Campaigns: named efforts to which posts belong."""

    queryset = Campaign.objects.none()
    serializer_class = CampaignSerializer
    filterset_class = CampaignFilter
    ordering = "name"
    ordering_fields = ("name", "created_at", "starts_on", "ends_on")
    permissions = {
        "list": "campaigns.view", "retrieve": "campaigns.view", "create": "campaigns.edit",
        "partial_update": "campaigns.edit", "destroy": "campaigns.edit",
    }  # fmt: skip

    def get_queryset(self) -> QuerySet[Campaign]:
        if not hasattr(self.request, "organization"):  # while the schema is being made
            return Campaign.objects.none()
        return Campaign.objects.for_organization(self.request.organization)

    def create(self, request: Request) -> Response:
        """Begin a campaign."""
        body = self.get_serializer(data=request.data)
        body.is_valid(raise_exception=True)
        campaign = services.create_campaign(self.request.organization, by=self.request.user, **body.validated_data)
        return Response(self.get_serializer(campaign).data, status=status.HTTP_201_CREATED)

    def partial_update(self, request: Request, pk: UUID) -> Response:
        """Change a campaign; archive it with ``is_archived``."""
        campaign = self.get_object()
        body = self.get_serializer(campaign, data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        changed = services.update_campaign(campaign, by=self.request.user, **body.validated_data)
        return Response(self.get_serializer(changed).data)

    def destroy(self, request: Request, pk: UUID) -> Response:
        """Delete a campaign; its posts stay, without one."""
        services.delete_campaign(self.get_object(), by=self.request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)
