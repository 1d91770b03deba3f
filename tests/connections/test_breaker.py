"""When a platform fails for everybody, calls pause, posts wait, and a probe ends it."""

from datetime import timedelta
from typing import Any

import pytest
import requests
import responses
from django.utils import timezone

from accounts.models import Organization
from connections.breaker import FAILURES_TO_PAUSE, PlatformPaused, paused, probe_paused
from connections.errors import PlatformError
from connections.models import PlatformTrouble, SocialConnection
from connections.platforms.base import Platform
from connections.tokens import call_with_fresh_token
from tests import factories

SERVER = "https://mastodon.example"
WHO = f"{SERVER}/api/v1/accounts/verify_credentials"


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connections.http.time.sleep", lambda _s: None)


@pytest.fixture
def account(club: Organization) -> SocialConnection:
    return factories.make_connection(club, "MASTODON", expires_in_s=None, refresh="", platform_account_id="1")


def read(account: SocialConnection) -> None:
    def call(platform: Platform) -> None:
        platform.profile()

    call_with_fresh_token(account, call)


def fail(account: SocialConnection, times: int, answer: Any = None) -> None:
    for _ in range(times):
        with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
            mock.get(WHO, **(answer or {"body": requests.exceptions.ConnectTimeout()}))
            with pytest.raises(PlatformError):
                read(account)


def works(mock: responses.RequestsMock) -> None:
    mock.get(
        WHO, json={"id": "1", "username": "club", "acct": "club", "display_name": "Club", "avatar": "", "url": SERVER}
    )


def test_many_failures_in_a_row_pause_the_platform(account: SocialConnection) -> None:
    fail(account, FAILURES_TO_PAUSE - 1)
    assert paused() == []
    fail(account, 1)
    assert [trouble.label for trouble in paused()] == ["Mastodon (mastodon.example)"]
    with responses.RequestsMock(), pytest.raises(PlatformPaused, match=r"has been having trouble since \d\d:\d\d"):
        read(account)


def test_a_refusal_is_an_answer_and_pauses_nothing(account: SocialConnection) -> None:
    fail(account, FAILURES_TO_PAUSE + 2, {"status": 422, "json": {"error": "Validation failed"}})
    assert not PlatformTrouble.objects.exists()


def test_one_answer_ends_a_row_of_failures(account: SocialConnection) -> None:
    fail(account, FAILURES_TO_PAUSE - 1)
    with responses.RequestsMock() as mock:
        works(mock)
        read(account)
    fail(account, 1)
    assert paused() == []


def test_other_servers_go_on(account: SocialConnection, club: Organization) -> None:
    fail(account, FAILURES_TO_PAUSE)
    elsewhere = factories.make_connection(club, "MASTODON", server_url="https://other.example", refresh="")
    with responses.RequestsMock() as mock:
        mock.get(
            "https://other.example/api/v1/accounts/verify_credentials",
            json={"id": "2", "username": "c", "acct": "c", "display_name": "C", "avatar": "", "url": ""},
        )
        read(elsewhere)


def test_a_probe_ends_the_pause_and_a_failing_one_waits_longer(account: SocialConnection) -> None:
    fail(account, FAILURES_TO_PAUSE)
    now = timezone.now()
    assert probe_paused(now=now) == [], "not yet"
    later = now + timedelta(minutes=1)
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.get(WHO, body=requests.exceptions.ConnectTimeout())
        assert probe_paused(now=later) == []
    assert paused()[0].probe_at == later + timedelta(seconds=40)
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        works(mock)
        mock.get(f"{SERVER}/api/v2/instance", json={})
        mock.get(f"{SERVER}/api/v1/instance", json={})
        assert len(probe_paused(now=later + timedelta(minutes=1))) == 1
        assert paused() == []
        read(account)


def test_posts_wait_while_their_platform_is_paused(account: SocialConnection) -> None:
    from publishing.dispatch import claim_due_posts

    post = factories.make_post(account, scheduled_at=timezone.now() - timedelta(minutes=1))
    fail(account, FAILURES_TO_PAUSE)
    assert claim_due_posts(timezone.now(), limit=5) == []
    PlatformTrouble.objects.all().delete()
    assert claim_due_posts(timezone.now(), limit=5) == [post.pk]
    assert post.retry_count == 0
