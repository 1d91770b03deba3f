"""Filters of lists. What is not known, and what has another form than the schema says, is an error, not ignored."""

from collections.abc import Collection, Mapping
from typing import Any

from django.db.models import QuerySet
from django_filters import BooleanFilter, ChoiceFilter, IsoDateTimeFilter, MultipleChoiceFilter, UUIDFilter
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request

from accounts.api.shapes import is_id, is_moment


def refuse_unknown_parameters(request: Request, known: Collection[str]) -> None:
    """400 that names every query parameter which the endpoint does not know."""
    unknown = sorted(set(request.query_params) - set(known))
    if unknown:
        offer = f"Supported: {', '.join(sorted(known))}." if known else "No parameters are supported here."
        message = ErrorDetail(f"Unknown parameter. {offer}", code="unknown_parameter")
        raise ValidationError({name: [message] for name in unknown})


def refuse_malformed_parameters(request: Request, filters: Mapping[str, Any]) -> None:
    """400 for a parameter that is given twice, and for a filter's value of another form than the schema says.

    django-filter takes ``owner=`` for no filter, ``is_open=null`` and ``is_open=maybe`` for any, and of two values the
    last: a list that was not narrowed as its caller meant.
    """
    errors = {}
    for name, values in request.query_params.lists():
        one = filters.get(name)
        if len(values) > 1 and not isinstance(one, MultipleChoiceFilter):
            errors[name] = ["Give this parameter once."]
        elif one is not None and (sentence := _malformed(one, values)):
            errors[name] = [sentence]
    if errors:
        raise ValidationError(errors)


def _malformed(one: Any, values: list[str]) -> str:
    if isinstance(one, UUIDFilter) and not all(map(is_id, values)):
        return "An id is needed, such as 01a221c4-81c6-7a6e-9ff3-7b741f952713."
    if isinstance(one, IsoDateTimeFilter) and not all(map(is_moment, values)):
        return "A moment with its zone is needed, such as 2026-12-03T09:00:00Z (write + as %2B)."
    if isinstance(one, BooleanFilter) and not {value.lower() for value in values} <= {"true", "false"}:
        return "true or false is needed."
    if isinstance(one, ChoiceFilter | MultipleChoiceFilter) and "" in values:
        return "Choose a value, or leave the parameter out."
    return ""


class StrictFilterBackend(DjangoFilterBackend):  # type: ignore[misc]  # django-filter is not typed
    """django-filter over the view's ``filterset_class``, for its ``filtered_actions``; a malformed value is a 400."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: Any) -> QuerySet[Any]:
        if getattr(view, "action", None) not in getattr(view, "filtered_actions", ()):
            return queryset
        filtered: QuerySet[Any] = super().filter_queryset(request, queryset, view)
        return filtered
