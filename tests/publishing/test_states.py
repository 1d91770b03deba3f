"""What is said of a post's present state, and what of its past."""

from datetime import timedelta

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from connections.errors import OutcomeUnknown, TransientError
from connections.models import SocialConnection
from publishing.attempts import begin_attempt
from publishing.dispatch import claim_due_posts
from publishing.endings import begin_reconciling, settle_failure
from publishing.models import PostStatus, SocialPost
from publishing.states import standing_of
from tests import factories

REASON = "mastodon.example does not answer."


@pytest.fixture
def second_try(claimed_post: SocialPost) -> SocialPost:
    """The first try failed; a worker is at the second one."""
    first = begin_attempt(claimed_post.pk, holder="worker:one")
    assert first is not None
    settle_failure(first, TransientError(REASON))
    SocialPost.objects.filter(pk=claimed_post.pk).update(next_attempt_at=None)
    assert claim_due_posts(timezone.now(), limit=1) == [claimed_post.pk]
    assert begin_attempt(claimed_post.pk, holder="worker:two") is not None
    return SocialPost.objects.select_related("connection").get(pk=claimed_post.pk)


def test_while_a_new_try_runs_the_error_of_the_last_one_is_history(as_bob: Client, second_try: SocialPost) -> None:
    standing = standing_of(second_try, now=timezone.now())
    assert (standing.label, standing.tone) == ("Publishing", "info")
    assert standing.sentence == "It is being sent to Mastodon."
    state, history = as_bob.get(reverse("publishing:post", args=[second_try.pk])).content.decode().split(
        'id="history-title"'
    )  # fmt: skip
    assert REASON not in state
    assert REASON in history
    assert "Attempt 1: will be retried" in history


def test_while_the_platform_is_asked_the_page_says_so(as_bob: Client, second_try: SocialPost) -> None:
    attempt = second_try.attempts.get(outcome="")
    begin_reconciling(attempt, second_try, OutcomeUnknown("The connection broke."))
    post = SocialPost.objects.select_related("connection").get(pk=second_try.pk)
    assert standing_of(post, now=timezone.now()).sentence == (
        "Parley is checking with Mastodon whether it was published."
    )
    state = as_bob.get(reverse("publishing:post", args=[post.pk])).content.decode().split('id="history-title"')[0]
    assert "Parley is checking with Mastodon whether it was published." in state


def test_an_unknown_outcome_of_an_earlier_try_is_not_said_of_the_next(second_try: SocialPost) -> None:
    SocialPost.objects.filter(pk=second_try.pk).update(error_code="OUTCOME_UNKNOWN", error_message="Nobody knows.")
    post = SocialPost.objects.select_related("connection").get(pk=second_try.pk)
    assert "Nobody knows" not in standing_of(post, now=timezone.now()).sentence


def test_saying_the_states_of_a_calendar_costs_no_further_queries(as_bob: Client, x: SocialConnection) -> None:
    def queries() -> int:
        with CaptureQueriesContext(database) as captured:
            as_bob.get("/calendar/")
        return len(captured)

    def add(number: int) -> None:
        for place in range(number):
            at = timezone.now() - timedelta(minutes=place)
            factories.make_post(x, status=PostStatus.PUBLISHING, scheduled_at=at, error_message=REASON)
            factories.make_post(x, status=PostStatus.PUBLISHED, scheduled_at=at, published_at=at, platform_post_id=None)

    add(1)
    as_bob.get("/calendar/")
    few = queries()
    add(9)
    assert queries() == few
