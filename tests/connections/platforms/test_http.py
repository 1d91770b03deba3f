"""The one HTTP client: what is repeated, what is sent once, and what each broken answer means."""

import http.server
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
import requests
import responses
import structlog
from django.utils import timezone
from prometheus_client import REGISTRY

from connections.errors import (
    ContentRejected,
    Duplicate,
    InvalidToken,
    MediaError,
    NotFound,
    OutcomeUnknown,
    PermissionMissing,
    PlatformError,
    RateLimited,
    TransientError,
)
from connections.http import Patience, PlatformHttp

TOKEN = "planted-token-1b2c"
BASE = "https://api.example"


def make(**changes: Any) -> PlatformHttp:
    return PlatformHttp(**{"platform": "EXAMPLE", "label": "Example", "api_url": BASE, "token": TOKEN, **changes})


def call(http: PlatformHttp, patience: Patience, **more: Any) -> Any:
    return http.call("POST", "/x", operation="probe", patience=patience, params={"q": TOKEN}, **more).body


@pytest.mark.parametrize(("patience", "was_sent"), [(Patience.ONCE, True), (Patience.AGAIN, False)])
@pytest.mark.parametrize("status", [500, 503])
def test_a_platform_in_trouble_that_says_try_again_has_got_what_was_sent(
    status: int, patience: Patience, was_sent: bool, web: responses.RequestsMock
) -> None:
    """Its word that nothing happened is looked into where repeating would be seen."""
    web.add(responses.POST, f"{BASE}/x", status=status, json={})
    with pytest.raises(TransientError) as raised:
        call(make(explain=lambda *_answer: TransientError("Try again.")), patience)
    assert raised.value.was_sent is was_sent


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, ContentRejected), (401, InvalidToken), (403, PermissionMissing), (404, NotFound), (410, NotFound),
        (408, TransientError), (425, TransientError), (409, Duplicate), (413, MediaError), (415, MediaError),
        (422, ContentRejected), (429, RateLimited), (500, TransientError), (502, TransientError), (302, TransientError),
    ],
)  # fmt: skip
def test_a_status_that_no_platform_explains_is_judged_by_its_class(
    status: int, error: type[PlatformError], web: responses.RequestsMock
) -> None:
    web.add(
        responses.POST,
        f"{BASE}/x",
        status=status,
        body="<html>nope</html>",
        headers={"Location": "https://evil.example/"},
    )
    with pytest.raises(error) as raised:
        call(make(), Patience.AGAIN)
    assert "<html" not in str(raised.value)
    assert all(one.request.url and one.request.url.startswith(BASE) for one in web.calls), "no redirect is followed"


@pytest.mark.parametrize("body", ["", "<html>ok</html>", '{"id": ', '"just a word"'])
def test_success_without_readable_json_is_unknown_for_what_changes_and_passing_for_what_asks(
    body: str, web: responses.RequestsMock
) -> None:
    web.add(responses.POST, f"{BASE}/x", status=200, body=body)
    with pytest.raises(OutcomeUnknown):
        call(make(), Patience.ONCE)
    assert len(web.calls) == 1
    with pytest.raises(TransientError):
        call(make(), Patience.READ)
    assert len(web.calls) == 4


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_trouble_at_the_platform_leaves_a_changing_call_unknown(status: int, web: responses.RequestsMock) -> None:
    web.add(responses.POST, f"{BASE}/x", status=status, body="<html>Bad Gateway</html>")
    with pytest.raises(OutcomeUnknown):
        call(make(), Patience.ONCE)
    assert len(web.calls) == 1


def test_reads_are_tried_three_times_uploads_twice(web: responses.RequestsMock) -> None:
    web.add(responses.POST, f"{BASE}/x", status=503)
    for patience, tries in ((Patience.READ, 3), (Patience.AGAIN, 2), (Patience.ONCE, 1)):
        before = len(web.calls)
        with pytest.raises(PlatformError):
            call(make(), patience)
        assert len(web.calls) - before == tries


def test_a_read_that_recovers_gives_its_answer(web: responses.RequestsMock) -> None:
    web.add(responses.POST, f"{BASE}/x", body=requests.ConnectionError("reset"))
    web.add(responses.POST, f"{BASE}/x", status=502, body="<html>")
    web.add(responses.POST, f"{BASE}/x", json={"fine": True})
    assert call(make(), Patience.READ) == {"fine": True}


@pytest.mark.parametrize(
    "failure", [requests.ReadTimeout("read timed out"), requests.ConnectionError("Connection aborted.")]
)
def test_a_connection_that_broke_after_sending_is_unknown(
    failure: requests.RequestException, web: responses.RequestsMock
) -> None:
    web.add(responses.POST, f"{BASE}/x", body=failure)
    with pytest.raises(OutcomeUnknown) as raised:
        call(make(), Patience.ONCE)
    assert len(web.calls) == 1
    assert raised.value.__cause__ is None, "the exceptions of requests hold addresses"


