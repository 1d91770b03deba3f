"""How platforms count texts and find links in them, and how a text is recognised again when it is read back."""

import html
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from html.parser import HTMLParser

import regex

X_LINK_LENGTH = 23

# Every country ending, and the generic ones that people write without https:// before them. A bare name under another
# ending is counted letter by letter; with a scheme, any ending is a link.
_COUNTRIES = (
    "ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt bw by bz ca cc cd cf "
    "cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg er es et eu fi fj fk fm fo fr ga gd ge gf gg gh "
    "gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is it je jm jo jp ke kg kh ki km kn kp kr "
    "kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo mp mq mr ms mt mu mv mw mx my mz na nc ne nf "
    "ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw sa sb sc sd se sg sh si sk sl sm "
    "sn so sr ss st su sv sx sy sz tc td tf tg th tj tk tl tm tn to tr tt tv tw tz ua ug uk us uy uz va vc ve vg vi vn vu wf "
    "ws ye yt za zm zw"
)
_GENERIC = (
    "com org net edu gov mil int info biz name pro aero asia cat coop jobs mobi museum tel travel post xxx academy accountant "
    "actor agency airforce apartments app art associates attorney auction audio auto band bank bar bargains beauty beer best "
    "bet bible bid bike bingo bio black blog blue boats bond book boston boutique broker build builders business buzz cab cafe "
    "camera camp capital car cards care careers cars casa cash casino catering center ceo charity chat cheap church city "
    "claims cleaning click clinic clothing cloud club coach codes coffee college community company computer condos "
    "construction consulting contact contractors cooking cool country coupons courses credit creditcard cricket cruises dance "
    "date dating day deals degree delivery democrat dental dentist design dev diamonds digital direct directory discount doctor "
    "dog domains download earth eco education email energy engineer engineering enterprises equipment estate events exchange "
    "expert exposed express fail faith family fans farm fashion film finance financial fish fishing fit fitness flights florist "
    "flowers football forsale forum foundation fun fund furniture futbol fyi gallery game games garden gifts gives glass global "
    "gold golf graphics gratis green gripe group guide guru hair haus health healthcare help hiphop history hockey holdings "
    "holiday home horse hospital host hosting hotel house how immo inc industries ink institute insurance insure international "
    "investments jetzt jewelry kaufen kids kim kitchen land law lawyer lease legal life lighting limited limo link live llc loan "
    "loans lol london love ltd luxury maison makeup management market marketing mba media memorial men menu moda moe mom money "
    "mortgage motorcycles movie nagoya network new news ngo ninja nyc one ong online paris partners parts party pet photo "
    "photography photos pics pictures pink pizza place plumbing plus poker press productions promo properties property pub "
    "quest racing radio realestate recipes red rehab reisen rent rentals repair report republican rest restaurant review reviews "
    "rich rip rocks rugby run sale salon school science scot security services sexy shoes shop shopping show singles site ski "
    "skin soccer social software solar solutions space sport sports store stream studio study style supplies supply support surf "
    "surgery systems tattoo tax taxi team tech technology tennis theater tickets tips tires today tokyo tools top tours town toys "
    "trade trading training tube university vacations ventures vet viajes video villas vin vip vision vodka vote voyage wales "
    "watch webcam website wedding wien wiki win wine work works world wtf xyz yoga zone"
)
_ENDINGS = "|".join(sorted(f"{_COUNTRIES} {_GENERIC}".split(), key=len, reverse=True))
_LABEL = r"[\p{L}\p{N}](?:[\p{L}\p{N}_-]*[\p{L}\p{N}])?"
_PATH_SIGN = r"[\p{L}\p{N}!*';:=+,.$%\[\]–—\-_~&|@/#?]"
_BALANCED = rf"\({_PATH_SIGN}*(?:\({_PATH_SIGN}*\){_PATH_SIGN}*)*\)"
_REST = rf"(?::\d+)?(?:[/?#](?:{_PATH_SIGN}|{_BALANCED})*)?"

# What X links, after twitter-text 3: https://github.com/twitter/twitter-text (validUrl): not after a letter, @, $, #.
_WITH_SCHEME = rf"https?://(?:{_LABEL}\.)+(?:xn--[a-z0-9-]+|\p{{L}}{{2,}})(?![\p{{L}}\p{{N}}_-]){_REST}"
_BARE = rf"(?:[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?\.)+(?:{_ENDINGS})(?![\p{{L}}\p{{N}}@_-])(?!\.[\p{{L}}\p{{N}}]){_REST}"
_X_LINK = regex.compile(rf"(?<![\p{{L}}\p{{N}}@＠$#＃_./-])(?:{_WITH_SCHEME}|{_BARE})", regex.IGNORECASE)
_SCHEME_LINK = regex.compile(r"(?<![\p{L}\p{N}@/])https?://[^\s<>\"“”]+", regex.IGNORECASE)
_TRAILING = ".,;:!?'\"…»"

_CLUSTER = regex.compile(r"\X")
_EMOJI = regex.compile(
    r"\p{Emoji_Presentation}|\p{Emoji}\uFE0F|[0-9#*]\uFE0F?\u20E3|\p{Regional_Indicator}{2}|\p{Extended_Pictographic}\u200D"
)
_REMOTE_MENTION = regex.compile(r"(?<![=/\w])@([a-z0-9_]+(?:[a-z0-9_.-]+[a-z0-9_]+)?)@[\w.-]+\w", regex.IGNORECASE)
_LIGHT = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))


@dataclass(frozen=True)
class Link:
    """A link in a text: its place (offsets in code points, end exclusive) and as it was written."""

    start: int
    end: int
    text: str


def x_links(text: str) -> list[Link]:
    """What X turns into links, with or without a scheme ("foo.co.uk")."""
    return [_trimmed(match.start(), match.group()) for match in _X_LINK.finditer(text)]


def scheme_links(text: str) -> list[Link]:
    """The addresses written with http(s)://."""
    found = [_trimmed(match.start(), match.group()) for match in _SCHEME_LINK.finditer(text)]
    return [link for link in found if len(link.text) > len("https://")]


def _trimmed(start: int, written: str) -> Link:
    """Without the punctuation of the sentence, and without a closing bracket that was opened before the link."""
    shown = written.rstrip(_TRAILING)
    while shown and shown[-1] in ")]" and shown.count(shown[-1]) > shown.count("(["[")]".index(shown[-1])]):
        shown = shown[:-1].rstrip(_TRAILING)
    return Link(start, start + len(shown), shown)


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
    total = 0
    for cluster in _CLUSTER.findall(text):
        if _EMOJI.search(cluster):
            total += 2
        else:
            total += sum(1 if any(low <= ord(sign) <= high for low, high in _LIGHT) else 2 for sign in cluster)
    return total


def count_graphemes(text: str) -> int:
    """What a reader would call characters: an emoji family is one."""
    return len(_CLUSTER.findall(text))


def count_mastodon(text: str, *, per_link: int = X_LINK_LENGTH) -> int:
    """Graphemes, each link ``per_link``, ``@user@host`` as ``@user``. Source: docs.joinmastodon.org/user/posting"""
    for link in reversed(scheme_links(text)):
        text = text[: link.start] + "x" * per_link + text[link.end :]
    return count_graphemes(shorten_mentions(text))


def shorten_mentions(text: str) -> str:
    """``@user@host`` as ``@user``: how Mastodon counts them, and how they look in a status that is read back."""
    return str(_REMOTE_MENTION.sub(r"@\1", text))


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
