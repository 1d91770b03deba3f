"""The health page, /readyz and /metrics tell the same."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts import heartbeats
from accounts.models import Heartbeat, Organization
from connections.models import PlatformTrouble
from publishing.models import PostStatus, PublishAttempt, SocialPost
from tests import factories


@pytest.fixture
def alive(db: None) -> None:
    heartbeats.beat("publish@host", queues=["publish", "dispatch"])
    heartbeats.note_tick(timezone.now())


def test_with_a_worker_and_a_beat_it_is_ready(client: Client, alive: None) -> None:
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"ready": True, "problems": {}})


@pytest.mark.parametrize("silent_s", [61, 3600])
def test_a_worker_that_is_silent_for_a_minute_is_said(client: Client, alive: None, silent_s: int) -> None:
    Heartbeat.objects.filter(kind="worker").update(seen_at=timezone.now() - timedelta(seconds=silent_s))
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "publish" in answer.json()["problems"]["workers"]


def test_a_worker_for_other_queues_does_not_publish(client: Client, alive: None) -> None:
    Heartbeat.objects.filter(kind="worker").update(queues=["sync"])
    assert "workers" in client.get("/readyz").json()["problems"]


def test_a_beat_that_stands_still_is_said(client: Client, alive: None) -> None:
    Heartbeat.objects.filter(kind="tick").update(seen_at=timezone.now() - timedelta(seconds=61))
    assert "beat" in client.get("/readyz").json()["problems"]


def test_posts_that_nobody_claims_are_said(client: Client, alive: None, club: Organization) -> None:
    account = factories.make_connection(club, "MASTODON")
    factories.make_post(account, scheduled_at=timezone.now() - timedelta(minutes=2))
    assert "1 posts have been due" in client.get("/readyz").json()["problems"]["overdue"]


def test_posts_of_an_account_that_waits_for_reauthentication_are_no_alarm(
    client: Client, alive: None, club: Organization
) -> None:
    account = factories.make_connection(club, "MASTODON", is_active=False)
    factories.make_post(account, scheduled_at=timezone.now() - timedelta(minutes=2))
    assert client.get("/readyz").status_code == 200


def test_a_post_whose_worker_is_gone_is_said(client: Client, alive: None, club: Organization) -> None:
    post = factories.make_post(factories.make_connection(club, "MASTODON"))
    SocialPost.objects.filter(pk=post.pk).update(
        status=PostStatus.PUBLISHING, lease_until=timezone.now() - timedelta(minutes=5)
    )
    assert "stuck" in client.get("/readyz").json()["problems"]


def test_the_page_says_the_same_in_the_same_status_code(as_alice: Client, alive: None) -> None:
    assert "Everything works" in as_alice.get("/health/").content.decode()
    Heartbeat.objects.all().delete()
    answer = as_alice.get("/health/")
    assert answer.status_code == 503
    assert "No worker is consuming the" in answer.content.decode()


def test_the_page_is_for_those_who_manage_the_organization(as_bob: Client) -> None:
    assert as_bob.get("/health/").status_code == 403


def test_a_paused_platform_is_shown_to_those_who_have_accounts_there(
    as_alice: Client, as_eve: Client, alive: None, club: Organization
) -> None:
    factories.make_connection(club, "FACEBOOK")
    PlatformTrouble.objects.create(
        platform="FACEBOOK", first_failure_at=timezone.now(), paused_since=timezone.now(), failures=9
    )
    said = "Facebook has been having trouble since"
    assert said in as_alice.get("/health/").content.decode()
    assert said in as_alice.get("/connections/").content.decode()
    assert said not in as_eve.get("/connections/").content.decode()


def test_lateness_is_measured_on_first_tries(client: Client, alive: None, club: Organization) -> None:
    account = factories.make_connection(club, "MASTODON")
    now = timezone.now()
    for late_s in (1, 2, 9):
        post = factories.make_post(account, status=PostStatus.PUBLISHED, scheduled_at=now - timedelta(minutes=5))
        PublishAttempt.objects.create(
            organization=club, post=post, number=1, key=post.pk, owner="w", started_at=now, outcome="PUBLISHED",
            finished_at=now - timedelta(minutes=5) + timedelta(seconds=late_s),
        )  # fmt: skip
    text = client.get("/metrics").content.decode()
    assert 'parley_publish_lateness_seconds{quantile="0.5"} 2.0' in text
    assert 'parley_publish_lateness_seconds{quantile="0.99"} 9.0' in text


def test_the_page_counts_the_attempts_of_the_last_day_in_words(
    as_alice: Client, alive: None, club: Organization
) -> None:
    assert "No posts were sent in the last 24 hours." in as_alice.get("/health/").content.decode()
    account = factories.make_connection(club, "MASTODON")
    for outcome in ("PUBLISHED", "UNKNOWN", ""):
        post = factories.make_post(account, status=PostStatus.PUBLISHED, scheduled_at=timezone.now())
        PublishAttempt.objects.create(
            organization=club, post=post, number=1, key=post.pk, owner="w", started_at=timezone.now(), outcome=outcome
        )
    page = as_alice.get("/health/").content.decode()
    assert all(words in page for words in ("Published", "Unknown, needs a decision", "Ongoing"))


def test_metrics_are_for_this_machine_or_for_those_with_the_token(client: Client, alive: None, settings: Any) -> None:
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="203.0.113.9").status_code == 403
    settings.METRICS_TOKEN = "let-me-in"
    assert client.get("/metrics").status_code == 403
    assert client.get("/metrics", HTTP_AUTHORIZATION="Bearer wrong").status_code == 403
    assert client.get("/metrics", HTTP_AUTHORIZATION="Bearer let-me-in").status_code == 200


def test_a_worker_that_ends_in_order_leaves_no_ghost(alive: None) -> None:
    heartbeats.say_goodbye("publish@host")
    assert heartbeats.living_workers(timezone.now()) == []
