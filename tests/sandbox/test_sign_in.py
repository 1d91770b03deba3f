"""Connecting: consent pages, codes, PKCE, tokens, their renewal and their end."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from tests.sandbox.callers import (
    ACADEMY_PAGE,
    FACEBOOK_APP,
    FACEBOOK_CALLBACK,
    FACEBOOK_SECRET,
    FRIENDS_PAGE,
    MARTA,
    MASTODON_CALLBACK,
    RIVERSIDE_MASTODON,
    RIVERSIDE_PAGE,
    RIVERSIDE_X,
    VERIFIER,
    Caller,
    approve,
    connect_facebook,
    connect_mastodon,
    connect_person,
    connect_x,
    facebook_request,
    facebook_token,
    mastodon_request,
    mastodon_token,
    query_of,
    register,
    x_code_form,
    x_request,
    x_token,
)

BAD_TOKEN = {"error": "invalid_request", "error_description": "Value passed for the token was invalid."}
BAD_CODE = {"error": "invalid_request", "error_description": "Value passed for the authorization code was invalid."}


# --- X


def test_x_shows_who_asks_for_what_and_as_whom(visitor: Client) -> None:
    page = visitor.get(x_request())
    assert page.status_code == 200
    for words in ("Parley wants to access your X account", "@riversidegc", "@riverside_proshop", "media.write"):
        assert words in page.content.decode()


def test_x_sends_the_state_and_a_code_back(visitor: Client) -> None:
    back = approve(visitor, x_request(), account=RIVERSIDE_X)
    assert back["state"] == "s-t_a.te"
    answer = x_token(visitor, x_code_form(back["code"]))
    assert answer.status_code == 200
    assert answer.json()["expires_in"] == 7200
    assert answer.json()["token_type"] == "bearer"


def test_x_tells_the_application_of_a_refused_consent(visitor: Client) -> None:
    answer = visitor.post(x_request(), {"decision": "deny", "account": RIVERSIDE_X})
    assert query_of(answer.headers["Location"]) == {"error": "access_denied", "state": "s-t_a.te"}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"client_id": "stranger"}, "client_id is not known"),
        ({"redirect_uri": "http://127.0.0.1:8000/elsewhere"}, "redirect_uri is not one of"),
        ({"redirect_uri": "https://evil.example/api/social/twitter/callback"}, "redirect_uri is not one of"),
        ({"redirect_uri": "http://127.0.0.1:8000/api/social/twitter/callback?x=1"}, "redirect_uri is not one of"),
        ({"code_challenge": None}, "code_challenge is required"),
        ({"code_challenge_method": "S512"}, "must be S256 or plain"),
        ({"response_type": "token"}, "response_type must be code"),
        ({"scope": "tweet.read tweet.fly"}, "tweet.fly does not exist"),
        ({"state": None}, "state of 1 to 500 characters"),
        ({"state": "s" * 501}, "state of 1 to 500 characters"),
    ],
)
def test_x_answers_a_wrong_request_itself_and_never_redirects(
    visitor: Client, changes: dict[str, Any], reason: str
) -> None:
    for answer in (visitor.get(x_request(**changes)), visitor.post(x_request(**changes), {"decision": "approve"})):
        assert answer.status_code == 400
        assert reason in answer.content.decode()


def test_x_refuses_a_verifier_that_does_not_fit_the_challenge(visitor: Client) -> None:
    code = approve(visitor, x_request(), account=RIVERSIDE_X)["code"]
    answer = x_token(visitor, x_code_form(code, code_verifier="another-" + "v" * 40))
    assert answer.status_code == 400
    assert "code verifier did not match" in answer.json()["error_description"]


def test_x_refuses_a_missing_verifier(visitor: Client) -> None:
    code = approve(visitor, x_request(), account=RIVERSIDE_X)["code"]
    answer = x_token(visitor, x_code_form(code, code_verifier=""))
    assert answer.status_code == 400
    assert "[code_verifier]" in answer.json()["error_description"]


def test_a_code_of_x_works_once(visitor: Client) -> None:
    code = approve(visitor, x_request(), account=RIVERSIDE_X)["code"]
    assert x_token(visitor, x_code_form(code)).status_code == 200
    again = x_token(visitor, x_code_form(code))
    assert (again.status_code, again.json()) == (400, BAD_CODE)


def test_a_code_of_x_is_dead_after_thirty_seconds(visitor: Client) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        code = approve(visitor, x_request(), account=RIVERSIDE_X)["code"]
        clock.shift(timedelta(seconds=31))
        late = x_token(visitor, x_code_form(code))
    assert (late.status_code, late.json()) == (400, BAD_CODE)


def test_x_wants_the_redirect_uri_of_the_request_again(visitor: Client) -> None:
    code = approve(visitor, x_request(), account=RIVERSIDE_X)["code"]
    answer = x_token(visitor, x_code_form(code, redirect_uri="http://localhost:8000/api/social/twitter/callback"))
    assert answer.status_code == 400
    assert "redirect uri" in answer.json()["error_description"]


@pytest.mark.parametrize(
    ("basic", "error"), [(None, "unauthorized_client"), ("sandbox-x-client:wrong", "invalid_client")]
)
def test_x_wants_a_confidential_client_to_prove_itself(visitor: Client, basic: str | None, error: str) -> None:
    answer = x_token(visitor, x_code_form("any"), basic=basic)
    assert (answer.status_code, answer.json()["error"]) == (401, error)


def test_a_refresh_of_x_gives_a_new_pair_and_kills_the_old_refresh_token(visitor: Client, x: Caller) -> None:
    first = x.extra["refresh_token"]
    second = x_token(visitor, {"grant_type": "refresh_token", "refresh_token": first}).json()
    assert second["refresh_token"] != first
    assert Caller(visitor, x.base, second["access_token"]).get("/2/users/me").status_code == 200
    reused = x_token(visitor, {"grant_type": "refresh_token", "refresh_token": first})
    assert (reused.status_code, reused.json()) == (400, BAD_TOKEN)
    third = x_token(visitor, {"grant_type": "refresh_token", "refresh_token": second["refresh_token"]})
    assert third.status_code == 200


def test_without_offline_access_x_gives_no_refresh_token(visitor: Client) -> None:
    assert "refresh_token" not in connect_x(visitor, scope="tweet.read users.read").extra


def test_an_access_token_of_x_is_dead_after_two_hours(visitor: Client) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        x = connect_x(visitor)
        clock.shift(timedelta(seconds=7199))
        assert x.get("/2/users/me").status_code == 200
        clock.shift(timedelta(seconds=2))
        late = x.get("/2/users/me")
    assert late.status_code == 401
    assert late.json() == {"title": "Unauthorized", "detail": "Unauthorized", "type": "about:blank", "status": 401}


def test_revoking_the_refresh_token_of_x_ends_the_consent(visitor: Client, x: Caller) -> None:
    form = {"token": x.extra["refresh_token"]}
    basic = {"Authorization": "Basic c2FuZGJveC14LWNsaWVudDpzYW5kYm94LXgtc2VjcmV0"}
    answer = visitor.post("/sandbox/twitter/2/oauth2/revoke", form, headers=basic)
    assert answer.json() == {"revoked": True}
    assert x.get("/2/users/me").status_code == 401
    assert x_token(visitor, {"grant_type": "refresh_token", "refresh_token": form["token"]}).json() == BAD_TOKEN


@pytest.mark.django_db(transaction=True)
def test_of_twenty_refreshes_of_x_at_once_exactly_one_wins(x: Caller) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": x.extra["refresh_token"]}

    def refresh(_: int) -> int:
        from django.db import connection

        try:
            return int(x_token(Client(), form).status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as pool:
        statuses = list(pool.map(refresh, range(20)))
    assert sorted(statuses) == [200] + [400] * 19


# --- Facebook


def test_the_dialog_lets_the_person_choose_pages_and_permissions(visitor: Client) -> None:
    page = visitor.get(facebook_request()).content.decode()
    for words in ("Marta Nunes", "Riverside Golf Club", "Riverside Junior Academy", "may not publish", "read_insights"):
        assert words in page


def test_only_chosen_pages_are_listed_with_their_tasks_and_tokens(visitor: Client) -> None:
    person = connect_person(visitor, [ACADEMY_PAGE, FRIENDS_PAGE])
    rows = person.get("/me/accounts", {"fields": "id,name,tasks,access_token,picture{url}"}).json()["data"]
    assert [row["id"] for row in rows] == [ACADEMY_PAGE, FRIENDS_PAGE]
    assert "CREATE_CONTENT" in rows[0]["tasks"]
    assert rows[1]["tasks"] == ["ANALYZE"]
    assert rows[0]["picture"]["data"]["url"].endswith(".png")


def test_a_page_of_another_person_cannot_be_chosen(visitor: Client) -> None:
    person = connect_person(visitor, [RIVERSIDE_PAGE, "104000000000021"])
    assert [row["id"] for row in person.get("/me/accounts").json()["data"]] == [RIVERSIDE_PAGE]


def test_declined_permissions_are_told_and_missed(visitor: Client) -> None:
    person = connect_person(visitor, permissions=["pages_show_list", "pages_read_engagement"])
    rows = person.get("/me/permissions").json()["data"]
    assert {"permission": "pages_manage_posts", "status": "declined"} in rows
    token = person.get("/me/accounts").json()["data"][0]["access_token"]
    answer = Caller(visitor, person.base, token).json(f"/{RIVERSIDE_PAGE}/feed", {"message": "Hello"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, 200)


def test_a_cancelled_dialog_says_so(visitor: Client) -> None:
    answer = visitor.post(facebook_request(), {"decision": "deny", "account": MARTA})
    back = query_of(answer.headers["Location"])
    assert (back["error"], back["error_reason"], back["state"]) == ("access_denied", "user_denied", "st")


def test_a_code_of_facebook_works_once(visitor: Client) -> None:
    code = approve(visitor, facebook_request(), account=MARTA)["code"]
    assert facebook_token(visitor, code=code, redirect_uri=FACEBOOK_CALLBACK).status_code == 200
    again = facebook_token(visitor, code=code, redirect_uri=FACEBOOK_CALLBACK).json()["error"]
    assert (again["code"], again["error_subcode"]) == (100, 36009)


def test_facebook_checks_app_secret_and_redirect_uri(visitor: Client) -> None:
    code = approve(visitor, facebook_request(), account=MARTA)["code"]
    wrong = facebook_token(visitor, code=code, redirect_uri=FACEBOOK_CALLBACK, client_secret="x").json()["error"]
    assert wrong["message"] == "Error validating client secret."
    other = facebook_token(visitor, code=code, redirect_uri="http://localhost/api/social/facebook/callback")
    assert other.json()["error"]["error_subcode"] == 36008


def test_page_tokens_last_only_when_read_with_a_long_lived_token(visitor: Client) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        short, lasting = connect_facebook(visitor, long=False), connect_facebook(visitor)
        clock.shift(timedelta(hours=3))
        dead = short.get(f"/{RIVERSIDE_PAGE}").json()["error"]
        assert (dead["code"], dead["error_subcode"]) == (190, 463)
        clock.shift(timedelta(days=365))
        assert lasting.get(f"/{RIVERSIDE_PAGE}").status_code == 200


def test_debug_token_tells_what_a_token_is_worth(visitor: Client, facebook: Caller) -> None:
    query = {"input_token": facebook.token, "access_token": f"{FACEBOOK_APP}|{FACEBOOK_SECRET}"}
    told = visitor.get("/sandbox/facebook/v26.0/debug_token", query).json()["data"]
    assert (told["type"], told["is_valid"], told["expires_at"]) == ("PAGE", True, 0)
    assert "pages_manage_posts" in told["scopes"]
    facebook.extra["person"].delete("/me/permissions")
    told = visitor.get("/sandbox/facebook/v26.0/debug_token", query).json()["data"]
    assert (told["is_valid"], told["error"]["subcode"]) == (False, 458)
    stranger = visitor.get("/sandbox/facebook/v26.0/debug_token", query | {"access_token": f"{FACEBOOK_APP}|x"})
    assert stranger.json()["error"]["code"] == 190


def test_taking_the_permissions_back_kills_every_token_of_the_consent(facebook: Caller) -> None:
    person: Caller = facebook.extra["person"]
    assert person.delete(f"/{MARTA}/permissions").json() == {"success": True}
    for caller in (person, facebook):
        refused = caller.get("/me").json()["error"]
        assert (refused["code"], refused["error_subcode"]) == (190, 458)


def test_a_wrong_appsecret_proof_is_refused(facebook: Caller) -> None:
    assert "appsecret_proof" in facebook.get("/me", {"appsecret_proof": "0" * 64}).json()["error"]["message"]


# --- Mastodon


def test_mastodon_registers_an_application(visitor: Client) -> None:
    app = register(visitor).json()
    assert app["redirect_uris"] == [MASTODON_CALLBACK]
    assert app["client_id"] != register(visitor).json()["client_id"]


@pytest.mark.parametrize(
    "changes", [{"redirect_uris": "not an address"}, {"client_name": ""}, {"scopes": "read fly"}, {"redirect_uris": ""}]
)
def test_mastodon_refuses_a_wrong_registration(visitor: Client, changes: dict[str, str]) -> None:
    answer = register(visitor, **changes)
    assert answer.status_code == 422
    assert answer.json()["error"].startswith("Validation failed")


def test_a_token_of_mastodon_has_no_expiry_and_no_refresh_token(mastodon: Caller) -> None:
    assert set(mastodon.extra) == {"app", "access_token", "token_type", "scope", "created_at"}
    assert mastodon.get("/api/v1/accounts/verify_credentials").json()["acct"] == "riverside"


def test_mastodon_checks_pkce_when_a_challenge_was_sent(visitor: Client) -> None:
    app = register(visitor).json()
    form = {"grant_type": "authorization_code", "redirect_uri": MASTODON_CALLBACK}
    code = approve(visitor, mastodon_request(app), account=RIVERSIDE_MASTODON)["code"]
    wrong = mastodon_token(visitor, app, **form, code=code, code_verifier="x" * 43)
    assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_grant")
    assert mastodon_token(visitor, app, **form, code=code, code_verifier=VERIFIER).status_code == 200
    plain = mastodon_request(app, code_challenge=None, code_challenge_method=None)
    code = approve(visitor, plain, account=RIVERSIDE_MASTODON)["code"]
    assert mastodon_token(visitor, app, **form, code=code).status_code == 200


def test_mastodon_grants_no_scope_that_was_not_registered(visitor: Client) -> None:
    app = register(visitor, scopes="read write:statuses").json()
    assert visitor.get(mastodon_request(app, scope="read write")).status_code == 400
    assert visitor.get(mastodon_request(app, scope="read:accounts write:statuses")).status_code == 200


def test_a_call_outside_the_scopes_of_mastodon_is_forbidden(visitor: Client) -> None:
    reader = connect_mastodon(visitor, scope="read")
    refused = reader.json("/api/v1/statuses", {"status": "Hello"})
    assert refused.status_code == 403
    assert refused.json() == {"error": "This action is outside the authorized scopes"}


def test_a_revoked_token_of_mastodon_is_refused(visitor: Client, mastodon: Caller) -> None:
    app = mastodon.extra["app"]
    stranger = register(visitor).json()
    form = {"token": mastodon.token, "client_id": stranger["client_id"], "client_secret": stranger["client_secret"]}
    assert visitor.post("/sandbox/mastodon/oauth/revoke", form).status_code == 403
    form |= {"client_id": app["client_id"], "client_secret": app["client_secret"]}
    assert visitor.post("/sandbox/mastodon/oauth/revoke", form).json() == {}
    refused = mastodon.get("/api/v1/accounts/verify_credentials")
    assert (refused.status_code, refused.json()) == (401, {"error": "The access token was revoked"})
