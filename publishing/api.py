"""REST endpoints of posts, post groups, media and the calendar."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import django_filters
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import FileResponse, HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import (
    EmptySerializer,
    OrganizationViewSet,
)
from accounts.api.parsers import JSONParser
from accounts.api.problems import CONTENT_TYPE
from accounts.api.schema import Problem
from accounts.api.shapes import CONTRADICTION, is_day
from accounts.errors import DomainError
from accounts.permissions import may
from connections.platforms.base import platforms
from publishing import services
from publishing.copies import duplicate_post
from publishing.drafts import PostInput, input_of
from publishing.engagement import sync_post_engagement
from publishing.errors import PostHasProblems
from publishing.media import delete_asset, describe_asset, store_upload
from publishing.models import MediaAsset, PostGroup, PostStatus, SocialPost
from publishing.serializers import (
    CalendarSerializer,
    DeleteAtPlatformSerializer,
    DuplicateSerializer,
    MediaAssetSerializer,
    MediaUploadSerializer,
    PostChangeSerializer,
    PostCreateSerializer,
    PostGroupCreateSerializer,
    PostGroupSerializer,
    PostMetricsSerializer,
    PostSerializer,
    ProblemsSerializer,
    ResolveSerializer,
    ScheduledPostSerializer,
    ScheduleSerializer,
    _given,
)
from publishing.versions import last_deed
from publishing.warnings import warnings_of_post
from publishing.zones import YEARS

CALENDAR_DAYS = 100


class PostChanged(DomainError):
    """The post is not any more what the caller read: ``If-Match`` named another version of it."""

    code = "precondition_failed"
    http_status = 412


class GroupHasProblems(DomainError):
    """What the platforms would refuse of a group's posts; ``problems`` names each with its connection."""

    code = "post_has_problems"
    http_status = 422

    def __init__(self, problems: list[dict[str, Any]]) -> None:
        self.problems = problems
        super().__init__(" ".join(dict.fromkeys(problem["message"] for problem in problems)))


# --- posts ------------------------------------------------------------------------------------------------------------

IF_MATCH = OpenApiParameter(
    "If-Match", OpenApiTypes.STR, OpenApiParameter.HEADER,
    description="The ETag of the post as you read it: 412 when it has changed since. Without it nothing is asked.",
)  # fmt: skip


def _or_changed(serializer: Any, code: int = status.HTTP_200_OK) -> dict[Any, Any]:
    """The answers of a change that takes ``If-Match``, for the schema."""
    return {code: serializer, (status.HTTP_412_PRECONDITION_FAILED, CONTENT_TYPE): Problem}


def etag_of(post: SocialPost) -> str:
    """A strong entity tag over the whole representation of a post."""
    body = JSONRenderer().render(PostSerializer(post).data)
    return f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'


class PostFilter(django_filters.FilterSet):
    connection = django_filters.UUIDFilter(field_name="connection_id")
    campaign = django_filters.UUIDFilter(field_name="campaign_id")
    group = django_filters.UUIDFilter(field_name="group_id")
    created_by = django_filters.UUIDFilter(field_name="created_by_id")
    platform = django_filters.MultipleChoiceFilter(
        field_name="connection__platform", choices=[(cls.name, cls.label) for cls in platforms()]
    )
    status = django_filters.MultipleChoiceFilter(choices=PostStatus.choices)
    scheduled_after = django_filters.IsoDateTimeFilter(field_name="scheduled_at", lookup_expr="gte")
    scheduled_before = django_filters.IsoDateTimeFilter(field_name="scheduled_at", lookup_expr="lt")
    published_after = django_filters.IsoDateTimeFilter(field_name="published_at", lookup_expr="gte")
    published_before = django_filters.IsoDateTimeFilter(field_name="published_at", lookup_expr="lt")
    q = django_filters.CharFilter(method="search", label="words of the text or the link")

    class Meta:
        model = SocialPost
        fields: list[str] = []

    def search(self, posts: QuerySet[SocialPost], _name: str, words: str) -> QuerySet[SocialPost]:
        return posts.filter(Q(content__icontains=words) | Q(link_url__icontains=words))


