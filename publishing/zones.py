"""Wall time of an organization to UTC, with the two hours a year that need a decision."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from accounts.errors import DomainError

YEARS = range(2000, 2101)
"""In which posts stand: far from the ends of the calendar, where zones run out of dates."""


class NonexistentTime(DomainError):
    """The clocks skip this time. ``before`` and ``after`` are the nearest wall times that exist (naive)."""

    code = "nonexistent_time"
    http_status = 422

    def __init__(self, wanted: datetime, before: datetime, after: datetime) -> None:
        self.before, self.after = before, after
        super().__init__(
            f"{wanted:%H:%M} does not exist on {wanted:%-d %B %Y}: the clocks go forward. "
            f"Choose {before:%H:%M} or {after:%H:%M}.",
            field="at",
        )


class AmbiguousTime(DomainError):
    """The clocks pass this time twice. ``first`` and ``second`` are the two moments (aware UTC)."""

    code = "ambiguous_time"
    http_status = 422

    def __init__(self, wanted: datetime, first: datetime, second: datetime) -> None:
        self.first, self.second = first, second
        super().__init__(
            f"{wanted:%H:%M} happens twice on {wanted:%-d %B %Y}: the clocks go back. "
            "Choose the first time or the second.",
            field="at",
        )


class ImplausibleTime(DomainError):
    """A year that nobody means, and that cannot be turned into every zone."""

    code = "implausible_time"
    http_status = 422

    def __init__(self) -> None:
        super().__init__(f"Choose a date between {YEARS[0]} and {YEARS[-1]}.", field="at")


def local_to_utc(wanted: datetime, zone: ZoneInfo, *, fold: int | None = None) -> datetime:
    """A naive wall time in a zone as aware UTC.

    ``fold`` decides a time that happens twice: 0 the first, 1 the second, None refuses it.
    Raises NonexistentTime, AmbiguousTime and ImplausibleTime.
    """
    if wanted.year not in YEARS:
        raise ImplausibleTime
    first = wanted.replace(tzinfo=zone, fold=0)
    second = wanted.replace(tzinfo=zone, fold=1)
    if first.utcoffset() == second.utcoffset():
        return first.astimezone(UTC)
    as_first, as_second = first.astimezone(UTC), second.astimezone(UTC)
    if as_first.astimezone(zone).replace(tzinfo=None, fold=0) != wanted.replace(fold=0):
        # In the gap the two readings lie on either side of it: the later offset's reading ends just before the jump.
        jump = as_second.astimezone(zone).utcoffset(), as_first.astimezone(zone).utcoffset()
        size = abs((jump[0] or timedelta()) - (jump[1] or timedelta()))
        raise NonexistentTime(wanted, wanted - size, wanted + size)
    if fold is None:
        raise AmbiguousTime(wanted, as_first, as_second)
    return (second if fold else first).astimezone(UTC)
