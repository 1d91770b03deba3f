"""Mentions of people in Mastodon's texts."""

from collections.abc import Iterator
from dataclasses import dataclass

import regex

from connections.platforms.text.links import LATIN

# Source: Account::MENTION_RE and app/lib/extractor.rb of https://github.com/mastodon/mastodon
_WORD = r"[\p{L}\p{M}\p{Nd}\p{Pc}]"
_MENTION = regex.compile(
    rf"(?<![=/\p{{L}}\p{{M}}\p{{Nd}}\p{{Pc}}])"
    rf"(?P<shown>@[a-zA-Z0-9_]+(?:[.-]+[a-zA-Z0-9_]+)*+)(?:@{_WORD}++(?:[.-]++{_WORD}++)*+)?"
)
_NO_MENTION_BEFORE = regex.compile(rf"[@＠{LATIN}]|://")


@dataclass(frozen=True)
class Mention:
    """``@user`` or ``@user@host`` in a text: its place (code points, end exclusive), and how it is counted and shown."""

    start: int
    end: int
    shown: str


def mentions(text: str) -> Iterator[Mention]:
    for found in _MENTION.finditer(text):
        if not _NO_MENTION_BEFORE.match(text, found.end()):
            yield Mention(found.start(), found.end(), found["shown"])


def shorten_mentions(text: str) -> str:
    """``@user@host`` as ``@user``: how Mastodon counts them, and how they look in a status that is read back."""
    pieces, at = [], 0
    for one in mentions(text):
        pieces += [text[at : one.start], one.shown]
        at = one.end
    return "".join([*pieces, text[at:]])
