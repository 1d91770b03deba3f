"""What nobody means, typed or sent all the same: a sentence or an ordinary page, never an error of ours."""

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from accounts.models import Organization, User
from publishing.models import SocialPost
from tests import factories
from tests.api.client import ApiClient
from tests.conftest import signed_in


@pytest.fixture
def browser(alice: User) -> Client:
    client = signed_in(alice)
    client.raise_request_exception = False
    return client


@pytest.mark.parametrize("at", ["9999-12-31T23:59:59Z", "2999-01-01T09:00:00Z"])
def test_a_post_cannot_be_planned_for_a_day_that_no_page_can_show(bob: User, club: Organization, at: str) -> None:
    """In a zone ahead of UTC the last day of the calendar has no local time: the list of posts was lost to everybody."""
    club.time_zone = "Pacific/Auckland"
    club.save(update_fields=["time_zone"])
    connection = factories.make_connection(club)
    body = {"connection": str(connection.pk), "content": "Frost", "scheduled_at": at}
    answer = ApiClient(bob).post("social/posts", body)
    assert (answer.status_code, answer.json()["code"]) == (422, "implausible_time")
    assert not SocialPost.objects.exists()


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01"])
def test_the_rest_calendar_names_the_days_it_knows(bob: User, day: str) -> None:
    answer = ApiClient(bob).get(f"social/calendar?from={day}&to={day}")
    assert answer.status_code == 422
    assert "2100" in answer.json()["errors"]["from"][0]


@pytest.mark.parametrize("form", [{"link_url": "http://["}, {"date": "9999-12-31"}, {"date": "0001-01-01"}])
def test_the_composer_goes_on_while_something_odd_is_typed(
    browser: Client, club: Organization, form: dict[str, str]
) -> None:
    connection = factories.make_connection(club)
    usual = {"connections": [str(connection.pk)], "text": "Frost", "when": "at", "date": "2027-01-01", "time": "23:59"}
    assert browser.post("/posts/check/", usual | form).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/posts/new/?at=9999-12-31T23:59:00-12:00", "/posts/new/?connection=x&campaign=x", "/posts/?page=-1",
        "/organization/audit/?since=9999-12-31&until=9999-12-31", "/organization/audit/?action=%00", "/media/?q=%00",
        "/calendar/?date=9999-12-31&view=week", "/notifications/?page=x",
    ],
)  # fmt: skip
def test_pages_open_whatever_their_address_says(browser: Client, path: str) -> None:
    assert browser.get(path).status_code == 200


def test_letters_that_the_database_does_not_take_are_left_out_of_a_text(browser: Client, club: Organization) -> None:
    connection = factories.make_connection(club)
    own = {"own_text": str(connection.pk), f"text-{connection.pk}": "Fro\x00st", "link_url": "http://[\x00"}
    form = {"connections": [str(connection.pk)], "text": "Shared", "when": "draft", "group": str(uuid4())} | own
    assert browser.post("/posts/autosave/", form).status_code == 200
    assert SocialPost.objects.get().content == "Frost"


def test_a_broken_page_address_in_a_header_is_as_good_as_none(browser: Client) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "http://["}
    assert browser.get("/calendar/days/2026-12-01/", headers=headers).status_code == 200


def test_a_token_for_metrics_may_hold_any_letters(browser: Client, settings: Any) -> None:
    settings.METRICS_TOKEN = "the-right-one"
    assert browser.get("/metrics", headers={"Authorization": "Bearer ä"}).status_code == 403
