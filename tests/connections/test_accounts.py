"""What happens to a connected account: validated, synced, marked inactive, disconnected, connected with given tokens."""

import json
from datetime import timedelta
from typing import Any

import pytest
import responses
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone
from requests import PreparedRequest

from accounts.crypto import reveal
from accounts.models import AuditEvent, Notification, Organization, User
from accounts.permissions import Role
from connections.errors import AlreadyConnected, ConnectionInactive, TokenRefused, TransientError, UnsafeAddress
from connections.events import connection_restored
from connections.models import ConnectionToken, Revocation, SocialConnection
from connections.platforms import platform_class
from connections.platforms.base import Account, TokenGrant
from connections.renewal import store_grant
from connections.services import (
    connect_account,
    connect_with_tokens,
    disconnect,
    mark_inactive,
    sync_profile,
    validate_connection,
)
from connections.tasks import retry_revocations_task, sync_due_profiles_task, sync_profile_task
from publishing.models import PostStatus
from tests import factories
from tests.connections import platforms_over_http as over

ACCOUNT = Account(id="77", name="Club", handle="club", grant=TokenGrant("access", "refresh", None, ("tweet.read",)))


def actions(connection: SocialConnection) -> list[str]:
    events = AuditEvent.objects.filter(object_id=str(connection.pk)).order_by("at")
    return [event.action for event in events]


# --- inactive and back ------------------------------------------------------------------------------------------------


def test_marking_inactive_happens_once_and_tells_those_who_may_reconnect(
    club: Organization, alice: User, bob: User
) -> None:
    admin = factories.make_member(club, Role.ADMIN).user
    connection = factories.make_connection(club)
    assert mark_inactive(connection, code="INVALID_TOKEN", message="X ended the access.")
    assert not mark_inactive(connection, code="INVALID_TOKEN", message="Another reason.")
    assert connection.error_message == "X ended the access."
    assert {notice.user for notice in Notification.objects.all()} == {alice, admin}
    assert actions(connection) == ["connection.inactivated"]


def test_reconnecting_announces_since_when_it_was_inactive(club: Organization, alice: User) -> None:
    heard: list[dict[str, Any]] = []

    def hear(**kwargs: Any) -> None:
        heard.append(kwargs)

    connection_restored.connect(hear)
    try:
        with time_machine.travel(timezone.now() - timedelta(hours=4), tick=False):
            connection = connect_account(club, "TWITTER", ACCOUNT, by=alice)
        with time_machine.travel(timezone.now() - timedelta(hours=3), tick=False):
            mark_inactive(connection, code="INVALID_TOKEN", message="X ended the access.")
        since = connection.inactive_since
        connect_account(club, "TWITTER", ACCOUNT, by=alice)
        connect_account(club, "TWITTER", ACCOUNT, by=alice)
    finally:
        connection_restored.disconnect(hear)
    assert [(call["connection"].pk, call["by"], call["inactive_since"]) for call in heard] == [
        (connection.pk, alice, since)
    ]
    assert actions(connection) == [
        "connection.connected", "connection.inactivated", "connection.restored", "connection.reconnected",
        "connection.reconnected",
    ]  # fmt: skip


def test_what_the_platform_did_not_tell_on_reconnecting_stays(club: Organization, alice: User) -> None:
    told = Account(id="77", name="Club", handle="club", followers=12, limits={"characters": 900}, grant=ACCOUNT.grant)
    connection = connect_account(club, "TWITTER", told, by=alice)
    connection = connect_account(club, "TWITTER", Account(id="77", name="New name", grant=TokenGrant("a2")), by=alice)
    assert (connection.account_name, connection.followers, connection.limits) == ("New name", 12, {"characters": 900})
    assert connection.permissions == ["tweet.read"]


# --- disconnecting ----------------------------------------------------------------------------------------------------


def test_disconnecting_destroys_the_tokens_and_withdraws_them_at_the_platform(
    club: Organization, alice: User, http: responses.RequestsMock
) -> None:
    connection = factories.make_connection(club, access="a-1", refresh="r-1")
    disconnect(connection, by=alice)
    assert not ConnectionToken.objects.exists()
    assert not connection.is_active
    assert connection.disconnected_at is not None
    http.post(over.X_REVOKE, json={"revoked": True})
    retry_revocations_task()
    assert {over.sent_form(call.request)["token"] for call in http.calls} == {"a-1", "r-1"}
    assert not Revocation.objects.exists()


