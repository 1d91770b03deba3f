"""What platforms say, brought into what the database can hold.

A server is anybody's: an id of a thousand letters, a follower count beyond every number or half of a surrogate pair in a
name must not become an error of the database that repeats for ever. Texts for people are cut; ids and addresses that do
not fit are of no use and count as not told.
"""

from typing import Any

ID_MOST = 200
NAME_MOST = 200
ADDRESS_MOST = 500
COUNT_MOST = 2**63 - 1
"""The largest whole number of the database."""


def clean_text(value: Any, most: int | None = None) -> str:
    """Text that every database takes: without NUL and lone surrogates, at most ``most`` characters; "" for None."""
    text = "" if value is None else value if isinstance(value, str) else str(value)
    text = text.replace("\x00", "")
    if any("\ud800" <= sign <= "\udfff" for sign in text):
        text = text.encode("utf-8", "replace").decode("utf-8")
    return text[:most]


def clean_id(value: Any) -> str:
    """An id as text; "" for one that is missing, too long or not made of signs that can be sent back."""
    if not isinstance(value, (str, int)) or isinstance(value, bool):
        return ""
    told = str(value) if not isinstance(value, int) or abs(value) <= COUNT_MOST else ""
    return told if len(told) <= ID_MOST and clean_text(told) == told else ""


def clean_address(value: Any) -> str:
    """An address, "" for one that does not fit: half of it would lead elsewhere."""
    told = clean_text(value)
    return told if len(told) <= ADDRESS_MOST else ""


def clean_count(value: Any) -> int | None:
    """A count; None for anything but a whole number that the database can hold."""
    return value if type(value) is int and 0 <= value <= COUNT_MOST else None
