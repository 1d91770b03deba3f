"""How a text is recognised again when it is read back from its platform."""

import html
import unicodedata
from collections.abc import Iterable
from html.parser import HTMLParser

import regex

from connections.platforms.text.links import x_links


def fingerprint(text: str) -> str:
    """The same for a text and for its copy read back from a platform.

    Platforms normalise Unicode, trim and fold white space, add schemes and slashes to links, and turn line ends around:
    none of these make a text another one.
    """
    text = unicodedata.normalize("NFC", text.replace("\u200b", "").replace("\ufe0f", ""))
    for link in reversed(x_links(text)):
        text = text[: link.start] + _bare_address(link.text) + text[link.end :]
    return " ".join(text.split())


def _bare_address(address: str) -> str:
    bare = regex.sub(r"^https?://(?:www\.)?", "", address, flags=regex.IGNORECASE)
    host, slash, rest = bare.partition("/")
    return f"{host.lower()}{slash}{rest}".rstrip("/")


def expand_short_links(text: str, urls: Iterable[dict[str, object]]) -> str:
    """X's text with its t.co links written out and the link to the post's own pictures dropped; entities decoded.

    ``urls`` are the entries of ``entities.urls``; they are found by their short address, because offsets of older
    answers count differently.
    """
    for entry in urls:
        short, expanded = entry.get("url"), entry.get("expanded_url") or entry.get("unwound_url")
        if isinstance(short, str) and short and isinstance(expanded, str):
            is_own_media = bool(regex.search(r"/status/\d+/(?:photo|video)/\d+$", expanded))
            text = text.replace(short, "" if is_own_media else expanded, 1)
    return html.unescape(text)


class _Reader(HTMLParser):
    """Text of a status: paragraphs and breaks as line ends; what Mastodon hides of a link is part of its address."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._skipped = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        classes = (dict(attrs).get("class") or "").split()
        if self._skipped or "quote-inline" in classes:
            self._skipped += tag not in {"br", "img", "hr"}
        elif tag == "br":
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if self._skipped:
            self._skipped -= 1
        elif tag in {"p", "li", "blockquote", "pre"}:
            self.pieces.append("\n\n")

    def handle_data(self, data: str) -> None:
        if not self._skipped:
            self.pieces.append(data)


def html_to_text(content: str) -> str:
    """The text of a status' HTML."""
    reader = _Reader()
    reader.feed(content)
    reader.close()
    return "".join(reader.pieces).strip()
