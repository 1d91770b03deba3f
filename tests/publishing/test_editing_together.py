"""Two people at one draft: the second to save is told who changed what and when, and chooses; nothing typed is lost."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.messages import get_messages
from django.db import connection as database
from django.test import Client
from django.utils import timezone

from accounts.models import User
from connections.models import SocialConnection
from publishing.drafts import PostInput
from publishing.models import PostGroup, PostStatus, SocialPost
from publishing.services import update_post
from publishing.versions import EditedMeanwhile
from publishing.writing import composition_of, open_post, save_composition, send_composition
from tests.conftest import signed_in
from tests.factories import attach, make_asset, make_campaign, make_post
from tests.publishing.composing import NEW, NOW, at, fields, json_of, text_of

SAVE = "/posts/autosave/"


@pytest.fixture
def draft(x: SocialConnection) -> SocialPost:
    return make_post(x, status=PostStatus.DRAFT, content="Dinner on Friday")


def opened(browser: Client, address: str) -> str:
    """Open the composer; the version that its form carries."""
    return version_in(text_of(browser.get(address)))


def version_in(page: str) -> str:
    found = re.search(r'name="version" value="([^"]*)"', page)
    assert found is not None
    return found[1]


def of(post: SocialPost, text: str, version: str | None, **more: Any) -> dict[str, Any]:
    """The form of one post alone."""
    given = {"post": str(post.pk), "text": text, "when": "draft"} | more
    return given if version is None else given | {"version": version}


def kept_as(post: SocialPost) -> str:
    return SocialPost.objects.get(pk=post.pk).content


def edit(post: SocialPost) -> str:
    return f"/posts/{post.pk}/edit/"


# --- being told -------------------------------------------------------------------------------------------------------


@time_machine.travel(NOW, tick=False)
def test_the_second_to_save_is_told_who_changed_what_and_when_and_nothing_is_overwritten(
    as_alice: Client, as_bob: Client, draft: SocialPost
) -> None:
    hers, his = opened(as_alice, edit(draft)), opened(as_bob, edit(draft))
    assert as_alice.post(edit(draft), of(draft, "Dinner on Saturday", hers)).status_code == 302
    refused = as_bob.post(edit(draft), of(draft, "Dinner on Friday at eight", his))
    assert refused.status_code == 409
    page = text_of(refused)
    assert "Alice changed this at 10:00, while you were writing." in page
    assert "Alice, 10:00: the text" in page
    assert "Dinner on Saturday" in page, "what is stored now"
    assert "Dinner on Friday at eight</textarea>" in page, "what was typed"
    assert kept_as(draft) == "Dinner on Saturday"


def test_autosave_overwrites_nothing_and_says_why(as_alice: Client, as_bob: Client, draft: SocialPost) -> None:
    hers, his = opened(as_alice, edit(draft)), opened(as_bob, edit(draft))
    as_alice.post(SAVE, of(draft, "Dinner on Saturday", hers))
    answer = json_of(as_bob.post(SAVE, of(draft, "Dinner on Friday at eight", his)))
    assert answer["state"] == "conflict"
    assert answer["text"].startswith("Alice changed this at ")
    assert "Dinner on Saturday" in answer["html"]
    assert kept_as(draft) == "Dinner on Saturday"


def test_each_kind_of_change_is_named(
    as_alice: Client, as_bob: Client, draft: SocialPost, facebook: SocialConnection
) -> None:
    post = make_post(facebook, status=PostStatus.DRAFT, content="Same")
    asset = make_asset(post.organization)
    attach(post, asset)
    his = opened(as_bob, edit(post))
    campaign = make_campaign(post.organization)
    changed = of(post, "Same", None, link_url="https://riverside.example/", first_comment="Hello", campaign=campaign.pk)
    as_alice.post(edit(post), changed)
    page = text_of(as_bob.post(edit(post), of(post, "Mine", his, media=[asset.pk], alt=["Dusk"])))
    assert ": the link, the first comment, the images, the campaign" in page


@time_machine.travel(NOW, tick=False)
def test_a_time_that_somebody_gave_meanwhile_is_not_taken_away(
    as_alice: Client, as_bob: Client, draft: SocialPost
) -> None:
    his = opened(as_bob, edit(draft))
    as_alice.post(f"/posts/{draft.pk}/move/", {"day": "2026-12-17", "time": "09:00"})
    page = text_of(as_bob.post(edit(draft), of(draft, "Dinner on Friday", his)))
    assert "Alice, 10:00: the time" in page
    assert "Thu 17 Dec, 09:00" in page
    assert SocialPost.objects.get(pk=draft.pk).status == PostStatus.SCHEDULED


def test_a_scheduled_post_is_protected_too(as_alice: Client, as_bob: Client, x: SocialConnection) -> None:
    post = make_post(x, content="Scheduled")
    assert post.scheduled_at is not None
    when = at(timezone.localtime(post.scheduled_at, post.organization.zone))
    hers, his = opened(as_alice, edit(post)), opened(as_bob, edit(post))
    assert as_alice.post(edit(post), of(post, "Hers", hers) | when).status_code == 302
    assert as_bob.post(edit(post), of(post, "His", his) | when).status_code == 409
    assert kept_as(post) == "Hers"


def test_a_group_is_protected_as_a_whole(
    as_alice: Client, as_bob: Client, x: SocialConnection, facebook: SocialConnection
) -> None:
    given = fields(x, text="Shared")
    as_alice.post(SAVE, given)
    address = f"{NEW}?group={given['group']}"
    hers, his = opened(as_alice, address), opened(as_bob, address)
    both = [str(x.pk), str(facebook.pk)]
    as_alice.post(SAVE, given | {"connections": both, "version": hers})
    answer = json_of(as_bob.post(SAVE, given | {"text": "Shared", "version": his}))
    assert answer["state"] == "conflict", "saving would delete the draft that Alice added"
    assert "added" in answer["html"]
    assert SocialPost.objects.count() == 2


def test_a_text_without_an_account_is_protected_too(as_alice: Client, as_bob: Client, club: Any) -> None:
    group = PostGroup.objects.create(organization=club, content="An idea")
    address = f"{NEW}?group={group.pk}"
    hers, his = opened(as_alice, address), opened(as_bob, address)
    as_alice.post(SAVE, fields(group=str(group.pk), text="Her idea", version=hers))
    assert json_of(as_bob.post(SAVE, fields(group=str(group.pk), text="His", version=his)))["state"] == "conflict"
    group.refresh_from_db()
    assert group.content == "Her idea"


def test_a_draft_that_was_deleted_meanwhile_is_said_to_be_and_the_text_shown(
    as_alice: Client, as_bob: Client, as_eve: Client, draft: SocialPost
) -> None:
    his = opened(as_bob, edit(draft))
    as_alice.post(f"/posts/{draft.pk}/delete/")
    answer = json_of(as_bob.post(SAVE, of(draft, "Still writing", his)))
    assert answer["state"] == "closed"
    assert answer["text"].startswith("Alice deleted this draft at ")
    response = as_bob.post(edit(draft), of(draft, "Still writing", his))
    assert response.status_code == 409
    assert "Alice deleted this draft at " in text_of(response)
    assert "Still writing</textarea>" in text_of(response)
    assert as_eve.post(edit(draft), of(draft, "Hers", his)).status_code == 404


def test_a_discarded_group_does_not_come_back_by_itself(as_alice: Client, as_bob: Client, x: SocialConnection) -> None:
    given = fields(x)
    as_alice.post(SAVE, given)
    his = opened(as_bob, f"{NEW}?group={given['group']}")
    as_alice.post("/posts/discard/", {"group": given["group"]})
    answer = json_of(as_bob.post(SAVE, given | {"text": "Still writing", "version": his}))
    assert answer["state"] == "conflict"
    assert "deleted" in answer["html"]
    assert not SocialPost.objects.exists()


def test_discarding_does_not_delete_what_somebody_else_just_wrote(
    as_alice: Client, as_bob: Client, draft: SocialPost
) -> None:
    his = opened(as_bob, edit(draft))
    as_alice.post(SAVE, of(draft, "Much better now", None))
    answer = as_bob.post("/posts/discard/", {"post": str(draft.pk), "version": his})
    assert "Alice changed this" in " ".join(str(message) for message in get_messages(answer.wsgi_request))
    assert answer["Location"] == edit(draft)
    assert kept_as(draft) == "Much better now"


def test_ones_own_other_window_is_told_apart(bob: User, draft: SocialPost) -> None:
    one, other = signed_in(bob), signed_in(bob)
    first, second = opened(one, edit(draft)), opened(other, edit(draft))
    one.post(SAVE, of(draft, "In one window", first))
    answer = json_of(other.post(SAVE, of(draft, "In the other", second)))
    assert answer["text"].startswith("You changed this in another window at ")


def test_of_two_saves_in_the_same_moment_one_is_told(
    real_transactions: None, as_alice: Client, as_bob: Client, draft: SocialPost
) -> None:
    version = opened(as_bob, edit(draft))

    def save(browser: Client) -> str:
        try:
            return str(json_of(browser.post(SAVE, of(draft, f"By {id(browser)}", version)))["state"])
        finally:
            database.close()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(save, (as_alice, as_bob))) == ["conflict", "saved"]


def test_who_opens_a_draft_is_told_of_somebody_who_is_writing_there(
    as_alice: Client, as_bob: Client, draft: SocialPost
) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        as_alice.post(SAVE, of(draft, "Writing", None))
        assert "Alice was editing this" in text_of(as_bob.get(edit(draft)))
        assert "was editing this" not in text_of(as_alice.get(edit(draft)))
        clock.shift(timedelta(minutes=6))
        assert "was editing this" not in text_of(as_bob.get(edit(draft)))


def test_what_is_changed_between_saving_and_scheduling_is_not_scheduled_over(
    alice: User, bob: User, x: SocialConnection
) -> None:
    post = make_post(x, content="Scheduled")
    desk = open_post(SocialPost.objects.with_card().get(pk=post.pk))
    his = replace(composition_of(desk), text="His")
    desk = save_composition(desk, his, by=bob, version=desk.version)
    update_post(post, PostInput("Hers, in that moment"), by=alice)
    with pytest.raises(EditedMeanwhile, match="Alice changed this"):
        send_composition(desk, his, kind="at", at=post.scheduled_at, by=bob, now=timezone.now())
    assert kept_as(post) == "Hers, in that moment"


# --- choosing ---------------------------------------------------------------------------------------------------------


def test_keep_mine_saves_over_what_was_shown(as_alice: Client, as_bob: Client, draft: SocialPost) -> None:
    his = opened(as_bob, edit(draft))
    as_alice.post(SAVE, of(draft, "Hers", None))
    page = text_of(as_bob.post(edit(draft), of(draft, "His", his)))
    [shown] = re.findall(r'<button[^>]* name="version" value="([^"]*)"[^>]*>Keep mine<', page)
    assert shown != his
    # The browser sends the hidden field first and then the button that was pressed.
    assert as_bob.post(edit(draft), of(draft, "His", None) | {"version": [his, shown]}).status_code == 302
    assert kept_as(draft) == "His"


def test_keep_mine_does_not_save_over_what_came_later_still(
    as_alice: Client, as_bob: Client, draft: SocialPost
) -> None:
    his = opened(as_bob, edit(draft))
    as_alice.post(SAVE, of(draft, "Hers", None))
    html = json_of(as_bob.post(SAVE, of(draft, "His", his)))["html"]
    [shown] = re.findall(r'name="version" value="([^"]*)"', html)
    as_alice.post(SAVE, of(draft, "Hers again", None))
    assert json_of(as_bob.post(SAVE, of(draft, "His", shown)))["state"] == "conflict"
    assert kept_as(draft) == "Hers again"


def test_take_theirs_opens_what_is_stored(as_alice: Client, as_bob: Client, draft: SocialPost) -> None:
    his = opened(as_bob, edit(draft))
    as_alice.post(SAVE, of(draft, "Hers", None))
    page = text_of(as_bob.post(edit(draft), of(draft, "His", his)))
    [address] = re.findall(r'<a class="btn[^>]*href="([^"]*)"[^>]*>Take theirs<', page)
    assert "Hers</textarea>" in text_of(as_bob.get(address))


def test_after_a_refusal_the_old_version_stays_on_the_page(as_alice: Client, as_bob: Client, draft: SocialPost) -> None:
    his = opened(as_bob, edit(draft))
    as_alice.post(SAVE, of(draft, "Hers", None))
    page = text_of(as_bob.post(edit(draft), of(draft, "His", his)))
    assert version_in(page) == his, "an autosave of this page must not overwrite before the person has chosen"


# --- not being asked in vain ------------------------------------------------------------------------------------------


def test_one_person_alone_saves_as_often_as_they_like(as_bob: Client, draft: SocialPost) -> None:
    version = opened(as_bob, edit(draft))
    for number in range(4):
        answer = json_of(as_bob.post(SAVE, of(draft, f"Text {number}", version)))
        assert answer["state"] == "saved"
        version = answer["version"]
    assert as_bob.post(edit(draft), of(draft, "Done", version)).status_code == 302


def test_a_new_idea_is_saved_by_the_page_that_began_it(
    as_bob: Client, x: SocialConnection, facebook: SocialConnection
) -> None:
    page = text_of(as_bob.get(NEW))
    [group] = set(re.findall(r'name="group" value="([^"]*)"', page))
    version = version_in(page)
    for chosen in ([x], [x, facebook], [facebook]):
        given = fields(*chosen, group=group, version=version)
        answer = json_of(as_bob.post(SAVE, given))
        assert answer["state"] == "saved"
        version = answer["version"]
    assert SocialPost.objects.get().connection == facebook


def test_a_save_whose_answer_was_lost_may_be_repeated(as_bob: Client, draft: SocialPost) -> None:
    version = opened(as_bob, edit(draft))
    for _again in range(2):
        answer = json_of(as_bob.post(SAVE, of(draft, "Sent twice", version)))
        assert answer["state"] == "saved"


def test_two_who_write_the_same_do_not_disturb_each_other(as_alice: Client, as_bob: Client, draft: SocialPost) -> None:
    his = opened(as_bob, edit(draft))
    as_alice.post(SAVE, of(draft, "The same", None))
    assert as_bob.post(edit(draft), of(draft, "The same", his)).status_code == 302


def test_what_our_own_workers_do_to_a_post_is_nobodys_edit(as_bob: Client, x: SocialConnection) -> None:
    post = make_post(x)
    assert post.scheduled_at is not None
    his = opened(as_bob, edit(post))
    SocialPost.objects.filter(pk=post.pk).update(
        retry_count=1, next_attempt_at=timezone.now() + timedelta(minutes=5), error_code="TRANSIENT",
        error_message="X does not answer.", updated_at=timezone.now() + timedelta(minutes=1),
    )  # fmt: skip
    when = at(timezone.localtime(post.scheduled_at, post.organization.zone))
    assert as_bob.post(edit(post), of(post, "Corrected", his) | when).status_code == 302


def test_a_form_without_a_version_is_saved_as_before(as_alice: Client, draft: SocialPost) -> None:
    assert json_of(as_alice.post(SAVE, of(draft, "By a script", None)))["state"] == "saved"


@pytest.mark.parametrize("nonsense", ["", "zzz", "a.b.c", "\x00", "x" * 5000])
def test_a_version_that_makes_no_sense_overwrites_nothing(as_bob: Client, draft: SocialPost, nonsense: str) -> None:
    assert json_of(as_bob.post(SAVE, of(draft, "New", nonsense)))["state"] == "conflict"
    assert kept_as(draft) == "Dinner on Friday"
