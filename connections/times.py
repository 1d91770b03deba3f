"""Times as platforms tell them, as aware UTC."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils.dateparse import parse_datetime


def parse_time(value: Any) -> datetime | None:
    """An ISO 8601 time of an answer as aware UTC (also "+0000" without a colon); None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        moment = parse_datetime(value)
        if moment is None:
            return None
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):  # no time, or one beyond the calendar
        return None


def expiry(seconds: Any, *, now: datetime) -> datetime | None:
    """``expires_in`` of a token answer as a moment; None when it is absent or no positive number."""
    try:
        life_s = float(seconds)
    except (TypeError, ValueError):
        return None
    return now + timedelta(seconds=life_s) if 0 < life_s < 10**10 else None
