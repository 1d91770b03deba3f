"""Requests to addresses that people give: Mastodon servers, pictures. They never reach a private network.

The address is checked after DNS resolution and the connection goes to the very address that was checked, so a name
that answers differently the second time gains nothing (requests-hardened). Redirects are followed by hand, each hop
checked anew. ``OUTBOUND_ALLOW`` (host or host:port) exempts, for servers on one's own network and the sandbox.
"""

import io
import ipaddress
import os
import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from requests_hardened import Config, HTTPSession
from requests_hardened.ip_filter import InvalidIPAddress, filter_host
from requests_hardened.ip_filter_adapter import IPFilterAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from accounts.errors import PictureRefused
from accounts.page_calls import TooManyCalls, TooSlow, promptly, time_left_s
from accounts.pictures.reading import read_picture
from connections.errors import Busy, UnsafeAddress

AVATAR_BYTES = 2 * 1024 * 1024
AVATAR_SIDE = 256
AVATAR_PIXELS = 16_000_000
AVATAR_SECONDS = 20.0
REDIRECTS = 3
SESSIONS_KEPT = 32
USER_AGENT = "Parley (+self-hosted)"
GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
"""All that is handed out on the internet: https://www.iana.org/assignments/ipv6-address-space"""
ISATAP_MARKS = frozenset({0x00005EFE, 0x02005EFE})
"""What stands before the IPv4 address in the second half of an ISATAP address (RFC 5214, 6.1)."""

_per_thread = threading.local()


class _OneAnswer:
    """A session's answer is the one that was asked for. requests would read a redirect's whole body, without any cap,
    only to know where it leads."""

    def get_redirect_target(self, _response: requests.Response) -> None:
        return None


class _PunctualConnection:
    """A connection whose answer begins within the read timeout. The socket's timeout bounds each read alone, so a
    server that sends its headers letter by letter could hold a worker for hours."""

    sock: Any
    timeout: Any

    def getresponse(self) -> Any:
        limit_s = self.timeout if isinstance(self.timeout, (int, float)) else settings.PLATFORM_READ_TIMEOUT_S
        alarm = threading.Timer(limit_s, _hang_up, [self.sock])
        alarm.daemon = True
        alarm.start()
        try:
            return super().getresponse()  # type: ignore[misc]  # of the connection that this is mixed into
        finally:
            alarm.cancel()


class _HTTPConnection(_PunctualConnection, HTTPConnection):
    pass


class _HTTPSConnection(_PunctualConnection, HTTPSConnection):
    pass


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _HTTPConnection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection


