"""Counts of published posts: the ladder, the history, posts that are gone."""

from datetime import timedelta
from typing import Any

import pytest
import responses
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from connections.models import SocialConnection
from connections.platforms.base import Can
from publishing.engagement import (
    next_sync_at,
    sync_connection_engagement,
    sync_due_engagement,
    sync_post_engagement,
)
from publishing.errors import IllegalTransition
from publishing.models import PostStatus, SocialPost
from tests import factories
from tests.conftest import signed_in
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


# --- accounts whose numbers may not be read ---------------------------------------------------------------------------


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The connections whose numbers a task is asked to read."""
    sent: list[str] = []
    monkeypatch.setattr("celery.Celery.send_task", lambda _app, _name, args, **_how: sent.extend(args))
    return sent


def refuse_metrics(account: SocialConnection) -> None:
    """The person took the permission away at the platform."""
    needed = account.platform_class.scopes_for[Can.METRICS]
    account.permissions = [scope for scope in account.permissions if scope not in needed and scope != "read"]
    account.save(update_fields=["permissions"])


def test_no_task_is_sent_for_an_account_whose_numbers_may_not_be_read(
    out: SocialPost, account: SocialConnection, asked: list[str]
) -> None:
    refuse_metrics(account)
    sync_due_engagement()
    assert asked == []


def test_its_posts_are_due_as_soon_as_the_permission_is_granted(
    out: SocialPost, account: SocialConnection, asked: list[str]
) -> None:
    granted = list(account.permissions)
    refuse_metrics(account)
    sync_due_engagement()
    SocialConnection.objects.filter(pk=account.pk).update(permissions=granted)
    sync_due_engagement()
    assert asked == [str(account.pk)]


def test_accounts_without_the_permission_take_nobodys_turn(
    out: SocialPost, account: SocialConnection, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("publishing.engagement.CONNECTIONS_A_RUN", 1)
    refuse_metrics(account)
    for _number in range(3):
        other = factories.make_connection(account.organization, "MASTODON", expires_in_s=None)
        due = timezone.now() - timedelta(seconds=5)
        factories.make_post(other, status=PostStatus.PUBLISHED, engagement_due_at=due)
    sync_due_engagement()
    assert len(asked) == 1


def test_a_post_whose_id_is_not_known_is_nobodys_task(out: SocialPost, asked: list[str]) -> None:
    SocialPost.objects.filter(pk=out.pk).update(platform_post_id=None)
    sync_due_engagement()
    assert asked == []


def test_the_page_says_why_there_are_no_numbers(out: SocialPost, account: SocialConnection, bob: User) -> None:
    browser, address = signed_in(bob), reverse("publishing:post", args=[out.pk])
    before = browser.get(address).content.decode()
    assert "Refresh engagement" in before
    assert ">Likes<" in before
    refuse_metrics(account)
    page = browser.get(address).content.decode()
    assert "The permission read:statuses was not granted" in page
    assert "Refresh engagement" not in page
    assert ">Likes<" not in page, "nobody has counted: that is not a zero"
    SocialConnection.objects.filter(pk=account.pk).update(is_active=False)
    assert "needs to be reconnected before its engagement can be read" in browser.get(address).content.decode()
