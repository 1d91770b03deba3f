"""What each answer of a platform does to a post."""

from datetime import timedelta
from typing import Any

import pytest
import requests
import responses
from django.utils import timezone

from accounts.models import Notification
from connections.models import RateGate, SocialConnection
from publishing.attempts import begin_attempt, publish_post
from publishing.dispatch import claim_due_posts
from publishing.endings import record_published
from publishing.errors import LeaseLost
from publishing.journal import AttemptJournal
from publishing.models import Outcome, PostStatus, PublishStep, SocialPost
from publishing.reconcile import reconcile_connection
from tests import factories
from tests.publishing import mastodon

STATUSES = f"{mastodon.SERVER}/api/v1/statuses"


def again(post: SocialPost) -> SocialPost:
    return SocialPost.objects.select_related("connection").get(pk=post.pk)


def test_a_post_goes_out_with_its_link_and_time(claimed_post: SocialPost, server: responses.RequestsMock) -> None:
    mastodon.takes_the_post(server, "Frost on the greens", id="4711")
    publish_post(claimed_post.pk)
    post = again(claimed_post)
    assert post.status == PostStatus.PUBLISHED
    assert (post.platform_post_id, post.permalink) == ("4711", f"{mastodon.SERVER}/@club/4711")
    assert post.published_at is not None
    assert post.connection.last_post_at == post.published_at
    assert post.engagement_due_at is not None
    assert post.attempts.get().outcome == Outcome.PUBLISHED


def test_a_redelivered_message_sends_nothing(claimed_post: SocialPost, server: responses.RequestsMock) -> None:
    mastodon.takes_the_post(server, "Frost on the greens")
    publish_post(claimed_post.pk)
    publish_post(claimed_post.pk)
    assert mastodon.sends(server) == 1


def test_every_try_at_the_same_copy_carries_the_same_key(
    claimed_post: SocialPost, server: responses.RequestsMock
) -> None:
    server.post(STATUSES, body=requests.exceptions.ConnectTimeout())
    publish_post(claimed_post.pk)
    SocialPost.objects.filter(pk=claimed_post.pk).update(next_attempt_at=None)
    claim_due_posts(timezone.now(), limit=1)
    server.reset()
    mastodon.takes_the_post(server, "Frost on the greens")
    publish_post(claimed_post.pk)
    assert again(claimed_post).status == PostStatus.PUBLISHED
    first, second = claimed_post.attempts.all()
    assert first.key == second.key
    assert server.calls[-1].request.headers["Idempotency-Key"] == str(second.key)


def test_a_refused_token_holds_the_post_and_asks_for_reconnection_once(
    claimed_post: SocialPost, server: responses.RequestsMock, alice: Any
) -> None:
    server.post(STATUSES, status=401, json={"error": "The access token is invalid"})
    server.get(
        f"{mastodon.SERVER}/api/v1/accounts/verify_credentials",
        status=401,
        json={"error": "The access token is invalid"},
    )
    publish_post(claimed_post.pk)
    post = again(claimed_post)
    assert post.status == PostStatus.SCHEDULED
    assert "reauthentication" in (post.error_message or "")
    assert not post.connection.is_active
    assert claim_due_posts(timezone.now(), limit=1) == []
    assert Notification.objects.filter(user=alice).count() == 1


def test_a_rate_limit_moves_the_post_to_when_the_window_opens(
    claimed_post: SocialPost, server: responses.RequestsMock
) -> None:
    opens = (timezone.now() + timedelta(minutes=12)).replace(microsecond=0)
    server.post(
        STATUSES, status=429, json={"error": "Too many requests"},
        headers={"X-RateLimit-Reset": opens.isoformat().replace("+00:00", "Z"), "X-RateLimit-Remaining": "0"},
    )  # fmt: skip
    publish_post(claimed_post.pk)
    post = again(claimed_post)
    assert post.status == PostStatus.SCHEDULED
    assert post.next_attempt_at is not None
    assert abs(post.next_attempt_at - opens) < timedelta(seconds=5)
    assert post.retry_count == 0, "waiting one's turn is no failure"
    assert post.error_message


def test_a_server_that_names_a_time_years_away_is_asked_again_tomorrow(
    claimed_post: SocialPost, server: responses.RequestsMock
) -> None:
    server.post(
        STATUSES, status=429, json={"error": "Too many requests"},
        headers={"X-RateLimit-Limit": "300", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "9000-01-01T00:00:00Z"},
    )  # fmt: skip
    publish_post(claimed_post.pk)
    tomorrow = timezone.now() + timedelta(days=1)
    waits = again(claimed_post).next_attempt_at
    assert waits is not None
    assert abs(waits - tomorrow) < timedelta(minutes=1)
    [gate] = RateGate.objects.exclude(blocked_until=None)
    assert gate.blocked_until is not None
    assert gate.blocked_until < tomorrow + timedelta(minutes=1)


