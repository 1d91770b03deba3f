"""Mastodon and servers that are only nearly like it."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import responses
from responses import matchers

from connections.errors import ConsentFailed, InvalidToken, NotFound, TransientError, UnsafeAddress
from connections.platforms.base import Platform, TokenGrant
from connections.platforms.mastodon import Mastodon, limits_of
from tests.connections.platforms.helpers import TOKEN, MemoryJournal, answer, client, draft, find, picture

BASE = "https://social.example"
STATUSES = f"{BASE}/api/v1/statuses"
HTML = "<html><body>Whoops</body></html>"


@pytest.fixture
def server() -> Platform:
    return client("MASTODON", account_id="01JC8", handle="club@social.example")


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("mastodon.social", "https://mastodon.social"), ("  Mastodon.Social/ ", "https://mastodon.social"),
        ("@me@example.social", "https://example.social"), ("me@example.social", "https://example.social"),
        ("https://example.social/@me", "https://example.social"), ("http://example.social", "https://example.social"),
        ("https://example.social/web/home?x=1#y", "https://example.social"), ("example.social:8443", "https://example.social:8443"),
        ("bücher.example", "https://xn--bcher-kva.example"), ("127.0.0.1:8000/sandbox/mastodon", "http://127.0.0.1:8000/sandbox/mastodon"),
        ("http://127.0.0.1:8000/sandbox/mastodon/", "http://127.0.0.1:8000/sandbox/mastodon"),
        ("http://127.0.0.1:9999/x", "https://127.0.0.1:9999"),
    ],
)  # fmt: skip
def test_a_server_is_found_in_what_people_type(typed: str, address: str, settings: Any) -> None:
    settings.OUTBOUND_ALLOW = ["127.0.0.1:8000"]
    assert Mastodon.normalize_server(typed) == address


@pytest.mark.parametrize(
    "typed", ["", "  ", "me", "@me", "https://", "exa mple.social", "https://[::1", "a..b", "x" * 80 + ".example"]
)
def test_what_is_no_server_is_a_sentence(typed: str) -> None:
    with pytest.raises(ConsentFailed, match=r"such as mastodon\.social"):
        Mastodon.normalize_server(typed)


def test_registering_at_a_private_address_is_refused_unless_the_operator_exempts_it(
    settings: Any, web: responses.RequestsMock
) -> None:
    with pytest.raises(UnsafeAddress, match="private network"):
        Mastodon.register_app("https://127.0.0.1:9999", redirect_uri="https://parley.example/cb")
    assert len(web.calls) == 0
    settings.OUTBOUND_ALLOW = ["127.0.0.1:9999"]
    web.add(responses.POST, "http://127.0.0.1:9999/api/v1/apps", json={"client_id": "c", "client_secret": "s"})
    web.add(responses.POST, "http://127.0.0.1:9999/oauth/token", status=500, body=HTML)
    app = Mastodon.register_app("http://127.0.0.1:9999", redirect_uri="https://parley.example/cb")
    assert (app.client_id, app.server_url) == ("c", "http://127.0.0.1:9999")


@pytest.mark.parametrize("answered", [{"status": 404, "body": HTML}, {"json": {"hello": "world"}}])
def test_a_website_that_is_no_mastodon_server_is_said_so(
    answered: dict[str, Any], settings: Any, web: responses.RequestsMock
) -> None:
    settings.OUTBOUND_ALLOW = ["club.example"]
    web.add(responses.POST, "https://club.example/api/v1/apps", **answered)
    with pytest.raises(NotFound, match=r"club\.example does not look like a Mastodon server"):
        Mastodon.register_app("https://club.example", redirect_uri="https://parley.example/cb")


def test_the_account_comes_with_the_limits_of_its_server(server: Platform, web: responses.RequestsMock) -> None:
    web.add(responses.GET, f"{BASE}/api/v2/instance", json=answer("mastodon", "instance_v2"))
    web.add(responses.GET, f"{BASE}/api/v1/accounts/verify_credentials", json=answer("mastodon", "account"))
    (account,) = server.accounts(TokenGrant("granted"))
    assert (account.id, account.handle, account.followers) == ("01JC8ULIDULIDULIDULIDULID0", "club@social.example", 860)
    limits = Mastodon.limits.with_changes(account.limits)
    assert (limits.characters, limits.images, limits.characters_per_link, limits.alt_text_characters) == (
        5000,
        6,
        30,
        420,
    )
    assert limits.image_formats == frozenset({"image/jpeg", "image/webp"})
    assert Mastodon.count("https://example.com/", limits) == 30
    assert json.loads(json.dumps(account.limits)) == account.limits, "kept as JSON"


@pytest.mark.parametrize("v2", [(404, HTML), (200, HTML), (200, ""), (200, "[]"), (500, "")])
def test_a_server_without_the_newer_instance_document_is_read_by_the_older(
    v2: tuple[int, str], server: Platform, web: responses.RequestsMock
) -> None:
    web.add(responses.GET, f"{BASE}/api/v2/instance", status=v2[0], body=v2[1])
    web.add(responses.GET, f"{BASE}/api/v1/instance", json=answer("mastodon", "instance_v1_pleroma"))
    web.add(responses.GET, f"{BASE}/api/v1/accounts/verify_credentials", json=answer("mastodon", "account"))
    account = server.profile()
    assert account.limits == {"characters": 20000}
    assert account.handle == "club@social.example"


@pytest.mark.parametrize("nonsense", [{}, {"configuration": "x"}, {"configuration": {"statuses": [], "media_attachments": None}},
    {"configuration": {"statuses": {"max_characters": "500", "max_media_attachments": -1}}},
    {"configuration": {"media_attachments": {"supported_mime_types": [1, "video/mp4"], "image_size_limit": True}}},
])  # fmt: skip
def test_limits_that_make_no_sense_are_left_aside(nonsense: dict[str, Any]) -> None:
    assert limits_of(nonsense) == {}
    assert Mastodon.limits.with_changes(limits_of(nonsense)) == Mastodon.limits


def test_a_status_carries_its_key_options_and_pictures(server: Platform, web: responses.RequestsMock) -> None:
    web.add(responses.POST, f"{BASE}/api/v2/media", json={"id": "m1", "url": None}, status=202)
    web.add(responses.GET, f"{BASE}/api/v1/media/m1", json={"id": "m1", "url": "https://social.example/m1.png"})
    web.add(responses.POST, STATUSES, json=answer("mastodon", "status"))
    post = draft(
        "Hello", media=(picture(alt="Seven"),), first_comment="At noon", key="key-1",
        options={"visibility": "unlisted", "spoiler_text": "Golf", "sensitive": True},
    )  # fmt: skip
    published = server.publish(post, MemoryJournal())
    upload, _ready, status, comment = web.calls
    assert b'name="description"\r\n\r\nSeven' in (upload.request.body or b"")
    assert status.request.headers["Idempotency-Key"] == "key-1"
    assert json.loads(status.request.body or "") == {
        "status": "Hello", "media_ids": ["m1"], "visibility": "unlisted", "spoiler_text": "Golf", "sensitive": True,
    }  # fmt: skip
    assert comment.request.headers["Idempotency-Key"] == "key-1-comment"
    assert json.loads(comment.request.body or "") == {
        "status": "At noon", "in_reply_to_id": published.id, "visibility": "unlisted",
    }  # fmt: skip
    assert published.url == "https://social.example/@club/114000000000000001"
    assert published.at == datetime(2026, 11, 20, 10, 0, 2, 123000, tzinfo=UTC)


def test_a_picture_is_waited_for_until_the_server_is_done(
    server: Platform, web: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connections.platforms.steps.LOOK_EVERY_S", (0.01,))
    web.add(responses.POST, f"{BASE}/api/v2/media", json={"id": "m1"}, status=202)
    web.add(responses.GET, f"{BASE}/api/v1/media/m1", json={"id": "m1"}, status=206)
    web.add(responses.GET, f"{BASE}/api/v1/media/m1", json={"id": "m1"}, status=206)
    web.add(responses.GET, f"{BASE}/api/v1/media/m1", json={"id": "m1"}, status=200)
    web.add(responses.POST, STATUSES, json=answer("mastodon", "status"))
    server.publish(draft(media=(picture(),)), MemoryJournal())
    assert [call.request.method for call in web.calls] == ["POST", "GET", "GET", "GET", "POST"]
    monkeypatch.setattr("connections.platforms.steps.READY_WITHIN_S", 0.05)
    web.replace(responses.GET, f"{BASE}/api/v1/media/m1", json={"id": "m1"}, status=206)
    with pytest.raises(TransientError, match="still processing"):
        server.publish(draft(media=(picture(),)), MemoryJournal())


def test_a_copy_is_recognised_in_html_with_mentions_and_hidden_parts_of_links(
    server: Platform, web: responses.RequestsMock
) -> None:
    web.add(responses.GET, f"{BASE}/api/v1/accounts/01JC8/statuses", json=[answer("mastodon", "status")])
    post = draft("Fish & chips with @bob@other.example\nsee https://club.example/a/very/long/menu\n\n<3 #golf")
    since = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
    found = find(server, post, since=since)
    assert found is not None
    assert found.id == "114000000000000001"
    assert find(server, post, since=since, taken={"114000000000000001"}) is None
    assert find(server, draft("Fish"), since=since) is None


def test_letters_that_the_database_does_not_take_are_left_out_of_an_answer(
    server: Platform, web: responses.RequestsMock
) -> None:
    row = {"id": "1", "username": "club", "display_name": "The\x00 Club", "url": f"{BASE}/@club"}
    web.add(responses.GET, f"{BASE}/api/v1/accounts/verify_credentials", json=row)
    web.add(responses.GET, f"{BASE}/api/v2/instance", json={"domain": "mastodon.example"})
    assert server.profile().name == "The Club"


def test_an_address_that_runs_a_script_is_not_taken_for_a_link(server: Platform, web: responses.RequestsMock) -> None:
    """The server is anybody's; its word becomes a link on our pages."""
    said = {**answer("mastodon", "status"), "url": "javascript:alert(1)", "uri": "data:text/html,x"}
    web.add(responses.GET, f"{BASE}/api/v1/accounts/01JC8/statuses", json=[said])
    post = draft("Fish & chips with @bob@other.example\nsee https://club.example/a/very/long/menu\n\n<3 #golf")
    found = find(server, post, since=datetime(2026, 11, 20, 10, 0, tzinfo=UTC))
    assert found is not None
    assert found.url == f"{server.server_url}/web/statuses/114000000000000001"


