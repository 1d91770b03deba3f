"""Secrets never leave: marked tokens are planted, everything is used, and nothing that comes out may hold them."""

import html
import logging
from typing import Any

import celery
import pytest
import responses
from django.apps import apps
from django.db import connection as database
from django.test import Client

from accounts.models import AuditEvent, Notification, Organization, User
from connections.models import SocialConnection
from connections.services import disconnect
from connections.tasks import refresh_due_tokens_task, retry_revocations_task, sync_due_profiles_task
from tests.api.client import ApiClient
from tests.connections import platforms_over_http as over

MARK = "PLANTED"
ACCESS, REFRESH, NEXT_ACCESS, NEXT_REFRESH = (
    f"{MARK}-{name}-9f3a" for name in ("access", "refresh", "access2", "refresh2")
)


@pytest.fixture
def sent_messages(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every Celery message, instead of the broker."""
    sent: list[Any] = []
    monkeypatch.setattr(celery.current_app, "send_task", lambda *args, **kwargs: sent.append((args, kwargs)))
    return sent


def everything_stored() -> str:
    """All text of all tables, as an operator with SQL sees it."""
    found = []
    with database.cursor() as cursor:
        for model in apps.get_models():
            cursor.execute(f"SELECT * FROM {database.ops.quote_name(model._meta.db_table)}")
            found.append(str(cursor.fetchall()))
    return "\n".join(found)


@pytest.mark.parametrize("trouble", [False, True], ids=["all is well", "the platform refuses and fails"])
def test_planted_tokens_come_out_nowhere(
    as_alice: Client,
    alice: User,
    club: Organization,
    http: responses.RequestsMock,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    sent_messages: list[Any],
    django_capture_on_commit_callbacks: Any,
    trouble: bool,
) -> None:
    caplog.set_level(logging.DEBUG)
    outputs: list[str] = []

    def keep(answer: Any) -> Any:
        outputs.append(html.unescape(answer.content.decode()) + str(dict(answer.headers)))
        return answer

    with django_capture_on_commit_callbacks(execute=True):
        state = over.query_of(as_alice.get("/api/social/twitter/auth")["Location"])["state"]
        over.x_gives_tokens(http, ACCESS, REFRESH)
        over.x_knows(http)
        keep(as_alice.get("/api/social/twitter/callback", {"state": state, "code": f"{MARK}-code"}, follow=True))
    connection = SocialConnection.objects.get()
    http.reset()
    if trouble:
        echo = {"error": "invalid_request", "error_description": f"The token {REFRESH} was revoked"}
        http.post(over.X_TOKEN, status=400, json=echo)
        http.get(over.X_ME, status=401, json={"title": "Unauthorized", "status": 401, "detail": "Unauthorized"})
        http.post(over.X_REVOKE, status=503, body=f"<html>{ACCESS}</html>")
    else:
        over.x_gives_tokens(http, NEXT_ACCESS, NEXT_REFRESH)
        over.x_knows(http)
        http.post(over.X_REVOKE, json={"revoked": True})
    api, admin = ApiClient(alice), "/admin/connections/socialconnection/"
    rest, page = f"social/connections/{connection.pk}", f"/connections/{connection.pk}/"
    with django_capture_on_commit_callbacks(execute=True):
        for verb in ("sync", "validate", "refresh"):
            keep(as_alice.post(f"{page}{verb}/", follow=True))
            keep(api.post(f"{rest}/{verb}"))
        body = {"platform": "TWITTER", "access_token": f"{MARK}-given", "refresh_token": f"{MARK}-given-refresh"}
        keep(api.post("social/connections", body))
        for action in ("refresh_token", "validate_token", "mark_token_expired"):
            keep(as_alice.post(admin, {"action": action, "_selected_action": [str(connection.pk)]}, follow=True))
        for path in (page, "/connections/", f"{page}disconnect/", admin, f"{admin}{connection.pk}/change/"):
            keep(as_alice.get(path))
        for path in (rest, "social/connections"):
            keep(api.get(path))
        for task in (refresh_due_tokens_task, sync_due_profiles_task):
            task()
        disconnect(connection, by=alice)
        retry_revocations_task()
        keep(as_alice.get(page))
    written = capfd.readouterr()
    outputs += [written.out, written.err, caplog.text, str(sent_messages), everything_stored()]
    outputs += [str(list(AuditEvent.objects.values())), str(list(Notification.objects.values()))]
    assert len(outputs) > 20
    for output in outputs:
        assert MARK not in output
