"""What each call asks and writes in SQL by hand: the ORM compiled it anew every time, which took longer than running it."""

from datetime import UTC, datetime
from typing import Any

from django.db import connection

CALLS = (
    "SELECT count(*), min(created_at) FROM sandbox_call"
    " WHERE platform = %s AND subject = %s AND created_at > %s AND status <> 429 AND status < 500"
)
POSTS = "SELECT count(*), max(created_at) FROM sandbox_post WHERE account_id = %s AND deleted_at IS NULL"
HITS = "UPDATE sandbox_fault SET hits = hits + 1 WHERE id = %s"


def ask(statement: str, *parameters: Any) -> tuple[int, datetime | None]:
    """A count and a moment; None when nothing was counted."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        count, moment = cursor.fetchone()
    if isinstance(moment, str):  # SQLite keeps moments as text, in UTC
        moment = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    return count, moment


def count_calls(platform: str, subject: str, *, since: datetime, endpoint: str | None) -> tuple[int, datetime | None]:
    """How many calls of an account count for its limits since a moment, and when the first of them came.

    ``endpoint`` None: those of every endpoint. Calls that were answered with 429 or 5xx do not count.
    """
    parameters = [platform, subject, connection.ops.adapt_datetimefield_value(since)]
    if endpoint is None:
        return ask(CALLS, *parameters)
    return ask(f"{CALLS} AND endpoint = %s", *parameters, endpoint)


def count_posts(account_id: int) -> tuple[int, datetime | None]:
    """How many posts of an account are there, and when the latest came."""
    return ask(POSTS, account_id)


def count_hits(fault_ids: list[int]) -> None:
    """One more hit for each of these faults."""
    with connection.cursor() as cursor:
        cursor.executemany(HITS, [(fault_id,) for fault_id in fault_ids])
