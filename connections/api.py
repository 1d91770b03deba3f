"""REST endpoints of connections."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import EmptySerializer, OrganizationViewSet, StrictModelSerializer, StrictSerializer
from accounts.api.shapes import CONTRADICTION
from accounts.text import PRINTABLE_ASCII
from connections.models import SocialConnection, SocialConnectionQuerySet
from connections.platforms.base import platform_class, platforms
from connections.services import connect_with_tokens, disconnect, sync_profile, validate_connection
from connections.tokens import refresh_connection

YEARS_2_S = 2 * 366 * 24 * 3600


class ConnectionSerializer(StrictModelSerializer):
    missing_permissions = serializers.SerializerMethodField(
        help_text="Permissions that a feature needs but that were not granted."
    )
    permissions = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = SocialConnection
        fields = (
            "id", "platform", "account_name", "account_handle", "avatar_url", "kind", "is_active", "permissions",
            "missing_permissions", "token_expires_at", "last_post_at", "last_sync_at", "error_message", "created_at",
            "updated_at",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_missing_permissions(self, connection: SocialConnection) -> list[str]:
        return connection.missing_permissions


class ConnectSerializer(StrictSerializer):
    """Tokens that were obtained elsewhere. The platform is asked about them before anything is stored."""

    platform = serializers.ChoiceField(choices=[])
    access_token = serializers.CharField(write_only=True, max_length=4096, validators=[PRINTABLE_ASCII])
    refresh_token = serializers.CharField(
        write_only=True, max_length=4096, required=False, default="", allow_blank=True, validators=[PRINTABLE_ASCII]
    )
    expires_in = serializers.IntegerField(
        write_only=True, required=False, allow_null=True, default=None, min_value=1, max_value=YEARS_2_S,
        help_text="Remaining lifetime of the access token in seconds; null if it never expires or the platform reports it.",
    )  # fmt: skip
    permissions = serializers.ListField(
        child=serializers.CharField(max_length=200, validators=[PRINTABLE_ASCII]), required=False, default=list, max_length=100,
        help_text="Granted scopes, if the platform does not report them.",
    )  # fmt: skip
    server_url = serializers.CharField(
        required=False, default="", allow_blank=True, max_length=200, help_text="Only for platforms with many servers."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["platform"].choices = [cls.name for cls in platforms()]

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        cls = platform_class(given["platform"])
        if cls.needs_server and not given["server_url"]:
            raise ValidationError(
                {"server_url": [ErrorDetail(f"{cls.label} needs a server address.", code=CONTRADICTION)]}
            )
        if given["server_url"] and not cls.needs_server:
            message = f"{cls.label} has no servers to choose from."
            raise ValidationError({"server_url": [ErrorDetail(message, code=CONTRADICTION)]})
        return given


class ValidationSerializer(serializers.Serializer[Any]):
    """What the platform says of a connection's token."""

    is_valid = serializers.BooleanField()  # type: ignore[assignment]  # fields make way for methods of this name
    expires_at = serializers.DateTimeField(allow_null=True)
    permissions = serializers.ListField(child=serializers.CharField())
    platform_user_id = serializers.CharField()
    validated_at = serializers.DateTimeField()
    reason = serializers.CharField(allow_blank=True, help_text="Why the token is not valid.")


class ConnectionFilter(django_filters.FilterSet):
    platform = django_filters.ChoiceFilter(choices=[(cls.name, cls.label) for cls in platforms()])
    is_active = django_filters.BooleanFilter()

    class Meta:
        model = SocialConnection
        fields = ("platform", "is_active")


class ConnectionViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, OrganizationViewSet
):  # fmt: skip
    """Connected social accounts. Their tokens are never shown."""

    queryset = SocialConnection.objects.none()
    serializer_class = ConnectionSerializer
    filterset_class = ConnectionFilter
    ordering_fields = ("created_at", "platform", "account_name", "token_expires_at", "last_post_at")
    permissions = {
        "list": "connections.view",
        "retrieve": "connections.view",
        "create": "connections.manage",
        "refresh": "connections.manage",
        "validate": "connections.manage",
        "sync": "connections.sync",
        "disconnect": "connections.manage",
        "revoke": "connections.manage",
    }

    def get_queryset(self) -> QuerySet[SocialConnection]:
        if not hasattr(self.request, "organization"):  # while the schema is being made
            return SocialConnection.objects.none()
        rows: SocialConnectionQuerySet = SocialConnection.objects.for_organization(self.request.organization)
        return rows.in_use() if self.action == "list" else rows.select_related("organization")

    @extend_schema(request=ConnectSerializer, responses={201: ConnectionSerializer})
    def create(self, request: Request) -> Response:
        """Connect with tokens that were obtained elsewhere. 409 when the account is connected already, 422 when the
        platform refuses the token; a known account that was disconnected or inactive keeps its id."""
        body = ConnectSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        connection = connect_with_tokens(
            self.request.organization,
            platform_class(given["platform"]),
            access_token=given["access_token"],
            refresh_token=given["refresh_token"],
            expires_in_s=given["expires_in"],
            permissions=given["permissions"],
            server_url=given["server_url"],
            by=self.request.user,
        )
        return Response(self.get_serializer(connection).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=EmptySerializer, responses=ConnectionSerializer)
    @action(detail=True, methods=["post"])
    def refresh(self, request: Request, pk: str) -> Response:
        """Renew the access token now. 409 when it cannot be renewed by a call."""
        return self._done(refresh_connection(self._asked(request), by=self.request.user))

    @extend_schema(request=EmptySerializer, responses=ValidationSerializer)
    @action(detail=True, methods=["post"])
    def validate(self, request: Request, pk: str) -> Response:
        """Ask the platform about the token, and store what it says."""
        connection = self._asked(request)
        said = validate_connection(connection, by=self.request.user)
        answer = {
            "is_valid": said.is_valid,
            "expires_at": said.expires_at or connection.token_expires_at,
            "permissions": connection.permissions,
            "platform_user_id": said.account_id or connection.platform_account_id,
            "validated_at": connection.validated_at if said.is_valid else timezone.now(),
            "reason": "" if said.is_valid else said.reason,
        }
        return Response(ValidationSerializer(answer).data)

    @extend_schema(request=EmptySerializer, responses=ConnectionSerializer)
    @action(detail=True, methods=["post"])
    def sync(self, request: Request, pk: str) -> Response:
        """Read the account's name, handle, picture and limits again."""
        return self._done(sync_profile(self._asked(request), by=self.request.user))

    @extend_schema(request=EmptySerializer, responses=ConnectionSerializer)
    @action(detail=True, methods=["post"])
    def disconnect(self, request: Request, pk: str) -> Response:
        """Destroy the tokens here and withdraw them at the platform. Scheduled posts are cancelled, history stays."""
        return self._done(
            disconnect(self._asked(request), by=self.request.user, reason="Disconnected through the API.")
        )

    @extend_schema(request=EmptySerializer, responses=ConnectionSerializer)
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, pk: str) -> Response:
        """The same for a brand's account, with its own words in the audit trail."""
        return self._done(disconnect(self._asked(request), by=self.request.user, reason="Revoked by an admin."))

    def _asked(self, request: Request) -> SocialConnection:
        EmptySerializer(data=request.data).is_valid(raise_exception=True)
        connection: SocialConnection = self.get_object()
        return connection

    def _done(self, connection: SocialConnection) -> Response:
        return Response(self.get_serializer(connection).data)
