"""Another time zone of the organization: scheduled posts keep their moments, or their times of day, and people know."""

from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.test import Client

from accounts.models import AuditEvent, Organization, User
from connections.models import SocialConnection
from publishing.models import PostStatus, SocialPost
from tests import factories
from tests.api.client import ApiClient

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _in_june(club: Organization) -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def x(club: Organization) -> SocialConnection:
    return factories.make_connection(club)


def at(post: SocialPost) -> str:
    post.refresh_from_db()
    assert post.scheduled_at is not None
    return f"{post.scheduled_at:%Y-%m-%dT%H:%M}Z"


@pytest.fixture
def post(x: SocialConnection) -> SocialPost:
    """At 09:00 in Lisbon, which is 08:00 in UTC then."""
    return factories.make_post(x, scheduled_at=datetime(2026, 6, 10, 8, tzinfo=UTC))


def form(club: Organization, zone: str, **more: str) -> dict[str, str]:
    return {"name": club.name, "slug": club.slug, "language": "en", "time_zone": zone} | more


def test_the_page_asks_before_it_saves(as_alice: Client, club: Organization, post: SocialPost) -> None:
    answer = as_alice.post("/organization/", form(club, "Asia/Tokyo"))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "1 scheduled post has a different time of day there" in page
    assert "09:00 in Europe/Lisbon is 17:00 in Asia/Tokyo" in page
    assert "09:00 in Asia/Tokyo" in page
    club.refresh_from_db()
    assert club.time_zone == "Europe/Lisbon"


@pytest.mark.parametrize(
    ("choice", "moment"), [("keep_moment", "2026-06-10T08:00Z"), ("keep_wall_time", "2026-06-10T00:00Z")]
)
def test_the_choice_is_done(as_alice: Client, club: Organization, post: SocialPost, choice: str, moment: str) -> None:
    answer = as_alice.post("/organization/", form(club, "Asia/Tokyo", scheduled_posts=choice))
    assert answer.status_code == 302
    club.refresh_from_db()
    assert club.time_zone == "Asia/Tokyo"
    assert at(post) == moment
    moved = AuditEvent.objects.filter(action="post.scheduled", object_id=str(post.pk))
    assert moved.exists() == (choice == "keep_wall_time")


@pytest.mark.parametrize("status", [PostStatus.DRAFT, PostStatus.PUBLISHED, PostStatus.CANCELLED, PostStatus.FAILED])
def test_nothing_is_asked_where_nothing_waits(
    as_alice: Client, club: Organization, x: SocialConnection, status: str
) -> None:
    factories.make_post(x, status=status)
    assert as_alice.post("/organization/", form(club, "Asia/Tokyo")).status_code == 302


def test_nothing_is_asked_for_a_zone_with_the_same_clock(
    as_alice: Client, club: Organization, post: SocialPost, eve: User
) -> None:
    factories.make_post(factories.make_connection(eve.memberships.get().organization))
    assert as_alice.post("/organization/", form(club, "Europe/London")).status_code == 302
    assert at(post) == "2026-06-10T08:00Z"


def test_rest_keeps_moments_and_says_how_many_stand_elsewhere(alice: User, post: SocialPost) -> None:
    answer = ApiClient(alice).patch("organization", {"time_zone": "Asia/Tokyo"})
    assert answer.json()["posts_at_other_times"] == 1
    assert at(post) == "2026-06-10T08:00Z"
    assert ApiClient(alice).get("organization").json()["posts_at_other_times"] == 0


def test_rest_moves_posts_when_told(alice: User, post: SocialPost) -> None:
    body = {"time_zone": "America/New_York", "scheduled_posts": "keep_wall_time"}
    answer = ApiClient(alice).patch("organization", body)
    assert answer.json()["posts_at_other_times"] == 1
    assert at(post) == "2026-06-10T13:00Z"
    assert ApiClient(alice).patch("organization", {"scheduled_posts": "keep_wall_time"}).status_code == 422


def test_a_wall_time_that_has_passed_there_moves_nothing(
    alice: User, club: Organization, x: SocialConnection, post: SocialPost
) -> None:
    soon = factories.make_post(
        x, scheduled_at=datetime(2026, 6, 1, 14, tzinfo=UTC)
    )  # 15:00 in Lisbon, 21:00 in Tokyo now
    body = {"time_zone": "Asia/Tokyo", "scheduled_posts": "keep_wall_time"}
    answer = ApiClient(alice).patch("organization", body)
    assert (answer.status_code, answer.json()["code"]) == (409, "in_the_past")
    club.refresh_from_db()
    assert club.time_zone == "Europe/Lisbon"
    assert (at(post), at(soon)) == ("2026-06-10T08:00Z", "2026-06-01T14:00Z")


@pytest.mark.parametrize(
    ("wall_in_utc", "moment"),
    [
        (datetime(2026, 6, 28, 8, tzinfo=UTC), "2026-06-28T08:00Z"),  # London has Lisbon's clock
        (datetime(2027, 3, 14, 2, 30, tzinfo=UTC), "2027-03-14T07:30Z"),  # 02:30 is skipped in New York: 03:30 there
        (datetime(2026, 11, 1, 1, 30, tzinfo=UTC), "2026-11-01T05:30Z"),  # 01:30 comes twice there: the first
    ],
)
def test_hours_of_a_clock_change_are_decided(
    alice: User, x: SocialConnection, wall_in_utc: datetime, moment: str
) -> None:
    post = factories.make_post(x, scheduled_at=wall_in_utc)
    zone = "Europe/London" if wall_in_utc.month == 6 else "America/New_York"
    ApiClient(alice).patch("organization", {"time_zone": zone, "scheduled_posts": "keep_wall_time"})
    assert at(post) == moment
