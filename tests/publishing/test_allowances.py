"""What accounts may still publish, as the composer and the calendar tell it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Organization
from connections.budgets import close_until, take
from connections.models import SocialConnection
from publishing.allowances import allowances, day_quotas
from publishing.models import SocialPost
from tests import factories

NOW = datetime(2026, 12, 9, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _at_noon() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def facebook(club: Organization, settings: Any) -> SocialConnection:
    settings.RATE_BUDGETS = ["FACEBOOK.posts=4/1d"]
    return factories.make_connection(club, "FACEBOOK", account_name="Riverside GC")


def left(connection: SocialConnection, at: datetime = NOW, **more: Any) -> int:
    return allowances([connection], at=at, now=NOW, **more)[0].left


def test_what_went_out_and_what_is_planned_by_then_is_not_left(facebook: SocialConnection) -> None:
    assert left(facebook) == 4
    take(facebook, "posts", now=NOW - timedelta(hours=2))
    tomorrow = factories.make_post(facebook, scheduled_at=NOW + timedelta(hours=20))
    factories.make_post(facebook, status="DRAFT", scheduled_at=None)
    assert left(facebook) == 3
    assert left(facebook, NOW + timedelta(hours=21)) == 2, "one out within the window, one planned"
    assert left(facebook, NOW + timedelta(hours=23)) == 3, "what went out has left the window"
    assert left(facebook, NOW + timedelta(hours=21), besides=[tomorrow.pk]) == 3, "the post that is being edited"


def test_an_account_that_the_platform_has_closed_says_until_when(facebook: SocialConnection) -> None:
    close_until(facebook, "posts", NOW + timedelta(hours=1))
    now = allowances([facebook], at=NOW, now=NOW)[0]
    assert (now.frees_at, now.state) == (NOW + timedelta(hours=1), "over")
    assert allowances([facebook], at=NOW + timedelta(hours=2), now=NOW)[0].frees_at is None


def test_what_the_other_accounts_of_the_app_have_used_is_not_left_either(club: Organization, settings: Any) -> None:
    settings.RATE_BUDGETS = ["TWITTER.app_posts=3/1d"]
    ours, other = (factories.make_connection(club, "TWITTER") for _ in range(2))
    assert left(ours) == 3
    for hours in (1, 2, 3):
        take(other, "posts", now=NOW - timedelta(hours=hours))
    spent = allowances([ours], at=NOW, now=NOW)[0]
    assert (spent.left, spent.state, spent.frees_at) == (0, "over", NOW + timedelta(hours=21))


def test_ten_accounts_cost_as_many_queries_as_two(club: Organization, facebook: SocialConnection) -> None:
    def queries(accounts: list[SocialConnection]) -> int:
        with CaptureQueriesContext(database) as caught:
            allowances(accounts, at=NOW, now=NOW)
        return len(caught)

    two = [facebook, factories.make_connection(club, "TWITTER")]
    ten = [*two, *(factories.make_connection(club, ("MASTODON", "TWITTER")[one % 2]) for one in range(8))]
    assert queries(ten) == queries(two) == 4, "one of them for X's app"


def test_the_composer_tells_what_is_left_and_that_a_post_too_many_would_wait(
    as_bob: Client, facebook: SocialConnection
) -> None:
    def said() -> str:
        sent = {
            "group": "0199b1a0-0000-7000-8000-000000000001", "connections": str(facebook.pk), "text": "Dinner",
            "when": "at", "date": "2026-12-10", "time": "11:00",
        }  # fmt: skip
        return " ".join(as_bob.post("/posts/check/", sent).content.decode().split())

    assert "Facebook 4 of 4 in 24 h" in said()
    for hour in range(4):
        factories.make_post(facebook, scheduled_at=NOW + timedelta(hours=hour, minutes=1))
    assert "Facebook none of 4 in 24 h: this post would wait" in said()


def test_a_day_on_which_an_account_nears_or_exceeds_its_daily_budget_says_so_in_its_corner(
    as_bob: Client, facebook: SocialConnection
) -> None:
    day = NOW.replace(day=17)
    for hour in range(3):
        factories.make_post(facebook, scheduled_at=day + timedelta(hours=hour))
    month = "/calendar/?view=month&date=2026-12-09"
    assert "quota-note" not in as_bob.get(month).content.decode()
    factories.make_post(facebook, scheduled_at=day)
    assert '<span class="quota-note">Facebook 4/4</span>' in as_bob.get(month).content.decode()
    factories.make_post(facebook, scheduled_at=day)
    for view in ("month", "week", "list"):
        page = as_bob.get(f"/calendar/?view={view}&date=2026-12-17").content.decode()
        assert '<span class="quota-note" data-tone="danger">Facebook 5/4</span>' in page, view
    drawer = as_bob.get("/calendar/days/2026-12-17/", headers={"HX-Request": "true"}).content.decode()
    assert "has 5 posts on this day, and may publish 4 in 24 hours" in drawer


def test_cancelled_posts_and_budgets_shorter_than_a_day_put_nothing_into_a_days_corner(
    club: Organization, settings: Any
) -> None:
    settings.RATE_BUDGETS = ["FACEBOOK.posts=1/1d", "TWITTER.posts=1/15m"]
    x, facebook = factories.make_connection(club, "TWITTER"), factories.make_connection(club, "FACEBOOK")
    posts: list[SocialPost] = [factories.make_post(x) for _ in range(3)]
    posts.append(factories.make_post(facebook, status="CANCELLED"))
    assert day_quotas(posts) == []
