"""Home: today, what waits, the week, the accounts, the first steps."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Organization
from accounts.permissions import Role
from publishing.models import PostGroup
from tests import factories
from tests.conftest import signed_in

NOW = datetime(2026, 12, 9, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _at_noon() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


def test_a_new_organization_is_led_from_the_account_to_the_first_post(as_bob: Client, club: Organization) -> None:
    page = as_bob.get("/").content.decode()
    assert "Three steps to your first post" in page
    assert page.count('aria-label="to do"') == 3
    connection = factories.make_connection(club, expires_in_s=30 * 24 * 3600)
    draft = factories.make_post(connection, status="DRAFT")
    page = as_bob.get("/").content.decode()
    assert (page.count('aria-label="done"'), page.count('aria-label="to do"')) == (2, 1)
    draft.delete()
    factories.make_post(connection)
    assert "Three steps" not in as_bob.get("/").content.decode()


def test_home_shows_today_what_waits_and_how_the_accounts_are(as_bob: Client, club: Organization) -> None:
    works = factories.make_connection(club, "TWITTER", account_name="Riverside GC", expires_in_s=3600)
    factories.make_connection(club, "FACEBOOK", account_name="Junior Academy", is_active=False)
    factories.make_connection(club, "MASTODON", account_name="Greens", expires_in_s=None, refresh="")
    factories.make_post(works, content="Twilight tee times", scheduled_at=NOW + timedelta(hours=3))
    factories.make_post(works, content="Tomorrow's post", scheduled_at=NOW + timedelta(hours=23))
    factories.make_post(works, status="FAILED", content="Captain's Day", error_message="X refused the picture.")
    page = as_bob.get("/").content.decode()
    today = page.split('id="today-title"')[1].split("</section>")[0]
    waiting = page.split('id="waiting-title"')[1].split("</section>")[0]
    health = page.split('id="health-title"')[1].split("</section>")[0]
    assert "Twilight tee times" in today
    assert "15:00" in today
    assert "Tomorrow" not in today
    assert "X did not accept this post. Edit it, then try again." in waiting
    assert health.index("Junior Academy") < health.index("Needs reconnecting") < health.index("Greens")
    assert "Expires soon" not in health  # a token of X renews itself


def test_what_waits_stands_before_today_and_posts_of_one_broken_account_are_one_entry(
    as_bob: Client, club: Organization
) -> None:
    lost = factories.make_connection(club, "FACEBOOK", account_name="Junior Academy", is_active=False)
    posts = [factories.make_post(lost, content=f"Practice {number}") for number in range(3)]
    page = as_bob.get("/").content.decode()
    assert page.index('id="waiting-title"') < page.index('id="today-title"')
    waiting = page.split('id="waiting-title"')[1].split("</section>")[0]
    assert waiting.count("needs to be reconnected") == 1
    for post in posts:
        assert f'href="/posts/{post.pk}/"' in waiting


def test_an_idea_for_two_accounts_is_one_line_with_both_platforms_and_counts_as_two_posts(
    as_bob: Client, club: Organization
) -> None:
    group = PostGroup.objects.create(organization=club, content="Moonlight cup")
    for platform in ("TWITTER", "FACEBOOK"):
        factories.make_post(
            factories.make_connection(club, platform), content="Moonlight cup", group=group,
            scheduled_at=NOW + timedelta(hours=3),
        )  # fmt: skip
    page = as_bob.get("/").content.decode()
    today = page.split('id="today-title"')[1].split("</section>")[0]
    assert today.count("Moonlight cup") == 1
    assert 'aria-label="X"' in today
    assert 'aria-label="Facebook"' in today
    assert "2 accounts" in today
    week = page.split('id="week-title"')[1].split("</section>")[0]
    assert "2 posts" in week


def tiles(page: str) -> dict[str, tuple[str, str]]:
    found = re.findall(
        r'tile-label">([^<]+)</span><span class="tile-value">([^<]+)</span>(?:<span class="tile-note">([^<]+))?', page
    )
    return {label: (value, note) for label, value, note in found}


def test_home_counts_followers_and_engagement_of_this_week_against_the_last(as_bob: Client, club: Organization) -> None:
    x = factories.make_connection(club, "TWITTER", followers=4210)
    factories.make_connection(club, "FACEBOOK", followers=None)
    for days, likes in ((1, 100), (6, 20), (8, 80), (13, 0), (15, 999)):
        factories.make_post(
            x, status="PUBLISHED", published_at=NOW - timedelta(days=days), likes=likes, comments=0, shares=0,
            engagement_synced_at=NOW,
        )  # fmt: skip
    factories.make_post(x, scheduled_at=NOW + timedelta(days=3))
    factories.make_post(x, scheduled_at=NOW + timedelta(days=8))
    shown = tiles(as_bob.get("/").content.decode())
    assert shown == {
        "Followers": ("4,210", "reported by 1 of 2 accounts"),
        "Engagement, last 7 days": ("120", "+50 % vs. previous 7 days"),
        "Published, last 7 days": ("2", "2 in the previous 7 days"),
        "Scheduled, next 7 days": ("1", ""),
    }


def test_home_does_not_make_numbers_up(as_bob: Client, club: Organization) -> None:
    x = factories.make_connection(club, "TWITTER", followers=None)
    assert tiles(as_bob.get("/").content.decode())["Engagement, last 7 days"] == ("–", "no posts in this period")
    factories.make_post(x, status="PUBLISHED", published_at=NOW - timedelta(minutes=1), engagement_synced_at=None)
    shown = tiles(as_bob.get("/").content.decode())
    assert shown["Followers"] == ("–", "not reported yet")
    assert shown["Engagement, last 7 days"] == ("–", "no data yet")


def test_the_number_of_queries_does_not_grow_with_the_posts(as_bob: Client, club: Organization) -> None:
    connection = factories.make_connection(club)

    def queries() -> int:
        with CaptureQueriesContext(database) as caught:
            assert as_bob.get("/").status_code == 200
        return len(caught)

    def add(number: int) -> None:
        for _ in range(number):
            factories.make_post(connection, scheduled_at=NOW + timedelta(hours=1))
            factories.make_post(connection, status="FAILED", scheduled_at=NOW)

    add(3)
    as_bob.get("/")
    few = queries()
    add(27)
    assert queries() == few


def test_a_viewer_is_not_told_to_do_what_they_may_not(club: Organization) -> None:
    viewer = signed_in(factories.make_member(club, Role.VIEWER).user)
    page = viewer.get("/").content.decode()
    assert "Three steps" not in page
    assert "New post" not in page
    assert "Nothing scheduled today" in page


def test_a_person_without_an_organization_is_led_to_make_one(db: None) -> None:
    assert signed_in(factories.make_user()).get("/").status_code == 302
