"""One card for each idea: which posts share one, what it shows, and moving all of them or one alone."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Organization, User
from connections.models import SocialConnection
from publishing.models import PostGroup, SocialPost
from tests import factories
from tests.conftest import signed_in
from tests.publishing.test_calendar_pages import MONTH, days_in, drop, lisbon, toast_of, undo

LISBON = ZoneInfo("Europe/Lisbon")
NOW = datetime(2026, 12, 9, 12, 0, tzinfo=UTC)
EVENING = lisbon(2026, 12, 10, 17, 45)


@pytest.fixture(autouse=True)
def _at_noon() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def accounts(club: Organization) -> list[SocialConnection]:
    """One of each platform, all of the club's name."""
    return [factories.make_connection(club, platform, account_name="Riverside GC", expires_in_s=30 * 24 * 3600)
            for platform in ("TWITTER", "FACEBOOK", "MASTODON")]  # fmt: skip


@pytest.fixture
def idea(club: Organization, accounts: list[SocialConnection], bob: User) -> list[SocialPost]:
    """One idea for three accounts, on Thursday at 17:45."""
    return make_idea(club, accounts, created_by=bob)


def make_idea(club: Organization, accounts: list[SocialConnection], **fields: Any) -> list[SocialPost]:
    group = PostGroup.objects.create(organization=club, content="Members' dinner on the terrace")
    given = {"content": group.content, "scheduled_at": EVENING} | fields
    return [factories.make_post(account, group=group, **given) for account in accounts]


def cards_in(page: str) -> list[str]:
    """The markup of each card of a page, the tray's left out."""
    return re.findall(r'<a class="post-card.*?</a>', page, re.DOTALL)


def times_of(posts: list[SocialPost]) -> list[datetime | None]:
    found = SocialPost.objects.in_bulk([post.pk for post in posts])
    return [found[post.pk].scheduled_at for post in posts]


def drop_all(client: Client, posts: list[SocialPost], **fields: Any) -> Any:
    others: dict[str, Any] = {"with": [str(post.pk) for post in posts[1:]]}
    return drop(client, posts[0], **fields, **others)


# --- which posts share a card -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("view", ["month", "week", "day", "list"])
def test_an_idea_for_three_accounts_is_one_card_with_the_mark_of_each(
    as_bob: Client, idea: list[SocialPost], view: str
) -> None:
    (card,) = cards_in(as_bob.get(f"/calendar/?view={view}&date=2026-12-10").content.decode())
    assert card.count("terrace") == 1
    assert [name for name in ("brand-x", "brand-facebook", "brand-mastodon") if name in card] == [
        "brand-x", "brand-facebook", "brand-mastodon",
    ]  # fmt: skip
    assert all(str(post.pk) in card for post in idea)


def test_a_post_of_the_idea_at_another_time_has_a_card_of_its_own(as_bob: Client, idea: list[SocialPost]) -> None:
    SocialPost.objects.filter(pk=idea[2].pk).update(scheduled_at=EVENING + timedelta(hours=1))
    together, alone = cards_in(as_bob.get(MONTH).content.decode())
    assert all(str(post.pk) in together for post in idea[:2])
    assert str(idea[2].pk) not in together
    assert "18:45" in alone


def test_posts_that_went_out_seconds_apart_stay_on_one_card_and_one_that_went_out_later_does_not(
    as_bob: Client, club: Organization, accounts: list[SocialConnection]
) -> None:
    planned = lisbon(2026, 12, 8, 9, 59)
    out = make_idea(club, accounts, status="PUBLISHED", scheduled_at=planned)
    for post, delay_s in zip(out, (1, 65, 40 * 60), strict=True):
        SocialPost.objects.filter(pk=post.pk).update(published_at=planned + timedelta(seconds=delay_s))
    together, alone = cards_in(as_bob.get(MONTH).content.decode())
    assert "09:59" in together
    assert all(str(post.pk) in together for post in out[:2])
    assert "10:39" in alone


