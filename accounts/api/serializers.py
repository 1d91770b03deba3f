"""What people and organizations look like in REST."""

from datetime import time
from typing import Any, cast

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api.base import StrictModelSerializer, StrictSerializer, WallTimeField
from accounts.api.shapes import CONTRADICTION
from accounts.forms import KEEP_MOMENT, KEEP_WALL_TIME
from accounts.models import AuditEvent, Invitation, Membership, Notification, Organization
from accounts.permissions import Role
from accounts.preferences import GAP_MOST_MINUTES, publishing_rules
from accounts.zones import known_zones


class TokenRequestSerializer(StrictSerializer):
    email = serializers.EmailField()
    password = serializers.CharField(trim_whitespace=False, max_length=500)
    code = serializers.CharField(
        required=False, allow_blank=True, max_length=20, default="",
        help_text="Current code from the authenticator app, or a recovery code. Required with two-factor sign-in.",
    )  # fmt: skip
    organization = serializers.CharField(
        required=False, max_length=60, help_text="ID or short name. Limits the tokens to this organization."
    )


class TokenPairSerializer(serializers.Serializer[Any]):
    access = serializers.CharField()
    refresh = serializers.CharField()
    token_type = serializers.CharField(help_text="Bearer")
    expires_in = serializers.IntegerField(help_text="Lifetime of the access token in seconds.")


class RefreshRequestSerializer(StrictSerializer):
    refresh = serializers.CharField(max_length=4000)


class RevokeRequestSerializer(StrictSerializer):
    least_fields = 1
    refresh = serializers.CharField(required=False, max_length=4000)
    access = serializers.CharField(required=False, max_length=4000)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError("Send the refresh token or access token of the session to end.")
        return attrs


def _rules_of(organization: Organization) -> dict[str, Any]:
    rules = publishing_rules(organization)
    return {
        "gap_minutes": rules.gap_minutes,
        "quiet_from": rules.quiet.start if rules.quiet else None,
        "quiet_to": rules.quiet.end if rules.quiet else None,
    }


class PublishingRulesSerializer(StrictSerializer):
    """What holds for all posts of the organization."""

    gap_minutes = serializers.IntegerField(
        min_value=0, max_value=GAP_MOST_MINUTES, required=False,
        help_text="Minimum minutes between two posts on one connection; 0 for none. Posts that are due sooner wait.",
    )  # fmt: skip
    quiet_from = WallTimeField(
        required=False, allow_null=True,
        help_text="Start of quiet hours, when nothing is published, in the organization's time zone. Null: no quiet hours.",
    )  # fmt: skip
    quiet_to = WallTimeField(
        required=False, allow_null=True, help_text="End of quiet hours. If earlier than quiet_from, on the next day."
    )

    def to_representation(self, instance: Organization) -> dict[str, Any]:
        kept = _rules_of(instance)
        return {name: f"{value:%H:%M}" if isinstance(value, time) else value for name, value in kept.items()}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        organization = self.context["request"].organization
        given = _rules_of(organization) | attrs
        if (given["quiet_from"] is None) != (given["quiet_to"] is None):
            raise serializers.ValidationError(
                {"quiet_to": ["Quiet hours need both a start and an end."]}, code=CONTRADICTION
            )
        if given["quiet_from"] is not None and given["quiet_from"] == given["quiet_to"]:
            message = "Quiet hours must start and end at different times."
            raise serializers.ValidationError({"quiet_to": [message]}, code=CONTRADICTION)
        return given


class OrganizationSerializer(StrictModelSerializer):
    slug = serializers.SlugField(max_length=60)
    time_zone = serializers.ChoiceField(choices=sorted(known_zones()), help_text="A name of the IANA database.")
    language = serializers.ChoiceField(choices=settings.LANGUAGES)
    role = serializers.SerializerMethodField(help_text="The caller's role.")
    publishing = PublishingRulesSerializer(source="*", required=False)
    scheduled_posts = serializers.ChoiceField(
        choices=[KEEP_MOMENT, KEEP_WALL_TIME], write_only=True, required=False,
        help_text="With another time_zone: whether scheduled posts go out when planned (keep_moment, the default) or at "
        "the same time of day in the new zone (keep_wall_time).",
    )  # fmt: skip
    posts_at_other_times = serializers.SerializerMethodField(
        help_text="How many scheduled posts this call gave another time of day, or with keep_wall_time another moment."
    )

    class Meta:
        model = Organization
        fields = [
            "id", "name", "slug", "time_zone", "language", "publishing", "scheduled_posts", "posts_at_other_times",
            "role", "created_at",
        ]  # fmt: skip
        read_only_fields = ["id", "created_at"]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "scheduled_posts" in attrs and "time_zone" not in attrs:
            message = "Only a new time_zone moves scheduled posts."
            raise serializers.ValidationError({"scheduled_posts": [message]}, code=CONTRADICTION)
        return attrs

    def get_posts_at_other_times(self, _organization: Organization) -> int:
        return int(self.context.get("posts_at_other_times", 0))

    @extend_schema_field(serializers.ChoiceField(choices=Role.choices))
    def get_role(self, _organization: Organization) -> str:
        return cast(str, self.context["request"].membership.role)


class MemberSerializer(StrictModelSerializer):
    user = serializers.PrimaryKeyRelatedField[Any](read_only=True)
    name = serializers.CharField(source="user.name", read_only=True)
    email = serializers.EmailField(source="user.email", read_only=True)

    class Meta:
        model = Membership
        fields = ["id", "user", "name", "email", "role", "created_at"]
        read_only_fields = ["id", "created_at"]


class InvitationSerializer(StrictModelSerializer):
    state = serializers.SerializerMethodField()
    invited_by = serializers.PrimaryKeyRelatedField[Any](read_only=True)

    class Meta:
        model = Invitation
        fields = [
            "id", "email", "role", "state", "invited_by", "created_at", "sent_at", "expires_at", "accepted_at", "revoked_at",
        ]  # fmt: skip
        read_only_fields = ["id", "created_at", "sent_at", "expires_at", "accepted_at", "revoked_at"]

    @extend_schema_field(serializers.ChoiceField(choices=["open", "accepted", "revoked", "expired"]))
    def get_state(self, invitation: Invitation) -> str:
        if invitation.accepted_at:
            return "accepted"
        if invitation.revoked_at:
            return "revoked"
        return "open" if invitation.is_open(timezone.now()) else "expired"


class AuditEventSerializer(serializers.ModelSerializer[AuditEvent]):
    actor = serializers.UUIDField(source="actor_id", read_only=True, allow_null=True)

    class Meta:
        model = AuditEvent
        fields = [
            "id", "at", "actor", "actor_label", "action", "object_type", "object_id", "object_label", "changes", "ip",
            "request_id",
        ]  # fmt: skip
        read_only_fields = fields


class NotificationSerializer(serializers.ModelSerializer[Notification]):
    class Meta:
        model = Notification
        fields = ["id", "kind", "title", "body", "url", "count", "created_at", "read_at"]
        read_only_fields = fields


class ReadCountSerializer(serializers.Serializer[Any]):
    read = serializers.IntegerField(help_text="Number of notifications that were unread.")