def test_a_rate_limit_without_a_time_waits_an_hour(claimed_post: SocialPost, server: responses.RequestsMock) -> None:
    server.post(STATUSES, status=429, json={"error": "Throttled"})
    publish_post(claimed_post.pk)
    waits = again(claimed_post).next_attempt_at
    assert waits is not None
    assert timedelta(minutes=55) < waits - timezone.now() < timedelta(minutes=65)


def test_refused_content_fails_and_tells_its_author_in_the_platforms_words(
    claimed_post: SocialPost, server: responses.RequestsMock, bob: Any
) -> None:
    server.post(STATUSES, status=422, json={"error": "Validation failed: Text character limit of 500 exceeded"})
    publish_post(claimed_post.pk)
    post = again(claimed_post)
    assert post.status == PostStatus.FAILED
    assert "character limit of 500" in (post.error_message or "")
    told = Notification.objects.get(user=bob)
    assert "character limit of 500" in told.body
    assert str(post.pk) in told.url


@pytest.mark.parametrize("text", ["Good\ufeff morning", "\u200b"], ids=["refused sign", "nothing to see"])
def test_a_text_that_its_platform_cannot_take_is_not_sent(
    x: SocialConnection, server: responses.RequestsMock, text: str
) -> None:
    post = factories.make_post(x, content=text, status=PostStatus.SCHEDULED, scheduled_at=timezone.now())
    assert claim_due_posts(timezone.now(), limit=10) == [post.pk]
    publish_post(post.pk)
    assert again(post).status == PostStatus.FAILED
    assert len(server.calls) == 0


def test_a_server_that_cannot_be_reached_is_tried_again_with_growing_waits(
    claimed_post: SocialPost, server: responses.RequestsMock
) -> None:
    server.post(STATUSES, body=requests.exceptions.ConnectTimeout())
    waits = []
    for _ in range(6):
        now = timezone.now()
        publish_post(claimed_post.pk)
        post = again(claimed_post)
        if post.status == PostStatus.FAILED:
            break
        assert post.next_attempt_at is not None
        waits.append((post.next_attempt_at - now).total_seconds())
        assert claim_due_posts(timezone.now(), limit=1) == [], "the wait is honoured"
        SocialPost.objects.filter(pk=post.pk).update(next_attempt_at=None)
        claim_due_posts(timezone.now(), limit=1)
    assert again(claimed_post).status == PostStatus.FAILED
    assert len(waits) == 5
    assert waits == sorted(waits)
    assert 25 * 60 < sum(waits) < 40 * 60


CUT_OFF = [
    pytest.param({"body": requests.exceptions.ConnectionError("reset by peer")}, id="connection reset"),
    pytest.param({"body": requests.exceptions.ReadTimeout()}, id="no answer in time"),
    pytest.param({"status": 502, "body": "<html>Bad gateway</html>"}, id="html of a proxy"),
    pytest.param({"status": 200, "body": ""}, id="empty answer"),
    pytest.param({"status": 200, "body": "<html>hello</html>"}, id="html instead of json"),
]


@pytest.mark.parametrize("answer", CUT_OFF)
def test_after_a_cut_off_send_the_platform_is_asked_and_the_post_adopted(
    claimed_post: SocialPost, server: responses.RequestsMock, answer: dict[str, Any]
) -> None:
    server.post(STATUSES, **answer)
    publish_post(claimed_post.pk)
    assert again(claimed_post).status == PostStatus.PUBLISHING, "neither failed nor sent again: it is being checked"
    sent = mastodon.sends(server)
    server.reset()
    mastodon.shows(server, "1", mastodon.status("Frost on the greens", id="99"))
    look(claimed_post)
    post = again(claimed_post)
    assert (post.status, post.platform_post_id) == (PostStatus.PUBLISHED, "99")
    assert sent >= 1
    assert mastodon.sends(server) == 0


