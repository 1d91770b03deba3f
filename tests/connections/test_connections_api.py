"""Social accounts by REST."""

from typing import Any

import pytest
import responses

from accounts.models import Organization, User
from connections.models import SocialConnection
from tests import factories
from tests.api.client import ApiClient
from tests.connections import platforms_over_http as over

FIELDS = {
    "id", "platform", "account_name", "account_handle", "avatar_url", "kind", "is_active", "permissions",
    "missing_permissions", "token_expires_at", "last_post_at", "last_sync_at", "error_message", "created_at", "updated_at",
}  # fmt: skip
URL = "social/connections"


def test_the_list_has_the_agreed_fields_and_only_the_own_accounts(
    club: Organization, bob: User, rivals: Organization
) -> None:
    mine = factories.make_connection(club, permissions=["tweet.read"])
    factories.make_connection(rivals)
    body = ApiClient(bob).get(URL).json()
    assert set(body) == {"next", "previous", "results"}
    assert [row["id"] for row in body["results"]] == [str(mine.pk)]
    assert set(body["results"][0]) == FIELDS
    assert "tweet.write" in body["results"][0]["missing_permissions"]
    assert body["results"][0]["created_at"].endswith("Z")


def test_the_list_is_filtered_by_platform_and_state_and_refuses_the_rest(club: Organization, bob: User) -> None:
    x = factories.make_connection(club)
    mastodon = factories.make_connection(club, "MASTODON", is_active=False)
    api = ApiClient(bob)
    assert [row["id"] for row in api.get(f"{URL}?platform=TWITTER").json()["results"]] == [str(x.pk)]
    assert [row["id"] for row in api.get(f"{URL}?is_active=false").json()["results"]] == [str(mastodon.pk)]
    for query in ("platform=MYSPACE", "colour=red"):
        answer = api.get(f"{URL}?{query}")
        assert answer.status_code == 400
        assert answer["Content-Type"] == "application/problem+json"


def test_the_list_costs_the_same_queries_for_three_and_for_thirty(club: Organization, bob: User) -> None:
    from django.db import connection as database
    from django.test.utils import CaptureQueriesContext

    api = ApiClient(bob)
    counts = []
    for number in (3, 27):
        for _ in range(number):
            factories.make_connection(club)
        with CaptureQueriesContext(database) as queries:
            assert api.get(URL).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_given_tokens_are_validated_first_and_the_same_account_twice_is_a_conflict(
    club: Organization, alice: User, http: responses.RequestsMock
) -> None:
    over.x_knows(http)
    api = ApiClient(alice)
    body = {
        "platform": "TWITTER",
        "access_token": "given-access-77",
        "refresh_token": "given-refresh-77",
        "expires_in": 7200,
    }
    answer = api.post(URL, body)
    assert answer.status_code == 201
    assert set(answer.json()) == FIELDS
    assert "given-" not in answer.content.decode()
    again = api.post(URL, body)
    assert again.status_code == 409
    assert again.json()["code"] == "already_connected"


def test_refused_tokens_are_a_422_that_does_not_repeat_them(
    club: Organization, alice: User, http: responses.RequestsMock
) -> None:
    over.x_refuses_the_token(http)
    answer = ApiClient(alice).post(URL, {"platform": "TWITTER", "access_token": "given-access-77"})
    assert answer.status_code == 422
    assert answer.json()["code"] == "token_refused"
    assert "given-access-77" not in answer.content.decode()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"platform": "MYSPACE", "access_token": "a"},
        {"platform": "TWITTER"},
        {"platform": "TWITTER", "access_token": "a", "expires_in": 0},
        {"platform": "TWITTER", "access_token": "a", "colour": "red"},
        {"platform": ["TWITTER"], "access_token": {"a": 1}},
    ],
)
def test_malformed_bodies_are_refused(alice: User, body: dict[str, Any]) -> None:
    answer = ApiClient(alice).post(URL, body)
    assert answer.status_code == 400, answer.content
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    "body",
    [
        {"platform": "TWITTER", "access_token": "a", "server_url": "mastodon.social"},
        {"platform": "MASTODON", "access_token": "a"},
    ],
)
def test_a_server_is_named_where_there_are_several_alone(alice: User, body: dict[str, Any]) -> None:
    answer = ApiClient(alice).post(URL, body)
    assert (answer.status_code, set(answer.json()["errors"])) == (422, {"server_url"})


