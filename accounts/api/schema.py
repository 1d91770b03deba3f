"""How the endpoints are described in OpenAPI."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from rest_framework import serializers

from accounts.api.shapes import pattern_of


class ProblemEntry(serializers.Serializer[Any]):
    """Something that stands between a draft and its platform."""

    code = serializers.CharField()
    message = serializers.CharField()
    field = serializers.CharField()
    blocking = serializers.BooleanField()
    connection = serializers.CharField(required=False)


class Problem(serializers.Serializer[Any]):
    """A refusal, as in RFC 9457."""

    type = serializers.CharField(help_text="urn:parley:problem:<code>")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="Human-readable summary.")
    code = serializers.CharField(help_text="Stable error code for programs.")
    errors = serializers.DictField(  # type: ignore[assignment]  # a member of the document, not the property
        child=serializers.ListField(child=serializers.CharField()), required=False, help_text="Messages by field."
    )
    problems = ProblemEntry(many=True, required=False)


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # drf-spectacular is half typed
    target_class = "accounts.api.authentication.BearerAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


class ParleyAutoSchema(AutoSchema):
    """Adds what all endpoints share: the headers they take and the refusals they give."""

    def get_override_parameters(self) -> list[Any]:
        from drf_spectacular.types import OpenApiTypes
        from drf_spectacular.utils import OpenApiParameter

        shared = []
        if self._is_of_organization():
            shared.append(
                OpenApiParameter(
                    "X-Organization", OpenApiTypes.STR, OpenApiParameter.HEADER,
                    description="ID or short name of the organization. Required if you belong to several.",
                )
            )  # fmt: skip
            if self.method != "GET":
                shared.append(
                    OpenApiParameter(
                        "Idempotency-Key", OpenApiTypes.STR, OpenApiParameter.HEADER,
                        description="Repeating a request with the same key and body within 24 hours returns the first response.",
                    )
                )  # fmt: skip
        return shared + list(super().get_override_parameters())

    def _map_serializer(self, serializer: Any, direction: Any, bypass_extensions: bool = False) -> Any:
        described = super()._map_serializer(serializer, direction, bypass_extensions)  # type: ignore[no-untyped-call]
        for name, field in getattr(serializer, "fields", {}).items():
            self._tell_text(field, described.get("properties", {}).get(name, {}), direction)
        if (
            direction == "request"
            and getattr(serializer, "refuses_unknown_fields", False)
            and "properties" in described
        ):
            described["additionalProperties"] = False
            if serializer.least_fields:
                described["minProperties"] = serializer.least_fields
        return described

    def _tell_text(self, field: Any, described: Any, direction: Any) -> None:
        """What a text must look like belongs to what is sent: rows may be older than a rule."""
        if isinstance(field, serializers.ListField):
            self._tell_text(field.child, described.get("items", {}), direction)
        elif isinstance(field, serializers.CharField) and direction == "response":
            described |= next(iter(described.pop("oneOf", ())), {})
            described.pop("pattern", None)
        elif not {"pattern", "format", "enum", "oneOf"} & set(described) and (pattern := pattern_of(field)) is not None:
            described["pattern"] = pattern

    def _is_of_organization(self) -> bool:
        return hasattr(self.view, "permissions")

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        answers: dict[str, Any] = super()._get_response_bodies(direction)
        codes = ["400", "401", "403", "406", "429"]
        if "{" in self.path:
            codes.append("404")
        if self.method != "GET":
            codes += ["409", "413", "415"]
        if self._is_of_organization():
            codes.append("422")
            if self.method != "GET" and "/social/" in self.path:
                codes.append("502")
        for code in codes:
            if code not in answers:
                media_types = ["application/problem+json"]
                answers[code] = self._get_response_for_code(Problem, code, media_types, direction)  # type: ignore[no-untyped-call]
        return answers
