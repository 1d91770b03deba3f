"""What is due is claimed once, in turns between organizations; what is not due stays."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Organization
from connections.models import SocialConnection
from publishing.dispatch import claim_due_posts, dispatch_due_posts, sweep_posts, sweep_when_due
from publishing.models import Outcome, PostStatus, PublishAttempt, PublishStep, SocialPost
from publishing.tasks import dispatch_due_posts_task
from tests import factories


def ago(**span: float) -> Any:
    return timezone.now() - timedelta(**span)


def test_a_due_post_is_claimed_once(account: SocialConnection) -> None:
    post = factories.make_post(account, scheduled_at=ago(seconds=1))
    assert claim_due_posts(timezone.now(), limit=10) == [post.pk]
    assert claim_due_posts(timezone.now(), limit=10) == []
    post.refresh_from_db()
    assert post.status == PostStatus.PUBLISHING


@pytest.mark.parametrize(
    "waiting",
    [
        {"scheduled_at": timezone.now() + timedelta(hours=1)},
        {"status": PostStatus.DRAFT, "scheduled_at": timezone.now() - timedelta(minutes=1)},
        {"status": PostStatus.PENDING_APPROVAL, "scheduled_at": timezone.now() - timedelta(minutes=1)},
        {"status": PostStatus.CANCELLED, "scheduled_at": timezone.now() - timedelta(minutes=1)},
        {"scheduled_at": timezone.now() - timedelta(hours=1), "next_attempt_at": timezone.now() + timedelta(hours=1)},
        {"scheduled_at": timezone.now() - timedelta(hours=1), "hold_reason": "RECONNECTED"},
    ],
    ids=["later", "draft", "waits for approval", "cancelled", "backs off", "held for a person"],
)
def test_what_may_not_go_is_left_alone(account: SocialConnection, waiting: dict[str, Any]) -> None:
    factories.make_post(account, **waiting)
    assert claim_due_posts(timezone.now(), limit=10) == []


@pytest.mark.parametrize("state", [{"is_active": False}, {"disconnected_at": timezone.now()}])
def test_posts_of_an_account_that_cannot_publish_wait(club: Organization, state: dict[str, Any]) -> None:
    account = factories.make_connection(club, "MASTODON", **state)
    factories.make_post(account, scheduled_at=ago(minutes=1))
    assert claim_due_posts(timezone.now(), limit=10) == []


def test_what_comes_due_before_the_next_tick_is_sent_at_its_time(account: SocialConnection) -> None:
    soon = factories.make_post(account, scheduled_at=timezone.now() + timedelta(seconds=0.4))
    later = factories.make_post(account, scheduled_at=timezone.now() + timedelta(minutes=1))
    dispatch_due_posts_task()
    for post in (soon, later):
        post.refresh_from_db()
    assert soon.status == PostStatus.PUBLISHING
    assert soon.claimed_at is not None
    assert soon.scheduled_at is not None
    assert soon.claimed_at >= soon.scheduled_at, "never before it"
    assert later.status == PostStatus.SCHEDULED


def test_an_organization_with_many_due_posts_delays_no_other(account: SocialConnection, rivals: Organization) -> None:
    for minutes in range(20):
        factories.make_post(account, scheduled_at=ago(hours=2, minutes=-minutes))
    theirs = factories.make_post(factories.make_connection(rivals, "MASTODON"), scheduled_at=ago(seconds=1))
    assert theirs.pk in claim_due_posts(timezone.now(), limit=2)


def test_the_oldest_go_first_within_an_organization(account: SocialConnection) -> None:
    younger = factories.make_post(account, scheduled_at=ago(minutes=1))
    older = factories.make_post(account, scheduled_at=ago(minutes=2))
    assert claim_due_posts(timezone.now(), limit=10) == [older.pk, younger.pk]


def test_the_queue_is_kept_short(account: SocialConnection, settings: Any) -> None:
    settings.PUBLISH_IN_FLIGHT = 3
    for _ in range(5):
        factories.make_post(account, scheduled_at=ago(minutes=1))
    assert len(dispatch_due_posts()) == 3
    assert dispatch_due_posts() == []


def test_a_tick_asks_the_same_number_of_queries_for_3_and_for_30_posts(account: SocialConnection) -> None:
    for _ in range(33):
        factories.make_post(account, scheduled_at=ago(minutes=1))
    counts = []
    for size in (3, 30):
        with CaptureQueriesContext(database) as queries:
            assert len(claim_due_posts(timezone.now(), limit=size)) == size
        counts.append(len(queries))
    assert counts[0] == counts[1]


def lapse(post: SocialPost) -> None:
    SocialPost.objects.filter(pk=post.pk).update(lease_until=ago(seconds=1))


def test_a_claim_whose_message_was_lost_goes_back_to_the_schedule(claimed_post: SocialPost) -> None:
    sweep_posts()
    claimed_post.refresh_from_db()
    assert claimed_post.status == PostStatus.PUBLISHING, "its lease still runs"
    lapse(claimed_post)
    sweep_posts()
    claimed_post.refresh_from_db()
    assert claimed_post.status == PostStatus.SCHEDULED
    assert claimed_post.retry_count == 0
    assert claim_due_posts(timezone.now(), limit=10) == [claimed_post.pk]


def test_a_post_set_back_to_scheduled_by_sql_goes_out(account: SocialConnection) -> None:
    failed = factories.make_post(
        account, status=PostStatus.FAILED, scheduled_at=ago(days=5), settled_at=ago(days=5), retry_count=5
    )
    with database.cursor() as cursor:
        cursor.execute(
            "UPDATE \"SocialPost\" SET status = 'SCHEDULED', retry_count = 0, error_message = NULL WHERE id = %s",
            [failed.pk if database.vendor == "postgresql" else failed.pk.hex],
        )
    assert claim_due_posts(timezone.now(), limit=10) == [failed.pk]


def test_a_post_cancelled_by_sql_stays(account: SocialConnection) -> None:
    post = factories.make_post(account, scheduled_at=ago(seconds=1))
    with database.cursor() as cursor:
        cursor.execute(
            "UPDATE \"SocialPost\" SET status = 'CANCELLED' WHERE id = %s",
            [post.pk if database.vendor == "postgresql" else post.pk.hex],
        )
    assert claim_due_posts(timezone.now(), limit=10) == []


def attempt_of(post: SocialPost) -> PublishAttempt:
    return PublishAttempt.objects.create(
        organization=post.organization, post=post, number=1, key=post.pk, owner="worker:dead", started_at=ago(minutes=5)
    )


def test_an_attempt_that_died_before_its_public_call_is_carried_on(claimed_post: SocialPost) -> None:
    attempt = attempt_of(claimed_post)
    PublishStep.objects.create(attempt=attempt, name="media:0", is_public=False, started_at=ago(minutes=4))
    SocialPost.objects.filter(pk=claimed_post.pk).update(claimed_by="worker:dead", lease_until=ago(seconds=1))
    sweep_posts()
    claimed_post.refresh_from_db()
    assert claimed_post.claimed_by.startswith("queue:")
    assert claimed_post.attempts.get().outcome == ""


def test_an_attempt_that_died_in_its_public_call_is_checked_not_repeated(claimed_post: SocialPost) -> None:
    attempt = attempt_of(claimed_post)
    PublishStep.objects.create(attempt=attempt, name="post", is_public=True, started_at=ago(minutes=4))
    SocialPost.objects.filter(pk=claimed_post.pk).update(claimed_by="worker:dead", lease_until=ago(seconds=1))
    sweep_posts()
    claimed_post.refresh_from_db()
    assert claimed_post.claimed_by.startswith("reconcile:")
    assert claimed_post.status == PostStatus.PUBLISHING
    assert not claimed_post.attempts.exclude(outcome="").exists()
    assert Outcome.PUBLISHED not in claimed_post.attempts.values_list("outcome", flat=True)


def test_the_tick_sweeps_every_few_seconds_whatever_the_beat_forgot(claimed_post: SocialPost) -> None:
    lapse(claimed_post)
    now = timezone.now()
    assert sweep_when_due(now)
    claimed_post.refresh_from_db()
    assert claimed_post.status == PostStatus.SCHEDULED
    assert not sweep_when_due(now + timedelta(seconds=4)), "however many ticks and beats there are"
    assert sweep_when_due(now + timedelta(seconds=6))