def _hang_up(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # ended by itself meanwhile


class _PlainSession(_OneAnswer, requests.Session):
    pass


class _GuardedAdapter(IPFilterAdapter):  # type: ignore[misc]  # requests-hardened has no type hints
    """The filter of requests-hardened, which has put the address that it found into ``host``, and our own."""

    def build_connection_pool_key_attributes(self, *args: Any, **options: Any) -> Any:
        host_params, pool_kwargs = super().build_connection_pool_key_attributes(*args, **options)
        _refuse_inner_ipv6(host_params["host"])
        return host_params, pool_kwargs


class _GuardedSession(_OneAnswer, HTTPSession):  # type: ignore[misc]
    def __init__(self, config: Config) -> None:
        super().__init__(config)
        for scheme in ("http", "https"):
            self.mount(f"{scheme}://", _GuardedAdapter(is_https_proto=scheme == "https"))


class TooMuch(Exception):
    """An answer went over its cap of bytes or seconds."""


def is_exempt(url: str) -> bool:
    """Whether the operator allowed this host (``OUTBOUND_ALLOW``: host, or host:port)."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", _port_of(parts)
    allowed = {entry.lower() for entry in settings.OUTBOUND_ALLOW}
    shown = f"[{host}]" if ":" in host else host
    return bool(host) and (host in allowed or f"{shown}:{port}" in allowed)


def check_address(url: str) -> None:
    """Raise UnsafeAddress unless the address is http(s), and https and public unless exempt. Resolves the name.

    In a web request that has its limits: raises Busy, and UnsafeAddress for a name that takes too long to look up.
    """
    try:
        parts = urlsplit(url)
        port = _port_of(parts)
    except ValueError:
        raise UnsafeAddress(f"{url[:80]} is not an address.") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UnsafeAddress(f"{url[:80]} is not an address.")
    if is_exempt(url):
        return
    if parts.scheme != "https":
        raise UnsafeAddress(f"{parts.hostname} must use https.")
    host = parts.hostname

    def look_up() -> None:
        _refuse_inner_ipv6(filter_host(host, port, allow_loopback=False))

    try:
        in_time(look_up, guarded=True)
    except InvalidIPAddress:
        raise private_network(host) from None
    except TooSlow:
        raise UnsafeAddress(f"The address of {host} could not be looked up in time. Try again in a moment.") from None
    except (requests.RequestException, socket.gaierror, UnicodeError):
        raise UnsafeAddress(f"There is no server called {host}.") from None


def in_time[T](
    call: Callable[[], T], *, guarded: bool, late: Callable[[Future[T]], None] | None = None
) -> T:  # fmt: skip
    """``promptly`` for calls to platforms. ``guarded``: the address came from a person. Raises TooSlow and Busy."""
    try:
        return promptly(call, is_foreign=guarded, late=late)
    except TooManyCalls as error:
        raise Busy(str(error)) from None


def _refuse_inner_ipv6(shown: str) -> None:
    """Raise InvalidIPAddress for an IPv6 address that is not handed out on the internet (site-local, IPv4-compatible,
    IPv4-translated and the like), or that is the other end of a tunnel to an IPv4 address. Others pass."""
    if not shown.startswith("["):
        return
    address = ipaddress.IPv6Address(shown[1:-1].partition("%")[0])
    if address not in GLOBAL_UNICAST or (int(address) >> 32) & 0xFFFFFFFF in ISATAP_MARKS:
        raise InvalidIPAddress(address)


def private_network(host: str) -> UnsafeAddress:
    return UnsafeAddress(f"{host} leads into a private network. Parley only goes to public servers.")


def session_for(url: str, *, guarded: bool) -> requests.Session:
    """This thread's session for the host of ``url``: connections are reused, never shared between threads."""
    parts = urlsplit(url)
    key = (parts.scheme, parts.netloc, guarded)
    sessions: OrderedDict[tuple[str, str, bool], requests.Session] = _per_thread.__dict__.setdefault(
        "sessions", OrderedDict()
    )
    if key not in sessions:
        sessions[key] = new_session(url, guarded=guarded)
        while len(sessions) > SESSIONS_KEPT:
            sessions.popitem(last=False)[1].close()
    sessions.move_to_end(key)
    return sessions[key]


def new_session(url: str, *, guarded: bool) -> requests.Session:
    """A session that sends no stored credentials and follows no redirect by itself."""
    host = urlsplit(url).hostname or ""
    session: requests.Session
    if guarded and not is_exempt(url):
        session = _GuardedSession(
            Config(
                ip_filter_enable=False,  # ours is mounted instead
                ip_filter_allow_loopback_ips=False,
                never_redirect=True,
                default_timeout=(settings.PLATFORM_CONNECT_TIMEOUT_S, settings.PLATFORM_READ_TIMEOUT_S),
            )
        )
        # Through a proxy of the environment the filter would see the proxy's address, not the server's.
        session.trust_env = False
    else:
        session = _PlainSession()
        session.trust_env = not is_local_name(host)
    if not session.trust_env and (bundle := os.environ.get("REQUESTS_CA_BUNDLE")):
        session.verify = bundle
    for adapter in session.adapters.values():
        if isinstance(adapter, HTTPAdapter):
            adapter.poolmanager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}
    # One session speaks for many accounts: a cookie set for one must not travel with the next.
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers["User-Agent"] = USER_AGENT
    return session