def test_reading_back_follows_the_server_s_own_paging(server: Platform, web: responses.RequestsMock) -> None:
    url = f"{BASE}/api/v1/accounts/01JC8/statuses"
    other = {**answer("mastodon", "status"), "id": "z", "content": "<p>Other</p>"}
    link = f'<https://evil.example/api/v1/accounts/01JC8/statuses?max_id=01H%2FODD&limit=40>; rel="next", <{url}?min_id=1>; rel="prev"'
    web.add(responses.GET, url, json=[other], headers={"Link": link}, match=[
        matchers.query_param_matcher({"limit": "40", "exclude_reblogs": "true"})])  # fmt: skip
    web.add(responses.GET, url, json=[answer("mastodon", "status")], match=[
        matchers.query_param_matcher({"limit": "40", "exclude_reblogs": "true", "max_id": "01H/ODD"})])  # fmt: skip
    web.add(responses.GET, url, json=[], match=[
        matchers.query_param_matcher({"limit": "40", "exclude_reblogs": "true", "max_id": "114000000000000001"})])  # fmt: skip
    post = draft("Fish & chips with @bob@other.example\nsee https://club.example/a/very/long/menu\n\n<3 #golf")
    assert find(server, post, since=datetime(2026, 11, 20, 10, 0, tzinfo=UTC)) is not None
    assert len(web.calls) == 3, "without a link the end is a page without posts"


