"""How platforms count texts."""

import unicodedata
from pathlib import Path

import regex

from connections.platforms.text.links import mastodon_links, x_links
from connections.platforms.text.mentions import mentions

X_LINK_LENGTH = 23

X_LINK_LENGTH = 23


def _read_sequences() -> frozenset[str]:
    lines = (Path(__file__).parent / "emoji.txt").read_text(encoding="utf-8").splitlines()
    return frozenset("".join(chr(int(point, 16)) for point in line.split()) for line in lines if line[:1] != "#")


_SEQUENCES = _read_sequences()
_SEQUENCE_LENGTHS = range(max(map(len, _SEQUENCES)), min(map(len, _SEQUENCES)) - 1, -1)
_SEQUENCE_START = regex.compile(f"[{''.join(sorted({sequence[0] for sequence in _SEQUENCES}))}]")
# One sign and U+FE0F: those that are text without it, and some that are emoji anyway.
_WITH_SELECTOR = regex.compile(
    r"[[\p{Emoji}--\p{Emoji_Presentation}--[#*0-9♾]]"
    r"⌚⌛◽◾☔☕♈-♓♿⚓⚡⚪⚫⚽⚾⛄⛅⛔⛪⛲⛳⛵⛺⛽❗⬛⬜⭐⭕🀄🈚🈯]\uFE0F|[#*0-9]\uFE0F?\u20E3",
    regex.V1,
)
_HEAVY = regex.compile(r"[^\u0000-\u10FF\u2000-\u200D\u2010-\u201F\u2032-\u2037]")
_CLUSTER = regex.compile(r"\X")
_VISIBLE = regex.compile(
    r"[^\p{White_Space}\p{Default_Ignorable_Code_Point}\p{Cc}\p{Noncharacter_Code_Point}\uFFF9-\uFFFB\u2800]"
)
_FLAG = regex.compile(r"\p{Regional_Indicator}{2}")


def count_weighted(text: str) -> int:
    """The length as X counts it (twitter-text 3): links 23, an emoji sequence 2, light code points 1, others 2.

    Source: https://docs.x.com/fundamentals/counting-characters
    """
    text = unicodedata.normalize("NFC", text)
    total, at = 0, 0
    for link in x_links(text):
        total += _weigh(text[at : link.start]) + X_LINK_LENGTH
        at = link.end
    return total + _weigh(text[at:])


def _weigh(text: str) -> int:
    text = _WITH_SELECTOR.sub("xx", _without_sequences(text))
    return len(text) + len(_HEAVY.findall(text))


def _without_sequences(text: str) -> str:
    """The text with "xx" for each emoji of several code points."""
    pieces, at = [], 0
    start = _SEQUENCE_START.search(text)
    while start:
        found = start.start()
        length = next((one for one in _SEQUENCE_LENGTHS if text[found : found + one] in _SEQUENCES), 0)
        if length:
            pieces += [text[at:found], "xx"]
            at = found + length
        start = _SEQUENCE_START.search(text, found + (length or 1))
    return "".join([*pieces, text[at:]])


def count_graphemes(text: str) -> int:
    """What a reader would call characters: an emoji family is one."""
    # Flags first: a long row of their letters takes a time that grows with its square.
    return len(_CLUSTER.findall(_FLAG.sub("x", text)))


def is_blank(text: str) -> bool:
    """Whether nothing of a text can be seen: white space, signs without width, the blank Braille pattern."""
    return not _VISIBLE.search(text)


def count_mastodon(text: str, *, per_link: int = X_LINK_LENGTH) -> int:
    """Graphemes, each link ``per_link``, ``@user@host`` as ``@user``.

    Source: https://docs.joinmastodon.org/user/posting and the server's app/validators/status_length_validator.rb
    """
    pieces = [*((link.start, link.end, "x" * per_link) for link in mastodon_links(text)),
              *((one.start, one.end, one.shown) for one in mentions(text))]  # fmt: skip
    counted, at = [], 0
    for start, end, stands_for in sorted(pieces):
        if start >= at:
            counted += [text[at:start], stands_for]
            at = end
    return count_graphemes("".join([*counted, text[at:]]))
