"""Composing: one idea for several accounts, judged by each platform, saved at any moment, scheduled all or none."""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import Organization, User
from accounts.permissions import Role
from connections.models import SocialConnection
from connections.platforms.base import platforms
from publishing.models import MediaAsset, PostGroup, PostStatus, SocialPost
from tests.conftest import signed_in
from tests.factories import attach, make_asset, make_campaign, make_connection, make_member, make_post, picture

NEW = "/posts/new/"
NOW = datetime(2026, 12, 1, 10, 0, tzinfo=UTC)


@pytest.fixture
def x(club: Organization) -> SocialConnection:
    return make_connection(club, "TWITTER", account_name="Riverside Golf Club", account_handle="@riversidegc")


@pytest.fixture
def facebook(club: Organization) -> SocialConnection:
    return make_connection(club, "FACEBOOK", account_name="Riverside GC")


@pytest.fixture
def toot(club: Organization) -> SocialConnection:
    return make_connection(club, "MASTODON", account_name="Riverside", account_handle="@riverside@mastodon.example")


def fields(*connections: SocialConnection, **more: Any) -> dict[str, Any]:
    """The composer's form as a browser sends it."""
    sent: dict[str, Any] = {
        "group": str(uuid4()), "connections": [str(connection.pk) for connection in connections],
        "text": "Members' dinner is back.\r\n\r\n#riversidegc", "when": "draft", "date": "", "time": "", "link_url": "",
        "first_comment": "", "campaign": "",
    }  # fmt: skip
    return sent | more


def at(moment: datetime) -> dict[str, str]:
    """The fields for a local wall time."""
    return {"when": "at", "date": f"{moment:%Y-%m-%d}", "time": f"{moment:%H:%M}"}


def text_of(response: Any) -> str:
    text: str = response.content.decode()
    return text


def json_of(response: Any) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(response.content)
    return found


# --- judging while a person types ---------------------------------------------------------------------------------------


def test_each_account_is_counted_its_platforms_way(
    as_alice: Client, x: SocialConnection, facebook: SocialConnection, toot: SocialConnection
) -> None:
    given = fields(
        x,
        facebook,
        toot,
        text="Tee times 👨‍👩‍👧 https://riverside-golf-club.com/a/very/long/address/of/a/page/that/goes/on",
    )
    answer = text_of(as_alice.post("/posts/check/", given))
    assert "X 36 / 280" in answer
    assert "Mastodon 35 / 500" in answer
    assert "Facebook" in answer
    assert "/ 63,206" in answer


def test_problems_are_named_beside_their_account(
    as_alice: Client, x: SocialConnection, facebook: SocialConnection
) -> None:
    answer = text_of(as_alice.post("/posts/check/", fields(x, facebook, text="a" * 300)))
    assert "X 300 / 280" in answer
    assert "<strong>X</strong> · " in answer
    assert "<strong>Facebook</strong> · " not in answer
    assert "preview-overflow" in answer


def test_line_ends_count_once(as_alice: Client, x: SocialConnection) -> None:
    assert "X 3 / 280" in text_of(as_alice.post("/posts/check/", fields(x, text="a\r\nb")))


def test_a_variant_is_judged_instead_of_the_shared_text(
    as_alice: Client, x: SocialConnection, facebook: SocialConnection
) -> None:
    given = fields(x, facebook, text="a" * 300, own_text=[str(x.pk)], **{f"text-{x.pk}": "Short for X"})
    answer = text_of(as_alice.post("/posts/check/", given))
    assert "X 11 / 280" in answer
    assert 'data-tone="danger"' not in answer


def test_a_link_that_is_none_is_said_beside_every_account(as_alice: Client, x: SocialConnection) -> None:
    assert "not a web address" in text_of(as_alice.post("/posts/check/", fields(x, link_url="the website")))


def test_two_accounts_of_one_platform_are_told_apart(as_alice: Client, club: Organization, x: SocialConnection) -> None:
    other = make_connection(club, "TWITTER", account_handle="@juniors")
    answer = text_of(as_alice.post("/posts/check/", fields(x, other)))
    assert "X @riversidegc 38 / 280" in answer
    assert "X @juniors 38 / 280" in answer


def test_previews_colour_hashtags_and_escape_what_was_typed(as_alice: Client, x: SocialConnection) -> None:
    answer = text_of(as_alice.post("/posts/check/", fields(x, text="<script>alert(1)</script> #winter")))
    assert '<span class="preview-link">#winter</span>' in answer
    assert "<script>alert" not in answer