def look(post: SocialPost) -> None:
    SocialPost.objects.filter(pk=post.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    reconcile_connection(post.connection_id)


def long_ago(post: SocialPost) -> None:
    PublishStep.objects.filter(attempt__post=post).update(started_at=timezone.now() - timedelta(minutes=5))


def test_a_post_that_is_certainly_absent_is_sent_again(
    claimed_post: SocialPost, server: responses.RequestsMock
) -> None:
    server.post(STATUSES, body=requests.exceptions.ReadTimeout())
    publish_post(claimed_post.pk)
    mastodon.shows(server, "1", mastodon.status("Something else"))
    look(claimed_post)
    assert again(claimed_post).status == PostStatus.PUBLISHING, "too early to tell"
    long_ago(claimed_post)
    look(claimed_post)
    post = again(claimed_post)
    assert (post.status, post.retry_count) == (PostStatus.SCHEDULED, 1)
    assert claim_due_posts(timezone.now(), limit=1) == [post.pk], "it has waited long enough already"


def test_while_the_platform_cannot_be_read_nothing_is_sent_and_a_person_is_asked_in_the_end(
    claimed_post: SocialPost, server: responses.RequestsMock, bob: Any
) -> None:
    server.post(STATUSES, body=requests.exceptions.ReadTimeout())
    publish_post(claimed_post.pk)
    server.get(f"{mastodon.SERVER}/api/v1/accounts/1/statuses", status=503, body="<html></html>")
    look(claimed_post)
    assert again(claimed_post).status == PostStatus.PUBLISHING
    PublishStep.objects.filter(attempt__post=claimed_post).update(started_at=timezone.now() - timedelta(hours=7))
    look(claimed_post)
    post = again(claimed_post)
    assert (post.status, post.error_code) == (PostStatus.FAILED, "OUTCOME_UNKNOWN")
    assert Notification.objects.filter(user=bob).exists()


def test_a_post_of_unknown_outcome_that_sql_sets_back_is_looked_up_before_it_is_sent(
    claimed_post: SocialPost, server: responses.RequestsMock
) -> None:
    server.post(STATUSES, body=requests.exceptions.ReadTimeout())
    publish_post(claimed_post.pk)
    PublishStep.objects.filter(attempt__post=claimed_post).update(started_at=timezone.now() - timedelta(hours=7))
    server.get(f"{mastodon.SERVER}/api/v1/accounts/1/statuses", status=503, body="")
    look(claimed_post)
    SocialPost.objects.filter(pk=claimed_post.pk).update(status="SCHEDULED", retry_count=0, error_message=None)
    server.reset()
    mastodon.shows(server, "1", mastodon.status("Frost on the greens", id="77"))
    assert claim_due_posts(timezone.now(), limit=1) == [claimed_post.pk]
    publish_post(claimed_post.pk)
    assert again(claimed_post).platform_post_id == "77"
    assert mastodon.sends(server) == 0


def test_an_answer_that_comes_late_still_counts(claimed_post: SocialPost, server: responses.RequestsMock) -> None:
    """A slow worker whose post was given up meanwhile: "failed" must not stand beside a live post."""
    mastodon.takes_the_post(server, "Frost on the greens", id="55")
    from connections.platforms.base import Published

    attempt = begin_attempt(claimed_post.pk, holder="worker:slow")
    assert attempt is not None
    SocialPost.objects.filter(pk=claimed_post.pk).update(
        status="FAILED", error_code="OUTCOME_UNKNOWN", settled_at=timezone.now()
    )
    record_published(attempt, Published("55", "https://mastodon.example/@club/55", timezone.now()))
    assert again(claimed_post).status == PostStatus.PUBLISHED


def test_a_worker_that_lost_its_lease_sends_nothing(claimed_post: SocialPost) -> None:
    attempt = begin_attempt(claimed_post.pk, holder="worker:slow")
    assert attempt is not None
    SocialPost.objects.filter(pk=claimed_post.pk).update(claimed_by="worker:other")
    sent: list[str] = []

    def send() -> dict[str, str]:
        sent.append("sent")
        return {}

    with pytest.raises(LeaseLost):
        AttemptJournal(attempt, "worker:slow").once("post", send)
    assert sent == []


def test_a_post_a_day_late_asks_instead_of_going_out(account: SocialConnection, server: responses.RequestsMock) -> None:
    post = factories.make_post(account, scheduled_at=timezone.now() - timedelta(hours=25))
    claim_due_posts(timezone.now(), limit=1)
    publish_post(post.pk)
    post = again(post)
    assert (post.status, post.error_code) == (PostStatus.FAILED, "TOO_LATE")
    assert len(server.calls) == 0


def test_a_failed_post_that_is_revived_days_later_goes_out(
    account: SocialConnection, server: responses.RequestsMock
) -> None:
    """As operators do it: status back to SCHEDULED by SQL, its old time untouched."""
    post = factories.make_post(
        account,
        content="Frost",
        scheduled_at=timezone.now() - timedelta(days=5),
        settled_at=timezone.now() - timedelta(days=5),
    )
    mastodon.takes_the_post(server, "Frost")
    claim_due_posts(timezone.now(), limit=1)
    publish_post(post.pk)
    assert again(post).status == PostStatus.PUBLISHED


def test_a_reconnected_account_asks_about_what_came_due_meanwhile(account: SocialConnection, bob: Any) -> None:
    from connections.events import connection_restored
    from publishing.services import publish_now

    late = factories.make_post(account, scheduled_at=timezone.now() - timedelta(hours=2))
    later = factories.make_post(account, scheduled_at=timezone.now() + timedelta(hours=2))
    connection_restored.send(SocialConnection, connection=account, by=bob, inactive_since=None)
    assert claim_due_posts(timezone.now(), limit=5) == []
    assert again(late).hold_reason == "RECONNECTED"
    assert again(later).hold_reason == ""
    publish_now(again(late), by=bob)
    assert claim_due_posts(timezone.now(), limit=5) == [late.pk]


def test_disconnecting_cancels_what_was_planned_and_says_why(account: SocialConnection, bob: Any) -> None:
    from connections.events import connection_disconnected

    planned, draft = factories.make_post(account), factories.make_post(account, status=PostStatus.DRAFT)
    connection_disconnected.send(SocialConnection, connection=account, by=bob, reason="Disconnected by Bob.")
    assert (again(planned).status, again(planned).error_message) == (PostStatus.CANCELLED, "Disconnected by Bob.")
    assert again(draft).status == PostStatus.DRAFT
