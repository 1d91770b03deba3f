"""What REST takes and gives of posts, post groups, media and the calendar."""

import json
from collections.abc import Mapping
from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from accounts.api.base import (
    MomentField,
    OwnRelatedField,
    StrictModelSerializer,
    StrictSerializer,
)
from accounts.api.shapes import CONTRADICTION
from campaigns.models import Campaign
from connections.links import why_not_openable
from connections.models import SocialConnection
from publishing.drafts import MediaUse, PostInput
from publishing.models import MediaAsset, PostGroup, PostMetric, SocialPost
from publishing.warnings import warnings_of_post

TEXT_MOST = 100_000
OPTIONS_MOST = 20_000
"""Bytes."""
OPTIONS_DEEPEST = 20
MEDIA_MOST = 20
CONNECTIONS_MOST = 50


class OptionsField(serializers.DictField):
    """Options of a platform: a small JSON object. What it holds is judged by the platform's own checks."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        options: dict[str, Any] = super().to_internal_value(data)
        try:
            text = json.dumps(options, ensure_ascii=False, allow_nan=False).encode()
        except (UnicodeEncodeError, ValueError) as error:  # half a character; a number beyond all numbers
            raise ValidationError("The options hold what cannot be stored.", code=CONTRADICTION) from error
        if b"\\u0000" in text or len(text) > OPTIONS_MOST or _depth(options) > OPTIONS_DEEPEST:
            message = "The options hold what cannot be stored, or too much."
            raise ValidationError(message, code=CONTRADICTION)
        return options


def _depth(value: Any) -> int:
    """How many objects and lists stand in each other."""
    deepest, level = 0, [value]
    while level := [one for one in level if isinstance(one, dict | list)]:
        deepest += 1
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one)]
    return deepest


class LinkField(serializers.CharField):
    """An address for a post's readers."""

    def to_internal_value(self, data: Any) -> str:
        address = super().to_internal_value(data)
        if address and (refusal := why_not_openable(address)):
            raise ValidationError(refusal, code=CONTRADICTION)
        return address


