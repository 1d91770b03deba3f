"""Which JSON a field takes: what the schema says of it and nothing else.

DRF's fields are lenient: a number passes for a text, ``"yes"`` for true, ``""`` for no reference, a UUID may lack its
hyphens. A caller whose program sends such a thing has a fault that should be seen. ``refusal_of`` looks at the value as
it came, before the field reads it; ``pattern_of`` tells the schema what the same rules demand of a text.
"""

import re
from typing import Any

from django.core.validators import RegexValidator
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from accounts.text import BLANK

WALL_TIME = r"^([01][0-9]|2[0-3]):[0-5][0-9](:00)?$"
NO_BLANK_TEXT = rf"[^{BLANK}]".replace(r"\x", r"\u00")

CONTRADICTION = "contradiction"
"""Code of an error in a body or a parameter that has the form which the schema describes, and cannot hold all the same."""

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)?", re.ASCII)

_WALL_TIME = re.compile(WALL_TIME)

_FORMS: list[tuple[Any, re.Pattern[str], str]] = [
    (serializers.PrimaryKeyRelatedField, _UUID, "An id is needed, such as 01a221c4-81c6-7a6e-9ff3-7b741f952713."),
    (serializers.UUIDField, _UUID, "An id is needed, such as 01a221c4-81c6-7a6e-9ff3-7b741f952713."),
    (serializers.DateTimeField, _MOMENT, "A moment is needed, such as 2026-12-03T09:00:00Z."),
    (serializers.DateField, _DAY, "A day is needed, such as 2026-12-03."),
    (serializers.TimeField, _WALL_TIME, "A time of day is needed, such as 07:30."),
]


def refusal_of(field: Any, value: Any) -> Any:
    """Why the schema refuses this value for the field, as the detail of a ValidationError; None when it does not.

    Numbers' ranges, choices and the like are left to the field itself. Serializers within look after themselves.
    """
    if value is None or isinstance(field, serializers.BaseSerializer | serializers.FileField):
        return None
    if isinstance(field, serializers.ListField | serializers.ManyRelatedField):
        return _refusal_of_list(field, value)
    if isinstance(field, serializers.BooleanField):
        return None if isinstance(value, bool) else _refused("True or false is needed.")
    if isinstance(field, serializers.IntegerField):
        return None if _is_whole(value) else _refused("A whole number is needed.")
    if isinstance(field, serializers.DictField | serializers.JSONField):
        return None
    if not isinstance(value, str):
        return _refused("A text is needed.")
    for kind, form, sentence in _FORMS:
        if isinstance(field, kind):
            return None if form.fullmatch(value) else _refused(sentence)
    return _refusal_of_text(field, value) if isinstance(field, serializers.CharField) else None


def is_id(text: str) -> bool:
    return _UUID.fullmatch(text) is not None


def is_day(text: str) -> bool:
    return _DAY.fullmatch(text) is not None


def is_moment(text: str) -> bool:
    """With its zone."""
    found = _MOMENT.fullmatch(text)
    return found is not None and found.group(2) is not None


def _refused(sentence: str) -> list[ErrorDetail]:
    return [ErrorDetail(sentence, code="invalid")]


def _is_whole(value: Any) -> bool:
    return (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, float) and value.is_integer())


def _refusal_of_list(field: Any, value: Any) -> Any:
    if not isinstance(value, list):
        return _refused("A list is needed.")
    child = field.child if isinstance(field, serializers.ListField) else field.child_relation
    found = {}
    for position, item in enumerate(value):
        detail = _refused("A value is needed.") if item is None and not child.allow_null else refusal_of(child, item)
        if detail is not None:
            found[str(position)] = detail
    return found or None


def _refusal_of_text(field: serializers.CharField, value: str) -> list[ErrorDetail] | None:
    """The field trims before it measures; what came is measured here. An empty text is the field's own affair."""
    if not value:
        return None
    if "\x00" in value:
        return [ErrorDetail("The character NUL cannot be stored.", code=CONTRADICTION)]
    if field.max_length is not None and len(value) > field.max_length:
        return _refused(f"At most {field.max_length} characters.")
    for validator in field.validators:
        if isinstance(validator, RegexValidator) and not re.search(validator.regex, value):
            return _refused(str(validator.message))
    return None


def pattern_of(field: Any) -> str | None:
    """What a text must look like when its validators say nothing of it. None: any text will do."""
    if not isinstance(field, serializers.CharField) or field.allow_blank or not field.trim_whitespace:
        return None
    return NO_BLANK_TEXT
