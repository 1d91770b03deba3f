"""What a person is told before a post is scheduled, and may do all the same."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.audit import SYSTEM
from accounts.models import Organization, User
from accounts.preferences import set_publishing_rules
from connections.models import SocialConnection
from connections.platforms.base import Problem
from publishing.drafts import PostInput
from publishing.models import PostStatus, SocialPost
from publishing.warnings import warnings_for
from tests import factories
from tests.api.client import ApiClient

NOW = datetime(2026, 12, 9, 12, 0, tzinfo=UTC)
AT = NOW + timedelta(days=1)
TEXT = "Twilight tee times from four o'clock on, all through December. Book at the desk!"


@pytest.fixture(autouse=True)
def _clock() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


def codes(account: SocialConnection, text: str = TEXT, at: datetime = AT, **more: Any) -> list[str]:
    found: list[Problem] = warnings_for(account, PostInput(content=text), at, now=NOW, **more)
    assert not any(problem.blocking for problem in found)
    return [problem.code for problem in found]


def beside(account: SocialConnection, distance: timedelta, content: str, **fields: Any) -> SocialPost:
    return factories.make_post(account, scheduled_at=AT + distance, content=content, **fields)


def test_a_post_alone_needs_no_warning(account: SocialConnection) -> None:
    assert codes(account) == []


@pytest.mark.parametrize("distance", [timedelta(days=-6), timedelta(days=6)], ids=["before", "after"])
@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        TEXT.upper(),
        f"🎄 {TEXT.replace('!', ' !!')}",
        TEXT.replace("December", "the December"),
        TEXT.replace("desk", "dest"),
    ],
    ids=["the same", "in capitals", "with emoji", "a word more", "a letter off"],
)
def test_nearly_the_same_text_within_a_week_is_named(account: SocialConnection, text: str, distance: timedelta) -> None:
    beside(account, distance, text)
    assert codes(account) == ["repeated"]


@pytest.mark.parametrize("text", ["Frost on the greens: the course opens at ten.", "", TEXT[:40]])
def test_another_text_is_no_repetition(account: SocialConnection, text: str) -> None:
    beside(account, timedelta(days=2), text)
    assert codes(account) == []


def test_a_repetition_after_more_than_a_week_or_on_another_account_or_as_a_draft_is_none(
    account: SocialConnection, club: Organization
) -> None:
    beside(account, timedelta(days=7, minutes=1), TEXT)
    beside(factories.make_connection(club, "MASTODON"), timedelta(days=1), TEXT)
    beside(account, timedelta(days=1), TEXT, status=PostStatus.DRAFT)
    beside(account, timedelta(days=1), TEXT, status=PostStatus.CANCELLED)
    assert codes(account) == []


def test_the_post_itself_does_not_count(account: SocialConnection) -> None:
    post = beside(account, timedelta(), TEXT)
    assert codes(account, besides=[post.pk]) == []


def test_a_neighbour_within_the_hour_is_named_with_its_time(account: SocialConnection) -> None:
    beside(account, timedelta(minutes=59), "Frost")
    found = warnings_for(account, PostInput(content=TEXT), AT, now=NOW)
    assert [problem.code for problem in found] == ["neighbour"]
    assert "12:59" in found[0].message
    assert codes(account, at=AT - timedelta(minutes=1)) == []


def test_too_little_distance_and_quiet_hours_are_named_unless_it_goes_now(
    account: SocialConnection, club: Organization
) -> None:
    set_publishing_rules(club, gap_minutes=30, quiet_from=time(11), quiet_to=time(13), by=SYSTEM)
    account.organization.refresh_from_db()
    beside(account, timedelta(minutes=20), "Frost")
    assert codes(account) == ["spacing", "quiet_hours"]
    assert codes(account, is_now=True) == ["neighbour"]


def test_a_full_quota_is_named(account: SocialConnection, settings: Any) -> None:
    settings.RATE_BUDGETS = ["MASTODON.posts=2/1d"]
    beside(account, timedelta(hours=-3), "One")
    assert codes(account) == []
    beside(account, timedelta(hours=-2), "Two")
    assert codes(account) == ["quota"]


def test_it_asks_the_same_number_of_queries_for_3_and_for_300_posts(account: SocialConnection) -> None:
    counts = []
    for size in (3, 300):
        for number in range(size):
            beside(account, timedelta(minutes=61 + number), f"Another thing to say, number {number}")
        with CaptureQueriesContext(database) as queries:
            codes(account)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 5


def test_rest_answers_a_schedule_with_warnings(account: SocialConnection, bob: User) -> None:
    beside(account, timedelta(minutes=10), TEXT)
    post = factories.make_post(account, status=PostStatus.DRAFT, content=TEXT)
    answer = ApiClient(bob).post(f"social/posts/{post.pk}/schedule", {"scheduled_at": "2026-12-10T12:00:00Z"})
    assert answer.status_code == 200, answer.content
    assert answer.json()["status"] == "SCHEDULED"
    assert [warning["code"] for warning in answer.json()["warnings"]] == ["repeated", "neighbour"]


def test_the_composer_shows_them_beside_the_account(as_bob: Client, account: SocialConnection) -> None:
    beside(account, timedelta(minutes=10), TEXT)
    sent = {
        "group": "", "connections": [str(account.pk)], "text": TEXT, "when": "at", "date": "2026-12-10", "time": "12:00",
    }  # fmt: skip
    page = as_bob.post("/posts/check/", sent).content.decode()
    assert "nearly the same" in page
    assert "within the hour" in page
    assert 'data-tone="danger"' not in page
    assert "nearly the same" not in as_bob.post("/posts/check/", sent | {"when": "draft"}).content.decode()


def test_a_move_says_what_lies_beside(as_bob: Client, account: SocialConnection) -> None:
    beside(account, timedelta(minutes=10), "Frost")
    post = factories.make_post(account, content=TEXT)
    as_bob.post(f"/posts/{post.pk}/move/", {"day": "2026-12-10", "time": "12:00"})
    page = as_bob.get(f"/posts/{post.pk}/").content.decode()
    assert "within the hour, at 12:10" in page
