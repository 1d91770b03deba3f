"""How the platforms count and find things in texts."""

import re
import unicodedata
from dataclasses import dataclass

import regex

# Links with a scheme, and bare domains under the endings that a demonstration meets; X links both.
LINK = regex.compile(
    r"""(?<![\w@.#$/])(?:https?://[^\s<>"'“”]+|(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+"""
    r"""(?:com|org|net|io|co|uk|pt|eu|club|social|dev|app|info|example|de|fr|es)\b(?:/[^\s<>"'“”]*)?)""",
    regex.IGNORECASE,
)
TRAILING = ".,;:!?)]}'\"…"
EMOJI = regex.compile(r"\p{Extended_Pictographic}|\p{Regional_Indicator}|️|⃣")
GRAPHEME = regex.compile(r"\X")
MENTION = re.compile(r"(?<![\w/])@([A-Za-z0-9_]+)(?:@[A-Za-z0-9.:-]+[A-Za-z0-9])?")
CASHTAG = re.compile(r"(?<![\w$])\$[A-Za-z]{1,6}(?:[._][A-Za-z]{1,2})?(?!\w)")
HASHTAG = re.compile(r"(?<![\w&/])#(\w*[^\W\d_]\w*)")
X_LINK_LENGTH = 23
LIGHT = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))


@dataclass(frozen=True)
class Link:
    """A link found in a text; offsets in code points, the end exclusive."""

    start: int
    end: int
    text: str

    @property
    def address(self) -> str:
        return self.text if "://" in self.text else f"http://{self.text}"


def find_links(text: str, *, bare: bool = True) -> list[Link]:
    """The links of a text in order; without ``bare`` only those with a scheme."""
    found = []
    for match in LINK.finditer(text):
        address = match.group().rstrip(TRAILING)
        if "://" in address and not address.split("://", 1)[1]:
            continue
        if bare or "://" in address:
            found.append(Link(match.start(), match.start() + len(address), address))
    return found


def count_x(text: str) -> int:
    """The weighted length of twitter-text v3: links 23, an emoji 2, the code points of LIGHT 1, others 2."""
    normal = unicodedata.normalize("NFC", text)
    total = 0
    for link in reversed(find_links(normal)):
        total += X_LINK_LENGTH
        normal = normal[: link.start] + normal[link.end :]
    for cluster in GRAPHEME.findall(normal):
        if len(cluster) > 1 and EMOJI.search(cluster):
            total += 2
            continue
        total += sum(1 if any(low <= ord(sign) <= high for low, high in LIGHT) else 2 for sign in cluster)
    return total


def count_mastodon(text: str, warning: str = "") -> int:
    """Grapheme clusters of text and content warning; links count 23 and ``@user@host`` as ``@user``."""
    short = text
    for link in reversed(find_links(short, bare=False)):
        short = short[: link.start] + "x" * X_LINK_LENGTH + short[link.end :]
    short = MENTION.sub(lambda match: "@" + match.group(1), short)
    return len(GRAPHEME.findall(short)) + len(GRAPHEME.findall(warning))
