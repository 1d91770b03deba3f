"""The audit trail in people's words: what was done, to what, and what changed, in the zone of whoever reads.

The trail itself keeps the machine's form (``post.scheduled``, column names, UTC), which never changes. Each app registers
the words of its own actions; names and values of columns come from the models.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.audit import MASK, SYSTEM
from accounts.models import AuditEvent

type Words = str | Promise

_actions: dict[str, Words] = {
    "audit.exported": gettext_lazy("Exported"),
    "encryption.rotated": gettext_lazy("Encryption key rotated"),
    "help.requested": gettext_lazy("Asked colleagues for help"),
    "invitation.accepted": gettext_lazy("Accepted"),
    "invitation.created": gettext_lazy("Invited"),
    "invitation.resent": gettext_lazy("Resent"),
    "invitation.revoked": gettext_lazy("Revoked"),
    "member.added": gettext_lazy("Added"),
    "member.removed": gettext_lazy("Removed"),
    "member.role_changed": gettext_lazy("Role changed"),
    "organization.changed": gettext_lazy("Settings changed"),
    "organization.created": gettext_lazy("Created"),
    "person.changed": gettext_lazy("Profile changed"),
    "person.sign_in_refused": gettext_lazy("Sign-in refused"),
    "person.signed_in": gettext_lazy("Signed in"),
    "person.signed_out": gettext_lazy("Signed out"),
    "person.token_issued": gettext_lazy("API session started"),
    "person.token_reused": gettext_lazy("API session ended because a used refresh token was sent again"),
    "person.token_revoked": gettext_lazy("API session ended"),
}
_names: dict[str, Words] = {
    "gap_minutes": gettext_lazy("minimum minutes between posts"),
    "is_valid": gettext_lazy("access valid"),
    "quiet_hours": gettext_lazy("quiet hours"),
    "reason": gettext_lazy("reason"),
}
"""What changes and is no column."""


def register_actions(words: Mapping[str, Words]) -> None:
    """Make the words of an app's actions known, by the action's name ("post.scheduled")."""
    _actions.update(words)


def words_of_action(action: str) -> str:
    """ "Published immediately" for ``post.sent_now``; what nobody registered is made readable."""
    return str(_actions.get(action) or capfirst(action.rpartition(".")[2].replace("_", " ")))


def actions_like(typed: str) -> list[str]:
    """The actions whose words hold what a person typed."""
    return [action for action, words in _actions.items() if typed.casefold() in str(words).casefold()]


def kinds_like(typed: str) -> list[str]:
    """The kinds of things that a person calls so: ``socialpost`` for "post"."""
    names = {model._meta.model_name or "": str(model._meta.verbose_name) for model in apps.get_models()}
    return [kind for kind, name in names.items() if typed.casefold() == name.casefold()]


def words_of_actor(event: AuditEvent) -> str:
    """Who did it: an address, or Parley itself."""
    return "Parley" if event.actor_id is None and event.actor_label == SYSTEM.name else event.actor_label


@cache
def _model(object_type: str) -> type[models.Model] | None:
    return next((model for model in apps.get_models() if model._meta.model_name == object_type), None)


def words_of_kind(object_type: str) -> str:
    """ "Post" for ``socialpost``; "" for nothing."""
    model = _model(object_type)
    return str(capfirst(model._meta.verbose_name if model else object_type))


@dataclass(frozen=True)
class Change:
    """One change for people; ``before`` and ``after`` are "" for nothing."""

    label: str
    before: str
    after: str


def changes_in_words(event: AuditEvent) -> list[Change]:
    """What an event changed, times in the current zone. An error's code is left out beside its sentence."""
    model = _model(event.object_type)
    told = []
    for name, (before, after) in _pairs(event.changes):
        if name == "error_code" and "error_message" in event.changes:
            continue
        field = _field(model, name)
        label = _names.get(name) or (field.verbose_name if field else name.replace("_", " "))
        told.append(Change(str(capfirst(str(label))), _value(before, field), _value(after, field)))
    return told


def _pairs(changes: Any) -> Iterable[tuple[str, tuple[Any, Any]]]:
    for name, pair in changes.items() if isinstance(changes, dict) else ():
        if isinstance(pair, list) and len(pair) == 2:
            yield name, (pair[0], pair[1])


def _field(model: type[models.Model] | None, name: str) -> "models.Field[Any, Any] | None":
    try:
        field = model._meta.get_field(name) if model else None
    except FieldDoesNotExist:
        return None
    return field if isinstance(field, models.Field) else None


def _value(value: Any, field: "models.Field[Any, Any] | None") -> str:
    if value is None or value in ("", [], {}):
        return ""
    if value == MASK:
        return _("hidden")
    if isinstance(value, bool) or (isinstance(field, models.BooleanField) and value in ("True", "False")):
        return _("yes") if value in (True, "True") else _("no")
    if field is not None and field.choices:
        return str(dict(field.flatchoices).get(value, value))
    if isinstance(value, str):
        return _moment(value, field)
    if isinstance(value, list):
        return ", ".join(filter(None, (_value(part, None) for part in value)))
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_value(part, None)}" for name, part in value.items())
    return str(value)


def _moment(text: str, field: "models.Field[Any, Any] | None") -> str:
    """A time or a day as people write it; every other text as it is."""
    try:
        if isinstance(field, models.DateTimeField) or (field is None and "T" in text[10:11]):
            moment = parse_datetime(text)
            return _local(moment) if moment else text
        if isinstance(field, models.DateField):
            day: date | None = parse_date(text)
            return date_format(day, "j M Y") if day else text
    except ValueError:
        pass
    return text


def _local(moment: datetime) -> str:
    return date_format(timezone.localtime(moment) if timezone.is_aware(moment) else moment, "j M Y, H:i")
