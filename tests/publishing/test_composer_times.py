"""Saying when, in the composer: wall time in words, and times that the clock skips or shows twice."""

from datetime import UTC, datetime

import time_machine
from django.test import Client

from connections.models import SocialConnection
from publishing.models import PostStatus, SocialPost
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
    assert "30 November 2026, 09:00 has passed already" in text_of(response)
    assert "Members&#x27; dinner is back." in text_of(response)
    assert SocialPost.objects.get().status == PostStatus.DRAFT


def test_without_a_date_the_page_asks_for_one(as_alice: Client, x: SocialConnection) -> None:
    assert "Choose a date and a time." in text_of(as_alice.post(NEW, fields(x, when="at", date="tomorrow")))


@time_machine.travel(NOW, tick=False)
def test_the_page_opens_at_the_day_that_was_clicked(
    as_alice: Client, facebook: SocialConnection, x: SocialConnection
) -> None:
    answer = text_of(as_alice.get(f"{NEW}?at=2026-12-17&connection={x.pk}"))
    assert 'value="2026-12-17"' in answer
    assert "Schedule · Thu 17 Dec, 09:00" in answer
    assert f'value="{x.pk}" checked' in answer
    assert 'value="14:30"' in text_of(as_alice.get(f"{NEW}?at=2026-12-17T14:30"))
