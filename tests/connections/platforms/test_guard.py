"""Addresses that people give lead to public servers or nowhere."""

import http.server
import io
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import responses
from PIL import Image

from connections.errors import TransientError, UnsafeAddress
from connections.guard import AVATAR_BYTES, check_address, fetch_avatar, is_exempt, shrink_picture
from connections.http import Patience, PlatformHttp
from tests.connections.platforms.helpers import picture_bytes


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/", "https://localhost/", "https://[::1]/", "https://10.0.0.8/", "https://192.168.1.1/",
        "https://172.16.0.1/", "https://169.254.169.254/latest/meta-data", "https://100.64.0.1/", "https://0.0.0.0/",
        "https://2130706433/", "https://0x7f000001/", "https://[::ffff:127.0.0.1]/", "https://[fe80::1]/",
        "https://[64:ff9b::a00:1]/", "https://[fec0::1]/", "https://[feff::1]/", "https://[::10.0.0.8]/",
        "https://[::ffff:0:10.0.0.8]/", "https://[::93.184.215.14]/", "https://[2a00:1450::5efe:a00:8]/",
        "https://[2a00:1450::200:5efe:a00:8]/", "https://[4000::1]/", "http://93.184.215.14/", "ftp://93.184.215.14/", "file:///etc/passwd", "https://",
        "nonsense", "https://name.invalid/", "https://a:b",
    ],
)  # fmt: skip
def test_what_is_private_or_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(UnsafeAddress) as raised:
        check_address(url)
    assert str(raised.value)


def test_a_public_address_is_fine_and_a_name_is_judged_by_where_it_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    check_address("https://93.184.215.14/")
    check_address("https://[2a00:1450:4001:81b::200e]/")
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda *_a, **_k: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.1.2.3", 443))]
    )
    with pytest.raises(UnsafeAddress, match=r"innocent\.example leads into a private network"):
        check_address("https://innocent.example/")


@pytest.mark.parametrize("address", ["127.0.0.1", "fec0::1", "::10.0.0.8", "::ffff:0:10.0.0.8", "2a00::5efe:a00:8"])
def test_a_name_that_changes_its_mind_after_the_check_is_caught_at_the_connection(
    address: str, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_k: [(family, socket.SOCK_STREAM, 6, "", (address, 443))])
    http = PlatformHttp("MASTODON", "rebound.example", "https://rebound.example", "t", guarded=True)
    with pytest.raises(TransientError, match="private network"):
        http.call("POST", "/api", operation="probe", patience=Patience.ONCE)


def test_the_operator_exempts_a_host_or_a_host_with_its_port(settings: Any) -> None:
    settings.OUTBOUND_ALLOW = ["127.0.0.1:8000", "social.lan"]
    check_address("http://127.0.0.1:8000/sandbox")
    check_address("https://social.lan/")
    assert is_exempt("http://social.lan:3000/")
    for url in ("http://127.0.0.1:8001/", "http://127.0.0.1/", "http://127.0.0.1.example.com:8000/"):
        assert not is_exempt(url)


def avatar(size: tuple[int, int] = (800, 400), mode: str = "RGB", kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, "#2f5d50").save(out, kind)
    return out.getvalue()


def test_a_picture_is_made_small_and_written_anew() -> None:
    content, kind = shrink_picture(avatar())
    with Image.open(io.BytesIO(content)) as small:
        assert small.size == (256, 128)
    assert kind == "image/jpeg"
    assert shrink_picture(avatar(mode="RGBA"))[1] == "image/png"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"GIF89a",
        b"\x89PNG\r\n\x1a\n" + b"\0" * 40,
        b"<html>",
        avatar((5000, 5000), "1"),
    ],
)
def test_what_is_no_picture_or_a_bomb_is_refused_with_a_sentence(content: bytes) -> None:
    with pytest.raises(UnsafeAddress, match="picture"):
        shrink_picture(content)


class _Pictures(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        port = self.connection.getsockname()[1]
        leads_to = {
            "/moved": f"http://127.0.0.1:{port}/picture",
            "/inwards": "http://169.254.169.254/latest",
            "/loop": "/loop",
        }
        if self.path in leads_to:
            self.send_response(302)
            self.send_header("Location", leads_to[self.path])
            self.end_headers()
            return
        body = b"x" * (AVATAR_BYTES + 1) if self.path == "/large" else picture_bytes()
        self.send_response(404 if self.path == "/gone" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            return

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def pictures(settings: Any) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Pictures)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings.OUTBOUND_ALLOW = [f"127.0.0.1:{server.server_address[1]}"]
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_an_avatar_is_fetched_also_behind_a_redirect(pictures: str) -> None:
    assert fetch_avatar(f"{pictures}/picture")[1] == "image/jpeg"
    assert fetch_avatar(f"{pictures}/moved")[1] == "image/jpeg"


@pytest.mark.parametrize(("path", "says"), [
    ("/inwards", "169.254.169.254"), ("/loop", "without end"), ("/large", "too large"), ("/gone", "did not give"),
])  # fmt: skip
def test_an_avatar_that_leads_astray_is_refused(path: str, says: str, pictures: str) -> None:
    with pytest.raises(UnsafeAddress, match=says):
        fetch_avatar(pictures + path)


def test_an_avatar_server_that_is_down_is_a_sentence_too(web: responses.RequestsMock) -> None:
    with pytest.raises(UnsafeAddress, match=r"93\.184\.215\.14"):
        fetch_avatar("https://93.184.215.14/a.png")
