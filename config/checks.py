"""What no installation may start with."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import DatabaseError


@register(Tags.database)
def check_no_demonstration_in_earnest(*, databases: Sequence[str] | None = None, **_options: Any) -> list[CheckMessage]:
    """config.E001: everybody knows the passwords of the demonstration's people, so they exist beside the sandbox alone.

    Runs with ``migrate``, and with ``check --database default``.
    """
    if settings.SANDBOX or not databases or "default" not in databases:
        return []
    from accounts.models import User
    from config.demo.content import CLUBS

    addresses = [person.email for club in CLUBS for person in club.people]
    try:
        found = User.objects.filter(email__in=addresses, is_active=True).count()
    except DatabaseError:
        return []  # before the first migration
    if not found:
        return []
    return [
        Error(
            f"This database holds {found} demo accounts with a public password, and SANDBOX is off.",
            hint="Start with an empty database (another DATA_DIR or DATABASE_URL), or set SANDBOX=1.",
            id="config.E001",
        )
    ]
