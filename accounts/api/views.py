"""Endpoints of people and organizations."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from accounts import invitations, jwt, services
from accounts.api import serializers
from accounts.api.base import EmptySerializer, OrganizationViewSet
from accounts.api.filters import refuse_unknown_parameters
from accounts.api.filtersets import AuditEventFilter, InvitationFilter, MemberFilter, NotificationFilter
from accounts.api.permissions import HTTP_METHODS
from accounts.api.schema import ParleyAutoSchema
from accounts.api.throttling import AddressThrottle, SignInThrottle
from accounts.forms import KEEP_MOMENT, KEEP_WALL_TIME
from accounts.models import AuditEvent, Invitation, Membership, Notification, Organization
from accounts.notifications import mark_read
from accounts.preferences import set_publishing_rules
from accounts.signin import prove_identity

# --- tokens -----------------------------------------------------------------------------------------------------------


class TokenEndpoint(APIView):
    """Open to everybody: what is sent is the credential."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes: tuple[type[BaseThrottle], ...] = (AddressThrottle,)
    http_method_names = HTTP_METHODS
    metadata_class = None
    schema = ParleyAutoSchema()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        refuse_unknown_parameters(request, ())

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        answer = super().finalize_response(request, response, *args, **kwargs)
        answer["Cache-Control"] = "no-store"
        return answer


def _pair(pair: jwt.TokenPair) -> Response:
    return Response({
        "access": pair.access, "refresh": pair.refresh, "token_type": "Bearer", "expires_in": pair.expires_in_s,
    })  # fmt: skip


