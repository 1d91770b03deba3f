"""Names and titles stand on one line: what is typed elsewhere is refused, and a row from before tears nothing."""

import csv
import io
import logging
from typing import Any

import pytest
import structlog
from django.core import mail
from django.test import Client

from accounts.models import Invitation, Organization, User
from accounts.notifications import notify
from accounts.text import one_line
from campaigns.models import Campaign
from config.logs import configure_logging
from publishing.models import MediaAsset
from tests import factories
from tests.api.client import ApiClient

TORN = [
    "Two\nlines",
    "Two\r\nBcc: all@riverside.example",
    "Bell\x07",
    "Line\u2028separator",
    "\u202egnp.exe",
    "Tab\tbed",
]


@pytest.fixture
def torn_club(club: Organization) -> Organization:
    """As the database may hold one from before such names were refused."""
    Organization.objects.filter(pk=club.pk).update(name="Riverside\r\nBcc: all@riverside.example", language="0\n")
    club.refresh_from_db()
    return club


class TestWhatIsGiven:
    @pytest.mark.parametrize("name", TORN)
    def test_a_page_says_so(self, as_alice: Client, name: str, club: Organization) -> None:
        form = {"name": name, "slug": club.slug, "time_zone": "Europe/Lisbon", "language": "en"}
        answer = as_alice.post("/organization/", form)
        assert answer.status_code == 422
        assert "one line" in answer.content.decode()
        assert as_alice.post("/start/", {"name": name}).status_code == 422
        assert as_alice.post("/profile/", {"name": name}).status_code == 422
        assert as_alice.post("/campaigns/new/", {"name": name, "colour": "#2f5d50"}).status_code == 422
        assert Organization.objects.get().name == club.name
        assert not Campaign.objects.exists()

    @pytest.mark.parametrize("name", [*TORN, " ", "\n"])
    def test_rest_says_so(self, alice: User, name: str) -> None:
        api = ApiClient(alice)
        for answer in (api.patch("organization", {"name": name}), api.post("campaigns", {"name": name})):
            assert (answer.status_code, set(answer.json()["errors"])) == (400, {"name"})

    @pytest.mark.parametrize("name", TORN)
    def test_sign_up_says_so(self, db: None, name: str) -> None:
        form = {"name": "Ann", "organization_name": name, "email": "ann@riverside.example", "password1": "a-long-one-7"}
        answer = Client().post("/accounts/signup/", form)
        assert "one line" in answer.content.decode()
        assert not Organization.objects.exists()

    @pytest.mark.parametrize("name", TORN)
    def test_the_admin_says_so(self, club: Organization, name: str) -> None:
        operator = Client()
        operator.force_login(User.objects.create_superuser("root@riverside.example", "x"))
        form = {"name": name, "slug": club.slug, "time_zone": "UTC", "language": "en"}
        operator.post(f"/admin/accounts/organization/{club.pk}/change/", form)
        club.refresh_from_db()
        assert club.name == "Riverside Golf Club"

    def test_letters_of_any_script_and_joined_signs_are_fine(self, alice: User) -> None:
        name = "👩‍👩‍👧 Клуб נבחרת ゴルフ"
        assert ApiClient(alice).patch("organization", {"name": name}).json()["name"] == name


@pytest.mark.parametrize("wrong", [{"client_id": "idé"}, {"client_secret": "a\nb"}, {"client_id": "two words"}])
def test_an_app_s_id_and_secret_are_what_a_header_can_carry(as_alice: Client, wrong: dict[str, str]) -> None:
    form = {"client_id": "x-client", "client_secret": "x-secret"} | wrong
    answer = as_alice.post("/connections/apps/twitter/", form)
    assert answer.status_code == 422
    assert "Copy it again" in answer.content.decode()


class TestWhatIsStoredAlready:
    def test_an_invitation_is_sent(
        self, torn_club: Organization, as_alice: Client, django_capture_on_commit_callbacks: Any
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            answer = as_alice.post("/members/", {"email": "new@riverside.example", "role": "VIEWER"})
        assert answer.status_code == 302
        assert Invitation.objects.get().sent_at
        assert mail.outbox[0].subject == "You've been invited to Riverside Bcc: all@riverside.example on Parley"
        assert mail.outbox[0].recipients() == ["new@riverside.example"]

    def test_a_notification_is_one_line(self, club: Organization, alice: User) -> None:
        notify([alice], organization=club, kind="x", key="x", title="A\r\nBcc: x\u2028\ud800b")
        assert alice.notifications.get().title == "A Bcc: x b"

    def test_a_picture_is_served_under_a_name_of_one_line(self, club: Organization, as_alice: Client) -> None:
        asset = factories.make_asset(club)
        MediaAsset.objects.filter(pk=asset.pk).update(name='green"\r\nX-Evil: 1.png')
        answer = as_alice.get(f"/media/{asset.pk}/file/")
        assert answer.status_code == 200
        assert "X-Evil" not in answer.headers
        assert "\n" not in answer["Content-Disposition"]

    def test_an_export_keeps_its_rows(self, torn_club: Organization, as_alice: Client) -> None:
        as_alice.post("/members/", {"email": "new@riverside.example", "role": "VIEWER"})
        text = b"".join(as_alice.get("/organization/audit.csv").streaming_content).decode()  # type: ignore[attr-defined]
        rows = list(csv.reader(io.StringIO(text)))
        assert len({len(row) for row in rows}) == 1

    def test_a_log_line_stays_one_line(self, torn_club: Organization) -> None:
        configured = configure_logging("INFO", "console")["formatters"]["structured"]
        formatter = structlog.stdlib.ProcessorFormatter(
            processors=configured["processors"], foreign_pre_chain=configured["foreign_pre_chain"]
        )
        record = logging.LogRecord("x", logging.INFO, "x", 1, "joined %s", (torn_club.name,), None)
        assert formatter.format(record).count("\n") == 0
        assert "Riverside\\r\\nBcc" in formatter.format(record)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\r\n b", "a b"),
        ("  a \t b ", "a b"),
        ("a\x00b", "a b"),
        ("\ud800a", "a"),
        ("\u202eabc\u2066", "abc"),
        ("", ""),
    ],
)
def test_a_line_is_made_of_any_text(text: str, line: str) -> None:
    assert one_line(text) == line
    assert one_line("x" * 300, 200) == "x" * 200
