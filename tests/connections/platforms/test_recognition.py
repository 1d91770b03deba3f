"""A post is recognised in what its platform made of it, and taken for no other one.

What platforms do to a text is written here from their documents, piece by piece as a text is put together: no rule that
finds links, and nothing of what compares texts, has a part in it.
"""

import html
import json
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
import responses
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from connections.platforms.base import platform_class
from connections.platforms.text import x_links
from tests.connections.platforms.helpers import client, draft, find
from tests.connections.platforms.lists import page, plant, row

AT = datetime(2026, 12, 1, 10, 0, tzinfo=UTC)
NAMES = ["FACEBOOK", "MASTODON", "TWITTER"]
some_examples = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@dataclass(frozen=True)
class Piece:
    """A part of a text. ``kind``: words, link (with a scheme), name (a link without one, for X), mention, hashtag."""

    kind: str
    text: str


# --- what people write ------------------------------------------------------------------------------------------------

WORDS = [
    "Tee times for Saturday", "R&B at 5 < 6 > 4", "&amp; so on", "Fish  and\tchips", "cafe\u0301", "ゴルフ", "مرحبا", "Привет", "⛳️ 🏌🏽‍♀️ 👨‍👩‍👧",
    "first\nsecond\n\n\nthird", "100 % of 3.14", "“quoted” – it's", "\u200bnothing", "…", "(", ")", "日本", "ẞ", "at 18:30/19:00",
]  # fmt: skip
HOSTS = [
    "example.com",
    "www.riverside-golf.com",
    "Photo.ZIP",
    "müller.de",
    "xn--mller-kva.de",
    "a.b.example.co.uk",
    "пример.рф",
    "t.me",
]
PATHS = [
    "",
    "/",
    "/menu",
    "/Menu/",
    "/a/very/long/path/that/nobody/types/by/hand",
    "/q?a=1&b=2",
    "/b_(c)",
    "/x#y",
    "?q=1",
]
JAPANESE = "/日本"


def links(hosts: list[str]) -> st.SearchStrategy[Piece]:
    parts = st.tuples(
        st.sampled_from(["http://", "https://", "HTTPS://"]), st.sampled_from(hosts), st.sampled_from(PATHS)
    )
    return parts.map(lambda found: Piece("link", "".join(found)))


words = st.sampled_from(WORDS).map(lambda text: Piece("words", text))
names = st.tuples(
    st.sampled_from([host for host in HOSTS if host.isascii()]), st.sampled_from(["", "/menu", "/Menu/x"])
).map(lambda found: Piece("name", "".join(found)))
mentions = st.sampled_from(["@bob", "@bob@social.com"]).map(lambda text: Piece("mention", text))
hashtags = st.sampled_from(["#golf", "#ゴルフ", "＃ゴルフ"]).map(lambda text: Piece("hashtag", text))
SEPARATORS = st.sampled_from([" ", "  ", "\n", "\n\n", " – ", "\u3000", "、"])


@st.composite
def texts(draw: st.DrawFn, *kinds: st.SearchStrategy[Piece]) -> list[Piece]:
    """Pieces with what stands between them."""
    found = [draw(st.one_of(words, links(HOSTS), *kinds))]
    for _number in range(draw(st.integers(0, 4))):
        found += [Piece("words", draw(SEPARATORS)), draw(st.one_of(words, links(HOSTS), *kinds))]
    return [*found, Piece("words", draw(st.sampled_from(["", " ", "\n", " \n"])))]


def written(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces)


# --- what platforms make of it ----------------------------------------------------------------------------------------


def as_x(pieces: list[Piece], expand: Callable[[str], str]) -> dict[str, Any]:
    """X keeps NFC without blanks around, escapes three signs, wraps every link in its own, and tells in entities what it
    was. Source: https://docs.x.com/fundamentals/counting-characters, .../x-api/fundamentals/data-dictionary"""
    text, urls = "", []
    for number, piece in enumerate(pieces):
        if piece.kind in {"link", "name"}:
            short = f"https://t.co/aBcDeFg{number:03}"
            address = piece.text if piece.kind == "link" else f"http://{piece.text}"
            urls.append(
                {"url": short, "expanded_url": expand(address), "display_url": "…", "unwound_url": "https://else.com/"}
            )
            text += short
        else:
            text += html.escape(unicodedata.normalize("NFC", piece.text), quote=False)
    return {"text": text.strip(), "entities": {"urls": urls}}