def _schedule(post: SocialPost, at: datetime, request: Any) -> SocialPost:
    try:
        return services.schedule_post(post, at=at, by=request.user)
    except DomainError as error:
        if error.field == "at":
            error.field = "scheduled_at"
        raise


class PostViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, OrganizationViewSet):
    """Posts: one text for one connection each."""

    queryset = SocialPost.objects.none()
    serializer_class = PostSerializer
    filterset_class = PostFilter
    ordering_fields = ("created_at", "updated_at", "scheduled_at", "published_at")
    permissions = {
        "list": "posts.view", "retrieve": "posts.view", "metrics": "posts.view", "problems": "posts.view",
        "create": "posts.edit", "partial_update": "posts.edit", "destroy": "posts.delete", "cancel": "posts.edit",
        "unschedule": "posts.edit", "duplicate": "posts.edit", "schedule": "posts.publish",
        "publish": "posts.publish", "retry": "posts.publish",
        "resolve": "posts.publish", "sync_engagement": "connections.sync", "delete_at_platform": "posts.delete",
    }  # fmt: skip

    def get_queryset(self) -> QuerySet[SocialPost]:
        if not hasattr(self.request, "organization"):  # while the schema is being made
            return SocialPost.objects.none()
        return SocialPost.objects.for_organization(self.request.organization).with_card()

    def _answer(
        self,
        post: SocialPost,
        code: int = status.HTTP_200_OK,
        serializer: type[PostSerializer] = PostSerializer,
    ) -> Response:
        row = self.get_queryset().get(pk=post.pk)
        return Response(serializer(row).data, status=code, headers={"ETag": etag_of(row)})

    @contextmanager
    def _unchanged(self) -> Iterator[SocialPost]:
        """The post that is asked for, in a transaction. With ``If-Match`` it is locked, and 412 unless it is that
        version."""
        with transaction.atomic():
            wanted = self.request.headers.get("If-Match", "").strip()
            if wanted:
                own = SocialPost.objects.for_organization(self.request.organization)
                own.select_for_update().filter(pk=self.kwargs["pk"]).first()
            post = self.get_object()
            self._must_match(wanted, post)
            yield post

    def _seen(self) -> SocialPost:
        """The same without a transaction, for what calls a platform."""
        post: SocialPost = self.get_object()
        self._must_match(self.request.headers.get("If-Match", "").strip(), post)
        return post

    def _must_match(self, wanted: str, post: SocialPost) -> None:
        # Proxies that compress mark a tag as weak (W/"...") though the post is the same.
        if (
            not wanted
            or wanted == "*"
            or etag_of(post) in [tag.strip().removeprefix("W/") for tag in wanted.split(",")]
        ):
            return
        changed = f"{post.updated_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        deed = last_deed(post)
        by = f" by {deed.actor.display_name}" if deed is not None and deed.actor else ""
        raise PostChanged(f"This post was changed{by} since you read it, last at {changed}. Read it again.")

    def retrieve(self, request: Request, pk: UUID) -> Response:
        """One post. Its ``ETag`` can be sent back as ``If-Match`` with a change."""
        return self._answer(self.get_object())

    def _may_schedule(self, scheduled_at: datetime | None) -> None:
        if scheduled_at is not None and not may(self.request.membership, "posts.publish"):
            self.permission_denied(self.request)

    @extend_schema(request=PostCreateSerializer, responses={201: PostSerializer})
    def create(self, request: Request) -> Response:
        """A DRAFT; with ``scheduled_at`` a SCHEDULED post, or 422 with what its platform would refuse and no post."""
        body = PostCreateSerializer(data=request.data, context=self.get_serializer_context())
        body.is_valid(raise_exception=True)
        given = dict(body.validated_data)
        connection, at = given.pop("connection"), given.pop("scheduled_at", None)
        self._may_schedule(at)
        with transaction.atomic():
            post = services.create_post(connection, _given(PostInput(), given), by=self.request.user)
            if at is not None:
                post = _schedule(post, at, self.request)
        return self._answer(post, status.HTTP_201_CREATED)

    @extend_schema(request=PostChangeSerializer, responses=_or_changed(PostSerializer), parameters=[IF_MATCH])
    def partial_update(self, request: Request, pk: UUID) -> Response:
        """Change what a post says or when it goes out, until it is being published."""
        self.get_object()
        body = PostChangeSerializer(data=request.data, context=self.get_serializer_context(), partial=True)
        body.is_valid(raise_exception=True)
        given = dict(body.validated_data)
        moves, at = "scheduled_at" in given, given.pop("scheduled_at", None)
        self._may_schedule(at)
        with self._unchanged() as post:
            if given:
                post = services.update_post(post, _given(input_of(post), given), by=self.request.user)
            if moves and at is not None:
                post = _schedule(post, at, self.request)
            elif moves and post.status != PostStatus.DRAFT:
                post = services.unschedule_post(post, by=self.request.user)
        return self._answer(post)

    @extend_schema(responses=_or_changed(None, status.HTTP_204_NO_CONTENT), parameters=[IF_MATCH])
    def destroy(self, request: Request, pk: UUID) -> Response:
        """Delete a draft. Any other post stays: cancel it, or delete it at its platform."""
        with self._unchanged() as post:
            services.delete_draft(post, by=self.request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=ScheduleSerializer, responses=_or_changed(ScheduledPostSerializer), parameters=[IF_MATCH])
    @action(detail=True, methods=["post"])
    def schedule(self, request: Request, pk: UUID) -> Response:
        """Plan a post for a moment, or move it there. 422 with ``problems`` when its platform would refuse it."""
        self.get_object()
        body = ScheduleSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        with self._unchanged() as post:
            post = _schedule(post, body.validated_data["scheduled_at"], self.request)
        return self._answer(post, serializer=ScheduledPostSerializer)

    @extend_schema(request=EmptySerializer, responses=_or_changed(PostSerializer), parameters=[IF_MATCH])
    @action(detail=True, methods=["post"])
    def unschedule(self, request: Request, pk: UUID) -> Response:
        """Take a post back to the drafts."""
        self.take_no_body()
        with self._unchanged() as post:
            post = services.unschedule_post(post, by=self.request.user)
        return self._answer(post)

    @extend_schema(request=DuplicateSerializer, responses={201: PostSerializer})
    @action(detail=True, methods=["post"])
    def duplicate(self, request: Request, pk: UUID) -> Response:
        """A new draft with the same content, without a time: for the same connection, or the one that is named."""
        post = self.get_object()
        body = DuplicateSerializer(data=request.data, context=self.get_serializer_context())
        body.is_valid(raise_exception=True)
        copy = duplicate_post(post, by=self.request.user, connection=body.validated_data.get("connection"))
        return self._answer(copy, status.HTTP_201_CREATED)

    @extend_schema(request=EmptySerializer, responses=_or_changed(PostSerializer), parameters=[IF_MATCH])
    @action(detail=True, methods=["post"])
    def publish(self, request: Request, pk: UUID) -> Response:
        """Send a post now. The answer is the post on its way: ask for it again to see what came of it."""
        self.take_no_body()
        with self._unchanged() as post:
            post = services.publish_now(post, by=self.request.user)
        return self._answer(post)

    @extend_schema(request=EmptySerializer, responses=_or_changed(PostSerializer), parameters=[IF_MATCH])
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: UUID) -> Response:
        """Call a waiting post off; it keeps its text."""
        self.take_no_body()
        with self._unchanged() as post:
            post = services.cancel_post(post, by=self.request.user)
        return self._answer(post)

    @extend_schema(request=EmptySerializer, responses=_or_changed(PostSerializer), parameters=[IF_MATCH])
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: UUID) -> Response:
        """Send a failed post again, now."""
        self.take_no_body()
        with self._unchanged() as post:
            post = services.retry_post(post, by=self.request.user)
        return self._answer(post)

    @extend_schema(request=ResolveSerializer, responses=_or_changed(PostSerializer), parameters=[IF_MATCH])
    @action(detail=True, methods=["post"])
    def resolve(self, request: Request, pk: UUID) -> Response:
        """Decide about a post of which nobody knows whether it went out (error_code OUTCOME_UNKNOWN)."""
        self.get_object()
        body = ResolveSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        with self._unchanged() as post:
            post = services.resolve_unknown(post, by=self.request.user, **body.validated_data)
        return self._answer(post)

    @extend_schema(request=DeleteAtPlatformSerializer, responses=_or_changed(PostSerializer), parameters=[IF_MATCH])
    @action(detail=True, methods=["post"], url_path="delete-at-platform")
    def delete_at_platform(self, request: Request, pk: UUID) -> Response:
        """Take a published post off its platform. It stays here with its history."""
        body = DeleteAtPlatformSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        return self._answer(services.delete_at_platform(self._seen(), by=self.request.user, **body.validated_data))

    @extend_schema(request=EmptySerializer, responses=PostSerializer)
    @action(detail=True, methods=["post"], url_path="sync-engagement")
    def sync_engagement(self, request: Request, pk: UUID) -> Response:
        """Read a published post's counts from its platform now."""
        self.take_no_body()
        return self._answer(sync_post_engagement(self.get_object(), by=self.request.user))

    @extend_schema(responses=PostMetricsSerializer)
    @action(detail=True)
    def metrics(self, request: Request, pk: UUID) -> Response:
        """The counts now and at every time they were read. Null: the platform does not tell."""
        return Response(PostMetricsSerializer(self.get_object()).data)

    @extend_schema(responses=ProblemsSerializer)
    @action(detail=True)
    def problems(self, request: Request, pk: UUID) -> Response:
        """What its platform would refuse, and warnings. Empty: it can go out."""
        post = self.get_object()
        found = [*services.problems_of_post(post), *warnings_of_post(post)]
        return Response(ProblemsSerializer({"problems": found}).data)


class PostGroupViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, OrganizationViewSet):
    """The same idea for several connections: one post each."""

    queryset = PostGroup.objects.none()
    serializer_class = PostGroupSerializer
    permissions = {"list": "posts.view", "retrieve": "posts.view", "create": "posts.edit"}

    def get_queryset(self) -> QuerySet[PostGroup]:
        if not hasattr(self.request, "organization"):  # while the schema is being made
            return PostGroup.objects.none()
        groups = PostGroup.objects.for_organization(self.request.organization)
        return groups.prefetch_related("posts__connection", "posts__attached_media")

    @extend_schema(request=PostGroupCreateSerializer, responses={201: PostGroupSerializer})
    def create(self, request: Request) -> Response:
        """One DRAFT for each connection, with ``scheduled_at`` SCHEDULED ones. When a platform would refuse its post,
        422 with ``problems`` of all connections, and nothing is made."""
        body = PostGroupCreateSerializer(data=request.data, context=self.get_serializer_context())
        body.is_valid(raise_exception=True)
        given = dict(body.validated_data)
        connections, variants = given.pop("connections"), given.pop("variants", {})
        at = given.pop("scheduled_at", None)
        if at is not None and not may(self.request.membership, "posts.publish"):
            self.permission_denied(request)
        shared = _given(PostInput(), given)
        wanted = {one: _given(shared, variants.get(str(one.pk), {})) for one in connections}
        with transaction.atomic():
            group = services.create_post_group(
                self.request.organization, wanted, by=self.request.user, content=shared.content
            )
            if at is not None:
                self._schedule_all(group, at)
        return Response(self.get_serializer(self.get_queryset().get(pk=group.pk)).data, status=status.HTTP_201_CREATED)

    def _schedule_all(self, group: PostGroup, at: datetime) -> None:
        problems: list[dict[str, Any]] = []
        for post in group.posts.select_related("connection", "organization"):
            try:
                _schedule(post, at, self.request)
            except PostHasProblems as error:
                problems += [
                    {"connection": str(post.connection_id), "code": one.code, "message": one.message, "field": one.field,
                     "blocking": one.blocking}
                    for one in error.problems
                ]  # fmt: skip
        if problems:
            raise GroupHasProblems(problems)


