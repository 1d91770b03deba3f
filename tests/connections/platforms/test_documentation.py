"""docs/platforms.md says what the platforms declare."""

from pathlib import Path

from connections.capabilities import LABELS
from connections.platforms.base import Can, platforms

PAGE = (Path(__file__).parents[3] / "docs" / "platforms.md").read_text()


def test_the_capability_table_is_the_declared_one() -> None:
    shown = platforms()
    assert f"| capability | {' | '.join(cls.label for cls in shown)} |" in PAGE
    for can in Can:
        cells = ["yes" if can in cls.capabilities else cls.absences.get(can, "–") for cls in shown]
        assert f"| {LABELS[can]} | {' | '.join(cells)} |" in PAGE


def test_the_scopes_are_the_declared_ones() -> None:
    for cls in platforms():
        assert f"| {cls.label} | {' '.join(f'`{scope}`' for scope in cls.scopes)} |" in PAGE


def test_the_limits_are_the_declared_ones() -> None:
    for cls in platforms():
        assert f"{cls.limits.characters:,}" in PAGE
        assert f"{cls.limits.alt_text_characters:,} characters" in PAGE
        assert f"{cls.metrics_batch} posts" in PAGE
