"""A worker that was woken publishes what is ready until nothing is, and gives its thread back in time."""

from datetime import timedelta
from typing import Any

import pytest
import responses
import time_machine
from django.utils import timezone

from connections.models import SocialConnection
from publishing import turns
from publishing.dispatch import claim_due_posts
from publishing.models import PostStatus, SocialPost
from publishing.tasks import dispatch_due_posts_task, publish_post_task, publish_ready_task
from tests import factories
from tests.publishing import mastodon
from tests.together import at_once


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the messages, in order; none arrives anywhere."""
    names: list[str] = []
    monkeypatch.setattr("celery.Celery.send_task", lambda _app, name, **_how: names.append(name.rpartition(".")[2]))
    return names


@pytest.fixture
def said(server: responses.RequestsMock) -> list[str]:
    """The texts that the account's server was sent; it takes every one."""
    return mastodon.takes_everything(server)


def due(account: SocialConnection, number: int) -> list[SocialPost]:
    moment = timezone.now() - timedelta(seconds=1)
    return [factories.make_post(account, content=f"Post {one}", scheduled_at=moment) for one in range(number)]


def published() -> int:
    return SocialPost.objects.filter(status=PostStatus.PUBLISHED).count()


def test_one_message_is_enough_for_everything_that_is_due(
    account: SocialConnection, said: list[str], sent: list[str], settings: Any
) -> None:
    """Also what did not fit into the queue when the tick filled it: nobody waits for the next tick."""
    settings.PUBLISH_IN_FLIGHT = 2
    due(account, 5)
    [first, _second] = claim_due_posts(timezone.now(), limit=2)
    publish_post_task(str(first))
    assert published() == 5
    assert len(said) == 5
    assert sent == []


def test_a_message_for_a_post_that_another_has_taken_serves_the_next(
    account: SocialConnection, said: list[str]
) -> None:
    [gone, other] = due(account, 2)
    claim_due_posts(timezone.now(), limit=2)
    SocialPost.objects.filter(pk=gone.pk).update(claimed_by="worker:another")
    publish_post_task(str(gone.pk))
    other.refresh_from_db()
    assert other.status == PostStatus.PUBLISHED
    assert said == ["Post 1"]


def test_a_turn_ends_in_time_and_a_message_goes_on_with_the_rest(
    account: SocialConnection, said: list[str], sent: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "TURN_S", 0)
    due(account, 3)
    publish_ready_task()
    assert published() == 1
    assert sent == ["publish_ready_task"]


def test_a_broker_that_is_down_neither_stops_nor_doubles_a_post(
    account: SocialConnection, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the tick, which announces posts, nor a turn that ends by handing on after a post went out."""
    due(account, 3)

    def refuse(*_args: Any, **_how: Any) -> None:
        raise ConnectionError("the broker is down")

    with monkeypatch.context() as outage:
        outage.setattr("celery.Celery.send_task", refuse)
        outage.setattr(turns, "TURN_S", 0)
        dispatch_due_posts_task()
        publish_ready_task()
        assert published() == 1
    publish_ready_task()
    assert sorted(said) == ["Post 0", "Post 1", "Post 2"]


def test_posts_whose_messages_were_lost_wake_workers_within_seconds(account: SocialConnection, sent: list[str]) -> None:
    due(account, 20)
    claim_due_posts(timezone.now(), limit=20)
    dispatch_due_posts_task()
    assert "publish_ready_task" not in sent, "their messages may still be on the way"
    with time_machine.travel(timezone.now() + timedelta(seconds=4), tick=False):
        dispatch_due_posts_task()
    assert sent == ["publish_ready_task"] * turns.WAKE_AT_MOST


def test_a_post_that_breaks_our_own_code_holds_up_nobody(account: SocialConnection, said: list[str]) -> None:
    """An operator's SQL can make a row that nobody expected."""
    [odd, *_others] = due(account, 3)
    SocialPost.objects.filter(pk=odd.pk).update(options=[1], scheduled_at=timezone.now() - timedelta(minutes=1))
    publish_ready_task()
    assert published() == 2
    odd.refresh_from_db()
    assert odd.status == PostStatus.SCHEDULED
    assert odd.retry_count == 1
    assert odd.error_message == "Something went wrong in Parley."
    assert odd.next_attempt_at is not None


def test_workers_that_take_turns_at_once_send_each_post_once(real_transactions: None, server: Any) -> None:
    account = factories.make_connection(factories.make_organization(), "MASTODON", expires_in_s=None, refresh="")
    said = mastodon.takes_everything(server)
    posts = due(account, 24)
    at_once(publish_ready_task, 4)
    assert sorted(said) == sorted(post.content for post in posts)
    assert published() == 24
