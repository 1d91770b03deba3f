"""The Django admin: who enters, what they see, what they may change."""

import pytest
from allauth.mfa.totp.internal import auth as totp
from django.contrib import admin
from django.test import Client

from accounts.models import AuditEvent, Membership, Organization, User
from accounts.permissions import Role
from campaigns.models import Campaign
from tests import factories
from tests.conftest import signed_in


@pytest.fixture
def operator(db: None) -> Client:
    return signed_in(factories.make_user("operator@parley.example", is_superuser=True))


@pytest.fixture
def as_admin(club: Organization, alice: User) -> Client:
    return signed_in(factories.make_member(club, Role.ADMIN).user)


class TestEntering:
    def test_leads_to_the_product_s_own_sign_in(self, db: None) -> None:
        answer = Client().get("/admin/", follow=True)
        assert answer.redirect_chain[-1][0].startswith("/accounts/login/?next=/admin/")

    def test_the_admin_s_own_sign_in_takes_no_password(self, alice: User) -> None:
        client = Client()
        client.post("/admin/login/", {"username": alice.email, "password": factories.PASSWORD})
        assert client.get("/admin/").status_code == 302

    def test_a_second_factor_counts_there_too(self, alice: User) -> None:
        totp.TOTP.activate(alice, totp.generate_totp_secret())
        client = Client()
        form = {"login": alice.email, "password": factories.PASSWORD, "next": "/admin/"}
        assert "2fa" in client.post("/accounts/login/", form).headers["Location"]
        assert client.get("/admin/").status_code == 302

    @pytest.mark.parametrize(
        ("role", "enters"), [("OWNER", True), ("ADMIN", True), ("AGENT", True), ("MARKETER", False), ("VIEWER", False)]
    )
    def test_is_for_agents_admins_and_owners(self, club: Organization, role: str, enters: bool) -> None:
        client = signed_in(factories.make_member(club, role).user)
        assert client.get("/admin/", follow=True).status_code == (200 if enters else 403)


class TestScope:
    def test_shows_rows_of_the_current_organization_alone(
        self, as_admin: Client, club: Organization, rivals: Organization, eve: User
    ) -> None:
        factories.make_campaign(club, name="Ours")
        theirs = factories.make_campaign(rivals, name="Theirs")
        page = as_admin.get("/admin/campaigns/campaign/").content.decode()
        assert "Ours" in page
        assert "Theirs" not in page
        assert as_admin.get(f"/admin/campaigns/campaign/{theirs.pk}/change/").status_code in {302, 403, 404}
        assert eve.email not in as_admin.get("/admin/accounts/user/").content.decode()

    def test_a_superuser_sees_those_of_all(self, operator: Client, club: Organization, rivals: Organization) -> None:
        page = operator.get("/admin/accounts/organization/").content.decode()
        assert club.name in page
        assert rivals.name in page

    def test_references_offer_rows_of_the_organization_alone(
        self, as_admin: Client, club: Organization, eve: User, rivals: Organization
    ) -> None:
        page = as_admin.get(f"/admin/campaigns/campaign/{factories.make_campaign(club).pk}/change/").content.decode()
        assert eve.email not in page
        assert rivals.name not in page
        form = {"name": "New", "colour": "#000000", "organization": str(rivals.pk)}
        as_admin.post("/admin/campaigns/campaign/add/", form)
        assert not Campaign.objects.filter(organization=rivals).exists()

    def test_an_agent_looks_but_changes_no_campaigns(self, club: Organization) -> None:
        agent = signed_in(factories.make_member(club, Role.AGENT).user)
        path = f"/admin/campaigns/campaign/{factories.make_campaign(club, name='Spring').pk}/change/"
        assert agent.get(path).status_code == 200
        agent.post(path, {"name": "Changed", "colour": "#000000"})
        assert Campaign.objects.get().name == "Spring"

    @pytest.mark.parametrize(
        ("model", "column"),
        [("user", "password"), ("user", "memberships__organization__name"), ("invitation", "nonce")],
    )
    def test_what_is_not_shown_cannot_be_guessed_by_filtering(
        self, as_admin: Client, alice: User, model: str, column: str
    ) -> None:
        path = f"/admin/accounts/{model}/"
        assert as_admin.get(path, {f"{column}__startswith": alice.password[:4]}).status_code == 400

    def test_what_is_shown_can_be_filtered_by(self, as_admin: Client, alice: User) -> None:
        page = as_admin.get("/admin/accounts/user/", {"is_active__exact": "1"})
        assert alice.email in page.content.decode()


