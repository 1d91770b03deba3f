"""Saying when, in the composer: wall time in words, and times that the clock skips or shows twice."""

from datetime import UTC, date, datetime, time

import pytest
import time_machine
from django.test import Client
from django.utils import translation

from connections.models import SocialConnection
from publishing.models import PostStatus, SocialPost
from publishing.moment_fields import day_in_words, parse_clock, parse_day
from tests.publishing.composing import NEW, NOW, at, fields, text_of


@time_machine.travel(NOW, tick=False)
def test_the_when_row_says_what_will_happen_in_words(
    as_alice: Client, x: SocialConnection, facebook: SocialConnection
) -> None:
    given = fields(x, facebook, **at(datetime(2026, 12, 17, 9, 0)))
    answer = text_of(as_alice.post("/posts/check/", given))
    assert "on Thursday 17 December 2026 at 09:00 (Europe/Lisbon, UTC+0), in 16 days." in answer
    assert "Schedule · Thu 17 Dec, 09:00" in answer


@time_machine.travel(NOW, tick=False)
def test_a_time_that_the_clocks_skip_is_explained_and_chosen(as_alice: Client, x: SocialConnection) -> None:
    given = fields(x, when="at", date="2027-03-28", time="01:30")
    refused = as_alice.post(NEW, given)
    assert refused.status_code == 422
    assert "01:30 does not exist on 28 March 2027" in text_of(refused)
    assert "2027-03-28T02:30" in text_of(refused)
    assert SocialPost.objects.get().status == PostStatus.DRAFT

    accepted = as_alice.post(NEW, given | {"instead": "2027-03-28T02:30"})
    assert accepted.status_code == 302
    assert SocialPost.objects.get().scheduled_at == datetime(2027, 3, 28, 1, 30, tzinfo=UTC)


@time_machine.travel(NOW, tick=False)
def test_a_time_that_happens_twice_is_chosen_by_the_person(as_alice: Client, x: SocialConnection) -> None:
    given = fields(x, when="at", date="2027-10-31", time="01:30")
    assert "happens twice on 31 October 2027" in text_of(as_alice.post(NEW, given))
    assert as_alice.post(NEW, given | {"fold": "1"}).status_code == 302
    assert SocialPost.objects.get().scheduled_at == datetime(2027, 10, 31, 1, 30, tzinfo=UTC)


@time_machine.travel(NOW, tick=False)
def test_a_time_in_the_past_is_refused_and_the_text_kept(as_alice: Client, x: SocialConnection) -> None:
    response = as_alice.post(NEW, fields(x, when="at", date="2026-11-30", time="09:00"))
    assert response.status_code == 422
    assert "30 November 2026, 09:00 is in the past" in text_of(response)
    assert "Members&#x27; dinner is back." in text_of(response)
    assert SocialPost.objects.get().status == PostStatus.DRAFT


@time_machine.travel(NOW, tick=False)
def test_without_a_date_the_page_asks_for_one(as_alice: Client, x: SocialConnection) -> None:
    assert "Enter a date such as 1 Dec 2026 and a time such as 09:00." in text_of(
        as_alice.post(NEW, fields(x, when="at", date="tomorrow"))
    )


@time_machine.travel(NOW, tick=False)
def test_the_page_opens_at_the_day_that_was_clicked(
    as_alice: Client, facebook: SocialConnection, x: SocialConnection
) -> None:
    answer = text_of(as_alice.get(f"{NEW}?at=2026-12-17&connection={x.pk}"))
    assert 'value="17 Dec 2026"' in answer
    assert "Schedule · Thu 17 Dec, 09:00" in answer
    assert f'value="{x.pk}" checked' in answer
    assert 'value="14:30"' in text_of(as_alice.get(f"{NEW}?at=2026-12-17T14:30"))


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("17 Dec 2026", date(2026, 12, 17)),
        ("Thu 17 December 2026", date(2026, 12, 17)),
        ("december 17, 2026", date(2026, 12, 17)),
        ("2026-12-17", date(2026, 12, 17)),
        ("17.12.2026", date(2026, 12, 17)),
        ("7/1/2027", date(2027, 1, 7)),
        ("31 Feb 2027", None),
        ("17 De 2026", None),
        ("tomorrow", None),
        ("17 Dec", None),
        ("", None),
    ],
)
def test_a_day_is_read_as_people_write_it(text: str, day: date | None) -> None:
    assert parse_day(text) == day


@pytest.mark.parametrize(
    ("text", "clock"),
    [
        ("09:00", time(9)), ("9:05", time(9, 5)), ("9.30", time(9, 30)), ("0930", time(9, 30)), ("9", time(9)),
        ("18h45", time(18, 45)), ("9 pm", time(21)), ("12:15am", time(0, 15)), ("12pm", time(12)), ("09:00:00", time(9)),
        ("24:00", None), ("9:75", None), ("13 pm", None), ("noon", None), ("", None),
    ],
)  # fmt: skip
def test_a_time_is_read_as_people_write_it(text: str, clock: time | None) -> None:
    assert parse_clock(text) == clock


def test_a_day_is_read_in_the_language_in_which_it_is_shown() -> None:
    for language in ("de", "fr", "pt", "pl"):
        with translation.override(language):
            for month in range(1, 13):
                day = date(2026, month, 17)
                assert parse_day(day_in_words(day)) == day, (language, day_in_words(day))