def test_a_platform_that_is_down_does_not_block_disconnecting(
    club: Organization, alice: User, http: responses.RequestsMock
) -> None:
    connection = factories.make_connection(club, refresh="")
    http.post(over.X_REVOKE, status=503)
    disconnect(connection, by=alice)
    assert not ConnectionToken.objects.exists()
    retry_revocations_task()
    row = Revocation.objects.get()
    assert row.tries == 1
    assert row.next_attempt_at > timezone.now() + timedelta(seconds=30)
    retry_revocations_task()
    assert Revocation.objects.get().tries == 1
    http.replace(responses.POST, over.X_REVOKE, json={"revoked": True})
    with time_machine.travel(timezone.now() + timedelta(minutes=5)):
        retry_revocations_task()
    assert not Revocation.objects.exists()


def test_a_revocation_that_never_works_is_given_up_and_recorded(
    club: Organization, alice: User, http: responses.RequestsMock
) -> None:
    connection = factories.make_connection(club, refresh="")
    disconnect(connection, by=alice)
    http.post(over.X_REVOKE, status=503)
    now = timezone.now()
    for day in range(10):
        with time_machine.travel(now + timedelta(days=day)):
            retry_revocations_task()
    assert not Revocation.objects.exists()
    assert AuditEvent.objects.filter(action="connection.revocation_abandoned", organization=club).count() == 1


def test_scheduled_posts_are_cancelled_with_the_reason_and_the_rest_stays(club: Organization, alice: User) -> None:
    connection = factories.make_connection(club)
    scheduled = factories.make_post(connection)
    published = factories.make_post(connection, status=PostStatus.PUBLISHED)
    draft = factories.make_post(connection, status=PostStatus.DRAFT)
    disconnect(connection, by=alice, reason="Alice disconnected the account.")
    for post in (scheduled, published, draft):
        post.refresh_from_db()
    assert (scheduled.status, scheduled.error_message) == (PostStatus.CANCELLED, "Alice disconnected the account.")
    assert published.status == PostStatus.PUBLISHED
    assert draft.status == PostStatus.DRAFT
    assert published.connection_id == connection.pk


def test_disconnecting_twice_does_nothing_more(club: Organization, alice: User) -> None:
    connection = factories.make_connection(club)
    disconnect(connection, by=alice)
    when = connection.disconnected_at
    disconnect(connection, by=alice)
    assert connection.disconnected_at == when
    assert actions(connection).count("connection.disconnected") == 1


def test_a_disconnected_account_cannot_be_used_validated_or_synced(club: Organization, alice: User) -> None:
    connection = disconnect(factories.make_connection(club), by=alice)
    for call in (validate_connection, sync_profile):
        with pytest.raises(ConnectionInactive):
            call(connection, by=alice)


def test_connecting_again_continues_the_same_connection(club: Organization, alice: User) -> None:
    connection = connect_account(club, "TWITTER", ACCOUNT, by=alice)
    post = factories.make_post(connection, status=PostStatus.PUBLISHED)
    disconnect(connection, by=alice)
    again = connect_account(club, "TWITTER", ACCOUNT, by=alice)
    assert again.pk == connection.pk == post.connection_id
    assert again.is_active
    assert again.disconnected_at is None


# --- validating -------------------------------------------------------------------------------------------------------


def test_validating_stores_what_the_platform_says(
    club: Organization, alice: User, http: responses.RequestsMock
) -> None:
    connection = factories.make_connection(club, "FACEBOOK", platform_account_id="11", expires_in_s=None, refresh="")
    said = {
        "is_valid": True,
        "type": "PAGE",
        "profile_id": "11",
        "expires_at": 1_900_000_000,
        "scopes": ["pages_show_list"],
    }
    http.get(f"{over.GRAPH}/debug_token", json={"data": said})
    validation = validate_connection(connection, by=alice)
    assert validation.is_valid
    assert connection.permissions == ["pages_show_list"]
    assert connection.token_expires_at is not None
    assert int(connection.token_expires_at.timestamp()) == 1_900_000_000
    assert connection.validated_at is not None


def test_a_refused_token_makes_it_inactive(club: Organization, alice: User, http: responses.RequestsMock) -> None:
    connection = factories.make_connection(club, "FACEBOOK", expires_in_s=None, refresh="")
    said = {"is_valid": False, "error": {"message": "The session has been invalidated."}, "scopes": []}
    http.get(f"{over.GRAPH}/debug_token", json={"data": said})
    assert not validate_connection(connection, by=alice).is_valid
    assert not connection.is_active
    assert connection.error_message == "The session has been invalidated."


def test_an_inactive_account_that_turns_out_to_work_is_active_again(
    club: Organization, alice: User, http: responses.RequestsMock
) -> None:
    connection = factories.make_connection(club, is_active=False, error_message="Marked by mistake")
    over.x_knows(http)
    assert validate_connection(connection, by=alice).is_valid
    assert connection.is_active
    assert connection.error_message is None


def test_a_platform_that_cannot_tell_changes_nothing(
    club: Organization, alice: User, http: responses.RequestsMock
) -> None:
    connection = factories.make_connection(club)
    http.get(over.X_ME, status=503)
    with pytest.raises(TransientError):
        validate_connection(connection, by=alice)
    connection.refresh_from_db()
    assert connection.is_active
    assert connection.validated_at is None


