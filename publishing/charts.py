"""Line charts as numbers for an SVG: the template only writes them down. No script, no inline style."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

WIDTH, HEIGHT = 640, 180
LEFT, RIGHT, TOP, BOTTOM = 44, 8, 10, 22
STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True)
class Chart:
    """``line`` and ``area`` are path data, ``grid`` pairs of (y, label), ``first`` and ``last`` the moments at the ends."""

    line: str
    area: str
    grid: tuple[tuple[float, str], ...]
    last_x: float
    last_y: float
    first: datetime
    last: datetime
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    bottom: int = HEIGHT - BOTTOM


def line_chart(points: Sequence[tuple[datetime, int]]) -> Chart | None:
    """A chart of values over time, from zero up; None for fewer than two points, which make no line."""
    if len(points) < 2 or points[0][0] == points[-1][0]:
        return None
    first, last = points[0][0], points[-1][0]
    length = (last - first).total_seconds()
    top = _ceiling(max(value for _, value in points))

    def place(at: datetime, value: int) -> tuple[float, float]:
        x = LEFT + (WIDTH - LEFT - RIGHT) * (at - first).total_seconds() / length
        y = HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / top
        return round(x, 1), round(y, 1)

    placed = [place(at, value) for at, value in points]
    line = "M" + " L".join(f"{x} {y}" for x, y in placed)
    floor = HEIGHT - BOTTOM
    area = f"{line} L{placed[-1][0]} {floor} L{placed[0][0]} {floor} Z"
    grid = tuple((place(first, value)[1], short_number(value)) for value in (0, top // 2, top))
    return Chart(line, area, grid, placed[-1][0], placed[-1][1], first, last)


def _ceiling(value: int) -> int:
    """The smallest round and even number that is not below a value: 2, 4, 10, 20, 50..."""
    size = 2
    while True:
        for step in STEPS:
            rounded = int(size * step)
            if rounded >= value and rounded % 2 == 0:
                return rounded
        size *= 10


def short_number(value: float) -> str:
    """``950``, ``1.2k``, ``3.4M``."""
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if value >= size:
            return f"{value / size:.1f}".removesuffix(".0") + letter
    return f"{value:.0f}"
