"""Links in texts, found as X and Mastodon find them.

Both use the rules of twitter-text 3 (https://github.com/twitter/twitter-text); Mastodon replaces those for paths and
queries, and takes no link without a scheme (config/initializers/twitter_regex.rb of https://github.com/mastodon/mastodon).
The rules are regular expressions that look ahead over a whole text from every sign; here they are followed in one walk
over the names in it, because hostile texts are counted at every keystroke.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

import regex

_ENDINGS = frozenset(
    line
    for line in (Path(__file__).parent / "endings.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
)
_ENDING_MOST = max(map(len, _ENDINGS))
_PUNYCODE = regex.compile(r"xn--[-0-9a-z]+", regex.ASCII | regex.IGNORECASE)
_AFTER_ENDING = regex.compile(r"(?![0-9a-zA-Z@+-])")

_SCHEME_MOST = len("gopher://")
LABEL_MOST = 63
LINK_MOST = 4096
SHORTENED_MOST = 40

INVALID = "\ufffe\ufeff\uffff"
"""Signs that X refuses: the byte-order mark, and two that are no characters."""
_DIRECTIONS = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_SPACES = "\\x09-\\x0d\\x20\\x85\\xa0\u1680\u180e\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
LATIN = (
    "\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u0253\u0254\u0256\u0257\u0259\u025b\u0263\u0268\u026f\u0272\u0289\u028b\u02bb"
    "\u0300-\u036f\u1e00-\u1eff"
)
_LETTERS = f"a-zA-Z{LATIN}\u0400-\u04ff"
_UNLINKED_BEFORE = regex.compile(rf"[A-Za-z0-9@＠$#＃{INVALID}]")
_BARE_START = regex.compile(rf"(?<=[^A-Za-z0-9@＠$#＃{INVALID}])[^-_.]")
_UNLINKED_BEFORE_BARE = "-_./"
_PLAIN_NAME = regex.compile(rf"(?:[-a-zA-Z0-9{LATIN}]++\.)++")
_SHORTENED = regex.compile(
    r"https?://t\.co/([a-zA-Z0-9]+)(?:\?(?:[!?*'@();:+$%\[\].,~|]*+[a-zA-Z0-9_&=#/-])++)?",
    regex.IGNORECASE | regex.ASCII,
)


@dataclass(frozen=True)
class Link:
    """A link in a text: its place (offsets in code points, end exclusive) and as it was written."""

    start: int
    end: int
    text: str


class Grammar:
    """What may stand where in a link, as the insides of character classes.

    ``not_in_names`` ends a name; a path or query consists of ``inner`` and ``last`` signs, of which it ends with a
    ``last`` one, and a path may hold pairs of brackets. ``brackets_may_end``: it may end with them behind an ``inner``
    sign. ``finds_bare``: names without a scheme are links.
    """

    def __init__(
        self,
        *,
        schemes: str,
        not_in_names: str,
        path: tuple[str, str],
        query: tuple[str, str],
        brackets_may_end: bool,
        finds_bare: bool,
    ) -> None:
        self.scheme = regex.compile(rf"(?:{schemes})://\Z", regex.IGNORECASE | regex.ASCII)
        self.names = regex.compile(rf"[^{not_in_names}{_SPACES}{INVALID}{_DIRECTIONS}]++")
        inner, last = path
        general = f"(?:[{inner}]|[{last}])"
        brackets = rf"\((?:{general}++|{general}*+\({general}++\){general}*+)\)"
        if brackets_may_end:
            path_rule = rf"/(?:[{inner}]*+(?:[{last}]|{brackets}))*+"
        else:
            path_rule = rf"/(?:[{last}]|{brackets}|[{inner}](?:[{inner}]|{brackets})*+[{last}])*+"
        inner, last = query
        query_rule = rf"\?(?:[{inner}]*+[{last}])++"
        self.rest = regex.compile(rf"(?P<port>:[0-9]++)?+(?P<path>{path_rule})?+(?:{query_rule})?+")
        self.finds_bare = finds_bare


X = Grammar(
    schemes="https?",
    not_in_names=r"!'#%&()*+,\\/:;<=>?@\[\]^{|}~$",
    path=(r"!*';:,.$%\[\]–~@|&", rf"{_LETTERS}0-9+=_#/-"),
    query=(r"!?*'@();:+$%\[\].,~|", r"a-zA-Z0-9_&=#/-"),
    brackets_may_end=False,
    finds_bare=True,
)
_BEYOND_ASCII = (
    "\u00a0-\ud7ff\ue000-\ufdcf\ufdf0-\uffef"
    + "".join(f"{chr(plane << 16)}-{chr((plane << 16) + 0xFFFD)}" for plane in range(1, 14))
    + "\U000e1000-\U000efffd\U000f0000-\U000ffffd\U00100000-\U0010fffd"
)
MASTODON = Grammar(
    schemes="https?|dat|dweb|ipfs|ipns|ssb|gopher|gemini",
    not_in_names=r"!\"'#%&()*+,\\/:;<=>?@\[\]^`{|}~$\x00-\x1f\x7f",
    path=(r"!*\"'「」;:=,.$%\[\]~&|@", r"^\p{White_Space}()<>?!*\"'「」;:=,.$%\[\]~&|@"),
    query=(r"!?*'();:+$%\[\].,~|@^", rf"a-zA-Z0-9_&=#/\-{_BEYOND_ASCII}"),
    brackets_may_end=True,
    finds_bare=False,
)


def x_links(text: str) -> list[Link]:
    """What X turns into links, with or without a scheme ("foo.co.uk")."""
    return list(_find(text, X))


def mastodon_links(text: str) -> list[Link]:
    """What Mastodon turns into links: addresses with a scheme, under an ending that it knows."""
    return list(_find(text, MASTODON))


def _find(text: str, grammar: Grammar) -> Iterator[Link]:
    at = 0
    for names in grammar.names.finditer(text):
        if names.end() > at and "." in names.group():
            for found, end in _Names(text, *names.span()).links(grammar, at):
                yield from found
                at = end


class _Names:
    """A stretch of a text in which names may stand: labels with dots between them.

    A name is the longest row of labels that ends in a known ending, as far left as it can begin. ``reach[n]`` is where
    a name ends that goes through the whole label ``n``, 0 where none does.
    """

    def __init__(self, text: str, start: int, end: int) -> None:
        self.text = text
        self.start, self.end = start, end
        self.labels: list[tuple[int, int]] = []
        while (dot := text.find(".", start, end)) >= 0:
            self.labels.append((start, dot))
            start = dot + 1
        self.endings = [_ending_at(text, dot + 1, end) for _start, dot in self.labels]
        self.reach = [0] * (len(self.labels) + 1)
        for number in range(len(self.labels) - 1, -1, -1):
            self.reach[number] = self._reach_from(number, self.labels[number][0])

    def _reach_from(self, number: int, start: int) -> int:
        """Where a name ends that begins at ``start``, within label ``number``; 0 when none does."""
        end = self.labels[number][1]
        if start >= end or self.text[start] in "-_" or self.text[end - 1] in "-_":
            return 0
        return self.reach[number + 1] or (self.endings[number] if self.text.find("_", start, end) < 0 else 0)

    def links(self, grammar: Grammar, at: int) -> Iterator[tuple[list[Link], int]]:
        """The links of each name in turn, and where the search goes on behind it. A name is passed over with its path
        whether it is a link or not. ``at``: where the last one ended; the sign before a link is no part of another."""
        scheme = grammar.scheme.search(self.text, max(at, self.start - _SCHEME_MOST), self.start)
        if scheme and _may_follow(self.text, scheme.start(), at) and (host_end := self._reach_from(0, self.start)):
            found, at = self._link(grammar, scheme.start(), self.start, host_end)
            yield found, at
        while name := self._next_bare(at):
            found, at = self._link(grammar, name[0], *name)
            yield found, at

    def _next_bare(self, at: int) -> tuple[int, int] | None:
        """Start and end of the first name behind ``at``."""
        for number in range(bisect_right(self.labels, at, key=itemgetter(1)), len(self.labels)):
            start, end = self.labels[number]
            if not (self.reach[number + 1] or self.endings[number]):
                continue
            if not self.reach[number + 1]:
                start = max(start, self.text.rfind("_", start, end) + 1)
            if at == 0 and start == 0:
                # At a text's beginning the rules try the second sign before the first one.
                starts = [one for one in (1, 0) if one < end and _may_follow(self.text, one, 0)]
                hosts = ((one, self._reach_from(number, one)) for one in starts)
                if host := next(((one, reach) for one, reach in hosts if reach), None):
                    return host
            first = _BARE_START.search(self.text, max(start, at + 1), end)
            if first and (reach := self._reach_from(number, first.start())):
                return first.start(), reach
        return None

    def _link(self, grammar: Grammar, start: int, host: int, host_end: int) -> tuple[list[Link], int]:
        text = self.text
        rest = grammar.rest.match(text, host_end)
        end = rest.end() if rest else host_end
        has_scheme = start < host
        scheme = text[start:host] or "https://"
        if not _is_possible_host(text[host:host_end]) or len(scheme) + _units(text[start:end]) > LINK_MOST:
            return [], end
        if has_scheme:
            if short := _SHORTENED.match(text, start, end):
                return ([_cut(text, *short.span())] if len(short[1]) <= SHORTENED_MOST else []), end
            return [_cut(text, start, end)], end
        if not grammar.finds_bare or (start and text[start - 1] in _UNLINKED_BEFORE_BARE):
            return [], end
        spans = _plain_names(text, host, host_end)
        if spans and rest and rest["path"]:
            spans[-1] = spans[-1][0], end
        return [_cut(text, *span) for span in spans], end


def _may_follow(text: str, start: int, at: int) -> bool:
    """Whether a link may begin at ``start``, by the sign before it."""
    return start == 0 or (start > at and not _UNLINKED_BEFORE.match(text, start - 1))


def _plain_names(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """The parts of a bare name that X links: labels of Latin letters alone before the ending."""
    found: list[tuple[int, int]] = []
    at = start
    while labels := _PLAIN_NAME.search(text, at, end):
        at = labels.end()
        dot = at
        while dot > labels.start():
            if ending := _ending_at(text, dot, end):
                found.append((labels.start(), ending))
                at = max(at, ending)
                break
            dot = text.rfind(".", labels.start(), dot - 1) + 1
    return found


def _ending_at(text: str, start: int, most: int) -> int:
    """Where the ending of a name ends that begins at ``start``; 0 when none does."""
    following = text[start : min(start + _ENDING_MOST, most)].replace("İ", ".").lower()  # the one that grows
    for length in range(len(following), 1, -1):
        if following[:length] in _ENDINGS and _AFTER_ENDING.match(text, start + length):
            return start + length
    punycode = _PUNYCODE.match(text, start, most)
    return punycode.end() if punycode else 0


def _is_possible_host(host: str) -> bool:
    """Whether the internet knows names of this kind and length."""
    if host.startswith("xn--") and not _plain_names(host, 0, len(host)):
        return False
    return all(0 < _encoded_length(label) <= LABEL_MOST for label in host.split("."))


def _encoded_length(label: str) -> int:
    """How long a label is in the internet's own spelling (punycode); more than ``LABEL_MOST`` when that is too long."""
    if label.isascii() or len(label) > LABEL_MOST:
        return len(label)
    return len("xn--") + len(label.encode("punycode"))


def _units(text: str) -> int:
    """Length in UTF-16, as the rules measure addresses."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _cut(text: str, start: int, end: int) -> Link:
    return Link(start, end, text[start:end])
