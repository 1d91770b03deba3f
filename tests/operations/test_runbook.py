"""The statements of docs/operations.md, as they stand there, on PostgreSQL."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Organization
from connections.models import SocialConnection
from publishing.dispatch import dispatch_due_posts
from publishing.models import PostStatus
from tests import factories

pytestmark = [pytest.mark.postgres, pytest.mark.django_db]

PAGE = (Path(__file__).resolve().parents[2] / "docs/operations.md").read_text()
STATEMENTS = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)


def run(beginning: str, **values: Any) -> list[tuple[Any, ...]]:
    """The one statement whose title begins so, with ``:name`` replaced by a text literal; its rows."""
    found = re.findall(
        rf"^{re.escape(beginning)}[^\n]*(?:\n[^\n`]+)*\n\n```sql\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL
    )
    assert len(found) == 1, beginning
    statement = re.sub(r":([a-z]+)\b", lambda name: f"'{values[name[1]]}'", found[0])
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else [(cursor.rowcount,)]


@pytest.fixture
def x(club: Organization) -> SocialConnection:
    return factories.make_connection(club, "TWITTER", account_name="Riverside Golf Club", expires_in_s=86400)


def test_the_page_holds_the_nine_statements() -> None:
    assert len(STATEMENTS) == 9


def test_connections_come_by_platform_and_name_and_of_one_tenant(
    club: Organization, rivals: Organization, x: SocialConnection
) -> None:
    factories.make_connection(club, "MASTODON", account_name="Riverside")
    factories.make_connection(club, "TWITTER", account_name="Pro Shop")
    factories.make_connection(rivals, "TWITTER", account_name="Hilltop")
    rows = run("Connections of a tenant", tenant=club.pk)
    assert [row[1:3] for row in rows] == [
        ("MASTODON", "Riverside"), ("TWITTER", "Pro Shop"), ("TWITTER", "Riverside Golf Club"),
    ]  # fmt: skip


def test_tokens_that_expire_within_a_week(club: Organization, x: SocialConnection) -> None:
    factories.make_connection(club, "TWITTER", expires_in_s=10 * 86400)
    factories.make_connection(club, "TWITTER", expires_in_s=86400, is_active=False)
    factories.make_connection(club, "MASTODON", expires_in_s=None)
    assert [row[0] for row in run("Active ones whose token")] == [x.pk]


def test_a_connection_marked_inactive_holds_its_posts(club: Organization, x: SocialConnection) -> None:
    post = factories.make_post(x, scheduled_at=timezone.now() - timedelta(seconds=5))
    assert run("Mark one inactive", connection=x.pk) == [(1,)]
    x.refresh_from_db()
    assert (x.is_active, x.error_message) == (False, "Token expired - reauthentication required")
    assert dispatch_due_posts() == []
    post.refresh_from_db()
    assert (post.status, post.connection.is_active) == (PostStatus.SCHEDULED, False)


def test_the_latest_twenty_posts(club: Organization, rivals: Organization, x: SocialConnection) -> None:
    posts = [factories.make_post(x) for _number in range(21)]
    factories.make_post(factories.make_connection(rivals, "TWITTER"))
    assert [row[0] for row in run("Latest twenty posts", tenant=club.pk)] == [post.pk for post in reversed(posts[1:])]


def test_failed_posts_with_their_platform(x: SocialConnection) -> None:
    failed = factories.make_post(x, status=PostStatus.FAILED)
    factories.make_post(x)
    assert [(row[0], row[2], row[4]) for row in run("Failed posts of seven days")] == [
        (failed.pk, "TWITTER", "The platform refused this post.")
    ]


def test_a_failed_post_set_back_is_claimed_with_the_next_tick(x: SocialConnection) -> None:
    post = factories.make_post(x, status=PostStatus.FAILED, retry_count=5)
    assert run("Set a failed one back", post=post.pk) == [(1,)]
    post.refresh_from_db()
    assert (post.status, post.retry_count, post.error_message) == ("SCHEDULED", 0, None)
    assert dispatch_due_posts() == [post.pk]


def test_a_published_post_is_not_set_back(x: SocialConnection) -> None:
    assert run("Set a failed one back", post=factories.make_post(x, status=PostStatus.PUBLISHED).pk) == [(0,)]


def test_a_cancelled_post_is_never_claimed(x: SocialConnection) -> None:
    post = factories.make_post(x, scheduled_at=timezone.now() - timedelta(seconds=5))
    assert run("Cancel a scheduled one", post=post.pk) == [(1,)]
    assert dispatch_due_posts() == []


def test_engagement_of_a_post(x: SocialConnection) -> None:
    post = factories.make_post(x, status=PostStatus.PUBLISHED, likes=7, comments=2, shares=1, reach=90, impressions=120)
    assert [row[1:6] for row in run("Engagement of one post", post=post.pk)] == [(7, 2, 1, 90, 120)]


def test_posts_per_hour(x: SocialConnection) -> None:
    hour = timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
    for minutes in (1, 20, 65):
        factories.make_post(x, status=PostStatus.PUBLISHED, published_at=hour + timedelta(minutes=minutes))
    factories.make_post(x, status=PostStatus.PUBLISHED, published_at=hour - timedelta(days=2))
    assert run("Posts per hour", connection=x.pk) == [(hour, 2), (hour + timedelta(hours=1), 1)]
