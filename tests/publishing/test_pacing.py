"""Quiet hours and the gap between posts of one account: a due post waits, says why, and loses no try."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
import responses
import time_machine
from django.utils import timezone

from accounts.audit import SYSTEM
from accounts.models import Organization, User
from accounts.preferences import set_publishing_rules
from config.state import lateness
from connections.models import SocialConnection
from publishing.attempts import begin_attempt, publish_post
from publishing.dispatch import claim_due_posts
from publishing.models import PostStatus, PublishAttempt, SocialPost
from publishing.services import publish_now, schedule_post
from publishing.states import standing_of
from tests import factories
from tests.publishing import mastodon
from tests.together import at_once

NOON = datetime(2026, 12, 9, 12, 0, tzinfo=UTC)


def keep(club: Organization, *, gap: int = 0, quiet: tuple[time, time] | None = None) -> None:
    start, end = quiet or (None, None)
    set_publishing_rules(club, gap_minutes=gap, quiet_from=start, quiet_to=end, by=SYSTEM)


def due(account: SocialConnection, at: datetime, **fields: Any) -> SocialPost:
    return factories.make_post(account, scheduled_at=at, **fields)


def again(post: SocialPost) -> SocialPost:
    return SocialPost.objects.select_related("connection", "organization").get(pk=post.pk)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def open_server(server: responses.RequestsMock) -> responses.RequestsMock:
    """Takes every post, each under an id of its own."""
    numbers = iter(range(1000, 2000))

    def take(_request: Any) -> tuple[int, dict[str, str], str]:
        number = next(numbers)
        at = f"{timezone.now():%Y-%m-%dT%H:%M:%S.000Z}"
        return 200, {}, f'{{"id": "{number}", "url": "{mastodon.SERVER}/@club/{number}", "created_at": "{at}"}}'

    server.add_callback("POST", f"{mastodon.SERVER}/api/v1/statuses", take, content_type="application/json")
    return server


def dispatch() -> None:
    for post_id in claim_due_posts(timezone.now(), limit=100):
        publish_post(post_id)


def test_the_second_of_two_posts_of_the_same_second_goes_a_gap_later(
    club: Organization, account: SocialConnection, open_server: responses.RequestsMock, clock: Any
) -> None:
    keep(club, gap=10)
    first, second = due(account, NOON), due(account, NOON)
    dispatch()
    assert {again(first).status, again(second).status} == {PostStatus.PUBLISHED, PostStatus.SCHEDULED}
    waiting = next(post for post in (again(first), again(second)) if post.status == PostStatus.SCHEDULED)
    assert (waiting.error_code, waiting.retry_count) == ("SPACING", 0)
    assert waiting.next_attempt_at == NOON + timedelta(minutes=10)
    assert "12:10" in (waiting.error_message or "")
    clock.move_to(NOON + timedelta(minutes=9, seconds=59))
    dispatch()
    assert again(waiting).status == PostStatus.SCHEDULED
    clock.move_to(NOON + timedelta(minutes=10))
    dispatch()
    assert again(waiting).status == PostStatus.PUBLISHED
    assert again(waiting).error_code == ""


def test_many_posts_of_one_second_go_one_gap_apart(
    club: Organization, account: SocialConnection, open_server: responses.RequestsMock, clock: Any
) -> None:
    keep(club, gap=10)
    for _ in range(5):
        due(account, NOON)
    for minute in range(41):
        clock.move_to(NOON + timedelta(minutes=minute))
        dispatch()
    out = list(SocialPost.objects.order_by("published_at").values_list("published_at", flat=True))
    assert out == [NOON + timedelta(minutes=10 * number) for number in range(5)]


def test_accounts_do_not_wait_for_each_other(
    club: Organization, account: SocialConnection, open_server: responses.RequestsMock, clock: Any
) -> None:
    keep(club, gap=10)
    other = factories.make_connection(club, "MASTODON", expires_in_s=None, refresh="", platform_account_id="2")
    posts = [due(account, NOON), due(other, NOON)]
    dispatch()
    assert {again(post).status for post in posts} == {PostStatus.PUBLISHED}


def test_what_failed_makes_nobody_wait(club: Organization, account: SocialConnection, clock: Any) -> None:
    keep(club, gap=10)
    failed = factories.make_post(account, status=PostStatus.FAILED, scheduled_at=NOON)
    PublishAttempt.objects.create(
        organization=club, post=failed, number=1, key=failed.pk, owner="x", started_at=NOON, outcome="FAILED"
    )
    post = due(account, NOON)
    claim_due_posts(NOON, limit=1)
    assert begin_attempt(post.pk, holder="worker:x") is not None


@pytest.mark.parametrize(
    ("due_at", "goes_at"),
    [
        ("2026-12-09T23:30", "2026-12-10T07:00"),
        ("2026-03-29T00:30", "2026-03-29T06:00"),
        ("2026-10-25T00:30", "2026-10-25T07:00"),
    ],
    ids=["past midnight", "the clocks go forward", "the clocks go back"],
)
def test_a_post_due_in_quiet_hours_goes_when_they_end(
    club: Organization, account: SocialConnection, open_server: responses.RequestsMock, due_at: str, goes_at: str
) -> None:
    keep(club, quiet=(time(22), time(7)))
    at, end = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (due_at, goes_at))
    with time_machine.travel(at, tick=False) as clock:
        post = due(account, at)
        dispatch()
        waiting = again(post)
        assert (waiting.status, waiting.error_code, waiting.next_attempt_at) == ("SCHEDULED", "QUIET_HOURS", end)
        assert waiting.retry_count == 0
        assert "07:00" in standing_of(waiting, now=at).sentence
        clock.move_to(end)
        dispatch()
        assert again(post).status == PostStatus.PUBLISHED


def test_what_waited_through_the_night_goes_one_gap_apart_in_the_morning(
    club: Organization, account: SocialConnection, clock: Any
) -> None:
    keep(club, gap=30, quiet=(time(22), time(7)))
    night = NOON + timedelta(hours=11)
    clock.move_to(night)
    for _ in range(3):
        due(account, night)
    dispatch()
    morning = datetime(2026, 12, 10, 7, 0, tzinfo=UTC)
    places = SocialPost.objects.order_by("next_attempt_at").values_list("next_attempt_at", flat=True)
    assert list(places) == [
        morning, morning + timedelta(minutes=30), morning + timedelta(minutes=60),
    ]  # fmt: skip


def test_publish_now_goes_out_in_quiet_hours_and_within_the_gap(
    club: Organization, account: SocialConnection, open_server: responses.RequestsMock, bob: User, clock: Any
) -> None:
    keep(club, gap=60, quiet=(time(11), time(13)))
    for _ in range(2):
        publish_now(factories.make_post(account, status=PostStatus.DRAFT), by=bob)
    dispatch()
    assert set(SocialPost.objects.values_list("status", flat=True)) == {PostStatus.PUBLISHED}


def test_a_post_that_is_given_a_time_again_keeps_the_rules_again(
    club: Organization, account: SocialConnection, bob: User, clock: Any
) -> None:
    keep(club, quiet=(time(11), time(13)))
    post = publish_now(factories.make_post(account, status=PostStatus.DRAFT), by=bob)
    schedule_post(post, at=NOON + timedelta(minutes=5), by=bob)
    clock.move_to(NOON + timedelta(minutes=5))
    dispatch()
    assert again(post).error_code == "QUIET_HOURS"


def test_waiting_for_its_turn_is_not_lateness(
    club: Organization, account: SocialConnection, open_server: responses.RequestsMock, clock: Any
) -> None:
    keep(club, quiet=(time(11), time(13)))
    due(account, NOON)
    dispatch()
    clock.move_to(NOON + timedelta(hours=1))
    dispatch()
    measured = lateness(timezone.now())
    assert measured is not None
    assert measured.p99_s == 0.0


def test_a_post_that_waited_longer_than_the_late_limit_is_still_sent(
    club: Organization, account: SocialConnection, open_server: responses.RequestsMock, clock: Any, settings: Any
) -> None:
    settings.PUBLISH_LATE_AFTER_H = 0.5
    keep(club, quiet=(time(11), time(13)))
    post = due(account, NOON)
    dispatch()
    clock.move_to(NOON + timedelta(hours=1, minutes=1))
    dispatch()
    assert again(post).status == PostStatus.PUBLISHED


def _begin_one(keys: list[UUID]) -> PublishAttempt | None:
    key = keys.pop()
    return begin_attempt(key, holder=f"worker:{key}")


def test_of_two_workers_at_once_one_waits_for_the_other(real_transactions: None) -> None:
    club = factories.make_organization(time_zone="UTC")
    keep(club, gap=10)
    account = factories.make_connection(club, "MASTODON", expires_in_s=None, refresh="")
    for _round in range(5):
        PublishAttempt.objects.all().delete()
        SocialPost.objects.all().delete()
        posts = [due(account, timezone.now() - timedelta(seconds=1)) for _ in range(2)]
        assert len(claim_due_posts(timezone.now(), limit=10)) == 2
        keys = [post.pk for post in posts]
        began = at_once(partial(_begin_one, keys), 2)
        assert sum(attempt is not None for attempt in began) == 1
        assert SocialPost.objects.filter(error_code="SPACING", status=PostStatus.SCHEDULED).count() == 1