def test_posts_of_two_ideas_at_one_time_have_a_card_each(
    as_bob: Client, club: Organization, accounts: list[SocialConnection]
) -> None:
    make_idea(club, accounts)
    make_idea(club, accounts)
    factories.make_post(accounts[0], scheduled_at=EVENING)
    assert len(cards_in(as_bob.get(MONTH).content.decode())) == 3


def test_under_a_filter_the_card_holds_the_posts_that_are_shown(as_bob: Client, idea: list[SocialPost]) -> None:
    (card,) = cards_in(as_bob.get(f"{MONTH}&platform=FACEBOOK").content.decode())
    assert str(idea[1].pk) in card
    assert str(idea[0].pk) not in card


def test_the_tray_has_one_card_for_each_idea(
    as_bob: Client, club: Organization, accounts: list[SocialConnection]
) -> None:
    drafts = make_idea(club, accounts, status="DRAFT", scheduled_at=None)
    tray = as_bob.get(MONTH).content.decode().split('id="tray"')[1].split("</section>")[0]
    assert tray.count('class="tray-card is-movable"') == 1
    drop_all(as_bob, drafts, to="day", day="2026-12-12")
    assert set(times_of(drafts)) == {lisbon(2026, 12, 12, 9, 0)}


# --- what a card shows ------------------------------------------------------------------------------------------------


def test_a_card_shows_the_state_that_asks_most_and_of_how_many(as_bob: Client, idea: list[SocialPost]) -> None:
    SocialPost.objects.filter(pk=idea[0].pk).update(status="PUBLISHED", published_at=EVENING)
    SocialPost.objects.filter(pk=idea[1].pk).update(status="FAILED", error_code="CONTENT_REJECTED")
    (card,) = cards_in(as_bob.get(MONTH).content.decode())
    assert 'data-tone="danger"' in card
    assert "Failed 1/3" in card


def test_a_card_shows_the_first_picture_of_its_idea(as_bob: Client, club: Organization, idea: list[SocialPost]) -> None:
    first, second = factories.make_asset(club), factories.make_asset(club)
    factories.attach(idea[1], first, second)
    (card,) = cards_in(as_bob.get(MONTH).content.decode())
    assert card.count("<img") == 1
    assert reverse("publishing:media_thumbnail", args=[first.pk]) in card


def test_the_name_of_a_card_is_what_stands_on_it(as_bob: Client, idea: list[SocialPost]) -> None:
    """A spoken name that differs from the visible words cannot be said to a voice control."""
    page = as_bob.get("/calendar/?view=week&date=2026-12-10").content.decode()
    (card,) = cards_in(page)
    assert "aria-label" not in card.split(">")[0]
    assert "Scheduled" in card
    assert not re.search(r'<a class="week-head[^>]*aria-label', page)


def test_a_day_shows_every_post_and_all_of_its_text(as_bob: Client, accounts: list[SocialConnection]) -> None:
    text = "The long one about the winter timetable, from the first tee to the last bus home. " * 4
    for minute in range(0, 60, 5):
        factories.make_post(accounts[0], content=text + str(minute), scheduled_at=lisbon(2026, 12, 9, 17, minute))
    just_now = factories.make_post(accounts[1], status="PUBLISHED", content="Just now", published_at=NOW)
    page = as_bob.get("/calendar/?view=day&date=2026-12-09").content.decode()
    assert "more</a>" not in page
    assert len(cards_in(page)) == 13
    assert page.count(text.strip()) == 12
    assert f'id="post-{just_now.pk}"' in page


