"""Facebook Pages: one public call per post, tokens that have no end, and metrics that survive Meta's removals."""

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import responses
from responses import matchers

from connections.errors import InvalidToken, MediaError, RateLimited
from connections.platforms import facebook
from connections.platforms.base import Platform
from connections.platforms.facebook import Facebook
from tests.connections.platforms.helpers import SECRET, TOKEN, MemoryJournal, answer, client, draft, find, picture

API = "https://graph.facebook.com/v26.0"
PAGE = "2244994945"


@pytest.fixture
def page() -> Platform:
    return client("FACEBOOK")


@pytest.fixture(autouse=True)
def _nothing_known_dead() -> None:
    facebook._dead_insights.clear()


def form(call: Any) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(call.request.body or "").items()}


def test_text_and_link_are_one_call_that_proves_the_secret_and_shows_no_token(
    page: Platform, web: responses.RequestsMock
) -> None:
    web.add(responses.POST, f"{API}/{PAGE}/feed", json={"id": f"{PAGE}_1"})
    published = page.publish(draft("Hello", link_url="https://club.example/"), MemoryJournal())
    (call,) = web.calls
    assert form(call) == {
        "message": "Hello",
        "link": "https://club.example/",
        "appsecret_proof": hmac.new(SECRET.encode(), TOKEN.encode(), hashlib.sha256).hexdigest(),
    }
    assert call.request.headers["Authorization"] == f"Bearer {TOKEN}"
    assert TOKEN not in str(call.request.url)
    assert (published.id, published.url) == (f"{PAGE}_1", f"https://www.facebook.com/{PAGE}_1")


def test_pictures_go_up_unpublished_and_the_post_takes_them_in_order(
    page: Platform, web: responses.RequestsMock
) -> None:
    web.add(responses.POST, f"{API}/{PAGE}/photos", json={"id": "11"})
    web.add(responses.POST, f"{API}/{PAGE}/photos", json={"id": "12"})
    web.add(responses.POST, f"{API}/{PAGE}/feed", json={"id": f"{PAGE}_1"})
    web.add(responses.POST, f"{API}/{PAGE}_1/comments", json={"id": "1_9"})
    post = draft(
        "Greens", link_url="https://club.example/", media=(picture("#111111", alt="Seven"), picture("#222222", alt="")),
        first_comment="At noon",
    )  # fmt: skip
    page.publish(post, MemoryJournal())
    first, second, feed, comment = web.calls
    for call in (first, second):
        assert b'name="published"\r\n\r\nfalse' in (call.request.body or b"")
    assert b'name="alt_text_custom"\r\n\r\nSeven' in (first.request.body or b"")
    assert b"alt_text_custom" not in (second.request.body or b"")
    sent = form(feed)
    assert [json.loads(sent[f"attached_media[{number}]"]) for number in (0, 1)] == [
        {"media_fbid": "11"},
        {"media_fbid": "12"},
    ]
    assert "link" not in sent, "beside pictures the link stands in the text"
    assert sent["message"] == "Greens\n\nhttps://club.example/"
    assert form(comment)["message"] == "At noon"


