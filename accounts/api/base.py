"""What every endpoint derives from."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar, cast

from django.db import IntegrityError, models, transaction
from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import APIException, ErrorDetail, ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.api.filters import refuse_malformed_parameters, refuse_unknown_parameters
from accounts.api.pagination import CursorPagination
from accounts.api.permissions import HTTP_METHODS, ApiRequest, is_offered
from accounts.api.problems import CONTENT_TYPE
from accounts.api.schema import ParleyAutoSchema
from accounts.api.shapes import WALL_TIME, refusal_of
from accounts.models import IdempotentAnswer
from accounts.querysets import OrganizationQuerySet

IDEMPOTENCY_HEADER = "Idempotency-Key"
KEEP_ANSWERS = timedelta(hours=24)
ABANDONED_AFTER = timedelta(minutes=5)


class StrictFields:
    """For serializers: a field that is unknown or cannot be set is an error, not ignored, and a value of another kind
    than the schema names is one too."""

    refuses_unknown_fields = True
    least_fields = 0
    """How many fields a body must bring, for the schema; the serializer itself says what is missing."""
    fields: Any

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            errors = {}
            for name in data:
                if name not in self.fields:
                    errors[str(name)] = [ErrorDetail("Unknown field.", code="unknown_field")]
                elif self.fields[name].read_only:
                    errors[str(name)] = [ErrorDetail("This field cannot be set.", code="unknown_field")]
                elif (refusal := refusal_of(self.fields[name], data[name])) is not None:
                    errors[str(name)] = refusal
            if errors:
                raise ValidationError(errors)
        return super().to_internal_value(data)  # type: ignore[misc]


class StrictSerializer(StrictFields, serializers.Serializer[Any]):
    pass


class StrictModelSerializer(StrictFields, serializers.ModelSerializer[Any]):
    pass


class OwnRelatedField(serializers.PrimaryKeyRelatedField[Any]):
    """A reference to a row of the caller's organization; any other id is one that does not exist."""

    def __init__(self, *, model: type[models.Model] | None = None, **kwargs: Any) -> None:
        if model is not None and not kwargs.get("read_only"):
            kwargs["queryset"] = model._default_manager.all()
        kwargs.setdefault("pk_field", serializers.UUIDField())
        super().__init__(**kwargs)

    def get_queryset(self) -> Any:
        queryset = super().get_queryset()
        request = self.context.get("request")
        if queryset is None or request is None or not hasattr(request, "organization"):
            return queryset.none() if queryset is not None else None
        return cast("OrganizationQuerySet[Any]", queryset).for_organization(request.organization)


class MomentField(serializers.DateTimeField):
    """A moment that says its zone; one without is refused rather than guessed."""

    default_error_messages = {"naive": "Include a time zone, for example 2026-12-03T09:00:00Z."}

    def enforce_timezone(self, value: datetime) -> datetime:
        if value.utcoffset() is None:
            self.fail("naive")
        moment: datetime = super().enforce_timezone(value)
        return moment


@extend_schema_field({"type": "string", "pattern": WALL_TIME})
class WallTimeField(serializers.TimeField):
    """A time of day without a zone, to the minute."""


class EmptySerializer(StrictSerializer):
    """The body of a call that takes none."""


class IdempotencyMismatch(APIException):
    status_code = 409
    default_code = "idempotency_key_reused"
    default_detail = "This Idempotency-Key was used for another request in the last 24 hours."


class IdempotencyInProgress(APIException):
    status_code = 409
    default_code = "idempotency_in_progress"
    default_detail = "The first request with this Idempotency-Key is still being processed. Try again in a moment."
    wait = 1


class _Replay(Exception):
    """Ends a repeated call with the first one's answer."""

    def __init__(self, answer: IdempotentAnswer) -> None:
        super().__init__()
        self.answer = answer


