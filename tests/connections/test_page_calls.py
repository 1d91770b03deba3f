"""What a page asks of other servers: a few seconds in all, once, and few at a time."""

import html
import http.server
import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
from allauth.socialaccount.adapter import get_adapter
from django.test import Client

from accounts import page_calls
from accounts.crypto import reveal
from accounts.models import Organization, User
from accounts.permissions import Role
from connections.errors import UnsafeAddress
from connections.guard import fetch_avatar
from connections.models import PlatformTrouble, Revocation, SocialConnection
from connections.renewal import open_connection
from tests import factories
from tests.conftest import signed_in
from tests.connections.platforms_over_http import query_of
from tests.product import wait_until
from tests.slow_server import SlowServer, dripping

START = "/api/social/mastodon/auth"


@pytest.fixture
def slow(settings: Any) -> Iterator[SlowServer]:
    with dripping(every_s=0.2) as server:
        settings.PAGE_CALLS_TIMEOUT_S = 1
        settings.OUTBOUND_ALLOW = [server.host]
        yield server


def said(browser: Client, path: str, **query: str) -> str:
    """What the connections page says after a call."""
    answer = browser.get(path, query, follow=True)
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


def took_s(started: float) -> float:
    return time.monotonic() - started


def test_a_server_that_drips_holds_a_page_for_its_seconds_and_is_asked_once(as_alice: Client, slow: SlowServer) -> None:
    started = time.monotonic()
    text = said(as_alice, START, server=slow.address)
    assert "is not responding properly" in text
    assert took_s(started) < 6, "it would drip for hours"
    assert slow.requests == ["POST /api/v1/apps HTTP/1.1"]


def test_a_name_that_nobody_tells_holds_a_page_for_its_seconds(
    as_alice: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PAGE_CALLS_TIMEOUT_S = 0.5
    ended = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_k: ended.wait(30) and [])
    started = time.monotonic()
    text = said(as_alice, START, server="hanging.example")
    ended.set()
    assert "The address of hanging.example could not be looked up in time" in text
    assert took_s(started) < 6


@pytest.mark.parametrize("path", ["/connections/{id}/validate/", "/connections/{id}/sync/"])
def test_a_platform_that_drips_holds_a_page_for_its_seconds(
    path: str, as_alice: Client, club: Organization, slow: SlowServer, settings: Any
) -> None:
    settings.PLATFORM_API_URLS = {"TWITTER": slow.address, "FACEBOOK": "", "MASTODON": ""}
    connection = factories.make_connection(club, "TWITTER")
    started = time.monotonic()
    as_alice.post(path.format(id=connection.pk))
    assert took_s(started) < 6
    assert len(slow.requests) == 1


def test_all_calls_of_one_page_share_its_seconds(slow: SlowServer, rf: Any, alice: User) -> None:
    """A picture after a slow profile has only what is left, and what is not sent in time is not sent."""
    request = rf.get("/")
    request.user = alice

    def view(_request: Any) -> Any:
        assert page_calls.time_left_s() is not None
        for _ in range(3):
            with pytest.raises(UnsafeAddress):
                fetch_avatar(f"{slow.address}/picture")

    started = time.monotonic()
    page_calls.PageCallsMiddleware(view)(request)
    assert took_s(started) < 4
    assert len(slow.requests) == 1


def test_signing_in_elsewhere_has_these_seconds_too(slow: SlowServer, rf: Any, alice: User) -> None:
    request = rf.get("/")
    request.user = alice

    def view(_request: Any) -> Any:
        with get_adapter().get_requests_session() as session, pytest.raises(requests.RequestException):
            session.post(f"{slow.address}/token", data={"code": "x"})

    started = time.monotonic()
    page_calls.PageCallsMiddleware(view)(request)
    assert took_s(started) < 4


def test_workers_have_the_time_that_they_need(slow: SlowServer, settings: Any) -> None:
    assert page_calls.time_left_s() is None
    assert page_calls.promptly(lambda: threading.current_thread(), is_foreign=True) is threading.current_thread()


class Waiting:
    """Web requests of people, each of which holds a call to a foreign server until told to end."""

    def __init__(self, rf: Any) -> None:
        self.rf = rf
        self.end = threading.Event()
        self.pool = ThreadPoolExecutor(16)
        self.begun: list[threading.Event] = []

    def begin(self, user: Any, organization: Any, *, is_foreign: bool = True) -> Any:
        """The future of the request's outcome: "done" or the refusal. Returns once its call runs or was refused."""
        begun = threading.Event()

        def call() -> str:
            begun.set()
            self.end.wait(20)
            return "done"

        def view(_request: Any) -> Any:
            try:
                return page_calls.promptly(call, is_foreign=is_foreign)
            except page_calls.TooManyCalls as refusal:
                begun.set()
                return str(refusal)

        request = self.rf.get("/")
        request.user, request.organization = user, organization
        future = self.pool.submit(page_calls.PageCallsMiddleware(view), request)
        begun.wait(10)
        return future


@pytest.fixture
def waiting(rf: Any, settings: Any) -> Iterator[Waiting]:
    settings.PAGE_CALLS_TIMEOUT_S = 20
    requests = Waiting(rf)
    yield requests
    requests.end.set()
    requests.pool.shutdown()