def as_mastodon(pieces: list[Piece]) -> dict[str, Any]:
    """Paragraphs and breaks; links in three spans; mentions without their server.
    Source: https://docs.joinmastodon.org/spec/activitypub/#sanitization, app/lib/text_formatter.rb of the server"""
    body = ""
    for piece in pieces:
        plain = html.escape(piece.text)
        if piece.kind == "link":
            start = re.match(r"https?://(?:www\.)?", piece.text)
            prefix = start[0] if start else ""
            rest = piece.text[len(prefix) :]
            kind = "ellipsis" if len(rest) > 30 else ""
            body += (
                f'<a href="{plain}" rel="nofollow noopener" target="_blank"><span class="invisible">{prefix}</span>'
                f'<span class="{kind}">{html.escape(rest[:30])}</span>'
                f'<span class="invisible">{html.escape(rest[30:])}</span></a>'
            )
        elif piece.kind == "mention":
            user = piece.text.split("@")[1]
            body += f'<span class="h-card"><a href="https://social.com/@{user}" class="u-url mention">@<span>{user}</span></a></span>'
        elif piece.kind == "hashtag":
            body += (
                f'<a href="https://social.com/tags/x" class="mention hashtag" rel="tag">#<span>{plain[1:]}</span></a>'
            )
        else:
            body += plain
    paragraphs = [part.replace("\n", "<br />") for part in re.split(r"\n\n+", body.strip())]
    return {"content": "".join(f"<p>{part}</p>" for part in paragraphs)}


def is_recognised(name: str, text: str, given: dict[str, Any], **more: Any) -> bool:
    """Whether the client, reading the account's list, takes this post for the copy of a draft."""
    with responses.RequestsMock() as web:
        plant(web, name, {"": page(name, [row(name, 1, "", AT) | given]), "1": page(name, [])})
        return find(client(name), draft(text, **more), since=AT) is not None


def lower_host(address: str) -> str:
    parts = urlsplit(address)
    return address.replace(parts.netloc, parts.netloc.lower()).replace(address[:5], address[:5].lower(), 1)


def with_slash(address: str) -> str:
    parts = urlsplit(address)
    return address if parts.path else address.replace(parts.netloc, f"{parts.netloc}/", 1)


def in_ascii(address: str) -> str:
    parts = urlsplit(address)
    return quote(
        address.replace(parts.netloc, parts.netloc.encode("idna").decode(), 1), safe="".join(map(chr, range(33, 127)))
    )


# --- the same post ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("expand", [str, lower_host, with_slash, in_ascii], ids=["as typed", "lower", "slash", "ASCII"])
def test_x_gives_a_post_back(expand: Callable[[str], str]) -> None:
    @some_examples
    @given(texts(names, hashtags))
    def check(pieces: list[Piece]) -> None:
        assume(written(pieces).strip("\u200b \n\t"))
        assert is_recognised("TWITTER", written(pieces), as_x(pieces, expand)), written(pieces)

    check()


@some_examples
@given(texts(mentions, hashtags))
def test_mastodon_gives_a_post_back(pieces: list[Piece]) -> None:
    assert is_recognised("MASTODON", written(pieces), as_mastodon(pieces)), written(pieces)


@some_examples
@given(texts(names, hashtags), st.booleans(), st.booleans())
def test_facebook_gives_a_post_back(pieces: list[Piece], is_escaped: bool, is_last_link_taken_out: bool) -> None:
    """As it was sent, or with its entities escaped; a last link may be taken out of the text and shown beside it."""
    last = [number for number, piece in enumerate(pieces) if piece.text.strip()][-1:]
    given_back, attached = pieces, {}
    if is_last_link_taken_out and last and pieces[last[0]].kind == "link" and last[0]:
        given_back = pieces[: last[0]]
        behind = f"https://l.facebook.com/l.php?u={quote(pieces[last[0]].text, safe='')}&h=AT0"
        attached = {"attachments": {"data": [{"media_type": "link", "url": behind}]}}
    assume(written(given_back).strip("\u200b \n\t"))
    message = written(given_back)
    answer = {"message": html.escape(message, quote=False) if is_escaped else message} | attached
    assert is_recognised("FACEBOOK", written(pieces), answer), written(pieces)


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=80))
def test_whatever_x_takes_is_recognised(text: str) -> None:
    """Any text: its links are those of X's reference library, which the finder is held to elsewhere."""
    assume(not [problem for problem in platform_class("TWITTER").problems(draft(text)) if problem.blocking])
    text = unicodedata.normalize("NFC", text)
    pieces, at = [], 0
    for link in x_links(text):
        has_scheme = link.text.lower().startswith("http")
        pieces += [Piece("words", text[at : link.start]), Piece("link" if has_scheme else "name", link.text)]
        at = link.end
    pieces.append(Piece("words", text[at:]))
    assert is_recognised("TWITTER", text, as_x(pieces, str))


@pytest.mark.parametrize(
    ("pieces", "links"),
    [
        (["Register at ", "www.riverside.com", " today"], 1), (["Photo.ZIP"], 1), (["日本", "example.com", "です"], 1),
        (["https://example.com/news", "を読む"], 1), (["", "https://example.com/", "日本語"], 1), (["テスト", "müller.de", "。"], 1),
        (["AT&T <3 ", "https://a.com/?x=1&amp;y=2", "  \n"], 1), (["e\u0301 ", "https://example.com/" + "a" * 900], 1),
    ],
)  # fmt: skip
def test_x_gives_the_texts_back_that_were_once_not_found(pieces: list[str], links: int) -> None:
    is_link = re.compile(r"(?:https?://)?[\w.-]+\.(?:com|ZIP|de)")
    made = [Piece("words" if not is_link.match(part) else "link" if "://" in part else "name", part) for part in pieces]
    assert sum(piece.kind != "words" for piece in made) == links
    assert is_recognised("TWITTER", "".join(pieces), as_x(made, str))


