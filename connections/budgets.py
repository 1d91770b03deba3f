"""Rate budgets: how much may be asked of a platform, as sliding windows that all workers share.

A budget belongs to a connection (``posts``: public posts; ``requests``: any call), or to an app registration for all its
connections together (``app_posts``, ``app_requests``): what is used of one is used of the other. Each use is a row; under the lock of
its gate the uses of the last window are counted, so that any number of workers together never exceed the limit. What a
platform reports by headers or by refusing closes the gate until the time that it names, whatever we counted.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection as connection_
from django.db import transaction
from django.utils import timezone

from connections.errors import RateLimited
from connections.models import RateGate, RateUse, SocialConnection
from connections.platforms.base import Budget, platforms

LONGEST_WAIT = timedelta(days=1)
"""No platform's window is longer: one that names a later time is asked again by then."""
OF_APP = "app_"
"""How the kinds of an app's budgets begin."""
_SPAN = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_RULE = re.compile(r"^([A-Z]+)\.((?:app_)?(?:posts|requests))=(\d+)/(\d+)([smhd])$")


@dataclass(frozen=True)
class Quota:
    """What is left of one budget. ``frees_at`` (aware UTC) is when the next use becomes possible, None while there is
    room."""

    kind: str
    limit: int
    used: int
    window: timedelta
    frees_at: datetime | None = None

    @property
    def left(self) -> int:
        return max(0, self.limit - self.used)

    @property
    def unit(self) -> str:
        """ "posts" or "requests"."""
        return self.kind.removeprefix(OF_APP)

    @property
    def is_shared(self) -> bool:
        """Whether it is the app's, which other accounts use too."""
        return self.kind.startswith(OF_APP)


def parse_rule(text: str) -> tuple[str, str, int, timedelta]:
    """``TWITTER.posts=200/15m`` -> (platform, kind, limit, window). Raises ValueError with an example."""
    found = _RULE.match(text)
    if found is None:
        raise ValueError(f"RATE_BUDGETS: “{text}” is not understood. Write it like TWITTER.posts=200/15m")
    platform, kind, limit, amount, unit = found.groups()
    if not int(limit) or not int(amount):
        raise ValueError(f"RATE_BUDGETS: “{text}” leaves no room for anything. Both numbers are at least 1.")
    return platform, kind, int(limit), timedelta(seconds=int(amount) * _SPAN[unit])


def budgets_of(connection: SocialConnection) -> dict[str, Budget]:
    """The budgets that hold for a connection, by kind: the platform's own, replaced by the operator's."""
    budgets = {budget.kind: budget for budget in connection.platform_class.budgets}
    for rule in settings.RATE_BUDGETS:
        platform, kind, limit, window = parse_rule(rule)
        if platform == connection.platform:
            budgets[kind] = Budget(kind, limit, window)
    return budgets


def counts_requests(connection: SocialConnection) -> bool:
    """Whether any call of the connection takes from a budget."""
    return bool(budgets_of(connection).keys() & {"requests", f"{OF_APP}requests"})


def _key(connection: SocialConnection, kind: str) -> str:
    if kind.startswith(OF_APP):
        app = f"{connection.server_url} {connection.app_client_id}".encode()
        return f"app:{connection.platform}:{hashlib.blake2b(app, digest_size=16).hexdigest()}:{kind}"
    return f"{connection.pk}:{kind}"


def take(connection: SocialConnection, *kinds: str, now: datetime | None = None) -> None:
    """Use one unit of each of these budgets ("posts", "requests") and of the app's, of all or of none. Raises RateLimited
    with the time at which there is room again; then nothing is used."""
    budgets = budgets_of(connection)
    now = now or timezone.now()
    shared = [f"{OF_APP}{kind}" for kind in kinds if f"{OF_APP}{kind}" in budgets]
    keys = {_key(connection, kind): kind for kind in (*kinds, *shared)}
    rows = RateGate.objects.filter(pk__in=keys).order_by("pk").values_list("pk", "blocked_until")
    if not budgets.keys() & {*kinds, *shared}:
        _refuse_blocked(connection, keys, dict(rows), now)
        return
    with transaction.atomic():
        gates = dict(rows.select_for_update())
        if missing := [key for key, kind in keys.items() if kind in budgets and key not in gates]:
            RateGate.objects.bulk_create([RateGate(key=key) for key in missing], ignore_conflicts=True)
            gates = dict(rows.select_for_update())
        _refuse_blocked(connection, keys, gates, now)
        for key, kind in keys.items():
            budget = budgets.get(kind)
            if budget is not None and not _use(key, budget, now):
                uses = RateUse.objects.filter(gate_id=key, at__gt=now - budget.window).order_by("-at")
                # With as many uses in the window as the limit allows, there is room when the oldest of them leaves it.
                oldest = uses.values_list("at", flat=True)[budget.limit - 1]
                raise _refusal(connection, kind, oldest + budget.window)


def _refuse_blocked(
    connection: SocialConnection, keys: dict[str, str], gates: dict[str, datetime | None], now: datetime
) -> None:
    for key, kind in keys.items():
        until = gates.get(key)
        if until is not None and until > now:
            raise _refusal(connection, kind, until)