def test_every_platform_has_a_preview(as_alice: Client, club: Organization) -> None:
    for platform in platforms():
        connection = make_connection(club, platform.name)
        answer = text_of(as_alice.post("/posts/check/", fields(connection, text="Hello")))
        assert f'data-preview="{platform.name}"' in answer


def test_a_picture_of_another_organization_is_as_if_it_were_not_there(
    as_alice: Client, rivals: Organization, x: SocialConnection
) -> None:
    foreign = make_asset(rivals)
    answer = text_of(as_alice.post("/posts/check/", fields(x, media=[str(foreign.pk)], alt=["x"])))
    assert str(foreign.pk) not in answer


# --- saying when -----------------------------------------------------------------------------------------------------


@time_machine.travel(NOW, tick=False)
def test_the_when_row_says_what_will_happen_in_words(
    as_alice: Client, x: SocialConnection, facebook: SocialConnection
) -> None:
    given = fields(x, facebook, **at(datetime(2026, 12, 17, 9, 0)))
    answer = text_of(as_alice.post("/posts/check/", given))
    assert "on Thursday 17 December 2026 at 09:00 (Europe/Lisbon, UTC+0), in 16 days." in answer
    assert "Schedule · Thu 17 Dec, 09:00" in answer


@time_machine.travel(NOW, tick=False)
def test_a_time_that_the_clocks_skip_is_explained_and_chosen(as_alice: Client, x: SocialConnection) -> None:
    given = fields(x, when="at", date="2027-03-28", time="01:30")
    refused = as_alice.post(NEW, given)
    assert refused.status_code == 422
    assert "01:30 does not exist on 28 March 2027" in text_of(refused)
    assert "2027-03-28T02:30" in text_of(refused)
    assert SocialPost.objects.get().status == PostStatus.DRAFT

    accepted = as_alice.post(NEW, given | {"instead": "2027-03-28T02:30"})
    assert accepted.status_code == 302
    assert SocialPost.objects.get().scheduled_at == datetime(2027, 3, 28, 1, 30, tzinfo=UTC)


@time_machine.travel(NOW, tick=False)
def test_a_time_that_happens_twice_is_chosen_by_the_person(as_alice: Client, x: SocialConnection) -> None:
    given = fields(x, when="at", date="2027-10-31", time="01:30")
    assert "happens twice on 31 October 2027" in text_of(as_alice.post(NEW, given))
    assert as_alice.post(NEW, given | {"fold": "1"}).status_code == 302
    assert SocialPost.objects.get().scheduled_at == datetime(2027, 10, 31, 1, 30, tzinfo=UTC)


@time_machine.travel(NOW, tick=False)
def test_a_time_in_the_past_is_refused_and_the_text_kept(as_alice: Client, x: SocialConnection) -> None:
    response = as_alice.post(NEW, fields(x, when="at", date="2026-11-30", time="09:00"))
    assert response.status_code == 422
    assert "30 November 2026, 09:00 has passed already" in text_of(response)
    assert "Members&#x27; dinner is back." in text_of(response)
    assert SocialPost.objects.get().status == PostStatus.DRAFT


def test_without_a_date_the_page_asks_for_one(as_alice: Client, x: SocialConnection) -> None:
    assert "Choose a date and a time." in text_of(as_alice.post(NEW, fields(x, when="at", date="tomorrow")))


# --- scheduling ------------------------------------------------------------------------------------------------------


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
    assert "Nothing is scheduled yet: X cannot take this as it is. The other account is fine." in text_of(response)
    assert "b" * 300 in text_of(response)
    assert set(SocialPost.objects.values_list("status", "content")) == {(PostStatus.DRAFT, "b" * 300)}


@time_machine.travel(NOW, tick=False)
def test_an_account_that_lost_its_token_holds_all_of_them_back(
    as_alice: Client, x: SocialConnection, facebook: SocialConnection
) -> None:
    SocialConnection.objects.filter(pk=x.pk).update(is_active=False)
    response = as_alice.post(NEW, fields(x, facebook, **at(datetime(2026, 12, 17, 9, 0))))
    assert response.status_code == 422
    assert "must be reconnected" in text_of(response)
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
    assert "nothing to save yet" in text_of(response)
    assert not SocialPost.objects.exists()


def test_a_picture_can_come_with_the_form_itself(as_alice: Client, x: SocialConnection) -> None:
    given = fields(x) | {
        "files": [SimpleUploadedFile("a.png", picture()), SimpleUploadedFile("notes.jpg", b"just text")]
    }
    response = as_alice.post(NEW, given)
    assert response.status_code == 422
    assert "“notes.jpg” is not a picture" in text_of(response)
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