def test_a_person_an_organization_and_everybody_together_have_few_calls_at_once(
    waiting: Waiting, club: Organization, alice: User, bob: User
) -> None:
    """What comes on top is refused at once; calls to the platforms' own hosts have places of their own."""
    held = [waiting.begin(alice, club) for _ in range(2)]
    assert "try again in a moment" in waiting.begin(alice, club).result(5).lower()
    held += [waiting.begin(bob, club) for _ in range(2)]
    carol = factories.make_member(club, Role.ADMIN).user
    assert "try again in a moment" in waiting.begin(carol, club).result(5).lower(), "four of one organization"
    for _ in range(4):
        other = factories.make_organization()
        held.append(waiting.begin(factories.make_member(other, Role.OWNER).user, other))
    last = factories.make_organization()
    owner = factories.make_member(last, Role.OWNER).user
    assert "try again in a moment" in waiting.begin(owner, last).result(5).lower(), "eight of the process"
    held.append(waiting.begin(owner, last, is_foreign=False))
    waiting.end.set()
    assert [one.result(5) for one in held] == ["done"] * 9
    assert waiting.begin(alice, club).result(5) == "done", "places are given back"


def test_a_call_that_was_given_up_on_holds_its_place_until_it_ends(
    rf: Any, club: Organization, alice: User, settings: Any
) -> None:
    settings.PAGE_CALLS_TIMEOUT_S = 0.2
    end = threading.Event()
    request = rf.get("/")
    request.user, request.organization = alice, club

    def view(_request: Any) -> Any:
        return page_calls.promptly(lambda: end.wait(20), is_foreign=True)

    ask = page_calls.PageCallsMiddleware(view)
    for _ in range(2):
        with pytest.raises(page_calls.TooSlow):
            ask(request)
    with pytest.raises(page_calls.TooManyCalls):
        ask(request)
    end.set()
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            assert ask(request)
            return
        except page_calls.TooManyCalls:
            time.sleep(0.01)
    pytest.fail("its place was never given back")


def test_over_some_minutes_a_person_and_an_organization_have_so_many_pages_that_call_foreign_servers(
    as_alice: Client, club: Organization, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    monkeypatch.setattr(page_calls, "FOREIGN_RATES", {"person": "2/5m/key", "organization": "3/5m/key"})
    settings.OUTBOUND_ALLOW = ["127.0.0.1"]
    nobody = "http://127.0.0.1:9"
    admin = signed_in(factories.make_member(club, Role.ADMIN).user)
    for browser, is_refused in ((as_alice, False), (as_alice, False), (as_alice, True), (admin, False), (admin, True)):
        text = said(browser, START, server=nobody)
        assert ("Try again in five minutes" in text) == is_refused


# --- answers that come later ------------------------------------------------------------------------------------------


@dataclass
class HesitantX:
    """X's token endpoint, which answers when it is told to."""

    go_on: threading.Event = field(default_factory=threading.Event)
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def hesitant_x(settings: Any) -> Iterator[HesitantX]:
    x = HesitantX()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            x.asked.append(self.path)
            self.rfile.read(int(self.headers["Content-Length"]))
            x.go_on.wait(30)
            given = {
                "token_type": "bearer",
                "expires_in": 7200,
                "access_token": "newer-access",
                "refresh_token": "newer-refresh",
            }
            body = json.dumps(given).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Keep the test's output clean."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings.PAGE_CALLS_TIMEOUT_S = 0.5
    address = f"http://127.0.0.1:{server.server_address[1]}"
    settings.PLATFORM_API_URLS = {"TWITTER": address, "FACEBOOK": "", "MASTODON": ""}
    yield x
    x.go_on.set()
    server.shutdown()
    server.server_close()


@pytest.mark.usefixtures("real_transactions")
def test_a_renewal_that_a_page_did_not_wait_for_is_stored_when_it_comes(
    club: Organization, alice: User, hesitant_x: HesitantX
) -> None:
    """X kills the refresh token as soon as it has it: an answer after the page's seconds must not be lost."""
    connection = factories.make_connection(club, "TWITTER")
    browser = signed_in(alice)
    answer = browser.post(f"/connections/{connection.pk}/refresh/", follow=True)
    assert "could not renew access" in answer.content.decode()
    connection.refresh_from_db()
    assert connection.is_active
    assert connection.refresh_lease_until is not None, "no other may spend the same refresh token meanwhile"
    hesitant_x.go_on.set()
    wait_until(lambda: not SocialConnection.objects.get(pk=connection.pk).refresh_lease_until, 15)
    opened = open_connection(connection.pk)
    assert (opened.access, opened.refresh) == ("newer-access", "newer-refresh")
    assert hesitant_x.asked == ["/2/oauth2/token"]
    assert not PlatformTrouble.objects.exists()


@pytest.mark.usefixtures("real_transactions")
def test_tokens_for_which_a_page_did_not_wait_are_withdrawn_when_they_come(
    club: Organization, alice: User, hesitant_x: HesitantX
) -> None:
    browser = signed_in(alice)
    asked = query_of(browser.get("/api/social/twitter/auth")["Location"])
    text = said(browser, "/api/social/twitter/callback", state=asked["state"], code="the-code")
    assert "is not responding properly" in text
    hesitant_x.go_on.set()
    wait_until(lambda: Revocation.objects.count() == 2, 15)
    assert {reveal(row, "secret") for row in Revocation.objects.all()} == {"newer-access", "newer-refresh"}
    assert not SocialConnection.objects.exists()
