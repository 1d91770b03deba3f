"""What every test may ask for. The cast: ``club`` with ``alice`` (OWNER) and ``bob`` (MARKETER); ``eve`` owns another
organization (``rivals``) and must never see a thing of the club's."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from accounts.models import Organization, User
from accounts.permissions import Role
from tests import factories


@pytest.fixture(autouse=True)
def _private_media(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture(autouse=True)
def _fresh_cache() -> Iterator[None]:
    from django.core.cache import cache

    cache.clear()
    yield


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
