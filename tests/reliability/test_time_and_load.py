"""Clocks that change, several beats, a full disk, a long task: posts go out once and on time, or it is said."""

import threading
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import responses
import time_machine
from django.core.files.storage import FileSystemStorage
from django.db import connection as database
from django.utils import timezone

from accounts.models import Notification, User
from connections.models import SocialConnection
from publishing.attempts import publish_post
from publishing.dispatch import dispatch_due_posts
from publishing.models import PostStatus, SocialPost
from publishing.services import schedule_post
from publishing.zones import local_to_utc
from tests import factories
from tests.publishing import mastodon
from tests.together import at_once

LISBON = ZoneInfo("Europe/Lisbon")


# --- the clock over a daylight-saving change --------------------------------------------------------------------------


@pytest.mark.parametrize("change", [date(2027, 3, 28), date(2027, 10, 31)], ids=["forward", "back"])
def test_posts_of_six_in_the_evening_go_out_at_six_on_both_sides_of_a_clock_change(
    account: SocialConnection, bob: User, change: date
) -> None:
    days = [change + timedelta(days=ahead) for ahead in (-1, 0, 1)]
    due = [local_to_utc(datetime.combine(day, datetime.min.time().replace(hour=18)), LISBON) for day in days]
    with time_machine.travel(
        datetime.combine(change - timedelta(days=7), datetime.min.time(), UTC), tick=False
    ) as clock:
        posts = [schedule_post(factories.make_post(account), at=at, by=bob) for at in due]
        for post, at in zip(posts, due, strict=True):
            clock.move_to(at - timedelta(seconds=1))
            assert dispatch_due_posts() == []
            clock.move_to(at)
            assert timezone.localtime(timezone.now(), LISBON).hour == 18
            assert dispatch_due_posts() == [post.pk]


def test_the_hour_that_happens_twice_sends_each_post_in_its_own_and_once(account: SocialConnection, bob: User) -> None:
    wall = datetime(2027, 10, 31, 1, 30)
    first, second = (local_to_utc(wall, LISBON, fold=fold) for fold in (0, 1))
    with time_machine.travel(first - timedelta(days=1), tick=False) as clock:
        earlier, later = (schedule_post(factories.make_post(account), at=at, by=bob) for at in (first, second))
        sent = []
        for _quarter in range(12):
            clock.shift(timedelta(minutes=15))
            if timezone.now() < first - timedelta(hours=1):
                clock.move_to(first - timedelta(minutes=15))
            sent += [(post_id, timezone.now()) for post_id in dispatch_due_posts()]
    assert sent == [(earlier.pk, first), (later.pk, second)]


def test_a_machine_whose_clock_was_set_back_sends_nothing_twice(
    account: SocialConnection, server: responses.RequestsMock
) -> None:
    now = datetime(2027, 3, 28, 2, tzinfo=UTC)
    mastodon.takes_the_post(server, "Frost", at=now)
    with time_machine.travel(now, tick=False) as clock:
        factories.make_post(account, content="Frost", scheduled_at=now - timedelta(seconds=1))
        for post_id in dispatch_due_posts():
            publish_post(post_id)
        clock.shift(timedelta(hours=-1))
        for _ in range(3):
            for post_id in dispatch_due_posts():
                publish_post(post_id)
            clock.shift(timedelta(hours=1))
    assert mastodon.sends(server) == 1


# --- several beats at once --------------------------------------------------------------------------------------------


def test_several_beats_that_tick_together_claim_each_post_once(
    real_transactions: None, account: SocialConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("publishing.dispatch.hurry", lambda *_message, **_where: None)
    posts = {factories.make_post(account, scheduled_at=timezone.now() - timedelta(seconds=1)).pk for _ in range(40)}
    ticks = at_once(lambda: [dispatch_due_posts() for _second in range(3)], 5)
    claimed = [post_id for tick in ticks for claims in tick for post_id in claims]
    assert len(claimed) == len(posts)
    assert set(claimed) == posts


# --- a disk that cannot be read or written ----------------------------------------------------------------------------


def test_a_picture_that_cannot_be_read_fails_its_post_and_says_so_and_sends_nothing(
    account: SocialConnection, bob: User, server: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    post = factories.make_post(account, scheduled_at=timezone.now() - timedelta(seconds=1), created_by=bob)
    factories.attach(post, factories.make_asset(account.organization))

    def refuse(*_arguments: Any, **_how: Any) -> Any:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(FileSystemStorage, "open", refuse)
    for post_id in dispatch_due_posts():
        publish_post(post_id)
    post = SocialPost.objects.get(pk=post.pk)
    assert post.status == PostStatus.FAILED
    assert "picture" in (post.error_message or "")
    assert "missing" in (post.error_message or "")
    assert Notification.objects.filter(user=bob).exists()
    assert mastodon.sends(server) == 0


# --- a long task ------------------------------------------------------------------------------------------------------


def test_an_upload_that_hangs_holds_its_own_worker_and_no_other_post(
    real_transactions: None, account: SocialConnection, server: responses.RequestsMock
) -> None:
    """No lock is held while a platform is slow: others claim, publish and record meanwhile."""
    slow = factories.make_post(account, content="Slow", scheduled_at=timezone.now() - timedelta(seconds=2))
    quick = factories.make_post(account, content="Quick", scheduled_at=timezone.now() - timedelta(seconds=1))
    begun, go_on = threading.Event(), threading.Event()

    def answer(request: Any) -> tuple[int, dict[str, str], str]:
        import json

        text = json.loads(request.body)["status"]
        if text == "Slow":
            begun.set()
            assert go_on.wait(30)
        return 200, {}, json.dumps(mastodon.status(text, id="1" if text == "Slow" else "2"))

    server.add_callback("POST", f"{mastodon.SERVER}/api/v1/statuses", answer)
    dispatch_due_posts()

    def work() -> None:
        try:
            publish_post(slow.pk)
        finally:
            database.close()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        assert begun.wait(30)
        publish_post(quick.pk)
        assert SocialPost.objects.get(pk=quick.pk).status == PostStatus.PUBLISHED
        assert SocialPost.objects.get(pk=slow.pk).status == PostStatus.PUBLISHING
    finally:
        go_on.set()
        worker.join(30)
    assert SocialPost.objects.get(pk=slow.pk).status == PostStatus.PUBLISHED
