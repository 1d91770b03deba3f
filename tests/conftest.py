"""What every test may ask for. The cast: ``club`` with ``alice`` (OWNER) and ``bob`` (MARKETER); ``eve`` owns another
organization (``rivals``) and must never see a thing of the club's."""

import os
import secrets
from collections.abc import Iterator
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test import Client

from accounts.models import Organization, User
from accounts.permissions import Role
from tests import factories, services
from tests.product import Product, running

_redis_numbers = count(1)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests of PostgreSQL itself belong to the run on PostgreSQL alone."""
    if django_settings.ON_POSTGRES:
        return
    elsewhere = [item for item in items if item.get_closest_marker("postgres")]
    if elsewhere:
        config.hook.pytest_deselected(items=elsewhere)
        items[:] = [item for item in items if item not in set(elsewhere)]


@pytest.fixture(autouse=True)
def _private_media(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture(autouse=True)
def _fresh_cache() -> None:
    from django.core.cache import cache

    cache.clear()


@pytest.fixture
def club(db: None) -> Organization:
    return factories.make_organization("Riverside Golf Club", slug="riverside", time_zone="Europe/Lisbon")


@pytest.fixture
def rivals(db: None) -> Organization:
    return factories.make_organization("Hilltop Tennis Club", slug="hilltop", time_zone="Europe/London")


@pytest.fixture
def alice(club: Organization) -> User:
    return factories.make_member(club, Role.OWNER, factories.make_user("alice@riverside.example", name="Alice")).user


@pytest.fixture
def bob(club: Organization) -> User:
    return factories.make_member(club, Role.MARKETER, factories.make_user("bob@riverside.example", name="Bob")).user


@pytest.fixture
def eve(rivals: Organization) -> User:
    return factories.make_member(rivals, Role.OWNER, factories.make_user("eve@hilltop.example", name="Eve")).user


@pytest.fixture
def as_alice(alice: User) -> Client:
    return signed_in(alice)


@pytest.fixture
def as_bob(bob: User) -> Client:
    return signed_in(bob)


@pytest.fixture
def as_eve(eve: User) -> Client:
    return signed_in(eve)


def signed_in(user: User) -> Client:
    """A browser in which the person is signed in."""
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


# --- servers and processes --------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """A throwaway Redis; its address."""
    try:
        with services.running_redis() as address:
            yield address
    except services.Missing as reason:
        services.skip_or_fail(str(reason))


@pytest.fixture(scope="session")
def postgres_server() -> str:
    """The throwaway PostgreSQL of this run; its address. Only in the run on PostgreSQL (mark tests ``postgres``)."""
    assert django_settings.ON_POSTGRES, "mark this test with pytest.mark.postgres"
    address: str = os.environ["DATABASE_URL"]
    return address


@pytest.fixture(scope="module")
def service_environment(request: pytest.FixtureRequest) -> dict[str, str]:
    """What tells a product of its own which services to use: none on SQLite; in the run on PostgreSQL a fresh database
    there, and Redis."""
    return _service_environment(request)


def _service_environment(request: pytest.FixtureRequest) -> dict[str, str]:
    if not django_settings.ON_POSTGRES:
        return {}
    server, redis = request.getfixturevalue("postgres_server"), request.getfixturevalue("redis_server")
    return {
        "DATABASE_URL": services.new_database(server, f"product_{secrets.token_hex(4)}"),
        # A number of its own: two products on one broker would take each other's messages.
        "REDIS_URL": f"{redis.rpartition('/')[0]}/{next(_redis_numbers)}",
    }


@pytest.fixture(scope="session")
def running_product(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Product]:
    """The whole product in processes of its own, with its demonstration, against the sandbox. In the run on PostgreSQL
    it uses a database of its own there, and Redis."""
    with running(tmp_path_factory.mktemp("product"), _service_environment(request)) as product:
        yield product


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """The system's own Chromium for pytest-playwright's ``page``."""
    try:
        path = services.find_chromium()
    except services.Missing as reason:
        services.skip_or_fail(str(reason))
    return browser_type_launch_args | {"executable_path": path, "args": services.CHROMIUM_ARGUMENTS}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    """A desktop window, in the club's zone."""
    return browser_context_args | {
        "viewport": {"width": 1440, "height": 900},
        "timezone_id": "Europe/Lisbon",
        "locale": "en-GB",
    }


# --- transactions that are really committed -----------------------------------------------------------------------


@pytest.fixture
def _audit_triggers_again(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    yield
    with django_db_blocker.unblock(), connection.schema_editor() as editor:
        import_module("accounts.migrations.0002_audit_append_only").make(None, editor)


@pytest.fixture
def real_transactions(_audit_triggers_again: None, transactional_db: None) -> Iterator[None]:
    """A database that other threads see, emptied afterwards: the audit table's trigger makes way for that alone."""
    yield
    with connection.schema_editor() as editor:
        import_module("accounts.migrations.0002_audit_append_only").drop(None, editor)


@pytest.fixture(scope="module")
def audit_can_be_emptied(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """A live server's rows are really committed and emptied after each test, which the audit table's trigger refuses."""
    trigger = import_module("accounts.migrations.0002_audit_append_only")
    with django_db_blocker.unblock(), connection.schema_editor() as editor:
        trigger.drop(None, editor)
    yield
    with django_db_blocker.unblock(), connection.schema_editor() as editor:
        trigger.make(None, editor)