def test_a_read_back_that_is_no_list_proves_no_absence(server: Platform, web: responses.RequestsMock) -> None:
    web.add(responses.GET, f"{BASE}/api/v1/accounts/01JC8/statuses", json={"statuses": []})
    with pytest.raises(TransientError):
        find(server, draft(), since=datetime.now(UTC))


@pytest.mark.parametrize(
    ("verify", "error"),
    [
        ({"status": 400, "body": HTML}, InvalidToken),
        ({"status": 401, "json": {"error": "x"}}, InvalidToken),
        ({"status": 503, "body": HTML}, TransientError),
    ],
)
def test_a_bare_400_is_checked_with_the_server_before_the_account_is_blamed(
    verify: dict[str, Any], error: type[Exception], server: Platform, web: responses.RequestsMock
) -> None:
    web.add(responses.POST, STATUSES, status=400, body=HTML)
    web.add(responses.GET, f"{BASE}/api/v1/accounts/verify_credentials", **verify)
    with pytest.raises(error):
        server.publish(draft(), MemoryJournal())
    assert sum(call.request.method == "POST" for call in web.calls) == 1


def test_metrics_come_in_one_call_or_one_by_one_on_older_servers(server: Platform, web: responses.RequestsMock) -> None:
    status = answer("mastodon", "status")
    web.add(responses.GET, STATUSES, json=[status])
    web.add(responses.GET, f"{STATUSES}/gone", status=404, body=HTML)
    found = server.metrics([status["id"], "gone"])
    one = found[status["id"]]
    assert (one.likes, one.comments, one.shares, one.reach, one.impressions) == (17, 2, 4, None, None)
    assert found["gone"].gone
    web.replace(responses.GET, STATUSES, status=404, body=HTML)
    web.add(responses.GET, f"{STATUSES}/{status['id']}", json=status)
    assert server.metrics([status["id"], "gone"])[status["id"]].likes == 17


def test_ids_are_opaque_and_never_lead_elsewhere(server: Platform, web: responses.RequestsMock) -> None:
    web.add(responses.DELETE, f"{STATUSES}/..%2Faccounts%3Fx", json={})
    server.delete("../accounts?x")
    assert len(web.calls) == 1


def test_broad_permissions_hold_the_narrow_ones() -> None:
    assert Mastodon.missing_permissions(["read", "write", "push"]) == {}
    assert Mastodon.missing_permissions(["read"])


def test_a_content_warning_counts_with_the_text() -> None:
    found = Mastodon.problems(draft("x" * 498, options={"spoiler_text": "Golf"}))
    assert [(one.code, one.field) for one in found] == [("too_long", "options.spoiler_text")]
    assert Mastodon.problems(draft("x" * 496, options={"spoiler_text": "Golf"})) == []
    assert [one.field for one in Mastodon.problems(draft("x", options={"visibility": "everybody"}))] == [
        "options.visibility"
    ]


def test_withdrawing_needs_the_app_s_own_credentials(server: Platform, web: responses.RequestsMock) -> None:
    web.add(responses.POST, f"{BASE}/oauth/revoke", body="", status=200)
    server.revoke(TOKEN)
    assert "client_secret=" in str(web.calls[0].request.body)
    assert "Authorization" not in web.calls[0].request.headers
