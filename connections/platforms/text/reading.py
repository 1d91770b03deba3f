"""Texts as platforms give them back, turned into what was written."""

from collections.abc import Iterable, Mapping
from html.parser import HTMLParser
from typing import Any

import regex

from connections.platforms.text.mentions import shorten_mentions

_SHORT_LINK = regex.compile(r"https?://t\.co/[a-zA-Z0-9]+", regex.IGNORECASE)
_OWN_MEDIA = regex.compile(r"/status/\d+/(?:photo|video)/\d+$")
_BREAKS_AFTER = frozenset({"p", "li", "blockquote", "pre", "div", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol"})
_VOID = frozenset({"br", "img", "hr", "wbr", "input"})


def x_readings(text: str, urls: Iterable[Any]) -> tuple[str, ...]:
    """What may have been written where X gives this text: with its t.co links written out; and with them as they are,
    when there are any, because somebody may have typed them. Links to the post's own pictures are dropped.

    ``urls``: the entries of ``entities.urls``. They are found by their short address, because offsets count differently
    from field to field. ``expanded_url`` is the address that was typed, with a scheme; ``unwound_url`` where it led.
    Source: https://docs.x.com/x-api/fundamentals/data-dictionary#url
    """
    known = {str(entry.get("url")).lower(): entry for entry in urls if isinstance(entry, Mapping) and entry.get("url")}

    def written(short: regex.Match[str]) -> str:
        return _address_of(known.get(short[0].lower(), {}), short[0])

    def typed(short: regex.Match[str]) -> str:
        return str(short[0]) if written(short) else ""

    return tuple(dict.fromkeys([_SHORT_LINK.sub(written, text), _SHORT_LINK.sub(typed, text)]))


def _address_of(entry: Mapping[str, Any], short: str) -> str:
    shown = str(entry.get("display_url") or "")
    told = (entry.get("expanded_url"), "" if shown.endswith("…") else shown, entry.get("unwound_url"), short)
    address = next(str(one) for one in told if one)
    return "" if _OWN_MEDIA.search(address) else address


def facebook_readings(message: str, links: Iterable[str]) -> tuple[str, ...]:
    """What may have been written where Facebook gives this message: the message; and with the address that it shows as
    an attachment behind it, where it takes a last link out of the text."""
    found = [message]
    for link in links if message else ():
        found += [f"{message} {link}", f"{message}{link}"]
    return tuple(dict.fromkeys(found))


class _Reader(HTMLParser):
    """Text of a status: paragraphs and breaks as line ends, links with all of their address, emoji by their names."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._skipped = 0
        self._link: tuple[int, str] | None = None  # where its text begins in ``pieces``, and where it leads

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        classes = known.get("class", "").split()
        if self._skipped or "quote-inline" in classes:
            self._skipped += tag not in _VOID
        elif tag == "br":
            self.pieces.append("\n")
        elif tag == "img":
            self.pieces.append(known.get("alt", ""))
        elif tag == "a" and not {"mention", "hashtag", "u-url"} & set(classes):
            self._link = len(self.pieces), known.get("href", "")

    def handle_endtag(self, tag: str) -> None:
        if self._skipped:
            self._skipped -= tag not in _VOID
        elif tag == "a":
            self._close_link()
        elif tag in _BREAKS_AFTER:
            self.pieces.append("\n\n")

    def _close_link(self) -> None:
        """Some servers show an address cut off; what it leads to was written."""
        if self._link is None:
            return
        start, address = self._link
        self._link = None
        shown = "".join(self.pieces[start:]).strip()
        if shown.endswith(("…", "...")) and shown.rstrip("….") in address:
            self.pieces[start:] = [address]

    def handle_data(self, data: str) -> None:
        if not self._skipped:
            self.pieces.append(data)


def html_to_text(content: str) -> str:
    """The text of a status' HTML, with mentions as Mastodon shows them: ``@user``."""
    reader = _Reader()
    reader.feed(content)
    reader.close()
    return shorten_mentions("".join(reader.pieces).strip())
