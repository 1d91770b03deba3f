"""What all endpoints share: errors, strictness, pages, repeated writes, limits."""

import uuid
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
import time_machine
from django.utils import timezone

from accounts.models import AuditEvent, IdempotentAnswer, Invitation, Membership, Notification, Organization, User
from accounts.notifications import notify
from accounts.permissions import Role
from tests import factories
from tests.api.client import ApiClient


@pytest.fixture
def api(alice: User) -> ApiClient:
    return ApiClient(alice)


class TestProblems:
    def test_without_a_credential_it_says_how_to_bring_one(self, db: None) -> None:
        answer = ApiClient().get("members")
        assert answer.status_code == 401
        assert answer["WWW-Authenticate"].startswith("Bearer")
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json() == {
            "type": "urn:parley:problem:not_authenticated", "title": "Unauthorized", "status": 401,
            "detail": "Authentication credentials were not provided.", "code": "not_authenticated",
        }  # fmt: skip

    @pytest.mark.parametrize("header", ["Bearer", "Bearer a b", "Bearer ÿ", "bearer nonsense", "Bearer a.b.c"])
    def test_a_malformed_credential_is_401(self, db: None, header: str) -> None:
        assert ApiClient(Authorization=header).get("members").status_code == 401

    @pytest.mark.parametrize(
        "path", ["no-such-thing", "members/not-an-id", "members/3f0b9a52-6d1e-4c0f-9a44-0d9c4b6a7e11"]
    )
    def test_what_is_not_there_is_a_404_problem(self, api: ApiClient, path: str) -> None:
        answer = api.get(path)
        assert answer.status_code == 404
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["code"] == "not_found"

    def test_an_unknown_method_is_a_405_problem(self, api: ApiClient) -> None:
        answer = api.call("PUT", "organization", {})
        assert answer.status_code == 405
        assert answer["Content-Type"] == "application/problem+json"

    def test_malformed_json_is_a_400_problem(self, api: ApiClient) -> None:
        answer = api.browser.post(
            "/api/v1/invitations", "{not json", content_type="application/json", headers=api.headers
        )
        assert (answer.status_code, answer.json()["code"]) == (400, "parse_error")

    def test_errors_are_listed_by_field(self, api: ApiClient) -> None:
        answer = api.post("invitations", {"email": "not an address", "role": "KING"})
        assert answer.status_code == 400
        assert set(answer.json()["errors"]) == {"email", "role"}

    def test_an_unforeseen_failure_tells_nothing_of_the_inside(self, api: ApiClient) -> None:
        with mock.patch(
            "accounts.api.serializers.OrganizationSerializer.to_representation", side_effect=RuntimeError("dbpw")
        ):
            answer = api.get("organization")
        assert answer.status_code == 500
        assert answer["Content-Type"] == "application/problem+json"
        assert "dbpw" not in answer.content.decode()

    def test_the_role_decides(self, bob: User, alice: User) -> None:
        answer = ApiClient(bob).patch("organization", {"name": "Bob's Club"})
        assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
        assert answer.json()["detail"] == "Your role does not allow this."


class TestStrictness:
    def test_an_unknown_field_is_an_error(self, api: ApiClient, club: Organization) -> None:
        answer = api.patch("organization", {"name": "New", "colour": "red"})
        assert (answer.status_code, answer.json()["code"]) == (400, "unknown_field")
        assert answer.json()["errors"] == {"colour": ["Unknown field."]}
        club.refresh_from_db()
        assert club.name == "Riverside Golf Club"

    def test_a_field_that_cannot_be_set_is_an_error(self, api: ApiClient) -> None:
        answer = api.patch("organization", {"id": str(uuid.uuid4())})
        assert answer.json()["errors"] == {"id": ["This field cannot be set."]}

    @pytest.mark.parametrize("path", ["members?colour=red", "organization?x=1", "members?role=KING"])
    def test_an_unknown_parameter_or_value_is_an_error(self, api: ApiClient, path: str) -> None:
        assert api.get(path).status_code == 400

    def test_a_known_filter_filters(self, api: ApiClient, bob: User) -> None:
        rows = api.get("members?role=MARKETER").json()["results"]
        assert [row["email"] for row in rows] == [bob.email]


