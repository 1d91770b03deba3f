"""A club's accounts, a post that is due, and the server's answers."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import responses
from django.utils import timezone

from accounts.models import Organization, User
from connections.models import SocialConnection
from publishing.dispatch import claim_due_posts
from publishing.models import SocialPost
from tests import factories


@pytest.fixture
def server() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def account(club: Organization) -> SocialConnection:
    return factories.make_connection(club, "MASTODON", expires_in_s=None, refresh="", platform_account_id="1")


@pytest.fixture
def due_post(account: SocialConnection, bob: User) -> SocialPost:
    return factories.make_post(
        account, content="Frost on the greens", scheduled_at=timezone.now() - timedelta(seconds=1), created_by=bob
    )


@pytest.fixture
def claimed_post(due_post: SocialPost) -> SocialPost:
    assert claim_due_posts(timezone.now(), limit=10) == [due_post.pk]
    due_post.refresh_from_db()
    return due_post


@pytest.fixture
def x(club: Organization) -> SocialConnection:
    return factories.make_connection(club, "TWITTER", account_name="Riverside Golf Club", account_handle="@riversidegc")


@pytest.fixture
def facebook(club: Organization) -> SocialConnection:
    return factories.make_connection(club, "FACEBOOK", account_name="Riverside GC")


@pytest.fixture
def toot(club: Organization) -> SocialConnection:
    return factories.make_connection(
        club, "MASTODON", account_name="Riverside", account_handle="@riverside@mastodon.example"
    )
