"""Misbehaviour to order: every imitated endpoint asks here first whether a fault waits for it.

Faults live in their table and are consumed by a conditional UPDATE, so that any number of web workers together use
each of them exactly as often as it was ordered.
"""

import random
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, Protocol, cast

from django.contrib.auth.decorators import login_not_required
from django.db import OperationalError, transaction
from django.db.models import F, Q
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from sandbox.models import Account, Call, Fault, Token
from sandbox.statements import count_calls, count_hits

HTML_ERROR = (
    b"<html>\r\n<head><title>%d Bad Gateway</title></head>\r\n<body>\r\n"
    b"<center><h1>%d Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)


class Refused(Exception):
    """The platform's own refusal, ready to be sent."""

    def __init__(self, response: HttpResponse) -> None:
        super().__init__(f"refused with {response.status_code}")
        self.response = response


@dataclass
class Visit:
    """One call at an imitated endpoint: who calls what, and what the platform adds to its answer."""

    platform: str
    operation: str
    endpoint: str
    method: str = ""
    fault: Fault | None = None
    endless: list[Fault] = field(default_factory=list)  # faults without number that hit: counted with the record
    late_s: float = 0  # a post taken now shows to readers after so many seconds
    account: Account | None = None
    token: Token | None = None
    headers: dict[str, str] = field(default_factory=dict)
    is_recorded: bool = False

    def is_hit_by(self, kind: str) -> bool:
        """True when this call was ordered to suffer a fault which the endpoint itself must act out."""
        return self.fault is not None and self.fault.fault == kind

    def appears_at(self, now: datetime) -> datetime | None:
        """When readers find a post that is taken ``now``; None: at once."""
        return now + timedelta(seconds=self.late_s) if self.late_s else None

    def told(self, status: int) -> int:
        """The status of the answer that reaches the caller when the endpoint answers with ``status``; 0: none does."""
        if self.is_hit_by(Fault.Kind.DROP_AFTER):
            return 0
        if self.is_hit_by(Fault.Kind.ERROR_AFTER) and self.fault is not None and status < 400:
            return int(self.fault.value or 500)
        return status

    @contextmanager
    def taking(self, status: int = 200) -> Iterator[None]:
        """The transaction in which the platform takes what was sent, the record of the call (answered with
        ``status``) included: SQLite has one writer, and every further commit would queue up for it.
        """
        with transaction.atomic():
            yield
            write_call(self, self.told(status))
        self.is_recorded = True


class Voice(Protocol):
    """How a platform words its refusals; each imitated platform has one."""

    def server_error(self, status: int) -> HttpResponse: ...

    def rate_limited(self, seconds: int | None) -> HttpResponse:
        """``seconds`` None: the refusal says nothing about when calls are taken again."""

    def invalid_token(self) -> HttpResponse: ...

    def expired_token(self, operation: str) -> HttpResponse: ...

    def revoked_token(self, operation: str) -> HttpResponse: ...

    def rejected(self, operation: str) -> HttpResponse: ...

    def duplicate(self) -> HttpResponse | None:
        """None when the platform has no such refusal: the endpoint acts the fault out itself."""


View = Callable[..., HttpResponseBase]
BESIDE_OTHERS = {Fault.Kind.LATENCY, Fault.Kind.APPEAR_LATE}


def take_faults(platform: str, operation: str, *, is_upload: bool = False) -> list[Fault]:
    """Use up the faults that hit this call: every fitting one of those that go beside others (latency, appear_late),
    and the first fitting one of another kind.

    Those without number have nothing to use up: their hits are counted with the record of the call.
    ``stuck`` waits for calls that upload something (``is_upload``); asking how far an upload is does not use it up.
    """
    fitting = Fault.objects.filter(
        Q(platform=platform) | Q(platform=Fault.ANY_PLATFORM), operation__in=[operation, Fault.Operation.ANY]
    ).exclude(times=0)
    taken: list[Fault] = []
    for fault in fitting:
        if fault.fault not in BESIDE_OTHERS and any(other.fault not in BESIDE_OTHERS for other in taken):
            continue
        if fault.fault == Fault.Kind.STUCK and not is_upload:
            continue
        if fault.probability is not None and random.random() >= fault.probability:  # noqa: S311 - chance, not secrecy
            continue
        waiting = Fault.objects.filter(pk=fault.pk, times__gt=0)
        if fault.times is None or waiting.update(times=F("times") - 1, hits=F("hits") + 1) == 1:
            taken.append(fault)
    return taken


def cut(request: HttpRequest) -> HttpResponse:
    """Break the TCP connection of this request, under any WSGI server.

    Django's development and test servers give away the socket, which is shut down: the client gets no byte. Other
    servers (granian) get an answer shorter than its Content-Length, on which they abort the connection.
    """
    stream = getattr(request.META.get("wsgi.input"), "_read", None)
    raw = getattr(getattr(stream, "__self__", None), "raw", None)
    connection = getattr(raw, "_sock", None)
    if isinstance(connection, socket.socket):
        connection.shutdown(socket.SHUT_RDWR)
    return HttpResponse(b" ", headers={"Content-Length": "4096"}, content_type="application/json")


def drip(response: HttpResponse, seconds: float) -> StreamingHttpResponse:
    """The same answer, its body spread over ``seconds``."""
    body = response.content
    parts = 10
    size = max(1, -(-len(body) // parts))

    def pieces() -> Iterator[bytes]:
        for start in range(0, len(body), size):
            time.sleep(seconds / parts)
            yield body[start : start + size]

    slow = StreamingHttpResponse(pieces(), status=response.status_code)
    for name, value in response.headers.items():
        slow[name] = value
    slow["Content-Length"] = str(len(body))
    return slow


def answer_as_proxy(status: int) -> HttpResponse:
    return HttpResponse(HTML_ERROR % (status, status), status=status, content_type="text/html")


def fail_after(voice: Voice, status: int) -> HttpResponse:
    """The failure in place of a success: 502 and 504 are the words of a proxy before the platform, others its own."""
    return answer_as_proxy(status) if status in {502, 504} else voice.server_error(status)


def answer_instead(fault: Fault, voice: Voice, operation: str) -> HttpResponse | None:
    """The answer which a fault gives in place of the endpoint; None when the endpoint still has to run."""
    value = fault.value
    match fault.fault:
        case Fault.Kind.SERVER_ERROR:
            return voice.server_error(int(value or 500))
        case Fault.Kind.HTML:
            return answer_as_proxy(int(value or 502))
        case Fault.Kind.RATE_LIMIT:
            return voice.rate_limited(int(value if value is not None else 900))
        case Fault.Kind.RATE_LIMIT_BARE:
            return voice.rate_limited(None)
        case Fault.Kind.EXPIRED_TOKEN:
            return voice.expired_token(operation)
        case Fault.Kind.REVOKED_TOKEN:
            return voice.revoked_token(operation)
        case Fault.Kind.INVALID_TOKEN:
            return voice.rejected(operation) if operation == Fault.Operation.TOKEN else voice.invalid_token()
        case Fault.Kind.REJECT:
            return voice.rejected(operation)
        case Fault.Kind.DUPLICATE:
            return voice.duplicate()
    return None


def write_call(visit: Visit, status: int) -> None:
    """Keep the call for a day, and count the hits of the faults without number."""
    if visit.endless:
        count_hits([fault.pk for fault in visit.endless])
    call = Call.objects.create(
        platform=visit.platform,
        operation=visit.operation,
        endpoint=visit.endpoint,
        method=visit.method,
        subject=visit.account.native_id if visit.account else "",
        status=status,
        fault=visit.fault.fault if visit.fault else "",
    )
    if call.pk % 500 == 0:
        Call.objects.filter(created_at__lt=timezone.now() - Call.KEPT).delete()


def record_call(visit: Visit, status: int) -> None:
    """Record the call unless that was done while taking. A database that is busy loses the line, never the answer."""
    if visit.is_recorded:
        return
    try:
        with transaction.atomic():
            write_call(visit, status)
    except OperationalError:
        return


def imitate(
    platform: str,
    voice: Voice,
    operation: str | Callable[..., str],
    *,
    methods: str = "GET",
    name: str = "",
    uploads: bool = False,
) -> Callable[[View], View]:
    """Make a view an endpoint of a platform: faults, refusals, headers, and the record of the call.

    ``uploads``: what is posted to it may be ordered to get stuck in processing.
    ``operation`` may be a function of the request and the view's path arguments. The view gets a ``Visit`` after
    the request, and may raise ``Refused``.
    """
    allowed = methods.split()

    def decorate(view: View) -> View:
        @wraps(view)
        def endpoint(request: HttpRequest, **path: Any) -> HttpResponseBase:
            kind = operation if isinstance(operation, str) else operation(request, **path)
            visit = Visit(
                platform=platform, operation=kind, endpoint=name or view.__name__, method=request.method or ""
            )
            if request.method not in allowed:
                return JsonResponse({"error": "Method not allowed"}, status=405, headers={"Allow": ", ".join(allowed)})
            response: HttpResponse | None = None
            is_upload = uploads and request.method == "POST"
            faults = take_faults(platform, kind, is_upload=is_upload)
            visit.endless = [fault for fault in faults if fault.times is None]
            for fault in faults:
                if fault.fault in BESIDE_OTHERS:
                    if fault.fault == Fault.Kind.LATENCY:
                        time.sleep((fault.value or 0) / 1000)
                    else:
                        visit.late_s = max(visit.late_s, fault.value if fault.value is not None else 60)
                    visit.fault = visit.fault or fault
                    continue
                visit.fault = fault
                if fault.fault == Fault.Kind.DROP_BEFORE:
                    record_call(visit, 0)
                    return cut(request)
                response = answer_instead(fault, voice, kind)
            if response is None:
                response = run(view, request, visit, path)
            for header, text in visit.headers.items():
                response.headers.setdefault(header, text)
            status = visit.told(response.status_code)
            if status == 0:
                record_call(visit, 0)
                return cut(request)
            if status != response.status_code:
                response = fail_after(voice, status)
            record_call(visit, response.status_code)
            if visit.fault is not None and visit.is_hit_by(Fault.Kind.SLOW_BODY):
                return drip(response, visit.fault.value or 5)
            return response

        return mark_imitated(endpoint)

    return decorate


def mark_imitated(view: View) -> View:
    """Let a view be answered by ``PlatformMiddleware``, past the middleware of the product."""
    marked: Any = csrf_exempt(login_not_required(view))
    marked.is_imitated = True
    return cast(View, marked)


def run(view: View, request: HttpRequest, visit: Visit, path: dict[str, Any]) -> HttpResponse:
    """Call the endpoint; a refusal raised anywhere inside becomes its answer."""
    try:
        response = view(request, visit, **path)
    except Refused as refusal:
        response = refusal.response
    if not isinstance(response, HttpResponse):
        raise TypeError("an imitated endpoint answers whole, not streamed")
    return response


@dataclass(frozen=True)
class Window:
    """Where a caller stands in a rate-limit window."""

    limit: int
    remaining: int
    resets_at: float  # Unix time, s

    @property
    def is_spent(self) -> bool:
        return self.remaining < 0


def measure_window(visit: Visit, *, limit: int, seconds: int, endpoint: str | None = "") -> Window:
    """Count the account's calls of the last ``seconds``, this one included; remaining is -1 when it is one too many.

    ``endpoint`` None counts the calls of every endpoint; "" those of the one being called. Calls that the platform
    answered with 429 or 5xx do not count.
    """
    now = time.time()
    subject = visit.account.native_id if visit.account else ""
    since = timezone.now() - timedelta(seconds=seconds)
    counted = endpoint if endpoint is None else endpoint or visit.endpoint
    used, first = count_calls(visit.platform, subject, since=since, endpoint=counted)
    resets_at = (first.timestamp() if first else now) + seconds
    return Window(limit=limit, remaining=max(limit - used - 1, -1), resets_at=resets_at)
