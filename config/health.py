"""Is the process up, can it work, and how is the installation?"""

import hmac
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from kombu import Connection
from prometheus_client import REGISTRY as PROCESS
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from accounts.crypto import KeyRingError, key_ring
from accounts.middleware import OrganizationRequest
from accounts.models import Incident
from accounts.permissions import requires
from config import state
from connections.budgets import quotas_of
from connections.models import SocialConnection
from publishing.models import Outcome

INCIDENTS_SHOWN = 10
LOOPBACK = {"127.0.0.1", "::1"}


def healthz(_request: HttpRequest) -> HttpResponse:
    """The process answers: 200 and ``ok``. Asks nothing else, so that a slow database does not restart the web."""
    return HttpResponse("ok", content_type="text/plain")


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "The database is not responding."
    return ""


def _migrations() -> str:
    executor = MigrationExecutor(connection)
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return f"{len(waiting)} migrations are pending: run `manage.py migrate`." if waiting else ""


def _broker() -> str:
    options = getattr(settings, "CELERY_BROKER_TRANSPORT_OPTIONS", {})
    try:
        with Connection(settings.CELERY_BROKER_URL, connect_timeout=2, transport_options=options) as broker:
            broker.ensure_connection(max_retries=1, timeout=2)
    except Exception:  # any client library's own error: the answer is the same
        return "The message broker is not responding."
    return ""


def _encryption() -> str:
    try:
        key_ring()
    except KeyRingError as error:
        return str(error)
    return ""


def problems() -> dict[str, str]:
    """What keeps the installation from working, a sentence each; empty when all is well."""
    found = {name: said for name, check in (("broker", _broker), ("encryption", _encryption)) if (said := check())}
    try:
        if said := _database() or _migrations():
            return found | {"database": said}
        return found | state.look(timezone.now()).problems
    except DatabaseError:
        return found | {"database": "The database is not responding."}


def readyz(_request: HttpRequest) -> JsonResponse:
    """Database, migrations, broker, encryption key, workers and beat: 200 when all work, else 503 with a sentence for
    each that does not."""
    found = problems()
    return JsonResponse({"ready": not found, "problems": found}, status=503 if found else 200)


def metrics(request: HttpRequest) -> HttpResponse:
    """For Prometheus: the installation's state, and this process's counters. With METRICS_TOKEN set it asks for that as
    a Bearer token; without, it answers this machine alone."""
    token = settings.METRICS_TOKEN
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not (
        hmac.compare_digest(given.encode(), token.encode()) if token else request.META.get("REMOTE_ADDR") in LOOPBACK
    ):
        return HttpResponse("Set METRICS_TOKEN and send it as a Bearer token.\n", status=403, content_type="text/plain")
    now = timezone.now()
    found = state.look(now)
    registry = CollectorRegistry()

    def gauge(name: str, text: str, value: float) -> None:
        Gauge(f"parley_{name}", text, registry=registry).set(value)

    gauge("workers", "Workers seen recently.", len(found.workers))
    gauge("publish_workers", "Workers consuming the publish queue.", sum("publish" in w.queues for w in found.workers))
    tick_age = (now - found.last_tick).total_seconds() if found.last_tick else float("inf")
    gauge("last_tick_age_seconds", "Seconds since scheduled jobs last ran.", tick_age)
    gauge("posts_overdue", "Posts due for over a minute and not started.", found.overdue)
    oldest = (now - found.oldest_due).total_seconds() if found.oldest_due else 0
    gauge("oldest_due_seconds", "Age of the oldest overdue post.", oldest)
    gauge("posts_stuck", "Posts whose worker stopped responding.", found.stuck)
    gauge("posts_checking", "Posts being looked up on their platform.", found.checking)
    gauge("platforms_paused", "Platforms and servers whose calls are paused.", len(found.troubles))
    gauge("tokens_expiring", "Tokens that expire within 7 days and do not renew automatically.", found.expiring)
    gauge("connections_inactive", "Connections that need to be reconnected.", found.inactive)
    if found.lateness:
        late = Gauge(
            "parley_publish_lateness_seconds", "First attempts in the last 24 hours.", ["quantile"], registry=registry
        )
        late.labels("0.5").set(found.lateness.p50_s)
        late.labels("0.99").set(found.lateness.p99_s)
    incidents = Gauge("parley_incidents_open", "Incidents that people were notified of.", ["kind"], registry=registry)
    open_kinds = set(Incident.objects.open().told().values_list("kind", flat=True))
    for kind in Incident.Kind.values:
        incidents.labels(kind).set(kind in open_kinds)
    attempts = Gauge("parley_publish_attempts_last_day", "By outcome.", ["outcome"], registry=registry)
    for outcome, count in found.attempts.items():
        attempts.labels(outcome).set(count)
    return HttpResponse(
        generate_latest(registry) + generate_latest(PROCESS), content_type="text/plain; version=0.0.4; charset=utf-8"
    )


def _words_of(outcome: str) -> str:
    words = str(Outcome(outcome).label) if outcome in Outcome.values else _("ongoing")
    return words[:1].upper() + words[1:]


@requires("organization.manage")
def page(request: OrganizationRequest) -> HttpResponse:
    """How the installation is, and the budgets and tokens of this organization's accounts. 503 when posts cannot go
    out, as ``/readyz``."""
    now = timezone.now()
    found = state.look(now)
    accounts = list(SocialConnection.objects.for_organization(request.organization).in_use().by_name())
    expiring = [
        one
        for one in accounts
        if one.is_active and one.next_refresh_at is None and one.token_expires_at
        and one.token_expires_at < now + timedelta(days=14)
    ]  # fmt: skip
    said = problems()
    active = [account for account in accounts if account.is_active]
    left = quotas_of(active, now=now)
    context = {
        "state": found,
        "problems": said,
        "attempts": [(_words_of(outcome), count) for outcome, count in found.attempts.items() if count],
        "budgets": [(account, left[account.pk]) for account in active],
        "incidents": Incident.objects.told().filter(began_at__gt=now - timedelta(days=30))[:INCIDENTS_SHOWN],
        "expiring": expiring,
        "inactive": [account for account in accounts if not account.is_active],
    }
    return render(request, "health.html", context, status=503 if said else 200)