class IdempotentWrites:
    """For views: a write that carries ``Idempotency-Key`` happens once in 24 hours.

    The same key with the same request gets the first answer again, marked ``Idempotent-Replayed: true``; with another
    request, or while the first is at work, 409. Answers of 500 and above and 429 are not kept: those may be repeated.
    """

    _claimed: IdempotentAnswer | None = None

    def claim_idempotency_key(self, request: Any) -> None:
        key = request.headers.get(IDEMPOTENCY_HEADER, "").strip()
        if not key or request.method not in {"POST", "PUT", "PATCH", "DELETE"}:
            return
        if len(key) > 200:
            raise ValidationError({IDEMPOTENCY_HEADER: ["At most 200 characters."]})
        now = timezone.now()
        owned = IdempotentAnswer.objects.for_organization(request.organization).filter(user=request.user)
        owned.filter(created_at__lt=now - KEEP_ANSWERS).delete()
        owned.filter(key=key, status__isnull=True, created_at__lt=now - ABANDONED_AFTER).delete()
        request_hash = _hash_of(request)
        try:
            with transaction.atomic():
                self._claimed = IdempotentAnswer.objects.create(
                    organization=request.organization, user=request.user, key=key, request_hash=request_hash
                )
        except IntegrityError as error:
            first = owned.filter(key=key).first()
            if first is None:
                raise IdempotencyInProgress from error
            if first.request_hash != request_hash:
                raise IdempotencyMismatch from error
            if first.status is None:
                raise IdempotencyInProgress from error
            raise _Replay(first) from error

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, _Replay):
            return _replayed(exc.answer)
        try:
            answer: Response = super().handle_exception(exc)  # type: ignore[misc]
        except Exception:
            self._release()
            raise
        return answer

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        answer: Response = super().finalize_response(request, response, *args, **kwargs)  # type: ignore[misc]
        if self._claimed is not None:
            if answer.status_code >= 500 or answer.status_code == 429:
                self._release()
            else:
                body = JSONRenderer().render(answer.data).decode() if answer.data is not None else ""
                IdempotentAnswer.objects.filter(pk=self._claimed.pk).update(
                    status=answer.status_code, body=body, content_type=answer.content_type or ""
                )
                self._claimed = None
        return answer

    def _release(self) -> None:
        if self._claimed is not None:
            IdempotentAnswer.objects.filter(pk=self._claimed.pk).delete()
            self._claimed = None


def _hash_of(request: Any) -> str:
    digest = hashlib.sha256(f"{request.method} {request.get_full_path()}\n".encode())
    if request.content_type.startswith("multipart/"):
        # The parts' separator differs from call to call: what counts is what they hold.
        for name in sorted(request.data):
            for value in request.data.getlist(name):
                digest.update(f"{name}\n".encode())
                if hasattr(value, "chunks"):
                    for chunk in value.chunks():
                        digest.update(chunk)
                    value.seek(0)
                else:
                    digest.update(str(value).encode())
    else:
        digest.update(request._request.body)
    return digest.hexdigest()


def _replayed(answer: IdempotentAnswer) -> Response:
    body = json.loads(answer.body) if answer.body else None
    return Response(
        body,
        status=answer.status,
        headers={"Idempotent-Replayed": "true"},
        content_type=answer.content_type or (CONTENT_TYPE if (answer.status or 0) >= 400 else None),
    )


class OrganizationViewSet(IdempotentWrites, GenericViewSet[Any]):
    """Authenticates, finds ``request.organization`` and ``request.membership``, and asks ``permissions`` for the
    action: a map from action to permission, where a missing entry denies.

    ``parameters`` maps an action to the query parameters it takes, beyond the filters and paging of ``list``.
    """

    permissions: ClassVar[Mapping[str, str]] = {}
    parameters: ClassVar[Mapping[str, frozenset[str]]] = {}
    ordering_fields: ClassVar[tuple[str, ...]] = ()
    ordering: ClassVar[str] = "-created_at"
    filterset_class: Any = None
    filtered_actions: ClassVar[tuple[str, ...]] = ("list",)
    http_method_names = HTTP_METHODS
    metadata_class = None
    schema = ParleyAutoSchema()
    lookup_value_converter = "uuid"
    request: ApiRequest

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if not is_offered(self, request):
            self.http_method_not_allowed(request)
        refuse_unknown_parameters(request, self.known_parameters())
        refuse_malformed_parameters(request, self._filters())
        self.claim_idempotency_key(request)

    def take_no_body(self) -> None:
        """For actions without a body: one that brings fields is refused, not ignored."""
        EmptySerializer(data=self.request.data).is_valid(raise_exception=True)

    def known_parameters(self) -> set[str]:
        known = {*self.parameters.get(self.action or "", ()), *self._filters()}
        if self.action == "list" and self.pagination_class is not None:
            known |= cast("type[CursorPagination]", self.pagination_class).parameters(self)
        return known

    def _filters(self) -> Mapping[str, Any]:
        """The filters that the action takes, by name."""
        if self.filterset_class is None or self.action not in self.filtered_actions:
            return {}
        return cast("Mapping[str, Any]", self.filterset_class.base_filters)
