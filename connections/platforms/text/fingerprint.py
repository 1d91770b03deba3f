"""Whether two texts are the same, once a platform has had one of them."""

import unicodedata
from urllib.parse import unquote

import regex

_INVISIBLE = regex.compile("[\u200b\ufe0f]")
_ENTITY = regex.compile(r"&(?:amp;)*(amp|lt|gt|quot|#0*39|#x0*27|apos);", regex.IGNORECASE)
_MEANT = {"amp": "&", "lt": "<", "gt": ">", "quot": '"'}
_SCHEME = regex.compile(r"https?://", regex.IGNORECASE)
# A name, and what follows it in an address: signs of the alphabets that links are written in, up to a blank or another
# script. Words with a dot inside are names too; all that happens to them happens to both texts.
_ADDRESS = regex.compile(
    r"(?P<host>[\p{L}\p{M}\p{N}_-]++(?:\.[\p{L}\p{M}\p{N}_-]++)++)(?P<rest>[/?#:][!-~\p{Latin}\p{Cyrillic}\p{M}]*+)?+"
)
_WWW = regex.compile(r"(?<![a-z0-9_.-])www\.(?=.)")
_PUNYCODE = regex.compile(r"xn--([a-z0-9-]+)")
_NEEDLESS_SLASH = regex.compile(r"/(?![a-zA-Z0-9\p{Latin}\p{Cyrillic}_#%&+=@~/-])")
_ENCODED = regex.compile(r"(?:%[89A-F][0-9A-F])+", regex.IGNORECASE)


def fingerprint(text: str) -> str:
    """The same for a text and for its copy read back from a platform.

    Platforms normalise Unicode, trim and fold white space, escape ``&``, ``<`` and ``>``, write ``#`` for ``＃``, and
    rewrite links: they add schemes and last slashes, spell hosts in lower case or in punycode, and paths in percent signs. None of these make a
    text another one; other words, signs, hosts, paths or queries do. Nothing here asks whether something is a link: a
    rule that finds it in one of the two texts and not in the other would make them differ.
    """
    text = _ENCODED.sub(_decoded, _ENTITY.sub(_meant, text))
    text = unicodedata.normalize("NFC", _INVISIBLE.sub("", text).replace("＃", "#"))
    text = _SCHEME.sub("", text)
    text = unicodedata.normalize("NFC", _ADDRESS.sub(_plain_address, text))
    return " ".join(text.split())


def _meant(entity: regex.Match[str]) -> str:
    return _MEANT.get(entity[1].lower(), "'")


def _plain_address(address: regex.Match[str]) -> str:
    host = _WWW.sub("", _PUNYCODE.sub(_decoded_label, address["host"].lower()))
    return host + _NEEDLESS_SLASH.sub("", address["rest"] or "")


def _decoded_label(label: regex.Match[str]) -> str:
    try:
        return label[1].encode().decode("punycode") if len(label[1]) < 64 else label[0]
    except (UnicodeError, ValueError, OverflowError):
        return str(label[0])


def _decoded(part: regex.Match[str]) -> str:
    try:
        return unquote(part[0], errors="strict")
    except UnicodeDecodeError:
        return str(part[0])
