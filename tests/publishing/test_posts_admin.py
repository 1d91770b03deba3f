"""Posts in the Django admin and on the command line: what operators see and what they can do."""

from datetime import timedelta
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
import responses
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import AuditEvent, Organization
from accounts.permissions import Role
from connections.models import SocialConnection
from publishing.models import PublishAttempt, PublishStep, SocialPost
from tests import factories
from tests.conftest import signed_in

LIST = "/admin/publishing/socialpost/"


@pytest.fixture
def x(club: Organization) -> SocialConnection:
    return factories.make_connection(club, "TWITTER", account_name="Riverside GC", expires_in_s=30 * 24 * 3600)


def act(client: Client, action: str, *posts: SocialPost) -> str:
    answer = client.post(LIST, {"action": action, "_selected_action": [str(post.pk) for post in posts]}, follow=True)
    for post in posts:
        post.refresh_from_db()
    return answer.content.decode()


@pytest.mark.parametrize(
    "path", [LIST, "/admin/publishing/postgroup/", "/admin/publishing/mediaasset/", f"{LIST}per-hour"]
)
def test_operators_of_an_organization_see_its_rows_and_no_others(
    as_alice: Client, rivals: Organization, x: SocialConnection, path: str
) -> None:
    theirs = factories.make_connection(rivals, account_name="Hilltop Secret")
    factories.make_post(theirs, content="Hilltop Secret")
    factories.make_asset(rivals, name="Hilltop Secret")
    factories.make_post(x, content="Our own words")
    page = as_alice.get(path, follow=True)
    assert page.status_code == 200
    assert "Hilltop Secret" not in page.content.decode()


def test_a_foreign_post_is_not_found_and_no_action_reaches_it(as_alice: Client, rivals: Organization) -> None:
    foreign = factories.make_post(factories.make_connection(rivals))
    assert as_alice.get(f"{LIST}{foreign.pk}/change/").status_code in {302, 404}
    act(as_alice, "cancel", foreign)
    assert foreign.status == "SCHEDULED"


def test_the_post_is_read_there_and_not_edited(as_alice: Client, x: SocialConnection) -> None:
    post = factories.make_post(x, status="FAILED", error_message="X refused the picture.")
    attempt = PublishAttempt.objects.create(
        organization=post.organization,
        post=post,
        number=1,
        key=uuid4(),
        owner="w",
        started_at=timezone.now(),
        outcome="FAILED",
    )
    PublishStep.objects.create(
        attempt=attempt, name="upload:1", is_public=False, started_at=timezone.now(), error="too large"
    )
    page = as_alice.get(f"{LIST}{post.pk}/change/").content.decode()
    assert "X refused the picture." in page
    assert "upload:1 ✗" in page
    assert 'name="status"' not in page
    assert as_alice.post(f"{LIST}{post.pk}/change/", {"status": "PUBLISHED"}).status_code == 403
    assert as_alice.post(f"{LIST}{post.pk}/delete/", {"post": "yes"}).status_code == 403


def test_actions_go_through_the_same_services_as_the_pages(as_alice: Client, x: SocialConnection) -> None:
    failed, waiting, out = (
        factories.make_post(x, status="FAILED"),
        factories.make_post(x),
        factories.make_post(x, status="PUBLISHED"),
    )
    assert "sent again" in act(as_alice, "retry", failed)
    assert failed.status == "SCHEDULED"
    said = act(as_alice, "cancel", waiting, out)
    assert (waiting.status, out.status) == ("CANCELLED", "PUBLISHED")
    assert "already published" in said
    act(as_alice, "set_to_scheduled", waiting)
    assert waiting.status == "SCHEDULED"
    act(as_alice, "back_to_drafts", waiting)
    assert (waiting.status, waiting.scheduled_at) == ("DRAFT", None)
    assert AuditEvent.objects.filter(action="post.cancelled", actor__email="alice@riverside.example").exists()