# --- never losing text -------------------------------------------------------------------------------------------------


def test_autosave_keeps_one_draft_per_account_however_often_it_runs(
    as_alice: Client, x: SocialConnection, facebook: SocialConnection
) -> None:
    given = fields(x, facebook)
    first = json_of(as_alice.post("/posts/autosave/", given))
    assert first["state"] == "saved"
    assert first["text"].startswith("Draft saved ")
    assert first["url"] == f"/posts/new/?group={given['group']}"
    as_alice.post("/posts/autosave/", given | {"text": "Longer now"})
    assert sorted(SocialPost.objects.values_list("content", "status")) == [("Longer now", "DRAFT")] * 2


def test_autosave_follows_the_accounts_that_are_chosen(
    as_alice: Client, x: SocialConnection, facebook: SocialConnection
) -> None:
    given = fields(x, facebook)
    as_alice.post("/posts/autosave/", given)
    as_alice.post("/posts/autosave/", given | {"connections": [str(facebook.pk)]})
    assert SocialPost.objects.get().connection == facebook


def test_a_text_without_an_account_is_kept_and_offered_again(
    as_alice: Client, club: Organization, facebook: SocialConnection, x: SocialConnection
) -> None:
    given = fields(text="An idea for spring")
    assert json_of(as_alice.post("/posts/autosave/", given))["state"] == "saved"
    fresh = text_of(as_alice.get(NEW))
    assert "An idea for spring" in fresh
    assert f"?group={given['group']}" in fresh
    assert "An idea for spring</textarea>" in text_of(as_alice.get(f"{NEW}?group={given['group']}"))


def test_autosave_saves_nothing_of_an_empty_page(as_alice: Client, x: SocialConnection) -> None:
    assert json_of(as_alice.post("/posts/autosave/", fields(x, text=" ")))["state"] == "empty"
    assert not PostGroup.objects.exists()


def test_autosave_never_touches_what_waits_in_the_queue(as_alice: Client, x: SocialConnection) -> None:
    post = make_post(x, content="As scheduled")
    answer = json_of(as_alice.post("/posts/autosave/", {"post": str(post.pk), "text": "Half a sen", "when": "at"}))
    assert answer["state"] == "kept"
    post.refresh_from_db()
    assert post.content == "As scheduled"


def test_autosave_says_when_the_post_went_out_meanwhile(as_alice: Client, x: SocialConnection) -> None:
    post = make_post(x, status=PostStatus.PUBLISHED, content="Out")
    assert json_of(as_alice.post("/posts/autosave/", {"post": str(post.pk), "text": "Late"}))["state"] == "closed"


def test_someone_who_was_signed_out_comes_back_to_the_same_page(client: Client, x: SocialConnection) -> None:
    given = fields(x)
    response = client.post(f"{NEW}?group={given['group']}", given)
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/?next=/posts/new/%3Fgroup%3D")


def test_saving_tells_the_browser_that_its_copy_may_go(as_alice: Client, x: SocialConnection) -> None:
    given = fields(x)
    response = as_alice.post(NEW, given)
    assert response.cookies["composed"].value == given["group"]


def test_discarding_deletes_the_drafts_and_their_group(
    as_alice: Client, x: SocialConnection, facebook: SocialConnection
) -> None:
    given = fields(x, facebook)
    as_alice.post("/posts/autosave/", given)
    assert as_alice.post("/posts/discard/", {"group": given["group"]}).status_code == 302
    assert not SocialPost.objects.exists()
    assert not PostGroup.objects.exists()


# --- editing ---------------------------------------------------------------------------------------------------------


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
    assert "goes to 1 other account" in text_of(as_alice.get(f"/posts/{one.pk}/edit/"))
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


@time_machine.travel(NOW, tick=False)
def test_the_page_opens_at_the_day_that_was_clicked(
    as_alice: Client, facebook: SocialConnection, x: SocialConnection
) -> None:
    answer = text_of(as_alice.get(f"{NEW}?at=2026-12-17&connection={x.pk}"))
    assert 'value="2026-12-17"' in answer
    assert "Schedule · Thu 17 Dec, 09:00" in answer
    assert f'value="{x.pk}" checked' in answer
    assert 'value="14:30"' in text_of(as_alice.get(f"{NEW}?at=2026-12-17T14:30"))


def test_an_inactive_account_is_shown_and_cannot_be_chosen(as_alice: Client, x: SocialConnection) -> None:
    SocialConnection.objects.filter(pk=x.pk).update(is_active=False)
    answer = text_of(as_alice.get(NEW))
    assert "reconnect it first" in answer
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


