"""Calls to other servers while a web request is answered: how long, how many at once, and how often.

A web thread that waits for somebody else's server answers nobody. So all that one web request asks of others has
``PAGE_CALLS_TIMEOUT_S`` together, and a process makes few such calls at once: what comes on top is refused immediately.
Calls to servers that people name ("foreign") are limited further, also over time, for each person and organization.
Workers and commands are not limited by anything here.

A call runs in a thread of its own and the web thread waits for it, because no socket timeout bounds the look-up of a
name or an answer that drips. One that is given up on ends by its own timeouts and holds its place until then.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextvars import ContextVar
from dataclasses import dataclass

from allauth.core.internal import ratelimit
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _

from accounts.errors import DomainError

FOREIGN_RATES = {"person": "30/5m/key", "organization": "100/5m/key"}
"""How many web requests may call servers that people name."""


@dataclass(frozen=True)
class Share:
    """How many web requests of one process may be calling others at a time: of everybody, of one organization's people,
    of one person."""

    everybody: int
    organization: int
    person: int


FOREIGN_SHARE = Share(everybody=8, organization=4, person=2)
PLATFORM_SHARE = Share(everybody=8, organization=6, person=4)


class TooSlow(Exception):
    """The time of this web request is over. ``was_begun``: whether the call had been begun, and so may have its effect."""

    def __init__(self, *, was_begun: bool) -> None:
        super().__init__()
        self.was_begun = was_begun


class TooManyCalls(DomainError):
    code = "too_many_calls"
    http_status = 429


class _Places:
    """The places of this process that are taken, by whom they are taken for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: Counter[str] = Counter()

    def take(self, most: Mapping[str, int]) -> bool:
        """Take one place under each of these names, unless one of them has none left."""
        with self._lock:
            if any(self._taken[name] >= limit for name, limit in most.items()):
                return False
            self._taken.update(most.keys())
            return True

    def give_back(self, names: Mapping[str, int]) -> None:
        with self._lock:
            self._taken.subtract(names.keys())
            self._taken += Counter()  # forgets names without any


_places = _Places()


class _Place:
    """The place of one web request, held until the request and every thread that it began have ended."""

    def __init__(self, most: Mapping[str, int]) -> None:
        self._most = most
        self._holders = 1
        self._lock = threading.Lock()

    def hold(self) -> None:
        with self._lock:
            self._holders += 1

    def let_go(self) -> None:
        with self._lock:
            self._holders -= 1
            is_last = self._holders == 0
        if is_last:
            _places.give_back(self._most)


class PageCalls:
    """The calls of one web request."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self._until: float | None = None
        self._held: dict[bool, _Place] = {}

    def left_s(self) -> float:
        """Seconds that are left. The clock starts when this is asked first."""
        now = time.monotonic()
        if self._until is None:
            self._until = now + settings.PAGE_CALLS_TIMEOUT_S
        return self._until - now

    def run[T](self, call: Callable[[], T], *, is_foreign: bool, late: Callable[[Future[T]], None] | None) -> T:
        left_s = self.left_s()
        place = self._take_place(is_foreign=is_foreign)
        if left_s <= 0:
            raise TooSlow(was_begun=False)
        outcome: Future[T] = Future()

        def work() -> None:
            try:
                outcome.set_result(call())
            except BaseException as error:  # the web thread raises it
                outcome.set_exception(error)
            finally:
                place.let_go()

        place.hold()
        threading.Thread(target=work, name="page-call", daemon=True).start()
        try:
            return outcome.result(left_s)
        except TimeoutError:
            if outcome.done():
                return outcome.result()  # the call's own timeout, or its answer at the last moment
            if late is not None:
                outcome.add_done_callback(late)
            raise TooSlow(was_begun=True) from None

    def _take_place(self, *, is_foreign: bool) -> _Place:
        if is_foreign not in self._held:
            most = self._limits(is_foreign=is_foreign)
            if not _places.take(most):
                raise TooManyCalls(_("Parley is waiting for too many other servers. Try again in a moment."))
            place = _Place(most)
            try:
                if is_foreign:
                    self._count()
            except TooManyCalls:
                place.let_go()
                raise
            self._held[is_foreign] = place
        return self._held[is_foreign]

    def _limits(self, *, is_foreign: bool) -> dict[str, int]:
        kind, share = ("foreign", FOREIGN_SHARE) if is_foreign else ("platform", PLATFORM_SHARE)
        most = {kind: share.everybody}
        for role, name in self._callers().items():
            most[f"{kind} {name}"] = share.person if role == "person" else share.organization
        return most

    def _callers(self) -> dict[str, str]:
        user, organization = self._request.user, getattr(self._request, "organization", None)
        callers = {"person": f"person {user.pk}"} if user.is_authenticated else {}
        return callers | ({"organization": f"organization {organization.pk}"} if organization else {})

    def _count(self) -> None:
        for role, name in self._callers().items():
            if not ratelimit.consume(
                self._request, app="parley", action="foreign_calls", config={"foreign_calls": FOREIGN_RATES[role]},
                key=name, limit_get=True,
            ):  # fmt: skip
                raise TooManyCalls(_("Too many requests to other servers. Try again in five minutes."))

    def close(self) -> None:
        for place in self._held.values():
            place.let_go()


_current: ContextVar[PageCalls | None] = ContextVar("page_calls", default=None)


class PageCallsMiddleware:
    """Gives each web request its time and its places for calls to other servers."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        calls = PageCalls(request)
        token = _current.set(calls)
        try:
            return self.get_response(request)
        finally:
            _current.reset(token)
            calls.close()


def time_left_s() -> float | None:
    """Seconds that the current web request has left for calls to other servers; None outside of web requests."""
    calls = _current.get()
    return None if calls is None else calls.left_s()


def promptly[T](
    call: Callable[[], T], *, is_foreign: bool, late: Callable[[Future[T]], None] | None = None
) -> T:  # fmt: skip
    """What ``call`` gives, within what the current web request has left; outside of web requests whenever it ends.

    ``call`` must not use the database: in a web request it runs in another thread. ``is_foreign``: it goes to a server
    that a person named. ``late`` is told what came of a call that was given up on, in the thread of that call.
    Raises TooSlow, TooManyCalls, and what the call raises.
    """
    calls = _current.get()
    return call() if calls is None else calls.run(call, is_foreign=is_foreign, late=late)
