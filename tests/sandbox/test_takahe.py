"""A server that speaks Mastodon's API and understands broad scopes alone, as Takahe does."""

from typing import Any

import pytest
from django.test import Client

from tests.sandbox.callers import (
    MASTODON_CALLBACK,
    RIVERSIDE_MASTODON,
    Caller,
    approve,
    challenge_of,
    mastodon_request,
    register,
)

PARTS = "read:accounts read:statuses write:statuses write:media"
BASE = "/sandbox/takahe"


def connect(client: Client, scope: str) -> Caller:
    form = {"client_name": "Parley", "redirect_uris": MASTODON_CALLBACK, "scopes": scope}
    app = client.post(f"{BASE}/api/v1/apps", form).json()
    address = mastodon_request(app, scope=scope).replace("/sandbox/mastodon", BASE)
    code = approve(client, address, account=RIVERSIDE_MASTODON)["code"]
    answer = exchange(client, app, code).json()
    assert answer["scope"] == scope
    return Caller(client, BASE, answer["access_token"], {"app": app})


def exchange(client: Client, app: dict[str, Any], code: str) -> Any:
    form = {
        "client_id": app["client_id"], "client_secret": app["client_secret"], "grant_type": "authorization_code",
        "code": code, "redirect_uri": MASTODON_CALLBACK,
    }  # fmt: skip
    return client.post(f"{BASE}/oauth/token", form)


def test_parts_of_scopes_are_registered_and_granted_and_then_do_not_open_the_account(visitor: Client) -> None:
    narrow = connect(visitor, PARTS)
    refused = narrow.get("/api/v1/accounts/verify_credentials")
    assert (refused.status_code, refused.json()) == (403, {"error": "out_of_scope_for_token"})
    broad = connect(visitor, "read write")
    assert broad.get("/api/v1/accounts/verify_credentials").json()["acct"] == "riverside"
    assert broad.json("/api/v1/statuses", {"status": "Hello"}).status_code == 200


def test_an_application_gets_only_the_scopes_that_it_registered_letter_by_letter(visitor: Client) -> None:
    app = register(visitor, scopes=PARTS).json()
    address = mastodon_request(app, scope="read write").replace("/sandbox/mastodon", BASE)
    assert visitor.get(address).status_code == 400


def test_its_addresses_are_its_own(visitor: Client) -> None:
    status = connect(visitor, "read write").json("/api/v1/statuses", {"status": "Hello"}).json()
    assert status["url"].startswith(f"http://testserver{BASE}/@riverside/")
    assert visitor.get(status["url"].removeprefix("http://testserver")).status_code == 200
    assert visitor.get(f"{BASE}/api/v2/instance").json()["version"] == "takahe/0.11.0"
    assert visitor.get(f"{BASE}/.well-known/oauth-authorization-server").status_code == 404
    assert visitor.get(f"{BASE}/").status_code == 200


def test_it_knows_neither_app_tokens_nor_proof_keys_nor_idempotency_keys(visitor: Client, taken: Any) -> None:
    app = register(visitor, scopes="read write").json()
    secrets = {"client_id": app["client_id"], "client_secret": app["client_secret"]}
    none = visitor.post(f"{BASE}/oauth/token", secrets | {"grant_type": "client_credentials"})
    assert (none.status_code, none.json()["error"]) == (400, "invalid_grant_type")
    address = mastodon_request(app, code_challenge=challenge_of("never told")).replace("/sandbox/mastodon", BASE)
    assert exchange(visitor, app, approve(visitor, address, account=RIVERSIDE_MASTODON)["code"]).status_code == 200
    caller = connect(visitor, "read write")
    for _ in range(2):
        caller.json("/api/v1/statuses", {"status": "Twice"}, {"Idempotency-Key": "k"})
    assert [one["text"] for one in taken("MASTODON")] == ["Twice", "Twice"]


def test_its_refusals_are_short(visitor: Client) -> None:
    caller = connect(visitor, "read write")
    app = caller.extra["app"]
    wrong = exchange(visitor, app, "no such code")
    assert (wrong.status_code, wrong.json()) == (401, {"error": "access_denied"})
    assert visitor.get(f"{BASE}/api/v1/accounts/verify_credentials").json() == {"error": "identity_token_required"}
    secrets = {"client_id": app["client_id"], "client_secret": app["client_secret"]}
    ended = visitor.post(f"{BASE}/oauth/revoke", secrets | {"token": caller.token})
    assert (ended.status_code, ended.content) == (200, b"")
    dead = caller.get("/api/v1/accounts/verify_credentials")
    assert (dead.status_code, dead.content) == (400, b"Invalid Bearer token")
    assert visitor.post(f"{BASE}/oauth/revoke", secrets | {"token": "unknown"}).status_code == 403


@pytest.mark.parametrize("scopes", ["read:accounts", PARTS])
def test_mastodon_itself_takes_the_parts(visitor: Client, scopes: str) -> None:
    app = register(visitor, scopes=scopes).json()
    code = approve(visitor, mastodon_request(app, scope=scopes), account=RIVERSIDE_MASTODON)["code"]
    assert code
