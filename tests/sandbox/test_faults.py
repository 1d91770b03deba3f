"""Faults: each of them as the client of a real server meets it, used exactly as often as ordered."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import requests
import time_machine
from django.db import connection
from django.test import Client
from django.utils import timezone

from sandbox.faults import take_faults
from tests.sandbox.callers import Caller, picture
from tests.sandbox.running import PLATFORMS, Server

pytestmark = pytest.mark.django_db


@pytest.fixture
def server(live_server: Any) -> Server:
    return Server(live_server.url)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_drop_after_cuts_the_connection_and_the_post_is_out(server: Server, platform: str) -> None:
    server.order("drop_after", platform)
    with pytest.raises(requests.ConnectionError):
        server.publish(platform, "Out, unheard")
    assert server.taken(platform) == ["Out, unheard"]
    assert server.publish(platform, "The next one is heard").ok


@pytest.mark.parametrize("platform", PLATFORMS)
def test_drop_before_cuts_the_connection_and_nothing_is_out(server: Server, platform: str) -> None:
    server.order("drop_before", platform)
    with pytest.raises(requests.ConnectionError):
        server.publish(platform, "Never arrived")
    assert server.taken(platform) == []
    assert server.publish(platform, "Never arrived").ok


@pytest.mark.parametrize("status", [500, 502])
@pytest.mark.parametrize("platform", PLATFORMS)
def test_error_after_answers_with_a_failure_and_the_post_is_out(server: Server, platform: str, status: int) -> None:
    server.order("error_after", platform, value=status)
    failed = server.publish(platform, "Out, and called a failure")
    assert failed.status_code == status
    assert failed.headers["Content-Type"].startswith("text/html") == (status == 502), "a 502 is a proxy's"
    assert server.taken(platform) == ["Out, and called a failure"]
    assert server.calls() == [(status, "error_after")]
    assert server.publish(platform, "The next one is heard").ok


def test_what_is_refused_is_refused_under_error_after_too(server: Server) -> None:
    server.order("error_after", "MASTODON")
    assert server.publish("MASTODON", "").status_code == 422
    assert server.calls() == [(422, "error_after")]


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_post_that_appears_late_is_taken_at_once_and_read_later(server: Server, platform: str) -> None:
    """Beside another fault, as in life: the answer is lost, and the list does not show the post yet."""
    server.order("appear_late", platform, value=90)
    server.order("drop_after", platform)
    with pytest.raises(requests.ConnectionError):
        server.publish(platform, "Out, out of sight")
    assert server.taken(platform) == ["Out, out of sight"]
    assert server.listed(platform) == []
    native_id = requests.get(f"{server.url}/api/posts", timeout=10).json()["results"][0]["id"]
    assert not server.finds(platform, native_id)
    with time_machine.travel(timezone.now() + timedelta(seconds=91)):
        assert server.listed(platform) == ["Out, out of sight"]
        assert server.finds(platform, native_id)
    assert server.publish(platform, "The next one shows at once").ok
    assert server.listed(platform) == ["The next one shows at once"]


def test_what_appears_late_can_be_answered_and_deleted_before(server: Server) -> None:
    server.order("appear_late", "FACEBOOK", value=90)
    native_id = server.publish("FACEBOOK", "Out, out of sight").json()["id"]
    bearer = {"Authorization": f"Bearer {server.tokens['FACEBOOK']}"}
    address = f"{server.url}/facebook/v26.0/{native_id}"
    assert requests.post(f"{address}/comments", json={"message": "First"}, headers=bearer, timeout=10).ok
    assert requests.delete(address, headers=bearer, timeout=10).ok


def test_appear_late_is_a_fault_of_publish(server: Server) -> None:
    order = {"platform": "*", "operation": "any", "fault": "appear_late"}
    assert requests.post(f"{server.url}/api/faults", json=order, timeout=10).status_code == 400


def test_a_cut_connection_is_told_apart_in_the_record_of_calls(server: Server) -> None:
    server.order("drop_after")
    with pytest.raises(requests.ConnectionError):
        server.publish("TWITTER", "Out, unheard")
    calls = requests.get(f"{server.url}/api/calls", {"operation": "publish"}, timeout=10).json()["results"]
    assert [(call["endpoint"], call["status"], call["fault"]) for call in calls] == [("create_post", 0, "drop_after")]


def test_latency_and_slow_body_take_their_time_and_lose_nothing(server: Server) -> None:
    server.order("latency", value=300)
    start = time.monotonic()
    assert server.publish("MASTODON", "Late").ok
    assert time.monotonic() - start >= 0.3
    calls = requests.get(f"{server.url}/api/calls", {"operation": "publish"}, timeout=10).json()["results"]
    assert [(call["endpoint"], call["status"], call["fault"]) for call in calls] == [("statuses", 200, "latency")]
    server.order("slow_body", value=0.5)
    start = time.monotonic()
    assert server.publish("MASTODON", "Slow").json()["content"] == "<p>Slow</p>"
    assert time.monotonic() - start >= 0.5


@pytest.mark.parametrize(
    ("platform", "fault", "value", "status"),
    [
        ("TWITTER", "server_error", None, 500),
        ("TWITTER", "server_error", 503, 503),
        ("TWITTER", "html", None, 502),
        ("TWITTER", "rate_limit", 60, 429),
        ("TWITTER", "rate_limit_bare", None, 429),
        ("TWITTER", "invalid_token", None, 401),
        ("TWITTER", "expired_token", None, 401),
        ("TWITTER", "revoked_token", None, 401),
        ("TWITTER", "reject", None, 403),
        ("TWITTER", "duplicate", None, 403),
        ("FACEBOOK", "server_error", None, 500),
        ("FACEBOOK", "html", 504, 504),
        ("FACEBOOK", "rate_limit", None, 403),
        ("FACEBOOK", "rate_limit_bare", None, 403),
        ("FACEBOOK", "invalid_token", None, 401),
        ("FACEBOOK", "expired_token", None, 401),
        ("FACEBOOK", "revoked_token", None, 401),
        ("FACEBOOK", "reject", None, 400),
        ("FACEBOOK", "duplicate", None, 400),
        ("MASTODON", "server_error", 503, 503),
        ("MASTODON", "html", None, 502),
        ("MASTODON", "rate_limit", None, 429),
        ("MASTODON", "rate_limit_bare", None, 429),
        ("MASTODON", "invalid_token", None, 401),
        ("MASTODON", "expired_token", None, 401),
        ("MASTODON", "revoked_token", None, 401),
        ("MASTODON", "reject", None, 422),
    ],
)
def test_a_refusal_to_order_hits_once_and_takes_nothing(
    server: Server, platform: str, fault: str, value: int | None, status: int
) -> None:
    server.order(fault, platform, value=value)
    refused = server.publish(platform, "Hello")
    assert refused.status_code == status
    assert refused.headers["Content-Type"].startswith("text/html") == (fault == "html")
    assert server.taken(platform) == []
    assert server.publish(platform, "Hello").ok


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_bare_rate_limit_differs_from_the_other_by_its_headers_alone(server: Server, platform: str) -> None:
    server.order("rate_limit", platform)
    server.order("rate_limit_bare", platform)
    telling, bare = server.publish(platform, "Hello"), server.publish(platform, "Hello")
    assert telling.status_code == bare.status_code
    assert without_trace(telling.json()) == without_trace(bare.json())
    told = {name.lower() for name in set(telling.headers) - set(bare.headers)}
    assert (
        told
        == {
            "TWITTER": {"x-rate-limit-limit", "x-rate-limit-remaining", "x-rate-limit-reset"},
            "FACEBOOK": {"x-app-usage", "x-business-use-case-usage"},
            "MASTODON": {"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"},
        }[platform]
    )


def without_trace(body: Any) -> Any:
    """A body without the one value that is new in each of Facebook's errors."""
    if isinstance(body.get("error"), dict):
        body["error"].pop("fbtrace_id", None)
    return body


