"""What a hostile or broken server may say: brought into what the database can hold, or refused once in clear words."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import responses
from django.utils import timezone

from accounts.models import Organization, User
from connections.clean import ADDRESS_MOST, COUNT_MOST, ID_MOST, NAME_MOST
from connections.errors import ContentRejected, NotFound, PlatformError, TransientError
from connections.models import PlatformApp, SocialConnection
from connections.platforms.base import Account, Metrics, Published, TokenGrant, platform_class
from connections.services import connect_account, sync_profile, validate_connection
from connections.times import parse_time
from connections.tokens import call_with_fresh_token
from publishing.models import PostMetric, SocialPost
from tests import factories
from tests.connections import platforms_over_http as over
from tests.connections.platforms.helpers import MemoryJournal, answer, client, draft, find

LONG = "9" * 201
ODD_NAME = "Club\x00 \ud83c" + "n" * 500
SERVER = "https://social.example"


@pytest.fixture
def http() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def raw(body: Any) -> bytes:
    """JSON as a server of bad will writes it: in UTF-16, with half surrogate pairs."""
    return json.dumps(body).encode("utf-16")


def test_the_limits_are_those_of_the_columns() -> None:
    def most(model: type[Any], name: str) -> int:
        length: int = model._meta.get_field(name).max_length
        return length

    assert most(SocialConnection, "platform_account_id") == most(SocialPost, "platform_post_id") == ID_MOST
    assert most(PlatformApp, "client_id") == most(SocialConnection, "app_client_id") == ID_MOST
    assert most(SocialConnection, "account_name") == most(SocialConnection, "account_handle") == NAME_MOST
    assert most(SocialConnection, "avatar_url") == most(SocialConnection, "profile_url") == ADDRESS_MOST
    assert most(SocialPost, "permalink") == ADDRESS_MOST


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["TWITTER", "MASTODON", "FACEBOOK"])
def test_an_account_with_odd_words_and_counts_is_connected_and_stored(
    name: str, club: Organization, alice: User, http: responses.RequestsMock
) -> None:
    long_address = "https://pictures.example/" + "a" * 600
    if name == "TWITTER":
        counts = {"followers_count": 10**30}
        row = {"id": "1", "name": ODD_NAME, "username": "h" * 300, "profile_image_url": long_address}
        http.get(over.X_ME, body=raw({"data": {**row, "public_metrics": counts}}))
    elif name == "MASTODON":
        row = {"id": "1", "display_name": ODD_NAME, "username": "h" * 300, "avatar": long_address, "url": long_address}
        http.get(f"{SERVER}/api/v1/accounts/verify_credentials", body=raw({**row, "followers_count": -1}))
        pictures = {"supported_mime_types": ["image/png", "image/\ud83c"], "image_size_limit": 10**30}
        http.get(f"{SERVER}/api/v2/instance", body=raw({"configuration": {"media_attachments": pictures}}))
    else:
        row = {"id": "1", "name": ODD_NAME, "username": "h" * 300, "link": long_address, "access_token": "t"}
        picture = {"data": {"url": long_address}}
        page = {**row, "picture": picture, "followers_count": True}
        nameless = {**page, "id": LONG}
        http.get(f"{over.GRAPH}/me/accounts", body=raw({"data": [page, nameless]}))
    found = client(name).accounts(TokenGrant("token", permissions=("read\ud83c", "read")))
    assert len(found) == 1, "what has no usable id is no account"
    with_grant = replace(found[0], grant=found[0].grant or TokenGrant("token"))
    connection = connect_account(club, name, with_grant, server_url=SERVER if name == "MASTODON" else "", by=alice)
    connection.refresh_from_db()
    assert connection.account_name.startswith("Club ?nnn")
    assert len(connection.account_name) == NAME_MOST
    assert connection.avatar_url == ""
    assert connection.followers is None
    assert connection.permissions == ["read"]


@pytest.mark.parametrize("name", ["TWITTER", "MASTODON", "FACEBOOK"])
@pytest.mark.parametrize("bad_id", [LONG, "1\x00", "\ud83c", {"a": 1}, 10**400, True])
def test_an_account_whose_id_cannot_be_stored_is_refused_in_clear_words(
    name: str, bad_id: Any, http: responses.RequestsMock
) -> None:
    http.get(over.X_ME, body=raw({"data": {"id": bad_id, "name": "N", "username": "n"}}))
    http.get(f"{SERVER}/api/v1/accounts/verify_credentials", body=raw({"id": bad_id, "username": "n"}))
    http.get(f"{SERVER}/api/v2/instance", json={})
    http.get(f"{SERVER}/api/v1/instance", json={})
    http.get(f"{over.GRAPH}/2244994945", body=raw({"id": bad_id, "name": "N"}))
    with pytest.raises(PlatformError, match="gave an answer that cannot be read"):
        client(name).profile()


def test_no_account_comes_into_being_with_an_id_that_cannot_be_stored() -> None:
    with pytest.raises(TransientError, match="no valid ID"):
        Account(id=LONG, name="Club")


def test_a_server_that_gives_an_app_id_that_cannot_be_stored_is_no_server(
    http: responses.RequestsMock, settings: Any
) -> None:
    settings.OUTBOUND_ALLOW = ["social.example"]
    http.post(f"{SERVER}/api/v1/apps", json={"client_id": LONG, "client_secret": "s"})
    with pytest.raises(NotFound, match="does not look like a Mastodon server"):
        platform_class("MASTODON").register_app(SERVER, redirect_uri="https://parley.example/callback")


@pytest.mark.django_db
def test_a_refusal_in_odd_words_is_stored(club: Organization, alice: User, http: responses.RequestsMock) -> None:
    connection = factories.make_connection(club, "FACEBOOK", expires_in_s=None, refresh="")
    said = {"is_valid": False, "error": {"message": "No\x00 more \ud83c"}, "scopes": []}
    http.get(f"{over.GRAPH}/debug_token", body=raw({"data": said}))
    validate_connection(connection, by=alice)
    connection.refresh_from_db()
    assert connection.error_message == "No more ?"
    error = ContentRejected("X refused: \x00\ud83c", detail="\x00", platform_code="\x00")
    assert (str(error), error.detail, error.platform_code) == ("X refused: ?", "", "")


@pytest.mark.django_db
def test_an_expiry_beyond_all_time_is_not_told(club: Organization, alice: User, http: responses.RequestsMock) -> None:
    connection = factories.make_connection(club, "FACEBOOK", expires_in_s=None, refresh="")
    http.get(f"{over.GRAPH}/debug_token", json={"data": {"is_valid": True, "expires_at": 10**20}})
    assert validate_connection(connection, by=alice).expires_at is None


@pytest.mark.django_db
def test_a_profile_in_odd_words_is_stored(club: Organization, http: responses.RequestsMock) -> None:
    connection = factories.make_connection(club)
    user = {"id": "1", "name": ODD_NAME, "username": "h\x00" * 300, "public_metrics": {"followers_count": 10**30}}
    http.get(over.X_ME, body=raw({"data": user}))
    sync_profile(connection)
    connection.refresh_from_db()
    assert len(connection.account_name) == len(connection.account_handle) == 200


# --- posts ------------------------------------------------------------------------------------------------------------


def _takes_a_post(http: responses.RequestsMock, name: str, post_id: Any) -> None:
    status = answer("mastodon", "status") | {"id": post_id, "url": "https://social.example/" + "a" * 600, "uri": None}
    match name:
        case "TWITTER":
            http.post("https://api.x.com/2/tweets", body=raw({"data": {"id": post_id, "text": "t"}}))
        case "MASTODON":
            http.post(f"{SERVER}/api/v1/statuses", body=raw(status))
        case _:
            http.post(f"{over.GRAPH}/2244994945/feed", body=raw({"id": post_id}))


@pytest.mark.parametrize("name", ["TWITTER", "MASTODON", "FACEBOOK"])
@pytest.mark.parametrize("bad_id", [LONG, "1\x00", "\ud83c1"])
def test_a_post_whose_id_cannot_be_stored_is_published_all_the_same(
    name: str, bad_id: str, http: responses.RequestsMock
) -> None:
    _takes_a_post(http, name, bad_id)
    journal = MemoryJournal()
    published = client(name).publish(draft(), journal)
    assert published.id == ""
    assert len(published.url) <= ADDRESS_MOST
    assert journal.finished["post"]["id"] == ""


@pytest.mark.parametrize("name", ["TWITTER", "MASTODON", "FACEBOOK"])
def test_the_first_comment_of_a_post_without_a_usable_id_is_not_sent_as_a_post_of_its_own(
    name: str, http: responses.RequestsMock
) -> None:
    _takes_a_post(http, name, LONG)
    journal = MemoryJournal()
    with pytest.raises(ContentRejected, match="an invalid post ID"):
        client(name).publish(draft(first_comment="Book here"), journal)
    assert "post" in journal.finished
    assert sum(call.request.method == "POST" for call in http.calls) == 1


def test_a_copy_that_is_read_back_with_an_odd_id_counts_as_published(http: responses.RequestsMock) -> None:
    now = timezone.now()
    posts = [{"id": LONG, "text": "Tee times", "created_at": now.astimezone(UTC).isoformat()}]
    http.get("https://api.x.com/2/users/2244994945/tweets", json={"data": posts})
    found = find(client("TWITTER"), draft("Tee times"), since=now.replace(microsecond=0))
    assert found is not None
    assert Published(found.id, found.url, found.at).id == ""


def test_the_link_that_a_person_pastes_is_held_to_the_same_limit() -> None:
    x = platform_class("TWITTER")
    assert x.post_id_from_link("https://x.com/club/status/77") == "77"
    assert x.post_id_from_link(f"https://x.com/club/status/{LONG}") is None


@pytest.mark.django_db
@pytest.mark.parametrize("count", [10**30, -1, True, 2.5, "12", None])
def test_a_count_that_is_none_counts_as_not_told(count: Any, club: Organization) -> None:
    metrics = Metrics(likes=count, comments=count, shares=count, reach=count, impressions=count, clicks=count)
    assert metrics == Metrics()
    post = factories.make_post(factories.make_connection(club))
    point = PostMetric.objects.create(post=post, at=timezone.now(), likes=Metrics(likes=COUNT_MOST).likes)
    assert PostMetric.objects.get(pk=point.pk).likes == COUNT_MOST


def test_a_publication_keeps_what_can_be_stored() -> None:
    at = datetime(2026, 8, 1, tzinfo=UTC)
    told = Published(id="77", url="https://x.com/club/status/77", at=at)
    assert (told.id, told.url, told.at) == ("77", "https://x.com/club/status/77", at)


# --- headers and times ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("told", ["0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00", "2026-13-01T00:00:00Z"])
def test_a_time_beyond_the_calendar_is_not_told(told: str) -> None:
    assert parse_time(told) is None


@pytest.mark.django_db
@pytest.mark.parametrize("limit", ["9" * 30, "²", "-1", "300"])
def test_a_rate_limit_told_in_odd_numbers_does_not_spoil_the_answer(
    limit: str, club: Organization, http: responses.RequestsMock
) -> None:
    connection = factories.make_connection(club)
    rates = {"x-rate-limit-limit": limit, "x-rate-limit-remaining": "0", "x-rate-limit-reset": "²"}
    http.post("https://api.x.com/2/tweets", json={"data": {"id": "77", "text": "t"}}, headers=rates)
    published = call_with_fresh_token(connection, lambda platform: platform.publish(draft(), MemoryJournal()))
    assert published.id == "77"
