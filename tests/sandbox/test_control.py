"""The control interface and its pages, the seed, life, and the check that keeps all this off public addresses."""

import os
import subprocess
import sys
from datetime import datetime, timedelta
from io import StringIO
from itertools import pairwise
from typing import Any

import pytest
import time_machine
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from sandbox.apps import refuse_public_address
from sandbox.life import count_engagement
from sandbox.models import Account, OAuthClient, Post
from tests.sandbox.callers import MARTA, Caller, connect_x, picture, status_of, x_request, x_token


def order(visitor: Client, path: str, **body: Any) -> Any:
    return visitor.post(f"/sandbox/api/{path}", body, content_type="application/json")


# --- platforms and the product around them


def test_a_platform_answers_without_anything_of_the_product_and_its_pages_with_all(visitor: Client, x: Caller) -> None:
    bare = x.json("/2/tweets", {"text": "On X"})
    assert bare.status_code == 201
    assert not {"Content-Security-Policy", "Content-Language", "X-Frame-Options", "Set-Cookie"} & set(bare.headers)
    for page in (x_request(), "/sandbox/", "/sandbox/twitter/riversidegc"):
        shown = visitor.get(page)
        assert (page, shown.status_code) == (page, 200)
        assert {"Content-Security-Policy", "Content-Language", "X-Frame-Options"} <= set(shown.headers)
    assert visitor.get("/sandbox/twitter/2/no-such-endpoint").status_code == 404


def test_a_platform_answers_under_the_names_of_this_machine_only(visitor: Client, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    for host, status in (("127.0.0.1:8000", 401), ("stranger.example", 400)):
        assert visitor.get("/sandbox/twitter/2/users/me", headers={"Host": host}).status_code == status


# --- posts, tokens, grants


def test_posts_are_told_with_exactly_what_a_reader_needs(visitor: Client, x: Caller, mastodon: Caller) -> None:
    x.json("/2/tweets", {"text": "On X"})
    mastodon.json("/api/v1/statuses", {"status": "On Mastodon"})
    rows = visitor.get("/sandbox/api/posts").json()["results"]
    assert [(row["platform"], row["account"], row["text"], row["media_count"]) for row in rows] == [
        ("TWITTER", "riversidegc", "On X", 0),
        ("MASTODON", "riverside", "On Mastodon", 0),
    ]
    assert rows[0]["created_at"].endswith("Z")
    one = visitor.get("/sandbox/api/posts", {"platform": "mastodon"}).json()["results"]
    assert [row["text"] for row in one] == ["On Mastodon"]
    assert visitor.get("/sandbox/api/posts", {"platform": "MYSPACE"}).status_code == 400


def test_a_post_can_be_moved_into_the_past_and_has_the_life_of_that_age(visitor: Client, x: Caller) -> None:
    native_id = x.json("/2/tweets", {"text": "Last week"}).json()["data"]["id"]
    then = (timezone.now() - timedelta(days=7)).isoformat()
    moved = order(visitor, "posts", platform="TWITTER", id=native_id, created_at=then).json()
    assert datetime.fromisoformat(moved["created_at"]) == datetime.fromisoformat(then)
    read = x.get(f"/2/tweets/{native_id}", {"tweet.fields": "public_metrics"}).json()["data"]
    assert read["public_metrics"]["impression_count"] > 100


@pytest.mark.parametrize("name", ["riversidegc", "@riversidegc", "2244994945", "Riverside Golf Club"])
def test_a_token_can_be_made_to_expire_by_any_name_of_its_account(visitor: Client, x: Caller, name: str) -> None:
    assert order(visitor, "tokens", platform="TWITTER", account=name, action="expire").json() == {"tokens": 1}
    assert x.get("/2/users/me").status_code == 401
    refreshed = x_token(visitor, {"grant_type": "refresh_token", "refresh_token": x.extra["refresh_token"]})
    assert refreshed.status_code == 200


def test_a_revoked_consent_of_x_cannot_be_refreshed(visitor: Client, x: Caller) -> None:
    order(visitor, "tokens", platform="TWITTER", account="riversidegc", action="revoke")
    assert x.get("/2/users/me").status_code == 401
    refused = x_token(visitor, {"grant_type": "refresh_token", "refresh_token": x.extra["refresh_token"]})
    assert refused.status_code == 400


def test_revoking_one_page_leaves_the_person_and_the_other_pages(visitor: Client, facebook: Caller) -> None:
    order(visitor, "tokens", platform="FACEBOOK", account="riversidegolfclub", action="revoke")
    assert facebook.get("/me").json()["error"]["error_subcode"] == 458
    assert facebook.extra["person"].get("/me").status_code == 200


@pytest.mark.parametrize(
    ("platform", "account", "path"),
    [
        ("TWITTER", "riversidegc", "/2/users/me"),
        ("FACEBOOK", "Marta Nunes", "/me"),
        ("MASTODON", "riverside", "/api/v1/accounts/verify_credentials"),
    ],
)
def test_a_grant_gives_tokens_that_work(visitor: Client, platform: str, account: str, path: str) -> None:
    answer = order(visitor, "grants", platform=platform, account=account)
    assert answer.status_code == 201
    grant = answer.json()
    base = {"TWITTER": "twitter", "FACEBOOK": "facebook/v26.0", "MASTODON": "mastodon"}[platform]
    assert Caller(visitor, f"/sandbox/{base}", grant["access_token"]).get(path).status_code == 200
    assert (grant["refresh_token"] is not None) == (platform == "TWITTER")
    assert (grant["expires_at"] is None) == (platform == "MASTODON")
    for page in grant["pages"]:
        of_page = Caller(visitor, f"/sandbox/{base}", page["access_token"])
        assert of_page.get("/me", {"fields": "name"}).json()["name"] == page["name"]


def test_the_application_of_a_grant_can_refresh_what_it_got(visitor: Client) -> None:
    grant = order(visitor, "grants", platform="TWITTER", account="riversidegc").json()
    form = {"grant_type": "refresh_token", "refresh_token": grant["refresh_token"]}
    assert x_token(visitor, form, basic=f"{grant['client_id']}:{grant['client_secret']}").status_code == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("faults", {}),
        ("faults", {"platform": "TWITTER", "operation": "publish", "fault": "explode"}),
        ("faults", {"platform": "MYSPACE", "operation": "publish", "fault": "html"}),
        ("faults", {"platform": "*", "operation": "dance", "fault": "html"}),
        ("faults", {"platform": "*", "operation": "publish", "fault": "html", "value": 200}),
        ("faults", {"platform": "*", "operation": "publish", "fault": "html", "times": "often"}),
        ("faults", {"platform": "*", "operation": "publish", "fault": "html", "probability": 2}),
        ("faults", {"platform": "*", "operation": "publish", "fault": "stuck"}),
        ("faults", {"platform": "FACEBOOK", "operation": "media", "fault": "stuck"}),
        ("faults", {"platform": "*", "operation": "publish", "fault": "html", "colour": "red"}),
        ("tokens", {"platform": "TWITTER", "account": "nobody", "action": "expire"}),
        ("tokens", {"platform": "TWITTER", "account": "riversidegc", "action": "burn"}),
        ("events", {"platform": "TWITTER", "kind": "lead", "account": "riversidegc"}),
        ("events", {"platform": "TWITTER", "kind": "comment", "account": "riversidegc", "text": "No post yet"}),
        ("events", {"platform": "FACEBOOK", "kind": "mention", "account": MARTA}),
        ("grants", {"platform": "TWITTER", "account": "riversidegc", "client_id": "stranger"}),
        ("posts", {"platform": "TWITTER", "id": "1", "created_at": "2026-01-01T00:00:00Z"}),
    ],
)
def test_a_wrong_order_is_refused_with_a_sentence(visitor: Client, path: str, body: dict[str, Any]) -> None:
    answer = order(visitor, path, **body)
    assert answer.status_code == 400
    assert answer.json()["error"].endswith(".")


