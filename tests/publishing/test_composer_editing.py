"""Opening what was written before, alone or with its group, and changing it while that is possible."""

from datetime import timedelta

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Organization
from connections.models import SocialConnection
from publishing.models import PostGroup, PostStatus, SocialPost
from tests.factories import attach, make_asset, make_connection, make_post
from tests.publishing.composing import NEW, at, fields, text_of


def test_a_group_opens_with_its_shared_text_and_its_variants(
    as_alice: Client, x: SocialConnection, facebook: SocialConnection
) -> None:
    given = fields(x, facebook, own_text=[str(x.pk)], **{f"text-{x.pk}": "Only for X"})
    as_alice.post("/posts/autosave/", given)
    answer = text_of(as_alice.get(f"{NEW}?group={given['group']}"))
    assert "Members&#x27; dinner is back.\n\n#riversidegc</textarea>" in answer
    assert "Only for X</textarea>" in answer


def test_editing_a_group_changes_all_that_can_still_change(
    as_alice: Client, club: Organization, x: SocialConnection, facebook: SocialConnection
) -> None:
    group = PostGroup.objects.create(organization=club, content="Old")
    out = make_post(x, group=group, content="Old", status=PostStatus.PUBLISHED)
    waiting = make_post(facebook, group=group, content="Old")
    assert waiting.scheduled_at is not None
    moment = timezone.localtime(waiting.scheduled_at + timedelta(days=1), club.zone)
    assert as_alice.post(NEW, fields(x, facebook, group=str(group.pk), text="New", **at(moment))).status_code == 302
    out.refresh_from_db()
    waiting.refresh_from_db()
    assert (out.content, out.status) == ("Old", PostStatus.PUBLISHED)
    assert (waiting.content, waiting.status) == ("New", PostStatus.SCHEDULED)
    assert group.posts.count() == 2


def test_editing_one_post_leaves_its_siblings_alone(
    as_alice: Client, club: Organization, x: SocialConnection, facebook: SocialConnection
) -> None:
    group = PostGroup.objects.create(organization=club, content="Shared")
    one = make_post(x, group=group, content="Shared", status=PostStatus.DRAFT)
    other = make_post(facebook, group=group, content="Shared", status=PostStatus.DRAFT)
    assert "written for 1 other account" in text_of(as_alice.get(f"/posts/{one.pk}/edit/"))
    as_alice.post(f"/posts/{one.pk}/edit/", {"post": str(one.pk), "text": "Mine alone", "when": "draft"})
    one.refresh_from_db()
    other.refresh_from_db()
    assert (one.content, other.content) == ("Mine alone", "Shared")


def test_editing_keeps_pictures_in_their_order_and_platform_options(
    as_alice: Client, club: Organization, x: SocialConnection
) -> None:
    first, second = make_asset(club), make_asset(club)
    post = make_post(x, status=PostStatus.DRAFT, options={"visibility": "unlisted"})
    attach(post, first, second)
    given = {
        "post": str(post.pk),
        "text": "Turned",
        "when": "draft",
        "media": [str(second.pk), str(first.pk)],
        "alt": ["two", "one"],
    }
    as_alice.post(f"/posts/{post.pk}/edit/", given)
    post.refresh_from_db()
    assert [(use.asset, use.alt_text) for use in post.attached_media.all()] == [(second, "two"), (first, "one")]
    assert post.options == {"visibility": "unlisted"}


def test_a_scheduled_post_with_a_new_problem_stays_as_it_was(as_alice: Client, x: SocialConnection) -> None:
    post = make_post(x, content="Fine")
    assert post.scheduled_at is not None
    local = timezone.localtime(post.scheduled_at, post.organization.zone) + timedelta(hours=1)
    response = as_alice.post(f"/posts/{post.pk}/edit/", {"post": str(post.pk), "text": "c" * 300, **at(local)})
    assert response.status_code == 422
    assert "c" * 300 in text_of(response)
    before = post.scheduled_at
    post.refresh_from_db()
    assert (post.content, post.scheduled_at, post.status) == ("Fine", before, PostStatus.SCHEDULED)


def test_keeping_a_scheduled_post_as_a_draft_takes_it_off_the_calendar(as_alice: Client, x: SocialConnection) -> None:
    post = make_post(x)
    as_alice.post(f"/posts/{post.pk}/edit/", {"post": str(post.pk), "text": "Later", "when": "draft"})
    post.refresh_from_db()
    assert (post.status, post.scheduled_at, post.content) == (PostStatus.DRAFT, None, "Later")


@pytest.mark.parametrize("status", [PostStatus.PUBLISHING, PostStatus.PUBLISHED])
def test_a_post_that_goes_out_meanwhile_is_read_only_and_the_text_is_shown(
    as_alice: Client, x: SocialConnection, status: str
) -> None:
    post = make_post(x, status=PostStatus.PUBLISHED)
    SocialPost.objects.filter(pk=post.pk).update(status=status)
    assert "can no longer be edited" in text_of(as_alice.get(f"/posts/{post.pk}/edit/"))
    response = as_alice.post(f"/posts/{post.pk}/edit/", {"post": str(post.pk), "text": "A correction", "when": "now"})
    assert response.status_code == 409
    assert "A correction</textarea>" in text_of(response)


def test_a_post_of_unknown_outcome_cannot_be_sent_again_from_here(as_alice: Client, x: SocialConnection) -> None:
    post = make_post(x, status=PostStatus.FAILED, error_code="OUTCOME_UNKNOWN")
    response = as_alice.post(f"/posts/{post.pk}/edit/", {"post": str(post.pk), "text": "Again", "when": "now"})
    assert response.status_code == 409
    post.refresh_from_db()
    assert post.status == PostStatus.FAILED


def test_an_inactive_account_is_shown_and_cannot_be_chosen(as_alice: Client, x: SocialConnection) -> None:
    SocialConnection.objects.filter(pk=x.pk).update(is_active=False)
    answer = text_of(as_alice.get(NEW))
    assert "reconnect first" in answer
    assert f'value="{x.pk}" disabled' in answer


def test_the_page_asks_the_database_as_often_for_many_accounts_as_for_few(as_alice: Client, club: Organization) -> None:
    def count() -> int:
        with CaptureQueriesContext(database) as queries:
            as_alice.get(NEW)
        return len(queries)

    for _number in range(3):
        make_connection(club, "TWITTER")
    count()  # the first visit also makes the session
    few = count()
    for _number in range(27):
        make_connection(club, "TWITTER")
    assert count() == few


def test_a_group_whose_posts_differ_says_so_before_they_become_the_same(
    as_alice: Client, club: Organization, x: SocialConnection, facebook: SocialConnection
) -> None:
    group = PostGroup.objects.create(organization=club, content="Same")
    make_post(x, group=group, content="Same", link_url="https://riverside.example/a")
    make_post(facebook, group=group, content="Same", link_url="https://riverside.example/b")
    answer = text_of(as_alice.get(f"{NEW}?group={group.pk}"))
    assert "These posts have different links" in answer
    assert "These posts have different times" in answer
    assert "different campaigns" not in answer
