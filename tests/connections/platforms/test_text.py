"""Texts are counted as their platform counts them, and recognised when they come back."""

import json
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connections.platforms.text import (
    count_mastodon,
    count_weighted,
    fingerprint,
    html_to_text,
    is_blank,
    mastodon_links,
    shorten_mentions,
    x_links,
)
from tests.connections.platforms.helpers import answer

REFERENCE = json.loads(Path(__file__).parents[2].joinpath("sandbox", "data", "x-lengths.json").read_text("utf-8"))
"""Results of X's own library for 300 texts."""


def test_x_lengths_are_those_of_its_reference_library() -> None:
    assert len(REFERENCE) == 300
    counted = {case["text"]: count_weighted(case["text"]) for case in REFERENCE}
    assert counted == {case["text"]: case["weighted_emoji14"] for case in REFERENCE}


def test_x_links_are_those_of_its_reference_library() -> None:
    for case in REFERENCE:
        found = [link.text for link in x_links(unicodedata.normalize("NFC", case["text"]))]
        assert found == [unicodedata.normalize("NFC", url) for url in case["urls"]], case["text"]


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("hello", 5), ("https://example.com/a/rather/long/path?with=query&more=1#part", 23), ("foo.co.uk bar", 27),
        ("👨‍👩‍👧‍👦", 2), ("日本語", 6), ("é" * 10, 10), ("e\u0301" * 10, 10), ("🏳️‍🌈🇩🇪👍🏽", 6), ("x" * 281, 281),
        # links
        ("http://a.io", 23), ("see https://a.com/b_(c).", 28), ("(https://a.com)", 25), ("HTTPS://EXAMPLE.COM", 23),
        ("a.com,b.org", 47), ("me@foo.com", 10), ("#foo.com", 8), ("end.Then", 8), ("http://localhost", 16),
        ("1.5", 3), ("e.g. this", 9), ("https://münchen.de/straße", 23), ("club.golf/tee-times today", 29),
        # beside other scripts, and under endings that people take for other things
        ("http://example.com/日本", 27), ("日本http://example.com", 27), ("photo.zip", 23), ("müller.de", 23),
        ("https://example.com/newsを" + "ゴルフ" * 60, 385), ("about.google", 23), ("example.рф", 23), ("example.中国", 23),
        ("مرحباhttp://example.comمرحبا", 33), ("Register at www.riverside.example today", 39), ("＃foo.com", 25),
        # brackets, long names and addresses, X's own short links
        ("https://a.com/b(c)", 23), ("https://a.com/.(c)", 27), (f"https://{'a' * 64}.com", 76),
        (f"https://a.com/{'b' * 4074}", 23), (f"https://a.com/{'b' * 4076}", 4090), ("https://t.co/abc/def", 27),
        # signs
        ("“quoted” – text…", 17), ("1️⃣", 2), ("☃", 2), ("한국어", 6), ("", 0), ("line\nbreak", 10), ("©️", 2), ("😀️", 4),
    ],
)  # fmt: skip
def test_x_counts_weighted_code_points(text: str, length: int) -> None:
    assert count_weighted(text) == length


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("hello", 5), ("👨‍👩‍👧‍👦", 1), ("https://example.com/" + "a" * 100, 23), ("example.com", 11),
        ("@club@social.example hi", 8), ("mail me@social.example", 22), ("日本語", 3), ("e\u0301", 1), ("🇩🇪🇫🇷🇮", 3),
        ("https://social.com/@club@other.example x", 25),
        # names under endings that do not exist are no links there, but their mentions are mentions
        ("https://social.example", 22), ("https://social.example/@club@other.example x", 44), ("https://localhost/x", 19),
        # beside other scripts
        ("https://example.com、" + "あ" * 600, 624), ("あ" * 400 + "https://example.com/" + "a" * 120, 423),
        ("https://example.com/日本", 23), ("https://example.com/日本。", 23), ("「https://example.com/日本」", 25),
        # ends of paths and queries
        ("https://a.com/b.", 24), ("(https://a.com/b)", 25), ("https://a.com/.(c)", 23), ("https://a.com?q=日本!", 24),
        # mentions
        ("@club@social.example@", 21), ("@a.b-c@social.example", 6), ("a@club@social.example", 21), ("=@club@b.example", 16),
        # other schemes
        ("gemini://example.com/" + "a" * 50, 23), ("ftp://example.com", 17),
    ],
)  # fmt: skip
def test_mastodon_counts_what_a_reader_sees(text: str, length: int) -> None:
    assert count_mastodon(text) == length


def test_a_server_may_count_a_link_as_it_likes() -> None:
    assert count_mastodon("https://example.com/" + "a" * 100, per_link=30) == 30


@given(st.text(max_size=300))
def test_any_text_can_be_counted_and_its_links_lie_in_it(text: str) -> None:
    assert count_weighted(text) >= 0
    assert count_mastodon(text) >= 0
    for link in [*x_links(text), *mastodon_links(text)]:
        assert text[link.start : link.end] == link.text


@pytest.mark.parametrize(
    "text", ["", " \n\t", "\u200b", "\ufeff\u2060", "\u3164\u2800", "\u200e\u00a0\u00ad", "\ufe0f", "\x00\x1b"]
)
def test_signs_without_a_look_are_blank(text: str) -> None:
    assert is_blank(text)


@pytest.mark.parametrize("text", ["a", " .", "\u200b\u0301a", "👍", "日"])
def test_what_can_be_seen_is_not_blank(text: str) -> None:
    assert not is_blank(text)


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=80))
def test_the_fingerprint_survives_white_space_and_is_its_own_fingerprint(text: str) -> None:
    assert fingerprint(f"  {text}\r\n") == fingerprint(text)
    assert fingerprint(fingerprint(text)) == fingerprint(text)


def test_platforms_may_rewrite_links_but_not_words() -> None:
    assert fingerprint("See foo.co.uk/Menu/ now") == fingerprint("See http://foo.co.uk/Menu  now")
    assert fingerprint("Open on Friday") != fingerprint("Open on Saturday")
    assert fingerprint("https://a.com/x") != fingerprint("https://a.com/y")


def test_a_status_is_read_as_it_was_written() -> None:
    written = "Fish & chips with @bob@other.example\nsee https://club.example/a/very/long/menu\n\n<3 #golf"
    assert html_to_text(answer("mastodon", "status")["content"]) == shorten_mentions(written)


HOSTILE = """
import sys
from connections.platforms.text import count_mastodon, count_weighted, fingerprint, html_to_text

for bit in (
    "a.", "日.", "a_.", "com.日-", "a.com日-.", "a.com ", "https://", "https://a.com/(", "(a)", "((a)", "https://a.com/!", "@a@b.c ",
    "@a.", "@a-", "日本", "a_", "xn--", "1", "👨\\u200d", "🇩", "e\\u0301", "\\u0301", "&", "&#", "<a><br>", "</p>", "<", "%C3", "/",
):
    text = bit * (50_000 // len(bit))
    for do in (count_weighted, count_mastodon, fingerprint, html_to_text):
        do(text)
    for do in (count_weighted, count_mastodon):
        do("https://a.com/?" + text)
"""


def test_hostile_texts_are_counted_and_compared_in_a_time_that_grows_with_their_length() -> None:
    """About 170 calls that take seconds in all; rules that went back over the text took minutes for a single one."""
    subprocess.run([sys.executable, "-c", HOSTILE], check=True, timeout=300, cwd=Path(__file__).parents[3])
