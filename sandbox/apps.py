"""The sandbox application and the refusal that keeps it off public installations."""

import ipaddress
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


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


def refuse_public_address() -> None:
    """Raise ImproperlyConfigured (sandbox.E001) when the sandbox is on and APP_URL is public.

    Anybody could sign in as anybody on a sandbox, so it never stands where strangers come.
    """
    if not getattr(settings, "SANDBOX", False):
        return
    address = str(getattr(settings, "APP_URL", "") or "")
    host = urlsplit(address if "//" in address else f"//{address}").hostname or ""
    if host and not is_private_host(host):
        raise ImproperlyConfigured(
            f"sandbox.E001: SANDBOX is on but APP_URL is the public address {address}. "
            "Set SANDBOX=0, or APP_URL to a loopback or private address such as http://127.0.0.1:8000."
        )


class SandboxConfig(AppConfig):
    """Always installed, so that its tables exist; its addresses are mounted only when ``settings.SANDBOX`` is on."""

    name = "sandbox"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Not a system check: servers and workers start without running those.
        refuse_public_address()