class TokenView(TokenEndpoint):
    throttle_classes = (SignInThrottle,)

    @extend_schema(
        operation_id="auth_token_create", request=serializers.TokenRequestSerializer,
        responses={200: serializers.TokenPairSerializer},
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Sign in and get tokens. With a second factor the password alone is answered with 401 and code mfa_required."""
        body = serializers.TokenRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        user = prove_identity(request._request, email=given["email"], password=given["password"], code=given["code"])
        organization = _organization_of(list(Membership.objects.of(user)), given.get("organization"))
        return _pair(jwt.open_session(user, organization=organization, request=request._request))


def _organization_of(memberships: list[Membership], name: str | None) -> Organization | None:
    if not name:
        return None
    for membership in memberships:
        if name in {str(membership.organization_id), membership.organization.slug}:
            return membership.organization
    raise PermissionDenied("You don't belong to this organization.", code="not_a_member")


class TokenRefreshView(TokenEndpoint):
    @extend_schema(
        operation_id="auth_token_refresh", request=serializers.RefreshRequestSerializer,
        responses={200: serializers.TokenPairSerializer},
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """A new pair of tokens. The refresh token works once: using it again ends its session."""
        body = serializers.RefreshRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        return _pair(jwt.rotate(body.validated_data["refresh"]))


class TokenRevokeView(TokenEndpoint):
    @extend_schema(operation_id="auth_token_revoke", request=serializers.RevokeRequestSerializer, responses={204: None})
    def post(self, request: Request) -> Response:
        """End the session of a token. Its access and refresh tokens are refused from now on."""
        body = serializers.RevokeRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        for token in body.validated_data.values():
            jwt.revoke(token)
        return Response(status=status.HTTP_204_NO_CONTENT)


# --- the organization and its members ---------------------------------------------------------------------------------


class OrganizationEndpoint(OrganizationViewSet):
    """The organization that the call is about."""

    serializer_class = serializers.OrganizationSerializer
    permissions = {"retrieve": "organization.view", "partial_update": "organization.manage"}
    queryset = Organization.objects.none()

    @extend_schema(operation_id="organization_retrieve")
    def retrieve(self, request: Request) -> Response:
        """The organization, with the caller's role in it."""
        return Response(self.get_serializer(self.request.organization).data)

    @extend_schema(operation_id="organization_update")
    def partial_update(self, request: Request) -> Response:
        """Change name, slug, time_zone, language or the rules for publishing. ``posts_at_other_times`` says how many
        scheduled posts a new time_zone concerned."""
        body = self.get_serializer(self.request.organization, data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        given = dict(body.validated_data)
        rules = {name: given.pop(name) for name in ("gap_minutes", "quiet_from", "quiet_to") if name in given}
        keep_wall_times = given.pop("scheduled_posts", KEEP_MOMENT) == KEEP_WALL_TIME
        zone = given.get("time_zone", self.request.organization.time_zone)
        concerned = len(services.moments_shown_anew(self.request.organization, zone))
        with transaction.atomic():
            changed = services.update_organization(
                self.request.organization, by=self.request.user, keep_wall_times=keep_wall_times, **given
            )
            if rules:
                changed = set_publishing_rules(changed, by=self.request.user, **rules)
        context = {**self.get_serializer_context(), "posts_at_other_times": concerned}
        return Response(serializers.OrganizationSerializer(changed, context=context).data)


class MemberViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, OrganizationViewSet):
    """Who belongs to the organization."""

    serializer_class = serializers.MemberSerializer
    queryset = Membership.objects.none()
    filterset_class = MemberFilter
    ordering = "created_at"
    permissions = {
        "list": "members.view", "retrieve": "members.view", "partial_update": "members.manage",
        "destroy": "members.manage",
    }  # fmt: skip

    def get_queryset(self) -> QuerySet[Membership]:
        return Membership.objects.for_organization(self.request.organization).select_related("user", "organization")

    def partial_update(self, request: Request, pk: UUID) -> Response:
        """Give a member another role."""
        member = self.get_object()
        body = self.get_serializer(member, data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        role = body.validated_data.get("role", member.role)
        return Response(self.get_serializer(services.change_role(member, role, by=self.request.user)).data)

    def destroy(self, request: Request, pk: UUID) -> Response:
        """Take a member out of the organization."""
        services.remove_member(self.get_object(), by=self.request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class InvitationViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, OrganizationViewSet):
    """Invitations by email."""

    serializer_class = serializers.InvitationSerializer
    queryset = Invitation.objects.none()
    filterset_class = InvitationFilter
    permissions = {
        "list": "members.manage", "retrieve": "members.manage", "create": "members.manage",
        "destroy": "members.manage", "resend": "members.manage",
    }  # fmt: skip

    def get_queryset(self) -> QuerySet[Invitation]:
        return Invitation.objects.for_organization(self.request.organization).select_related("organization")

    def create(self, request: Request) -> Response:
        """Invite an address. ``sent_at`` stays null when the mail server did not take the mail."""
        body = self.get_serializer(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        invitation = invitations.invite(
            self.request.organization, given["email"], given.get("role", "MARKETER"), by=self.request.user
        )
        invitation.refresh_from_db()
        return Response(self.get_serializer(invitation).data, status=status.HTTP_201_CREATED)

    def destroy(self, request: Request, pk: UUID) -> Response:
        """Revoke an invitation: its link stops working."""
        invitations.revoke_invitation(self.get_object(), by=self.request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=EmptySerializer)
    @action(detail=True, methods=["post"])
    def resend(self, request: Request, pk: UUID) -> Response:
        """Send a fresh link; older ones stop working."""
        self.take_no_body()
        invitation = invitations.resend_invitation(self.get_object(), by=self.request.user)
        invitation.refresh_from_db()
        return Response(self.get_serializer(invitation).data)


class AuditEventViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, OrganizationViewSet):
    """What happened in the organization, newest first."""

    serializer_class = serializers.AuditEventSerializer
    queryset = AuditEvent.objects.none()
    filterset_class = AuditEventFilter
    ordering = "-at"
    permissions = {"list": "audit.view", "retrieve": "audit.view"}

    def get_queryset(self) -> QuerySet[AuditEvent]:
        return AuditEvent.objects.for_organization(self.request.organization)


class NotificationViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, OrganizationViewSet):
    """The caller's own notifications."""

    serializer_class = serializers.NotificationSerializer
    queryset = Notification.objects.none()
    filterset_class = NotificationFilter
    permissions = {
        "list": "notifications.view", "retrieve": "notifications.view", "read": "notifications.view",
        "read_all": "notifications.view",
    }  # fmt: skip

    def get_queryset(self) -> QuerySet[Notification]:
        return Notification.objects.for_organization(self.request.organization).filter(user=self.request.user)

    @extend_schema(request=EmptySerializer)
    @action(detail=True, methods=["post"])
    def read(self, request: Request, pk: UUID) -> Response:
        """Mark one as read."""
        self.take_no_body()
        notification = self.get_object()
        mark_read(self.request.user, self.request.organization, str(notification.pk))
        notification.refresh_from_db()
        return Response(self.get_serializer(notification).data)

    @extend_schema(
        operation_id="notifications_read_all", request=EmptySerializer, responses={200: serializers.ReadCountSerializer}
    )
    @action(detail=False, methods=["post"], url_path="read", url_name="read-all")
    def read_all(self, request: Request) -> Response:
        """Mark all as read."""
        self.take_no_body()
        return Response({"read": mark_read(self.request.user, self.request.organization)})
