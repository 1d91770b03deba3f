"""Mastodon: what the server counts, links and keeps of a text.

Source: https://github.com/mastodon/mastodon (StatusLengthValidator, TextFormatter, Extractor, Tag, Account).
"""

import html
from collections.abc import Callable
from urllib.parse import quote

import regex

from sandbox.text import ACCENTED, TLDS, Entity, LinkFinder, keep_first

LINK_LENGTH = 23
BEYOND_ASCII = (
    r"\U000000a0-\U0000d7ff\U0000f900-\U0000fdcf\U0000fdf0-\U0000ffef\U00010000-\U000dfffd\U000e1000-\U000efffd"
    r"\U0000e000-\U0000f8ff\U000f0000-\U000ffffd\U00100000-\U0010fffd"
)
LINKS = LinkFinder(
    schemes="https?|dat|dweb|ipfs|ipns|ssb|gopher|gemini",
    in_path=r"[^\p{White_Space}<>()?]",
    ends_path=r"[^\p{White_Space}()?!*\"'「」<>;:=,.$%\[\]~&|@]",
    folder="",
    in_query=rf"[a-z0-9!?*'();:&=+$/%#\[\]\-_.,~|@\^{BEYOND_ASCII}]",
    ends_query=rf"[a-z0-9_&=#/\-{BEYOND_ASCII}]",
    bare=False,
)
WORD = r"\p{L}\p{M}\p{Nd}\p{Pc}"
USERNAME = r"[a-zA-Z0-9_]+(?:[.-]+[a-zA-Z0-9_]+)*"
MENTION = regex.compile(rf"(?<![=/{WORD}])@(?P<name>{USERNAME}(?:@[{WORD}]+(?:[.-]+[{WORD}]+)*)?)")
AFTER_NO_MENTION = regex.compile(rf"[@＠{ACCENTED}]|://")
SEPARATORS = r"_\xb7\u30fb\u200c"
HASHTAG = regex.compile(
    rf"(?:^|(?<=\p{{White_Space}}))[#＃](?P<name>[{WORD}][{WORD}{SEPARATORS}]*[\p{{Alphabetic}}{SEPARATORS}]"
    rf"[{WORD}{SEPARATORS}]*[{WORD}]|[{WORD}]*\p{{Alphabetic}}[{WORD}]*)"
)
GRAPHEME = regex.compile(r"\X")
PREFIX = regex.compile(r"https?://(?:www\.)?")
SHOWN = 30
REAL_ENDINGS = frozenset(TLDS)


def keep(text: str) -> str:
    """A text as the server keeps it: without the blanks of ASCII around it."""
    return text.strip(" \t\n\v\f\r\0")


def is_blank(text: str) -> bool:
    """What Rails calls blank: signs without width are not."""
    return regex.fullmatch(r"\p{White_Space}*", text) is not None


def find_mentions(text: str) -> list[Entity]:
    return [
        Entity(*match.span(), "mentions", match["name"])
        for match in MENTION.finditer(text)
        if AFTER_NO_MENTION.match(text, match.end()) is None
    ]


def find_links(text: str) -> list[Entity]:
    return [link.entity for link in LINKS.find(text)]


def find_entities(text: str) -> list[Entity]:
    """Everything in a text that the server makes a link of, in order."""
    tags = [Entity(*match.span(), "hashtags", match["name"]) for match in HASHTAG.finditer(text)]
    return keep_first([*find_links(text), *tags, *find_mentions(text)])


def count(text: str, warning: str = "") -> int:
    """Grapheme clusters of warning and text; a link counts 23 and ``@user@host`` as ``@user``."""
    out, last = warning, 0
    if not is_blank(text):
        for one in keep_first([*find_links(text), *find_mentions(text)]):
            shown = "x" * LINK_LENGTH if one.kind == "urls" else "@" + one.value.partition("@")[0]
            out += text[last : one.start] + shown
            last = one.end
        out += text[last:]
    return len(GRAPHEME.findall(out))


def escape(text: str) -> str:
    return html.escape(text).replace("&#x27;", "&#39;")


def is_reachable(host: str) -> bool:
    """True for a name under an ending that exists: there a server could be asked for a person."""
    return host.rpartition(".")[2].lower() in REAL_ENDINGS


def render(text: str, *, base: str, find_person: Callable[[str], str | None]) -> str:
    """A text as HTML. ``find_person`` gives the address of a mentioned account, None when nobody has it."""
    kept = keep(text)
    if is_blank(kept):
        return ""
    out, last = "", 0
    for one in find_entities(kept):
        out += escape(kept[last : one.start])
        if one.kind == "urls":
            out += render_link(one.value)
        elif one.kind == "hashtags":
            out += (
                f'<a href="{escape(tag_url(base, one.value))}" class="mention hashtag" rel="tag">'
                f"#<span>{escape(one.value)}</span></a>"
            )
        elif (address := find_person(one.value)) is not None:
            out += (
                f'<span class="h-card" translate="no"><a href="{escape(address)}" class="u-url mention">'
                f"@<span>{escape(one.value.partition('@')[0])}</span></a></span>"
            )
        else:
            out += "@" + escape(one.value)
        last = one.end
    out += escape(kept[last:])
    paragraphs = regex.split(r"\n\n+", regex.sub(r"\r\n?", "\n", out))
    return "".join(
        "<p>" + regex.sub(r"(?<=[^\n])\n(?=[^\n])", "<br />", one).replace("\n", "") + "</p>" for one in paragraphs
    )


def render_link(address: str) -> str:
    """A link whose scheme and end are there for programs and copying, hidden from the eye."""
    found = PREFIX.match(address)
    prefix = found.group() if found else ""
    rest = address.removeprefix(prefix)
    shown, hidden = rest[:SHOWN], rest[SHOWN:]
    if len(hidden) == 1:  # an ellipsis would take the room of what it hides
        shown, hidden = rest, ""
    return (
        f'<a href="{escape(address)}" target="_blank" rel="nofollow noopener" translate="no">'
        f'<span class="invisible">{escape(prefix)}</span><span class="{"ellipsis" if hidden else ""}">{escape(shown)}'
        f'</span><span class="invisible">{escape(hidden)}</span></a>'
    )


def tag_url(base: str, name: str) -> str:
    return f"{base}/tags/{quote(name.lower())}"
