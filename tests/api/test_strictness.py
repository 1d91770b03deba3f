"""The endpoints take what the schema says and nothing else, and refuse what no schema can say with another status."""

import json
from typing import Any

import pytest
from django.test import Client

from accounts.models import Organization, User
from campaigns.models import Campaign
from publishing.models import SocialPost
from tests import factories
from tests.api.client import ApiClient


@pytest.fixture
def api(alice: User) -> ApiClient:
    return ApiClient(alice)


def send(api: ApiClient, path: str, body: bytes | str, kind: str = "application/json") -> Any:
    return api.browser.post(f"/api/v1/{path}", body, content_type=kind, headers=api.headers)


class TestBodies:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("name", 5), ("name", True), ("name", 1.5), ("name", ["x"]), ("name", {"a": 1}), ("name", None),
            ("name", "x" * 120 + " "), ("is_archived", "true"), ("is_archived", 1), ("is_archived", "yes"),
            ("starts_on", "20260301"), ("starts_on", "2026-3-1"), ("starts_on", 20260301), ("owner", 5), ("owner", ""),
            ("owner", "01a221c481c67a6e9ff37b741f952713"), ("owner", True), ("goal", 0), ("colour", " #2f5d50"),
        ],
    )  # fmt: skip
    def test_a_value_of_another_kind_is_refused(self, api: ApiClient, name: str, value: Any) -> None:
        answer = api.post("campaigns", {"name": "Spring"} | {name: value})
        assert (answer.status_code, set(answer.json()["errors"])) == (400, {name})
        assert not Campaign.objects.exists()

    @pytest.mark.parametrize(
        "body",
        [
            {"language": "tlh"}, {"language": ""}, {"time_zone": "Mars/Olympus"}, {"time_zone": "localtime"},
            {"slug": "two words"}, {"publishing": {"gap_minutes": "5"}}, {"publishing": {"gap_minutes": True}},
            {"publishing": {"gap_minutes": 1.5}}, {"publishing": {"quiet_from": "7:00", "quiet_to": "08:00"}},
            {"publishing": {"quiet_from": "07:00:30", "quiet_to": "08:00"}}, {"publishing": {"gap_minutes": 10**30}},
            {"publishing": {"quiet_from": "07:00Z", "quiet_to": "08:00"}}, {"publishing": []}, {"publishing": None},
        ],
    )  # fmt: skip
    def test_an_organization_s_settings_are_those_that_exist(
        self, api: ApiClient, club: Organization, body: dict[str, Any]
    ) -> None:
        before = Organization.objects.values().get(pk=club.pk)
        assert api.patch("organization", body).status_code == 400
        assert Organization.objects.values().get(pk=club.pk) == before

    def test_known_settings_are_taken(self, api: ApiClient) -> None:
        rules = {"gap_minutes": 10, "quiet_from": "22:00", "quiet_to": "07:00"}
        answer = api.patch("organization", {"language": "en", "time_zone": "Etc/UTC", "publishing": rules})
        assert answer.status_code == 200
        assert answer.json()["publishing"] == rules

    @pytest.mark.parametrize(
        "at", ["2026-12-03 09:00:00Z", "2026-12-03T09:00Z", "2026-12-03", "20261203T090000Z", 1796720400, True]
    )
    def test_a_moment_is_written_as_the_schema_says(self, api: ApiClient, club: Organization, at: Any) -> None:
        post = factories.make_post(factories.make_connection(club))
        answer = api.post(f"social/posts/{post.pk}/schedule", {"scheduled_at": at})
        assert (answer.status_code, set(answer.json()["errors"])) == (400, {"scheduled_at"})

    def test_a_list_s_items_are_looked_at_one_by_one(self, api: ApiClient, club: Organization) -> None:
        x = factories.make_connection(club)
        body = {"connections": [str(x.pk), 5, None], "content": "Tee", "variants": {str(x.pk): {"content": 5}}}
        answer = api.post("social/post-groups", body)
        assert answer.status_code == 400
        assert {"connections.1", "connections.2"} <= set(answer.json()["errors"])
        body["connections"] = [str(x.pk)]
        assert set(api.post("social/post-groups", body).json()["errors"]) == {f"variants.{x.pk}.content"}

    @pytest.mark.parametrize("body", [{"goal": "a\x00b"}, {"name": "a\x00"}])
    def test_what_the_database_cannot_hold_is_refused(self, api: ApiClient, body: dict[str, str]) -> None:
        answer = api.post("campaigns", {"name": "Spring"} | body)
        assert (answer.status_code, set(answer.json()["errors"])) == (422, set(body))

    @pytest.mark.parametrize(
        "body",
        [{"access_token": "\U000712b4"}, {"access_token": "a b"}, {"refresh_token": "é"}, {"permissions": ["a\n"]}],
    )
    def test_a_token_is_what_a_header_can_carry(self, api: ApiClient, body: dict[str, Any]) -> None:
        answer = api.post("social/connections", {"platform": "TWITTER", "access_token": "a"} | body)
        assert answer.status_code == 400

    @pytest.mark.parametrize("server", ["õ'", "http://127.0.0.1:1", "a b", "user:pw@mastodon.example", "https://"])
    def test_a_server_that_is_none_is_impossible_and_not_malformed(self, api: ApiClient, server: str) -> None:
        body = {"platform": "MASTODON", "access_token": "a", "server_url": server}
        assert api.post("social/connections", body).status_code == 422

    def test_a_taken_short_name_is_a_conflict(self, api: ApiClient, rivals: Organization) -> None:
        answer = api.patch("organization", {"slug": rivals.slug})
        assert (answer.status_code, set(answer.json()["errors"])) == (409, {"slug"})

    @pytest.mark.parametrize("path", ["campaigns", "auth/token", "social/posts"])
    def test_a_body_over_the_limit_is_a_413_problem(self, api: ApiClient, settings: Any, path: str) -> None:
        settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
        answer = send(api, path, json.dumps({"name": "x" * 1000}))
        assert (answer.status_code, answer["Content-Type"]) == (413, "application/problem+json")
        assert answer.json()["code"] == "body_too_large"

    def test_a_page_s_body_over_the_limit_is_a_413_too(self, as_alice: Client, settings: Any) -> None:
        settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
        answer = as_alice.post("/start/", {"name": "x" * 1000})
        assert answer.status_code == 413
        assert answer["Content-Type"].startswith("text/html")

    @pytest.mark.parametrize(
        ("body", "kind"),
        [
            (b"[" * 100_000, "application/json"), (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, "application/json"),
            (b'{"name": "\xff"}', "application/json"), (b'{"name": NaN}', "application/json"),
            (b"1" * 5000, "application/json"), (b"null", "application/json"), (b'"x"', "application/json"),
            (b'\xef\xbb\xbf{"name": ', "application/json"),
        ],
    )  # fmt: skip
    def test_what_cannot_be_read_is_a_400_problem(self, api: ApiClient, body: bytes, kind: str) -> None:
        answer = send(api, "campaigns", body, kind)
        assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")

    @pytest.mark.parametrize("kind", ["text/plain", "application/xml", "", "multipart/form-data; boundary=x"])
    def test_another_kind_of_body_is_a_415_problem(self, api: ApiClient, kind: str) -> None:
        answer = send(api, "campaigns", b'{"name": "x"}', kind)
        assert (answer.status_code, answer["Content-Type"]) == (415, "application/problem+json")

    def test_an_upload_that_breaks_off_is_a_400_problem(self, api: ApiClient) -> None:
        answer = send(api, "social/media", b"--x\r\nContent-Disp", "multipart/form-data; boundary=\xff")
        assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")


