"""Whether the readers of a post could open a link."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.utils.translation import gettext as _

_well_formed = URLValidator(schemes=["http", "https"])
_NOT_OF_THE_INTERNET = (".localhost", ".local", ".internal", ".invalid", ".test", ".home.arpa")
"""Endings that no public name server knows: RFC 6761, 6762, 8375, and ICANN's for private use."""


def why_not_openable(address: str) -> str:
    """A sentence that says what is wrong with a link for people anywhere; "" when nothing is."""
    whole = _("Enter a full web address, such as https://riverside.example/dinner.")
    try:
        parts = urlsplit(address)
        host = (parts.hostname or "").rstrip(".").lower()
    except ValueError:
        return whole
    if parts.scheme not in {"http", "https"} or not host or any(sign.isspace() for sign in address):
        return whole
    if parts.username is not None:
        return _("Remove the user name and password from this address.")
    try:
        if parts.port == 0:
            raise ValueError
    except ValueError:
        return _("The port in this address doesn't exist. Remove it, or use a number up to 65535.")
    if _is_local(host):
        return _("Only you can open this address. Use one that everyone can open.")
    try:
        _well_formed(address)
    except ValidationError:
        return whole
    return ""


def _is_local(host: str) -> bool:
    try:
        return not ip_address(host).is_global
    except ValueError:
        return host == "localhost" or f".{host}".endswith(_NOT_OF_THE_INTERNET)
