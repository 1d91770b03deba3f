"""Failures that users of comparable products report, and that must not happen here. docs/reliability.md lists all of
them with their tests; here are those that no other file is about."""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4

import pytest
import requests
import responses
import time_machine
from django.test import Client
from django.utils import timezone

from accounts import heartbeats
from accounts.models import Organization, User
from config.celery import app
from connections.models import SocialConnection
from connections.tasks import refresh_due_tokens_task
from publishing.attempts import publish_post
from publishing.dispatch import claim_due_posts, dispatch_due_posts, sweep_posts
from publishing.models import PostStatus, SocialPost
from publishing.services import cancel_post, publish_now, retry_post
from tests import factories
from tests.api.client import ApiClient
from tests.conftest import signed_in
from tests.connections import platforms_over_http as over
from tests.publishing import mastodon
from tests.together import at_once

STATUSES = f"{mastodon.SERVER}/api/v1/statuses"


def again(post: SocialPost) -> SocialPost:
    return SocialPost.objects.select_related("connection").get(pk=post.pk)


# --- a side task's error after publishing that makes the post go out again --------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"status": 422, "json": {"error": "Validation failed"}}, id="refused"),
        pytest.param({"status": 500, "json": {}}, id="server error"),
        pytest.param({"body": requests.exceptions.ReadTimeout()}, id="no answer"),
        pytest.param({"body": requests.exceptions.ConnectTimeout()}, id="not reached"),
        pytest.param({"status": 429, "json": {"error": "Too many requests"}}, id="rate limit"),
        pytest.param({"status": 401, "json": {"error": "The access token is invalid"}}, id="token"),
    ],
)
def test_a_first_comment_that_fails_leaves_its_post_published_and_never_sends_it_again(
    account: SocialConnection, server: responses.RequestsMock, answer: dict[str, Any]
) -> None:
    post = factories.make_post(
        account, content="Frost", first_comment="Back at noon", scheduled_at=timezone.now() - timedelta(seconds=1)
    )
    server.post(STATUSES, json=mastodon.status("Frost", id="71"))
    server.post(STATUSES, **answer)
    claim_due_posts(timezone.now(), limit=1)
    publish_post(post.pk)
    for _ in range(3):
        sweep_posts(timezone.now() + timedelta(hours=1))
        claim_due_posts(timezone.now() + timedelta(hours=1), limit=5)
        publish_post(post.pk)
    texts = [json.loads(call.request.body or b"")["status"] for call in server.calls if call.request.method == "POST"]
    assert texts == ["Frost", "Back at noon"]
    post = again(post)
    assert (post.status, post.platform_post_id) == (PostStatus.PUBLISHED, "71")
    assert "first comment" in (post.error_message or ""), "and it is said"


# --- a failed post retried by two workers -----------------------------------------------------------------------------


def test_a_failed_post_that_two_workers_retry_goes_out_once(
    real_transactions: None, account: SocialConnection, bob: User, server: responses.RequestsMock
) -> None:
    post = factories.make_post(account, content="Frost", status=PostStatus.FAILED)
    mastodon.takes_the_post(server, "Frost")
    retry_post(post, by=bob)

    def work() -> None:
        claim_due_posts(timezone.now(), limit=5)
        publish_post(post.pk)

    at_once(work, 6)
    publish_post(post.pk)  # whoever claimed it last may have been overtaken
    assert mastodon.sends(server) == 1
    assert again(post).status == PostStatus.PUBLISHED
    assert again(post).attempts.count() == 1


# --- stuck in the queue because no worker was attached, while health says OK ------------------------------------------


def test_a_due_post_without_any_worker_is_an_alarm_within_a_minute(client: Client, account: SocialConnection) -> None:
    now = datetime(2027, 1, 4, 9, tzinfo=UTC)
    with time_machine.travel(now, tick=False) as clock:
        heartbeats.note_tick(now)
        heartbeats.beat("worker@club", queues=["publish"], now=now)
        factories.make_post(account, scheduled_at=now + timedelta(seconds=1))
        assert client.get("/readyz").status_code == 200
        clock.shift(timedelta(seconds=60))  # the worker and the beat are silent from now on
        answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "workers" in answer.json()["problems"]


# --- retries burnt within a minute ------------------------------------------------------------------------------------


def test_an_unreachable_platform_costs_one_try_however_often_the_tick_runs(
    account: SocialConnection, server: responses.RequestsMock
) -> None:
    with time_machine.travel(datetime(2027, 1, 4, 9, tzinfo=UTC), tick=False) as clock:
        post = factories.make_post(account, scheduled_at=timezone.now())
        server.post(STATUSES, body=requests.exceptions.ConnectTimeout())
        for _second in range(20):
            for post_id in dispatch_due_posts():
                publish_post(post_id)
            clock.shift(timedelta(seconds=1))
    assert again(post).retry_count == 1
    assert mastodon.sends(server) == 1


# --- one long task delaying every other post --------------------------------------------------------------------------


def test_only_publishing_waits_in_the_queue_of_publishing() -> None:
    app.loader.import_default_modules()
    queues = {name: app.amqp.router.route({}, name)["queue"].name for name in app.tasks if name[:7] != "celery."}
    assert {name for name, queue in queues.items() if queue == "publish"} == {
        "publishing.tasks.publish_post_task",
        "publishing.tasks.publish_ready_task",
        "publishing.tasks.reconcile_connection_task",
    }
    dispatching = {name for name, queue in queues.items() if queue == "dispatch"}
    assert "publishing.tasks.dispatch_due_posts_task" in dispatching
    assert not [name for name in dispatching if "sync" in name or name.startswith("connections.")]
    assert queues["publishing.tasks.sync_connection_engagement_task"] == "sync"
    assert queues["connections.tasks.refresh_due_tokens_task"] == "sync"


