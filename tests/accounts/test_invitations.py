"""Invitations: from the mail to the membership."""

import re
import smtplib
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.test import Client
from django.utils import timezone

from accounts import invitations
from accounts.errors import Conflict, InvitationUnusable, NotAllowed
from accounts.models import AuditEvent, Invitation, Membership, Organization, User
from accounts.permissions import Role
from tests import factories
from tests.conftest import signed_in

ADDRESS = "carol@riverside.example"


@pytest.fixture
def invitation(club: Organization, alice: User) -> Invitation:
    return invitations.invite(club, ADDRESS, Role.AGENT, by=alice)


def path_of(invitation: Invitation) -> str:
    invitation.refresh_from_db()
    return "/" + invitations.link_of(invitation).split("/", 3)[3]


class TestInviting:
    @time_machine.travel(datetime(2026, 12, 9, 10, tzinfo=UTC), tick=False)  # a link is signed with the second
    def test_mails_a_link_in_text_and_html_once_it_is_committed(
        self, as_alice: Client, mailoutbox: list[Any], django_capture_on_commit_callbacks: Any
    ) -> None:
        with django_capture_on_commit_callbacks(execute=False) as waiting:
            as_alice.post("/members/", {"email": ADDRESS, "role": "AGENT"})
            assert mailoutbox == []
        for callback in waiting:
            callback()
        (mail,) = mailoutbox
        row = Invitation.objects.get()
        assert mail.to == [ADDRESS]
        assert invitations.link_of(row) in mail.body
        assert invitations.link_of(row) in mail.alternatives[0][0]
        assert row.sent_at is not None
        assert row.expires_at - row.created_at > timedelta(days=6, hours=23)

    def test_a_failing_mail_server_leaves_it_unsent_and_sending_again_works(
        self, as_alice: Client, mailoutbox: list[Any], django_capture_on_commit_callbacks: Any
    ) -> None:
        with (
            mock.patch("django.core.mail.EmailMultiAlternatives.send", side_effect=smtplib.SMTPServerDisconnected),
            django_capture_on_commit_callbacks(execute=True),
        ):
            answer = as_alice.post("/members/", {"email": ADDRESS, "role": "AGENT"}, follow=True)
        assert "could not be emailed" in answer.content.decode()
        assert "Not sent" in answer.content.decode()
        row = Invitation.objects.get()
        assert row.sent_at is None
        with django_capture_on_commit_callbacks(execute=True):
            as_alice.post(f"/members/invitations/{row.pk}/resend/")
        row.refresh_from_db()
        assert row.sent_at is not None
        assert len(mailoutbox) == 1

    def test_a_member_or_an_invited_address_is_not_invited_again(
        self, club: Organization, alice: User, bob: User, invitation: Invitation
    ) -> None:
        with pytest.raises(Conflict, match="already a member"):
            invitations.invite(club, bob.email.upper(), Role.AGENT, by=alice)
        with pytest.raises(Conflict, match="already been invited"):
            invitations.invite(club, ADDRESS, Role.VIEWER, by=alice)

    def test_an_expired_one_makes_room(self, club: Organization, alice: User, invitation: Invitation) -> None:
        with time_machine.travel(timezone.now() + timedelta(days=8), tick=False):
            assert invitations.invite(club, ADDRESS, Role.VIEWER, by=alice).pk != invitation.pk

    def test_only_owners_invite_owners(self, club: Organization, bob: User) -> None:
        admin = factories.make_member(club, Role.ADMIN).user
        with pytest.raises(NotAllowed):
            invitations.invite(club, ADDRESS, Role.OWNER, by=admin)
        with pytest.raises(NotAllowed):
            invitations.invite(club, ADDRESS, Role.VIEWER, by=bob)


