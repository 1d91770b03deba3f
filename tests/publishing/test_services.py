"""What people may do with a post, and what is refused."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import AuditEvent, Organization, User
from connections.errors import ConnectionInactive
from connections.models import SocialConnection
from publishing.errors import IllegalTransition, InThePast, PostHasProblems, PostNotEditable, UndecidedOutcome
from publishing.models import TRANSITIONS, PostStatus, SocialPost
from publishing.services import (
    MediaUse,
    PostInput,
    cancel_post,
    create_post,
    create_post_group,
    delete_draft,
    move_status,
    problems_of_input,
    publish_now,
    resolve_unknown,
    retry_post,
    schedule_post,
    unschedule_post,
    update_post,
)
from tests import factories


def in_an_hour() -> Any:
    return timezone.now() + timedelta(hours=1)


def actions(post: SocialPost) -> list[str]:
    return list(AuditEvent.objects.filter(object_id=str(post.pk)).order_by("at").values_list("action", flat=True))


def test_a_group_makes_one_post_per_connection_each_with_its_own_text(club: Organization, bob: User) -> None:
    x, mastodon = factories.make_connection(club, "TWITTER"), factories.make_connection(club, "MASTODON")
    group = create_post_group(
        club, {x: PostInput(content="Short"), mastodon: PostInput(content="A longer one")}, by=bob, content="Short"
    )
    texts = dict(group.posts.values_list("connection__platform", "content"))
    assert texts == {"TWITTER": "Short", "MASTODON": "A longer one"}
    assert set(group.posts.values_list("status", flat=True)) == {PostStatus.DRAFT}


def test_media_keep_their_order_and_their_own_alternative_text(account: SocialConnection, bob: User) -> None:
    first, second = (factories.make_asset(account.organization) for _ in range(2))
    post = create_post(account, PostInput("Two", media=(MediaUse(second, "the second"), MediaUse(first))), by=bob)
    assert [(use.asset_id, use.alt_text) for use in post.attached_media.all()] == [
        (second.pk, "the second"), (first.pk, ""),
    ]  # fmt: skip


def test_anothers_media_cannot_be_used(account: SocialConnection, rivals: Organization, bob: User) -> None:
    theirs = factories.make_asset(rivals)
    with pytest.raises(ValueError, match="organization"):
        create_post(account, PostInput("x", media=(MediaUse(theirs),)), by=bob)


def test_a_draft_is_scheduled_moved_and_taken_back(account: SocialConnection, bob: User) -> None:
    post = create_post(account, PostInput("Opening day"), by=bob)
    at = in_an_hour()
    schedule_post(post, at=at, by=bob)
    assert (post.status, post.scheduled_at) == (PostStatus.SCHEDULED, at)
    schedule_post(post, at=at + timedelta(days=1), by=bob)
    unschedule_post(post, by=bob)
    post.refresh_from_db()
    assert (post.status, post.scheduled_at) == (PostStatus.DRAFT, None)
    assert actions(post) == ["post.created", "post.scheduled", "post.scheduled", "post.unscheduled"]


@pytest.mark.parametrize("ahead", [timedelta(seconds=-1), timedelta(days=-1), timedelta(0)])
def test_nothing_is_scheduled_into_the_past(account: SocialConnection, bob: User, ahead: timedelta) -> None:
    post = create_post(account, PostInput("Too late"), by=bob)
    now = timezone.now()
    with pytest.raises(InThePast, match="passed"):
        schedule_post(post, at=now + ahead, by=bob, now=now)
    post.refresh_from_db()
    assert post.status == PostStatus.DRAFT


@pytest.mark.parametrize("state", [{"is_active": False}, {"disconnected_at": timezone.now()}])
def test_nothing_is_scheduled_on_an_account_that_cannot_publish(
    club: Organization, bob: User, state: dict[str, Any]
) -> None:
    post = create_post(factories.make_connection(club, "MASTODON", **state), PostInput("Hello"), by=bob)
    with pytest.raises(ConnectionInactive):
        schedule_post(post, at=in_an_hour(), by=bob)


def test_what_the_platform_would_refuse_is_refused_before_scheduling(club: Organization, bob: User) -> None:
    x = factories.make_connection(club, "TWITTER")
    post = create_post(x, PostInput("a" * 300), by=bob)
    with pytest.raises(PostHasProblems) as caught:
        schedule_post(post, at=in_an_hour(), by=bob)
    assert [problem.field for problem in caught.value.problems] == ["content"]
    assert "20" in str(caught.value), "it says by how much the text is too long"
    assert problems_of_input(x, PostInput("a" * 280)) == []


def test_a_scheduled_post_cannot_be_edited_into_one_that_the_platform_refuses(club: Organization, bob: User) -> None:
    post = factories.make_post(factories.make_connection(club, "TWITTER"), content="Fine")
    with pytest.raises(PostHasProblems):
        update_post(post, PostInput("a" * 300), by=bob)
    post.refresh_from_db()
    assert post.content == "Fine"


@pytest.mark.parametrize("status", [PostStatus.PUBLISHING, PostStatus.PUBLISHED])
def test_a_post_on_its_way_or_out_cannot_be_edited(account: SocialConnection, bob: User, status: str) -> None:
    post = factories.make_post(account, status=status)
    with pytest.raises(PostNotEditable):
        update_post(post, PostInput("changed"), by=bob)


@pytest.mark.parametrize(
    ("before", "after"),
    [(a, b) for a in PostStatus.values for b in PostStatus.values if a != b and b not in TRANSITIONS[a]],
)
def test_an_illegal_transition_is_refused_and_changes_nothing(
    account: SocialConnection, bob: User, before: str, after: str
) -> None:
    post = factories.make_post(
        account,
        status=before,
        scheduled_at=in_an_hour(),
        published_at=timezone.now() if before == "PUBLISHED" else None,
    )
    with pytest.raises(IllegalTransition):
        move_status(post, after, expect=PostStatus.values, by=bob, action="post.test")
    post.refresh_from_db()
    assert post.status == before
    assert actions(post) == []


def test_of_two_writers_one_wins(account: SocialConnection, bob: User) -> None:
    post = factories.make_post(account)
    same_post = SocialPost.objects.get(pk=post.pk)
    SocialPost.objects.filter(pk=post.pk).update(status=PostStatus.PUBLISHING)
    with pytest.raises(IllegalTransition, match="being published"):
        cancel_post(same_post, by=bob)


def test_a_failed_post_can_be_retried_and_its_marks_are_cleared(account: SocialConnection, bob: User) -> None:
    post = factories.make_post(account, status=PostStatus.FAILED, retry_count=5)
    retry_post(post, by=bob)
    post.refresh_from_db()
    assert post.status == PostStatus.SCHEDULED
    assert (post.retry_count, post.error_code, post.error_message, post.next_attempt_at) == (0, "", None, None)
    assert post.scheduled_at is not None
    assert post.scheduled_at <= timezone.now()


def test_two_people_who_retry_at_once_send_one_copy(account: SocialConnection, bob: User) -> None:
    post = factories.make_post(account, status=PostStatus.FAILED)
    seen_by_alice = SocialPost.objects.get(pk=post.pk)
    retry_post(post, by=bob)
    SocialPost.objects.filter(pk=post.pk).update(status=PostStatus.PUBLISHING)
    with pytest.raises(IllegalTransition):
        retry_post(seen_by_alice, by=bob)


def unknown(account: SocialConnection) -> SocialPost:
    return factories.make_post(account, status=PostStatus.FAILED, error_code="OUTCOME_UNKNOWN")


def test_a_post_of_unknown_outcome_is_not_sent_again_by_accident(account: SocialConnection, bob: User) -> None:
    for attempt in (retry_post, publish_now):
        with pytest.raises(UndecidedOutcome, match="Say what happened"):
            attempt(unknown(account), by=bob)
    with pytest.raises(UndecidedOutcome):
        schedule_post(unknown(account), at=in_an_hour(), by=bob)
    with pytest.raises(UndecidedOutcome):
        unschedule_post(unknown(account), by=bob)


def test_a_person_says_that_it_is_out(account: SocialConnection, bob: User) -> None:
    post = resolve_unknown(unknown(account), decision="published", by=bob, link="https://mastodon.example/@club/4711")
    post.refresh_from_db()
    assert post.status == PostStatus.PUBLISHED
    assert (post.platform_post_id, post.permalink) == ("4711", "https://mastodon.example/@club/4711")


def test_a_person_has_it_sent_again_or_drops_it(account: SocialConnection, bob: User) -> None:
    assert resolve_unknown(unknown(account), decision="resend", by=bob).status == PostStatus.SCHEDULED
    assert resolve_unknown(unknown(account), decision="drop", by=bob).status == PostStatus.CANCELLED


def test_a_link_that_is_no_address_is_refused(account: SocialConnection, bob: User) -> None:
    with pytest.raises(IllegalTransition, match="https://"):
        resolve_unknown(unknown(account), decision="published", by=bob, link="javascript:alert(1)")


def test_the_address_of_another_post_is_refused(account: SocialConnection, bob: User) -> None:
    factories.make_post(account, status=PostStatus.PUBLISHED, platform_post_id="4711")
    with pytest.raises(IllegalTransition, match="another post"):
        resolve_unknown(unknown(account), decision="published", by=bob, link="https://mastodon.example/@club/4711")


def test_only_a_draft_can_be_deleted(account: SocialConnection, bob: User) -> None:
    draft = create_post(account, PostInput("Never mind"), by=bob)
    delete_draft(draft, by=bob)
    assert not SocialPost.objects.filter(pk=draft.pk).exists()
    with pytest.raises(PostNotEditable):
        delete_draft(factories.make_post(account), by=bob)
