"""What a platform gave for a consent that connected nothing is withdrawn there, and no connection's access with it."""

from datetime import timedelta
from typing import Any

import pytest
import responses
import time_machine
from django.test import Client
from django.utils import timezone

from accounts.crypto import reveal
from accounts.models import Organization
from connections.consents import tidy_consents
from connections.models import Consent, Revocation
from connections.revocations import retry_revocations
from connections.services import disconnect
from tests import factories
from tests.connections import platforms_over_http as over
from tests.connections.test_journey import come_back, set_out

X_APP, FACEBOOK_APP = "sandbox-x-client", "100000000000001"
MASTODON_START, MASTODON_BACK = "/api/social/mastodon/auth?server=mastodon.example", "/api/social/mastodon/callback"
FACEBOOK_START, FACEBOOK_BACK = "/api/social/facebook/auth", "/api/social/facebook/callback"
PERMISSIONS = f"{over.GRAPH}/7/permissions"


@pytest.fixture(autouse=True)
def _names_lead_to_a_public_address(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(2, 1, 6, "", ("93.184.215.14", 443))]
    monkeypatch.setattr("socket.getaddrinfo", lambda *_a, **_k: found)


def withdrawn() -> set[str]:
    """The tokens whose withdrawal is queued."""
    return {reveal(row, "secret") for row in Revocation.objects.all()}


def mastodon_gives(http: responses.RequestsMock, token: str = "m-token", **me: Any) -> None:
    base = over.MASTODON
    http.post(f"{base}/api/v1/apps", json={"client_id": "m-app", "client_secret": "m-secret"})
    http.post(f"{base}/oauth/token", json={"access_token": token, "scope": "read:accounts read:statuses"})
    http.get(f"{base}/api/v2/instance", status=404)
    http.get(f"{base}/api/v1/instance", status=404)
    http.get(f"{base}/api/v1/accounts/verify_credentials", **me)


# --- every platform ---------------------------------------------------------------------------------------------------


def test_consent_as_another_account_of_x_is_withdrawn(
    as_alice: Client, club: Organization, http: responses.RequestsMock
) -> None:
    connection = factories.make_connection(club, "TWITTER", platform_account_id="1", app_client_id=X_APP)
    over.x_gives_tokens(http)
    over.x_knows(http, account_id="2")
    asked = set_out(as_alice, f"/api/social/twitter/auth?connection={connection.pk}")
    assert "nothing was changed" in come_back(as_alice, state=asked["state"], code="the-code")
    assert withdrawn() == {"x-access-1", "x-refresh-1"}
    http.post(over.X_REVOKE, json={"revoked": True})
    assert retry_revocations() == 2
    assert sorted(over.sent_form(call.request)["token"] for call in list(http.calls)[-2:]) == [
        "x-access-1",
        "x-refresh-1",
    ]


@pytest.mark.parametrize(
    "answer", [{"status": 503}, {"body": "<html>"}, {"json": {"data": {}}}, {"status": 403, "json": {}}]
)
def test_a_token_of_x_whose_account_cannot_be_read_is_withdrawn(
    answer: dict[str, Any], as_alice: Client, http: responses.RequestsMock
) -> None:
    over.x_gives_tokens(http)
    http.get(over.X_ME, **answer)
    come_back(as_alice, state=set_out(as_alice)["state"], code="the-code")
    assert withdrawn() == {"x-access-1", "x-refresh-1"}


@pytest.mark.parametrize(
    "me", [{"status": 503}, {"status": 403, "json": {"error": "Your login is currently disabled"}}]
)
def test_a_token_of_mastodon_whose_account_cannot_be_read_is_withdrawn(
    me: dict[str, Any], as_alice: Client, http: responses.RequestsMock
) -> None:
    mastodon_gives(http, **me)
    asked = set_out(as_alice, MASTODON_START)
    come_back(as_alice, MASTODON_BACK, state=asked["state"], code="the-code")
    assert withdrawn() == {"m-token"}