def test_x_drops_the_link_to_a_posts_own_images() -> None:
    media = {"url": "https://t.co/oWnMeDia01", "expanded_url": "https://x.com/club/status/1/photo/1"}
    given_back = {"text": "Frost https://t.co/oWnMeDia01", "entities": {"urls": [media]}}
    assert is_recognised("TWITTER", "Frost", given_back)


def test_a_short_link_that_was_typed_is_found_as_it_was_typed() -> None:
    entry = {"url": "https://t.co/tYpEd00001", "expanded_url": "https://elsewhere.com/"}
    assert is_recognised(
        "TWITTER", "See https://t.co/tYpEd00001", {"text": "See https://t.co/tYpEd00001", "entities": {"urls": [entry]}}
    )


def test_a_link_of_which_x_tells_less_is_found_by_what_it_tells() -> None:
    for known in ({"display_url": "example.com/menu"}, {"unwound_url": "https://example.com/menu"}):
        entry = {"url": "https://t.co/lEsS000001"} | known
        given_back = {"text": "See https://t.co/lEsS000001", "entities": {"urls": [entry]}}
        assert is_recognised("TWITTER", "See https://www.example.com/menu", given_back)


@pytest.mark.parametrize(
    "content",
    [
        '<p class="quote-inline">RE: <a href="https://b.com/1">b.com/1</a></p><p>Frost :club: see https://example.com/menu</p>',
        '<p>Frost <img class="emoji" alt=":club:" src="x"> see <a href="https://example.com/menu">example.com/menu</a></p>',
        '<div>Frost :club: see <a href="https://example.com/menu">https://example…</a><br></div>',
    ],
    ids=["quote", "emoji as image", "cut link"],
)
def test_other_servers_html_is_read(content: str) -> None:
    assert is_recognised("MASTODON", "Frost :club: see https://example.com/menu", {"content": content})


# --- another post -----------------------------------------------------------------------------------------------------


@st.composite
def changed(draw: st.DrawFn, *kinds: st.SearchStrategy[Piece]) -> tuple[list[Piece], list[Piece]]:
    """A text, and another one: a word or number more, fewer or different, or another host, path or query."""
    pieces = draw(texts(*kinds))
    at = draw(
        st.sampled_from(
            [n for n, piece in enumerate(pieces) if piece.kind == "link" or piece.text.strip("\u200b \n\t\u3000")]
        )
    )
    piece = pieces[at]
    if piece.kind == "link":
        scheme, _slashes, rest = piece.text.partition("://")
        host = re.split(r"[/?#]", rest)[0]
        other = draw(
            st.sampled_from(
                [f"{host}/other", f"{host}/menu2", f"{host}/q?a=2&b=2", f"other-{host}", f"{host}/Q?a=1&b=2"]
            )
        )
        assume(other != rest)
        another = Piece("link", f"{scheme}://{other}")
    else:
        another = Piece("words", piece.text + draw(st.sampled_from([" 2", " x", "!", " ゴルフ"])))
        if piece.kind in {"name", "mention", "hashtag"}:
            return pieces, [*pieces[:at], piece, Piece("words", another.text[len(piece.text) :]), *pieces[at + 1 :]]
    return pieces, [*pieces[:at], another, *pieces[at + 1 :]]


@some_examples
@given(changed(names, hashtags))
def test_another_post_on_x_is_not_taken_for_it(both: tuple[list[Piece], list[Piece]]) -> None:
    one, other = both
    assert not is_recognised("TWITTER", written(one), as_x(other, str)), both


@some_examples
@given(changed(mentions, hashtags))
def test_another_post_on_mastodon_is_not_taken_for_it(both: tuple[list[Piece], list[Piece]]) -> None:
    one, other = both
    assert not is_recognised("MASTODON", written(one), as_mastodon(other)), both


@some_examples
@given(changed(names, hashtags))
def test_another_post_on_facebook_is_not_taken_for_it(both: tuple[list[Piece], list[Piece]]) -> None:
    one, other = both
    assert not is_recognised("FACEBOOK", written(one), {"message": written(other)}), both


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Open on Friday", "Open on Saturday"), ("https://a.com/x", "https://a.com/y"), ("https://a.com/x", "https://a.com/X"),
        ("Tee off at 8", "Tee off at 9"), ("https://a.com/?id=1", "https://a.com/?id=2"), ("a.com", "b.com"),
        ("https://a.com/x/y", "https://a.com/xy"), ("Greens!", "Greens"), ("Open", "open"),
    ],
)  # fmt: skip
def test_texts_that_differ_stay_apart(name: str, one: str, other: str) -> None:
    assert not is_recognised(name, one, json.loads(json.dumps(row(name, 1, html.escape(other, quote=False), AT))))
