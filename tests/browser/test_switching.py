"""Two tabs of one person, in two organizations: what the older tab says, and that nothing typed there is lost."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Organization, User
from accounts.permissions import Role
from campaigns.models import Campaign
from publishing.models import PostStatus, SocialPost
from tests import factories
from tests.browser.test_calendar import MONTH, TENTH, at, drag, time_of

pytestmark = pytest.mark.browser

Browse = Callable[..., Page]


@pytest.fixture
def both(alice: User, rivals: Organization) -> User:
    factories.make_member(rivals, Role.MARKETER, alice)
    return alice


@pytest.fixture
def old_tab(page: Page, server: LiveServer, browse: Browse, both: User, club: Organization) -> Page:
    """A tab in which Alice works for the club; refusals stand in the browser's console and are what this is about."""
    opened = browse(both, "/campaigns/")
    switch(opened, server, "Hilltop Tennis Club")
    switch(opened, server, "Riverside Golf Club")
    return opened


def switch(old: Page, server: LiveServer, name: str) -> None:
    """Switch to an organization in another tab."""
    tab = old.context.new_page()
    tab.goto(f"{server.url}/campaigns/")
    tab.locator(".sidebar .org-button").first.click()
    tab.locator(".org-switch form", has_text=name).get_by_role("button").click()
    expect(tab.locator(".sidebar .org-name").first).to_have_text(name)
    tab.close()


def assert_accessible(page: Page) -> None:
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    assert [(violation["id"], [node["html"] for node in violation["nodes"]]) for violation in found] == []


def test_a_plain_form_of_the_older_tab_is_sent_after_switching_back(
    old_tab: Page, server: LiveServer, club: Organization
) -> None:
    old_tab.goto(f"{server.url}/campaigns/new/")
    old_tab.get_by_label("Name").fill("Autumn open")
    switch(old_tab, server, "Hilltop Tennis Club")
    old_tab.get_by_role("button", name="Save campaign").click()
    expect(old_tab.get_by_role("heading", level=1)).to_have_text("You switched to Hilltop Tennis Club in another tab")
    assert not Campaign.objects.exists()
    assert_accessible(old_tab)
    old_tab.get_by_role("button", name="Switch back to Riverside Golf Club and send").click()
    expect(old_tab.locator(".sidebar .org-name").first).to_have_text("Riverside Golf Club")
    assert Campaign.objects.get(name="Autumn open").organization_id == club.pk


def test_a_card_that_is_dragged_in_the_older_tab_goes_back_and_says_why(
    old_tab: Page, server: LiveServer, club: Organization
) -> None:
    connection = factories.make_connection(club, "TWITTER", expires_in_s=90 * 24 * 3600)
    post = factories.make_post(connection, content="Members' dinner", scheduled_at=at(TENTH, 17, 45))
    old_tab.goto(f"{server.url}{MONTH}")
    card = old_tab.locator(".post-card", has_text="Members' dinner")
    expect(card).to_be_visible()
    switch(old_tab, server, "Hilltop Tennis Club")
    other_day = TENTH.replace(day=12)
    drag(old_tab, card, old_tab.locator(f'.day[data-date="{other_day}"]'))
    dialog = old_tab.get_by_role("dialog", name="You switched to Hilltop Tennis Club in another tab")
    expect(dialog).to_contain_text("This page belongs to Riverside Golf Club. Nothing was changed")
    assert time_of(post) == at(TENTH, 17, 45)
    assert_accessible(old_tab)
    dialog.get_by_role("button", name="Switch back to Riverside Golf Club").click()
    expect(dialog).to_be_hidden()
    expect(old_tab.locator("#toasts")).to_contain_text("You are back in Riverside Golf Club. Send it again.")
    drag(
        old_tab,
        old_tab.locator(".post-card", has_text="Members' dinner"),
        old_tab.locator(f'.day[data-date="{other_day}"]'),
    )
    expect(old_tab.locator("#toasts")).to_contain_text("Moved to")
    assert time_of(post) == at(other_day, 17, 45)


def test_a_part_that_htmx_asks_for_in_the_older_tab_is_explained(
    old_tab: Page, server: LiveServer, club: Organization
) -> None:
    post = factories.make_post(factories.make_connection(club), content="Greens are open")
    old_tab.goto(f"{server.url}/posts/{post.pk}/")
    switch(old_tab, server, "Hilltop Tennis Club")
    old_tab.get_by_role("button", name="Move to…").first.click()
    dialog = old_tab.get_by_role("dialog", name="You switched to Hilltop Tennis Club in another tab")
    expect(dialog).to_be_visible()
    expect(old_tab.locator("#toasts .toast")).to_have_count(0)
    dialog.get_by_role("link", name="Continue in Hilltop Tennis Club").click()
    expect(old_tab.locator(".sidebar .org-name").first).to_have_text("Hilltop Tennis Club")


def test_what_is_written_in_the_older_tab_is_kept_and_saved_after_switching_back(
    old_tab: Page, server: LiveServer, club: Organization
) -> None:
    factories.make_connection(club, "TWITTER", account_name="Riverside Golf Club", expires_in_s=90 * 24 * 3600)
    old_tab.goto(f"{server.url}/posts/new/")
    text = old_tab.get_by_label("Text for all accounts")
    expect(text).to_be_visible()
    switch(old_tab, server, "Hilltop Tennis Club")
    text.fill("Frost on the greens")
    dialog = old_tab.get_by_role("dialog", name="You switched to Hilltop Tennis Club in another tab")
    expect(dialog).to_be_visible(timeout=10_000)
    assert not SocialPost.objects.exists()
    dialog.get_by_role("button", name="Switch back to Riverside Golf Club").click()
    expect(old_tab.locator("#save-state")).to_contain_text("Draft saved", timeout=10_000)
    expect(text).to_have_value("Frost on the greens")
    post = SocialPost.objects.get()
    assert (post.organization_id, post.content, post.status) == (club.pk, "Frost on the greens", PostStatus.DRAFT)
