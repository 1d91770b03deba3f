"""The sandbox seeded, and callers that have connected to its platforms as an application does."""

from typing import Any

import pytest
from django.test import Client
from django.test.client import Client as Browser

from sandbox.seed import seed_demo
from tests.sandbox.callers import Caller, connect_facebook, connect_mastodon, connect_x


@pytest.fixture
def seeded(db: None) -> None:
    seed_demo()


@pytest.fixture
def browser(seeded: None) -> Browser:
    return Client()


@pytest.fixture
def x(browser: Browser) -> Caller:
    return connect_x(browser)


@pytest.fixture
def facebook(browser: Browser) -> Caller:
    """With the token of the Page "Riverside Golf Club"."""
    return connect_facebook(browser)


@pytest.fixture
def mastodon(browser: Browser) -> Caller:
    return connect_mastodon(browser)


@pytest.fixture
def taken(browser: Browser) -> Any:
    """The posts that a platform took, as the control interface tells."""

    def read(platform: str) -> list[dict[str, Any]]:
        results: list[dict[str, Any]] = browser.get("/sandbox/api/posts", {"platform": platform}).json()["results"]
        return results

    return read