class TestPages:
    @pytest.fixture
    def seven(self, club: Organization) -> None:
        start = timezone.now()
        for number in range(7):
            with time_machine.travel(start + timedelta(seconds=number // 2), tick=False):
                factories.make_member(club, Role.VIEWER, factories.make_user(f"v{number}@riverside.example"))

    def _walk(self, api: ApiClient, address: str, way: str) -> list[list[str]]:
        pages = []
        while address:
            answer = api.get(address).json()
            pages.append([row["id"] for row in answer["results"]])
            address = answer[way]
        return pages

    def test_following_next_shows_every_row_once_and_previous_leads_back(self, api: ApiClient, seven: None) -> None:
        pages = self._walk(api, "members?limit=3", "next")
        assert [len(page) for page in pages] == [3, 3, 2]
        ids = [row_id for page in pages for row_id in page]
        assert set(ids) == {str(pk) for pk in Membership.objects.values_list("pk", flat=True)}
        assert len(ids) == len(set(ids))
        last = "members?limit=3"
        while following := api.get(last).json()["next"]:
            last = following
        assert self._walk(api, last, "previous") == pages[::-1]

    def test_a_row_that_arrives_meanwhile_shifts_no_page(self, api: ApiClient, alice: User, club: Organization) -> None:
        for number in range(4):
            notify([alice], organization=club, kind="x", key=str(number), title=f"No. {number}")
        first = api.get("notifications?limit=2").json()
        notify([alice], organization=club, kind="x", key="new", title="New")
        second = api.get(first["next"]).json()
        assert [row["title"] for row in second["results"]] == ["No. 1", "No. 0"]

    @pytest.mark.parametrize("limit", ["0", "201", "-1", "x", "1.5", "٣"])
    def test_a_page_has_one_to_two_hundred_rows(self, api: ApiClient, limit: str) -> None:
        assert api.get(f"members?limit={limit}").status_code == 400

    @pytest.mark.parametrize("cursor", ["x", "e30", "WzFd", "WyJjcmVhdGVkX2F0IixmYWxzZSwieCIsIngiXQ", "%00", "ÿ"])
    def test_a_cursor_of_somebody_s_own_making_is_a_422(self, api: ApiClient, cursor: str) -> None:
        assert api.get(f"members?cursor={cursor}").status_code == 422

    def test_a_list_takes_as_many_queries_for_thirty_rows_as_for_three(
        self, api: ApiClient, club: Organization, django_assert_max_num_queries: Any
    ) -> None:
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        counts = []
        for amount in (3, 27):
            for _ in range(amount):
                factories.make_member(club)
            with CaptureQueriesContext(connection) as queries:
                assert api.get("members").status_code == 200
            counts.append(len(queries))
        assert counts[0] == counts[1]


class TestIdempotencyKey:
    def _invite(self, api: ApiClient, key: str = "k-1", email: str = "new@riverside.example") -> Any:
        return api.post("invitations", {"email": email}, **{"Idempotency-Key": key})

    def test_the_same_key_and_body_give_the_same_answer_and_happen_once(self, api: ApiClient) -> None:
        first, second = self._invite(api), self._invite(api)
        assert (first.status_code, second.status_code) == (201, 201)
        assert first.json() == second.json()
        assert second["Idempotent-Replayed"] == "true"
        assert Invitation.objects.count() == 1

    def test_without_a_key_the_same_request_is_another_one(self, api: ApiClient) -> None:
        assert api.post("invitations", {"email": "new@riverside.example"}).status_code == 201
        assert api.post("invitations", {"email": "new@riverside.example"}).status_code == 409

    def test_another_body_is_a_conflict(self, api: ApiClient) -> None:
        self._invite(api)
        answer = self._invite(api, email="other@riverside.example")
        assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_key_reused")
        assert Invitation.objects.count() == 1

    def test_another_address_is_a_conflict(self, api: ApiClient) -> None:
        self._invite(api)
        answer = api.post("notifications/read", {}, **{"Idempotency-Key": "k-1"})
        assert answer.status_code == 409

    def test_a_refusal_is_given_again_too(self, api: ApiClient) -> None:
        first, second = self._invite(api, email="x"), self._invite(api, email="x")
        assert (first.status_code, second.status_code) == (400, 400)
        assert second["Content-Type"] == "application/problem+json"
        assert first.json() == second.json()

    def test_while_the_first_is_at_work_the_second_is_told_to_wait(self, api: ApiClient) -> None:
        self._invite(api)
        IdempotentAnswer.objects.update(status=None)
        answer = self._invite(api)
        assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_in_progress")
        assert int(answer["Retry-After"]) > 0

    def test_a_call_that_died_gives_its_key_back(self, api: ApiClient) -> None:
        with mock.patch("accounts.invitations.record_audit", side_effect=RuntimeError):
            assert self._invite(api).status_code == 500
        assert self._invite(api).status_code == 201

    def test_after_a_day_the_key_is_free(self, api: ApiClient, alice: User) -> None:
        self._invite(api)
        Invitation.objects.all().delete()
        with time_machine.travel(timezone.now() + timedelta(hours=24, minutes=1), tick=False):
            answer = self._invite(ApiClient(alice))
        assert answer.status_code == 201
        assert "Idempotent-Replayed" not in answer

    def test_keys_of_two_people_do_not_meet(self, api: ApiClient, club: Organization) -> None:
        factories.make_member(club, Role.ADMIN, factories.make_user("admin@riverside.example"))
        self._invite(api)
        other = self._invite(ApiClient(User.objects.get(email="admin@riverside.example")), email="o@riverside.example")
        assert other.status_code == 201

    def test_a_key_of_unlikely_length_is_refused(self, api: ApiClient) -> None:
        assert self._invite(api, key="k" * 201).status_code == 400


def test_each_credential_has_its_own_limit(alice: User, settings: Any) -> None:
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {
        "DEFAULT_THROTTLE_RATES": {"credential": "2/min", "sign_in": "100/min"}
    }
    first, second = ApiClient(alice), ApiClient(alice)
    assert [first.get("organization").status_code for _ in range(3)] == [200, 200, 429]
    refused = first.get("organization")
    assert refused["Content-Type"] == "application/problem+json"
    assert 0 < int(refused["Retry-After"]) <= 60
    assert second.get("organization").status_code == 200


class TestEndpoints:
    def test_an_organization_is_changed_and_the_change_is_on_record(self, api: ApiClient, club: Organization) -> None:
        answer = api.patch("organization", {"name": "Riverside GC", "time_zone": "Europe/Madrid"})
        assert answer.status_code == 200
        assert answer.json()["time_zone"] == "Europe/Madrid"
        event = AuditEvent.objects.get(action="organization.changed")
        assert event.changes["name"] == ["Riverside Golf Club", "Riverside GC"]

    def test_a_zone_that_does_not_exist_is_refused(self, api: ApiClient) -> None:
        assert "time_zone" in api.patch("organization", {"time_zone": "Europe/Atlantis"}).json()["errors"]

    def test_a_short_name_that_is_taken_is_a_problem_of_its_field(self, api: ApiClient, rivals: Organization) -> None:
        answer = api.patch("organization", {"slug": rivals.slug})
        assert answer.status_code in {400, 409}
        assert "slug" in answer.json()["errors"]

    def test_roles_are_changed_by_those_who_may(self, api: ApiClient, bob: User) -> None:
        member = Membership.objects.get(user=bob)
        answer = api.patch(f"members/{member.pk}", {"role": "ADMIN"})
        assert (answer.status_code, answer.json()["role"]) == (200, "ADMIN")

    def test_an_admin_makes_no_owners(self, api: ApiClient, bob: User, club: Organization) -> None:
        admin = factories.make_member(club, Role.ADMIN).user
        answer = ApiClient(admin).patch(f"members/{Membership.objects.get(user=bob).pk}", {"role": "OWNER"})
        assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")

    def test_the_last_owner_stays(self, api: ApiClient, alice: User) -> None:
        member = Membership.objects.get(user=alice)
        for answer in (api.patch(f"members/{member.pk}", {"role": "ADMIN"}), api.delete(f"members/{member.pk}")):
            assert (answer.status_code, answer.json()["code"]) == (409, "last_owner")

    def test_an_invitation_is_sent_sent_again_and_revoked(self, api: ApiClient, mailoutbox: list[Any]) -> None:
        made = api.post("invitations", {"email": "New@Riverside.example", "role": "AGENT"}).json()
        assert (made["email"], made["role"], made["state"]) == ("new@riverside.example", "AGENT", "open")
        assert "nonce" not in made
        assert api.post(f"invitations/{made['id']}/resend").status_code == 200
        assert api.delete(f"invitations/{made['id']}").status_code == 204
        assert api.get(f"invitations/{made['id']}").json()["state"] == "revoked"

    def test_the_audit_trail_is_filtered_by_action_and_time(self, api: ApiClient) -> None:
        api.patch("organization", {"name": "Renamed"})
        rows = api.get("audit-events?action=organization.changed").json()["results"]
        assert [row["changes"]["name"][1] for row in rows] == ["Renamed"]
        assert api.get("audit-events?until=2020-01-01T00:00:00Z").json()["results"] == []

    def test_notifications_are_one_s_own_and_can_be_read(
        self, api: ApiClient, alice: User, bob: User, club: Organization
    ) -> None:
        notify([alice, bob], organization=club, kind="x", key="1", title="A post failed")
        rows = api.get("notifications?unread=true").json()["results"]
        assert [row["title"] for row in rows] == ["A post failed"]
        assert api.post(f"notifications/{rows[0]['id']}/read").json()["read_at"]
        assert api.get("notifications?unread=true").json()["results"] == []
        strange = Notification.objects.get(user=bob)
        assert api.post(f"notifications/{strange.pk}/read").status_code == 404
        notify([alice], organization=club, kind="x", key="2", title="Another")
        assert api.post("notifications/read").json() == {"read": 1}

    def test_times_are_utc_with_a_z(self, api: ApiClient) -> None:
        assert api.get("organization").json()["created_at"].endswith("Z")
