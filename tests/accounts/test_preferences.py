"""Quiet hours mean wall time, also on the nights when the clocks change; what an organization settles is audited."""

from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from accounts.models import AuditEvent, Organization
from accounts.preferences import PublishingRules, QuietHours, publishing_rules
from tests.api.client import ApiClient

LISBON = ZoneInfo("Europe/Lisbon")
NIGHT = QuietHours(time(22), time(7), LISBON)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_quiet_hours_pass_midnight() -> None:
    assert NIGHT.end_of(utc("2026-12-09T21:59:59")) is None
    assert NIGHT.end_of(utc("2026-12-09T22:00")) == utc("2026-12-10T07:00")
    assert NIGHT.end_of(utc("2026-12-10T06:59:59")) == utc("2026-12-10T07:00")
    assert NIGHT.end_of(utc("2026-12-10T07:00")) is None


def test_quiet_hours_within_a_day() -> None:
    noon = QuietHours(time(12), time(13, 30), LISBON)
    assert noon.end_of(utc("2026-12-09T12:10")) == utc("2026-12-09T13:30")
    assert noon.end_of(utc("2026-12-09T22:00")) is None


@pytest.mark.parametrize(
    ("evening", "end"),
    [("2026-03-28T23:00", "2026-03-29T06:00"), ("2026-10-24T23:00", "2026-10-25T07:00")],
    ids=["the clocks go forward", "the clocks go back"],
)
def test_a_night_ends_at_its_wall_time_when_the_clocks_change(evening: str, end: str) -> None:
    assert NIGHT.end_of(utc(evening)) == utc(end)


def test_an_end_that_the_clocks_skip_is_the_moment_of_the_change() -> None:
    # Lisbon, 29 March 2026: 01:00 becomes 02:00 at 01:00 UTC, so there is no 01:30.
    assert QuietHours(time(23), time(1, 30), LISBON).end_of(utc("2026-03-29T00:30")) == utc("2026-03-29T01:00")


def test_an_end_that_comes_twice_is_the_second_one() -> None:
    # Lisbon, 25 October 2026: 02:00 becomes 01:00 at 01:00 UTC, so 01:30 is both 00:30 and 01:30 UTC.
    quiet = QuietHours(time(23), time(1, 30), LISBON)
    assert quiet.end_of(utc("2026-10-25T00:45")) == utc("2026-10-25T01:30")
    assert quiet.end_of(utc("2026-10-25T01:30")) is None


def test_a_new_organization_has_no_rules_and_nonsense_in_its_settings_counts_as_none(club: Organization) -> None:
    assert publishing_rules(club) == PublishingRules()
    several: list[Any] = [
        [],
        {"publishing": 3},
        {"publishing": {"gap_minutes": "x", "quiet_from": "25:00", "quiet_to": 1}},
    ]
    for nonsense in several:
        club.settings = nonsense
        assert publishing_rules(club) == PublishingRules()


def test_owners_settle_gap_and_quiet_hours_on_the_settings_page(as_alice: Client, club: Organization) -> None:
    answer = as_alice.post(
        "/organization/publishing/", {"gap_minutes": "10", "quiet_from": "22:00", "quiet_to": "07:00"}
    )
    assert answer.status_code == 302
    club.refresh_from_db()
    rules = publishing_rules(club)
    assert (rules.gap_minutes, str(rules.quiet)) == (10, "22:00–07:00")
    event = AuditEvent.objects.get(action="organization.changed")
    assert event.changes == {"gap_minutes": [0, 10], "quiet_hours": ["", "22:00–07:00"]}
    page = as_alice.get("/organization/").content.decode()
    assert 'value="22:00"' in page
    assert 'value="10"' in page


@pytest.mark.parametrize(
    "sent",
    [
        {"gap_minutes": "0", "quiet_from": "22:00", "quiet_to": ""},
        {"gap_minutes": "0", "quiet_from": "22:00", "quiet_to": "22:00"},
        {"gap_minutes": "-1", "quiet_from": "", "quiet_to": ""},
        {"gap_minutes": "1441", "quiet_from": "", "quiet_to": ""},
    ],
    ids=["half quiet hours", "quiet hours without length", "a gap below nothing", "a gap of more than a day"],
)
def test_rules_that_make_no_sense_are_refused(as_alice: Client, club: Organization, sent: dict[str, Any]) -> None:
    assert as_alice.post("/organization/publishing/", sent).status_code == 422
    club.refresh_from_db()
    assert publishing_rules(club) == PublishingRules()


def test_marketers_see_the_rules_and_cannot_change_them(as_bob: Client, club: Organization) -> None:
    assert as_bob.get("/organization/").status_code == 200
    assert as_bob.post("/organization/publishing/", {"gap_minutes": "5"}).status_code == 403


def test_rest_reads_and_changes_the_rules(alice: Any, club: Organization) -> None:
    api = ApiClient(alice)
    assert api.get("/api/v1/organization").json()["publishing"] == {
        "gap_minutes": 0, "quiet_from": None, "quiet_to": None,
    }  # fmt: skip
    changed = api.patch("/api/v1/organization", {"publishing": {"quiet_from": "22:00", "quiet_to": "07:00"}})
    assert changed.status_code == 200, changed.content
    assert changed.json()["publishing"] == {"gap_minutes": 0, "quiet_from": "22:00", "quiet_to": "07:00"}
    api.patch("/api/v1/organization", {"publishing": {"gap_minutes": 15}})
    club.refresh_from_db()
    assert publishing_rules(club).gap_minutes == 15
    assert publishing_rules(club).quiet is not None
    assert api.patch("/api/v1/organization", {"publishing": {"quiet_to": None}}).status_code == 422
