"""Faults: each of them as the client of a real server meets it, used exactly as often as ordered."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from django.db import connection
from django.test import Client

from sandbox.faults import take_faults
from sandbox.seed import seed_demo
from tests.sandbox.callers import Caller, picture

pytestmark = pytest.mark.django_db


class Server:
    """The sandbox over real HTTP, with a token for each platform's Riverside account."""

    def __init__(self, url: str) -> None:
        seed_demo()
        self.url = f"{url}/sandbox"
        self.tokens = {
            "TWITTER": self.grant("TWITTER", "riversidegc")["access_token"],
            "MASTODON": self.grant("MASTODON", "riverside")["access_token"],
            "FACEBOOK": self.grant("FACEBOOK", "Marta Nunes")["pages"][0]["access_token"],
        }

    def grant(self, platform: str, account: str) -> Any:
        order = {"platform": platform, "account": account}
        return requests.post(f"{self.url}/api/grants", json=order, timeout=10).json()

    def order(self, fault: str, platform: str = "*", operation: str = "publish", **more: Any) -> None:
        body = {"platform": platform, "operation": operation, "fault": fault, **more}
        answer = requests.post(f"{self.url}/api/faults", json=body, timeout=10)
        assert answer.status_code == 201, answer.text

    def publish(self, platform: str, text: str) -> requests.Response:
        path, field = {
            "TWITTER": ("twitter/2/tweets", "text"),
            "FACEBOOK": ("facebook/v26.0/104000000000011/feed", "message"),
            "MASTODON": ("mastodon/api/v1/statuses", "status"),
        }[platform]
        bearer = {"Authorization": f"Bearer {self.tokens[platform]}"}
        return requests.post(f"{self.url}/{path}", json={field: text}, headers=bearer, timeout=10)

    def taken(self, platform: str) -> list[str]:
        posts = requests.get(f"{self.url}/api/posts", {"platform": platform}, timeout=10).json()["results"]
        return [post["text"] for post in posts]


@pytest.fixture
def server(live_server: Any) -> Server:
    return Server(live_server.url)


PLATFORMS = ["TWITTER", "FACEBOOK", "MASTODON"]


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
        ("TWITTER", "invalid_token", None, 401),
        ("TWITTER", "reject", None, 403),
        ("TWITTER", "duplicate", None, 403),
        ("FACEBOOK", "server_error", None, 500),
        ("FACEBOOK", "html", 504, 504),
        ("FACEBOOK", "rate_limit", None, 403),
        ("FACEBOOK", "invalid_token", None, 401),
        ("FACEBOOK", "reject", None, 400),
        ("FACEBOOK", "duplicate", None, 400),
        ("MASTODON", "server_error", 503, 503),
        ("MASTODON", "html", None, 502),
        ("MASTODON", "rate_limit", None, 429),
        ("MASTODON", "invalid_token", None, 401),
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


def test_a_token_endpoint_answers_an_invalid_token_in_its_own_words(visitor: Client, x: Caller) -> None:
    from tests.sandbox.callers import x_token

    order = {"platform": "TWITTER", "operation": "token", "fault": "invalid_token"}
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
