"""What a hostile or broken server may answer to a post: it ends, once, whatever the words."""

import json
from datetime import timedelta
from typing import Any

import pytest
import responses
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from publishing.attempts import publish_post
from publishing.dispatch import claim_due_posts, sweep_posts
from publishing.engagement import sync_connection_engagement
from publishing.models import Outcome, PostMetric, PostStatus, SocialPost
from publishing.reconcile import reconcile_connection
from tests import factories
from tests.conftest import signed_in
from tests.publishing import mastodon

STATUSES = f"{mastodon.SERVER}/api/v1/statuses"
LONG = "9" * 201


def raw(body: Any) -> bytes:
    return json.dumps(body).encode("utf-16")


@pytest.mark.parametrize("post_id", [LONG, "\x00", "1\ud83c"])
def test_a_post_whose_id_cannot_be_stored_is_published_and_never_sent_again(
    claimed_post: SocialPost, bob: User, server: responses.RequestsMock, post_id: str
) -> None:
    status = mastodon.status("Frost on the greens") | {"id": post_id, "url": "https://mastodon.example/" + "a" * 600}
    server.post(STATUSES, body=raw(status))
    publish_post(claimed_post.pk)
    later = timezone.now() + timedelta(hours=1)
    sweep_posts(later)
    claim_due_posts(later, limit=10)
    publish_post(claimed_post.pk)
    post = SocialPost.objects.get(pk=claimed_post.pk)
    assert (post.status, post.platform_post_id) == (PostStatus.PUBLISHED, None)
    assert post.permalink == status["uri"], "an address that fits stands in for one that does not"
    assert post.engagement_due_at is None
    assert mastodon.sends(server) == 1
    page = signed_in(bob).get(reverse("publishing:post", args=[post.pk])).content.decode()
    assert "Its post ID on Mastodon is unknown, so its engagement cannot be read." in page
    for step in ("sync", "delete_at_platform"):
        assert reverse(f"publishing:{step}", args=[post.pk]) not in page


def test_a_post_without_a_usable_id_says_that_its_first_comment_is_missing(
    claimed_post: SocialPost, server: responses.RequestsMock
) -> None:
    SocialPost.objects.filter(pk=claimed_post.pk).update(first_comment="Book here")
    server.post(STATUSES, json=mastodon.status("Frost on the greens", id=LONG))
    publish_post(claimed_post.pk)
    post = SocialPost.objects.get(pk=claimed_post.pk)
    assert post.status == PostStatus.PUBLISHED
    assert post.error_message is not None
    assert "first comment is not" in post.error_message
    assert mastodon.sends(server) == 1


def test_a_copy_that_is_found_with_an_odd_id_settles_the_post(
    claimed_post: SocialPost, server: responses.RequestsMock
) -> None:
    server.post(STATUSES, status=200, body="{cut off")
    publish_post(claimed_post.pk)
    shown = mastodon.status("Frost on the greens", id=LONG)
    server.get(f"{mastodon.SERVER}/api/v1/accounts/1/statuses", body=raw([shown]))
    SocialPost.objects.filter(pk=claimed_post.pk).update(lease_until=timezone.now())
    reconcile_connection(claimed_post.connection_id)
    post = SocialPost.objects.get(pk=claimed_post.pk)
    assert (post.status, post.platform_post_id) == (PostStatus.PUBLISHED, None)
    assert post.attempts.get().outcome == Outcome.PUBLISHED


def test_a_refusal_in_odd_words_ends_the_post_with_them(
    claimed_post: SocialPost, server: responses.RequestsMock
) -> None:
    server.post(STATUSES, status=422, body=raw({"error": "Text\x00 is \ud83c not nice"}))
    publish_post(claimed_post.pk)
    post = SocialPost.objects.get(pk=claimed_post.pk)
    assert post.status == PostStatus.FAILED
    assert post.error_message == "mastodon.example refused: Text is ? not nice"


def test_counts_beyond_every_number_are_not_kept(claimed_post: SocialPost, server: responses.RequestsMock) -> None:
    connection = claimed_post.connection
    now = timezone.now()
    post = factories.make_post(
        connection, status=PostStatus.PUBLISHED, platform_post_id="111", published_at=now, engagement_due_at=now
    )
    counts = {"favourites_count": 10**30, "replies_count": -4, "reblogs_count": 3}
    server.get(f"{STATUSES}/111", json=mastodon.status("Out") | counts)
    assert sync_connection_engagement(connection.pk) == 1
    point = PostMetric.objects.get(post=post)
    assert (point.likes, point.comments, point.shares) == (None, None, 3)
