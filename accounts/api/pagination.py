"""Lists in pages that stay right while rows come and go."""

import base64
import binascii
import json
from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db.models import F, Model, Q
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from accounts.api.shapes import CONTRADICTION

PAGE_DEFAULT = 50
PAGE_MOST = 200


class CursorPagination(BasePagination):
    """``{next, previous, results}``. A cursor names the row at a page's edge by its ordering value and id, so that
    inserted or deleted rows shift no page, and rows without a value (which come last) are found like any other.

    The view says ``ordering`` (one field, "-" for descending; "-created_at" when it does not) and
    ``ordering_fields``, from which callers may choose with ``?ordering=``.
    """

    cursor_parameter = "cursor"
    limit_parameter = "limit"
    ordering_parameter = "ordering"

    def __init__(self) -> None:
        self.next_link: str | None = None
        self.previous_link: str | None = None

    @classmethod
    def parameters(cls, view: Any) -> set[str]:
        """The query parameters that a list of this view takes for paging."""
        names = {cls.cursor_parameter, cls.limit_parameter}
        return names | {cls.ordering_parameter} if getattr(view, "ordering_fields", ()) else names

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        limit = self._limit(request)
        ordering = self._ordering(request, view)
        name, descending = ordering.lstrip("-"), ordering.startswith("-")
        cursor = self._cursor(request, queryset.model, name)
        backwards = cursor is not None and cursor[0]
        rows = queryset.order_by(*_order(name, descending, backwards=backwards))
        if cursor is not None:
            rows = rows.filter(_beyond(name, cursor[1], cursor[2], descending=descending, backwards=backwards))
        page = list(rows[: limit + 1])
        more = len(page) > limit
        page = page[:limit]
        if backwards:
            page.reverse()
        address = request.build_absolute_uri()
        if page and (more if not backwards else True):
            self.next_link = replace_query_param(address, self.cursor_parameter, _encode(page[-1], name, back=False))
        if page and (more if backwards else cursor is not None):
            self.previous_link = replace_query_param(address, self.cursor_parameter, _encode(page[0], name, back=True))
        return page

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"next": self.next_link, "previous": self.previous_link, "results": data})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {"next": link, "previous": link, "results": schema},
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        parameters: list[dict[str, Any]] = [
            {
                "name": self.cursor_parameter, "in": "query", "required": False, "schema": {"type": "string"},
                "description": "Position of a page, taken from `next` or `previous`.",
            },
            {
                "name": self.limit_parameter, "in": "query", "required": False,
                "schema": {"type": "integer", "minimum": 1, "maximum": PAGE_MOST, "default": PAGE_DEFAULT},
                "description": "Results per page.",
            },
        ]  # fmt: skip
        if fields := getattr(view, "ordering_fields", ()):
            choices = [sign + field for field in fields for sign in ("", "-")]
            parameters.append({
                "name": self.ordering_parameter, "in": "query", "required": False,
                "schema": {"type": "string", "enum": choices}, "description": "- for descending.",
            })  # fmt: skip
        return parameters

    def _limit(self, request: Request) -> int:
        text = request.query_params.get(self.limit_parameter)
        if text is None:
            return PAGE_DEFAULT
        if not (text.isascii() and text.isdigit() and len(text) < 5 and 1 <= int(text) <= PAGE_MOST):
            raise ValidationError({self.limit_parameter: [f"Must be a whole number from 1 to {PAGE_MOST}."]})
        return int(text)

    def _ordering(self, request: Request, view: Any) -> str:
        asked = request.query_params.get(self.ordering_parameter)
        usual: str = getattr(view, "ordering", "-created_at")
        if asked is None:
            return usual
        fields = getattr(view, "ordering_fields", ())
        if asked.removeprefix("-") not in fields:
            raise ValidationError({self.ordering_parameter: [f"One of {', '.join(fields)}, with - for descending."]})
        return asked

    def _cursor(self, request: Request, model: type[Model], name: str) -> tuple[bool, Any, Any] | None:
        text = request.query_params.get(self.cursor_parameter)
        if text is None:
            return None
        try:
            raw = base64.urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4))
            of, back, value, row_id = json.loads(raw)
            if of != name or not isinstance(back, bool) or isinstance(value, dict | list):
                raise ValueError("a cursor from another list")
            value = model._meta.get_field(name).to_python(value)  # type: ignore[union-attr]
            row_id = model._meta.pk.to_python(row_id)
            if row_id is None or (isinstance(value, str) and "\x00" in value.encode().decode()):
                raise ValueError("no row, or a value that none has")
        except (ValueError, TypeError, OverflowError, binascii.Error, UnicodeError, DjangoValidationError) as error:
            message = "This cursor is not valid for this list."
            raise ValidationError({self.cursor_parameter: [message]}, code=CONTRADICTION) from error
        return back, value, row_id


def _order(name: str, descending: bool, *, backwards: bool) -> list[Any]:
    if name in {"pk", "id"}:
        return ["-pk" if descending != backwards else "pk"]
    if descending != backwards:
        value = F(name).desc(nulls_first=True) if backwards else F(name).desc(nulls_last=True)
        return [value, "-pk"]
    value = F(name).asc(nulls_first=True) if backwards else F(name).asc(nulls_last=True)
    return [value, "pk"]


def _beyond(name: str, value: Any, row_id: Any, *, descending: bool, backwards: bool) -> Q:
    """The rows after (or, backwards, before) one row; rows without a value stand last."""
    side = "lt" if descending != backwards else "gt"
    if name in {"pk", "id"}:
        return Q(**{f"pk__{side}": row_id})
    if value is None:
        same = Q(**{f"{name}__isnull": True, f"pk__{side}": row_id})
        return same | Q(**{f"{name}__isnull": False}) if backwards else same
    further = Q(**{f"{name}__{side}": value}) | Q(**{name: value, f"pk__{side}": row_id})
    return further if backwards else further | Q(**{f"{name}__isnull": True})


def _encode(row: Model, name: str, *, back: bool) -> str:
    value = getattr(row, name)
    if value is not None and not isinstance(value, int | str | float):
        value = value.isoformat() if hasattr(value, "isoformat") else str(value)
    text = json.dumps([name, back, value, str(row.pk)], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
