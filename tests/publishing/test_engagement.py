"""Counts of published posts: the ladder, the history, posts that are gone."""

from datetime import timedelta
from typing import Any

import pytest
import responses
from django.utils import timezone

from connections.models import SocialConnection
from publishing.engagement import next_sync_at, sync_connection_engagement, sync_post_engagement
from publishing.errors import IllegalTransition
from publishing.models import PostStatus, SocialPost
from tests import factories
from tests.publishing import mastodon


@pytest.fixture
def out(account: SocialConnection) -> SocialPost:
    return factories.make_post(
        account,
        status=PostStatus.PUBLISHED,
        platform_post_id="111",
        engagement_due_at=timezone.now() - timedelta(minutes=1),
    )


def shows(server: responses.RequestsMock, **counts: Any) -> None:
    body = mastodon.status("Hello", id="111", **counts)
    server.get(f"{mastodon.SERVER}/api/v1/statuses", json=[body])
    server.get(f"{mastodon.SERVER}/api/v1/statuses/111", json=body)


@pytest.mark.parametrize(
    ("age", "wait"),
    [
        (timedelta(minutes=5), timedelta(hours=1)),
        (timedelta(hours=23), timedelta(hours=1)),
        (timedelta(days=2), timedelta(hours=6)),
        (timedelta(days=8), timedelta(days=1)),
        (timedelta(days=91), None),
    ],
)
def test_the_ladder(age: timedelta, wait: timedelta | None) -> None:
    now = timezone.now()
    assert next_sync_at(now - age, now) == (now + wait if wait else None)


def test_counts_become_totals_and_a_point_of_the_history(out: SocialPost, server: responses.RequestsMock) -> None:
    shows(server, favourites=7, reblogs=2, replies=1)
    assert sync_connection_engagement(out.connection_id) == 1
    out.refresh_from_db()
    assert (out.likes, out.shares, out.comments) == (7, 2, 1)
    assert out.impressions is None, "what the platform does not tell is not a zero"
    assert out.metric_points.get().likes == 7
    assert out.engagement_due_at is not None
    assert out.engagement_due_at > timezone.now()


def test_a_second_task_finds_nothing_to_do(out: SocialPost, server: responses.RequestsMock) -> None:
    shows(server, favourites=1)
    assert sync_connection_engagement(out.connection_id) == 1
    assert sync_connection_engagement(out.connection_id) == 0
    assert out.metric_points.count() == 1


def test_a_post_that_is_gone_is_marked_and_left_in_peace(out: SocialPost, server: responses.RequestsMock) -> None:
    server.get(f"{mastodon.SERVER}/api/v1/statuses", json=[])
    server.get(f"{mastodon.SERVER}/api/v1/statuses/111", status=404, json={"error": "Record not found"})
    sync_connection_engagement(out.connection_id)
    out.refresh_from_db()
    assert out.deleted_at is not None
    assert out.engagement_due_at is None
    assert out.status == PostStatus.PUBLISHED


def test_trouble_at_the_platform_changes_nothing_and_is_tried_again(
    out: SocialPost, server: responses.RequestsMock
) -> None:
    server.get(f"{mastodon.SERVER}/api/v1/statuses", status=503, body="<html></html>")
    server.get(f"{mastodon.SERVER}/api/v1/statuses/111", status=503, body="<html></html>")
    assert sync_connection_engagement(out.connection_id) == 0
    out.refresh_from_db()
    assert out.engagement_due_at is not None
    assert timedelta(minutes=5) < out.engagement_due_at - timezone.now() < timedelta(hours=1)
    assert out.connection.is_active


def test_one_post_is_read_on_demand(out: SocialPost, server: responses.RequestsMock, bob: Any) -> None:
    shows(server, favourites=3)
    assert sync_post_engagement(out, by=bob).likes == 3


def test_a_post_that_is_not_out_has_nothing_to_read(account: SocialConnection, bob: Any) -> None:
    with pytest.raises(IllegalTransition):
        sync_post_engagement(factories.make_post(account), by=bob)