def test_a_consent_of_facebook_that_opens_no_page_is_withdrawn(as_alice: Client, http: responses.RequestsMock) -> None:
    over.facebook_gives_pages(http)
    asked = set_out(as_alice, FACEBOOK_START)
    assert "gave no account" in come_back(as_alice, FACEBOOK_BACK, state=asked["state"], code="the-code")
    http.delete(PERMISSIONS, json={"success": True})
    assert retry_revocations() == 1
    assert over.calls_to(http, PERMISSIONS) == 1


def test_a_short_token_of_facebook_that_cannot_be_lengthened_is_withdrawn(
    as_alice: Client, http: responses.RequestsMock
) -> None:
    http.get(f"{over.GRAPH}/oauth/access_token", json={"access_token": "fb-short", "expires_in": 3600})
    http.get(f"{over.GRAPH}/oauth/access_token", status=500, json={"error": {"code": 2, "message": "Try again"}})
    asked = set_out(as_alice, FACEBOOK_START)
    come_back(as_alice, FACEBOOK_BACK, state=asked["state"], code="the-code")
    assert withdrawn() == {"fb-short"}


def test_a_choice_that_nobody_made_is_withdrawn_when_it_expires(as_alice: Client, http: responses.RequestsMock) -> None:
    over.facebook_gives_pages(http, over.page("1", "Golf"), over.page("2", "Juniors"))
    asked = set_out(as_alice, FACEBOOK_START)
    as_alice.get(FACEBOOK_BACK, {"state": asked["state"], "code": "the-code"})
    with time_machine.travel(timezone.now() + timedelta(hours=1)):
        tidy_consents()
        tidy_consents()
    assert withdrawn() == {"fb-user"}
    assert Consent.objects.get().found == ""


def test_a_choice_that_was_made_keeps_its_consent(as_alice: Client, http: responses.RequestsMock) -> None:
    over.facebook_gives_pages(http, over.page("1", "Golf"), over.page("2", "Juniors"))
    asked = set_out(as_alice, FACEBOOK_START)
    answer = as_alice.get(FACEBOOK_BACK, {"state": asked["state"], "code": "the-code"})
    as_alice.post(answer["Location"], {"accounts": ["1"]})
    with time_machine.travel(timezone.now() + timedelta(hours=1)):
        tidy_consents()
    assert withdrawn() == set()


# --- and nobody else's access -----------------------------------------------------------------------------------------


def test_what_other_connections_live_by_is_not_withdrawn(
    as_alice: Client, club: Organization, rivals: Organization, http: responses.RequestsMock
) -> None:
    """Facebook ends a person's whole consent at once: the Pages of an earlier one would lose their access."""
    factories.make_connection(rivals, "FACEBOOK", platform_account_id="2", app_client_id=FACEBOOK_APP)
    ours = factories.make_connection(club, "FACEBOOK", platform_account_id="9", app_client_id=FACEBOOK_APP)
    over.facebook_gives_pages(http, over.page("1", "Golf"), over.page("2", "Juniors"))
    asked = set_out(as_alice, f"{FACEBOOK_START}?connection={ours.pk}")
    assert "nothing was changed" in come_back(as_alice, FACEBOOK_BACK, state=asked["state"], code="the-code")
    assert withdrawn() == set()


def test_disconnecting_leaves_the_same_account_of_another_organization_its_access(
    club: Organization, rivals: Organization, alice: Any, eve: Any, http: responses.RequestsMock
) -> None:
    """Mastodon gives a second consent of the same person the first one's token."""
    ours, theirs = (
        factories.make_connection(
            organization, "MASTODON", platform_account_id="1", app_client_id="m-app", access="m-token", refresh=""
        )
        for organization in (club, rivals)
    )
    http.post(f"{over.MASTODON}/oauth/revoke", json={})
    disconnect(ours, by=alice)
    assert retry_revocations() == 1
    assert over.calls_to(http, f"{over.MASTODON}/oauth/revoke") == 0
    disconnect(theirs, by=eve)
    assert retry_revocations() == 1
    assert over.calls_to(http, f"{over.MASTODON}/oauth/revoke") == 1