def test_an_order_that_another_website_could_send_is_refused(visitor: Client) -> None:
    answer = visitor.post("/sandbox/api/faults", '{"platform":"*"}', content_type="text/plain")
    assert answer.status_code == 415


def test_seeding_twice_changes_nothing(db: None) -> None:
    visitor = Client()
    first = visitor.post("/sandbox/api/seed").json()["results"]
    out = StringIO()
    call_command("seed_sandbox", stdout=out)
    assert visitor.get("/sandbox/api/accounts").json()["results"].__len__() == len(first) == 11
    assert "11 accounts" in out.getvalue()
    assert OAuthClient.objects.count() == 2
    groups = {one["group"] for one in first}
    assert groups == {"riverside", "hilltop"}


# --- pages


def test_the_pages_show_what_happened_and_take_orders(visitor: Client, x: Caller) -> None:
    media = x.form("/2/media/upload", {"media": picture(), "media_category": "tweet_image"}).json()["data"]["id"]
    post = x.json("/2/tweets", {"text": "Frost <b>", "media": {"media_ids": [media]}}).json()["data"]["id"]
    overview = status_of(visitor.get("/sandbox/").content.decode())
    assert "Riverside Junior Academy" in overview
    assert "POST create_post" in overview
    assert "Frost &lt;b&gt;" in visitor.get("/sandbox/posts/").content.decode()
    assert "No posts yet" in visitor.get("/sandbox/posts/?platform=FACEBOOK").content.decode()
    assert visitor.get(f"/sandbox/media/twitter/{media}.jpg").headers["Content-Type"] == "image/jpeg"
    assert visitor.get("/sandbox/media/avatars/twitter/2244994945.png").headers["Content-Type"] == "image/png"
    assert visitor.get(f"/sandbox/twitter/riversidegc/status/{post}").status_code == 200
    x.delete(f"/2/tweets/{post}")
    assert visitor.get(f"/sandbox/twitter/riversidegc/status/{post}").status_code == 404


