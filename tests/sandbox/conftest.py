"""The sandbox seeded, and callers that have connected to its platforms as an application does."""

from typing import Any

import pytest
from django.test import Client

from sandbox.seed import seed_demo
from tests.sandbox.callers import Caller, connect_facebook, connect_mastodon, connect_x


@pytest.fixture
def seeded(db: None) -> None:
    seed_demo()


@pytest.fixture
def visitor(seeded: None) -> Client:
    return Client()


@pytest.fixture
def x(visitor: Client) -> Caller:
    return connect_x(visitor)


@pytest.fixture
def facebook(visitor: Client) -> Caller:
    """With the token of the Page "Riverside Golf Club"."""
    return connect_facebook(visitor)


@pytest.fixture
def mastodon(visitor: Client) -> Caller:
    return connect_mastodon(visitor)


@pytest.fixture
def taken(visitor: Client) -> Any:
    """The posts that a platform took, as the control interface tells."""

    def read(platform: str) -> list[dict[str, Any]]:
        results: list[dict[str, Any]] = visitor.get("/sandbox/api/posts", {"platform": platform}).json()["results"]
        return results

    return read
