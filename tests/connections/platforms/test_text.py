"""Texts are counted as their platform counts them, and recognised when they come back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connections.platforms.text import (
    count_mastodon,
    count_weighted,
    fingerprint,
    html_to_text,
    scheme_links,
    shorten_mentions,
    x_links,
)
from tests.connections.platforms.helpers import answer


@pytest.mark.parametrize(
    ("text", "length"),
    [
        # the results of X's own parser
        ("hello", 5), ("https://example.com/a/rather/long/path?with=query&more=1#part", 23), ("foo.co.uk bar", 27),
        ("👨‍👩‍👧‍👦", 2), ("日本語", 6), ("é" * 10, 10), ("e\u0301" * 10, 10), ("🏳️‍🌈🇩🇪👍🏽", 6), ("x" * 281, 281),
        # links
        ("http://a.io", 23), ("see https://a.com/b_(c).", 28), ("(https://a.com)", 25), ("HTTPS://EXAMPLE.COM", 23),
        ("a.com,b.org", 47), ("me@foo.com", 10), ("#foo.com", 8), ("end.Then", 8), ("http://localhost", 16),
        ("1.5", 3), ("e.g. this", 9), ("https://münchen.de/straße", 23), ("club.golf/tee-times today", 29),
        # signs
        ("“quoted” – text…", 17), ("1️⃣", 2), ("☃", 2), ("한국어", 6), ("", 0), ("line\nbreak", 10),
    ],
)  # fmt: skip
def test_x_counts_weighted_code_points(text: str, length: int) -> None:
    assert count_weighted(text) == length


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("hello", 5), ("👨‍👩‍👧‍👦", 1), ("https://example.com/" + "a" * 100, 23), ("example.com", 11),
        ("@club@social.example hi", 8), ("mail me@social.example", 22), ("日本語", 3), ("e\u0301", 1),
        ("https://social.example/@club@other.example x", 25),
    ],
)  # fmt: skip
def test_mastodon_counts_what_a_reader_sees(text: str, length: int) -> None:
    assert count_mastodon(text) == length


@given(st.text(max_size=300))
def test_any_text_can_be_counted_and_its_links_lie_in_it(text: str) -> None:
    assert count_weighted(text) >= 0
    assert count_mastodon(text) >= 0
    for link in [*x_links(text), *scheme_links(text)]:
        assert text[link.start : link.end] == link.text


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


def test_a_catastrophic_text_is_counted_quickly() -> None:
    assert count_weighted("a." * 30_000) > 0
    assert count_weighted("https://a.com/" + "(" * 3_000) > 0