def test_a_good_picture_that_is_refused_once_is_offered_again(
    page: Platform, web: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connections.platforms.steps.LOOK_EVERY_S", (0.0,))
    refused = {
        "error": {
            "message": "(#324) Missing or invalid image file",
            "code": 324,
            "error_subcode": 2069019,
            "is_transient": True,
        }
    }
    web.add(responses.POST, f"{API}/{PAGE}/photos", json=refused, status=400)
    web.add(responses.POST, f"{API}/{PAGE}/photos", json={"id": "11"})
    web.add(responses.POST, f"{API}/{PAGE}/feed", json={"id": f"{PAGE}_1"})
    page.publish(draft(media=(picture(),)), MemoryJournal())
    web.replace(responses.POST, f"{API}/{PAGE}/photos", json=refused, status=400)
    with pytest.raises(MediaError):
        page.publish(draft(media=(picture(),)), MemoryJournal())


def test_a_copy_is_recognised_by_text_pictures_and_link(page: Platform, web: responses.RequestsMock) -> None:
    web.add(responses.GET, f"{API}/{PAGE}/published_posts", json=answer("facebook", "published_posts"))
    since = datetime(2026, 11, 20, 10, 0, 0, 400000, tzinfo=UTC)
    album = draft("Fish & chips after golf", media=(picture("#111111"), picture("#222222")))
    found = find(page, album, since=since)
    assert found is not None
    assert (found.id, found.url) == (f"{PAGE}_1", "https://www.facebook.com/2244994945/posts/1")
    assert find(page, draft(album.text), since=since) is None
    linked = find(page, draft("", link_url="https://club.example/menu?x=1"), since=since)
    assert linked is not None
    assert linked.id == f"{PAGE}_2"
    assert find(page, draft("", link_url="https://club.example/other"), since=since) is None
    assert find(page, album, since=since + timedelta(minutes=1)) is None
    assert Facebook.absence_proof_after is None, "the list of posts proves no absence"


def test_pages_come_with_their_own_endless_tokens_and_reasons(page: Platform, web: responses.RequestsMock) -> None:
    rows = [
        {"id": "1", "name": "Club", "access_token": "page-token-1", "tasks": ["CREATE_CONTENT"], "followers_count": 6840,
         "username": "club", "picture": {"data": {"url": "https://cdn.example/1.jpg"}}, "link": "https://www.facebook.com/1"},
        {"id": "2", "name": "Path", "access_token": "page-token-2", "tasks": ["ANALYZE"]},
    ]  # fmt: skip
    web.add(responses.GET, f"{API}/oauth/access_token", json={"access_token": "short", "expires_in": 5400})
    web.add(responses.GET, f"{API}/oauth/access_token", json={"access_token": "long", "expires_in": 5183944})
    permissions = {
        "data": [
            {"permission": "pages_show_list", "status": "granted"},
            {"permission": "read_insights", "status": "declined"},
        ]
    }
    web.add(responses.GET, f"{API}/me/permissions", json=permissions)
    pages = {"data": rows[:1], "paging": {"cursors": {"after": "c1"}, "next": "https://graph.facebook.com/next"}}
    last = {"data": rows[1:], "paging": {"cursors": {"after": "c2"}}}
    web.add(
        responses.GET,
        f"{API}/me/accounts",
        json=pages,
        match=[matchers.query_param_matcher({"limit": "100"}, strict_match=False)],
    )
    grant = page.lengthen(page.exchange_code("code", redirect_uri="https://parley.example/cb", verifier=""))
    assert grant.permissions == ("pages_show_list",)
    assert grant.expires_at is not None
    assert 59 <= (grant.expires_at - datetime.now(UTC)).days <= 60
    web.replace(responses.GET, f"{API}/me/accounts", json=last)
    web.add(responses.GET, f"{API}/me/accounts", json=last)
    (second,) = page.accounts(grant)
    assert second.unavailable
    web.replace(responses.GET, f"{API}/me/accounts", json=pages)
    found = page.accounts(grant)
    first = found[0]
    assert first.grant is not None
    assert (first.grant.access_token, first.grant.expires_at) == ("page-token-1", None)
    assert (first.kind, first.followers, first.handle, first.unavailable) == ("page", 6840, "club", "")
    assert "after=c1" in str(web.calls[-1].request.url), "the next page is asked for by its cursor, at our own address"
    assert urlsplit(str(web.calls[-1].request.url)).path == "/v26.0/me/accounts"


@pytest.mark.parametrize(("state", "valid"), [
    ({"is_valid": True, "expires_at": 0, "profile_id": "104", "user_id": "1", "scopes": ["pages_manage_posts"]}, True),
    ({"is_valid": False, "expires_at": 0, "scopes": [], "error": {"code": 190, "message": "Changed password", "subcode": 460}}, False),
])  # fmt: skip
def test_validation_is_facebook_s_own_word(
    state: dict[str, Any], valid: bool, page: Platform, web: responses.RequestsMock
) -> None:
    web.add(responses.GET, f"{API}/debug_token", json={"data": state})
    found = page.validate()
    assert found.is_valid == valid
    assert found.expires_at is None
    assert found.account_id == ("104" if valid else "")
    assert found.reason == ("" if valid else "Changed password")
    assert web.calls[0].request.headers["Authorization"] == f"Bearer client-id|{SECRET}"
    if valid:
        assert page.refresh(TOKEN).expires_at is None, "there is nothing to renew"
    else:
        with pytest.raises(InvalidToken):
            page.refresh(TOKEN)


def test_declined_scopes_can_be_asked_for_again(page: Platform) -> None:
    assert "auth_type=rerequest" in page.authorize_url(
        redirect_uri="https://a.example/cb", state="s", challenge="", again=True
    )
    assert "rerequest" not in page.authorize_url(redirect_uri="https://a.example/cb", state="s", challenge="")


def test_metrics_join_the_post_and_its_insights(page: Platform, web: responses.RequestsMock) -> None:
    node = answer("facebook", "post_node")
    web.add(responses.GET, f"{API}/", json={node["id"]: node, "x": {"id": "x"}})
    web.add(responses.GET, f"{API}/{node['id']}/insights", json=answer("facebook", "insights"))
    web.add(responses.GET, f"{API}/x/insights", json={"data": []})
    found = page.metrics([node["id"], "x"])
    first = found[node["id"]]
    assert (first.likes, first.comments, first.shares) == (31, 6, 4)
    assert (first.impressions, first.reach, first.clicks) == (940, 610, 44)
    assert found["x"].shares == 0, "an absent count of shares stands for none"
    assert found["x"].reach is None, "no value is not zero"


def test_a_metric_that_meta_has_retired_costs_only_itself(page: Platform, web: responses.RequestsMock) -> None:
    node = answer("facebook", "post_node")
    web.add(responses.GET, f"{API}/", json={node["id"]: node})
    dead = {"error": {"message": "(#100) The value must be a valid insights metric", "code": 100}}
    url = f"{API}/{node['id']}/insights"

    def insights(request: Any) -> tuple[int, dict[str, str], str]:
        wanted = parse_qs(urlsplit(request.url).query)["metric"][0].split(",")
        if "post_clicks" in wanted:
            return 400, {}, json.dumps(dead)
        rows = [row for row in answer("facebook", "insights")["data"] if row["name"] in wanted]
        return 200, {}, json.dumps({"data": rows})

    web.add_callback(responses.GET, url, callback=insights)
    first = page.metrics([node["id"]])[node["id"]]
    assert (first.impressions, first.reach, first.clicks) == (940, 610, None)
    before = len(web.calls)
    page.metrics([node["id"]])
    assert len(web.calls) - before == 2, "what is known to be dead is not asked for again"


def test_without_the_insights_permission_the_rest_is_still_counted(page: Platform, web: responses.RequestsMock) -> None:
    node = answer("facebook", "post_node")
    web.add(responses.GET, f"{API}/", json={node["id"]: node, "b": {"id": "b"}})
    refused = {"error": {"message": "(#10) This endpoint requires the 'read_insights' permission.", "code": 10}}
    web.add(responses.GET, f"{API}/{node['id']}/insights", json=refused, status=403)
    found = page.metrics([node["id"], "b"])
    assert (found[node["id"]].likes, found[node["id"]].reach) == (31, None)
    assert len(web.calls) == 2, "refused once, not asked for each"


def test_a_missing_post_is_gone_only_while_its_page_can_be_read(page: Platform, web: responses.RequestsMock) -> None:
    missing = {
        "error": {
            "message": "Unsupported get request.",
            "type": "GraphMethodException",
            "code": 100,
            "error_subcode": 33,
        }
    }
    web.add(
        responses.GET, f"{API}/", json={"error": {"message": "(#803) Some of the aliases", "code": 803}}, status=404
    )
    web.add(responses.GET, f"{API}/1_1", json=missing, status=400)
    web.add(responses.GET, f"{API}/{PAGE}", json={"id": PAGE})
    assert page.metrics(["1_1"])["1_1"].gone
    web.replace(responses.GET, f"{API}/{PAGE}", json=missing, status=400)
    assert page.metrics(["1_1"]) == {}, "the token sees nothing at all: that says nothing about the post"


def test_a_throttled_page_waits_as_long_as_meta_says(page: Platform, web: responses.RequestsMock) -> None:
    usage = {PAGE: [{"type": "pages", "call_count": 100, "estimated_time_to_regain_access": 19}]}
    refused = {"error": {"message": "(#80001) There have been too many calls to this Page account.", "code": 80001}}
    web.add(
        responses.POST,
        f"{API}/{PAGE}/feed",
        json=refused,
        status=400,
        headers={"X-Business-Use-Case-Usage": json.dumps(usage)},
    )
    with pytest.raises(RateLimited) as raised:
        page.publish(draft(), MemoryJournal())
    assert raised.value.retry_at is not None
    assert 18.9 * 60 < (raised.value.retry_at - datetime.now(UTC)).total_seconds() <= 19 * 60


def test_large_pictures_are_warned_about(page: Platform) -> None:
    def warned(**changes: Any) -> set[str]:
        return {one.code for one in page.problems(draft("Hi", media=(picture(**changes),))) if not one.blocking}

    assert "image_large" in warned(size_bytes=1_200_000)
    assert "image_large" not in warned(size_bytes=1_200_000, content_type="image/jpeg")
    assert "image_large" in warned(size_bytes=4_200_000, content_type="image/jpeg")
    assert "stands_still" in warned(content_type="image/gif", is_animated=True)
