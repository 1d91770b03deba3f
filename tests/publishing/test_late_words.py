"""What a slow worker still has to say about a post that others have gone on with meanwhile."""

from datetime import timedelta
from typing import Any

import pytest
import responses
import time_machine
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from connections.errors import ContentRejected, TransientError
from connections.models import SocialConnection
from connections.platforms.base import Published
from connections.platforms.mastodon import Mastodon
from publishing import attempts
from publishing.attempts import begin_attempt, publish_post
from publishing.dispatch import claim_due_posts, sweep_posts
from publishing.endings import record_published, settle_failure
from publishing.journal import AttemptJournal, lease
from publishing.models import Outcome, PostStatus, PublishStep, SocialPost
from tests import factories
from tests.publishing import mastodon


def again(post: SocialPost) -> SocialPost:
    return SocialPost.objects.select_related("connection").get(pk=post.pk)


def lapse(post: SocialPost) -> None:
    SocialPost.objects.filter(pk=post.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    sweep_posts()


@pytest.mark.parametrize("error", [TransientError("The upload broke off."), ContentRejected("The picture is broken.")])
def test_a_failure_of_a_worker_that_was_replaced_changes_nothing(claimed_post: SocialPost, error: Any) -> None:
    """Its slow upload outlived the lease; the post would go back to the schedule while the other worker sends it."""
    slow = begin_attempt(claimed_post.pk, holder="worker:slow")
    assert slow is not None
    lapse(claimed_post)
    other = begin_attempt(claimed_post.pk, holder="worker:other")
    assert other is not None
    assert other.pk == slow.pk, "the attempt is carried on"
    settle_failure(slow, error)
    post = again(claimed_post)
    assert (post.status, post.claimed_by) == (PostStatus.PUBLISHING, "worker:other")
    assert post.attempts.get().outcome == ""


def test_a_failure_that_comes_after_the_next_attempt_began_changes_nothing(claimed_post: SocialPost) -> None:
    slow = begin_attempt(claimed_post.pk, holder="worker:slow")
    assert slow is not None
    settle_failure(slow, TransientError("Nothing answers."))
    SocialPost.objects.filter(pk=claimed_post.pk).update(next_attempt_at=None)
    claim_due_posts(timezone.now(), limit=1)
    begin_attempt(claimed_post.pk, holder="worker:other")
    settle_failure(slow, ContentRejected("It will not have it."))
    post = again(claimed_post)
    assert (post.status, post.claimed_by) == (PostStatus.PUBLISHING, "worker:other")


def test_a_worker_that_was_suspended_before_it_sent_sends_nothing(
    claimed_post: SocialPost, server: responses.RequestsMock, monkeypatch: Any
) -> None:
    """Its step is written, and then the machine stands still for so long that others may have sent the post."""
    send = Mastodon._create

    def sleep_and_send(self: Mastodon, *args: Any, **how: Any) -> Any:
        with time_machine.travel(timezone.now() + lease(), tick=True):
            return send(self, *args, **how)

    monkeypatch.setattr(Mastodon, "_create", sleep_and_send)
    mastodon.takes_the_post(server, "Frost on the greens")
    publish_post(claimed_post.pk)
    assert mastodon.sends(server) == 0
    post = again(claimed_post)
    assert (post.status, post.retry_count) == (PostStatus.SCHEDULED, 1)
    assert "held up" in str(post.error_message)
    monkeypatch.undo()
    SocialPost.objects.filter(pk=post.pk).update(next_attempt_at=None)
    claim_due_posts(timezone.now(), limit=1)
    publish_post(post.pk)
    assert again(post).status == PostStatus.PUBLISHED
    assert mastodon.sends(server) == 1


def test_a_worker_that_was_suspended_while_it_wrote_its_step_down_sends_nothing(
    claimed_post: SocialPost, server: responses.RequestsMock, monkeypatch: Any
) -> None:
    mastodon.takes_the_post(server, "Frost on the greens")
    write = AttemptJournal._insert_under_lease
    with time_machine.travel(timezone.now(), tick=False) as clock:

        def sleep_and_write(self: AttemptJournal, step: PublishStep) -> bool:
            clock.shift(lease() * 2)
            return write(self, step)

        monkeypatch.setattr(AttemptJournal, "_insert_under_lease", sleep_and_write)
        publish_post(claimed_post.pk)
    assert mastodon.sends(server) == 0


@pytest.mark.parametrize("error", [InterfaceError("the connection is closed"), TypeError("not JSON")])
def test_an_answer_that_cannot_be_stored_is_looked_for_and_never_sent_again(
    claimed_post: SocialPost, server: responses.RequestsMock, monkeypatch: Any, error: Exception
) -> None:
    mastodon.takes_the_post(server, "Frost on the greens")
    note = AttemptJournal._note

    def fail(step: PublishStep, **changes: Any) -> None:
        if "finished_at" in changes:
            raise error
        note(step, **changes)

    monkeypatch.setattr(AttemptJournal, "_note", staticmethod(fail))
    publish_post(claimed_post.pk)
    post = again(claimed_post)
    assert (post.status, post.error_code) == (PostStatus.PUBLISHING, "OUTCOME_UNKNOWN")
    assert post.claimed_by.startswith("reconcile:")


def test_what_is_put_off_is_not_taken_from_the_worker_that_has_it_meanwhile(
    claimed_post: SocialPost, monkeypatch: Any
) -> None:
    def break_and_lose(post: SocialPost, *, holder: str) -> None:
        monkeypatch.undo()
        raise ValueError("our own code")

    put_off = attempts._put_off

    def late(post: SocialPost, error: Exception, *, holder: str) -> None:
        assert begin_attempt(post.pk, holder="worker:other") is not None
        put_off(post, error, holder=holder)

    monkeypatch.setattr(attempts, "_open_attempt", break_and_lose)
    with monkeypatch.context() as other:
        other.setattr(attempts, "_put_off", late)
        publish_post(claimed_post.pk)
    post = again(claimed_post)
    assert (post.status, post.claimed_by) == (PostStatus.PUBLISHING, "worker:other")


def test_a_database_that_fails_after_the_answer_does_not_send_the_post_again(
    claimed_post: SocialPost, server: responses.RequestsMock, monkeypatch: Any
) -> None:
    mastodon.takes_the_post(server, "Frost on the greens", id="8")
    noted = AttemptJournal._note

    def fail_once(step: PublishStep, **changes: Any) -> None:
        if step.is_public and "finished_at" in changes:
            raise OperationalError("database is locked")
        noted(step, **changes)

    monkeypatch.setattr(AttemptJournal, "_note", staticmethod(fail_once))
    publish_post(claimed_post.pk)
    post = again(claimed_post)
    assert (post.status, post.error_code) == (PostStatus.PUBLISHING, "OUTCOME_UNKNOWN"), "the platform is asked first"


def test_a_post_that_went_out_although_it_was_called_off_is_shown_as_published(claimed_post: SocialPost) -> None:
    """By SQL, while a worker was sending it. Shown as cancelled, it would be scheduled anew and go out twice."""
    attempt = begin_attempt(claimed_post.pk, holder="worker:slow")
    assert attempt is not None
    SocialPost.objects.filter(pk=claimed_post.pk).update(status="CANCELLED", claimed_by="", lease_until=None)
    record_published(attempt, Published("55", "https://mastodon.example/@club/55", timezone.now()))
    post = again(claimed_post)
    assert (post.status, post.platform_post_id) == (PostStatus.PUBLISHED, "55")


def test_a_copy_that_another_post_was_taken_for_is_published_all_the_same(
    account: SocialConnection, claimed_post: SocialPost, server: responses.RequestsMock
) -> None:
    """Somebody linked the copy to the wrong post. The post with the answer in hand must not be tried for ever."""
    factories.make_post(account, status=PostStatus.PUBLISHED, platform_post_id="4711")
    mastodon.takes_the_post(server, "Frost on the greens", id="4711")
    publish_post(claimed_post.pk)
    post = again(claimed_post)
    assert post.status == PostStatus.PUBLISHED
    assert post.permalink
    assert post.error_message, "and says that its numbers cannot be read"
    assert post.attempts.get().outcome == Outcome.PUBLISHED


def test_a_post_whose_account_was_disconnected_while_it_was_being_published_is_cancelled(
    claimed_post: SocialPost, alice: Any
) -> None:
    from connections.services import disconnect

    disconnect(claimed_post.connection, by=alice)
    publish_post(claimed_post.pk)
    post = again(claimed_post)
    assert post.status == PostStatus.CANCELLED
    assert "disconnected" in (post.error_message or "")


def test_steps_of_another_text_are_not_used(claimed_post: SocialPost, server: responses.RequestsMock) -> None:
    """Called off by SQL after its picture was uploaded, edited, scheduled again: the old picture must not go out."""
    attempt = begin_attempt(claimed_post.pk, holder="worker:slow")
    assert attempt is not None
    PublishStep.objects.create(
        attempt=attempt, name="media:0", is_public=False, started_at=timezone.now(), finished_at=timezone.now(),
        result={"id": "old"},
    )  # fmt: skip
    SocialPost.objects.filter(pk=claimed_post.pk).update(status="SCHEDULED", content="Other words", claimed_by="")
    claim_due_posts(timezone.now(), limit=1)
    begun = begin_attempt(claimed_post.pk, holder="worker:next")
    assert begun is not None
    assert begun.number == 2
    assert list(claimed_post.attempts.values_list("outcome", flat=True)) == [Outcome.ABANDONED, ""]