def test_a_calendar_of_ideas_costs_as_many_queries_for_thirty_as_for_three(
    as_bob: Client, club: Organization, accounts: list[SocialConnection]
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(database) as caught:
            assert as_bob.get(MONTH).status_code == 200
        return len(caught)

    def add(number: int) -> None:
        for hour in range(number):
            for post in make_idea(club, accounts, scheduled_at=lisbon(2026, 12, 10, 8, 0) + timedelta(hours=hour)):
                factories.attach(post, factories.make_asset(club))
            make_idea(club, accounts, status="DRAFT", scheduled_at=None)

    add(3)
    as_bob.get(MONTH)
    few = queries()
    add(27)
    assert queries() == few


# --- moving all, or one alone -----------------------------------------------------------------------------------------


def test_dropping_a_card_moves_all_of_it_and_one_undo_takes_all_back(as_bob: Client, idea: list[SocialPost]) -> None:
    answer = drop_all(as_bob, idea, to="day", day="2026-12-17")
    assert answer.status_code == 200
    assert set(times_of(idea)) == {lisbon(2026, 12, 17, 17, 45)}
    assert toast_of(answer)["text"] == "3 posts moved to Thu 17 Dec, 17:45."
    assert days_in(answer) == {"2026-12-10", "2026-12-17"}
    back = undo(as_bob, toast_of(answer)["undo_url"])
    assert set(times_of(idea)) == {EVENING}
    assert days_in(back) == {"2026-12-10", "2026-12-17"}


def test_a_card_dropped_into_the_tray_is_unscheduled_as_a_whole(as_bob: Client, idea: list[SocialPost]) -> None:
    answer = drop_all(as_bob, idea, to="tray")
    assert times_of(idea) == [None, None, None]
    assert toast_of(answer)["text"] == "3 posts moved to drafts."
    undo(as_bob, toast_of(answer)["undo_url"])
    assert set(times_of(idea)) == {EVENING}


@pytest.mark.parametrize(
    ("number", "fields", "reason"),
    [
        (1, {"status": "PUBLISHED", "published_at": EVENING}, "already published"),
        (2, {"status": "FAILED", "error_code": "OUTCOME_UNKNOWN"}, "Say what happened on its page first"),
        (2, {"content": "x" * 600}, "500"),
    ],
)
def test_a_move_that_one_account_refuses_moves_none_and_says_which_and_why(
    as_bob: Client, idea: list[SocialPost], number: int, fields: dict[str, Any], reason: str
) -> None:
    SocialPost.objects.filter(pk=idea[number].pk).update(**fields)
    answer = drop_all(as_bob, idea, to="day", day="2026-12-17")
    assert answer.status_code == 422
    assert set(times_of(idea)) == {EVENING}
    text = toast_of(answer)["text"]
    assert text.startswith(f"Riverside GC on {idea[number].connection.platform_label}: ")
    assert reason in text
    assert "None of the 3 posts was moved." in text


def test_a_card_that_is_no_longer_one_is_not_moved(as_bob: Client, idea: list[SocialPost]) -> None:
    """Somebody else moved one of its posts while the page was open."""
    SocialPost.objects.filter(pk=idea[1].pk).update(scheduled_at=EVENING + timedelta(days=1))
    before = times_of(idea)
    answer = drop_all(as_bob, idea, to="day", day="2026-12-17")
    assert answer.status_code == 422
    assert "changed in the meantime" in toast_of(answer)["text"]
    assert times_of(idea) == before


def test_an_undo_of_several_is_refused_as_a_whole_when_one_changed(as_bob: Client, idea: list[SocialPost]) -> None:
    url = toast_of(drop_all(as_bob, idea, to="day", day="2026-12-17"))["undo_url"]
    drop(as_bob, idea[1], to="day", day="2026-12-18")
    before = times_of(idea)
    answer = undo(as_bob, url)
    assert answer.status_code == 422
    assert "One of these posts changed" in toast_of(answer)["text"]
    assert times_of(idea) == before


def test_posts_of_others_cannot_be_carried_along(as_bob: Client, as_eve: Client, idea: list[SocialPost]) -> None:
    theirs = factories.make_post(factories.make_connection(factories.make_organization()))
    for other in (str(theirs.pk), "nonsense"):
        assert drop(as_bob, idea[0], to="day", day="2026-12-17", **{"with": other}).status_code == 404
    assert drop_all(as_eve, idea, to="day", day="2026-12-17").status_code == 404
    assert set(times_of(idea)) == {EVENING}


def test_the_drawer_of_a_card_offers_each_account_and_all_together(as_bob: Client, idea: list[SocialPost]) -> None:
    SocialPost.objects.filter(pk=idea[2].pk).update(content="A text of its own for Mastodon")
    text = as_bob.get(reverse("publishing:calendar_post", args=[idea[0].pk]), HTTP_HX_REQUEST="true").content.decode()
    for post in idea:
        assert f'hx-get="{reverse("publishing:move", args=[post.pk])}"' in text
        assert reverse("publishing:post", args=[post.pk]) in text
    assert "A text of its own for Mastodon" in text
    first, *others = sorted(post.pk for post in idea)
    all_of_them = reverse("publishing:move", args=[first]) + f"?with={others[0]}&amp;with={others[1]}"
    assert all_of_them in text
    url, here = all_of_them.replace("&amp;", "&"), {"HTTP_HX_REQUEST": "true", "HTTP_HX_CURRENT_URL": f"http://testserver{MONTH}"}  # fmt: skip
    dialog = as_bob.get(url, **here).content.decode()  # type: ignore[arg-type]
    assert "Move 3 posts to…" in dialog
    assert all_of_them in dialog
    as_bob.post(url, {"day": "2026-12-20", "time": "10:00"}, **here)  # type: ignore[arg-type]
    assert set(times_of(idea)) == {lisbon(2026, 12, 20, 10, 0)}


def test_one_post_of_a_card_is_moved_alone(as_bob: Client, idea: list[SocialPost]) -> None:
    url, here = reverse("publishing:move", args=[idea[1].pk]), {"HTTP_HX_REQUEST": "true", "HTTP_HX_CURRENT_URL": f"http://testserver{MONTH}"}  # fmt: skip
    as_bob.post(url, {"day": "2026-12-20", "time": "10:00"}, **here)  # type: ignore[arg-type]
    assert times_of(idea) == [EVENING, lisbon(2026, 12, 20, 10, 0), EVENING]
    assert len(cards_in(as_bob.get(MONTH).content.decode())) == 2
    alone = as_bob.get(reverse("publishing:calendar_post", args=[idea[1].pk]), HTTP_HX_REQUEST="true").content.decode()
    assert "Also posted to" in alone
    assert "Sun 20 Dec 2026, 10:00" in alone


# --- a month near its end ---------------------------------------------------------------------------------------------


def test_at_the_end_of_a_month_the_weeks_long_past_are_folded_into_one_row(
    bob: User, as_bob: Client, accounts: list[SocialConnection]
) -> None:
    assert "calendar-fold" not in as_bob.get("/calendar/").content.decode()  # on the ninth there is last week alone
    with time_machine.travel(datetime(2026, 12, 28, 12, 0, tzinfo=UTC), tick=False):
        as_bob = signed_in(bob)
        factories.make_post(accounts[0], status="PUBLISHED", published_at=lisbon(2026, 12, 3, 9, 0))
        page = as_bob.get("/calendar/").content.decode()
        before, folded = page.split('id="calendar-fold"')[0], page.split('id="calendar-fold"')[1].split("</details>")[0]
        assert re.findall(r'id="day-([\d-]+)"', before) == []
        assert re.findall(r'id="day-([\d-]+)"', folded)[::20] == ["2026-11-30", "2026-12-20"]
        assert "30 Nov – 20 Dec" in folded
        assert "1 post" in folded
        assert "calendar-fold" not in as_bob.get("/calendar/?date=2026-11-09").content.decode()
        assert "calendar-fold" not in as_bob.get("/calendar/?date=2027-01-01").content.decode()


# --- one state, one word ----------------------------------------------------------------------------------------------


def test_a_campaign_calls_the_state_of_a_post_as_the_calendar_does(
    as_bob: Client, club: Organization, accounts: list[SocialConnection]
) -> None:
    campaign = factories.make_campaign(club)
    factories.make_post(accounts[0], scheduled_at=EVENING, campaign=campaign)
    SocialConnection.objects.update(is_active=False)
    for path in (MONTH, f"/campaigns/{campaign.pk}/", "/posts/"):
        page = as_bob.get(path).content.decode()
        assert "Waiting for reconnection" in page, path
    assert "Scheduled" not in as_bob.get(f"/campaigns/{campaign.pk}/").content.decode().split("<tbody>")[1]