def test_mastodon_and_facebook_say_whether_a_token_ended_or_was_taken_away(server: Server) -> None:
    said = {}
    for fault in ("expired_token", "revoked_token"):
        server.order(fault, "*", times=3)
        said[fault] = {platform: server.publish(platform, "Hello").json() for platform in PLATFORMS}
    assert said["expired_token"]["MASTODON"] == {"error": "The access token expired"}
    assert said["revoked_token"]["MASTODON"] == {"error": "The access token was revoked"}
    expired, revoked = (said[fault]["FACEBOOK"]["error"] for fault in ("expired_token", "revoked_token"))
    assert (expired["code"], expired["error_subcode"]) == (190, 463)
    assert (revoked["code"], revoked["error_subcode"]) == (190, 458)
    assert "Session has expired on" in expired["message"]
    assert "has not authorized application 100000000000001" in revoked["message"]
    assert said["expired_token"]["TWITTER"] == said["revoked_token"]["TWITTER"], "X says neither"


@pytest.mark.parametrize("fault", ["expired_token", "revoked_token"])
def test_a_dead_token_that_was_ordered_is_answered_as_one_that_is_dead(server: Server, fault: str) -> None:
    """The orders for a call and for the account itself lead to the same words."""
    action = {"expired_token": "expire", "revoked_token": "revoke"}[fault]
    for platform, account in (
        ("TWITTER", "riversidegc"),
        ("FACEBOOK", "Riverside Golf Club"),
        ("MASTODON", "riverside"),
    ):
        server.order(fault, platform)
        ordered = server.publish(platform, "Hello")
        order = {"platform": platform, "account": account, "action": action}
        assert requests.post(f"{server.url}/api/tokens", json=order, timeout=10).ok
        real = server.publish(platform, "Hello")
        assert ordered.status_code == real.status_code
        assert words_of(ordered.json()) == words_of(real.json())


