"""Refuses to start with platform settings that cannot work."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, register


@register()
def platform_addresses(**_kwargs: Any) -> list[CheckMessage]:
    """connections.E001: a replaced platform address is not a full http(s) address."""
    errors: list[CheckMessage] = []
    replaced = {
        "API": settings.PLATFORM_API_URLS, "AUTH": settings.PLATFORM_AUTH_URLS, "SITE": settings.PLATFORM_SITE_URLS,
    }  # fmt: skip
    for kind, addresses in replaced.items():
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


@register()
def rate_budgets(**_kwargs: Any) -> list[CheckMessage]:
    """connections.E002: an entry of RATE_BUDGETS is not understood, or names no platform."""
    from connections.budgets import parse_rule

    errors: list[CheckMessage] = []
    for rule in settings.RATE_BUDGETS:
        try:
            platform, _kind, _limit, _window = parse_rule(rule)
        except ValueError as error:
            errors.append(Error(str(error), id="connections.E002"))
        else:
            if platform not in settings.PLATFORM_SETTINGS:
                errors.append(Error(f"RATE_BUDGETS: there is no platform {platform}.", id="connections.E002"))
    return errors
