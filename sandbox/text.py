"""How links are found in texts by twitter-text, which X wrote and Mastodon's server uses with wider paths.

What each platform makes of a text is its own: ``twitter.text``, ``mastodon.text``. None of it may come from the product,
which is what this is to be compared with. Source: https://github.com/twitter/twitter-text
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import regex

TLDS = [
    word
    for line in (Path(__file__).parent / "tlds.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
    for word in line.split()
]
SPACES = r"\x09-\x0d\x20\x85\xa0\u1680\u180e\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
MARKS_OF_DIRECTION = r"\u202a-\u202e\u061c\u200e\u200f\u2066-\u2069"
NOT_CHARACTERS = r"\ufffe\ufeff\uffff"
ACCENTED = (
    r"\xc0-\xd6\xd8-\xf6\xf8-\xff\u0100-\u024f\u0253\u0254\u0256\u0257\u0259\u025b\u0263\u0268\u026f\u0272\u0289\u028b"
    r"\u02bb\u0300-\u036f\u1e00-\u1eff"
)
# An ending counts only where the name really stops; letters that are not Latin may follow it directly.
ENDING = r"(?:\L<tlds>(?=[^0-9a-zA-Z@+-]|$)|xn--[-0-9a-z]+)"
IN_NAME = rf"[^!'#%&()*+,\\\-./:;<=>?@\[\]\^_{{|}}~${SPACES}{NOT_CHARACTERS}{MARKS_OF_DIRECTION}]"
DOMAIN = rf"(?:(?:{IN_NAME}(?:[_-]|{IN_NAME})*)?{IN_NAME}\.)*(?:(?:{IN_NAME}(?:-|{IN_NAME})*)?{IN_NAME}\.){ENDING}"
ASCII_DOMAIN = regex.compile(rf"(?:[-a-z0-9{ACCENTED}]+\.)+{ENDING}", regex.IGNORECASE, tlds=TLDS)
SHORT_LINK = regex.compile(
    r"https?://t\.co/([a-z0-9]+)(?:\?[a-z0-9!?*'@();:&=+$/%#\[\]\-_.,~|]*[a-z0-9\-_&=#/])?", regex.IGNORECASE
)
LONGEST_LINK, LONGEST_SLUG, LONGEST_LABEL = 4096, 40, 63


BLANK = regex.compile(r"[\p{White_Space}\p{Cf}\p{Cc}]*")


def is_blank(text: str) -> bool:
    """True for a text in which nothing is to be seen: empty, blanks, or signs without width alone."""
    return BLANK.fullmatch(text) is not None


class Entity(NamedTuple):
    """A link, mention or hashtag in a text; offsets in code points, the end exclusive."""

    start: int
    end: int
    kind: str  # urls, mentions, hashtags, cashtags
    value: str  # a tag without its sign; a link's address


def keep_first(entities: Iterable[Entity]) -> list[Entity]:
    """Entities in order; of those that overlap the first alone."""
    kept: list[Entity] = []
    for one in sorted(entities, key=lambda entity: entity.start):
        if not kept or kept[-1].end <= one.start:
            kept.append(one)
    return kept


@dataclass(frozen=True)
class Link:
    """A link found in a text; offsets in code points, the end exclusive."""

    start: int
    end: int
    text: str

    @property
    def entity(self) -> Entity:
        """As an entity; a bare name leads to its http address."""
        address = self.text if "://" in self.text else f"http://{self.text}"
        return Entity(self.start, self.end, "urls", address)


def balanced(inside: str) -> str:
    """Parentheses that close, with one more pair inside them at most."""
    return rf"\((?:{inside}+|{inside}*\({inside}+\){inside}*)\)"


class LinkFinder:
    """One platform's rules: what a link's path and query may hold, and whether names without a scheme are links."""

    def __init__(
        self, *, schemes: str, in_path: str, ends_path: str, folder: str, in_query: str, ends_query: str, bare: bool
    ) -> None:
        pair = balanced(in_path)
        path = rf"(?:{in_path}*(?:{pair}{in_path}*)*(?:{ends_path}|{pair})|{folder}{in_path}+/)"
        self.bare = bare
        self.pattern = regex.compile(
            rf"(?P<before>[^A-Za-z0-9@＠$#＃{NOT_CHARACTERS}]|^)"
            rf"(?P<link>(?P<scheme>(?:{schemes})://)?(?P<domain>{DOMAIN})(?::[0-9]+)?(?P<path>/{path}*)?"
            rf"(?:\?{in_query}*{ends_query})?)",
            regex.IGNORECASE,
            tlds=TLDS,
        )

    def find(self, text: str) -> list[Link]:
        """The links of a text in order."""
        if ("." if self.bare else "://") not in text:
            return []
        found: list[Link] = []
        for match in self.pattern.finditer(text):
            start, end = match.span("link")
            if not is_resolvable(match["domain"], rest=end - start - len(match["domain"])):
                continue
            if match["scheme"]:
                if (short := SHORT_LINK.match(text, start, end)) is not None:
                    if len(short[1]) > LONGEST_SLUG:
                        continue
                    end = short.end()
                found.append(Link(start, end, text[start:end]))
            elif self.bare and match["before"] not in {"-", "_", ".", "/"}:
                found += find_bare(text, match)
        return found


def find_bare(text: str, match: "regex.Match[str]") -> list[Link]:
    """The names of Latin letters within a match without scheme; what follows the domain belongs to the last of them."""
    spans = [one.span() for one in ASCII_DOMAIN.finditer(text, *match.span("domain"))]
    if spans and match["path"]:
        spans[-1] = (spans[-1][0], match.end("link"))
    return [Link(start, end, text[start:end]) for start, end in spans]


def is_resolvable(domain: str, *, rest: int) -> bool:
    """False for a name with a label, or with its link a length, that the system of names does not allow."""
    try:
        labels = [
            label if label.isascii() else "xn--" + label.encode("punycode").decode() for label in domain.split(".")
        ]
    except UnicodeError:
        return False
    return all(0 < len(label) <= LONGEST_LABEL for label in labels) and len(".".join(labels)) + rest <= LONGEST_LINK
