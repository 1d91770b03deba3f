"""X: its requests by its own OpenAPI document, and its answers in both dialects."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import responses
from openapi_core import OpenAPI
from openapi_core.contrib.requests import RequestsOpenAPIRequest
from openapi_core.testing import MockRequest, MockResponse

from connections.errors import InvalidToken, MediaError, OutcomeUnknown, RateLimited, TransientError
from connections.platforms.base import AppCredentials, TokenPolicy
from connections.platforms.twitter import Twitter, posted_at
from tests.connections.platforms.helpers import HERE, SECRET, TOKEN, MemoryJournal, answer, client, draft, find, picture

API = "https://api.x.com/2"
SPEC = json.loads((HERE / "twitter" / "x-openapi.json").read_text())


def plant(web: responses.RequestsMock, **changes: Any) -> None:
    """X's documented answers to everything that publishing and reading back ask."""
    web.add(responses.POST, f"{API}/media/upload", json=answer("twitter", "uploaded"))
    web.add(responses.POST, f"{API}/media/metadata", json=answer("twitter", "described"))
    web.add(responses.POST, f"{API}/tweets", json=answer("twitter", "created"), status=201)
    web.add(responses.GET, f"{API}/users/2244994945/tweets", json=answer("twitter", "timeline"))
    web.add(responses.GET, f"{API}/users/me", json=answer("twitter", "me"))
    web.add(responses.GET, f"{API}/tweets", json=answer("twitter", "metrics"))
    web.add(responses.DELETE, f"{API}/tweets/1992000000000000001", json=answer("twitter", "deleted"))


def test_every_request_is_one_that_x_documents(web: responses.RequestsMock) -> None:
    plant(web)
    web.replace(responses.POST, f"{API}/media/upload", json=answer("twitter", "processing"))
    ready = {"data": {**answer("twitter", "processing")["data"], "processing_info": {"state": "succeeded"}}}
    web.add(responses.GET, f"{API}/media/upload", json=ready)
    platform = client("TWITTER")
    post = draft(
        "Fish & chips", link_url="https://club.example/menu", media=(picture("#111111"), picture("#222222")),
        first_comment="Booking opens at noon.", options={"reply_settings": "mentionedUsers"},
    )  # fmt: skip
    platform.publish(post, MemoryJournal())
    platform.publish(draft("", media=(picture(),)), MemoryJournal())
    platform.own_posts(since=datetime.now(UTC))
    platform.profile()
    platform.metrics(["1992000000000000001", "1992000000000000002"])
    platform.delete("1992000000000000001")

    openapi = OpenAPI.from_dict(_without_security(SPEC))
    asked = set()
    for call in web.calls:
        openapi.validate_request(RequestsOpenAPIRequest(call.request))
        operation = _operation(call.request)
        asked.add(operation["operationId"])
        declared = {_resolve(one)["name"] for one in operation.get("parameters", [])}
        assert set(parse_qs(urlsplit(str(call.request.url)).query)) <= declared, (
            "X drops unknown parameters without a word"
        )
        assert call.request.headers["Authorization"] == f"Bearer {TOKEN}"
    assert asked == {one["operationId"] for path in SPEC["paths"].values() for one in path.values()}


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("post", "/2/media/upload", "uploaded"), ("get", "/2/media/upload", "processing"),
        ("post", "/2/media/metadata", "described"), ("get", "/2/users/1/tweets", "timeline"), ("get", "/2/users/me", "me"),
        ("get", "/2/tweets", "metrics"), ("delete", "/2/tweets/1", "deleted"),
    ],
)  # fmt: skip
def test_the_answers_that_these_tests_plant_are_ones_that_x_documents(method: str, path: str, name: str) -> None:
    request = MockRequest("https://api.x.com", method, path)
    response = MockResponse(json.dumps(answer("twitter", name)).encode())
    OpenAPI.from_dict(_without_security(SPEC)).validate_response(request, response)