def read_capped(response: requests.Response, *, most_bytes: int, until: float) -> bytes:
    """The decoded body. Raises TooMuch over ``most_bytes`` or past ``until`` (time.monotonic()): a server that sends
    one byte a second would otherwise hold a worker for ever, because a socket timeout only bounds each read."""
    pieces: list[bytes] = []
    size = 0
    while True:
        if time.monotonic() > until:
            raise TooMuch("slow")
        piece = response.raw.read1(65536, decode_content=True)
        if not piece:
            return b"".join(pieces)
        size += len(piece)
        if size > most_bytes:
            raise TooMuch("large")
        pieces.append(piece)


def fetch_avatar(url: str) -> tuple[bytes, str]:
    """A profile picture as at most 256 px PNG or JPEG, decoded and written anew, with its content type.

    At most 2 MB, three redirects and 20 s. Raises UnsafeAddress for an address or a file that is not acceptable, and
    for a server that does not answer (in time, in a web request): a missing picture never stops anything.
    """
    left_s = time_left_s()
    until = time.monotonic() + (AVATAR_SECONDS if left_s is None else min(AVATAR_SECONDS, left_s))
    try:
        return in_time(partial(_fetch_and_shrink, url, until), guarded=True)
    except TooSlow:
        raise UnsafeAddress("The picture comes too slowly.") from None


def _fetch_and_shrink(url: str, until: float) -> tuple[bytes, str]:
    return shrink_picture(_fetch_public(url, most_bytes=AVATAR_BYTES, until=until))


def shrink_picture(content: bytes) -> tuple[bytes, str]:
    """At most 256 px, upright, in sRGB, without metadata. Raises UnsafeAddress when it is no picture."""
    try:
        picture = read_picture(content, "picture", most_pixels=AVATAR_PIXELS)
    except PictureRefused:
        raise UnsafeAddress("The profile picture is not a picture that Parley can read, or too large.") from None
    small, out = picture.copy(AVATAR_SIDE), io.BytesIO()
    if small.mode == "RGBA":
        small.save(out, "PNG", optimize=True)
        return out.getvalue(), "image/png"
    small.save(out, "JPEG", quality=88, optimize=True)
    return out.getvalue(), "image/jpeg"


def _fetch_public(url: str, *, most_bytes: int, until: float) -> bytes:
    for _hop in range(REDIRECTS + 1):
        check_address(url)
        host = urlsplit(url).hostname or ""
        try:
            with new_session(url, guarded=True) as session:
                response = session.get(
                    url,
                    stream=True,
                    allow_redirects=False,
                    timeout=within(until, settings.PLATFORM_CONNECT_TIMEOUT_S, 10),
                    auth=_no_credentials,
                )
                with response:
                    if response.is_redirect:
                        url = urljoin(url, response.headers.get("Location", ""))
                        continue
                    if response.status_code != 200:
                        raise UnsafeAddress(f"{host} did not give the picture.")
                    return read_capped(response, most_bytes=most_bytes, until=until)
        except InvalidIPAddress:
            raise private_network(host) from None
        except TooMuch:
            raise UnsafeAddress(f"The picture at {host} is too large or comes too slowly.") from None
        except (requests.RequestException, HTTPError, OSError, ValueError):
            raise UnsafeAddress(f"{host} did not give the picture.") from None
    raise UnsafeAddress("The picture's address leads from one place to the next without end.")


def within(until: float, connect_s: float, read_s: float) -> tuple[float, float]:
    """The timeouts of a request, shortened to what is left until then (time.monotonic())."""
    left_s = max(until - time.monotonic(), 0.1)
    return min(connect_s, left_s), min(read_s, left_s)


def _no_credentials(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Stands in the place where requests would otherwise look into ~/.netrc."""
    return request


def _port_of(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


def is_local_name(host: str) -> bool:
    """Whether this is this machine's own name: localhost or a loopback address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
