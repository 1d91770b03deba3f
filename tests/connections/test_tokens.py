"""Tokens: renewed before they run out, once for everybody, and never lost to a passing trouble."""

import json
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import requests
import responses
import time_machine
from django.utils import timezone

from accounts.crypto import reveal
from accounts.models import AuditEvent, Notification, Organization, User
from connections.errors import ConnectionInactive, InvalidToken, NotRenewable, RateLimited, TransientError
from connections.models import ConnectionToken, Revocation, SocialConnection
from connections.platforms.base import Account, Platform, TokenGrant
from connections.renewal import store_grant
from connections.services import disconnect
from connections.tasks import refresh_due_tokens_task
from connections.tokens import call_with_fresh_token, refresh_connection
from tests import factories
from tests.connections import platforms_over_http as over
from tests.together import at_once


def secrets_of(connection: SocialConnection) -> dict[str, str]:
    return {token.kind: reveal(token, "secret") for token in ConnectionToken.objects.filter(connection=connection)}


def whoami(client: Platform) -> Account:
    return client.profile()


def access_of(connection: SocialConnection) -> str:
    """The token that a call of the connection would be made with."""
    return call_with_fresh_token(connection, lambda client: client.access_token)


# --- renewing before use ----------------------------------------------------------------------------------------------


def test_a_token_with_life_left_is_used_as_it_is(club: Organization, http: responses.RequestsMock) -> None:
    connection = factories.make_connection(club, access="still-good", expires_in_s=3600)
    assert access_of(connection) == "still-good"
    assert len(http.calls) == 0


def test_a_token_with_under_ten_minutes_is_renewed_and_the_new_pair_stored(
    club: Organization, http: responses.RequestsMock
) -> None:
    connection = factories.make_connection(club, refresh="first-refresh", expires_in_s=599)
    over.x_gives_tokens(http, "second", "second-refresh")
    assert access_of(connection) == "second"
    assert over.sent_form(http.calls[0].request)["refresh_token"] == "first-refresh"
    assert secrets_of(connection) == {"ACCESS": "second", "REFRESH": "second-refresh"}
    connection.refresh_from_db()
    assert connection.token_expires_at is not None
    assert connection.token_expires_at > timezone.now() + timedelta(minutes=110)
    assert AuditEvent.objects.filter(action="connection.token_refreshed", object_id=str(connection.pk)).count() == 1


