"""The audit trail: one function writes it, nothing changes it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any

import structlog
from django.db import models
from django.utils import timezone

from accounts.models import AuditEvent, Organization, User

MASK = "***"
_SECRET_WORDS = ("token", "secret", "password", "key", "verifier", "ciphertext")


class SystemActor:
    """A job of ours rather than a person."""

    def __init__(self, name: str) -> None:
        self.name = name


SYSTEM = SystemActor("system")
Actor = User | SystemActor


_moment: ContextVar[datetime | None] = ContextVar("moment of audit events", default=None)


@contextmanager
def as_of(moment: datetime) -> Iterator[None]:
    """What is recorded inside carries this moment instead of now: the demonstration tells of days before it was made."""
    token = _moment.set(moment)
    try:
        yield
    finally:
        _moment.reset(token)


def _masked(changes: dict[str, Any]) -> dict[str, Any]:
    return {
        name: [MASK if part else part for part in pair] if any(word in name.lower() for word in _SECRET_WORDS) else pair
        for name, pair in changes.items()
    }


def record_audit(
    action: str,
    row: models.Model | None,
    *,
    by: Actor,
    organization: Organization | None = None,
    changes: dict[str, Any] | None = None,
) -> None:
    """Append one event.

    ``action`` is ``object.verb`` ("post.scheduled"); ``changes`` maps a field to ``[before, after]``, where fields that
    hold secrets are masked. The organization is the row's own unless named. Address and request id come from the
    request that is under way.
    """
    context = structlog.contextvars.get_contextvars()
    AuditEvent.objects.create(
        at=_moment.get() or timezone.now(),
        organization_id=organization.pk if organization else getattr(row, "organization_id", None),
        actor_id=by.pk if isinstance(by, User) else None,
        actor_label=by.email if isinstance(by, User) else by.name,
        action=action,
        object_type=row._meta.model_name or "" if row is not None else "",
        object_id=str(row.pk) if row is not None else "",
        object_label=str(row)[:200] if row is not None else "",
        changes=_masked(changes or {}),
        ip=context.get("ip") or None,
        request_id=str(context.get("request_id", ""))[:64],
    )