def _without_security(value: Any) -> Any:
    """openapi-core does not know OAuth 2 as a way to authenticate; the header is looked at by the test itself."""
    if isinstance(value, dict):
        return {
            key: _without_security(item) for key, item in value.items() if key not in {"security", "securitySchemes"}
        }
    return [_without_security(item) for item in value] if isinstance(value, list) else value


def _operation(request: Any) -> dict[str, Any]:
    path = urlsplit(request.url).path
    for template, operations in SPEC["paths"].items():
        parts, wanted = path.split("/"), template.split("/")
        if len(parts) == len(wanted) and all(w.startswith("{") or w == p for p, w in zip(parts, wanted, strict=True)):
            found: dict[str, Any] = operations[request.method.lower()]
            return found
    raise AssertionError(f"X has no {path}")


def _resolve(parameter: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in parameter:
        found: dict[str, Any] = SPEC["components"]["parameters"][parameter["$ref"].rpartition("/")[2]]
        return found
    return parameter


def test_pictures_go_up_with_their_descriptions_before_the_one_public_call(web: responses.RequestsMock) -> None:
    plant(web)
    post = draft("Two greens", media=(picture("#111111", alt="Seven"), picture("#222222", alt="")))
    published = client("TWITTER").publish(post, MemoryJournal())
    sent = [(call.request.method, urlsplit(str(call.request.url)).path) for call in web.calls]
    assert sent == [
        ("POST", "/2/media/upload"), ("POST", "/2/media/metadata"), ("POST", "/2/media/upload"), ("POST", "/2/tweets"),
    ]  # fmt: skip
    assert json.loads(web.calls[1].request.body or "")["metadata"]["alt_text"]["text"] == "Seven"
    assert json.loads(web.calls[3].request.body or "") == {
        "text": "Two greens", "media": {"media_ids": ["1991999999999999999", "1991999999999999999"]},
    }  # fmt: skip
    assert published.id == "1992000000000000001"
    assert published.url == "https://x.com/riversidegc/status/1992000000000000001"


def test_a_worker_that_died_after_the_post_goes_on_with_the_comment_alone(web: responses.RequestsMock) -> None:
    plant(web)
    journal = MemoryJournal()
    first = client("TWITTER").publish(draft("Hello", media=(picture(),)), journal)
    before = len(web.calls)
    again = client("TWITTER").publish(draft("Hello", media=(picture(),), first_comment="At noon"), journal)
    assert again == first
    assert [json.loads(call.request.body or "") for call in list(web.calls)[before:]] == [
        {"text": "At noon", "reply": {"in_reply_to_tweet_id": first.id}}
    ]


def test_an_answer_without_an_id_is_unknown_not_published(web: responses.RequestsMock) -> None:
    web.add(responses.POST, f"{API}/tweets", json={"errors": [{"title": "Partial"}]}, status=200)
    with pytest.raises(OutcomeUnknown):
        client("TWITTER").publish(draft(), MemoryJournal())


def test_a_picture_that_x_cannot_process_is_named(web: responses.RequestsMock) -> None:
    web.add(responses.POST, f"{API}/media/upload", json=answer("twitter", "processing"))
    failed = {"data": {"id": "1", "processing_info": {"state": "failed", "error": {"message": "InvalidMedia"}}}}
    web.add(responses.GET, f"{API}/media/upload", json=failed)
    with pytest.raises(MediaError, match="InvalidMedia"):
        client("TWITTER").publish(draft(media=(picture(),)), MemoryJournal())


def test_a_copy_is_recognised_through_short_links_entities_and_the_picture_link(web: responses.RequestsMock) -> None:
    plant(web)
    post = draft(
        "Fish & chips after golf, see foo.co.uk and https://club.example/menu?x=1&y=2 <3",
        media=(picture("#111111"), picture("#222222")),
    )
    since = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
    platform = client("TWITTER")
    found = find(platform, post, since=since)
    assert found is not None
    assert (found.id, found.at) == ("1992000000000000001", datetime(2026, 11, 20, 10, 0, 2, tzinfo=UTC))
    assert find(platform, post, since=since + timedelta(seconds=3)) is None, "that one was there before"
    assert find(platform, draft(post.text), since=since) is None, "that one has two pictures"
    asked = parse_qs(urlsplit(str(web.calls[0].request.url)).query)
    assert asked["start_time"] == ["2026-11-20T09:59:00Z"]


def test_an_empty_timeline_and_further_pages_are_read(web: responses.RequestsMock) -> None:
    first = {"data": [{"id": "5", "text": "x", "created_at": "2026-11-20T10:00:00.000Z"}], "meta": {"next_token": "p2"}}
    web.add(responses.GET, f"{API}/users/2244994945/tweets", json=first)
    web.add(responses.GET, f"{API}/users/2244994945/tweets", json=answer("twitter", "empty_timeline"))
    assert find(client("TWITTER"), draft("y"), since=datetime(2026, 11, 20, tzinfo=UTC)) is None
    assert "pagination_token=p2" in str(web.calls[1].request.url)


def recent(number: int = 0) -> str:
    """An id as X would give it now."""
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    return str(((now_ms - 1288834974657) << 22) + number)


def test_metrics_are_read_in_both_dialects_and_a_missing_post_is_gone(
    web: responses.RequestsMock, time_machine: Any
) -> None:
    time_machine.move_to(datetime(2025, 11, 25, tzinfo=UTC))
    ids = ["1992000000000000001", "1992000000000000002"]
    web.add(responses.GET, f"{API}/tweets", json=answer("twitter", "metrics"))
    found = client("TWITTER").metrics(ids)
    first = found[ids[0]]
    assert (first.likes, first.comments, first.shares, first.impressions, first.clicks) == (17, 2, 4, 812, 24)
    assert first.reach is None, "X does not tell it"
    assert found[ids[1]].gone
    assert len(web.calls) == 1
    web.replace(responses.GET, f"{API}/tweets", json=answer("twitter", "metrics_old_dialect"))
    assert client("TWITTER").metrics(ids[:1])[ids[0]].shares == 4


def test_clicks_that_x_refuses_leave_the_public_counts(web: responses.RequestsMock) -> None:
    post_id = recent()
    refused = {
        "title": "Field Not Authorized Error",
        "detail": "Sorry",
        "type": "https://api.x.com/2/problems/not-authorized-for-field",
    }
    web.add(responses.GET, f"{API}/tweets", json=refused, status=403)
    public = {"data": [{"id": post_id, "public_metrics": {"like_count": 5, "reply_count": 0, "impression_count": 9}}]}
    web.add(responses.GET, f"{API}/tweets", json=public)
    found = client("TWITTER").metrics([post_id])[post_id]
    assert (found.likes, found.clicks, found.shares) == (5, None, None)
    assert "non_public" not in str(web.calls[1].request.url)


def test_old_posts_are_not_asked_for_what_x_forgets_after_a_month(web: responses.RequestsMock) -> None:
    web.add(responses.GET, f"{API}/tweets", json=answer("twitter", "metrics"))
    client("TWITTER").metrics(["1445880548472328192"])
    assert "non_public" not in str(web.calls[0].request.url)


def test_an_id_tells_its_time() -> None:
    assert posted_at("1541815603606036480") == datetime(2022, 6, 28, 16, 7, 40, 105000, tzinfo=UTC)
    assert posted_at("abc") is None


def test_tokens_come_with_their_end_and_scopes_and_rotate(web: responses.RequestsMock) -> None:
    web.add(responses.POST, f"{API}/oauth2/token", json=answer("twitter", "tokens"))
    platform = client("TWITTER")
    grant = platform.exchange_code("code", redirect_uri="https://parley.example/cb", verifier="v")
    assert grant.refresh_token == "new-refresh"
    assert grant.expires_at is not None
    assert 7190 < (grant.expires_at - datetime.now(UTC)).total_seconds() <= 7200
    assert "offline.access" in grant.permissions
    assert str(web.calls[0].request.headers["Authorization"]).startswith("Basic ")
    assert SECRET not in str(web.calls[0].request.body)
    assert Twitter.token_policy == TokenPolicy.ROTATING
    public = Twitter(app=AppCredentials("public-client", ""))
    public.refresh("old")
    assert "client_id=public-client" in str(web.calls[1].request.body)
    assert "Authorization" not in web.calls[1].request.headers


def test_a_renewal_without_a_new_refresh_token_says_so_instead_of_inventing_one(web: responses.RequestsMock) -> None:
    web.add(responses.POST, f"{API}/oauth2/token", json={**answer("twitter", "tokens"), "refresh_token": None})
    assert client("TWITTER").refresh("old").refresh_token is None


def test_a_renewal_is_sent_once_and_a_lost_answer_blames_nobody(web: responses.RequestsMock) -> None:
    web.add(responses.POST, f"{API}/oauth2/token", status=502, body="<html>")
    with pytest.raises(TransientError):
        client("TWITTER").refresh("old")
    assert len(web.calls) == 1


def test_the_account_is_the_one_of_the_token(web: responses.RequestsMock) -> None:
    web.add(responses.GET, f"{API}/users/me", json=answer("twitter", "me"))
    web.add(responses.POST, f"{API}/oauth2/token", json=answer("twitter", "tokens"))
    platform = client("TWITTER")
    (account,) = platform.accounts(platform.exchange_code("c", redirect_uri="https://a.example/cb", verifier="v"))
    assert (account.id, account.handle, account.followers) == ("2244994945", "riversidegc", 4210)
    assert account.avatar_url.endswith("heron_400x400.jpg")
    assert web.calls[1].request.headers["Authorization"] == "Bearer new-access"
    web.replace(responses.GET, f"{API}/users/me", status=401, json={"title": "Unauthorized", "status": 401})
    validation = platform.validate()
    assert not validation.is_valid
    assert validation.reason


def test_the_window_of_a_rate_limit_is_read_from_x_s_headers(web: responses.RequestsMock) -> None:
    opens = int(datetime.now(UTC).timestamp()) + 600
    web.add(
        responses.POST,
        f"{API}/tweets",
        status=429,
        json={"title": "Too Many Requests"},
        headers={"x-rate-limit-reset": str(opens)},
    )
    with pytest.raises(RateLimited) as raised:
        client("TWITTER").publish(draft(), MemoryJournal())
    assert raised.value.retry_at == datetime.fromtimestamp(opens, UTC)


def test_a_made_up_token_proves_the_app_s_credentials(web: responses.RequestsMock) -> None:
    refused = {"error": "invalid_request", "error_description": "Value passed for the token was invalid."}
    web.add(responses.POST, f"{API}/oauth2/token", status=400, json=refused)
    client("TWITTER").test_app()
    with pytest.raises(InvalidToken):
        client("TWITTER").refresh("old")


def test_prices_cashtags_and_previews_are_said_before_they_hurt(settings: Any) -> None:
    settings.TWITTER_ACCESS_LEVEL = "pay-per-use"
    found = {problem.code: problem for problem in Twitter.problems(draft("See club.golf", link_url="", media=()))}
    assert "0.20" in found["link_price"].message
    assert not found["link_price"].blocking
    assert "too_many_cashtags" in {one.code for one in Twitter.problems(draft("$GOLF and $TEE")) if one.blocking}
    assert "too_many_cashtags" not in {one.code for one in Twitter.problems(draft("$GOLF and $golf cost $5"))}
    settings.TWITTER_ACCESS_LEVEL = "enterprise"
    assert Twitter.problems(draft("$GOLF and $TEE https://club.example/")) == []
    with_picture = draft("Hello", link_url="https://club.example/", media=(picture(),))
    assert {one.code for one in Twitter.problems(with_picture)} == {"link_without_preview"}
    assert [one.field for one in Twitter.problems(draft("Hi", options={"reply_settings": "nobody"}))] == [
        "options.reply_settings"
    ]