def test_a_connection_that_never_came_about_is_passing_because_nothing_was_sent() -> None:
    with socketserver.TCPServer(("127.0.0.1", 0), socketserver.BaseRequestHandler) as server:
        port = server.server_address[1]
    with pytest.raises(TransientError) as raised:
        call(make(api_url=f"http://127.0.0.1:{port}"), Patience.ONCE)
    assert TOKEN not in str(raised.value) + raised.value.detail
    with pytest.raises(TransientError):
        call(make(api_url="http://nowhere.invalid"), Patience.ONCE)


@pytest.mark.parametrize(
    ("headers", "after_s"),
    [
        ({"Retry-After": "90"}, 90),
        ({"Retry-After": "Fri, 20 Nov 2026 10:01:30 GMT"}, 90),
        ({"x-rate-limit-reset": "1795168890"}, 90),
        ({"X-RateLimit-Reset": "2026-11-20T10:01:30.000000Z"}, 90),
        ({"X-Business-Use-Case-Usage": '{"104": [{"call_count": 100, "estimated_time_to_regain_access": 2}]}'}, 120),
    ],
)
def test_a_rate_limit_says_when_it_opens(
    headers: dict[str, str], after_s: int, web: responses.RequestsMock, time_machine: Any
) -> None:
    now = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
    time_machine.move_to(now, tick=False)
    web.add(responses.POST, f"{BASE}/x", status=429, headers=headers)
    with pytest.raises(RateLimited) as raised:
        call(make(), Patience.READ)
    assert raised.value.retry_at == now + timedelta(seconds=after_s)
    assert len(web.calls) == 1, "a window that is far away is not waited for"


@pytest.mark.parametrize("off_s", [-400, 400])
@pytest.mark.parametrize(
    "told",
    [
        lambda at: {"Retry-After": format_datetime(at, usegmt=True)},
        lambda at: {"x-rate-limit-reset": str(int(at.timestamp()))},
        lambda at: {"X-RateLimit-Reset": at.isoformat()},
    ],
    ids=["Retry-After", "X", "Mastodon"],
)
def test_a_reset_time_is_meant_by_the_clock_of_the_server_that_tells_it(
    told: Callable[[datetime], dict[str, str]], off_s: int, web: responses.RequestsMock, time_machine: Any
) -> None:
    """A server whose clock is minutes ahead would otherwise be waited for too long, one that is behind not at all."""
    now = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
    time_machine.move_to(now, tick=False)
    theirs = now + timedelta(seconds=off_s)
    headers = told(theirs + timedelta(seconds=90)) | {"Date": format_datetime(theirs, usegmt=True)}
    web.add(responses.POST, f"{BASE}/x", status=429, headers=headers)
    http = make()
    with pytest.raises(RateLimited) as raised:
        call(http, Patience.READ)
    assert raised.value.retry_at == now + timedelta(seconds=90)
    assert http.rate.resets_at in {None, now + timedelta(seconds=90)}


def test_a_short_wait_that_the_platform_asks_for_is_honoured(web: responses.RequestsMock) -> None:
    web.add(responses.POST, f"{BASE}/x", status=429, headers={"Retry-After": "1"})
    web.add(responses.POST, f"{BASE}/x", json={"fine": True})
    started = time.monotonic()
    assert call(make(), Patience.READ) == {"fine": True}
    assert time.monotonic() - started >= 0.9


def test_the_rate_budget_of_the_last_answer_is_remembered(web: responses.RequestsMock) -> None:
    resets = int(timezone.now().timestamp()) + 600
    headers = {"x-rate-limit-limit": "100", "x-rate-limit-remaining": "37", "x-rate-limit-reset": str(resets)}
    web.add(responses.POST, f"{BASE}/x", json={}, headers=headers)
    web.add(responses.POST, f"{BASE}/x", json={}, headers={"X-App-Usage": '{"call_count": 28, "total_time": 4}'})
    http = make()
    call(http, Patience.ONCE)
    assert (http.rate.limit, http.rate.remaining) == (100, 37)
    assert http.rate.resets_at == datetime.fromtimestamp(resets, UTC)
    call(http, Patience.ONCE)
    assert http.rate.used_percent == 28
    assert http.rate.remaining is None


