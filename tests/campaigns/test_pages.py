"""Pages of campaigns."""

import re
from typing import Any

from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Organization, User
from accounts.permissions import Role
from campaigns.models import Campaign
from connections.models import SocialConnection
from publishing.models import PostStatus
from tests.conftest import signed_in
from tests.factories import make_campaign, make_connection, make_member, make_post


def text_of(response: Any) -> str:
    text: str = response.content.decode()
    return text


def form(**changes: str) -> dict[str, str]:
    return {
        "name": "Winter 2026",
        "goal": "40 seats sold",
        "starts_on": "2026-12-01",
        "ends_on": "2026-12-31",
        "colour": "#2f5d50",
        "owner": "",
    } | changes


def test_a_campaign_is_made_and_opens(as_bob: Client, club: Organization) -> None:
    response = as_bob.post("/campaigns/new/", form(), follow=True)
    campaign = Campaign.objects.for_organization(club).get()
    assert response.redirect_chain[-1][0] == f"/campaigns/{campaign.pk}/"
    assert "40 seats sold" in text_of(response)
    assert "1 Dec 2026 – 31 Dec 2026" in text_of(response)


def test_a_campaign_that_ends_before_it_starts_is_refused_in_a_sentence(as_bob: Client) -> None:
    response = as_bob.post("/campaigns/new/", form(ends_on="2026-11-01"))
    assert response.status_code == 422
    assert "The campaign ends before it starts." in text_of(response)
    assert not Campaign.objects.exists()


def test_a_name_is_taken_once_per_organization(as_bob: Client, club: Organization, rivals: Organization) -> None:
    make_campaign(rivals, name="Winter 2026")
    assert as_bob.post("/campaigns/new/", form()).status_code == 302
    again = as_bob.post("/campaigns/new/", form())
    assert again.status_code == 422
    assert "Another campaign has this name." in text_of(again)


def test_somebody_of_another_organization_cannot_own_it(as_bob: Client, eve: User) -> None:
    assert as_bob.post("/campaigns/new/", form(owner=str(eve.pk))).status_code == 422


def test_changes_are_kept(as_bob: Client, club: Organization) -> None:
    campaign = make_campaign(club)
    as_bob.post(f"/campaigns/{campaign.pk}/edit/", form(name="Spring"))
    campaign.refresh_from_db()
    assert (campaign.name, campaign.goal) == ("Spring", "40 seats sold")


def test_the_page_shows_posts_with_their_totals(as_bob: Client, club: Organization) -> None:
    campaign, x = make_campaign(club), make_connection(club)
    for likes in (30, 12):
        make_post(
            x,
            campaign=campaign,
            status=PostStatus.PUBLISHED,
            likes=likes,
            shares=2,
            impressions=1000,
            content="Out already",
        )
    make_post(x, campaign=campaign, content="Yet to come")
    make_post(x, content="Of no campaign")
    page = text_of(as_bob.get(f"/campaigns/{campaign.pk}/"))
    assert "Out already" in page
    assert "Yet to come" in page
    assert "Of no campaign" not in page
    for number in ("42", "2,000"):
        assert f'<span class="tile-value">{number}</span>' in page


def test_an_archived_campaign_leaves_the_list_and_comes_back(as_bob: Client, club: Organization) -> None:
    campaign = make_campaign(club, name="Last summer")
    archive = reverse("campaigns:archive", args=[campaign.pk])
    as_bob.post(archive)
    assert '<h2 class="card-title truncate">Last summer' not in text_of(as_bob.get("/campaigns/"))
    assert "Last summer" in text_of(as_bob.get("/campaigns/?archived=1"))
    as_bob.post(archive, {"restore": "1"})
    assert '<h2 class="card-title truncate">Last summer' in text_of(as_bob.get("/campaigns/"))


def test_an_archived_campaign_is_not_offered_to_new_posts(as_bob: Client, club: Organization) -> None:
    make_connection(club)
    make_campaign(club, name="Put away", is_archived=True)
    make_campaign(club, name="Running")
    page = text_of(as_bob.get("/posts/new/"))
    assert "Running" in page
    assert "Put away" not in page


def test_an_empty_list_says_what_campaigns_are_for(as_bob: Client) -> None:
    assert "A campaign groups posts under one goal" in text_of(as_bob.get("/campaigns/"))


def test_viewers_look_and_strangers_see_nothing(club: Organization, as_eve: Client) -> None:
    campaign = make_campaign(club)
    viewer = signed_in(make_member(club, Role.VIEWER).user)
    assert viewer.get(f"/campaigns/{campaign.pk}/").status_code == 200
    assert viewer.get("/campaigns/new/").status_code == 403
    assert viewer.post(f"/campaigns/{campaign.pk}/archive/").status_code == 403
    for path in ("", "edit/"):
        assert as_eve.get(f"/campaigns/{campaign.pk}/{path}").status_code == 404
    assert as_eve.post(f"/campaigns/{campaign.pk}/archive/").status_code == 404


def test_the_list_and_the_page_ask_the_database_as_often_for_many_as_for_few(
    as_bob: Client, club: Organization
) -> None:
    x, campaign = make_connection(club), make_campaign(club)

    def counts() -> list[int]:
        found = []
        for path in ("/campaigns/", f"/campaigns/{campaign.pk}/"):
            with CaptureQueriesContext(database) as queries:
                as_bob.get(path)
            found.append(len(queries))
        return found

    def grow(number: int, connection: SocialConnection) -> None:
        for _number in range(number):
            make_post(connection, campaign=campaign)
            make_post(connection, campaign=make_campaign(club))

    grow(3, x)
    counts()  # the first visit also makes the session
    few = counts()
    grow(25, x)
    assert counts() == few


def test_a_campaign_speaks_of_its_posts_as_every_other_page_does(as_bob: Client, club: Organization) -> None:
    campaign = make_campaign(club)
    works = make_connection(club, "TWITTER")
    lost = make_connection(club, "FACEBOOK", is_active=False)
    make_post(works, campaign=campaign)
    make_post(lost, campaign=campaign)
    make_post(works, campaign=campaign, hold_reason="RECONNECTED")
    make_post(works, campaign=campaign, status="FAILED")
    page = as_bob.get(f"/campaigns/{campaign.pk}/").content.decode()
    badges = sorted(re.findall(r'class="badge"[^>]*>.*?</svg>\s*([^<]+)</span>', page, re.S))
    assert badges == ["Failed", "On hold", "Scheduled", "Waiting for reconnection"]
    listed = as_bob.get("/campaigns/").content.decode()
    counts = dict(re.findall(r"<dt>([^<]+)</dt><dd[^>]*>([^<]+)</dd>", listed))
    assert (counts["Scheduled"], counts["Needs attention"]) == ("1", "3")