# --- the calendar -----------------------------------------------------------------------------------------------------

_CALENDAR_PARAMETERS = [
    OpenApiParameter(
        "from", OpenApiTypes.DATE, required=True, description="The first day, in the organization's zone."
    ),
    OpenApiParameter(
        "to", OpenApiTypes.DATE, required=True, description=f"The last day, at most {CALENDAR_DAYS} later."
    ),
]


class CalendarEndpoint(OrganizationViewSet):
    """What stands on which day."""

    queryset = SocialPost.objects.none()
    serializer_class = CalendarSerializer
    pagination_class = None
    permissions = {"retrieve": "posts.view"}
    parameters = {"retrieve": frozenset({"from", "to"})}
    filterset_class = PostFilter
    filtered_actions = ("retrieve",)

    @extend_schema(
        operation_id="social_calendar", parameters=_CALENDAR_PARAMETERS, responses=CalendarSerializer, filters=True
    )
    def retrieve(self, request: Request) -> Response:
        """Posts of the days from ``from`` to ``to``, both included: published ones where they went out, others where
        they are planned. Takes the filters of the list of posts too."""
        first, last = self._day("from"), self._day("to")
        if last < first or last - first > timedelta(days=CALENDAR_DAYS):
            message = f"A day from the first one on, at most {CALENDAR_DAYS} days later."
            raise ValidationError({"to": [message]}, code=CONTRADICTION)
        zone = self.request.organization.zone
        start = datetime.combine(first, time.min, tzinfo=zone)
        end = datetime.combine(last + timedelta(days=1), time.min, tzinfo=zone)
        out = Q(status=PostStatus.PUBLISHED, published_at__gte=start, published_at__lt=end)
        planned = Q(scheduled_at__gte=start, scheduled_at__lt=end) & ~Q(status=PostStatus.PUBLISHED)
        posts = SocialPost.objects.for_organization(self.request.organization).with_card().filter(out | planned)
        rows = sorted(self.filter_queryset(posts), key=lambda post: (post.published_at or post.scheduled_at, post.pk))
        return Response(CalendarSerializer({"time_zone": str(zone), "results": rows}).data)

    def _day(self, name: str) -> date:
        try:
            text = self.request.query_params[name]
            if not is_day(text):
                raise ValueError(text)
            day = date.fromisoformat(text)
        except (KeyError, ValueError) as error:
            raise ValidationError({name: ["A day is needed, for example 2026-12-03."]}) from error
        if day.year not in YEARS:
            raise ValidationError({name: [f"A day between {YEARS[0]} and {YEARS[-1]}."]}, code=CONTRADICTION)
        return day


