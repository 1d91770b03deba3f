"""The pages of connections: what they show, who may do what, and what never appears."""

import html
import re
from datetime import timedelta
from typing import Any

import pytest
import responses
from django.core.files.base import ContentFile
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.crypto import reveal
from accounts.models import AuditEvent, Organization, User
from accounts.permissions import Role
from connections.models import PlatformApp, SocialConnection
from connections.services import disconnect, mark_inactive
from publishing.models import PostStatus
from tests import factories
from tests.conftest import signed_in
from tests.connections import platforms_over_http as over


def text_of(browser: Client, path: str, **query: str) -> str:
    answer = browser.get(path, query)
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


def test_a_new_organization_is_told_how_to_begin(as_alice: Client, as_bob: Client) -> None:
    assert "No social accounts connected yet" in text_of(as_alice, "/connections/")
    assert "/api/social/twitter/auth" in text_of(as_alice, "/connections/")
    marketer = text_of(as_bob, "/connections/")
    assert "Alice can connect accounts." in marketer
    assert "/api/social/twitter/auth" not in marketer


def test_a_card_shows_state_permissions_expiry_last_post_and_last_sync(as_alice: Client, club: Organization) -> None:
    factories.make_connection(
        club, account_name="Pro Shop", account_handle="proshop", permissions=["tweet.read", "users.read"],
        last_post_at=timezone.now() - timedelta(hours=2), last_sync_at=timezone.now() - timedelta(days=1), followers=4210,
    )  # fmt: skip
    text = text_of(as_alice, "/connections/")
    for shown in (
        "Pro Shop",
        "@proshop",
        "Permissions missing",
        "tweet.write",
        "Grant permissions",
        "2\xa0hours ago",
        "1\xa0day ago",
        "4,210",
        "renews automatically",
    ):
        assert shown in text


def test_a_broken_account_says_why_and_offers_to_reconnect(
    as_alice: Client, as_bob: Client, club: Organization
) -> None:
    connection = factories.make_connection(club)
    mark_inactive(connection, code="INVALID_TOKEN", message="X ended the access.")
    reconnect = f"/api/social/twitter/auth?connection={connection.pk}"
    for path in ("/connections/", f"/connections/{connection.pk}/"):
        text = text_of(as_alice, path)
        assert "X ended the access." in text
        assert "Needs reconnecting" in text
        assert "X no longer accepts Parley's access to this account." in text
        assert text.index("Parley's access") < text.index("<details>") < text.index("X ended the access.")
        assert "never expires" not in text
        assert "all granted" not in text
        assert reconnect in text
        assert reconnect not in text_of(as_bob, path)


def test_the_capability_table_covers_every_platform_with_reasons_for_absences(as_bob: Client) -> None:
    from connections.capabilities import LABELS
    from connections.platforms import platforms
    from connections.platforms.base import Can

    text = text_of(as_bob, "/connections/")
    assert set(LABELS) == set(Can)
    for cls in platforms():
        assert cls.label in text
        for reason in cls.absences.values():
            assert str(reason) in text
    # X, Facebook and Mastodon all take videos; it is Parley that does not: nobody is told that they cannot.
    video = re.search(r"<tr><th scope=\"row\">Video</th>(.*?)</tr>", text, re.S)
    assert video is not None
    assert video[1].count("offered by the platform, not in Parley yet") == len(platforms())
    assert text.index("Not in Parley yet") < video.start()


