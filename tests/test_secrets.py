"""Secrets never leave: marked ones are planted everywhere, the product is used, and everything it put out is searched."""

import io
import json
import logging
import re
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import responses
from celery.signals import before_task_publish
from django.apps import apps
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from accounts.crypto import seal_into
from accounts.models import Organization, User
from connections.models import Consent, PlatformApp, Revocation, SocialConnection
from publishing.models import PostStatus, SocialPost
from tests import factories
from tests.api.client import ApiClient
from tests.conftest import signed_in
from tests.walk import CREDENTIALS_IN_PATH, Club, all_routes

MARK = "planted-secret"
PLANTED = {
    name: f"{MARK}-{name}-4f1d9c"
    for name in (
        "access",
        "refresh",
        "app",
        "verifier",
        "found",
        "revocation",
        "settings",
        "client",
        "totp",
        "password",
    )
}


def found_in(text: str) -> list[str]:
    return sorted(name for name, secret in PLANTED.items() if secret in text)


@pytest.fixture
def planted(club: Organization, alice: User, bob: User, settings: Any) -> SocialConnection:
    """Every kind of secret that is stored or configured, marked."""
    settings.PLATFORM_APPS = settings.PLATFORM_APPS | {
        "TWITTER": {"client_id": "x-client", "client_secret": PLANTED["settings"]},
        "FACEBOOK": {"client_id": "1", "client_secret": PLANTED["client"]},
    }
    now = timezone.now()
    connection = factories.make_connection(club, access=PLANTED["access"], refresh=PLANTED["refresh"])
    app = PlatformApp(organization=club, platform="MASTODON", server_url="https://mastodon.example", client_id="m")
    seal_into(app, "client_secret", PLANTED["app"])
    app.save()
    consent = Consent(
        organization=club, user=alice, platform="TWITTER", state_hash="h" * 64, session_hash="s",
        expires_at=now + timedelta(minutes=9), used_at=now,
    )  # fmt: skip
    seal_into(consent, "verifier", PLANTED["verifier"])
    seal_into(consent, "found", json.dumps([{"id": "1", "name": "n", "grant": {"access_token": PLANTED["found"]}}]))
    consent.save()
    revocation = Revocation(organization=club, platform="TWITTER", account_id="1", next_attempt_at=now)
    seal_into(revocation, "secret", PLANTED["revocation"])
    revocation.save()
    for status in PostStatus.values:
        if status != PostStatus.PUBLISHING:
            factories.make_post(connection, status=status)
    alice.set_password(PLANTED["password"])
    alice.save(update_fields=["password"])
    return connection


@pytest.fixture
def log_lines() -> Iterator[StringIO]:
    """Everything that is logged, at every level and by every library, as it would be written."""
    root, lines = logging.getLogger(), StringIO()
    formatter = next(handler.formatter for handler in root.handlers if "ProcessorFormatter" in repr(handler.formatter))
    handler = logging.StreamHandler(lines)
    handler.setFormatter(formatter)
    quiet = {
        name: logging.getLogger(name).level
        for name in ("", "celery", "kombu", "allauth", "django", "urllib3", "connections")
    }
    root.addHandler(handler)
    for name in quiet:
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield lines
    root.removeHandler(handler)
    for name, level in quiet.items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture
def messages() -> Iterator[list[str]]:
    """Every Celery message, with its headers."""
    sent: list[str] = []

    def keep(body: Any = None, headers: Any = None, **_more: Any) -> None:
        sent.append(repr((body, headers)))

    before_task_publish.connect(keep)
    yield sent
    before_task_publish.disconnect(keep)


@pytest.fixture
def rude_platforms() -> Iterator[responses.RequestsMock]:
    """Platforms that refuse everything and repeat in their answers what was sent to them, secrets included."""

    def echo(request: Any) -> tuple[int, dict[str, str], str]:
        said = request.body.decode("latin-1") if isinstance(request.body, bytes) else str(request.body or "")
        heard = f"{request.headers.get('Authorization', '')} {request.url} {said}"
        return 400, {"X-Echo": heard.replace("\n", " ")[:500]}, json.dumps(
            {"error": {"message": heard, "code": 190, "type": "OAuthException"}, "error_description": heard, "detail": heard, "title": heard}
        )  # fmt: skip

    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        for method in (responses.GET, responses.POST, responses.PUT, responses.DELETE, responses.PATCH):
            mock.add_callback(method, re.compile(".*"), callback=echo)
        yield mock


def body_of(answer: Any) -> str:
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return str(content.decode("utf-8", "replace")) + repr(dict(answer.headers)) + repr(answer.cookies)


def whole_database() -> str:
    """Every column of every table. Sealed values are ciphertext, so that a mark found here is a secret in the clear."""
    return "\n".join(repr(row) for model in apps.get_models() for row in model._base_manager.all().values())