# --- validating while somebody reconnects -----------------------------------------------------------------------------


def test_a_late_refusal_of_the_older_token_leaves_a_reconnected_account_active(
    club: Organization, alice: User, http: responses.RequestsMock
) -> None:
    connection = factories.make_connection(club, "FACEBOOK", expires_in_s=None, refresh="", access="older")
    asked: list[str] = []

    def answer(request: PreparedRequest) -> tuple[int, dict[str, str], str]:
        asked.append(over.query_of(str(request.url))["input_token"])
        if asked[-1] == "older":
            store_grant(SocialConnection.objects.get(pk=connection.pk), TokenGrant("fresh"))
            said = {"is_valid": False, "error": {"message": "The session has been invalidated."}}
        else:
            said = {"is_valid": True, "profile_id": "11", "scopes": ["pages_show_list"]}
        return 200, {}, json.dumps({"data": said})

    http.add_callback(responses.GET, f"{over.GRAPH}/debug_token", callback=answer)
    assert validate_connection(connection, by=alice).is_valid
    assert asked == ["older", "fresh"], "what is said of an older token says nothing of the account: ask again"
    connection.refresh_from_db()
    assert connection.is_active
    assert connection.error_message is None
    assert "connection.inactivated" not in actions(connection)


def test_a_late_confirmation_of_the_older_token_leaves_the_fresh_permissions_and_expiry(
    club: Organization, alice: User, http: responses.RequestsMock
) -> None:
    connection = factories.make_connection(club, "FACEBOOK", expires_in_s=None, refresh="", access="older")
    fresh_end = timezone.now().replace(microsecond=0) + timedelta(days=50)
    asked: list[str] = []

    def answer(request: PreparedRequest) -> tuple[int, dict[str, str], str]:
        asked.append(over.query_of(str(request.url))["input_token"])
        if len(asked) == 1:
            grant = TokenGrant("fresh", None, fresh_end, ("pages_show_list", "pages_manage_posts"))
            store_grant(SocialConnection.objects.get(pk=connection.pk), grant)
            said = {"is_valid": True, "profile_id": "11", "expires_at": 1_900_000_000, "scopes": ["pages_show_list"]}
        else:
            said = {"is_valid": True, "profile_id": "11"}
        return 200, {}, json.dumps({"data": said})

    http.add_callback(responses.GET, f"{over.GRAPH}/debug_token", callback=answer)
    validate_connection(connection, by=alice)
    connection.refresh_from_db()
    assert connection.permissions == ["pages_manage_posts", "pages_show_list"]
    assert connection.token_expires_at == fresh_end


def test_validating_does_not_bring_back_an_account_that_was_disconnected_meanwhile(
    club: Organization, alice: User, http: responses.RequestsMock
) -> None:
    connection = factories.make_connection(club, "FACEBOOK", expires_in_s=None, refresh="")

    def answer(_request: PreparedRequest) -> tuple[int, dict[str, str], str]:
        disconnect(SocialConnection.objects.get(pk=connection.pk), by=alice)
        said = {"is_valid": True, "profile_id": "11", "expires_at": 1_900_000_000, "scopes": ["pages_show_list"]}
        return 200, {}, json.dumps({"data": said})

    http.add_callback(responses.GET, f"{over.GRAPH}/debug_token", callback=answer)
    with pytest.raises(ConnectionInactive):
        validate_connection(connection, by=alice)
    connection.refresh_from_db()
    assert connection.disconnected_at is not None
    assert connection.token_expires_at is None
    assert connection.validated_at is None


def test_the_word_on_a_token_that_the_call_itself_renewed_counts(
    club: Organization, alice: User, http: responses.RequestsMock
) -> None:
    connection = factories.make_connection(club, expires_in_s=-5)
    over.x_gives_tokens(http, "second", "second-refresh")
    over.x_refuses_the_token(http)
    assert not validate_connection(connection, by=alice).is_valid
    connection.refresh_from_db()
    assert not connection.is_active
    assert over.calls_to(http, over.X_ME) == 1


# --- profile ----------------------------------------------------------------------------------------------------------