def test_each_call_leaves_one_log_line_and_one_count_and_neither_holds_a_secret(web: responses.RequestsMock) -> None:
    web.add(responses.POST, f"{BASE}/x", status=503, body=TOKEN)
    web.add(responses.POST, f"{BASE}/x", json={"token": TOKEN})
    before = _counted("200")
    with structlog.testing.capture_logs() as lines:
        call(make(), Patience.READ, form={"secret": TOKEN})
    assert [(line["event"], line["platform"], line["operation"], line["status"], line["tries"]) for line in lines] == [
        ("platform_call", "EXAMPLE", "probe", "200", 2)
    ]
    assert lines[0]["ms"] >= 0
    assert web.calls[0].request.headers["X-Request-Id"] == lines[0]["call_id"]
    assert TOKEN not in repr(lines) + repr(make())
    assert _counted("200") == before + 1


def _counted(status: str) -> float:
    labels = {"platform": "EXAMPLE", "operation": "probe", "status": status}
    return REGISTRY.get_sample_value("parley_platform_calls_total", labels) or 0.0


# --- a server that behaves badly --------------------------------------------------------------------------------------


@pytest.fixture
def rude_server() -> Iterator[Callable[[Callable[[http.server.BaseHTTPRequestHandler], None]], str]]:
    """Start a server on loopback whose POST does what the test says; gives its address."""
    running: list[http.server.ThreadingHTTPServer] = []

    def start(behave: Callable[[http.server.BaseHTTPRequestHandler], None]) -> str:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                behave(self)

            def log_message(self, format: str, *args: Any) -> None:
                """Keep the test's output clean."""

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        running.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


type Start = Callable[[Callable[[http.server.BaseHTTPRequestHandler], None]], str]


def test_an_endless_body_is_cut_at_the_cap(rude_server: Start) -> None:
    def pour(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(b" " * 65536)
        except OSError:
            return

    with pytest.raises(OutcomeUnknown):
        call(make(api_url=rude_server(pour)), Patience.ONCE)


def test_a_body_that_drips_is_given_up_at_the_time_cap(rude_server: Start, settings: Any) -> None:
    settings.PLATFORM_CONNECT_TIMEOUT_S, settings.PLATFORM_READ_TIMEOUT_S = 0.1, 0.3

    def drip(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            for _ in range(100):
                handler.wfile.write(b" ")
                handler.wfile.flush()
                time.sleep(0.05)
        except OSError:
            return

    started = time.monotonic()
    with pytest.raises(OutcomeUnknown):
        call(make(api_url=rude_server(drip)), Patience.ONCE)
    assert time.monotonic() - started < 2


def test_headers_that_drip_are_given_up_at_the_time_cap(rude_server: Start, settings: Any) -> None:
    settings.PLATFORM_CONNECT_TIMEOUT_S, settings.PLATFORM_READ_TIMEOUT_S = 0.1, 0.4

    def drip(handler: http.server.BaseHTTPRequestHandler) -> None:
        try:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
            for number in range(100):
                handler.wfile.write(f"X-Slow-{number}: 1\r\n".encode())
                handler.wfile.flush()
                time.sleep(0.05)
        except OSError:
            return

    started = time.monotonic()
    with pytest.raises(OutcomeUnknown):
        call(make(api_url=rude_server(drip)), Patience.ONCE)
    assert time.monotonic() - started < 2


def test_a_body_that_ends_early_is_unknown_and_a_refusal_that_ends_early_is_still_a_refusal(rude_server: Start) -> None:
    def stop(status: int) -> Callable[[http.server.BaseHTTPRequestHandler], None]:
        def behave(handler: http.server.BaseHTTPRequestHandler) -> None:
            handler.send_response(status)
            handler.send_header("Content-Length", "500")
            handler.end_headers()
            handler.wfile.write(b'{"id": "1"}')
            handler.close_connection = True

        return behave

    with pytest.raises(OutcomeUnknown):
        call(make(api_url=rude_server(stop(200))), Patience.ONCE)
    with pytest.raises(InvalidToken):
        call(make(api_url=rude_server(stop(401))), Patience.ONCE)


def test_a_server_that_hangs_up_without_a_word_is_asked_once(rude_server: Start) -> None:
    asked: list[int] = []

    def hang_up(handler: http.server.BaseHTTPRequestHandler) -> None:
        asked.append(1)
        handler.connection.close()

    address = rude_server(hang_up)
    with pytest.raises(OutcomeUnknown):
        call(make(api_url=address), Patience.ONCE)
    assert len(asked) == 1


def test_cookies_of_one_account_never_travel_with_the_next(rude_server: Start) -> None:
    seen: list[str] = []

    def behave(handler: http.server.BaseHTTPRequestHandler) -> None:
        seen.append(handler.headers.get("Cookie", ""))
        body = b"{}"
        handler.send_response(200)
        handler.send_header("Set-Cookie", "session=of-account-one")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    first = make(api_url=rude_server(behave))
    call(first, Patience.READ)
    call(first.with_token("another"), Patience.READ)
    assert seen == ["", ""]
