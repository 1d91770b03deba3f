"""The audit trail and notifications."""

import csv
import io
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
import time_machine
from django.db import DatabaseError, connection, transaction
from django.test import Client

from accounts.audit import SYSTEM, as_of, record_audit
from accounts.models import AuditEvent, Membership, Notification, Organization, User
from accounts.notifications import notify, notify_those_who_may
from accounts.permissions import Role
from tests import factories


def body_of(answer: object) -> str:
    parts: Iterator[bytes] = answer.streaming_content  # type: ignore[attr-defined]
    return b"".join(parts).decode()


class TestTrail:
    @pytest.mark.parametrize("sql", ["UPDATE accounts_auditevent SET action = 'x'", "DELETE FROM accounts_auditevent"])
    def test_nothing_changes_or_deletes_an_event(self, club: Organization, sql: str) -> None:
        record_audit("organization.changed", club, by=SYSTEM, organization=club)
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)
        assert AuditEvent.objects.get().action == "organization.changed"

    def test_secrets_in_changes_are_masked(self, club: Organization) -> None:
        changes = {"access_token": ["old-secret", "new-secret"], "name": ["a", "b"], "client_secret": ["", "s"]}
        record_audit("x.changed", club, by=SYSTEM, changes=changes)
        assert AuditEvent.objects.get().changes == {
            "access_token": ["***", "***"], "name": ["a", "b"], "client_secret": ["", "***"],
        }  # fmt: skip

    def test_an_event_of_a_request_carries_its_address_and_id(self, as_alice: Client) -> None:
        as_alice.post("/organization/", TestPage.FORM)
        event = AuditEvent.objects.get(action="organization.changed")
        assert event.ip == "127.0.0.1"
        assert UUID(event.request_id)

    @pytest.mark.parametrize(("proxies", "address"), [(0, "127.0.0.1"), (1, "203.0.113.9")])
    def test_only_a_proxy_of_ours_is_believed_about_the_caller(
        self, as_alice: Client, settings: Any, proxies: int, address: str
    ) -> None:
        settings.ALLAUTH_TRUSTED_PROXY_COUNT = proxies
        as_alice.post("/organization/", TestPage.FORM, headers={"X-Forwarded-For": "198.51.100.1, 203.0.113.9"})
        assert AuditEvent.objects.get(action="organization.changed").ip == address

    def test_a_refused_sign_in_is_on_record_without_the_password(self, alice: User) -> None:
        Client().post("/accounts/login/", {"login": alice.email, "password": "wrong-secret"})
        event = AuditEvent.objects.get(action="person.sign_in_refused")
        assert event.object_id == str(alice.pk)
        assert "wrong-secret" not in str(event.__dict__)


class TestPage:
    FORM = {"name": "Riverside GC", "slug": "riverside", "time_zone": "Europe/Lisbon", "language": "en"}

    def test_is_for_those_who_may_see_it(self, as_bob: Client) -> None:
        assert as_bob.get("/organization/audit/").status_code == 403
        assert as_bob.get("/organization/audit.csv").status_code == 403

    def test_filters_by_person_action_object_and_day_of_the_organization_s_zone(
        self, as_alice: Client, club: Organization, alice: User, bob: User
    ) -> None:
        with time_machine.travel(datetime(2026, 7, 1, 23, 30, tzinfo=UTC), tick=False):  # 2 July, 00:30 in Lisbon
            record_audit("post.scheduled", club, by=bob, organization=club)
        record_audit("member.removed", club, by=alice, organization=club)

        def actions(query: str) -> set[str]:
            page = as_alice.get(f"/organization/audit/?{query}").context["page"]
            return {event.action for event in page} - {"person.signed_in"}

        assert actions("actor=bob") == {"post.scheduled"}
        assert actions("action=member") == {"member.removed"}
        assert actions("action=removed") == {"member.removed"}
        assert actions("action=Scheduled") == {"post.scheduled"}
        assert actions("object=Organization") == {"post.scheduled", "member.removed"}
        assert actions("object=organization") == {"post.scheduled", "member.removed"}
        assert actions("since=2026-07-02&until=2026-07-02") == {"post.scheduled"}
        assert actions("since=2026-07-01&until=2026-07-01") == set()

    def test_exports_what_it_shows_without_formulas(self, as_alice: Client, club: Organization) -> None:
        club.name = "=HYPERLINK(evil)"
        record_audit("organization.changed", club, by=SYSTEM, organization=club)
        answer = as_alice.get("/organization/audit.csv?action=organization")
        rows = list(csv.DictReader(io.StringIO(body_of(answer))))
        assert answer["Content-Disposition"] == 'attachment; filename="audit-riverside.csv"'
        assert [row["label"] for row in rows] == ["'=HYPERLINK(evil)"]
        assert rows[0]["at"].endswith("Z")
        assert AuditEvent.objects.filter(action="audit.exported").exists()

    def test_says_what_happened_in_words_with_local_times_and_labels(
        self, as_alice: Client, club: Organization, alice: User
    ) -> None:
        post = factories.make_post(factories.make_connection(club), content="Frost on the greens")
        changes = {
            "status": ["DRAFT", "SCHEDULED"], "scheduled_at": ["", "2026-07-17T08:00:00+00:00"],
            "error_code": ["", "RATE_LIMITED"], "error_message": ["", "X asks to wait."], "hold_reason": ["", "RECONNECTED"],
            "surprise_text": ["a", ["b", None, True]], "client_secret": ["", "planted"],
        }  # fmt: skip
        record_audit("post.sent_now", post, by=SYSTEM, changes=changes)
        record_audit("organization.changed", club, by=alice, organization=club, changes={"gap_minutes": [0, 30]})
        page = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", as_alice.get("/organization/audit/").content.decode()))
        for told in (
            "Published immediately post.sent_now",
            "Parley",
            "Frost on the greens Post",
            "Status: Draft → Scheduled",
            "Scheduled for: 17 Jul 2026, 09:00",
            "Error: X asks to wait.",
            "came due while its account was disconnected",
            "Surprise text: a → b, yes",
            "Client secret: hidden",
            "Minimum minutes between posts: 0 → 30",
        ):
            assert told in page
        for raw in ("scheduled_at", "SCHEDULED", "2026-07-17T", "RATE_LIMITED", "RECONNECTED", "planted"):
            assert raw not in page

    def test_the_file_keeps_the_machine_s_form_and_adds_the_words(self, as_alice: Client, club: Organization) -> None:
        post = factories.make_post(factories.make_connection(club))
        changes = {"status": ["DRAFT", "SCHEDULED"], "scheduled_at": ["", "2026-07-17T08:00:00+00:00"]}
        with time_machine.travel(datetime(2026, 7, 1, 23, 30, tzinfo=UTC), tick=False):
            record_audit("post.scheduled", post, by=SYSTEM, changes=changes)
        (row,) = csv.DictReader(io.StringIO(body_of(as_alice.get("/organization/audit.csv?action=post"))))
        assert (row["at"], row["action"]) == ("2026-07-01T23:30:00Z", "post.scheduled")
        assert row["changes"] == "status: DRAFT → SCHEDULED; scheduled_at:  → 2026-07-17T08:00:00+00:00"
        assert (row["local time"], row["in words"]) == ("2026-07-02 00:30:00", "Post: Scheduled")
        assert row["changes in words"] == "Status: Draft → Scheduled; Scheduled for:  → 17 Jul 2026, 09:00"

    def test_people_filter_by_the_words_that_they_read(self, as_alice: Client, club: Organization) -> None:
        record_audit("post.sent_now", factories.make_post(factories.make_connection(club)), by=SYSTEM)
        record_audit("connection.synced", factories.make_connection(club), by=SYSTEM)
        for query in ("action=published+imm", "object=post", "object=Post"):
            page = as_alice.get(f"/organization/audit/?{query}").context["page"]
            assert [event.action for event in page] == ["post.sent_now"]

    def test_what_nobody_put_into_words_is_readable_all_the_same(self, as_alice: Client, club: Organization) -> None:
        record_audit("greens.mowed_twice", None, by=SYSTEM, organization=club, changes={"height_mm": [None, 4]})
        page = as_alice.get("/organization/audit/").content.decode()
        assert "Mowed twice" in page
        assert "Height mm: 4" in page

    def test_shows_nothing_of_another_organization(self, as_alice: Client, rivals: Organization) -> None:
        record_audit("organization.changed", rivals, by=SYSTEM, organization=rivals)
        assert rivals.name not in as_alice.get("/organization/audit/").content.decode()