def test_an_operator_refreshes_with_a_bearer_token(
    club: Organization, alice: User, http: responses.RequestsMock
) -> None:
    connection = factories.make_connection(club, expires_in_s=60)
    over.x_gives_tokens(http, "brand-new-access-1")
    answer = ApiClient(alice).post(f"{URL}/{connection.pk}/refresh")
    assert answer.status_code == 200
    assert answer.json()["id"] == str(connection.pk)
    assert "brand-new-access-1" not in answer.content.decode()


def test_what_cannot_be_refreshed_is_a_conflict(club: Organization, alice: User) -> None:
    connection = factories.make_connection(club, "MASTODON", expires_in_s=None, refresh="")
    answer = ApiClient(alice).post(f"{URL}/{connection.pk}/refresh")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_renewable")


def test_a_platform_that_is_down_is_a_502(club: Organization, alice: User, http: responses.RequestsMock) -> None:
    connection = factories.make_connection(club, expires_in_s=60)
    http.post(over.X_TOKEN, status=503)
    answer = ApiClient(alice).post(f"{URL}/{connection.pk}/refresh")
    assert answer.status_code == 502
    assert answer["Content-Type"] == "application/problem+json"


def test_validate_answers_what_the_platform_says(club: Organization, alice: User, http: responses.RequestsMock) -> None:
    connection = factories.make_connection(club)
    over.x_knows(http)
    body = ApiClient(alice).post(f"{URL}/{connection.pk}/validate").json()
    assert set(body) == {"is_valid", "expires_at", "permissions", "platform_user_id", "validated_at", "reason"}
    assert (body["is_valid"], body["platform_user_id"]) == (True, "2244994945")


@pytest.mark.parametrize("verb", ["disconnect", "revoke"])
def test_disconnecting_and_revoking_take_the_tokens_away(club: Organization, alice: User, verb: str) -> None:
    connection = factories.make_connection(club)
    api = ApiClient(alice)
    answer = api.post(f"{URL}/{connection.pk}/{verb}")
    assert (answer.status_code, answer.json()["is_active"]) == (200, False)
    assert not connection.tokens.exists()
    assert api.get(URL).json()["results"] == []
    assert api.get(f"{URL}/{connection.pk}").status_code == 200


@pytest.mark.parametrize(
    ("verb", "expected"), [("refresh", 403), ("validate", 403), ("disconnect", 403), ("revoke", 403), ("sync", 200)]
)
def test_a_marketer_syncs_and_changes_nothing_else(
    club: Organization, bob: User, http: responses.RequestsMock, verb: str, expected: int
) -> None:
    connection = factories.make_connection(club)
    over.x_knows(http)
    assert ApiClient(bob).post(f"{URL}/{connection.pk}/{verb}").status_code == expected
    assert ApiClient(bob).post(URL, {"platform": "TWITTER", "access_token": "a"}).status_code == 403


@pytest.mark.parametrize("verb", ["", "/refresh", "/validate", "/sync", "/disconnect", "/revoke"])
def test_a_foreign_organization_finds_nothing(club: Organization, eve: User, verb: str) -> None:
    connection = factories.make_connection(club)
    api = ApiClient(eve)
    answer = api.post(f"{URL}/{connection.pk}{verb}") if verb else api.get(f"{URL}/{connection.pk}")
    assert answer.status_code == 404
    assert SocialConnection.objects.get(pk=connection.pk).is_active