# --- the library -----------------------------------------------------------------------------------------------------


def test_an_upload_answers_with_the_picture_or_with_a_sentence(as_alice: Client) -> None:
    headers = {"X-Requested-With": "fetch"}
    good = as_alice.post("/media/upload/", {"files": SimpleUploadedFile("a.png", picture())}, headers=headers)
    [asset] = json_of(good)["assets"]
    assert (asset["name"], asset["thumbnail"]) == ("a.png", f"/media/{asset['id']}/thumbnail/")
    bad = as_alice.post("/media/upload/", {"files": SimpleUploadedFile("a.jpg", b"text")}, headers=headers)
    assert bad.status_code == 422
    assert json_of(bad)["problems"] == [
        "“a.jpg” is not a picture, whatever its name says. JPEG, PNG, GIF and WebP are taken."
    ]


def test_the_library_works_without_scripts(as_alice: Client) -> None:
    response = as_alice.post("/media/upload/", {"files": [SimpleUploadedFile("a.png", picture())]}, follow=True)
    assert "1 picture added." in text_of(response)
    assert "a.png" in text_of(response)


def test_pictures_are_served_to_members_only(
    as_alice: Client, as_eve: Client, client: Client, club: Organization
) -> None:
    asset = make_asset(club)
    for kind in ("file", "thumbnail"):
        url = reverse(f"publishing:media_{kind}", args=[asset.pk])
        response = as_alice.get(url)
        assert response.status_code == 200
        assert response["Content-Type"] == "image/png"
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["Cache-Control"].startswith("private")
        assert as_eve.get(url).status_code == 404
        assert client.get(url).status_code == 302


def test_the_library_is_searched_by_name_and_description_and_counts_uses(
    as_alice: Client, club: Organization, x: SocialConnection
) -> None:
    dinner = make_asset(club, name="table.png", alt_text="A long table")
    make_asset(club, name="green.png", alt_text="The ninth green")
    attach(make_post(x), dinner)
    found = text_of(as_alice.get("/media/?q=long", headers={"HX-Request": "true"}))
    assert "table.png" in found
    assert "used once" in found
    assert "green.png" not in found
    assert "No picture matches" in text_of(as_alice.get("/media/?q=nothing+like+it"))


def test_an_empty_library_says_what_to_do(as_alice: Client) -> None:
    assert "No pictures yet" in text_of(as_alice.get("/media/"))


def test_a_description_is_saved_and_a_too_long_one_refused(as_alice: Client, club: Organization) -> None:
    asset = make_asset(club)
    url, headers = reverse("publishing:media_describe", args=[asset.pk]), {"HX-Request": "true"}
    assert "Saved" in text_of(as_alice.post(url, {"alt_text": "Dusk"}, headers=headers))
    assert as_alice.post(url, {"alt_text": "x" * 1501}, headers=headers).status_code == 422
    asset.refresh_from_db()
    assert asset.alt_text == "Dusk"


def test_a_used_picture_stays_and_says_where_it_is_used(
    as_alice: Client, club: Organization, x: SocialConnection
) -> None:
    asset = make_asset(club)
    post = make_post(x, content="Members' dinner", status=PostStatus.DRAFT)
    attach(post, asset)
    url, headers = reverse("publishing:media_delete", args=[asset.pk]), {"HX-Request": "true"}
    refused = as_alice.post(url, headers=headers)
    assert refused.status_code == 422
    assert "Members&#x27; dinner" in text_of(refused)
    post.attached_media.all().delete()
    assert as_alice.post(url, headers=headers).status_code == 200
    assert not MediaAsset.objects.exists()


def test_a_viewer_sees_the_library_and_changes_nothing(club: Organization, alice: User) -> None:
    viewer = signed_in(make_member(club, Role.VIEWER).user)
    asset = make_asset(club)
    assert viewer.get("/media/").status_code == 200
    for name in ("media_describe", "media_delete"):
        assert viewer.post(reverse(f"publishing:{name}", args=[asset.pk])).status_code == 403
    assert viewer.post("/media/upload/").status_code == 403


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


def test_saves_that_cross_each_other_make_one_draft(
    real_transactions: None, as_alice: Client, x: SocialConnection
) -> None:
    given = fields(x)
    session = as_alice.cookies["sessionid"].value

    def save(number: int) -> int:
        browser = Client(headers={"cookie": f"sessionid={session}"})
        try:
            return browser.post("/posts/autosave/", given | {"text": f"Version {number}"}).status_code
        finally:
            database.close()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(save, range(8))) == [200] * 8
    assert SocialPost.objects.get().content.startswith("Version ")