class TestNotifications:
    def _tell(self, *users: User, key: str = "connection-1", title: str = "X wants a new consent") -> None:
        organization = Membership.objects.filter(user=users[0]).get().organization
        notify(users, organization=organization, kind="connection", key=key, title=title, url="/connections/")

    def test_repeats_fold_while_unread_and_start_anew_after_reading(self, alice: User, as_alice: Client) -> None:
        for number in range(3):
            self._tell(alice, title=f"Failed {number}")
        row = Notification.objects.get()
        assert (row.count, row.title) == (3, "Failed 2")
        as_alice.post("/notifications/read/")
        self._tell(alice)
        assert Notification.objects.count() == 2

    def test_simultaneous_repeats_fold_too(self, real_transactions: None, alice: User) -> None:
        def tell(_number: int) -> None:
            try:
                self._tell(alice)
            finally:
                connection.close()

        with ThreadPoolExecutor(6) as pool:
            list(pool.map(tell, range(12)))
        assert Notification.objects.get().count == 12

    def test_reach_those_whose_role_has_to_do_with_it(self, club: Organization, alice: User, bob: User) -> None:
        closed = factories.make_member(club, Role.ADMIN, factories.make_user(is_active=False)).user
        notify_those_who_may("connections.manage", organization=club, kind="x", key="k", title="Reconnect")
        assert set(Notification.objects.values_list("user_id", flat=True)) == {alice.pk}
        assert closed.pk != alice.pk

    def test_the_page_lists_them_and_opening_one_reads_it(self, alice: User, as_alice: Client) -> None:
        self._tell(alice)
        page = as_alice.get("/notifications/").content.decode()
        assert "X wants a new consent" in page
        row = Notification.objects.get()
        answer = as_alice.post(f"/notifications/{row.pk}/")
        assert answer.headers["Location"] == "/connections/"
        row.refresh_from_db()
        assert row.read_at is not None
        assert "all caught up" in as_alice.get("/notifications/?show=unread").content.decode()

    def test_somebody_else_s_are_not_there(self, alice: User, as_bob: Client) -> None:
        self._tell(alice)
        assert "X wants a new consent" not in as_bob.get("/notifications/").content.decode()
        assert as_bob.post(f"/notifications/{Notification.objects.get().pk}/").status_code == 404


def test_what_is_told_of_another_moment_carries_it_and_nothing_after_does(club: Organization) -> None:
    then = datetime(2026, 7, 1, 8, 0, tzinfo=UTC)
    with as_of(then):
        record_audit("campaign.created", club, by=SYSTEM)
    record_audit("campaign.changed", club, by=SYSTEM)
    inside, after = (AuditEvent.objects.get(action=f"campaign.{verb}").at for verb in ("created", "changed"))
    assert inside == then
    assert after > then
