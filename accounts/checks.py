"""Refuses to start with an encryption key that cannot work, and warns of limits that are wider than they look."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from accounts.crypto import KeyRingError, key_ring


@register()
def encryption_key(**_kwargs: Any) -> list[CheckMessage]:
    """accounts.E001: SOCIAL_MEDIA_ENCRYPTION_KEY is missing or malformed."""
    try:
        key_ring()
    except KeyRingError as error:
        return [Error(str(error), id="accounts.E001")]
    return []


SHARED_BY_HOSTS = frozenset({"django.core.cache.backends.redis.RedisCache"})
SHARED_BY_PROCESSES = frozenset({"config.file_cache.FileCache"})


@register(Tags.security, deploy=True)
def shared_limits(**_kwargs: Any) -> list[CheckMessage]:
    """accounts.W001: limits on sign-ins and calls, and used second-factor codes, are not counted for all processes."""
    backend = settings.CACHES["default"]["BACKEND"]
    if backend in SHARED_BY_HOSTS:
        return []
    if backend in SHARED_BY_PROCESSES:
        if settings.DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
            return []  # a database in a file: one machine
        where = "separately on each machine"
    else:
        where = "separately in each process"
    return [
        Warning(
            f"Sign-in and API limits are counted {where}, so the real limits are higher than configured.",
            hint="Set REDIS_URL to a Redis that all processes can reach.",
            id="accounts.W001",
        )
    ]
