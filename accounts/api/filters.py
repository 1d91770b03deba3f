"""Filters of lists. What is not known is an error, not ignored."""

from collections.abc import Collection
from typing import Any

from django.db.models import QuerySet
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request


def refuse_unknown_parameters(request: Request, known: Collection[str]) -> None:
    """400 that names every query parameter which the endpoint does not know."""
    unknown = sorted(set(request.query_params) - set(known))
    if unknown:
        offer = f"Known here: {', '.join(sorted(known))}." if known else "There are none here."
        message = ErrorDetail(f"Unknown parameter. {offer}", code="unknown_parameter")
        raise ValidationError({name: [message] for name in unknown})


class StrictFilterBackend(DjangoFilterBackend):  # type: ignore[misc]  # django-filter is not typed
    """django-filter over the view's ``filterset_class``, for lists alone; a malformed value is a 400."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: Any) -> QuerySet[Any]:
        if getattr(view, "action", None) != "list":
            return queryset
        filtered: QuerySet[Any] = super().filter_queryset(request, queryset, view)
        return filtered