def test_the_new_pair_is_stored_before_it_is_used(club: Organization, http: responses.RequestsMock) -> None:
    connection = factories.make_connection(club, expires_in_s=-5)
    over.x_gives_tokens(http, "second", "second-refresh")
    stored: list[dict[str, str]] = []

    def me(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        stored.append(secrets_of(connection))
        return 200, {}, json.dumps({"data": {"id": "1", "name": "N", "username": "n"}})

    http.add_callback(responses.GET, over.X_ME, callback=me)
    call_with_fresh_token(connection, whoami)
    assert stored == [{"ACCESS": "second", "REFRESH": "second-refresh"}]


def test_a_call_that_meets_an_expired_token_renews_once_and_repeats(
    club: Organization, http: responses.RequestsMock
) -> None:
    connection = factories.make_connection(club, expires_in_s=3600)
    over.x_refuses_the_token(http)
    over.x_gives_tokens(http, "second", "second-refresh")
    over.x_knows(http, handle="riversidegc")
    assert call_with_fresh_token(connection, whoami).handle == "riversidegc"
    assert over.calls_to(http, over.X_TOKEN) == 1
    connection.refresh_from_db()
    assert connection.is_active


def test_a_token_refused_after_renewing_makes_the_connection_inactive(
    club: Organization, http: responses.RequestsMock
) -> None:
    connection = factories.make_connection(club, expires_in_s=3600)
    over.x_refuses_the_token(http)
    over.x_gives_tokens(http)
    over.x_refuses_the_token(http)
    with pytest.raises(InvalidToken):
        call_with_fresh_token(connection, whoami)
    connection.refresh_from_db()
    assert not connection.is_active
    assert connection.error_message
    assert over.calls_to(http, over.X_TOKEN) == 1


def test_an_inactive_connection_makes_no_call(club: Organization, http: responses.RequestsMock) -> None:
    connection = factories.make_connection(club, is_active=False, error_message="X no longer accepts this sign-in.")
    with pytest.raises(ConnectionInactive, match="no longer accepts"):
        access_of(connection)
    assert len(http.calls) == 0


def test_a_renewal_that_ends_after_a_reconnection_leaves_the_newer_pair(
    club: Organization, alice: User, http: responses.RequestsMock
) -> None:
    connection = factories.make_connection(club, expires_in_s=-5)

    def answer(_request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        store_grant(connection, TokenGrant("consented-anew", "consented-refresh"))
        pair = {"token_type": "bearer", "expires_in": 7200, "access_token": "older", "refresh_token": "older-refresh"}
        return 200, {}, json.dumps(pair)

    http.add_callback(responses.POST, over.X_TOKEN, callback=answer)
    refresh_connection(SocialConnection.objects.get(pk=connection.pk), by=alice)
    assert secrets_of(connection) == {"ACCESS": "consented-anew", "REFRESH": "consented-refresh"}


def test_a_refusal_of_an_older_token_does_not_undo_a_reconnection(
    club: Organization, alice: User, http: responses.RequestsMock
) -> None:
    """While the call with the old token was under way, a person reconnected."""
    connection = factories.make_connection(club, "FACEBOOK", expires_in_s=None, refresh="")
    used: list[str] = []

    def call(client: Platform) -> str:
        used.append(client.access_token)
        if len(used) == 1:
            store_grant(SocialConnection.objects.get(pk=connection.pk), TokenGrant("after-reconnecting"))
            raise InvalidToken("Facebook no longer accepts the access.")
        return "worked"

    assert call_with_fresh_token(connection, call) == "worked"
    assert used[1] == "after-reconnecting"
    connection.refresh_from_db()
    assert connection.is_active


# --- troubles that pass -----------------------------------------------------------------------------------------------


PASSING: list[dict[str, Any]] = [
    {"status": 503, "json": {}},
    {"status": 502, "body": "<html>Bad gateway</html>", "content_type": "text/html"},
    {"status": 200, "body": ""},
    {"status": 429, "json": {"title": "Too Many Requests"}},
    {"body": requests.ConnectionError("refused")},
    {"body": requests.ReadTimeout("slow")},
    {"status": 401, "json": {"error": "invalid_client"}},
]


@pytest.mark.parametrize(
    "answer", PASSING, ids=["503", "html", "nothing", "429", "no connection", "timeout", "wrong app secret"]
)
def test_a_blip_changes_nothing_for_the_user(
    club: Organization, alice: User, http: responses.RequestsMock, answer: dict[str, Any]
) -> None:
    connection = factories.make_connection(club, expires_in_s=-5, next_refresh_at=timezone.now())
    http.post(over.X_TOKEN, **answer)
    with pytest.raises((TransientError, RateLimited)):
        access_of(connection)
    connection.refresh_from_db()
    assert connection.is_active
    assert connection.error_message is None
    assert connection.refresh_failures == 1
    assert connection.next_refresh_at is not None
    assert connection.next_refresh_at > timezone.now() + timedelta(seconds=40)
    assert secrets_of(connection)["REFRESH"] == "refresh-token-of-test"
    assert not Notification.objects.exists()
    http.reset()
    over.x_gives_tokens(http, "after-the-blip")
    assert access_of(connection) == "after-the-blip"
    connection.refresh_from_db()
    assert connection.refresh_failures == 0


def test_a_short_token_is_still_used_when_renewing_has_trouble(
    club: Organization, http: responses.RequestsMock
) -> None:
    connection = factories.make_connection(club, access="short", expires_in_s=120)
    http.post(over.X_TOKEN, status=503)
    assert access_of(connection) == "short"


def test_waiting_grows_with_each_failure(club: Organization, http: responses.RequestsMock) -> None:
    connection = factories.make_connection(club, expires_in_s=-5, next_refresh_at=timezone.now())
    http.post(over.X_TOKEN, status=503)
    waits = []
    for _ in range(4):
        connection.refresh_from_db()
        assert connection.next_refresh_at is not None
        with time_machine.travel(connection.next_refresh_at + timedelta(seconds=1), tick=False):
            refresh_due_tokens_task()
            connection.refresh_from_db()
            waits.append(connection.next_refresh_at - timezone.now())
    assert waits == sorted(waits)
    assert waits[-1] > timedelta(minutes=6)


def test_the_platforms_clear_word_makes_it_inactive_and_tells_admins_once(
    club: Organization, alice: User, bob: User, http: responses.RequestsMock
) -> None:
    connection = factories.make_connection(club, expires_in_s=-5)
    over.x_refuses_the_grant(http)
    for error in (InvalidToken, ConnectionInactive, ConnectionInactive):
        with pytest.raises(error):
            access_of(connection)
    connection.refresh_from_db()
    assert not connection.is_active
    assert connection.inactive_since is not None
    assert over.calls_to(http, over.X_TOKEN) == 1
    told = Notification.objects.get()
    assert (told.user, told.count) == (alice, 1)
    assert AuditEvent.objects.filter(action="connection.inactivated").count() == 1


# --- by itself --------------------------------------------------------------------------------------------------------


def test_an_unused_grant_is_kept_alive_daily(club: Organization, http: responses.RequestsMock) -> None:
    connection = factories.make_connection(
        club, expires_in_s=-80_000, next_refresh_at=timezone.now() - timedelta(seconds=1)
    )
    over.x_gives_tokens(http)
    refresh_due_tokens_task()
    connection.refresh_from_db()
    assert connection.next_refresh_at is not None
    assert timedelta(hours=21) < connection.next_refresh_at - timezone.now() <= timedelta(hours=24)
    refresh_due_tokens_task()
    assert over.calls_to(http, over.X_TOKEN) == 1


def test_one_broken_connection_does_not_keep_the_others_from_being_renewed(
    club: Organization, http: responses.RequestsMock
) -> None:
    due = timezone.now() - timedelta(minutes=1)
    first = factories.make_connection(club, refresh="revoked", next_refresh_at=due - timedelta(minutes=1))
    unreadable = factories.make_connection(club, next_refresh_at=due - timedelta(seconds=30))
    unreadable.tokens.update(secret="v1.unknown.xxxx")
    last = factories.make_connection(club, refresh="good", next_refresh_at=due)

    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        if over.sent_form(request)["refresh_token"] == "revoked":
            return (
                400,
                {},
                json.dumps(
                    {"error": "invalid_request", "error_description": "Value passed for the token was invalid."}
                ),
            )
        return (
            200,
            {},
            json.dumps({"token_type": "bearer", "expires_in": 7200, "access_token": "a", "refresh_token": "r"}),
        )

    http.add_callback(responses.POST, over.X_TOKEN, callback=answer)
    refresh_due_tokens_task()
    first.refresh_from_db()
    unreadable.refresh_from_db()
    assert not first.is_active
    assert unreadable.is_active
    assert secrets_of(last)["ACCESS"] == "a"


def test_a_long_lived_token_is_planned_to_be_extended_in_its_last_week(club: Organization) -> None:
    from connections.platforms.base import TokenGrant
    from connections.renewal import store_grant

    connection = factories.make_connection(club, "FACEBOOK", refresh="")
    store_grant(connection, TokenGrant("long", None, timezone.now() + timedelta(days=60)))
    assert connection.next_refresh_at is not None
    assert timedelta(days=52) < connection.next_refresh_at - timezone.now() <= timedelta(days=53)


def test_what_cannot_be_renewed_says_so(club: Organization, alice: User) -> None:
    permanent = factories.make_connection(club, "MASTODON", expires_in_s=None, refresh="")
    with pytest.raises(NotRenewable, match="never expires"):
        refresh_connection(permanent, by=alice)


def test_renewing_by_hand_brings_an_inactive_connection_back(
    club: Organization, alice: User, http: responses.RequestsMock
) -> None:
    connection = factories.make_connection(
        club, is_active=False, error_message="Token expired - reauthentication required"
    )
    over.x_gives_tokens(http)
    refresh_connection(connection, by=alice)
    assert connection.is_active
    assert connection.error_message is None


# --- twenty workers at once -------------------------------------------------------------------------------------------


def outcome(call: Callable[[], str]) -> str:
    """What a call gave, or the error that it raised."""
    try:
        return call()
    except Exception as error:
        return repr(error)


class StrictX:
    """X's token endpoint with single-use refresh tokens: a spent one ends the grant."""

    def __init__(self, http: responses.RequestsMock, good: str, *, takes_s: float = 0.4) -> None:
        self.good, self.calls, self.takes_s = good, 0, takes_s
        self._lock = threading.Lock()
        http.add_callback(responses.POST, over.X_TOKEN, callback=self.answer)

    def answer(self, request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        given = over.sent_form(request)["refresh_token"]
        with self._lock:
            self.calls += 1
            if given != self.good:
                self.good = ""
                return (
                    400,
                    {},
                    json.dumps(
                        {"error": "invalid_request", "error_description": "Value passed for the token was invalid."}
                    ),
                )
            self.good = f"refresh-{self.calls}"
            access = f"access-{self.calls}"
        threading.Event().wait(self.takes_s)
        return (
            200,
            {},
            json.dumps(
                {"token_type": "bearer", "expires_in": 7200, "access_token": access, "refresh_token": self.good}
            ),
        )


def test_twenty_workers_cause_one_refresh_and_all_get_the_new_token(
    real_transactions: None, club: Organization, http: responses.RequestsMock
) -> None:
    connection = factories.make_connection(club, refresh="single-use", expires_in_s=60)
    x = StrictX(http, "single-use")
    got = at_once(lambda: outcome(lambda: access_of(connection)), 20)
    assert got == ["access-1"] * 20
    assert x.calls == 1
    assert secrets_of(connection) == {"ACCESS": "access-1", "REFRESH": "refresh-1"}
    connection.refresh_from_db()
    assert connection.refresh_lease_until is None


def test_twenty_calls_that_meet_an_expired_token_cause_one_refresh(
    real_transactions: None, club: Organization, http: responses.RequestsMock
) -> None:
    connection = factories.make_connection(club, access="dead", refresh="single-use", expires_in_s=3600)
    x = StrictX(http, "single-use")

    def me(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        if request.headers["Authorization"] == "Bearer dead":
            return 401, {}, json.dumps({"title": "Unauthorized", "status": 401})
        return 200, {}, json.dumps({"data": {"id": "1", "name": "N", "username": "riversidegc"}})

    http.add_callback(responses.GET, over.X_ME, callback=me)
    assert (
        at_once(lambda: outcome(lambda: call_with_fresh_token(connection, whoami).handle), 20) == ["riversidegc"] * 20
    )
    assert x.calls == 1


def test_when_the_one_refresh_fails_the_waiting_do_not_storm_the_platform(
    real_transactions: None, club: Organization, http: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = factories.make_connection(club, expires_in_s=-5)
    waiting: set[int] = set()
    all_wait = threading.Event()
    sleep = time.sleep

    def wait(seconds: float) -> None:
        waiting.add(threading.get_ident())
        if len(waiting) == 9:
            all_wait.set()
        sleep(seconds)

    def trouble(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        # The nine others wait for this one; one that came after the failure would rightly ask again.
        assert all_wait.wait(30)
        return 503, {}, "{}"

    monkeypatch.setattr("connections.renewal.time.sleep", wait)
    http.add_callback(responses.POST, over.X_TOKEN, callback=trouble)
    got = at_once(lambda: outcome(lambda: access_of(connection)), 10)
    assert all(answer.startswith("TransientError") for answer in got)
    assert over.calls_to(http, over.X_TOKEN) == 1
    connection.refresh_from_db()
    assert connection.is_active


def test_the_lease_of_a_dead_worker_is_taken_over(club: Organization, http: responses.RequestsMock) -> None:
    connection = factories.make_connection(
        club, expires_in_s=60, refresh_lease_until=timezone.now() - timedelta(seconds=1)
    )
    over.x_gives_tokens(http, "taken-over")
    assert access_of(connection) == "taken-over"


def test_tokens_that_arrive_for_an_account_disconnected_meanwhile_are_not_kept(
    real_transactions: None, club: Organization, alice: User, http: responses.RequestsMock
) -> None:
    connection = factories.make_connection(club, expires_in_s=60)

    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        disconnect(SocialConnection.objects.get(pk=connection.pk), by=alice)
        return (
            200,
            {},
            json.dumps({"token_type": "bearer", "expires_in": 7200, "access_token": "late", "refresh_token": "late-r"}),
        )

    http.add_callback(responses.POST, over.X_TOKEN, callback=answer)
    with pytest.raises(ConnectionInactive):
        access_of(connection)
    assert not ConnectionToken.objects.filter(connection=connection).exists()
    withdrawn = {reveal(row, "secret") for row in Revocation.objects.all()}
    assert {"late", "late-r"} <= withdrawn
