"""The page of one post while something happens to it, what it advises, and the history it tells."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Organization, User
from accounts.permissions import Role
from connections.models import SocialConnection
from publishing.models import SocialPost
from publishing.services import PostInput, publish_now, schedule_post, unschedule_post, update_post
from publishing.states import standing_of
from tests import factories
from tests.conftest import signed_in


@pytest.fixture
def x(club: Organization) -> SocialConnection:
    return factories.make_connection(club, "TWITTER", account_name="Riverside GC", expires_in_s=30 * 24 * 3600)


def page_of(client: Client, post: SocialPost) -> str:
    return client.get(reverse("publishing:post", args=[post.pk])).content.decode()


# --- while something happens ------------------------------------------------------------------------------------------


def polled(page: str) -> tuple[str, int] | None:
    """The address that an open page asks again, and after how many seconds."""
    found = re.search(r'hx-get="([^"]+)" hx-trigger="every (\d+)s"[^>]*data-poll', page)
    return (found[1], int(found[2])) if found else None


def test_an_open_page_follows_a_post_that_goes_out(as_bob: Client, bob: User, x: SocialConnection) -> None:
    post = factories.make_post(x, status="DRAFT")
    publish_now(post, by=bob)
    asked = polled(page_of(as_bob, post))
    assert asked is not None
    address, every_s = asked
    assert every_s <= 3
    unchanged = as_bob.get(address, headers={"HX-Request": "true"})
    assert (unchanged.status_code, unchanged.content) == (204, b"")

    now = timezone.now()
    SocialPost.objects.filter(pk=post.pk).update(
        status="PUBLISHED", published_at=now, platform_post_id="1", permalink="https://x.example/1"
    )
    changed = as_bob.get(address, headers={"HX-Request": "true"}).content.decode()
    assert changed.lstrip().startswith('<div class="post-page" id="post-page">')
    assert re.search(r'id="post-state" hx-swap-oob="true">.*Published', changed, re.S)
    assert "https://x.example/1" in changed
    assert reverse("publishing:cancel", args=[post.pk]) not in changed


@pytest.mark.parametrize(
    ("fields", "every_s"),
    [
        ({"status": "PUBLISHING"}, 2),
        ({"scheduled_at": timezone.now() + timedelta(days=1)}, 20),
        ({"scheduled_at": timezone.now() - timedelta(seconds=5)}, 2),
        ({"status": "FAILED", "error_code": "OUTCOME_UNKNOWN"}, 20),
        ({"status": "FAILED"}, None),
        ({"status": "DRAFT"}, None),
        ({"status": "PUBLISHED"}, None),
        ({"status": "PUBLISHED", "engagement_due_at": timezone.now() + timedelta(minutes=2)}, 20),
        ({"status": "CANCELLED"}, None),
    ],
)
def test_a_page_asks_again_as_often_as_something_may_happen(
    as_bob: Client, x: SocialConnection, fields: dict[str, Any], every_s: int | None
) -> None:
    asked = polled(page_of(as_bob, factories.make_post(x, **fields)))
    assert (asked[1] if asked else None) == every_s


def test_a_stranger_cannot_follow_it(as_eve: Client, x: SocialConnection) -> None:
    post = factories.make_post(x)
    answer = as_eve.get(reverse("publishing:post", args=[post.pk]) + "?state=x", headers={"HX-Request": "true"})
    assert answer.status_code == 404


# --- what helps -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "first", "words"),
    [
        ("CONTENT_REJECTED", "edit", "did not accept this post. Edit it"),
        ("MEDIA_ERROR", "edit", "did not accept an image. Replace it"),
        ("DUPLICATE", "edit", "already has a post with this text on X. Change the text"),
        ("NOT_FOUND", "edit", "Edit the post"),
        ("PERMISSION_MISSING", "reconnect", "Reconnect the account with all permissions"),
        ("INVALID_TOKEN", "reconnect", "Reconnect Riverside GC"),
        ("RATE_LIMITED", "move", "Try again later"),
        ("TRANSIENT", "retry", "could not be reached in several attempts"),
        ("TOO_LATE", "retry", "Publish it now or choose a new time"),
        ("SOMETHING_NEW", "retry", "Try again, or edit the post first"),
        ("OUTCOME_UNKNOWN", "resolve", "did not confirm the post"),
    ],
)
def test_a_failed_post_says_in_our_words_what_helps_and_offers_it_first(
    x: SocialConnection, code: str, first: str, words: str
) -> None:
    post = factories.make_post(x, status="FAILED", error_code=code, error_message="(#10) raw words")
    standing = standing_of(post, now=timezone.now())
    assert standing.first_step == first
    assert words in standing.sentence
    assert "raw words" not in standing.sentence
    assert standing.detail == "(#10) raw words"
    assert set(standing.dangerous_steps) <= {"cancel"}


def test_the_platforms_own_words_are_a_detail_behind_ours(as_bob: Client, x: SocialConnection) -> None:
    post = factories.make_post(x, status="FAILED", error_message="(#324) Requires <upload> file")
    page = page_of(as_bob, post)
    ours, raw = page.index("X did not accept this post."), page.index("(#324) Requires &lt;upload&gt; file")
    assert ours < page.index("<details>", ours) < raw


def test_a_failed_post_of_a_broken_account_cannot_be_tried_again_before_it_is_reconnected(x: SocialConnection) -> None:
    x.is_active = False
    post = factories.make_post(x, status="FAILED")
    standing = standing_of(post, now=timezone.now())
    assert standing.first_step == "reconnect"
    assert "retry" not in standing.steps


def test_the_primary_button_is_the_first_step_and_what_takes_away_stands_apart(
    as_bob: Client, x: SocialConnection
) -> None:
    page = page_of(as_bob, factories.make_post(x, status="FAILED"))
    actions = page.split('id="actions-title"')[1].split("</section>")[0]
    primary = re.findall(r'class="btn btn-primary"[^>]*>.*?</svg>([^<]+)<', actions, re.S)
    assert [words.strip() for words in primary] == ["Edit"]
    assert "Cancel post" in actions.split("post-steps-apart")[1]


def test_a_published_post_links_to_its_platform_once(as_bob: Client, x: SocialConnection) -> None:
    post = factories.make_post(x, status="PUBLISHED", permalink="https://x.example/p/1")
    assert page_of(as_bob, post).count('href="https://x.example/p/1"') == 1


# --- the step that this person can take -------------------------------------------------------------------------------


def test_who_may_reconnect_does_it_with_one_click_and_who_may_not_asks_by_name(
    as_alice: Client, as_bob: Client, club: Organization, alice: User
) -> None:
    lost = factories.make_connection(club, "FACEBOOK", account_name="Junior Academy", is_active=False)
    post = factories.make_post(lost)
    start = f"/api/social/facebook/auth?connection={lost.pk}"
    for path in (reverse("publishing:post", args=[post.pk]), "/", f"/connections/{lost.pk}/", "/connections/"):
        assert start in as_alice.get(path).content.decode(), path
        page = as_bob.get(path).content.decode()
        assert start not in page, path
        assert "Alice can reconnect this account." in page, path
        assert "Ask to reconnect" in page, path


def test_a_viewer_is_told_as_well(club: Organization, alice: User) -> None:
    lost = factories.make_connection(club, "FACEBOOK", is_active=False)
    viewer = signed_in(factories.make_member(club, Role.VIEWER).user)
    assert "Alice can reconnect this account." in viewer.get(f"/connections/{lost.pk}/").content.decode()


# --- history ----------------------------------------------------------------------------------------------------------


def test_the_history_says_from_when_to_when_and_what_was_edited(as_bob: Client, bob: User, x: SocialConnection) -> None:
    post = factories.make_post(x, status="DRAFT", content="Before")
    first, second = datetime(2027, 7, 1, 17, 0, tzinfo=UTC), datetime(2027, 7, 2, 8, 30, tzinfo=UTC)
    schedule_post(post, at=first, by=bob)
    schedule_post(post, at=second, by=bob)
    update_post(post, PostInput(content="After"), by=bob)
    unschedule_post(post, by=bob)
    page = page_of(as_bob, post)
    for text in (
        "For Thu 1 Jul, 18:00", "From Thu 1 Jul, 18:00 to Fri 2 Jul, 09:30", "It was scheduled for Fri 2 Jul, 09:30",
        "<ins>After</ins>",
    ):  # fmt: skip
        assert text in page
    titles = re.findall(r"<strong>(Moved to drafts|Edited|Rescheduled|Scheduled)</strong>", page)
    assert titles == ["Moved to drafts", "Edited", "Rescheduled", "Scheduled"]