def test_syncing_keeps_name_followers_and_a_copy_of_the_picture(
    club: Organization, http: responses.RequestsMock, settings: Any
) -> None:
    settings.OUTBOUND_ALLOW = ["pbs.twimg.com"]
    connection = factories.make_connection(club, next_sync_at=timezone.now())
    user = {
        "id": connection.platform_account_id, "name": "New name", "username": "new",
        "profile_image_url": "https://pbs.twimg.com/a_normal.png", "public_metrics": {"followers_count": 9},
    }  # fmt: skip
    http.get(over.X_ME, json={"data": user})
    http.get("https://pbs.twimg.com/a_400x400.png", body=factories.picture(900, 900), content_type="image/png")
    sync_due_profiles_task()
    connection.refresh_from_db()
    assert (connection.account_name, connection.account_handle, connection.followers) == ("New name", "new", 9)
    assert connection.avatar.size > 0
    assert connection.last_sync_at is not None
    assert connection.next_sync_at is not None
    assert connection.next_sync_at > timezone.now() + timedelta(hours=20)
    calls = len(http.calls)
    sync_profile(connection)
    assert len(http.calls) == calls + 1, "a picture that has not changed is not fetched again"


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:1/a.png", "https://169.254.169.254/latest", "file:///etc/passwd"]
)
def test_a_picture_at_an_unsafe_address_is_not_fetched(
    club: Organization, http: responses.RequestsMock, address: str
) -> None:
    connection = factories.make_connection(club)
    http.get(over.X_ME, json={"data": {"id": "1", "name": "N", "username": "n", "profile_image_url": address}})
    sync_profile(connection)
    assert not connection.avatar
    assert {call.request.url.partition("?")[0] for call in http.calls if call.request.url} == {over.X_ME}


def test_a_profile_that_cannot_be_read_waits_its_turn(club: Organization, http: responses.RequestsMock) -> None:
    connection = factories.make_connection(club, next_sync_at=timezone.now())
    http.get(over.X_ME, status=503)
    sync_due_profiles_task()
    sync_profile_task(str(connection.pk))
    connection.refresh_from_db()
    assert connection.is_active
    assert connection.last_sync_at is None
    assert connection.next_sync_at is not None
    assert connection.next_sync_at > timezone.now()


# --- tokens from elsewhere --------------------------------------------------------------------------------------------


def test_given_tokens_are_confirmed_by_the_platform_before_they_are_stored(
    club: Organization, alice: User, http: responses.RequestsMock
) -> None:
    over.x_knows(http)
    x = platform_class("TWITTER")
    connection = connect_with_tokens(
        club, x, access_token="given", refresh_token="given-r", expires_in_s=7200, by=alice
    )
    assert connection.platform_account_id == "2244994945"
    assert {reveal(token, "secret") for token in connection.tokens.all()} == {"given", "given-r"}
    assert connection.missing_permissions == []
    with pytest.raises(AlreadyConnected):
        connect_with_tokens(club, x, access_token="given", by=alice)


def test_refused_tokens_are_not_stored(club: Organization, alice: User, http: responses.RequestsMock) -> None:
    over.x_refuses_the_token(http)
    with pytest.raises(TokenRefused):
        connect_with_tokens(club, platform_class("TWITTER"), access_token="dead", by=alice)
    assert not SocialConnection.objects.exists()


def test_given_tokens_bring_an_inactive_account_back(
    club: Organization, alice: User, http: responses.RequestsMock
) -> None:
    known = factories.make_connection(club, platform_account_id="2244994945", is_active=False)
    over.x_knows(http)
    connection = connect_with_tokens(club, platform_class("TWITTER"), access_token="given", by=alice)
    assert connection.pk == known.pk
    assert connection.is_active


def test_given_tokens_for_a_server_in_a_private_network_are_not_sent_there(
    club: Organization, alice: User, http: responses.RequestsMock
) -> None:
    with pytest.raises((UnsafeAddress, TransientError)):
        connect_with_tokens(club, platform_class("MASTODON"), access_token="given", server_url="10.0.0.1", by=alice)
    assert len(http.calls) == 0


# --- operators --------------------------------------------------------------------------------------------------------


def test_an_operator_marks_a_connection_inactive_by_command(club: Organization, alice: User) -> None:
    connection = factories.make_connection(club)
    call_command("connection_mark_inactive", str(connection.pk))
    connection.refresh_from_db()
    assert connection.error_message == "Token expired - reauthentication required"
    assert Notification.objects.count() == 1
    with pytest.raises(CommandError, match="There is no connection"):
        call_command("connection_mark_inactive", "00000000-0000-0000-0000-000000000000")


def test_an_operator_renews_tokens_by_command(
    club: Organization, http: responses.RequestsMock, capsys: pytest.CaptureFixture[str]
) -> None:
    connection = factories.make_connection(club, next_refresh_at=timezone.now())
    over.x_gives_tokens(http, "second", "third")
    call_command("refresh_tokens")
    assert "1 renewed." in capsys.readouterr().out
    call_command("refresh_tokens", str(connection.pk))
    assert over.calls_to(http, over.X_TOKEN) == 2
    permanent = factories.make_connection(club, "MASTODON", expires_in_s=None, refresh="")
    with pytest.raises(CommandError, match="1 not renewed"):
        call_command("refresh_tokens", str(permanent.pk))
