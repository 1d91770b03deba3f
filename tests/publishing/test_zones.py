"""Wall time to UTC, and the two hours a year that need a decision."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from publishing.zones import AmbiguousTime, NonexistentTime, local_to_utc

LISBON = ZoneInfo("Europe/Lisbon")


def test_an_ordinary_time_is_the_zones_own() -> None:
    assert local_to_utc(datetime(2026, 7, 1, 18, 0), LISBON) == datetime(2026, 7, 1, 17, 0, tzinfo=UTC)
    assert local_to_utc(datetime(2026, 12, 1, 18, 0), LISBON) == datetime(2026, 12, 1, 18, 0, tzinfo=UTC)


def test_a_time_that_the_clocks_skip_is_refused_with_its_neighbours() -> None:
    with pytest.raises(NonexistentTime, match=r"01:30 does not exist on 28 March 2027.*Choose 00:30 or 02:30"):
        local_to_utc(datetime(2027, 3, 28, 1, 30), LISBON)


def test_a_time_that_happens_twice_asks_which_one() -> None:
    with pytest.raises(AmbiguousTime) as caught:
        local_to_utc(datetime(2026, 10, 25, 1, 30), LISBON)
    assert caught.value.first == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert caught.value.second == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(("fold", "hour"), [(0, 0), (1, 1)])
def test_a_decided_fold_gives_that_moment(fold: int, hour: int) -> None:
    assert local_to_utc(datetime(2026, 10, 25, 1, 30), LISBON, fold=fold) == datetime(
        2026, 10, 25, hour, 30, tzinfo=UTC
    )


def test_a_move_across_daylight_saving_keeps_the_time_of_day() -> None:
    assert local_to_utc(datetime(2027, 3, 27, 18, 0), LISBON) == datetime(2027, 3, 27, 18, 0, tzinfo=UTC)
    sunday = local_to_utc(datetime(2027, 3, 28, 18, 0), LISBON)
    assert sunday.astimezone(LISBON).strftime("%H:%M") == "18:00"
    assert sunday == datetime(2027, 3, 28, 17, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "wanted", "utc"),
    [
        ("Asia/Kathmandu", datetime(2026, 6, 1, 9, 0), datetime(2026, 6, 1, 3, 15, tzinfo=UTC)),
        ("Australia/Lord_Howe", datetime(2026, 1, 15, 9, 0), datetime(2026, 1, 14, 22, 0, tzinfo=UTC)),
        ("America/St_Johns", datetime(2026, 1, 15, 9, 0), datetime(2026, 1, 15, 12, 30, tzinfo=UTC)),
    ],
)
def test_zones_with_odd_offsets(zone: str, wanted: datetime, utc: datetime) -> None:
    assert local_to_utc(wanted, ZoneInfo(zone)) == utc