def test_an_agent_may_look_and_not_send(club: Organization, x: SocialConnection) -> None:
    agent = signed_in(factories.make_member(club, Role.AGENT).user)
    failed = factories.make_post(x, status="FAILED")
    assert agent.get(LIST).status_code == 200
    for action in ("retry", "cancel", "set_to_scheduled", "back_to_drafts", "sync_engagement"):
        act(agent, action, failed)
        assert failed.status == "FAILED", action


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("operations=failed", {"Broken"}), ("operations=late", {"Late"}), ("operations=next", {"Soon"}),
        ("operations=attention", {"Broken", "Ancient"}), ("operations=unsynced", {"Out"}), ("status=FAILED", {"Broken", "Ancient"}),
        ("platform=MASTODON", {"Out"}), ("q=soon", {"Soon"}),
    ],
)  # fmt: skip
def test_the_questions_of_the_runbook_are_filters(
    as_alice: Client, club: Organization, x: SocialConnection, query: str, expected: set[str]
) -> None:
    now = timezone.now()
    month_ago = now - timedelta(days=30)
    factories.make_post(x, content="Broken", status="FAILED")
    factories.make_post(x, content="Ancient", status="FAILED", scheduled_at=month_ago, settled_at=month_ago)
    factories.make_post(x, content="Late", scheduled_at=now - timedelta(hours=1))
    factories.make_post(x, content="Soon", scheduled_at=now + timedelta(hours=2))
    factories.make_post(factories.make_connection(club, "MASTODON"), content="Out", status="PUBLISHED")
    page = as_alice.get(f"{LIST}?{query}").content.decode()
    assert {text for text in ("Broken", "Ancient", "Late", "Soon", "Out") if f">{text}<" in page} == expected


def test_posts_per_hour_counts_one_connection_over_a_day(
    as_alice: Client, club: Organization, x: SocialConnection
) -> None:
    now = timezone.now()
    other = factories.make_connection(club, "MASTODON", account_name="Zebra")
    for _ in range(3):
        factories.make_post(x, status="PUBLISHED", published_at=now - timedelta(hours=2))
    factories.make_post(x, status="PUBLISHED", published_at=now - timedelta(days=2))
    factories.make_post(other, status="PUBLISHED", published_at=now)
    page = as_alice.get(f"{LIST}per-hour?connection={x.pk}", follow=True).content.decode()
    assert "3 published in the last 24 hours" in page
    assert 'value="3" max="3"' in page
    assert "1 published" in as_alice.get(f"{LIST}per-hour?connection={other.pk}", follow=True).content.decode()


def test_thirty_posts_cost_as_many_queries_as_three(as_alice: Client, x: SocialConnection) -> None:
    def queries() -> int:
        with CaptureQueriesContext(database) as caught:
            assert as_alice.get(LIST).status_code == 200
        return len(caught)

    for _ in range(3):
        factories.make_post(x)
    as_alice.get(LIST)
    few = queries()
    for _ in range(27):
        factories.make_post(x)
    assert queries() == few


# --- the command line -------------------------------------------------------------------------------------------------


def run(name: str, *posts: Any) -> str:
    out = StringIO()
    call_command(name, *[str(getattr(post, "pk", post)) for post in posts], stdout=out, stderr=out)
    return out.getvalue()


def test_commands_retry_and_cancel_and_leave_the_operators_trace(x: SocialConnection) -> None:
    failed, waiting = factories.make_post(x, status="FAILED"), factories.make_post(x)
    assert "again now" in run("post_retry", failed)
    assert "cancelled" in run("post_cancel", waiting)
    assert SocialPost.objects.get(pk=failed.pk).status == "SCHEDULED"
    assert SocialPost.objects.get(pk=waiting.pk).status == "CANCELLED"
    assert AuditEvent.objects.filter(action="post.cancelled", actor_label__contains="operator").exists()


def test_a_command_tries_every_post_and_fails_at_the_end_when_one_was_refused(x: SocialConnection) -> None:
    out, waiting = factories.make_post(x, status="PUBLISHED"), factories.make_post(x)
    with pytest.raises(CommandError, match="2 of 3"):
        run("post_cancel", out, uuid4(), waiting)
    assert SocialPost.objects.get(pk=waiting.pk).status == "CANCELLED"


@responses.activate
def test_engagement_is_read_from_the_command_line(club: Organization) -> None:
    mastodon = factories.make_connection(club, "MASTODON", expires_in_s=None, refresh="")
    post = factories.make_post(mastodon, status="PUBLISHED", platform_post_id="5001")
    status = {
        "id": "5001", "favourites_count": 12, "replies_count": 3, "reblogs_count": 4, "url": "https://mastodon.example/@a/5001",
        "created_at": "2026-12-09T12:00:00.000Z", "content": "x",
    }  # fmt: skip
    responses.get("https://mastodon.example/api/v1/statuses/5001", json=status)
    responses.get("https://mastodon.example/api/v1/statuses", json=[status])
    assert "12 likes, 3 comments, 4 shares" in run("sync_engagement", post)
