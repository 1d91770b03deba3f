"""Several tabs, one session: a page that was made for one organization does not act in another."""

import html
import json
import re
from urllib.parse import unquote

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Membership, Organization, User
from accounts.permissions import Role
from campaigns.models import Campaign
from publishing.models import SocialPost
from tests import factories
from tests.conftest import signed_in

CREATE = reverse("campaigns:create")
TYPED = {"name": 'Autumn "open" & <more>', "colour": "#2f5d50"}


@pytest.fixture
def of_both(alice: User, club: Organization, rivals: Organization) -> User:
    """Alice, who is a marketer of the other club too."""
    factories.make_member(rivals, Role.MARKETER, alice)
    return alice


@pytest.fixture
def tabs(of_both: User, club: Organization) -> Client:
    client = signed_in(of_both)
    switch_to(client, club)
    return client


def switch_to(client: Client, organization: Organization) -> None:
    client.post(reverse("accounts:switch_organization"), {"organization": organization.pk})


def works_in(client: Client) -> str:
    return str(client.session["organization_id"])


def form_fields(page: str, action: str) -> dict[str, str]:
    """The hidden fields of the form with that address."""
    form = re.search(rf'<form[^>]*action="{re.escape(action)}"[^>]*>(.*?)</form>', page, re.S)
    assert form is not None
    inputs = re.findall(r'<input[^>]*type="hidden"[^>]*name="([^"]*)" value="([^"]*)"', form.group(1))
    return {name: html.unescape(value) for name, value in inputs}


def test_every_form_says_which_organization_its_page_was_made_for(tabs: Client, club: Organization) -> None:
    page = tabs.get(CREATE).content.decode()
    forms = re.findall(r'<form[^>]*method="post".*?</form>', page, re.S)
    assert len(forms) >= 3
    for form in forms:
        assert f'name="_organization" value="{club.pk}"' in form
    assert f'"X-Organization": "{club.pk}"' in page


def test_an_old_form_changes_nothing_in_the_new_organization(
    tabs: Client, club: Organization, rivals: Organization
) -> None:
    switch_to(tabs, rivals)
    answer = tabs.post(CREATE, {"name": "Autumn <open>", "_organization": str(club.pk)})
    assert answer.status_code == 409
    page = answer.content.decode()
    assert "You switched to Hilltop Tennis Club in another tab" in page
    assert "belongs to Riverside Golf Club" in page
    assert not Campaign.objects.exists()
    assert works_in(tabs) == str(rivals.pk)


def test_the_form_is_sent_again_after_switching_back_and_nothing_is_lost(
    tabs: Client, club: Organization, rivals: Organization
) -> None:
    switch_to(tabs, rivals)
    refused = tabs.post(CREATE, {**TYPED, "_organization": str(club.pk)}).content.decode()
    again = form_fields(refused, CREATE)
    assert again["name"] == 'Autumn "open" & <more>'
    assert tabs.post(CREATE, again).status_code == 302
    campaign = Campaign.objects.get()
    assert (campaign.organization_id, campaign.name) == (club.pk, 'Autumn "open" & <more>')
    assert works_in(tabs) == str(club.pk)


def test_secrets_that_were_typed_are_not_repeated_on_the_page(
    tabs: Client, club: Organization, rivals: Organization
) -> None:
    owner = Membership.objects.get(user__email="alice@riverside.example", organization=rivals)
    Membership.objects.filter(pk=owner.pk).update(role=Role.OWNER)
    switch_to(tabs, rivals)
    typed = {"client_id": "the-id", "client_secret": "planted-secret", "_organization": str(club.pk)}
    answer = tabs.post(reverse("connections:platform_app", args=["twitter"]), typed)
    assert answer.status_code == 409
    assert "the-id" in answer.content.decode()
    assert "planted-secret" not in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]


def test_switching_back_needs_the_csrf_token(
    tabs: Client, of_both: User, club: Organization, rivals: Organization
) -> None:
    switch_to(tabs, rivals)
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = tabs.cookies
    foreign = {"name": "Forged", "_organization": str(club.pk), "_switch_back": str(club.pk)}
    assert strict.post(CREATE, foreign).status_code == 403
    assert works_in(tabs) == str(rivals.pk)


def test_scripts_are_told_by_a_header(tabs: Client, club: Organization, rivals: Organization) -> None:
    connection = factories.make_connection(rivals)
    post = factories.make_post(connection)
    switch_to(tabs, rivals)
    drop = reverse("publishing:calendar_drop", args=[post.pk])
    for headers in ({"HX-Request": "true"}, {"X-Requested-With": "fetch"}):
        answer = tabs.post(drop, {"to": "tray"}, headers={"X-Organization": str(club.pk), **headers})
        assert answer.status_code == 409
        told = json.loads(unquote(answer["X-Organization-Switched"]))
        assert told == {"now": "Hilltop Tennis Club", "before": "Riverside Golf Club", "id": str(club.pk)}
    assert SocialPost.objects.get(pk=post.pk).status == post.status


def test_an_old_page_does_not_fetch_parts_of_the_new_organization(
    tabs: Client, club: Organization, rivals: Organization
) -> None:
    switch_to(tabs, rivals)
    page_of_club = {"X-Organization": str(club.pk), "HX-Request": "true"}
    assert tabs.get(reverse("publishing:posts"), headers=page_of_club).status_code == 409
    for whole in ({"HX-Boosted": "true"}, {"HX-History-Restore-Request": "true"}):
        assert tabs.get(reverse("publishing:posts"), headers=page_of_club | whole).status_code == 200
    assert tabs.get(reverse("publishing:posts")).status_code == 200


def test_who_is_no_longer_a_member_is_not_offered_to_switch_back(
    tabs: Client, club: Organization, rivals: Organization
) -> None:
    switch_to(tabs, rivals)
    Membership.objects.filter(organization=club).delete()
    for told in (str(club.pk), "no-uuid"):
        page = tabs.post(CREATE, {"name": "Autumn", "_organization": told}).content.decode()
        assert "no longer a member of" in page
        assert "_switch_back" not in page
        answer = tabs.post(CREATE, {"name": "Autumn"}, headers={"X-Organization": told, "HX-Request": "true"})
        assert json.loads(unquote(answer["X-Organization-Switched"]))["id"] == ""
    tried = {"name": "Autumn", "_organization": str(club.pk), "_switch_back": str(club.pk)}
    assert tabs.post(CREATE, tried).status_code == 409
    assert works_in(tabs) == str(rivals.pk)
    assert not Campaign.objects.exists()


def test_what_belongs_to_the_person_works_from_any_tab(tabs: Client, club: Organization, rivals: Organization) -> None:
    switch_to(tabs, rivals)
    answer = tabs.post(reverse("accounts:switch_organization"), {"organization": club.pk, "_organization": rivals.pk})
    assert answer.status_code == 302
    assert works_in(tabs) == str(club.pk)
    assert tabs.post(reverse("account_logout"), {"_organization": str(rivals.pk)}).status_code == 302


def test_a_page_from_before_an_upgrade_still_works(tabs: Client, club: Organization) -> None:
    assert tabs.post(CREATE, TYPED).status_code == 302
    assert Campaign.objects.get().organization_id == club.pk
