"""From "connect" through the platform's consent page to a connected account, in a browser."""

import html
from datetime import timedelta
from typing import Any

import pytest
import requests
import responses
import time_machine
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent, Organization, User
from accounts.permissions import Role
from connections.models import Consent, PlatformApp, SocialConnection, TokenKind
from tests import factories
from tests.conftest import signed_in
from tests.connections import platforms_over_http as over

START, BACK = "/api/social/twitter/auth", "/api/social/twitter/callback"


def set_out(browser: Client, path: str = START) -> dict[str, str]:
    """Press "connect"; the query of the consent page's address."""
    answer = browser.get(path)
    assert answer.status_code == 302
    return over.query_of(answer["Location"])


def come_back(browser: Client, path: str = BACK, **query: str) -> str:
    """Return from the platform; the text of the connections page that follows."""
    answer = browser.get(path, query, follow=True)
    assert answer.status_code == 200
    assert answer.redirect_chain[-1][0] == "/connections/"
    return html.unescape(answer.content.decode())


def connect_x(browser: Client, http: responses.RequestsMock, **tokens: Any) -> str:
    over.x_gives_tokens(http, **tokens)
    over.x_knows(http)
    return come_back(browser, state=set_out(browser)["state"], code="the-code")


def test_one_account_connects_at_once_after_consent(
    as_alice: Client, club: Organization, alice: User, http: responses.RequestsMock
) -> None:
    text = connect_x(as_alice, http)
    connection = SocialConnection.objects.get()
    assert text.count("Connected: Riverside GC (X).") == 1, "once, in the page: not in a toast too"
    assert (connection.organization, connection.platform_account_id, connection.account_handle) == (
        club,
        "2244994945",
        "riversidegc",
    )
    assert connection.is_active
    assert connection.missing_permissions == []
    assert {token.kind for token in connection.tokens.all()} == {TokenKind.ACCESS, TokenKind.REFRESH}
    assert AuditEvent.objects.filter(action="connection.connected", actor=alice, organization=club).count() == 1


def test_the_consent_page_gets_pkce_and_exactly_our_address(as_alice: Client, http: responses.RequestsMock) -> None:
    asked = set_out(as_alice)
    assert asked["redirect_uri"] == "http://127.0.0.1:8000/api/social/twitter/callback"
    assert asked["code_challenge_method"] == "S256"
    assert 43 <= len(asked["code_challenge"]) <= 128
    over.x_gives_tokens(http)
    over.x_knows(http)
    come_back(as_alice, state=asked["state"], code="the-code")
    sent = over.sent_form(http.calls[0].request)
    assert sent["redirect_uri"] == asked["redirect_uri"]
    from authlib.oauth2.rfc7636 import create_s256_code_challenge

    assert create_s256_code_challenge(sent["code_verifier"]) == asked["code_challenge"]


