"""Platform tests talk to the official addresses, answered by ``responses``; retries wait no time."""

from collections.abc import Iterator
from typing import Any

import pytest
import responses

from connections.platforms.base import load_platforms


@pytest.fixture(autouse=True)
def _official_addresses(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    load_platforms()
    settings.PLATFORM_API_URLS = {}
    settings.PLATFORM_AUTH_URLS = {}
    settings.PLATFORM_SITE_URLS = {}
    settings.OUTBOUND_ALLOW = []
    monkeypatch.setattr("connections.http.FIRST_WAIT_S", 0.0)


@pytest.fixture
def web() -> Iterator[responses.RequestsMock]:
    """The internet: only what a test plants answers."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock
