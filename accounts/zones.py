"""The time zones that may be chosen."""

from functools import cache
from zoneinfo import available_timezones

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

_OF_THE_SYSTEM = frozenset({"Factory", "localtime", "posixrules"})
"""Files beside the zones on some systems: not names of the IANA database."""


@cache
def known_zones() -> frozenset[str]:
    """Every name of the IANA time zone database, old ones included."""
    return frozenset(available_timezones() - _OF_THE_SYSTEM)


def zone_choices(current: str = "") -> list[tuple[str, str]]:
    """What a page offers: every zone that names a place, UTC, and whatever is set now."""
    names = {name for name in known_zones() if "/" in name and not name.startswith(("Etc/", "SystemV/"))}
    return [("UTC", "UTC"), *((name, name.replace("_", " ")) for name in sorted(names | {current} - {"", "UTC"}))]


def validate_time_zone(name: str) -> None:
    """Refuse what is not a name of the IANA time zone database."""
    if name not in known_zones():
        raise ValidationError(_("“%(name)s” is not a known time zone, such as Europe/Lisbon."), params={"name": name})