def test_another_site_cannot_start_a_consent_for_somebody(as_alice: Client) -> None:
    """A link to a server of its own would answer at once, and an account of its own would stand among the club's."""
    path = "/api/social/mastodon/auth?server=evil.example"
    answer = as_alice.get(path, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.headers["Location"] == "/connections/"
    assert not Consent.objects.exists()
    assert not PlatformApp.objects.exists()


def test_the_state_is_nowhere_in_the_database(as_alice: Client) -> None:
    state = set_out(as_alice)["state"]
    row = Consent.objects.values().get()
    assert all(state not in str(value) for value in row.values())


def test_denied_consent_says_so_and_connects_nothing(as_alice: Client) -> None:
    text = come_back(as_alice, state=set_out(as_alice)["state"], error="access_denied")
    assert text.count("You did not authorize Parley on X, so nothing was connected.") == 1
    assert not SocialConnection.objects.exists()


def test_a_replayed_state_is_refused(as_alice: Client, http: responses.RequestsMock) -> None:
    over.x_gives_tokens(http)
    over.x_knows(http)
    state = set_out(as_alice)["state"]
    come_back(as_alice, state=state, code="the-code")
    text = come_back(as_alice, state=state, code="another-code")
    assert "This authorization has already been used" in text
    assert over.calls_to(http, over.X_TOKEN) == 1


@pytest.mark.parametrize(
    "query", [{}, {"code": "c"}, {"state": "made-up", "code": "c"}, {"state": "made-up", "error": "access_denied"}]
)
def test_an_unknown_state_is_refused(as_alice: Client, query: dict[str, str]) -> None:
    set_out(as_alice)
    assert "does not belong to any request from here" in come_back(as_alice, **query)
    assert Consent.objects.get().used_at is None


def test_an_expired_consent_is_refused(as_alice: Client) -> None:
    with time_machine.travel(timezone.now() - timedelta(minutes=11), tick=True):
        state = set_out(as_alice)["state"]
    assert "has expired" in come_back(as_alice, state=state, code="c")


def test_another_browser_of_the_same_person_cannot_finish_it(as_alice: Client, alice: User) -> None:
    state = set_out(as_alice)["state"]
    other = signed_in(alice)
    assert "another browser" in come_back(other, state=state, code="c")
    assert Consent.objects.get().used_at is None


def test_another_persons_state_is_refused(as_alice: Client, as_eve: Client) -> None:
    state = set_out(as_alice)["state"]
    assert "another browser or by someone else" in come_back(as_eve, state=state, code="c")


def test_a_state_of_one_platform_does_not_open_another(as_alice: Client) -> None:
    state = set_out(as_alice)["state"]
    assert "does not belong" in come_back(as_alice, "/api/social/facebook/callback", state=state, code="c")


def test_only_those_who_may_connect_get_there(as_bob: Client, client: Client) -> None:
    assert as_bob.get(START).status_code == 403
    assert as_bob.get(BACK, {"state": "s", "code": "c"}).status_code == 403
    assert client.get(START)["Location"].startswith("/accounts/login/")


def test_whoever_lost_the_role_meanwhile_connects_nothing(
    as_alice: Client, alice: User, club: Organization, http: responses.RequestsMock
) -> None:
    """Started in the club, lost the role there, and may still connect in the organization that is open now."""
    state = set_out(as_alice)["state"]
    other = factories.make_member(factories.make_organization("A second club"), Role.OWNER, alice).organization
    club.memberships.filter(user=alice).update(role=Role.VIEWER)
    session = as_alice.session
    session["organization_id"] = str(other.pk)
    session.save()
    assert "Your role no longer allows" in come_back(as_alice, state=state, code="c")


@pytest.mark.parametrize(
    "answer",
    [
        {"body": "<html><body>Bad gateway</body></html>", "content_type": "text/html", "status": 502},
        {"body": "<html><body>Welcome</body></html>", "content_type": "text/html", "status": 200},
        {"body": "", "status": 200},
        {"json": {}, "status": 200},
        {"json": [], "status": 200},
        {"body": requests.ConnectionError("refused")},
        {"body": requests.ReadTimeout("slow")},
        {"status": 503, "json": {"title": "Service Unavailable"}},
    ],
    ids=["html error", "html page", "nothing", "empty object", "list", "no connection", "timeout", "trouble"],
)  # fmt: skip
def test_a_platform_that_answers_nonsense_or_nothing_is_said_in_a_sentence(
    as_alice: Client, http: responses.RequestsMock, answer: dict[str, Any]
) -> None:
    http.post(over.X_TOKEN, **answer)
    text = come_back(as_alice, state=set_out(as_alice)["state"], code="c")
    assert "X is not responding properly. Nothing was connected. Try again in a few minutes." in text
    assert not SocialConnection.objects.exists()


def test_an_expired_code_says_to_connect_again(as_alice: Client, http: responses.RequestsMock) -> None:
    said = "Value passed for the authorization code was invalid."
    http.post(over.X_TOKEN, status=400, json={"error": "invalid_request", "error_description": said})
    assert "took too long or has already been used. Connect again." in come_back(
        as_alice, state=set_out(as_alice)["state"], code="c"
    )


def test_wrong_app_credentials_are_not_blamed_on_the_person(as_alice: Client, http: responses.RequestsMock) -> None:
    http.post(over.X_TOKEN, status=401, json={"error": "invalid_client"})
    assert "Check its client id and secret" in come_back(as_alice, state=set_out(as_alice)["state"], code="c")


def test_too_many_requests_say_when_to_come_back(as_alice: Client, http: responses.RequestsMock) -> None:
    http.post(over.X_TOKEN, status=429, json={"title": "Too Many Requests"})
    assert "Try again in 15 minutes" in come_back(as_alice, state=set_out(as_alice)["state"], code="c")


def test_missing_scopes_connect_with_a_warning_and_a_link_to_grant_again(
    as_alice: Client, http: responses.RequestsMock
) -> None:
    text = connect_x(as_alice, http, scope="tweet.read users.read offline.access")
    connection = SocialConnection.objects.get()
    assert "was connected without some permissions" in text
    assert connection.missing_permissions == ["media.write", "tweet.write"]
    assert f"/api/social/twitter/auth?connection={connection.pk}" in text
    assert "Grant permissions" in text


def test_a_platform_without_credentials_says_what_to_set(as_alice: Client, settings: Any) -> None:
    settings.PLATFORM_APPS = {}
    answer = as_alice.get(START, follow=True)
    text = html.unescape(answer.content.decode())
    assert "X is not set up yet." in text
    assert "TWITTER_CLIENT_ID" in text
    assert not Consent.objects.exists()


def test_an_organizations_own_app_comes_before_the_installations(
    as_alice: Client, club: Organization, http: responses.RequestsMock
) -> None:
    http.post(over.X_TOKEN, status=400, json={"error": "invalid_request", "error_description": "token was invalid"})
    as_alice.post("/connections/apps/twitter/", {"client_id": "club-app", "client_secret": "club-secret"})
    assert PlatformApp.objects.get().organization == club
    assert set_out(as_alice)["client_id"] == "club-app"


# --- several accounts behind one consent ------------------------------------------------------------------------------


FB_START, FB_BACK = "/api/social/facebook/auth", "/api/social/facebook/callback"


def choice_of_pages(browser: Client, http: responses.RequestsMock, *pages: dict[str, Any]) -> str:
    """Consent at Facebook; the address of the page on which to choose."""
    over.facebook_gives_pages(http, *pages)
    answer = browser.get(FB_BACK, {"state": set_out(browser, FB_START)["state"], "code": "c"})
    assert answer["Location"].startswith("/connections/choose/")
    return str(answer["Location"])


def test_the_person_chooses_which_pages_to_connect(as_alice: Client, http: responses.RequestsMock) -> None:
    pages = [over.page("11", "Club"), over.page("12", "Academy"), over.page("13", "Path", tasks=("ANALYZE",))]
    chooser = choice_of_pages(as_alice, http, *pages)
    text = as_alice.get(chooser).content.decode()
    assert "Your role on this Page does not allow posting." in text
    assert not SocialConnection.objects.exists()
    as_alice.post(chooser, {"accounts": ["11", "12", "13", "99"]})
    assert {one.platform_account_id for one in SocialConnection.objects.all()} == {"11", "12"}
    consent = Consent.objects.get()
    assert (consent.found, consent.verifier) == ("", "")


def test_pages_that_are_connected_already_are_marked(
    as_alice: Client, club: Organization, http: responses.RequestsMock
) -> None:
    factories.make_connection(club, "FACEBOOK", platform_account_id="11", expires_in_s=None)
    chooser = choice_of_pages(as_alice, http, over.page("11", "Club"), over.page("12", "Academy"))
    assert as_alice.get(chooser).content.decode().count("Already connected") == 1


def test_choosing_nothing_asks_again(as_alice: Client, http: responses.RequestsMock) -> None:
    chooser = choice_of_pages(as_alice, http, over.page("11", "Club"), over.page("12", "Academy"))
    answer = as_alice.post(chooser, {})
    assert answer.status_code == 422
    assert "Choose at least one account." in answer.content.decode()


def test_a_choice_is_made_once_and_by_its_browser_alone(
    as_alice: Client, alice: User, as_eve: Client, http: responses.RequestsMock
) -> None:
    chooser = choice_of_pages(as_alice, http, over.page("11", "Club"), over.page("12", "Academy"))
    assert as_eve.get(chooser).status_code == 404
    assert as_eve.post(chooser, {"accounts": ["11"]}).status_code == 404
    assert "another browser" in html.unescape(
        signed_in(alice).post(chooser, {"accounts": ["11"]}, follow=True).content.decode()
    )
    as_alice.post(chooser, {"accounts": ["11"]})
    again = as_alice.post(chooser, {"accounts": ["12"]}, follow=True)
    assert "You have already chosen." in html.unescape(again.content.decode())
    assert SocialConnection.objects.count() == 1


def test_an_expired_choice_is_refused_and_its_tokens_destroyed(as_alice: Client, http: responses.RequestsMock) -> None:
    from connections.tasks import tidy_consents_task

    with time_machine.travel(timezone.now() - timedelta(minutes=30), tick=True):
        chooser = choice_of_pages(as_alice, http, over.page("11", "Club"), over.page("12", "Academy"))
    text = html.unescape(as_alice.post(chooser, {"accounts": ["11"]}, follow=True).content.decode())
    assert "has expired" in text
    tidy_consents_task()
    assert Consent.objects.get().found == ""
    with time_machine.travel(timezone.now() + timedelta(days=2), tick=True):
        tidy_consents_task()
    assert not Consent.objects.exists()


def test_no_page_at_all_says_what_to_do(as_alice: Client, http: responses.RequestsMock) -> None:
    over.facebook_gives_pages(http)
    text = come_back(as_alice, FB_BACK, state=set_out(as_alice, FB_START)["state"], code="c")
    assert "Connect again and tick the accounts." in text


# --- reconnecting -----------------------------------------------------------------------------------------------------


def test_reconnecting_keeps_the_connection_and_clears_every_mark(
    as_alice: Client, alice: User, club: Organization, http: responses.RequestsMock
) -> None:
    from connections.services import mark_inactive

    connection = factories.make_connection(club, platform_account_id="2244994945")
    post = factories.make_post(connection)
    mark_inactive(connection, code="INVALID_TOKEN", message="X no longer accepts this sign-in.")
    assert alice.notifications.unread().count() == 1
    over.x_gives_tokens(http)
    over.x_knows(http)
    state = set_out(as_alice, f"{START}?connection={connection.pk}")["state"]
    come_back(as_alice, state=state, code="c")
    connection.refresh_from_db()
    assert SocialConnection.objects.get().pk == connection.pk
    assert post.connection_id == connection.pk
    assert (connection.is_active, connection.error_code, connection.error_message, connection.inactive_since) == (
        True,
        "",
        None,
        None,
    )
    assert alice.notifications.unread().count() == 0


def test_reconnecting_keeps_the_stored_refresh_token_when_none_is_sent(
    as_alice: Client, club: Organization, http: responses.RequestsMock
) -> None:
    from accounts.crypto import reveal

    connection = factories.make_connection(club, platform_account_id="2244994945", refresh="the-kept-one")
    connect_x(as_alice, http, access="newer", refresh=None)
    secrets = {token.kind: reveal(token, "secret") for token in connection.tokens.all()}
    assert secrets == {"ACCESS": "newer", "REFRESH": "the-kept-one"}


def test_consent_as_another_account_changes_nothing_and_says_which(
    as_alice: Client, club: Organization, http: responses.RequestsMock
) -> None:
    connection = factories.make_connection(club, platform_account_id="1", account_name="Pro Shop", is_active=False)
    over.x_gives_tokens(http)
    over.x_knows(http)
    text = come_back(as_alice, state=set_out(as_alice, f"{START}?connection={connection.pk}")["state"], code="c")
    assert "You gave consent as riversidegc, but X · Pro Shop is to be reconnected" in text
    connection.refresh_from_db()
    assert not connection.is_active
    assert SocialConnection.objects.count() == 1


def test_reconnecting_one_page_does_not_ask_to_choose(
    as_alice: Client, club: Organization, http: responses.RequestsMock
) -> None:
    connection = factories.make_connection(
        club, "FACEBOOK", platform_account_id="12", is_active=False, expires_in_s=None
    )
    over.facebook_gives_pages(http, over.page("11", "Club"), over.page("12", "Academy"))
    state = set_out(as_alice, f"{FB_START}?connection={connection.pk}")["state"]
    come_back(as_alice, FB_BACK, state=state, code="c")
    connection.refresh_from_db()
    assert connection.is_active
    assert SocialConnection.objects.count() == 1


def test_a_foreign_connection_cannot_be_reconnected(as_eve: Client, club: Organization) -> None:
    connection = factories.make_connection(club)
    assert as_eve.get(f"{START}?connection={connection.pk}").status_code == 404
    assert as_eve.get(f"{START}?connection=nonsense").status_code == 404


def test_two_organizations_may_connect_the_same_account(
    as_alice: Client, as_eve: Client, http: responses.RequestsMock
) -> None:
    connect_x(as_alice, http)
    connect_x(as_eve, http)
    assert SocialConnection.objects.filter(platform_account_id="2244994945").count() == 2


# --- Mastodon ---------------------------------------------------------------------------------------------------------


MASTODON_START = "/api/social/mastodon/auth"
MASTODON_BACK = "/api/social/mastodon/callback"


def mastodon_registers(http: responses.RequestsMock, client_id: str = "m-client") -> None:
    http.post(f"{over.MASTODON}/api/v1/apps", json={"client_id": client_id, "client_secret": "m-secret"})


def mastodon_answers(http: responses.RequestsMock) -> None:
    http.post(
        f"{over.MASTODON}/oauth/token", json={"access_token": "m-access", "token_type": "Bearer", "scope": "read write"}
    )
    http.get(
        f"{over.MASTODON}/api/v2/instance",
        json={"domain": "mastodon.example", "configuration": {"statuses": {"max_characters": 900}}},
    )
    http.get(
        f"{over.MASTODON}/api/v1/accounts/verify_credentials",
        json={"id": "5", "username": "club", "display_name": "The Club", "followers_count": 3},
    )


@pytest.fixture
def mastodon(http: responses.RequestsMock, settings: Any) -> responses.RequestsMock:
    settings.OUTBOUND_ALLOW = ["mastodon.example"]
    return http


def test_a_typed_server_gets_our_app_once_and_connects(
    as_alice: Client, club: Organization, mastodon: responses.RequestsMock
) -> None:
    mastodon_registers(mastodon)
    mastodon_answers(mastodon)
    for _ in range(2):
        state = set_out(as_alice, f"{MASTODON_START}?server=@club@mastodon.example")["state"]
        come_back(as_alice, MASTODON_BACK, state=state, code="c")
    connection = SocialConnection.objects.get()
    assert (connection.server_url, connection.account_handle) == (over.MASTODON, "club@mastodon.example")
    assert connection.effective_limits.characters == 900
    assert over.calls_to(mastodon, f"{over.MASTODON}/api/v1/apps") == 1
    app = PlatformApp.objects.get()
    assert app.organization is None
    assert "m-secret" not in app.client_secret


def test_the_app_is_registered_anew_when_our_address_changed(
    as_alice: Client, mastodon: responses.RequestsMock, settings: Any
) -> None:
    mastodon_registers(mastodon)
    mastodon_answers(mastodon)
    set_out(as_alice, f"{MASTODON_START}?server=mastodon.example")
    settings.APP_URL = "https://parley.example.org"
    set_out(as_alice, f"{MASTODON_START}?server=mastodon.example")
    assert over.calls_to(mastodon, f"{over.MASTODON}/api/v1/apps") == 2
    assert PlatformApp.objects.get().redirect_uri == "https://parley.example.org/api/social/mastodon/callback"


def test_a_server_that_forgot_our_app_gets_a_new_one_next_time(
    as_alice: Client, mastodon: responses.RequestsMock
) -> None:
    mastodon_registers(mastodon)
    mastodon.post(
        f"{over.MASTODON}/oauth/token",
        status=401,
        json={"error": "invalid_client", "error_description": "Client authentication failed"},
    )
    state = set_out(as_alice, f"{MASTODON_START}?server=mastodon.example")["state"]
    come_back(as_alice, MASTODON_BACK, state=state, code="c")
    assert not PlatformApp.objects.exists()


@pytest.mark.parametrize(
    ("server", "said"),
    [
        ("", "Enter your server's address"),
        ("not a server", "Enter your server's address"),
        ("https://127.0.0.1:8000", "private network"),
        ("169.254.169.254", "private network"),
        ("10.0.0.1", "private network"),
    ],
)
def test_an_unusable_server_is_refused_in_a_sentence(as_alice: Client, server: str, said: str) -> None:
    answer = as_alice.get(MASTODON_START, {"server": server}, follow=True)
    assert answer.redirect_chain[-1][0] == "/connections/"
    assert said in html.unescape(answer.content.decode())
    assert not PlatformApp.objects.exists()
