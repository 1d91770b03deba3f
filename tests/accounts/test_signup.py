"""Signing up, verifying the address, a first organization."""

import re
import smtplib
from typing import Any
from unittest import mock

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client

from accounts.models import AuditEvent, Membership, Organization, User
from accounts.permissions import Role
from tests.conftest import signed_in

FORM = {
    "name": "Carol Moss", "organization_name": "Lakeside Rowing", "email": "carol@lakeside.example",
    "password1": "rowing-at-six", "time_zone": "Europe/Lisbon",
}  # fmt: skip


@pytest.fixture
def stranger(db: None) -> Client:
    return Client()


def test_sign_up_makes_the_person_and_an_organization_that_they_own(stranger: Client) -> None:
    answer = stranger.post("/accounts/signup/", FORM)
    assert answer.status_code == 302
    membership = Membership.objects.select_related("user", "organization").get()
    assert (membership.user.name, membership.role) == ("Carol Moss", Role.OWNER)
    assert (membership.organization.name, membership.organization.slug) == ("Lakeside Rowing", "lakeside-rowing")
    assert membership.organization.time_zone == "Europe/Lisbon"
    assert AuditEvent.objects.filter(action="organization.created", organization=membership.organization).exists()


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../../etc/passwd"])
def test_an_unknown_zone_becomes_utc(stranger: Client, zone: str) -> None:
    stranger.post("/accounts/signup/", FORM | {"time_zone": zone})
    assert Organization.objects.get().time_zone == "UTC"


def test_nobody_is_signed_in_before_the_address_is_verified(stranger: Client, mailoutbox: list[Any]) -> None:
    stranger.post("/accounts/signup/", FORM)
    assert stranger.get("/profile/").status_code == 302
    assert not EmailAddress.objects.get().verified
    link = re.search(r"http://\S+/accounts/confirm-email/\S+", mailoutbox[0].body)
    assert link
    page = stranger.get(link[0])
    assert page.status_code == 200
    assert not EmailAddress.objects.get().verified, "mail scanners open links: a GET changes nothing"
    stranger.post(link[0])
    assert EmailAddress.objects.get().verified


def test_the_form_asks_for_name_and_organization(stranger: Client) -> None:
    answer = stranger.post("/accounts/signup/", {"email": FORM["email"], "password1": FORM["password1"]})
    assert answer.status_code == 200
    assert {"name", "organization_name"} <= set(answer.context["form"].errors)
    assert not User.objects.exists()


def test_a_known_address_is_not_told_to_the_one_who_asks(stranger: Client, alice: User, mailoutbox: list[Any]) -> None:
    answer = stranger.post("/accounts/signup/", FORM | {"email": alice.email})
    assert answer.status_code == 302
    assert User.objects.count() == 1
    assert mailoutbox[0].to == [alice.email]


def test_two_organizations_of_one_name_get_different_short_names(stranger: Client) -> None:
    stranger.post("/accounts/signup/", FORM)
    Client().post("/accounts/signup/", FORM | {"email": "dan@lakeside.example"})
    assert set(Organization.objects.values_list("slug", flat=True)) == {"lakeside-rowing", "lakeside-rowing-2"}


def test_a_mail_server_that_is_down_is_said_and_loses_nothing(stranger: Client) -> None:
    with mock.patch("django.core.mail.EmailMultiAlternatives.send", side_effect=smtplib.SMTPServerDisconnected):
        answer = stranger.post("/accounts/signup/", FORM, follow=True)
    assert answer.status_code == 200
    assert "could not be sent" in answer.content.decode()
    assert User.objects.filter(email=FORM["email"]).exists()


class TestStart:
    def test_a_person_without_an_organization_is_led_to_make_one(self, db: None) -> None:
        from tests.factories import make_user

        client = signed_in(make_user("lone@example.org"))
        assert client.get("/members/").headers["Location"] == "/start/"
        answer = client.post("/start/", {"name": "Solo Sailing", "time_zone": "Europe/Madrid"})
        assert answer.status_code == 302
        assert Organization.objects.get().time_zone == "Europe/Madrid"
        assert client.get("/members/").status_code == 200

    def test_a_further_one_becomes_the_current_one(self, as_alice: Client) -> None:
        as_alice.post("/start/", {"name": "Second Club"})
        assert as_alice.get("/organization/").context["organization"].name == "Second Club"

    def test_a_name_is_needed(self, as_alice: Client) -> None:
        assert as_alice.post("/start/", {"name": " "}).status_code == 422


class TestSwitching:
    def test_one_s_other_organization_can_be_chosen_and_stays_chosen(
        self, as_alice: Client, club: Organization
    ) -> None:
        as_alice.post("/start/", {"name": "A Second Club"})
        as_alice.post("/organization/switch/", {"organization": str(club.pk)})
        assert as_alice.get("/organization/").context["organization"] == club

    @pytest.mark.parametrize("wanted", ["", "x", "00000000-0000-0000-0000-000000000000"])
    def test_nonsense_is_a_404(self, as_alice: Client, wanted: str) -> None:
        assert as_alice.post("/organization/switch/", {"organization": wanted}).status_code == 404

    def test_a_foreign_one_is_a_404(self, as_alice: Client, rivals: Organization) -> None:
        assert as_alice.post("/organization/switch/", {"organization": str(rivals.pk)}).status_code == 404

    @pytest.mark.parametrize(
        "target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
    )
    def test_it_leads_to_no_other_host(self, as_alice: Client, club: Organization, target: str) -> None:
        answer = as_alice.post("/organization/switch/", {"organization": str(club.pk), "next": target})
        assert answer.headers["Location"] == "/"

    def test_get_changes_nothing(self, as_alice: Client) -> None:
        assert as_alice.get("/organization/switch/").status_code == 405


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8000", "evil.example"])
def test_links_in_mails_lead_to_the_installation_whatever_host_was_named(
    db: None, alice: User, settings: Any, host: str
) -> None:
    settings.APP_URL = "https://parley.example.org"
    anybody = Client(headers={"Host": host})
    anybody.post("/accounts/password/reset/", {"email": alice.email})
    anybody.post("/accounts/password/reset/", {"email": "nobody@riverside.example"})
    anybody.post("/accounts/signup/", FORM)
    anybody.post("/accounts/signup/", FORM | {"email": alice.email})
    assert len(mail.outbox) == 4
    for sent in mail.outbox:
        assert host not in str(sent.body)
        assert "Parley" in str(sent.body)
        links = re.findall(r"https?://[^\s\"<>]+", str(sent.message()))
        assert links
        assert {link for link in links if not link.startswith("https://parley.example.org/")} == set()


def test_probes_come_by_address_and_people_by_name(db: None, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["parley.example.org"]
    settings.APP_URL = "https://parley.example.org"
    browser = Client(headers={"Host": "10.0.0.7:8000"})
    assert browser.get("/healthz").status_code == 200
    assert browser.get("/accounts/login/").status_code == 400