class TestParameters:
    @pytest.mark.parametrize(
        "path",
        [
            "campaigns?owner=", "campaigns?owner=null", "campaigns?owner=01a221c481c67a6e9ff37b741f952713",
            "campaigns?is_archived=", "campaigns?is_archived=null", "campaigns?is_archived=1", "campaigns?is_archived=maybe",
            "invitations?is_open=null", "invitations?is_open=true&is_open=false", "notifications?unread=2",
            "social/connections?platform=", "social/connections?is_active=unknown", "social/posts?status=",
            "social/posts?platform=", "social/posts?scheduled_before=", "social/posts?scheduled_before=2026-12-03",
            "social/posts?scheduled_before=2026-12-03T09:00:00", "social/posts?connection=x", "members?role=",
            "members?limit=5&limit=6", "audit-events?until=", "audit-events?action=%00", "social/posts?q=%00",
            "social/calendar?from=2026-07-01&to=2026-07-02&campaign=",
        ],
    )  # fmt: skip
    def test_a_filter_that_narrows_to_nothing_known_is_refused(self, api: ApiClient, path: str) -> None:
        answer = api.get(path)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid")

    @pytest.mark.parametrize(
        "path",
        [
            "campaigns?is_archived=true", "campaigns?is_archived=False", "social/posts?status=DRAFT&status=FAILED",
            "social/posts?scheduled_before=2026-12-03T09:00:00%2B01:00", "audit-events?action=", "social/posts?q=",
        ],
    )  # fmt: skip
    def test_what_the_schema_describes_is_taken(self, api: ApiClient, path: str) -> None:
        assert api.get(path).status_code == 200

    def test_a_cursor_with_letters_that_no_row_has_is_refused(self, api: ApiClient) -> None:
        import base64

        for value in ("a\x00", "\ud800"):
            text = json.dumps(["name", False, value, "01a221c4-81c6-7a6e-9ff3-7b741f952713"])
            cursor = base64.urlsafe_b64encode(text.encode()).decode()
            assert api.get(f"campaigns?ordering=name&cursor={cursor}").status_code == 422


class TestMethods:
    @pytest.mark.parametrize("path", ["campaigns?limit=5", "audit-events?action=x", "organization", "auth/token"])
    @pytest.mark.parametrize("method", ["TRACE", "PUT", "OPTIONS"])
    def test_a_method_that_is_not_there_is_a_405_problem(self, api: ApiClient, path: str, method: str) -> None:
        answer = api.browser.generic(method, f"/api/v1/{path}", headers=api.headers)
        assert (answer.status_code, answer["Content-Type"]) == (405, "application/problem+json")
        assert method not in answer["Allow"]


def test_nothing_was_made_on_the_way(api: ApiClient, club: Organization) -> None:
    """A post group whose last post is refused leaves nothing."""
    x = factories.make_connection(club)
    body = {"connections": [str(x.pk)], "content": "Tee", "scheduled_at": "0001-01-01T00:00:00+23:59"}
    assert api.post("social/post-groups", body).status_code == 422
    assert not SocialPost.objects.exists()