# --- servers that know broad scopes alone -----------------------------------------------------------------------------


def narrow_is_refused(http: responses.RequestsMock) -> None:
    mastodon_gives(http, status=403, json={"error": "out_of_scope_for_token"})


def test_a_server_that_knows_only_broad_scopes_is_asked_for_these_the_next_time_and_that_is_said(
    as_alice: Client, club: Organization, http: responses.RequestsMock
) -> None:
    narrow_is_refused(http)
    asked = set_out(as_alice, MASTODON_START)
    assert asked["scope"] == "read:accounts read:statuses write:statuses write:media"
    text = come_back(as_alice, MASTODON_BACK, state=asked["state"], code="the-code")
    assert "mastodon.example knows only broad permissions (read, write)" in text
    assert "connect again" in text
    assert withdrawn() == {"m-token"}

    http.replace(responses.POST, f"{over.MASTODON}/oauth/token", json={"access_token": "broad", "scope": "read write"})
    me = {"id": "1", "username": "club", "display_name": "The Club", "url": "https://mastodon.example/@club"}
    http.replace(responses.GET, f"{over.MASTODON}/api/v1/accounts/verify_credentials", json=me)
    asked = set_out(as_alice, MASTODON_START)
    assert asked["scope"] == "read write"
    assert over.sent_form(http.calls[-2].request)["scopes"] == "read write", "registered anew for these"
    text = come_back(as_alice, MASTODON_BACK, state=asked["state"], code="the-code")
    assert "Connected: The Club" in text
    assert "knows only broad permissions" in text
    connection = club.connections.get()
    assert connection.missing_permissions == []
    assert set_out(as_alice, MASTODON_START)["scope"] == "read write", "remembered"


def test_broad_scopes_are_tried_once(as_alice: Client, http: responses.RequestsMock) -> None:
    narrow_is_refused(http)
    for says in ("connect again, and Parley asks there for these", "did not grant what is needed"):
        asked = set_out(as_alice, MASTODON_START)
        assert says in come_back(as_alice, MASTODON_BACK, state=asked["state"], code="the-code")


def test_a_server_that_refuses_single_scopes_at_registration_is_asked_for_broad_ones_at_once(
    as_alice: Client, http: responses.RequestsMock
) -> None:
    def register(request: Any) -> tuple[int, dict[str, str], str]:
        if over.sent_form(request)["scopes"] == "read write":
            return 200, {}, '{"client_id": "m-app", "client_secret": "m-secret"}'
        return 422, {}, '{"error": "Validation failed: Scopes doesn\'t match configured on the server."}'

    http.add_callback(responses.POST, f"{over.MASTODON}/api/v1/apps", register)
    http.post(f"{over.MASTODON}/oauth/token", status=400, json={"error": "invalid_grant_type"})
    assert set_out(as_alice, MASTODON_START)["scope"] == "read write"


def test_a_consent_page_that_refuses_single_scopes_leads_to_broad_ones(
    as_alice: Client, http: responses.RequestsMock
) -> None:
    narrow_is_refused(http)
    asked = set_out(as_alice, MASTODON_START)
    text = come_back(as_alice, MASTODON_BACK, state=asked["state"], error="invalid_scope")
    assert "knows only broad permissions" in text
    assert set_out(as_alice, MASTODON_START)["scope"] == "read write"


def test_a_refusal_of_another_kind_changes_no_scopes(as_alice: Client, http: responses.RequestsMock) -> None:
    mastodon_gives(http, status=403, json={"error": "Your login is currently disabled"})
    asked = set_out(as_alice, MASTODON_START)
    come_back(as_alice, MASTODON_BACK, state=asked["state"], code="the-code")
    assert set_out(as_alice, MASTODON_START)["scope"].startswith("read:accounts")