def _use(key: str, budget: Budget, now: datetime) -> bool:
    """Write a use down unless the window is full, in one statement: this runs before every call to a platform."""
    table = connection_.ops.quote_name(RateUse._meta.db_table)
    adapt = connection_.ops.adapt_datetimefield_value
    with connection_.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (gate_id, at) SELECT %s, %s WHERE "  # noqa: S608  the table's own name
            f"(SELECT count(*) FROM (SELECT 1 FROM {table} WHERE gate_id = %s AND at > %s LIMIT %s) used) < %s",
            [key, adapt(now), key, adapt(now - budget.window), budget.limit, budget.limit],
        )
        return bool(cursor.rowcount)


def _refusal(connection: SocialConnection, kind: str, at: datetime) -> RateLimited:
    what = kind.removeprefix(OF_APP)
    whose = "this app and all its accounts" if kind.startswith(OF_APP) else connection.account_name
    local = at.astimezone(connection.organization.zone)
    return RateLimited(f"{connection.platform_label} takes no more {what} of {whose} until {local:%H:%M}.", retry_at=at)


def close_until(connection: SocialConnection, kind: str, until: datetime) -> None:
    """The platform said that the budget is used up until then."""
    RateGate.objects.update_or_create(pk=_key(connection, kind), defaults={"blocked_until": until})


def remember_report(
    connection: SocialConnection, kind: str, *, limit: int | None, remaining: int | None, resets_at: datetime | None
) -> None:
    """What a platform's answer said of its own counting. Nothing left: the gate closes until its reset."""
    changes: dict[str, object] = {
        "reported_limit": limit, "reported_remaining": remaining, "reported_reset_at": resets_at,
    }  # fmt: skip
    now = timezone.now()
    if remaining == 0 and resets_at is not None and resets_at > now:
        changes["blocked_until"] = min(resets_at, now + LONGEST_WAIT)
    RateGate.objects.update_or_create(pk=_key(connection, kind), defaults=changes)


def quotas(connection: SocialConnection, *, now: datetime | None = None) -> list[Quota]:
    """What is left of each budget of a connection."""
    return quotas_of([connection], now=now)[connection.pk]


def quotas_of(connections: Iterable[SocialConnection], *, now: datetime | None = None) -> dict[UUID, list[Quota]]:
    """The same for several connections, by their ids: two queries for any number of them, and one for each app that has
    a budget of its own.

    ``now`` may lie ahead: then the uses that will have left their window by that time count no more.
    """
    now = now or timezone.now()
    budgets = {connection: budgets_of(connection) for connection in connections}
    keys = {_key(connection, kind): budget for connection, kinds in budgets.items() for kind, budget in kinds.items()}
    gates = {gate.pk: gate for gate in RateGate.objects.filter(pk__in=keys)}
    own = [key for key, budget in keys.items() if not budget.kind.startswith(OF_APP)]
    uses: dict[str, list[datetime]] = {key: [] for key in own}
    for key, at in RateUse.objects.filter(gate_id__in=own).order_by("at").values_list("gate_id", "at"):
        if at > now - keys[key].window:
            uses[key].append(at)
    spent = {key: _spent(uses[key], keys[key]) for key in own}
    for key in keys.keys() - spent.keys():
        spent[key] = _spent_together(key, keys[key], now)
    found: dict[UUID, list[Quota]] = {}
    for connection, kinds in budgets.items():
        rows = found[connection.pk] = []
        for kind, budget in kinds.items():
            (used, frees_at), gate = spent[_key(connection, kind)], gates.get(_key(connection, kind))
            if gate is not None and gate.blocked_until and gate.blocked_until > now:
                frees_at = max(frees_at or gate.blocked_until, gate.blocked_until)
            rows.append(Quota(kind, budget.limit, used, budget.window, frees_at))
    return found


def _spent(held: list[datetime], budget: Budget) -> tuple[int, datetime | None]:
    """How much of a budget the uses in its window take, and when there is room again if they take all."""
    return len(held), held[len(held) - budget.limit] + budget.window if len(held) >= budget.limit else None


def _spent_together(key: str, budget: Budget, now: datetime) -> tuple[int, datetime | None]:
    """The same for an app, whose uses are too many to be read."""
    uses = RateUse.objects.filter(gate_id=key, at__gt=now - budget.window).order_by("-at")
    used = uses.count()
    oldest = (
        uses.values_list("at", flat=True)[budget.limit - 1 : budget.limit].first() if used >= budget.limit else None
    )
    return used, oldest + budget.window if oldest else None


def forget_old_uses(*, now: datetime | None = None) -> int:
    """Delete uses that are older than any window; how many went."""
    now = now or timezone.now()
    windows = [parse_rule(rule)[3] for rule in settings.RATE_BUDGETS]
    windows += [budget.window for cls in platforms() for budget in cls.budgets]
    return RateUse.objects.filter(at__lt=now - max(windows, default=timedelta())).delete()[0]