def test_no_page_answer_or_admin_form_shows_a_secret(
    planted: SocialConnection,
    alice: User,
    bob: User,
    log_lines: StringIO,
    messages: list[str],
    rude_platforms: responses.RequestsMock,
) -> None:
    club_rows = Club(planted.organization, alice, bob)
    club_rows.rows[SocialConnection] = planted
    operator = factories.make_user("operator@parley.example", is_superuser=True)
    alice_here = Client()
    alice_here.post("/accounts/login/", {"login": alice.email, "password": PLANTED["password"]})
    body = {"email": alice.email, "password": PLANTED["password"]}
    token = ApiClient().post("auth/token", body).json()["access"]
    shown, seen = [], 0
    for route in all_routes():
        if route.name in CREDENTIALS_IN_PATH:
            continue
        for value in [None, *club_rows.rows.values()] if route.name.endswith("_change") else [None]:
            address = route.with_values(club_rows.values_for(route))
            if value is not None and str(value.pk) not in address:
                continue
            for who in (alice_here, signed_in(operator)):
                who.raise_request_exception = False
                headers = {"Authorization": f"Bearer {token}"} if route.is_rest else {}
                answer = who.get(address, headers=headers)
                seen += answer.status_code == 200
                text = body_of(answer)
                if names := found_in(text):
                    shown.append(f"GET {address} ({route.name}): {names}")
                if token in text and not route.path.startswith("api/v1/auth"):
                    shown.append(f"GET {address}: the caller's own token")
    assert seen > 60
    assert not shown, "\n".join(shown)
    assert found_in(log_lines.getvalue()) == []
    assert token not in log_lines.getvalue()
    assert found_in("\n".join(messages)) == []
    assert found_in(whole_database()) == []


def test_calls_that_fail_at_a_platform_let_no_secret_out(
    planted: SocialConnection,
    alice: User,
    log_lines: StringIO,
    messages: list[str],
    rude_platforms: responses.RequestsMock,
) -> None:
    api = ApiClient(_with_known_password(alice))
    post = SocialPost.objects.filter(status=PostStatus.DRAFT)[0]
    published = SocialPost.objects.filter(status=PostStatus.PUBLISHED)[0]
    calls = [
        f"social/connections/{planted.pk}/validate", f"social/connections/{planted.pk}/sync",
        f"social/connections/{planted.pk}/refresh", f"social/posts/{published.pk}/sync-engagement",
        f"social/posts/{published.pk}/delete-at-platform", f"social/posts/{post.pk}/publish",
        f"social/connections/{planted.pk}/disconnect",
    ]  # fmt: skip
    said = [body_of(api.post(path)) for path in calls]
    connect = {"platform": "TWITTER", "access_token": PLANTED["found"], "refresh_token": PLANTED["refresh"]}
    said.append(body_of(api.post("social/connections", connect)))
    heard = "".join(f"{call.request.headers} {call.request.url} {call.request.body!r}" for call in rude_platforms.calls)
    assert {"access", "refresh"} <= set(found_in(heard)), "the platforms did hear the secrets"
    assert log_lines.getvalue()
    assert [found_in(text) for text in said if found_in(text)] == []
    assert found_in(log_lines.getvalue()) == []
    assert found_in("\n".join(messages)) == []
    assert found_in(whole_database()) == []


def _with_known_password(user: User) -> User:
    user.set_password(factories.PASSWORD)
    user.save(update_fields=["password"])
    return user


def test_commands_print_no_secret(
    planted: SocialConnection, log_lines: StringIO, messages: list[str], rude_platforms: responses.RequestsMock
) -> None:
    out = io.StringIO()
    failed = SocialPost.objects.filter(status=PostStatus.FAILED)[0]
    published = SocialPost.objects.filter(status=PostStatus.PUBLISHED)[0]
    waiting = SocialPost.objects.filter(status=PostStatus.SCHEDULED)[0]
    for command, *arguments in (
        ("check",), ("rotate_encryption_keys",), ("sync_engagement", str(published.pk)), ("post_retry", str(failed.pk)),
        ("post_cancel", str(waiting.pk)), ("refresh_tokens", str(planted.pk)), ("connection_mark_inactive", str(planted.pk)),
    ):  # fmt: skip
        try:
            call_command(command, *arguments, stdout=out, stderr=out)
        except CommandError as error:
            out.write(f"{error} {error.__cause__!r}")
    assert found_in(out.getvalue()) == []
    assert found_in(log_lines.getvalue()) == []
    assert found_in("\n".join(messages)) == []
    assert found_in(whole_database()) == []


def test_the_search_would_notice_a_leak(planted: SocialConnection, log_lines: StringIO) -> None:
    logging.getLogger("anything").warning("a careless line with %s", PLANTED["access"])
    assert found_in(log_lines.getvalue()) == ["access"]
    SocialConnection.objects.update(error_message=PLANTED["refresh"])
    assert found_in(whole_database()) == ["refresh"]


def test_second_factors_are_not_stored_in_the_clear(planted: SocialConnection, alice: User) -> None:
    from allauth.mfa.models import Authenticator
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
    from allauth.mfa.totp.internal.auth import TOTP

    TOTP.activate(alice, PLANTED["totp"])
    codes = RecoveryCodes.activate(alice)
    assert found_in(whole_database()) == []
    assert codes.get_unused_codes()
    row = Authenticator.objects.get(type=Authenticator.Type.TOTP)
    assert PLANTED["totp"] not in str(row.data)
