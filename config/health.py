"""Is the process up, and can it work?"""

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from kombu import Connection

from accounts.crypto import KeyRingError, key_ring


def healthz(_request: HttpRequest) -> HttpResponse:
    """The process answers: 200 and ``ok``. Asks nothing else, so that a slow database does not restart the web."""
    return HttpResponse("ok", content_type="text/plain")


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "The database does not answer."
    return ""


def _migrations() -> str:
    try:
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        return "The database does not answer."
    return f"{len(waiting)} migrations wait: run `manage.py migrate`." if waiting else ""


def _broker() -> str:
    try:
        with Connection(settings.CELERY_BROKER_URL, connect_timeout=2, transport_options=_transport_options()) as broker:
            broker.ensure_connection(max_retries=1, timeout=2)
    except Exception:  # any client library's own error: the answer is the same
        return "The message broker does not answer."
    return ""


def _transport_options() -> dict[str, object]:
    options: dict[str, object] = getattr(settings, "CELERY_BROKER_TRANSPORT_OPTIONS", {})
    return options


def _encryption() -> str:
    try:
        key_ring()
    except KeyRingError as error:
        return str(error)
    return ""


def readyz(_request: HttpRequest) -> JsonResponse:
    """Database, migrations, broker and encryption key: 200 when all work, else 503 with a sentence for each that fails."""
    checks = {"database": _database, "migrations": _migrations, "broker": _broker, "encryption": _encryption}
    failures = {name: problem for name, check in checks.items() if (problem := check())}
    return JsonResponse({"ready": not failures, "problems": failures}, status=503 if failures else 200)