def test_the_list_costs_the_same_queries_for_three_and_for_thirty_accounts(
    as_alice: Client, club: Organization, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    from django.db import connection as database
    from django.test.utils import CaptureQueriesContext

    for _ in range(3):
        factories.make_connection(club)
    as_alice.get("/connections/")
    with CaptureQueriesContext(database) as few:
        as_alice.get("/connections/")
    for _ in range(27):
        factories.make_connection(club)
    with django_assert_num_queries(len(few)):
        as_alice.get("/connections/")


def test_the_detail_page_shows_limits_and_the_log(as_bob: Client, alice: User, club: Organization) -> None:
    connection = factories.make_connection(club, "MASTODON", limits={"characters": 900}, expires_in_s=None)
    mark_inactive(connection, code="INVALID_TOKEN", message="The token was revoked.", by=alice)
    text = text_of(as_bob, f"/connections/{connection.pk}/")
    for shown in (
        "900",
        "Access lost",
        "The token was revoked.",
        "alice@riverside.example",
        "A Mastodon sign-in opens exactly one account.",
    ):
        assert shown in text


def test_the_question_before_disconnecting_lists_the_posts_that_it_cancels(
    as_alice: Client, club: Organization
) -> None:
    connection = factories.make_connection(club)
    factories.make_post(connection, content="Frost on the greens")
    factories.make_post(connection, content="An old one", status=PostStatus.PUBLISHED)
    path = f"/connections/{connection.pk}/disconnect/"
    text = text_of(as_alice, path)
    assert "1 scheduled post will be cancelled." in text
    assert "Frost on the greens" in text
    assert "An old one" not in text
    answer = as_alice.post(path, follow=True)
    connection.refresh_from_db()
    assert connection.disconnected_at is not None
    assert "1 disconnected account" in html.unescape(answer.content.decode())


@pytest.mark.parametrize("verb", ["refresh", "validate", "disconnect"])
def test_a_marketer_changes_no_account(as_bob: Client, club: Organization, verb: str) -> None:
    connection = factories.make_connection(club)
    assert as_bob.post(f"/connections/{connection.pk}/{verb}/").status_code == 403


def test_a_marketer_may_sync(as_bob: Client, club: Organization, http: responses.RequestsMock) -> None:
    connection = factories.make_connection(club)
    over.x_knows(http, name="Its new name")
    as_bob.post(f"/connections/{connection.pk}/sync/")
    connection.refresh_from_db()
    assert connection.account_name == "Its new name"


@pytest.mark.parametrize("path", ["", "avatar/", "disconnect/"])
def test_a_foreign_organization_sees_nothing(as_eve: Client, club: Organization, path: str) -> None:
    connection = factories.make_connection(club, account_name="Secret club account")
    connection.avatar.save("a.png", ContentFile(factories.picture()))
    assert as_eve.get(f"/connections/{connection.pk}/{path}").status_code == 404
    assert "Secret club account" not in text_of(as_eve, "/connections/")


@pytest.mark.parametrize("verb", ["refresh", "validate", "sync", "disconnect"])
def test_a_foreign_organization_changes_nothing(as_eve: Client, club: Organization, verb: str) -> None:
    connection = factories.make_connection(club)
    assert as_eve.post(f"/connections/{connection.pk}/{verb}/").status_code == 404
    connection.refresh_from_db()
    assert connection.is_active


@pytest.mark.parametrize("verb", ["refresh", "validate", "sync"])
def test_reading_a_page_changes_nothing(as_alice: Client, club: Organization, verb: str) -> None:
    connection = factories.make_connection(club)
    assert as_alice.get(f"/connections/{connection.pk}/{verb}/").status_code == 405


def test_the_picture_comes_from_here(as_bob: Client, club: Organization) -> None:
    connection = factories.make_connection(club, avatar_url="https://pbs.twimg.com/a.png")
    connection.avatar.save("club-0123abcd.png", ContentFile(factories.picture()))
    connection.save()
    text = text_of(as_bob, "/connections/")
    assert f"/connections/{connection.pk}/avatar/?v=" in text
    assert "pbs.twimg.com" not in text
    answer = as_bob.get(f"/connections/{connection.pk}/avatar/")
    assert answer["Content-Type"] == "image/png"
    assert answer.getvalue().startswith(b"\x89PNG")


def test_a_platforms_trouble_is_shown_on_the_account(
    as_alice: Client, club: Organization, http: responses.RequestsMock
) -> None:
    connection = factories.make_connection(club)
    http.get(over.X_ME, status=503)
    answer = as_alice.post(f"/connections/{connection.pk}/validate/", follow=True)
    assert 'data-tone="danger"' in answer.content.decode()
    connection.refresh_from_db()
    assert connection.is_active


# --- an organization's own app ----------------------------------------------------------------------------------------


APP = "/connections/apps/twitter/"


def x_accepts_the_app(http: responses.RequestsMock) -> None:
    over.x_refuses_the_grant(http)  # X says that the made-up token is wrong, not that the client is


def test_an_own_app_is_tested_stored_sealed_and_never_shown(
    as_alice: Client, club: Organization, http: responses.RequestsMock
) -> None:
    x_accepts_the_app(http)
    as_alice.post(APP, {"client_id": "club-app", "client_secret": "club-secret-51"})
    app = PlatformApp.objects.get()
    assert (app.organization, app.client_id, reveal(app, "client_secret")) == (club, "club-app", "club-secret-51")
    assert "club-secret-51" not in app.client_secret
    for path in (APP, "/connections/"):
        assert "club-secret-51" not in text_of(as_alice, path)
    assert "club-secret-51" not in str(list(AuditEvent.objects.values()))


def test_a_refused_app_is_not_stored_and_its_secret_not_repeated(
    as_alice: Client, http: responses.RequestsMock
) -> None:
    http.post(over.X_TOKEN, status=401, json={"error": "invalid_client"})
    answer = as_alice.post(APP, {"client_id": "club-app", "client_secret": "wrong-secret-51"})
    assert answer.status_code == 422
    assert "Not saved:" in answer.content.decode()
    assert "wrong-secret-51" not in answer.content.decode()
    assert not PlatformApp.objects.exists()


def test_an_empty_secret_keeps_the_stored_one(as_alice: Client, http: responses.RequestsMock) -> None:
    x_accepts_the_app(http)
    as_alice.post(APP, {"client_id": "club-app", "client_secret": "first"})
    as_alice.post(APP, {"client_id": "club-app-2", "client_secret": ""})
    app = PlatformApp.objects.get()
    assert (app.client_id, reveal(app, "client_secret")) == ("club-app-2", "first")


def test_an_own_app_can_be_removed(as_alice: Client, http: responses.RequestsMock) -> None:
    x_accepts_the_app(http)
    as_alice.post(APP, {"client_id": "club-app", "client_secret": "first"})
    as_alice.post(f"{APP}remove/")
    assert not PlatformApp.objects.exists()


def test_a_renewal_uses_the_app_that_the_tokens_were_given_to(
    as_alice: Client, club: Organization, http: responses.RequestsMock
) -> None:
    """Entering an app of one's own must not break the accounts that were connected before."""
    import base64

    from connections.tokens import call_with_fresh_token

    connection = factories.make_connection(club, expires_in_s=-5, app_client_id="sandbox-x-client")
    x_accepts_the_app(http)
    as_alice.post(APP, {"client_id": "club-app", "client_secret": "first"})
    http.reset()
    over.x_gives_tokens(http)
    call_with_fresh_token(connection, lambda client: client.access_token)
    sent = base64.b64decode(http.calls[0].request.headers["Authorization"].removeprefix("Basic ")).decode()
    assert sent.startswith("sandbox-x-client:")


def test_a_platform_without_settings_offers_to_enter_an_app(as_alice: Client, settings: Any) -> None:
    settings.PLATFORM_APPS = {}
    text = text_of(as_alice, "/connections/")
    assert "TWITTER_CLIENT_ID" in text
    assert "Set up your own app" in text


@pytest.mark.parametrize("name", ["mastodon", "nowhere", "TWITTER"])
def test_there_is_no_app_page_for_what_needs_none(as_alice: Client, name: str) -> None:
    assert as_alice.get(f"/connections/apps/{name}/").status_code == 404


# --- the operators' admin ---------------------------------------------------------------------------------------------


ADMIN = "/admin/connections/socialconnection/"


def act(browser: Client, action: str, *connections: SocialConnection) -> str:
    answer = browser.post(
        ADMIN, {"action": action, "_selected_action": [str(one.pk) for one in connections]}, follow=True
    )
    return html.unescape(answer.content.decode())


def test_the_admin_shows_the_own_organization_alone(as_alice: Client, club: Organization, rivals: Organization) -> None:
    mine = factories.make_connection(club, account_name="Club account")
    theirs = factories.make_connection(rivals, account_name="Rival account")
    text = text_of(as_alice, ADMIN)
    assert "Club account" in text
    assert "Rival account" not in text
    assert as_alice.get(f"{ADMIN}{mine.pk}/change/").status_code == 200
    assert as_alice.get(f"{ADMIN}{theirs.pk}/change/").status_code == 302
    act(as_alice, "mark_token_expired", theirs)
    theirs.refresh_from_db()
    assert theirs.is_active


def test_the_admin_marks_inactive_with_the_runbooks_words_and_audits(
    as_alice: Client, alice: User, club: Organization
) -> None:
    connection = factories.make_connection(club)
    assert "1 connection was marked inactive." in act(as_alice, "mark_token_expired", connection)
    connection.refresh_from_db()
    assert connection.error_message == "Token expired - reauthentication required"
    assert AuditEvent.objects.filter(action="connection.inactivated", actor=alice).exists()


def test_the_admin_renews_and_validates(as_alice: Client, club: Organization, http: responses.RequestsMock) -> None:
    connection = factories.make_connection(club)
    over.x_gives_tokens(http, "second")
    assert "renewed" in act(as_alice, "refresh_token", connection)
    over.x_knows(http)
    assert "valid" in act(as_alice, "validate_token", connection)


def test_an_agent_looks_but_does_not_touch(club: Organization) -> None:
    agent = signed_in(factories.make_member(club, Role.AGENT).user)
    connection = factories.make_connection(club)
    assert connection.account_name in text_of(agent, ADMIN)
    act(agent, "mark_token_expired", connection)
    connection.refresh_from_db()
    assert connection.is_active


def test_the_admin_finds_what_expires_within_a_week(as_alice: Client, club: Organization) -> None:
    factories.make_connection(club, account_name="Soon", expires_in_s=3 * 86400)
    factories.make_connection(club, account_name="Later", expires_in_s=30 * 86400)
    factories.make_connection(club, account_name="Broken", expires_in_s=86400, is_active=False)
    text = text_of(as_alice, ADMIN, expires="7")
    assert "Soon" in text
    assert "Later" not in text
    assert "Broken" not in text


def test_an_account_that_was_disconnected_offers_to_connect_again(
    as_alice: Client, alice: User, club: Organization
) -> None:
    connection = disconnect(factories.make_connection(club), by=alice)
    text = text_of(as_alice, f"/connections/{connection.pk}/")
    assert "Connect again" in text
    assert "/validate/" not in text


def test_the_detail_page_shows_what_is_left_of_the_budgets(as_bob: Client, club: Organization, settings: Any) -> None:
    from connections import budgets

    settings.RATE_BUDGETS = ["TWITTER.posts=2/15m"]
    connection = factories.make_connection(club)
    assert "2 of 2" in text_of(as_bob, f"/connections/{connection.pk}/")
    budgets.take(connection, "posts")
    text = text_of(as_bob, f"/connections/{connection.pk}/")
    assert "Posts in 15 minutes" in text
    assert "1 of 2" in text
    budgets.take(connection, "posts")
    assert "No quota left until" in text_of(as_bob, f"/connections/{connection.pk}/")
