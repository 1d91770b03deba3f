"""The product's pages in a real browser, on a test's own rows."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import ConsoleMessage, Page
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from tests.conftest import signed_in


@pytest.fixture
def server(audit_can_be_emptied: None, live_server: LiveServer) -> LiveServer:
    return live_server


@pytest.fixture
def browse(page: Page, server: LiveServer) -> Iterator[Callable[..., Page]]:
    """``browse(user, "/calendar/")``: the page as that person sees it. Whatever the browser complains about fails the
    test, except what a test is about: a refusal (409, 422), and a request that the test or leaving the page broke off."""
    said: list[str] = []
    expected = (
        "status of 409",
        "Status Error Code 409",
        "status of 422",
        "net::ERR_FAILED",
        "htmx:afterRequest",
        "htmx:sendAbort",
    )

    def note(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not any(text in message.text for text in expected):
            said.append(f"{page.url}: {message.text}")

    page.on("console", note)
    page.on("pageerror", lambda error: said.append(str(error)))

    def open_page(user: User, path: str) -> Page:
        session = signed_in(user).cookies["sessionid"].value
        page.context.add_cookies([{"name": "sessionid", "value": session, "url": server.url}])
        page.goto(f"{server.url}{path}")
        return page

    yield open_page
    assert said == []
