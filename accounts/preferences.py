"""What an organization has settled about its posts: the gap between two of one account, and its quiet hours.

Kept in ``Organization.settings["publishing"]`` as ``{"gap_minutes": 10, "quiet_from": "22:00", "quiet_to": "07:00"}``;
what is missing or makes no sense there counts as not set.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction

from accounts.audit import Actor, record_audit
from accounts.models import Organization

GAP_MOST_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Wall times of a zone between which nothing goes out, every day; past midnight when ``end`` is not after ``start``.

    On the day of a clock change they are as long as the clock makes them: a time that is skipped means the moment of the
    change, a start that happens twice the first one, an end that happens twice the second.
    """

    start: time
    end: time
    zone: ZoneInfo

    def end_of(self, moment: datetime) -> datetime | None:
        """When the quiet hours in which ``moment`` (aware) lies are over, aware UTC; None outside of them."""
        today = moment.astimezone(self.zone).date()
        for day in (today - timedelta(days=1), today):
            last = day if self.start < self.end else day + timedelta(days=1)
            begins, ends = self._moment(day, self.start, fold=0), self._moment(last, self.end, fold=1)
            if begins <= moment < ends:
                return ends
        return None

    def _moment(self, day: date, wall: time, *, fold: int) -> datetime:
        wanted = datetime.combine(day, wall)
        early = wanted.replace(tzinfo=self.zone, fold=0).astimezone(UTC)
        late = wanted.replace(tzinfo=self.zone, fold=1).astimezone(UTC)
        if late < early:  # the clocks skip it: of a gap, the second reading lies before it and the first after
            return self._change_between(late, early)
        return late if fold else early

    def _change_between(self, before: datetime, after: datetime) -> datetime:
        """The moment, to the second, at which the zone's distance from UTC changes."""
        old = before.astimezone(self.zone).utcoffset()
        low, high = 0, int((after - before).total_seconds())
        while high - low > 1:
            middle = (low + high) // 2
            if (before + timedelta(seconds=middle)).astimezone(self.zone).utcoffset() == old:
                low = middle
            else:
                high = middle
        return before + timedelta(seconds=high)

    def __str__(self) -> str:
        return f"{self.start:%H:%M}–{self.end:%H:%M}"


@dataclass(frozen=True, slots=True)
class PublishingRules:
    """``gap`` is zero when posts of one account need not keep a distance; ``quiet`` None without quiet hours."""

    gap: timedelta = timedelta()
    quiet: QuietHours | None = None

    @property
    def gap_minutes(self) -> int:
        return int(self.gap.total_seconds() // 60)


def publishing_rules(organization: Organization) -> PublishingRules:
    """What holds for an organization's posts."""
    kept = organization.settings.get("publishing") if isinstance(organization.settings, dict) else None
    if not isinstance(kept, dict):
        return PublishingRules()
    minutes = kept.get("gap_minutes")
    if not isinstance(minutes, int) or isinstance(minutes, bool) or not 0 <= minutes <= GAP_MOST_MINUTES:
        minutes = 0
    start, end = _time(kept.get("quiet_from")), _time(kept.get("quiet_to"))
    quiet = None
    if start is not None and end is not None and start != end:
        quiet = QuietHours(start, end, organization.zone)
    return PublishingRules(timedelta(minutes=minutes), quiet)


def _time(text: Any) -> time | None:
    try:
        return time.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None


@transaction.atomic
def set_publishing_rules(
    organization: Organization,
    *,
    gap_minutes: int,
    quiet_from: time | None,
    quiet_to: time | None,
    by: Actor,
) -> Organization:
    """Settle gap and quiet hours (both times, or None for none). Posts that wait already are judged anew when it is
    their turn. Returns the organization as it is now."""
    if (quiet_from is None) != (quiet_to is None) or (quiet_from is not None and quiet_from == quiet_to):
        raise ValueError("quiet hours have two different ends")
    if not 0 <= gap_minutes <= GAP_MOST_MINUTES:
        raise ValueError("the gap is at most a day")
    row = Organization.objects.select_for_update().get(pk=organization.pk)
    before = publishing_rules(row)
    kept: dict[str, Any] = {"gap_minutes": gap_minutes}
    if quiet_from is not None and quiet_to is not None:
        kept |= {"quiet_from": f"{quiet_from:%H:%M}", "quiet_to": f"{quiet_to:%H:%M}"}
    row.settings = {**(row.settings if isinstance(row.settings, dict) else {}), "publishing": kept}
    row.save(update_fields=["settings"])
    after = publishing_rules(row)
    changes: dict[str, Any] = {}
    if before.gap != after.gap:
        changes["gap_minutes"] = [before.gap_minutes, after.gap_minutes]
    if before.quiet != after.quiet:
        changes["quiet_hours"] = [str(before.quiet or ""), str(after.quiet or "")]
    if changes:
        record_audit("organization.changed", row, by=by, organization=row, changes=changes)
    return row
