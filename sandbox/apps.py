"""The sandbox application and the check that keeps it off public installations."""

import ipaddress
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register


def is_private_host(host: str) -> bool:
    """True for loopback, private and link-local addresses, ``localhost`` and ``*.localhost``; False for any other name."""
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return (address.is_private or address.is_loopback or address.is_link_local) and not address.is_unspecified


def check_private_address(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """sandbox.E001: anybody could sign in as anybody on a sandbox, so it never stands on a public address."""
    if not getattr(settings, "SANDBOX", False):
        return []
    address = str(getattr(settings, "APP_URL", "") or "")
    host = urlsplit(address if "//" in address else f"//{address}").hostname or ""
    if not host or is_private_host(host):
        return []
    return [
        Error(
            f"SANDBOX is on but APP_URL is the public address {address}.",
            hint="Set SANDBOX=0, or APP_URL to a loopback or private address such as http://127.0.0.1:8000.",
            id="sandbox.E001",
        )
    ]


class SandboxConfig(AppConfig):
    """Always installed, so that its tables exist; its addresses are mounted only when ``settings.SANDBOX`` is on."""

    name = "sandbox"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        register(check_private_address)