class TestLinks:
    def test_a_changed_link_opens_nothing(self, db: None, invitation: Invitation) -> None:
        path = path_of(invitation)
        broken = path[:-3] + ("A" if path[-3] != "A" else "B") + path[-2:]
        answer = Client().get(broken)
        assert answer.status_code == 410
        assert "not valid" in answer.content.decode()

    def test_it_ends_after_a_week(self, invitation: Invitation) -> None:
        path = path_of(invitation)
        with time_machine.travel(timezone.now() + timedelta(days=7, minutes=1), tick=False):
            assert "expired" in Client().get(path).content.decode()

    def test_sending_again_ends_the_older_link(self, invitation: Invitation, alice: User) -> None:
        old = path_of(invitation)
        invitations.resend_invitation(invitation, by=alice)
        assert "latest email" in Client().get(old).content.decode()
        assert Client().get(path_of(invitation)).status_code == 200

    def test_a_revoked_one_opens_nothing(self, as_alice: Client, invitation: Invitation) -> None:
        path = path_of(invitation)
        as_alice.post(f"/members/invitations/{invitation.pk}/revoke/")
        assert "revoked" in Client().get(path).content.decode()


class TestAccepting:
    def test_signed_in_as_the_invited_person_it_is_one_press(self, invitation: Invitation, club: Organization) -> None:
        carol = factories.make_user(ADDRESS)
        client = signed_in(carol)
        assert client.get(path_of(invitation)).status_code == 200
        assert not Membership.objects.filter(user=carol).exists(), "opening a link changes nothing"
        client.post(path_of(invitation))
        assert Membership.objects.get(user=carol).role == Role.AGENT
        assert client.get("/organization/").context["organization"] == club
        assert AuditEvent.objects.filter(action="invitation.accepted", actor=carol).exists()

    def test_it_works_once(self, invitation: Invitation, club: Organization) -> None:
        carol = factories.make_user(ADDRESS)
        invitations.accept_invitation(invitation, by=carol)
        with pytest.raises(InvitationUnusable):
            invitations.accept_invitation(invitation, by=carol)
        assert "already been used" in signed_in(carol).get(path_of(invitation)).content.decode()

    def test_signed_in_as_another_person_it_is_refused_with_a_way_to_switch(
        self, as_eve: Client, eve: User, invitation: Invitation
    ) -> None:
        for method in (as_eve.get, as_eve.post):
            answer = method(path_of(invitation))
            assert answer.status_code == 409
            page = answer.content.decode()
            assert ADDRESS in page
            assert eve.email in page
            assert "/accounts/logout/" in page
        assert not Membership.objects.filter(user=eve, organization=invitation.organization).exists()
        path = path_of(invitation)
        assert as_eve.post("/accounts/logout/", {"next": path}).headers["Location"] == path

    def test_a_new_person_signs_up_with_the_address_fixed_and_verified(self, invitation: Invitation) -> None:
        client = Client()
        page = client.get(path_of(invitation)).content.decode()
        assert re.search(r"/accounts/signup/\?next=", page)
        form = client.get("/accounts/signup/").context["form"]
        assert form.fields["email"].disabled
        assert "organization_name" not in form.fields
        client.post("/accounts/signup/", {"name": "Carol", "email": "other@evil.example", "password1": "rowing-at-six"})
        carol = User.objects.get(name="Carol")
        assert carol.email == ADDRESS
        assert EmailAddress.objects.get(user=carol).verified
        membership = Membership.objects.get(user=carol)
        assert (membership.organization, membership.role) == (invitation.organization, Role.AGENT)
        assert Organization.objects.count() == 1, "an invited person needs no organization of their own"
        assert client.get("/organization/").status_code == 200

    def test_a_known_person_is_led_to_sign_in(self, invitation: Invitation) -> None:
        factories.make_user(ADDRESS)
        client, path = Client(), path_of(invitation)
        assert "/accounts/login/?next=" in client.get(path).content.decode()
        answer = client.post("/accounts/login/", {"login": ADDRESS, "password": factories.PASSWORD, "next": path})
        assert answer.headers["Location"] == path
