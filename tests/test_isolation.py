"""Nobody reaches another organization: every registered route is asked with its rows and a stranger's credentials.

A new route is covered as soon as it is registered. When it has a parameter that the walk cannot fill, the test fails and
says where to add a row.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import responses
from django.apps import apps
from django.contrib import admin
from django.test import Client

from accounts.models import Organization, User
from tests.api.client import ApiClient
from tests.conftest import signed_in
from tests.walk import ALIASES, CREDENTIALS_IN_PATH, MARK, METHODS, PLAIN_VALUES, Club, Route, all_routes

HEALTH = ("readyz", "health")
"""These answer 503 where a service is down, to anybody."""

REFUSED = {302, 401, 403, 404, 405}
"""405: the method does not exist there. 302 leads away; that nothing was done is seen by the snapshot."""


@pytest.fixture(autouse=True)
def _no_network() -> Iterator[None]:
    with responses.RequestsMock(assert_all_requests_are_fired=False):
        yield


@pytest.fixture
def zebra(club: Organization, alice: User, bob: User, eve: User) -> Club:
    return Club(club, alice, bob)


@dataclass
class Stranger:
    """Somebody who asks for what is not theirs: signed in as ``user`` in a browser, or with ``headers``."""

    name: str
    user: User | None = None
    headers: dict[str, str] = field(default_factory=dict)
    browser: Client = field(default_factory=Client)

    def send(self, method: str, address: str, body: Any = None) -> Any:
        if self.user and "_auth_user_id" not in self.browser.session:  # some routes sign out
            self.browser = signed_in(self.user)
        return send(self.browser, method, address, self.headers, body)

    def asks(self, route: Route) -> bool:
        return route.is_rest or not self.headers


def strangers(eve: User, club: Organization) -> list[Stranger]:
    bearer = {"Authorization": f"Bearer {ApiClient(eve).tokens['access']}"}
    return [
        Stranger("eve", eve),
        Stranger("eve with her token", headers=bearer),
        Stranger("eve with her token, naming the club", headers=bearer | {"X-Organization": str(club.pk)}),
        Stranger("nobody"),
    ]


def body_of(answer: Any) -> str:
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return content.decode("utf-8", "replace").lower()


def send(browser: Client, method: str, address: str, headers: dict[str, str], body: Any = None) -> Any:
    browser.raise_request_exception = False
    if method in {"GET", "HEAD", "OPTIONS"}:
        return getattr(browser, method.lower())(address, headers=headers)
    if address.startswith("/api/v1/"):
        return browser.generic(
            method, address, json.dumps(body or {}), content_type="application/json", headers=headers
        )
    if method == "POST":
        return browser.post(address, body or {}, headers=headers)
    return getattr(browser, method.lower())(address, headers=headers)


def test_every_parameter_of_every_route_can_be_filled(zebra: Club) -> None:
    missing = []
    for route in all_routes():
        try:
            zebra.values_for(route)
        except KeyError as error:
            missing.append(str(error.args[0]))
    assert not missing, "\n".join(missing)


def test_every_table_of_an_organization_has_a_row_in_the_walk(zebra: Club) -> None:
    tables = {
        model for model in apps.get_models()
        if any(getattr(field, "related_model", None) is Organization and field.concrete for field in model._meta.get_fields())
    }  # fmt: skip
    missing = {model._meta.label for model in tables} - {model._meta.label for model in zebra.rows}
    assert not missing, f"make one of each in Club (tests/walk.py): {sorted(missing)}"
    assert set(ALIASES.values()) <= set(zebra.rows)


def _names_a_row(route: Route) -> bool:
    return bool(set(route.parameters) - set(PLAIN_VALUES))


def test_rows_of_another_organization_are_refused_by_every_route_and_method(
    zebra: Club, club: Organization, eve: User, settings: Any
) -> None:
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {
        "DEFAULT_THROTTLE_RATES": {"credential": "1000000/min", "sign_in": "1000000/min"}
    }
    people = strangers(eve, club)
    before = zebra.snapshot()
    wrong, asked = [], 0
    for route in all_routes():
        if not _names_a_row(route):
            continue
        address = route.with_values(zebra.values_for(route))
        accepted = REFUSED | ({200, 400, 410} if route.name in CREDENTIALS_IN_PATH else set())
        for who in people:
            for method in METHODS if who.asks(route) else ():
                answer = who.send(method, address)
                asked += 1
                if answer.status_code not in accepted:
                    wrong.append(f"{method} {address} as {who.name}: {answer.status_code} ({route.name})")
                elif MARK in body_of(answer):
                    wrong.append(f"{method} {address} as {who.name}: shows what is the club's ({route.name})")
    assert asked > 1000
    assert not wrong, "\n".join(wrong)
    after = zebra.snapshot()
    changed = [label for label in before if before[label] != after[label]]
    assert not changed, f"a stranger changed rows of: {changed}"


def test_no_list_page_or_answer_shows_rows_of_another_organization(zebra: Club, club: Organization, eve: User) -> None:
    ids = zebra.ids()
    wrong, seen = [], 0
    people = strangers(eve, club)
    for route in all_routes():
        if _names_a_row(route):
            continue
        address = route.with_values(zebra.values_for(route))
        for who in people:
            if not who.asks(route):
                continue
            answer = who.send("GET", address)
            text = body_of(answer)
            seen += answer.status_code == 200
            if answer.status_code >= 500 and not route.path.startswith(HEALTH):
                wrong.append(f"GET {address} as {who.name}: {answer.status_code}")
            if MARK in text or any(row_id in text for row_id in ids):
                wrong.append(f"GET {address} as {who.name}: shows what is the club's ({route.name})")
    assert seen > 30
    assert not wrong, "\n".join(wrong)


def test_rows_named_in_a_query_or_a_form_are_refused_too(zebra: Club, eve: User) -> None:
    """The club's ids under every name that a form or a filter of ours uses."""
    named = {model._meta.model_name or "": str(row.pk) for model, row in zebra.rows.items()}
    named |= {name: str(zebra.row(model).pk) for name, model in ALIASES.items()}
    named |= {"post": named["socialpost"], "connection": named["socialconnection"], "asset": named["mediaasset"]}
    named |= {"id": named["post"], "owner": named["user"], "created_by": named["user"], "author": named["user"]}
    ids = list(named.values())
    lists = {
        "posts": [named["post"]],
        "post_ids": [named["post"]],
        "ids": ids,
        "connections": [named["connection"]],
        "media": [named["asset"]],
    }
    before = zebra.snapshot()
    token = {"Authorization": f"Bearer {ApiClient(eve).tokens['access']}"}
    by_token, by_browser = Stranger("eve with her token", headers=token), Stranger("eve", eve)
    wrong = []
    for route in all_routes():
        if _names_a_row(route):
            continue
        address = route.with_values(zebra.values_for(route))
        eve_here = by_token if route.is_rest else by_browser
        # The API refuses names that it does not know; pages leave them alone.
        queries = [f"{name}={value}" for name, value in named.items()]
        for query in queries if route.is_rest else ["&".join(queries)]:
            if MARK in body_of(eve_here.send("GET", f"{address}?{query}")):
                wrong.append(f"GET {address}?{query}: shows what is the club's")
        for action in ("cancel", "delete"):
            form = named | lists | {"action": action, "role": "OWNER", "content": "x", "name": "x"}
            answer = eve_here.send("POST", address, form)
            if MARK in body_of(answer) or (answer.status_code >= 500 and not route.path.startswith(HEALTH)):
                wrong.append(f"POST {address}: {answer.status_code} ({route.name})")
            if route.is_rest:
                break
    assert not wrong, "\n".join(wrong)
    after = zebra.snapshot()
    changed = [label for label in before if before[label] != after[label]]
    assert not changed, f"a stranger changed rows of: {changed}"


def test_the_walk_would_notice_a_leak(zebra: Club, alice: User) -> None:
    """The same walk as the club's own owner finds the marks: it is not blind."""
    browser, found = signed_in(alice), set()
    bearer = {"Authorization": f"Bearer {ApiClient(alice).tokens['access']}"}
    for route in all_routes():
        if route.path.startswith(("api/v1/", "accounts/", "organization/audit.csv")) and not route.is_rest:
            continue
        headers = bearer if route.is_rest else {}
        address = route.with_values(zebra.values_for(route))
        if route.name in CREDENTIALS_IN_PATH:
            continue
        answer = send(browser, "GET", address, headers)
        if answer.status_code == 200 and MARK in body_of(answer):
            found.add(route.name)
    assert {"publishing:posts", "connections:list", "accounts:members", "publishing_api:posts-list"} <= found
    assert any(name.startswith("admin:") for name in found)
    assert len(found) > 25
    assert admin.site._registry
