"""The one HTTP client for calls to platforms.

Every failure becomes a ``PlatformError``: a platform's ``explain`` names its own refusals first, then the status class
decides. Answers may be HTML, empty, cut off or endless; nothing here assumes JSON. A call says how patient we may be:

READ   asks only: repeated with backoff, three tries.
AGAIN  changes nothing that the public sees (uploads, tokens to withdraw): two tries, failures are TransientError.
ONCE   changes something: sent exactly once. A failure before the request left is TransientError; anything that leaves
       open whether it took effect is OutcomeUnknown.

In a web request everything is sent once, and only as long as it has time left (``accounts.page_calls``).

No exception, log line or metric holds a token, a body or a query string: the exceptions of requests carry addresses,
so they are never chained.
"""

import json
import logging
import random
import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Self
from urllib.parse import quote, urlsplit
from uuid import uuid4

import requests
import structlog
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from prometheus_client import Counter
from requests_hardened.ip_filter import InvalidIPAddress
from urllib3.exceptions import HTTPError, NewConnectionError
from urllib3.exceptions import ProxyError as PoolProxyError

from accounts.page_calls import TooSlow, time_left_s
from connections.errors import (
    Busy,
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
from connections.guard import TooMuch, in_time, private_network, read_capped, session_for, within
from connections.rate_headers import Rate, read_rate, retry_at

log = structlog.get_logger(__name__)
# urllib3 writes whole addresses at DEBUG, and some platforms want tokens in the query.
logging.getLogger("urllib3").setLevel(logging.INFO)

CALLS = Counter(
    "parley_platform_calls", "Calls to platforms, by outcome (HTTP status, or what went wrong).",
    ["platform", "operation", "status"],
)  # fmt: skip

MOST_BYTES = 5 * 1024 * 1024
WAIT_AT_MOST_S = 5.0
FIRST_WAIT_S = 0.4
TRIES = {"read": 3, "again": 2, "once": 1}


SEND_BY: ContextVar[datetime | None] = ContextVar("send_by", default=None)
"""Until when (aware UTC) a request that is sent once may leave; None: at any time. Whoever allows one for as long as a
lease lasts must not have it sent afterwards, by a process that was suspended in between."""


class Patience(StrEnum):
    READ = "read"
    AGAIN = "again"
    ONCE = "once"


@dataclass(frozen=True)
class Answer:
    """A platform's answer of status 2xx. ``body`` is the decoded JSON object or list; ``headers`` in lower case."""

    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def object(self) -> dict[str, Any]:
        """The body when it is a JSON object, else an empty one."""
        return self.body if isinstance(self.body, dict) else {}

    @property
    def items(self) -> list[dict[str, Any]]:
        """The body when it is a JSON list of objects, else an empty one."""
        return [item for item in self.body if isinstance(item, dict)] if isinstance(self.body, list) else []


@dataclass(frozen=True)
class _Raw:
    status: int
    content: bytes
    headers: Mapping[str, str]
    is_whole: bool = True

    def decode(self) -> Any:
        """The JSON value, None when it is none or was cut off."""
        if not self.is_whole:
            return None
        try:
            value = json.loads(self.content)
        except ValueError:
            return None
        return _without_nul(value) if b"\\u0000" in self.content else value


def _without_nul(value: Any) -> Any:
    """The value with NUL left out of its texts: PostgreSQL does not take it, and a server is anybody's."""
    if isinstance(value, dict):
        return {_without_nul(key): _without_nul(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nul(item) for item in value]
    return value.replace("\x00", "") if isinstance(value, str) else value


type Explain = Callable[[int, Any, str], PlatformError | None]


@dataclass
class PlatformHttp:
    """Calls to one platform's API with one token.

    ``platform`` is the stored name, ``label`` the name that people read. ``guarded``: the address came from a person.
    ``explain(status, body, operation)`` names the platform's own refusals (body: decoded JSON, None when it is none).
    """

    platform: str
    label: str
    api_url: str
    token: str = field(default="", repr=False)
    guarded: bool = False
    explain: Explain | None = field(default=None, repr=False)
    rate: Rate = field(default_factory=Rate)
    meter: Callable[[], None] | None = field(default=None, repr=False)
    """Asked before each request; raises RateLimited when the caller's budget of requests is used up."""
    on_rate: Callable[[str, Rate], None] | None = field(default=None, repr=False)
    """Told (operation, rate) after an answer that spoke of the caller's budget."""

    def with_token(self, token: str) -> Self:
        """The same client speaking with another token."""
        return type(self)(self.platform, self.label, self.api_url, token, self.guarded, self.explain, Rate())

    def get(
        self, path: str, *, operation: str, params: Mapping[str, Any] | Sequence[tuple[str, str]] | None = None,
        signed: bool = True, auth: tuple[str, str] | None = None,
    ) -> Answer:  # fmt: skip
        """Read. Raises PlatformError."""
        return self.call(
            "GET", path, operation=operation, patience=Patience.READ, params=params, signed=signed, auth=auth
        )

    def post(
        self, path: str, *, operation: str, patience: Patience, json: Any = None, form: Mapping[str, Any] | None = None,
        files: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None, signed: bool = True,
        auth: tuple[str, str] | None = None, allow_empty: bool = False,
    ) -> Answer:  # fmt: skip
        """Write. ``files`` maps a field to (name, callable giving a fresh stream, content type). Raises PlatformError."""
        return self.call(
            "POST", path, operation=operation, patience=patience, json=json, form=form, files=files, headers=headers,
            signed=signed, auth=auth, allow_empty=allow_empty,
        )  # fmt: skip

    def delete(
        self, path: str, *, operation: str, params: Mapping[str, Any] | None = None, allow_empty: bool = True
    ) -> Answer:
        """Delete: repeating is harmless, so a lost answer is asked for again. Raises PlatformError."""
        return self.call(
            "DELETE", path, operation=operation, patience=Patience.AGAIN, params=params, allow_empty=allow_empty
        )

    def call(
        self,
        method: str,
        path: str,
        *,
        operation: str,
        patience: Patience,
        params: Mapping[str, Any] | Sequence[tuple[str, str]] | None = None,
        json: Any = None,
        form: Mapping[str, Any] | None = None,
        files: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        signed: bool = True,
        auth: tuple[str, str] | None = None,
        allow_empty: bool = False,
    ) -> Answer:
        """One operation, with the tries that its patience allows.

        ``signed`` sends the token as Bearer; ``auth`` sends (user, password) as Basic instead. ``allow_empty`` takes a
        2xx without a JSON body as success. Raises PlatformError.
        """
        request_id = uuid4().hex
        sent_headers = {"Accept": "application/json", "X-Request-Id": request_id, **(headers or {})}
        url = self.api_url + path
        started = time.monotonic()
        tries = TRIES[patience] if time_left_s() is None else 1
        error: PlatformError | None = None
        status = ""
        attempt = 0
        for attempt in range(1, tries + 1):
            try:
                if self.meter is not None:
                    self.meter()
                if patience is Patience.ONCE:
                    _refuse_too_late()
                raw = self._send(
                    method, url, patience=patience, params=params, json_body=json, form=form, files=files,
                    headers=sent_headers, credentials=_Credentials(self.token if signed and auth is None else "", auth),
                )  # fmt: skip
            except PlatformError as failure:
                error, status = failure, failure.code.lower()
            else:
                status = str(raw.status)
                self.rate = read_rate(raw.headers, now=timezone.now())
                self._tell_rate(operation)
                error = self._judge(raw, patience=patience, operation=operation, allow_empty=allow_empty)
                if error is None:
                    self._note(operation, status, started, request_id, attempt)
                    return Answer(raw.status, raw.decode(), raw.headers)
            wait_s = self._wait_before_next(error, attempt) if attempt < tries else None
            if wait_s is None:
                break
            time.sleep(wait_s)
        self._note(operation, status, started, request_id, attempt, error=error)
        assert error is not None  # noqa: S101  every way out of the loop without an answer set it
        raise error

    def unreadable(self, patience: Patience) -> PlatformError:
        """The error for a 2xx answer that lacks what it promised."""
        said = f"{self.label} gave an answer that cannot be read."
        return (
            OutcomeUnknown(said, detail="incomplete")
            if patience is Patience.ONCE
            else TransientError(said, detail="incomplete")
        )

    # --- one request --------------------------------------------------------------------------------------------------

    def _send(
        self, method: str, url: str, *, patience: Patience, params: Any, json_body: Any, form: Mapping[str, Any] | None,
        files: Mapping[str, Any] | None, headers: Mapping[str, str], credentials: "_Credentials",
    ) -> _Raw:  # fmt: skip
        """The answer as it came. Raises TransientError or OutcomeUnknown when none came, Busy."""
        read_s = settings.PLATFORM_UPLOAD_TIMEOUT_S if files else settings.PLATFORM_READ_TIMEOUT_S
        longest_s, left_s = settings.PLATFORM_CONNECT_TIMEOUT_S + 2 * read_s, time_left_s()
        until = time.monotonic() + (longest_s if left_s is None else min(longest_s, left_s))

        def exchange() -> _Raw:
            return self._exchange(
                method, url, patience=patience, params=params, json_body=json_body, form=form, files=files,
                headers=headers, credentials=credentials, read_s=read_s, until=until,
            )  # fmt: skip

        try:
            return in_time(exchange, guarded=self.guarded)
        except TooSlow as error:
            if not error.was_begun:
                raise Busy(_("This took too long. Try again in a moment.")) from None
            raise self._no_answer(requests.ReadTimeout(), patience) from None
        except InvalidIPAddress:
            refusal = private_network(urlsplit(url).hostname or "The server")
            raise TransientError(str(refusal), detail="address refused") from None
        except requests.RequestException as failure:
            raise self._no_answer(failure, patience) from None

    def _exchange(
        self, method: str, url: str, *, patience: Patience, params: Any, json_body: Any, form: Mapping[str, Any] | None,
        files: Mapping[str, Any] | None, headers: Mapping[str, str], credentials: "_Credentials", read_s: float,
        until: float,
    ) -> _Raw:  # fmt: skip
        """One request and its answer, until then (time.monotonic()). Raises requests.RequestException."""
        try:
            opened = {name: (part[0], part[1](), part[2]) for name, part in (files or {}).items()}
        except OSError:
            raise MediaError("The picture's file is missing.", detail="file missing") from None
        try:
            response = self._session(url, patience).request(
                method, url, params=params, json=json_body, data=form, files=opened or None, headers=dict(headers),
                auth=credentials, timeout=within(until, settings.PLATFORM_CONNECT_TIMEOUT_S, read_s),
                allow_redirects=False, stream=True,
            )  # fmt: skip
            with response:
                answered = {name.lower(): value for name, value in response.headers.items()}
                try:
                    content = read_capped(response, most_bytes=MOST_BYTES, until=until)
                except (HTTPError, TooMuch, OSError):
                    return _Raw(response.status_code, b"", answered, is_whole=False)
                return _Raw(response.status_code, content, answered)
        finally:
            for _name, stream, _kind in opened.values():
                stream.close()

    def _session(self, url: str, patience: Patience) -> requests.Session:
        """This thread's session, with a fresh connection for what is sent once: a kept-alive one that the server is just
        closing fails in a way that cannot be told from a lost answer."""
        session = session_for(url, guarded=self.guarded)
        if patience is Patience.ONCE:
            session.close()  # drops its connections; it stays usable
        return session

    def _no_answer(self, failure: requests.RequestException, patience: Patience) -> PlatformError:
        kind = type(failure).__name__
        if _never_left(failure):
            return _outage(
                TransientError(f"{self.label} cannot be reached.", detail=f"{kind} before anything was sent")
            )
        slow = isinstance(failure, requests.Timeout)
        said = _("%(platform)s did not answer in time.") if slow else _("The connection to %(platform)s broke off.")
        said %= {"platform": self.label}
        if patience is Patience.ONCE:
            return _outage(OutcomeUnknown(said, detail=kind))
        return _outage(TransientError(said, detail=kind))

    # --- what an answer means -----------------------------------------------------------------------------------------

    def _judge(self, raw: _Raw, *, patience: Patience, operation: str, allow_empty: bool) -> PlatformError | None:
        """The error that an answer stands for; None for a success with a usable body."""
        body = raw.decode()
        if 200 <= raw.status < 300:
            refusal = self.explain(raw.status, body, operation) if self.explain and isinstance(body, dict) else None
            if refusal is not None:
                return refusal
            if isinstance(body, (dict, list)) or (allow_empty and raw.is_whole):
                return None
            return self.unreadable(patience)
        error = self.explain(raw.status, body, operation) if self.explain else None
        if error is None:
            error = self._by_status(raw.status, patience)
        if patience is Patience.ONCE and raw.status >= 500 and isinstance(error, TransientError):
            error.was_sent = True
        if isinstance(error, RateLimited) and error.retry_at is None:
            error.retry_at = retry_at(raw.headers, now=timezone.now())
        return error

    def _by_status(self, status: int, patience: Patience) -> PlatformError:
        label, detail = self.label, f"HTTP {status}"
        match status:
            case 401:
                return InvalidToken(f"{label} no longer accepts the sign-in of this account.", detail=detail)
            case 403:
                return PermissionMissing(f"{label} does not allow this.", detail=detail)
            case 404 | 410:
                return NotFound(f"{label} could not find it.", detail=detail)
            case 408 | 425:
                return TransientError(f"{label} asks to try again.", detail=detail)
            case 409:
                return Duplicate(f"{label} has this already.", detail=detail)
            case 413 | 415:
                return MediaError(f"{label} does not take this file.", detail=detail)
            case 429:
                return RateLimited(f"{label} is receiving too many requests. Try again later.", detail=detail)
            case _ if 400 <= status < 500:
                return ContentRejected(f"{label} refused this without saying why.", detail=detail)
        names = {"platform": label, "status": status}
        said = _("%(platform)s answered in an unexpected way (%(status)d).") % names
        if status >= 500 and patience is Patience.ONCE:
            said = _("%(platform)s answered with an error (%(status)d).") % names
        elif status >= 500:
            said = _("%(platform)s is having trouble right now.") % names
        is_open = patience is Patience.ONCE
        error = OutcomeUnknown(said, detail=detail) if is_open else TransientError(said, detail=detail)
        return _outage(error) if status >= 500 else error

    def _wait_before_next(self, error: PlatformError, attempt: int) -> float | None:
        """Seconds until the next try; None when another one makes no sense now."""
        if isinstance(error, RateLimited):
            wait_s = (error.retry_at - timezone.now()).total_seconds() if error.retry_at else 2 * WAIT_AT_MOST_S
            return max(wait_s, 0.1) if wait_s <= WAIT_AT_MOST_S else None
        if isinstance(error, TransientError) and error.detail != "address refused":
            spread: float = random.uniform(0.5, 1.5)  # noqa: S311  spreads the load, hides nothing
            return FIRST_WAIT_S * float(2 ** (attempt - 1)) * spread
        return None

    def _tell_rate(self, operation: str) -> None:
        if self.on_rate is not None and self.rate.remaining is not None:
            self.on_rate(operation, self.rate)

    def _note(
        self, operation: str, status: str, started: float, request_id: str, tries: int, *,
        error: PlatformError | None = None,
    ) -> None:  # fmt: skip
        CALLS.labels(self.platform, operation, status).inc()
        facts: dict[str, Any] = {
            "platform": self.platform, "operation": operation, "status": status,
            "ms": round((time.monotonic() - started) * 1000), "call_id": request_id, "tries": tries,
        }  # fmt: skip
        if error is not None:
            facts |= {"outcome": error.code, "detail": error.detail, "platform_code": error.platform_code}
        log.info("platform_call", **facts)


class _Credentials(requests.auth.AuthBase):
    """The Authorization header. Being an auth object, it keeps requests from looking into ~/.netrc."""

    def __init__(self, token: str, basic: tuple[str, str] | None) -> None:
        self._token = token
        self._basic = basic

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._basic is not None:
            requests.auth.HTTPBasicAuth(*self._basic)(request)
        elif self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _outage(error: PlatformError) -> PlatformError:
    error.is_outage = True
    return error


def api_base(platform: str, default: str) -> str:
    """The base of a platform's API: the operator's replacement (``<PLATFORM>_API_URL``) or the official host."""
    replaced: str = settings.PLATFORM_API_URLS.get(platform, "")
    return replaced or default


def auth_base(platform: str, default: str) -> str:
    """The base of a platform's consent page: the operator's replacement (``<PLATFORM>_AUTH_URL``) or the official one."""
    replaced: str = settings.PLATFORM_AUTH_URLS.get(platform, "")
    return replaced or default


def site_base(platform: str, default: str) -> str:
    """The base of links to accounts and posts: the platform's own site, wherever its API is reached, or the operator's
    replacement (``<PLATFORM>_SITE_URL``)."""
    replaced: str = settings.PLATFORM_SITE_URLS.get(platform, "")
    return replaced or default


def path_part(value: str) -> str:
    """An id as one part of a path: ids are opaque, and one with a slash must not lead elsewhere."""
    return quote(value, safe="")


def _refuse_too_late() -> None:
    send_by = SEND_BY.get()
    if send_by is not None and timezone.now() > send_by:
        raise TransientError("This server was held up before it could send anything.", detail="held up before sending")


def _never_left(failure: BaseException) -> bool:
    """Whether a request failed before any of it reached the server: no name, no route, no proxy, no TLS."""
    if isinstance(
        failure, (requests.ConnectTimeout, requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema)
    ):
        return True
    seen: set[int] = set()
    waiting: list[object] = [failure]
    while waiting:
        one = waiting.pop()
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, (NewConnectionError, PoolProxyError, socket.gaierror, ssl.SSLCertVerificationError)):
            return True
        waiting += [getattr(one, "reason", None), one.__cause__, *one.args]
    return False
