"""What happens reaches people by mail: once, together, and also after the mail server was away."""

import re
import smtplib
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.test import Client
from django.utils import timezone

from accounts.mails import send_due_notifications
from accounts.models import Membership, Notification, Organization, User
from accounts.notifications import mark_read, notify, set_mail_preferences
from accounts.tasks import send_due_notifications_task
from tests import factories

LATER = timedelta(seconds=30)
CHOSEN = re.compile(r'id="id_kind_\d+" checked')


class Unreachable(BaseEmailBackend):
    """A mail server that nobody reaches."""

    def open(self) -> bool:
        raise ConnectionRefusedError

    def send_messages(self, _messages: Any) -> int:
        raise ConnectionRefusedError


class RefusesBob(BaseEmailBackend):
    """A mail server that knows no bob."""

    def send_messages(self, messages: Any) -> int:
        for message in messages:
            if "bob@riverside.example" in message.to:
                raise smtplib.SMTPRecipientsRefused({"bob@riverside.example": (550, b"no such user")})
            mail.outbox.append(message)
        return len(messages)


UNREACHABLE, REFUSES_BOB = (f"{__name__}.{name}" for name in ("Unreachable", "RefusesBob"))


def html_of(letter: mail.EmailMessage) -> str:
    assert isinstance(letter, mail.EmailMultiAlternatives)
    return str(letter.alternatives[0][0])


def tell(user: User, club: Organization, key: str = "post.failed:1", **words: str) -> None:
    notify(
        [user], organization=club, kind="post.failed", key=key,
        **{"title": "Riverside: “Frost on the greens”", "body": "The text is too long.", "url": "/posts/1/"} | words,
    )  # fmt: skip


def test_a_failure_is_mailed_once_with_the_words_and_the_next_step(bob: User, club: Organization) -> None:
    tell(bob, club)
    assert send_due_notifications(timezone.now() + LATER) == 1
    assert send_due_notifications(timezone.now() + LATER) == 0
    letter = mail.outbox[0]
    assert (letter.to, letter.subject) == ([bob.email], "Riverside: “Frost on the greens”")
    html = html_of(letter)
    for body in (letter.body, html):
        assert "The text is too long." in body
        assert "http://127.0.0.1:8000/posts/1/" in body
        assert "See what to do" in body
    row = Notification.objects.get()
    assert row.emailed_at is not None
    assert row.email_due_at is None


def test_what_others_wrote_is_escaped_in_the_mail(bob: User, club: Organization) -> None:
    tell(bob, club, title="<b>One\nTwo</b>", body="<script>x</script>")
    send_due_notifications(timezone.now() + LATER)
    html = html_of(mail.outbox[0])
    assert "<script>" not in html
    assert mail.outbox[0].subject == "<b>One Two</b>"


def test_several_go_in_one_mail(bob: User, club: Organization) -> None:
    for number in range(3):
        tell(bob, club, key=f"post.failed:{number}", title=f"Post {number}")
    assert send_due_notifications(timezone.now() + LATER) == 1
    assert mail.outbox[0].subject == "Post 0, and 2 more"
    assert all(f"Post {number}" in mail.outbox[0].body for number in range(3))


def test_a_repetition_within_the_hour_is_not_mailed_again_and_a_later_one_is(bob: User, club: Organization) -> None:
    now = timezone.now()
    with time_machine.travel(now, tick=False) as clock:
        for minutes, mails in ((0, 1), (10, 1), (90, 2)):
            clock.move_to(now + timedelta(minutes=minutes))
            tell(bob, club)
            clock.shift(LATER)
            send_due_notifications()
            assert len(mail.outbox) == mails
    assert Notification.objects.get().count == 3


def test_nothing_is_lost_while_the_mail_server_is_away(bob: User, club: Organization, settings: Any) -> None:
    backend = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = UNREACHABLE
    tell(bob, club)
    now, waits = timezone.now() + LATER, []
    for _try in range(9):
        assert send_due_notifications(now) == 0
        due = Notification.objects.get().email_due_at
        assert due is not None
        waits.append((due - now).total_seconds())
        now = due
    assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    settings.EMAIL_BACKEND = backend
    assert send_due_notifications(now) == 1
    assert len(mail.outbox) == 1


def test_an_address_that_is_refused_stops_no_other(bob: User, alice: User, club: Organization, settings: Any) -> None:
    tell(bob, club)
    tell(alice, club)
    settings.EMAIL_BACKEND = REFUSES_BOB
    assert send_due_notifications(timezone.now() + LATER) == 1
    assert mail.outbox[0].to == [alice.email]
    assert Notification.objects.get(user=bob).email_tries == 1


def test_a_mail_that_a_dead_worker_held_is_sent_by_the_next_one(bob: User, club: Organization) -> None:
    from accounts import mails

    tell(bob, club)
    now = timezone.now() + LATER
    assert len(mails._take(now)) == 1  # and then the worker is gone
    assert send_due_notifications(now) == 0
    assert send_due_notifications(now + mails.LEASE) == 1


def test_what_was_read_is_not_mailed(bob: User, club: Organization) -> None:
    tell(bob, club)
    mark_read(bob, club)
    assert send_due_notifications(timezone.now() + LATER) == 0


def test_nobody_is_mailed_about_an_organization_that_they_left(bob: User, club: Organization) -> None:
    tell(bob, club)
    Membership.objects.filter(user=bob).delete()
    assert send_due_notifications(timezone.now() + LATER) == 0
    assert Notification.objects.get().email_due_at is None


def test_a_kind_that_was_turned_off_is_shown_and_not_mailed(bob: User, club: Organization) -> None:
    tell(bob, club, key="before")
    set_mail_preferences(bob, {"post.failed": False})
    tell(bob, club, key="after")
    assert send_due_notifications(timezone.now() + LATER) == 0
    assert Notification.objects.filter(user=bob).unread().count() == 2


def test_people_choose_their_mails_on_a_page(as_bob: Client, bob: User, club: Organization) -> None:
    page = as_bob.get("/notifications/mails/").content.decode()
    assert len(CHOSEN.findall(page)) == 6
    for label in ("An account must be reconnected", "A post of mine failed", "Posts are on hold"):
        assert label in page
    assert as_bob.post("/notifications/mails/", {"kind_0": "on"}).status_code == 302
    page = as_bob.get("/notifications/mails/").content.decode()
    assert len(CHOSEN.findall(page)) == 1
    tell(bob, club)
    send_due_notifications(timezone.now() + LATER)
    assert mail.outbox == []


def test_the_periodic_task_sends_what_is_due(bob: User, club: Organization) -> None:
    tell(bob, club)
    with time_machine.travel(timezone.now() + LATER):
        send_due_notifications_task()
    assert len(mail.outbox) == 1


@pytest.mark.parametrize("people", [3, 12])
def test_a_round_asks_few_queries(club: Organization, people: int, django_assert_max_num_queries: Any) -> None:
    for _ in range(people):
        tell(factories.make_member(club).user, club)
    with django_assert_max_num_queries(8 + people):  # one update per mail that left
        assert send_due_notifications(timezone.now() + LATER) == people