class TestChanges:
    def test_are_on_record(self, as_admin: Client, club: Organization) -> None:
        campaign = factories.make_campaign(club, name="Spring")
        form = {"name": "Summer", "goal": "", "starts_on": "", "ends_on": "", "colour": "#2f5d50", "owner": ""}
        answer = as_admin.post(f"/admin/campaigns/campaign/{campaign.pk}/change/", form)
        assert answer.status_code == 302, answer.context["errors"]
        event = AuditEvent.objects.get(action="campaign.changed")
        assert event.changes["name"] == ["Spring", "Summer"]
        assert event.organization_id == club.pk

    @pytest.mark.parametrize("model", ["membership", "invitation", "auditevent"])
    def test_roles_invitations_and_events_are_read_there_and_changed_elsewhere(
        self, operator: Client, model: str
    ) -> None:
        assert operator.get(f"/admin/accounts/{model}/").status_code == 200
        assert operator.get(f"/admin/accounts/{model}/add/").status_code == 403

    def test_nobody_edits_a_person_s_password_or_address_there(self, operator: Client, alice: User) -> None:
        page = operator.get(f"/admin/accounts/user/{alice.pk}/change/").content.decode()
        assert 'name="password"' not in page
        assert 'name="email"' not in page
        assert 'name="is_superuser"' not in page
        assert alice.password not in page

    def test_a_role_cannot_be_changed_there(self, operator: Client, alice: User) -> None:
        member = Membership.objects.get(user=alice)
        operator.post(f"/admin/accounts/membership/{member.pk}/change/", {"role": "VIEWER"})
        member.refresh_from_db()
        assert member.role == Role.OWNER


def test_tables_with_secrets_or_other_people_s_sign_in_are_not_registered() -> None:
    registered = {model._meta.label for model in admin.site._registry}
    assert not registered & {
        "mfa.Authenticator", "socialaccount.SocialToken", "socialaccount.SocialApp", "socialaccount.SocialAccount",
        "usersessions.UserSession", "account.EmailAddress", "account.EmailConfirmation", "auth.Group",
        "sessions.Session", "accounts.RefreshToken", "accounts.IdempotentAnswer", "connections.ConnectionToken",
        "connections.Consent", "connections.Revocation",
    }  # fmt: skip


def test_tables_of_the_installation_are_for_superusers(as_admin: Client, operator: Client) -> None:
    assert as_admin.get("/admin/django_celery_beat/periodictask/").status_code == 403
    assert operator.get("/admin/django_celery_beat/periodictask/").status_code == 200


def test_the_first_page_has_numbers_to_act_on_that_lead_to_their_rows(
    as_admin: Client, operator: Client, club: Organization, rivals: Organization
) -> None:
    works, lost = factories.make_connection(club), factories.make_connection(club, is_active=False)
    factories.make_connection(rivals, is_active=False)
    factories.make_post(works, status="FAILED", content="Broken")
    factories.make_post(lost, content="Stuck")
    factories.make_post(works, content="Soon")
    factories.make_post(factories.make_connection(rivals), status="FAILED", content="Theirs")

    def numbers(client: Client) -> dict[str, int]:
        found = client.get("/admin/").context["numbers"]
        for number in found:
            rows = client.get(number.url).context["cl"].result_count
            assert rows == number.value, number.label
        return {number.label: number.value for number in found}

    assert numbers(as_admin) == {
        "Posts: needs attention": 2, "Posts: failed in the last 7 days": 1, "Posts: due and not sent": 0,
        "Posts: due in the next 24 hours": 2, "Connections to reconnect": 1,
    }  # fmt: skip
    assert numbers(operator)["Posts: failed in the last 7 days"] == 2, "an operator sees all organizations"
