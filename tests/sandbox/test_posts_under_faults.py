"""What the product makes of the sandbox's faults, over real HTTP: each post ends with a reason in sight, and goes out once."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import requests
import time_machine
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from accounts.audit import SYSTEM
from accounts.models import Organization
from connections.models import SocialConnection
from connections.states import restore
from publishing.dispatch import claim_due_posts
from publishing.models import PostStatus, SocialPost
from publishing.services import publish_now
from publishing.states import Standing, standing_of
from publishing.tasks import look_for_asked_task, publish_post_task, reconcile_connection_task
from sandbox.models import Post, new_native_id
from tests import factories
from tests.sandbox.running import PLATFORMS, Server, connect
from tests.services import free_port


@pytest.fixture
def server(audit_can_be_emptied: None, live_server: Any) -> Server:
    return Server(live_server.url)


def due(account: SocialConnection, text: str = "The greens are open again") -> SocialPost:
    return factories.make_post(account, content=text, scheduled_at=timezone.now() - timedelta(seconds=1))


def work(post: SocialPost, *, at: datetime | None = None) -> Standing:
    """What the tick and a worker do at a moment; how the post stands for people then."""
    with time_machine.travel(at or timezone.now()):
        claim_due_posts(timezone.now(), limit=10)
        publish_post_task(str(post.pk))
        post.refresh_from_db()
        return standing_of(post, now=timezone.now())


def work_until_settled(post: SocialPost, server: Server) -> Standing:
    """Ticks, workers and read-backs as their times come, until the post is out or failed; never a state without a reason,
    never two copies."""
    moment = timezone.now()
    for _ in range(20):
        standing = work(post, at=moment)
        assert len(server.taken(post.connection.platform)) <= 1
        if post.status in {PostStatus.PUBLISHED, PostStatus.FAILED}:
            return standing
        assert post.error_message
        assert post.error_message == standing.detail
        if post.status == PostStatus.PUBLISHING:
            assert post.lease_until is not None
            moment = max(moment, post.lease_until) + timedelta(seconds=1)
            with time_machine.travel(moment):
                reconcile_connection_task(str(post.connection_id))
            post.refresh_from_db()
        else:
            assert post.next_attempt_at is not None
            moment = max(moment, post.next_attempt_at) + timedelta(seconds=1)
    pytest.fail(f"still {post.status} after {moment}: {post.error_message}")


FAILS_AS: dict[tuple[str, str], tuple[str, str]] = {
    # (fault, platform): code and words of the post that was not published; the others are out after one such fault.
    ("drop_before", "FACEBOOK"): (
        "OUTCOME_UNKNOWN",
        "It has not appeared at Facebook within",
    ),  # absence there proves nothing
    ("html", "FACEBOOK"): ("OUTCOME_UNKNOWN", "It has not appeared at Facebook within"),
    ("reject", "TWITTER"): ("PERMISSION_MISSING", "You are not permitted to perform this action."),
    ("reject", "FACEBOOK"): ("CONTENT_REJECTED", "it goes against our Community Standards"),
    ("reject", "MASTODON"): ("CONTENT_REJECTED", "Text contains content that this server does not allow"),
    ("duplicate", "TWITTER"): ("DUPLICATE", "has posted the same text already"),
    ("duplicate", "FACEBOOK"): ("DUPLICATE", "has posted the same text already"),
}


@pytest.mark.parametrize(
    ("fault", "value"),
    [
        ("latency", 300),
        ("drop_before", None),
        ("drop_after", None),
        ("slow_body", 2),
        ("server_error", 500),
        ("server_error", 503),
        ("error_after", 500),
        ("error_after", 502),
        ("html", None),
        ("reject", None),
        ("duplicate", None),
    ],
)
@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_post_that_meets_a_fault_goes_out_once_or_fails_with_a_reason(
    server: Server, club: Organization, settings: Any, platform: str, fault: str, value: int | None
) -> None:
    settings.PLATFORM_READ_TIMEOUT_S = settings.PLATFORM_CONNECT_TIMEOUT_S = 0.5
    post = due(connect(server, club, platform, settings))
    server.order(fault, platform, value=value)
    standing = work_until_settled(post, server)
    code, words = FAILS_AS.get((fault, platform), ("", ""))
    assert post.error_code == code
    assert words in standing.detail
    assert post.status == (PostStatus.FAILED if code else PostStatus.PUBLISHED)
    assert server.taken(platform) == ([] if code else [post.content])
    assert server.calls()[0][1] == fault


@pytest.mark.parametrize(
    "text",
    [
        "Register at www.riverside.example today",
        "Register at www.riverside-golf.com today",
        "Photo.ZIP: AT&T <3, 日本https://example.com/newsを読む  ",
    ],
)
@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_post_whose_text_its_platform_rewrites_is_found_without_a_question(
    server: Server, club: Organization, settings: Any, platform: str, text: str
) -> None:
    settings.PLATFORM_READ_TIMEOUT_S = settings.PLATFORM_CONNECT_TIMEOUT_S = 0.5
    post = due(connect(server, club, platform, settings), text)
    server.order("drop_after", platform)
    work_until_settled(post, server)
    assert (post.status, post.error_code) == (PostStatus.PUBLISHED, "")
    assert server.calls() == [(0, "drop_after")]
    assert Post.objects.filter(platform=platform).count() == 1


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_post_that_is_listed_behind_many_others_is_found(
    server: Server, club: Organization, settings: Any, platform: str
) -> None:
    """As when a burst went out, or a worker was away for long: ours is on the third page and later."""
    post = due(connect(server, club, platform, settings))
    server.order("drop_after", platform)
    work(post)
    assert post.status == PostStatus.PUBLISHING
    ours = Post.objects.get(platform=platform)
    prefix = f"{ours.account.native_id}_" if platform == "FACEBOOK" else ""
    Post.objects.bulk_create(
        Post(
            platform=platform, account=ours.account, native_id=prefix + new_native_id(platform), text=f"Another, no. {number}",
            created_at=ours.created_at + timedelta(seconds=1), publish_at=ours.created_at + timedelta(seconds=1),
        )
        for number in range(230)
    )  # fmt: skip
    with time_machine.travel(timezone.now() + timedelta(minutes=5)):
        reconcile_connection_task(str(post.connection_id))
    post.refresh_from_db()
    assert (post.status, post.platform_post_id) == (PostStatus.PUBLISHED, ours.native_id)
    assert Post.objects.filter(text=post.content).count() == 1


@pytest.mark.parametrize("value", [500, 502])
def test_nobody_is_asked_about_a_post_that_facebook_shows_late(
    server: Server, club: Organization, settings: Any, value: int
) -> None:
    post = due(connect(server, club, "FACEBOOK", settings))
    server.order("appear_late", "FACEBOOK", value=20 * 60)
    server.order("error_after", "FACEBOOK", value=value)
    standing = work_until_settled(post, server)
    assert standing.label == "Published"
    assert server.taken("FACEBOOK") == [post.content]


def test_a_question_is_answered_by_itself_when_facebook_shows_the_post_hours_later(
    server: Server, club: Organization, settings: Any
) -> None:
    post = due(connect(server, club, "FACEBOOK", settings))
    server.order("appear_late", "FACEBOOK", value=4 * 3600)
    server.order("error_after", "FACEBOOK", value=502)
    standing = work_until_settled(post, server)
    assert standing.label == "Outcome unknown"
    assert "Facebook answered with an error (502)." in standing.detail
    with time_machine.travel(timezone.now() + timedelta(hours=5)):
        look_for_asked_task(str(post.connection_id))
    post.refresh_from_db()
    assert standing_of(post, now=timezone.now()).label == "Published"


@pytest.mark.parametrize(
    ("fault", "value", "wait"),
    [("rate_limit", 120, timedelta(minutes=2)), ("rate_limit_bare", None, timedelta(hours=1))],
)
@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_rate_limit_is_waited_out_for_as_long_as_it_says_and_an_hour_when_it_says_nothing(
    server: Server, club: Organization, settings: Any, platform: str, fault: str, value: int | None, wait: timedelta
) -> None:
    post = due(connect(server, club, platform, settings))
    server.order(fault, platform, value=value)
    now = timezone.now()
    standing = work(post, at=now)
    assert (post.status, post.error_code, post.retry_count) == (PostStatus.SCHEDULED, "RATE_LIMITED", 0)
    assert post.next_attempt_at is not None
    assert abs(post.next_attempt_at - now - wait) < timedelta(seconds=10)
    assert "is not accepting more posts right now. Parley will try again on" in standing.sentence
    assert "is receiving too many requests. Try again later." in standing.detail

    work(post, at=now + wait - timedelta(seconds=30))
    assert len(server.calls()) == 1, "not asked again before"
    assert work(post, at=now + wait + timedelta(seconds=30)).label == "Published"
    assert server.taken(platform) == [post.content]


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_refused_connection_costs_a_try_and_the_post_goes_out_when_the_port_answers(
    server: Server, club: Organization, settings: Any, platform: str
) -> None:
    port = free_port()
    post = due(connect(server, club, platform, settings, at=f"http://127.0.0.1:{port}"))
    moment = timezone.now()
    waits = []
    for tries in (1, 2, 3):
        standing = work(post, at=moment)
        assert (post.status, post.error_code, post.retry_count) == (PostStatus.SCHEDULED, "TRANSIENT", tries)
        assert "did not go through. Parley tries again on" in standing.sentence
        assert "cannot be reached." in standing.detail
        assert post.next_attempt_at is not None
        waits.append(post.next_attempt_at - moment)
        moment = post.next_attempt_at + timedelta(seconds=1)
    assert timedelta(seconds=20) < waits[0] < waits[1] < waits[2]
    assert server.calls() == []

    open_again = LiveServer(f"127.0.0.1:{port}")
    try:
        assert work(post, at=moment).label == "Published"
    finally:
        open_again.stop()
    assert server.taken(platform) == [post.content]
    assert post.attempts.count() == 4


@pytest.mark.parametrize("fault", ["expired_token", "revoked_token"])
@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_dead_token_holds_the_post_until_the_account_is_connected_again(
    server: Server, club: Organization, settings: Any, platform: str, fault: str
) -> None:
    account = connect(server, club, platform, settings)
    post = due(account)
    server.order(fault, platform, "any", times=0)
    standing = work(post)
    account.refresh_from_db()
    assert not account.is_active
    assert (post.status, post.error_code, post.retry_count) == (PostStatus.SCHEDULED, "INVALID_TOKEN", 0)
    assert standing.label == "Waiting for reconnection"
    assert standing.steps[0] == "reconnect"
    words = {
        ("FACEBOOK", "expired_token"): "Session has expired",
        ("FACEBOOK", "revoked_token"): "has not authorized application",
        ("MASTODON", "expired_token"): "The access token expired",
        ("MASTODON", "revoked_token"): "The access token was revoked",
    }
    assert words.get((platform, fault), "no longer accepts this sign-in") in (account.error_message or "")
    assert server.taken(platform) == []

    assert requests.delete(f"{server.url}/api/faults", timeout=10).ok
    assert work(post).label == "Waiting for reconnection", "it is the account that is waited for"
    restore(account, by=SYSTEM)
    assert work(post).label == "On hold", "its time passed meanwhile: a person decides"
    publish_now(post, by=SYSTEM)
    assert work(post).label == "Published"
    assert server.taken(platform) == [post.content]


def test_an_expired_token_of_x_is_renewed_and_the_post_goes_out_once(
    server: Server, club: Organization, settings: Any
) -> None:
    account = connect(server, club, "TWITTER", settings)
    post = due(account)
    server.order("expired_token", "TWITTER")
    assert work(post).label == "Published"
    assert server.calls() == [(401, "expired_token"), (201, "")]
    assert server.calls("token") == [(200, "")]
    assert server.taken("TWITTER") == [post.content]
    account.refresh_from_db()
    assert account.is_active


@pytest.mark.parametrize("platform", ["TWITTER", "MASTODON"])
def test_a_picture_stuck_in_processing_is_uploaded_anew_and_the_post_goes_out_once(
    server: Server, club: Organization, settings: Any, monkeypatch: pytest.MonkeyPatch, platform: str
) -> None:
    monkeypatch.setattr("connections.platforms.steps.READY_WITHIN_S", 0.5)
    monkeypatch.setattr("connections.platforms.steps.LOOK_EVERY_S", (0.1,))
    post = due(connect(server, club, platform, settings))
    factories.attach(post, factories.make_asset(club))
    server.order("stuck", platform, "media")
    standing = work(post)
    assert (post.status, post.error_code, post.retry_count) == (PostStatus.SCHEDULED, "TRANSIENT", 1)
    assert "Parley tries again on" in standing.sentence
    assert "is still processing an image." in standing.detail
    assert server.calls() == [], "nothing was published without its picture"
    assert post.next_attempt_at is not None

    assert work(post, at=post.next_attempt_at + timedelta(seconds=1)).label == "Published"
    assert server.taken(platform) == [post.content]