def words_of(body: Any) -> Any:
    """A refusal without its trace and without the moment that Facebook names."""
    body = without_trace(body)
    if isinstance(body.get("error"), dict):
        body["error"]["message"] = body["error"]["message"].partition(" on ")[0]
    return body


def test_mastodon_forgets_its_keys_under_the_duplicate_fault(visitor: Client, mastodon: Caller, taken: Any) -> None:
    order = {"platform": "MASTODON", "operation": "publish", "fault": "duplicate"}
    key = {"Idempotency-Key": "k"}
    mastodon.json("/api/v1/statuses", {"status": "Twice"}, key)
    visitor.post("/sandbox/api/faults", order, content_type="application/json")
    mastodon.json("/api/v1/statuses", {"status": "Twice"}, key)
    assert [one["text"] for one in taken("MASTODON")] == ["Twice", "Twice"]


def test_stuck_media_stays_in_processing(visitor: Client, mastodon: Caller, x: Caller) -> None:
    order = {"platform": "*", "operation": "media", "fault": "stuck", "times": 2}
    visitor.post("/sandbox/api/faults", order, content_type="application/json")
    media = mastodon.form("/api/v2/media", {"file": picture()})
    assert media.status_code == 202
    assert mastodon.get(f"/api/v1/media/{media.json()['id']}").status_code == 206
    uploaded = x.form("/2/media/upload", {"media": picture(), "media_category": "tweet_image"}).json()["data"]
    assert uploaded["processing_info"]["state"] == "in_progress"
    refused = x.json("/2/tweets", {"text": "a", "media": {"media_ids": [uploaded["id"]]}})
    assert refused.status_code == 400


def test_a_fault_hits_only_its_platform_and_operation(server: Server) -> None:
    server.order("server_error", "TWITTER", "metrics")
    assert server.publish("TWITTER", "Hello").ok
    assert server.publish("MASTODON", "Hello").ok
    bearer = {"Authorization": f"Bearer {server.tokens['TWITTER']}"}
    assert requests.get(f"{server.url}/twitter/2/tweets?ids=1", headers=bearer, timeout=10).status_code == 500


@pytest.mark.parametrize("fault", ["invalid_token", "expired_token", "revoked_token"])
def test_a_token_endpoint_answers_a_dead_token_in_its_own_words(visitor: Client, x: Caller, fault: str) -> None:
    from tests.sandbox.callers import x_token

    order = {"platform": "TWITTER", "operation": "token", "fault": fault}
    visitor.post("/sandbox/api/faults", order, content_type="application/json")
    refused = x_token(visitor, {"grant_type": "refresh_token", "refresh_token": x.extra["refresh_token"]})
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
    again = x_token(visitor, {"grant_type": "refresh_token", "refresh_token": x.extra["refresh_token"]})
    assert again.status_code == 200


def test_a_fault_without_end_hits_until_it_is_removed(server: Server) -> None:
    server.order("html", "MASTODON", times=0)
    assert [server.publish("MASTODON", "Hello").status_code for _ in range(3)] == [502, 502, 502]
    planted = requests.get(f"{server.url}/api/faults", timeout=10).json()["results"]
    assert [(fault["times"], fault["hits"]) for fault in planted] == [(None, 3)]
    assert requests.delete(f"{server.url}/api/faults", timeout=10).json() == {"deleted": 1}
    assert server.publish("MASTODON", "Hello").ok


def test_a_probable_fault_hits_some_calls(visitor: Client) -> None:
    order = {"platform": "*", "operation": "any", "fault": "html", "probability": 0.5}
    visitor.post("/sandbox/api/faults", order, content_type="application/json")
    hits = sum(bool(take_faults("TWITTER", "read")) for _ in range(200))
    assert 50 < hits < 150
    never = order | {"probability": 0}
    visitor.delete("/sandbox/api/faults")
    visitor.post("/sandbox/api/faults", never, content_type="application/json")
    assert not any(take_faults("TWITTER", "read") for _ in range(50))


@pytest.mark.django_db(transaction=True)
def test_many_callers_together_use_a_fault_exactly_as_often_as_ordered(visitor: Client) -> None:
    order = {"platform": "*", "operation": "any", "fault": "html", "times": 7}
    visitor.post("/sandbox/api/faults", order, content_type="application/json")

    def call(_: int) -> bool:
        try:
            return bool(take_faults("MASTODON", "publish"))
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(call, range(40))) == 7
    left = visitor.get("/sandbox/api/faults").json()["results"][0]
    assert (left["times"], left["hits"]) == (0, 7)
