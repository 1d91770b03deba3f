"""What answers say of rate limits: the headers of X, Mastodon and Meta, and Retry-After. Names are in lower case."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from connections.times import parse_time


@dataclass
class Rate:
    """What the last answer said of the caller's rate budget; None where it said nothing. ``resets_at`` aware UTC.
    ``used_percent`` is Meta's way of telling."""

    limit: int | None = None
    remaining: int | None = None
    resets_at: datetime | None = None
    used_percent: int | None = None


def read_rate(headers: Mapping[str, str], *, now: datetime) -> Rate:
    """What an answer that came ``now`` says of the budget."""
    return Rate(
        limit=_whole(headers.get("x-rate-limit-limit") or headers.get("x-ratelimit-limit")),
        remaining=_whole(headers.get("x-rate-limit-remaining") or headers.get("x-ratelimit-remaining")),
        resets_at=_reset_of(headers, now=now),
        used_percent=max((use for use, _wait in _usages(headers)), default=None),
    )


def retry_at(headers: Mapping[str, str], *, now: datetime) -> datetime | None:
    """When a rate limit opens, as told by Retry-After, the rate headers or Meta's usage headers; None: not told."""
    if value := headers.get("retry-after", "").strip():
        if _is_number(value) and len(value) < 8:
            return now + timedelta(seconds=int(value))
        try:
            return _by_our_clock(parsedate_to_datetime(value).astimezone(UTC), headers, now=now)
        except (ValueError, OverflowError):
            pass
    if (reset := _reset_of(headers, now=now)) is not None:
        return reset
    waits = [wait for _use, wait in _usages(headers) if wait]
    return now + timedelta(minutes=max(waits)) if waits else None


def _reset_of(headers: Mapping[str, str], *, now: datetime) -> datetime | None:
    """x-rate-limit-reset (epoch seconds, X) or X-RateLimit-Reset (ISO time, Mastodon; epoch or seconds elsewhere)."""
    value = (headers.get("x-rate-limit-reset") or headers.get("x-ratelimit-reset") or "").strip()
    if _is_number(value) and len(value) < 12:
        seconds = int(value)
        if seconds <= 10**9:
            return now + timedelta(seconds=seconds)
        return _by_our_clock(datetime.fromtimestamp(seconds, UTC), headers, now=now)
    moment = parse_time(value)
    return None if moment is None else _by_our_clock(moment, headers, now=now)


def _by_our_clock(moment: datetime, headers: Mapping[str, str], *, now: datetime) -> datetime:
    """A moment of the server's clock as one of ours: as far from ``now`` as it is from the answer's own Date. A clock that
    is some minutes off would otherwise end a wait too early, or prolong it."""
    try:
        answered = parsedate_to_datetime(headers.get("date", "")).astimezone(UTC)
        return now + (moment - answered)
    except (ValueError, OverflowError):
        return moment  # no Date, or none that can be read


def _usages(headers: Mapping[str, str]) -> list[tuple[int, float]]:
    """Meta's X-App-Usage and X-Business-Use-Case-Usage: (percent used, minutes until access is regained)."""
    found: list[tuple[int, float]] = []
    for name in ("x-app-usage", "x-page-usage", "x-business-use-case-usage"):
        try:
            usage = json.loads(headers.get(name) or "null")
        except ValueError:
            continue
        entries = [usage] if isinstance(usage, dict) else []
        if name == "x-business-use-case-usage" and isinstance(usage, dict):
            entries = [entry for entries in usage.values() if isinstance(entries, list) for entry in entries]
        for entry in entries:
            if isinstance(entry, dict):
                uses = [entry.get(key) for key in ("call_count", "total_time", "total_cputime")]
                percent = max((int(use) for use in uses if isinstance(use, (int, float))), default=0)
                wait = entry.get("estimated_time_to_regain_access")
                found.append((percent, float(wait) if isinstance(wait, (int, float)) else 0.0))
    return found


def _is_number(text: str) -> bool:
    """Whether a header is made of the digits 0 to 9: others ("²") are digits too, and no numbers."""
    return text.isascii() and text.isdigit()


def _whole(value: str | None) -> int | None:
    """A count of a header; None for none, and for one that no database column holds."""
    text = (value or "").strip()
    return int(text) if _is_number(text) and len(text) < 10 else None