# --- X tokens burnt by refreshing all of them hourly ------------------------------------------------------------------


@pytest.mark.usefixtures("alice")
def test_a_day_of_looking_renews_an_unused_x_token_once(club: Organization, server: responses.RequestsMock) -> None:
    from connections.platforms.base import TokenGrant
    from connections.renewal import store_grant

    with time_machine.travel(datetime(2027, 1, 4, 9, tzinfo=UTC), tick=False) as clock:
        account = factories.make_connection(club, "TWITTER")
        store_grant(account, TokenGrant("first", "first-refresh", expires_at=timezone.now() + timedelta(hours=2)))
        over.x_gives_tokens(server)
        for _hour in range(25):
            refresh_due_tokens_task()
            clock.shift(timedelta(hours=1))
    assert over.calls_to(server, over.X_TOKEN) == 1


# --- the post due during a disconnection lost -------------------------------------------------------------------------


def test_a_post_due_while_its_account_waited_is_kept_offered_and_sent_when_a_person_says_so(
    account: SocialConnection, bob: User, server: responses.RequestsMock
) -> None:
    from connections.states import mark_inactive, restore

    post = factories.make_post(account, content="Frost", scheduled_at=timezone.now() + timedelta(minutes=5))
    mark_inactive(account, code="INVALID_TOKEN", message="X no longer accepts the sign-in.")
    with time_machine.travel(timezone.now() + timedelta(hours=1), tick=False):
        assert dispatch_due_posts() == []
        assert again(post).status == PostStatus.SCHEDULED
        restore(account, by=bob)
        assert dispatch_due_posts() == [], "not fired blindly either"
        assert again(post).hold_reason
        mastodon.takes_the_post(server, "Frost")
        publish_now(again(post), by=bob)
        for post_id in dispatch_due_posts():
            publish_post(post_id)
    assert again(post).status == PostStatus.PUBLISHED


# --- emoji lost -------------------------------------------------------------------------------------------------------

EMOJI = "Fore! 🏌🏽‍♀️ 👩‍👩‍👧‍👦 🇵🇹 1️⃣ — ‘açaí’ ½ 𝟚"


def sent_text(request: requests.PreparedRequest) -> str:
    body = request.body.decode() if isinstance(request.body, bytes) else str(request.body)
    if str(request.headers["Content-Type"]).startswith("application/json"):
        told = json.loads(body)
        return str(told.get("text") or told.get("status"))
    return parse_qs(body)["message"][0]


@pytest.mark.parametrize(
    ("platform", "address", "answer"),
    [
        ("MASTODON", STATUSES, mastodon.status(EMOJI)),
        ("TWITTER", "https://api.x.com/2/tweets", {"data": {"id": "1", "text": EMOJI}}),
        ("FACEBOOK", f"{over.GRAPH}/1/feed", {"id": "1_2"}),
    ],
)
def test_emoji_reach_the_platform_as_they_were_typed(
    club: Organization, bob: User, server: responses.RequestsMock, platform: str, address: str, answer: dict[str, Any]
) -> None:
    account = factories.make_connection(club, platform, platform_account_id="1")
    post = factories.make_post(account, content=EMOJI, created_by=bob, scheduled_at=timezone.now())
    server.post(address, json=answer)
    claim_due_posts(timezone.now(), limit=1)
    publish_post(post.pk)
    assert again(post).status == PostStatus.PUBLISHED
    assert [sent_text(call.request) for call in server.calls if call.request.method == "POST"] == [EMOJI]
    assert again(post).content == EMOJI


@pytest.mark.parametrize("way", ["composer", "autosave", "created by REST", "changed by REST"])
def test_emoji_are_kept_as_they_were_typed(account: SocialConnection, bob: User, way: str) -> None:
    form = {"group": str(uuid4()), "connections": [str(account.pk)], "text": EMOJI, "when": "draft"}
    if way == "composer":
        signed_in(bob).post("/posts/new/", form)
    elif way == "autosave":
        signed_in(bob).post("/posts/autosave/", form)
    else:
        api = ApiClient(bob)
        first = EMOJI if way == "created by REST" else "Fore!"
        told = api.post("social/posts", {"connection": str(account.pk), "content": first}).json()
        if way == "changed by REST":
            told = api.patch(f"social/posts/{told['id']}", {"content": EMOJI}).json()
        assert told["content"] == EMOJI
    post = SocialPost.objects.get()
    assert post.content == EMOJI
    browser = signed_in(bob)
    assert EMOJI in browser.get(f"/posts/{post.pk}/").content.decode()
    assert f"{EMOJI}</textarea>" in browser.get(f"/posts/{post.pk}/edit/").content.decode()


# --- cancelled, and out all the same ----------------------------------------------------------------------------------


def test_a_post_cancelled_in_the_second_of_its_dispatch_is_either_cancelled_or_out_and_says_which(
    real_transactions: None, account: SocialConnection, bob: User, server: responses.RequestsMock
) -> None:
    from publishing.errors import IllegalTransition

    mastodon.takes_the_post(server, "Frost")
    post = factories.make_post(account, content="Frost", scheduled_at=timezone.now() - timedelta(seconds=1))
    turns = iter(["cancel", "publish"])

    def work() -> None:
        if next(turns) == "publish":
            for post_id in claim_due_posts(timezone.now(), limit=1):
                publish_post(post_id)
            return
        time.sleep(0.01)
        try:
            cancel_post(again(post), by=bob)
        except IllegalTransition as refusal:
            assert str(refusal)  # noqa: PT017  it went out first, and the person is told

    at_once(work, 2)
    outs = mastodon.sends(server)
    assert (again(post).status, outs) in {(PostStatus.CANCELLED, 0), (PostStatus.PUBLISHED, 1)}
