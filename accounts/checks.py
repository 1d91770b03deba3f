"""Refuses to start with an encryption key that cannot work."""

from typing import Any

from django.core.checks import CheckMessage, Error, register

from accounts.crypto import KeyRingError, key_ring


@register()
def encryption_key(**_kwargs: Any) -> list[CheckMessage]:
    """accounts.E001: SOCIAL_MEDIA_ENCRYPTION_KEY is missing or malformed."""
    try:
        key_ring()
    except KeyRingError as error:
        return [Error(str(error), id="accounts.E001")]
    return []
