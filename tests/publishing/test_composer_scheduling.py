"""Sending what was composed: all accounts or none, by those who may."""

from datetime import UTC, datetime

import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from accounts.models import Organization
from accounts.permissions import Role
from connections.models import SocialConnection
from publishing.models import PostGroup, PostStatus, SocialPost
from tests.conftest import signed_in
from tests.factories import make_asset, make_campaign, make_member, make_post, picture
from tests.publishing.composing import NEW, NOW, at, fields, text_of


@time_machine.travel(NOW, tick=False)
def test_one_idea_becomes_one_scheduled_post_per_account(
    as_alice: Client, club: Organization, x: SocialConnection, facebook: SocialConnection, toot: SocialConnection
) -> None:
    asset, campaign = make_asset(club, alt_text=""), make_campaign(club)
    given = fields(
        x, facebook, toot, own_text=[str(x.pk)], media=[str(asset.pk)], alt=["A long table"], campaign=str(campaign.pk),
        link_url="riverside.example/dinner", **at(datetime(2026, 12, 17, 9, 0)), **{f"text-{x.pk}": "Shorter for X"},
    )  # fmt: skip
    response = as_alice.post(NEW, given)
    assert (response.status_code, response["Location"]) == (302, "/calendar/?date=2026-12-17")
    group = PostGroup.objects.get(pk=given["group"])
    posts = {post.connection: post for post in group.posts.all()}
    assert {post.status for post in posts.values()} == {PostStatus.SCHEDULED}
    assert {post.scheduled_at for post in posts.values()} == {datetime(2026, 12, 17, 9, 0, tzinfo=UTC)}
    assert posts[x].content == "Shorter for X"
    assert posts[facebook].content == posts[toot].content == "Members' dinner is back.\n\n#riversidegc"
    for post in posts.values():
        assert [(use.asset, use.alt_text) for use in post.attached_media.all()] == [(asset, "A long table")]
        assert (post.link_url, post.campaign) == ("https://riverside.example/dinner", campaign)


@time_machine.travel(NOW, tick=False)
def test_nothing_is_scheduled_until_every_account_is_fine(
    as_alice: Client, x: SocialConnection, facebook: SocialConnection
) -> None:
    response = as_alice.post(NEW, fields(x, facebook, text="b" * 300, **at(datetime(2026, 12, 17, 9, 0))))
    assert response.status_code == 422
    assert "Not scheduled yet. Fix the problems below for X; the other account is ready." in text_of(response)
    assert "b" * 300 in text_of(response)
    assert set(SocialPost.objects.values_list("status", "content")) == {(PostStatus.DRAFT, "b" * 300)}


@time_machine.travel(NOW, tick=False)
def test_an_account_that_lost_its_token_holds_all_of_them_back(
    as_alice: Client, x: SocialConnection, facebook: SocialConnection
) -> None:
    SocialConnection.objects.filter(pk=x.pk).update(is_active=False)
    response = as_alice.post(NEW, fields(x, facebook, **at(datetime(2026, 12, 17, 9, 0))))
    assert response.status_code == 422
    assert "Reconnect this account" in text_of(response)
    assert not SocialPost.objects.filter(status=PostStatus.SCHEDULED).exists()


def test_publishing_now_makes_the_posts_due(as_alice: Client, x: SocialConnection) -> None:
    assert as_alice.post(NEW, fields(x, when="now")).status_code == 302
    post = SocialPost.objects.get()
    assert post.status == PostStatus.SCHEDULED
    assert post.scheduled_at is not None
    assert post.scheduled_at <= timezone.now()


def test_an_empty_page_is_not_saved(as_alice: Client, x: SocialConnection) -> None:
    response = as_alice.post(NEW, fields(x, text="  \r\n ", when="now"))
    assert response.status_code == 422
    assert "Write something or add an image first" in text_of(response)
    assert not SocialPost.objects.exists()


def test_a_picture_can_come_with_the_form_itself(as_alice: Client, x: SocialConnection) -> None:
    given = fields(x) | {
        "files": [SimpleUploadedFile("a.png", picture()), SimpleUploadedFile("notes.jpg", b"just text")]
    }
    response = as_alice.post(NEW, given)
    assert response.status_code == 422
    assert "“notes.jpg” isn&#x27;t an image" in text_of(response)
    assert SocialPost.objects.get().media.get().name == "a.png"


def test_a_viewer_may_not_write_and_someone_elses_group_does_not_exist(
    club: Organization, as_eve: Client, x: SocialConnection
) -> None:
    viewer = signed_in(make_member(club, Role.VIEWER).user)
    assert viewer.get(NEW).status_code == 403
    group = PostGroup.objects.create(organization=club, content="Ours")
    post = make_post(x, group=group, status=PostStatus.DRAFT)
    given = fields(x, group=str(group.pk))
    for response in (
        as_eve.get(f"{NEW}?group={group.pk}"), as_eve.post(NEW, given), as_eve.post("/posts/autosave/", given),
        as_eve.post("/posts/check/", given), as_eve.post("/posts/discard/", given),
        as_eve.get(f"/posts/{post.pk}/edit/"), as_eve.post("/posts/autosave/", {"post": str(post.pk), "text": "hers"}),
    ):  # fmt: skip
        assert response.status_code == 404
    post.refresh_from_db()
    assert post.content != "hers"


def test_another_organizations_account_cannot_be_chosen(as_eve: Client, x: SocialConnection) -> None:
    as_eve.post(NEW, fields(x))
    assert not SocialPost.objects.exists()
