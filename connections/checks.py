"""Refuses to start with platform settings that cannot work."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, register


@register()
def platform_addresses(**_kwargs: Any) -> list[CheckMessage]:
    """connections.E001: a replaced platform address is not a full http(s) address."""
    errors: list[CheckMessage] = []
    for kind, addresses in (("API", settings.PLATFORM_API_URLS), ("AUTH", settings.PLATFORM_AUTH_URLS)):
        for platform, address in addresses.items():
            parts = urlsplit(address)
            if address and (parts.scheme not in {"http", "https"} or not parts.hostname):
                errors.append(
                    Error(
                        f"{platform}_{kind}_URL must be a full address such as http://127.0.0.1:9000/x.",
                        id="connections.E001",
                    )
                )
    return errors
