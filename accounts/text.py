"""Texts that stand on one line: names, titles, subjects, file names.

``OneLine`` refuses anything else where a person or a program gives such a text: model fields carry it, and pages, REST
and the admin take it from there. ``one_line`` makes a line of any text where it goes out into something that a line
break would tear: a mail's header, a file's name. Rows from before the rule, and names that platforms gave, go through it.
"""

import re

from django.core.validators import RegexValidator
from django.utils.deconstruct import deconstructible
from django.utils.translation import gettext_lazy as _

# What Python strips. Named one by one: \s means another set to every reader of a schema.
BLANK = r"\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
# Control signs, separators of lines and paragraphs, and the signs that turn the direction of what follows them.
TEARING = r"\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069"


@deconstructible
class OneLine(RegexValidator):
    """Something to read, on one line."""

    regex = rf"\A[^{TEARING}]*[^{BLANK}{TEARING}][^{TEARING}]*\Z"
    message = _("Write this on one line, without control characters.")


PRINTABLE_ASCII = RegexValidator(
    r"\A[\x21-\x7e]+\Z", _("This contains spaces or characters that cannot be sent. Copy it again.")
)
"""For what other services gave to be sent back to them: tokens, scopes, ids and secrets of apps (RFC 6749, appendix A)."""

_TORN = re.compile(rf"[{BLANK}{TEARING}]+")


def one_line(text: str, most: int | None = None) -> str:
    """The text on one line of at most ``most`` characters, without half characters."""
    whole = text.encode("utf-8", "ignore").decode()
    return _TORN.sub(" ", whole).strip()[:most]
