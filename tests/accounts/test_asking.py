"""Whoever may not do a thing is told who may, by name, and asks them with one click."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts.asking import PER_PERSON
from accounts.models import AuditEvent, Notification, Organization, User
from accounts.permissions import Role
from tests import factories
from tests.conftest import signed_in


def press(client: Client, topic: str, subject: object = "", **headers: str) -> int:
    fields = {"topic": topic, "subject": str(subject), "next": "/connections/"}
    return client.post("/ask/", fields, headers=headers).status_code


def told(organization: Organization) -> list[tuple[str, str, str, int]]:
    rows = Notification.objects.for_organization(organization).filter(kind="help.requested").order_by("created_at")
    return [(row.user.display_name, row.title, row.url, row.count) for row in rows.select_related("user")]


def test_those_who_may_are_told_with_a_link_and_the_page_says_that_they_were(
    as_bob: Client, alice: User, club: Organization
) -> None:
    lost = factories.make_connection(club, "FACEBOOK", account_name="Junior Academy", is_active=False)
    assert press(as_bob, "reconnect", lost.pk) == 302
    assert told(club) == [
        ("Alice", "Bob asks you to reconnect Facebook · Junior Academy", f"/connections/{lost.pk}/", 1)
    ]
    page = as_bob.get(f"/connections/{lost.pk}/").content.decode()
    assert "Alice were asked by Bob" not in page
    assert "Asked by Bob just now: Alice" in page
    assert "Ask to reconnect" not in page
    assert "Asked colleagues for help" in page, "the account's activity shows it"


def test_within_a_day_nobody_is_told_twice_whoever_asks(as_bob: Client, alice: User, club: Organization) -> None:
    lost = factories.make_connection(club, "FACEBOOK", is_active=False)
    other = signed_in(factories.make_member(club, Role.VIEWER).user)
    for client in (as_bob, as_bob, other):
        assert press(client, "reconnect", lost.pk) == 302
    assert [row[3] for row in told(club)] == [1]
    with time_machine.travel(timezone.now() + timedelta(days=1, minutes=1), tick=True):
        again = signed_in(User.objects.get(name="Bob"))
        assert press(again, "reconnect", lost.pk) == 302
    assert [row[3] for row in told(club)] == [2], "folded into the unread one"


def test_every_owner_and_admin_is_told_and_nobody_else(as_bob: Client, alice: User, club: Organization) -> None:
    admin = factories.make_member(club, Role.ADMIN, factories.make_user(name="Carol")).user
    gone = factories.make_member(club, Role.ADMIN, factories.make_user(name="Dave")).user
    User.objects.filter(pk=gone.pk).update(is_active=False)
    factories.make_member(club, Role.VIEWER)
    press(as_bob, "connect")
    assert sorted(row[0] for row in told(club)) == ["Alice", admin.display_name]


@pytest.mark.parametrize(
    ("topic", "path"), [("invite", "/members/"), ("settings", "/organization/"), ("connect", "/connections/")]
)
def test_pages_of_what_one_may_not_do_name_who_may(
    as_bob: Client, as_alice: Client, club: Organization, topic: str, path: str
) -> None:
    page = as_bob.get(path).content.decode()
    assert f'name="topic" value="{topic}"' in page
    assert "Alice can " in page
    assert 'name="topic"' not in as_alice.get(path).content.decode()
    assert press(as_bob, topic) == 302
    assert told(club)[0][2] == path


def test_a_page_that_is_refused_names_who_may(as_bob: Client, alice: User) -> None:
    answer = as_bob.get("/health/")
    assert answer.status_code == 403
    assert "Alice can do it, or change your role." in answer.content.decode()


def test_a_script_gets_the_button_back_as_it_is_now(as_bob: Client, alice: User) -> None:
    answer = as_bob.post("/ask/", {"topic": "connect"}, headers={"HX-Request": "true"})
    assert "Asked by Bob" in answer.content.decode()
    assert "Request sent." in answer.headers["HX-Trigger"]


def test_one_person_does_not_flood_the_others(as_bob: Client, alice: User, club: Organization) -> None:
    for _ in range(PER_PERSON + 3):
        press(as_bob, "reconnect", factories.make_connection(club, "FACEBOOK", is_active=False).pk)
    assert len(told(club)) == PER_PERSON


def test_another_organizations_account_cannot_be_asked_about(as_eve: Client, alice: User, club: Organization) -> None:
    lost = factories.make_connection(club, "FACEBOOK", is_active=False)
    assert press(as_eve, "reconnect", lost.pk) == 404
    assert press(as_eve, "reconnect", "nonsense") == 404
    assert press(as_eve, "no-such-topic") == 404
    assert told(club) == []
    assert not AuditEvent.objects.filter(action="help.requested").exists()


def test_where_nobody_else_may_it_says_so(as_alice: Client, alice: User, club: Organization) -> None:
    answer = as_alice.post("/ask/", {"topic": "connect", "next": "/connections/"}, follow=True)
    assert "Nobody in Riverside Golf Club can do this at the moment." in answer.content.decode()