def test_a_fault_is_planted_and_removed_on_its_page(visitor: Client, x: Caller) -> None:
    form = {"platform": "TWITTER", "operation": "read", "fault": "rate_limit", "times": "1", "value": "30"}
    assert visitor.post("/sandbox/faults/", form).status_code == 302
    assert x.get("/2/users/me").status_code == 429
    assert x.get("/2/users/me").status_code == 200
    assert visitor.post("/sandbox/faults/remove/").status_code == 302
    assert "No faults" in visitor.get("/sandbox/faults/").content.decode()
    wrong = visitor.post("/sandbox/faults/", form | {"fault": "html", "value": "200"})
    assert (wrong.status_code, "status from 400 to 599" in wrong.content.decode()) == (422, True)


def test_an_event_is_planted_on_its_page(visitor: Client, x: Caller) -> None:
    account = Account.objects.get(username="riversidegc")
    form = {
        "kind": "mention",
        "account": account.pk,
        "author_name": "Rita Gomes",
        "author_username": "rita",
        "text": "Thanks!",
    }
    assert visitor.post("/sandbox/events/", form).status_code == 302
    assert "Rita Gomes" in visitor.get("/sandbox/events/").content.decode()
    assert len(x.get(f"/2/users/{account.native_id}/mentions").json()["data"]) == 1


def test_tokens_are_ended_on_the_page_of_accounts(visitor: Client, x: Caller) -> None:
    account = Account.objects.get(username="riversidegc")
    answer = visitor.post("/sandbox/tokens/", {"account": account.pk, "action": "revoke"}, follow=True)
    assert "2 tokens expired or revoked" in status_of(answer.content.decode())
    assert x.get("/2/users/me").status_code == 401


def test_the_pages_work_before_anything_was_made(db: None) -> None:
    visitor = Client()
    for path in ("", "posts/", "faults/", "events/", "mastodon/"):
        assert visitor.get(f"/sandbox/{path}").status_code == 200
    assert visitor.post("/sandbox/").status_code == 302
    assert Account.objects.count() == 11


def test_no_page_and_no_answer_of_the_control_interface_shows_a_token(visitor: Client, x: Caller) -> None:
    x.json("/2/tweets", {"text": "Hello"})
    for path in ("", "posts/", "faults/", "events/", "api/posts", "api/calls", "api/accounts"):
        content = visitor.get(f"/sandbox/{path}").content.decode()
        assert x.token not in content
        assert x.extra["refresh_token"] not in content


# --- life


def test_engagement_grows_never_falls_and_is_the_same_for_every_reader(visitor: Client) -> None:
    with time_machine.travel(timezone.now(), tick=False):
        connect_x(visitor).json("/2/tweets", {"text": "See https://riverside.example"})
        post = Post.objects.get()
        start = timezone.now()
        moments = [start + timedelta(minutes=minutes) for minutes in (0, 1, 5, 30, 120, 600, 5000)]
        counted = [count_engagement(post, now=moment) for moment in moments]
    assert (counted[0].likes, counted[0].impressions) == (0, 0)
    assert counted[1].impressions > 0
    for earlier, later in pairwise(counted):
        assert earlier.likes <= later.likes
        assert earlier.impressions < later.impressions
        assert later.reach <= later.impressions
    assert counted[-1].likes > 0
    assert counted[-1].clicks > 0
    assert count_engagement(Post.objects.get(), now=moments[3]) == counted[3]


def test_a_deleted_post_gathers_nothing_more(visitor: Client) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        x = connect_x(visitor)
        native_id = x.json("/2/tweets", {"text": "Hello"}).json()["data"]["id"]
        clock.shift(timedelta(minutes=10))
        x.delete(f"/2/tweets/{native_id}")
        post = Post.objects.get()
        then = count_engagement(post, now=timezone.now())
        assert count_engagement(post, now=timezone.now() + timedelta(days=1)) == then


# --- where it may stand


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:8000",
        "http://localhost:8000",
        "http://parley.localhost",
        "http://[::1]:8000",
        "http://192.168.1.20:8000",
        "http://10.0.0.5",
    ],
)
def test_the_sandbox_may_stand_on_a_private_address(settings: Any, address: str) -> None:
    settings.SANDBOX, settings.APP_URL = True, address
    refuse_public_address()


@pytest.mark.parametrize("address", ["https://parley.example.org", "http://0.0.0.0:8000", "http://8.8.8.8"])
def test_the_sandbox_refuses_a_public_address(settings: Any, address: str) -> None:
    settings.SANDBOX, settings.APP_URL = True, address
    with pytest.raises(ImproperlyConfigured, match="sandbox.E001"):
        refuse_public_address()
    settings.SANDBOX = False
    refuse_public_address()


def test_no_process_starts_with_a_sandbox_on_a_public_address(settings: Any) -> None:
    environ = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "SANDBOX": "1"}
    environ["APP_URL"] = "https://parley.example.org"
    started = subprocess.run(
        [sys.executable, "-c", "import config.wsgi"], cwd=settings.BASE_DIR, env=environ, capture_output=True, text=True
    )
    assert started.returncode != 0
    assert "sandbox.E001: SANDBOX is on but APP_URL is the public address" in started.stderr