# --- media ------------------------------------------------------------------------------------------------------------


class MediaViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, OrganizationViewSet):
    """Pictures for posts."""

    queryset = MediaAsset.objects.none()
    serializer_class = MediaAssetSerializer
    parser_classes = (JSONParser, MultiPartParser)
    permissions = {
        "list": "media.view", "retrieve": "media.view", "file": "media.view", "create": "media.edit",
        "partial_update": "media.edit", "destroy": "media.edit",
    }  # fmt: skip

    def get_queryset(self) -> QuerySet[MediaAsset]:
        if not hasattr(self.request, "organization"):  # while the schema is being made
            return MediaAsset.objects.none()
        return MediaAsset.objects.for_organization(self.request.organization)

    @extend_schema(request={"multipart/form-data": MediaUploadSerializer}, responses={201: MediaAssetSerializer})
    def create(self, request: Request) -> Response:
        """Upload a JPEG, PNG, GIF or WebP picture. The same file again answers with the asset that is there."""
        body = MediaUploadSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        asset = store_upload(self.request.organization, body.validated_data["file"], by=self.request.user)
        if alt_text := body.validated_data.get("alt_text"):
            asset = describe_asset(asset, alt_text, by=self.request.user)
        return Response(self.get_serializer(asset).data, status=status.HTTP_201_CREATED)

    def partial_update(self, request: Request, pk: UUID) -> Response:
        """Change the alternative text that new posts start with."""
        asset = self.get_object()
        body = self.get_serializer(asset, data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        if "alt_text" in body.validated_data:
            asset = describe_asset(asset, body.validated_data["alt_text"], by=self.request.user)
        return Response(self.get_serializer(asset).data)

    def destroy(self, request: Request, pk: UUID) -> Response:
        """Delete a picture that no post uses."""
        delete_asset(self.get_object(), by=self.request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(responses={(200, "image/*"): OpenApiTypes.BINARY})
    @action(detail=True)
    def file(self, request: Request, pk: UUID) -> HttpResponseBase:
        """The picture itself."""
        asset = self.get_object()
        answer = FileResponse(asset.file.open("rb"), content_type=asset.content_type)
        answer["X-Content-Type-Options"] = "nosniff"
        answer["Cache-Control"] = "private, max-age=300"
        return answer
