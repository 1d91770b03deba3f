"""The composer never loses text: autosave, texts without an account, and letting go of them."""

from concurrent.futures import ThreadPoolExecutor

from django.db import connection as database
from django.test import Client

from accounts.models import Organization
from connections.models import SocialConnection
from publishing.models import PostGroup, PostStatus, SocialPost
from tests.factories import make_asset, make_post
from tests.publishing.composing import NEW, fields, json_of, text_of


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
    assert json_of(as_alice.post("/posts/autosave/", fields(x, text="\u200b\u3164")))["state"] == "empty"
    assert not PostGroup.objects.exists()


def test_drafts_that_were_emptied_vanish_and_come_back_with_the_next_word(
    as_alice: Client, x: SocialConnection, facebook: SocialConnection
) -> None:
    given = fields(x, facebook)
    first = json_of(as_alice.post("/posts/autosave/", given))
    emptied = json_of(as_alice.post("/posts/autosave/", given | {"text": " ", "version": first["version"]}))
    assert emptied["state"] == "empty"
    assert not SocialPost.objects.exists()
    assert not PostGroup.objects.exists()
    again = given | {"text": "Better", "version": emptied["version"]}
    assert json_of(as_alice.post("/posts/autosave/", again))["state"] == "saved"
    assert list(SocialPost.objects.values_list("content", flat=True)) == ["Better", "Better"]


def test_one_draft_that_was_emptied_vanishes_when_its_page_is_left(as_alice: Client, x: SocialConnection) -> None:
    post = make_post(x, status=PostStatus.DRAFT)
    given = {"post": str(post.pk), "text": "", "when": "draft"}
    assert json_of(as_alice.post("/posts/autosave/", given))["state"] == "saved"
    assert SocialPost.objects.get().content == ""
    assert json_of(as_alice.post("/posts/autosave/", given | {"leaving": "1"}))["state"] == "empty"
    assert not SocialPost.objects.exists()


def test_a_picture_alone_is_no_empty_draft(as_alice: Client, club: Organization, x: SocialConnection) -> None:
    given = fields(x, text="", media=[str(make_asset(club).pk)], alt=[""])
    assert json_of(as_alice.post("/posts/autosave/", given))["state"] == "saved"
    assert SocialPost.objects.get().attached_media.count() == 1


def test_emptying_a_draft_that_somebody_else_went_on_with_is_asked_about(
    as_alice: Client, as_bob: Client, x: SocialConnection
) -> None:
    given = fields(x)
    first = json_of(as_alice.post("/posts/autosave/", given))
    as_bob.post("/posts/autosave/", given | {"text": "Bob's words", "version": first["version"]})
    answer = json_of(as_alice.post("/posts/autosave/", given | {"text": "", "version": first["version"]}))
    assert answer["state"] == "conflict"
    assert SocialPost.objects.get().content == "Bob's words"


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