class PostSerializer(serializers.ModelSerializer[SocialPost]):
    platform = serializers.CharField(source="connection.platform", read_only=True)
    media = serializers.SerializerMethodField(help_text="Ids of the media assets, in order.")
    options = serializers.DictField(read_only=True)

    class Meta:
        model = SocialPost
        fields = (
            "id", "connection", "platform", "group", "campaign", "content", "link_url", "first_comment", "media", "options",
            "status", "scheduled_at", "published_at", "platform_post_id", "permalink", "retry_count", "error_code",
            "error_message", "likes", "comments", "shares", "reach", "impressions", "clicks", "engagement_synced_at",
            "created_by", "created_at", "updated_at",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(serializers.ListField(child=serializers.UUIDField()))
    def get_media(self, post: SocialPost) -> list[str]:
        return [str(use.asset_id) for use in post.attached_media.all()]


class PostProblemSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField()
    field = serializers.CharField()
    blocking = serializers.BooleanField()


class ScheduledPostSerializer(PostSerializer):
    warnings = serializers.SerializerMethodField(
        help_text="Warnings about the text and time. They do not prevent scheduling."
    )

    class Meta(PostSerializer.Meta):
        fields = (*PostSerializer.Meta.fields, "warnings")  # type: ignore[assignment]
        read_only_fields = fields  # type: ignore[assignment]

    @extend_schema_field(PostProblemSerializer(many=True))
    def get_warnings(self, post: SocialPost) -> list[dict[str, Any]]:
        return [dict(PostProblemSerializer(problem).data) for problem in warnings_of_post(post)]


class ContentSerializer(StrictSerializer):
    """What a post says."""

    content = serializers.CharField(
        required=False, allow_blank=True, max_length=TEXT_MOST, trim_whitespace=False, help_text="The text."
    )
    link_url = LinkField(required=False, allow_blank=True, max_length=2000, help_text="One that everyone can open.")
    first_comment = serializers.CharField(required=False, allow_blank=True, max_length=TEXT_MOST, trim_whitespace=False)
    media = serializers.ListField(
        child=OwnRelatedField(model=MediaAsset), required=False, max_length=MEDIA_MOST,
        help_text="Ids of media assets, in order.",
    )  # fmt: skip
    options = OptionsField(required=False)


def _given(start: PostInput, changes: Mapping[str, Any]) -> PostInput:
    """What is said now, given what was said before. A picture that stays keeps the words that this post gave it."""
    said = {use.asset.pk: use for use in start.media}
    media = start.media
    if "media" in changes:
        media = tuple(said.get(asset.pk, MediaUse(asset)) for asset in changes["media"])
    return PostInput(
        content=changes.get("content", start.content),
        link_url=changes.get("link_url", start.link_url),
        first_comment=changes.get("first_comment", start.first_comment),
        media=media,
        options=changes.get("options", start.options),
        campaign=changes.get("campaign", start.campaign),
    )


class PostChangeSerializer(ContentSerializer):
    campaign = OwnRelatedField(model=Campaign, required=False, allow_null=True)
    scheduled_at = MomentField(
        required=False, allow_null=True, help_text="When to publish. Null moves a scheduled post back to drafts."
    )


class PostCreateSerializer(PostChangeSerializer):
    connection = OwnRelatedField(model=SocialConnection)
    scheduled_at = MomentField(
        required=False, allow_null=True, help_text="With a time the post is SCHEDULED, without one it is a DRAFT."
    )


class PostGroupCreateSerializer(PostChangeSerializer):
    connections = serializers.ListField(
        child=OwnRelatedField(model=SocialConnection), min_length=1, max_length=CONNECTIONS_MOST
    )
    variants = serializers.DictField(
        child=ContentSerializer(), required=False,
        help_text="What is different for a connection: its id -> any of content, link_url, first_comment, media, options.",
    )  # fmt: skip
    scheduled_at = MomentField(
        required=False, allow_null=True, help_text="With a time the posts are SCHEDULED, without one they are DRAFTs."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        ids = [str(connection.pk) for connection in attrs["connections"]]
        if len(set(ids)) < len(ids):
            raise ValidationError({"connections": ["Name each connection once."]}, code=CONTRADICTION)
        strange = sorted(set(attrs.get("variants", {})) - set(ids))
        if strange:
            message = ErrorDetail("Not one of the connections of this group.", code=CONTRADICTION)
            raise ValidationError({"variants": {name: [message] for name in strange}})
        return attrs


class PostGroupSerializer(serializers.ModelSerializer[PostGroup]):
    posts = PostSerializer(many=True, read_only=True)

    class Meta:
        model = PostGroup
        fields = ("id", "content", "posts", "created_by", "created_at")
        read_only_fields = fields


class ScheduleSerializer(StrictSerializer):
    scheduled_at = MomentField()


class DuplicateSerializer(StrictSerializer):
    connection = OwnRelatedField(
        model=SocialConnection, required=False, help_text="For another connection than the post's own."
    )


class ResolveSerializer(StrictSerializer):
    """A person's word on a post of which nobody knows whether it went out."""

    decision = serializers.ChoiceField(
        choices=["published", "resend", "drop"],
        help_text="published: it is out; resend: send it again; drop: leave it.",
    )  # fmt: skip
    link = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=500, help_text="With published: its address there."
    )


class DeleteAtPlatformSerializer(StrictSerializer):
    """What goes with a post that is taken off its platform."""

    with_comment = serializers.BooleanField(
        required=False, default=False,
        help_text="Its first comment too. Facebook deletes it in any case; elsewhere it is a post of its own, and stays.",
    )  # fmt: skip


class MetricPointSerializer(serializers.ModelSerializer[PostMetric]):
    class Meta:
        model = PostMetric
        fields = ("at", "likes", "comments", "shares", "reach", "impressions", "clicks")
        read_only_fields = fields


class PostMetricsSerializer(serializers.ModelSerializer[SocialPost]):
    points = MetricPointSerializer(source="metric_points", many=True, help_text="Oldest first.")

    class Meta:
        model = SocialPost
        fields = ("likes", "comments", "shares", "reach", "impressions", "clicks", "engagement_synced_at", "points")
        read_only_fields = fields


class ProblemsSerializer(serializers.Serializer[Any]):
    problems = PostProblemSerializer(many=True)


class MediaAssetSerializer(StrictModelSerializer):
    url = serializers.SerializerMethodField(help_text="Where the file can be fetched with the same credential.")

    class Meta:
        model = MediaAsset
        fields = (
            "id", "name", "content_type", "size_bytes", "width", "height", "is_animated", "alt_text", "sha256", "url", "uploaded_by",
            "created_at",
        )  # fmt: skip
        read_only_fields = tuple(name for name in fields if name != "alt_text")

    @extend_schema_field(serializers.URLField())
    def get_url(self, asset: MediaAsset) -> str:
        path = reverse("publishing_api:media-file", args=[asset.pk])
        request = self.context.get("request")
        return request.build_absolute_uri(path) if request else path


class MediaUploadSerializer(StrictSerializer):
    file = serializers.FileField(allow_empty_file=True)
    alt_text = serializers.CharField(required=False, allow_blank=True, max_length=1500)


class CalendarSerializer(serializers.Serializer[Any]):
    time_zone = serializers.CharField(help_text="The organization's zone: whose days from and to are.")
    results = PostSerializer(many=True, help_text="In the order of their times.")
