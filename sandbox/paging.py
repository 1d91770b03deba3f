"""Pages of a list by marks of its rows: new rows at the top shift nothing, deleted ones leave no gap."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple


class Mark(NamedTuple):
    """A row's place in a list, as its platform orders it: by moment, then by age of the row."""

    at: datetime
    pk: int

    def __str__(self) -> str:
        return f"{self.at.isoformat()} {self.pk}"

    @classmethod
    def read(cls, text: str) -> "Mark":
        """Raises ValueError for what is no mark."""
        at, _, pk = text.partition(" ")
        return cls(datetime.fromisoformat(at), int(pk))


class Page(NamedTuple):
    """The primary keys of a page in order, its first and last mark, and whether rows follow it and precede it."""

    pks: list[int]
    first: Mark | None
    last: Mark | None
    has_next: bool
    has_previous: bool


def cut(
    marks: Iterable[Mark],
    size: int,
    *,
    after: Mark | None = None,
    before: Mark | None = None,
    newest_first: bool = True,
) -> Page:
    """At most ``size`` rows that follow ``after``, or the last ones that precede ``before``, in the list's order."""
    rows = sorted(marks, reverse=newest_first)

    def precedes(row: Mark, other: Mark) -> bool:
        return row > other if newest_first else row < other

    if before is not None:
        fitting = [row for row in rows if precedes(row, before)]
        shown = fitting[-size:]
        has_previous, has_next = len(fitting) > size, True
    else:
        fitting = [row for row in rows if after is None or precedes(after, row)]
        shown = fitting[:size]
        has_previous, has_next = after is not None, len(fitting) > size
    first, last = (shown[0], shown[-1]) if shown else (None, None)
    return Page([row.pk for row in shown], first, last, has_next, has_previous)
