"""How X and Mastodon count texts and give them back, by their own reference values: the product has no say here."""

import json
import re
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from sandbox.mastodon import text as mastodon_text
from sandbox.twitter import text as x_text
from tests.sandbox.callers import Caller

CASES = json.loads((Path(__file__).parent / "data" / "x-lengths.json").read_text(encoding="utf-8"))


def test_the_sandbox_takes_nothing_about_texts_from_the_product() -> None:
    for path in (Path(x_text.__file__), Path(mastodon_text.__file__), Path(x_text.__file__).parent.parent / "text.py"):
        imported = re.findall(r"^(?:from|import) (\S+)", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert not {name.partition(".")[0] for name in imported} & {"connections", "publishing", "campaigns", "crm"}


# --- counting


def test_x_counts_as_its_reference_library() -> None:
    assert len(CASES) == 300
    wrong = [
        (case["text"], case["weighted_emoji14"], x_text.count(case["text"]))
        for case in CASES
        if x_text.count(case["text"]) != case["weighted_emoji14"]
    ]
    assert wrong == []


def test_x_finds_the_links_that_its_reference_library_finds() -> None:
    for case in CASES:
        found = [link.text for link in x_text.find_links(unicodedata.normalize("NFC", case["text"]))]
        assert found == [unicodedata.normalize("NFC", url) for url in case["urls"]], case["text"]


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("http://example.com/日本", 27),
        ("日本http://example.com", 27),
        ("photo.zip", 23),
        ("müller.de", 23),
        ("https://example.com/newsを" + "ゴルフ" * 60, 385),
        ("フォト.photo.zipです。t.co/abc", 59),
    ],
)
def test_x_takes_up_to_280_by_its_own_count(x: Caller, text: str, length: int) -> None:
    assert x_text.count(text) == length
    room = 280 - length
    if room > 0:
        assert x.json("/2/tweets", {"text": text + " " + "a" * (room - 1)}).status_code == 201
        text += " " + "a" * room
    refused = x.json("/2/tweets", {"text": text})
    assert (refused.status_code, "too long" in refused.json()["detail"]) == (403, True)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("https://example.com、" + "あ" * 600, 624),
        ("あ" * 400 + "https://example.com/" + "x" * 120, 423),
        ("Tell @marta@mastodon.social", 11),
        ("www.example.com", 15),
        ("https://golf.example/a", 22),
        ("https://example.com/日本語", 23),
        ("https://example.com/(a)b). ", 26),
        ("👨‍👩‍👧 e\u0301", 3),
    ],
)
def test_mastodon_counts_as_its_server(text: str, length: int) -> None:
    assert mastodon_text.count(text) == length


def test_mastodon_takes_500_by_its_own_count(mastodon: Caller) -> None:
    fits = "あ" * 477 + "https://example.com/" + "x" * 120
    assert mastodon.json("/api/v1/statuses", {"status": fits}).status_code == 200
    refused = mastodon.json("/api/v1/statuses", {"status": "https://example.com、" + "あ" * 477})
    assert refused.json() == {"error": "Validation failed: Text character limit of 500 exceeded"}
    with_warning = {"status": "a" * 490, "spoiler_text": "b" * 11}
    assert mastodon.json("/api/v1/statuses", with_warning).status_code == 422


# --- texts without anything to see, and signs that are none


@pytest.mark.parametrize("text", ["", "   ", "\n\t\u3000", "\u200b", "\u200d \u2060", "\u200e"])
def test_x_and_facebook_refuse_a_text_in_which_nothing_is_to_be_seen(x: Caller, facebook: Caller, text: str) -> None:
    refused = x.json("/2/tweets", {"text": text})
    assert (refused.status_code, refused.json()["title"]) == (400, "Invalid Request")
    empty = facebook.form("/104000000000011/feed", {"message": text})
    assert (empty.status_code, empty.json()["error"]["code"]) == (400, 100)


def test_mastodon_refuses_blanks_and_takes_signs_without_width(mastodon: Caller) -> None:
    for blank in ("", "  ", "\n\u3000"):
        refused = mastodon.json("/api/v1/statuses", {"status": blank})
        assert (refused.status_code, refused.json()["error"]) == (422, "Validation failed: Text can't be blank")
    assert mastodon.json("/api/v1/statuses", {"status": "\u200b"}).status_code == 200


@pytest.mark.parametrize("sign", ["\ufeff", "\ufffe", "\uffff"])
def test_x_refuses_signs_that_are_no_characters(x: Caller, taken: Any, sign: str) -> None:
    refused = x.json("/2/tweets", {"text": f"Frost{sign} on the greens"})
    assert (refused.status_code, "invalid characters" in refused.json()["errors"][0]["message"]) == (400, True)
    assert taken("TWITTER") == []


# --- what comes back


def shown(x: Caller, text: str) -> dict[str, Any]:
    made = x.json("/2/tweets", {"text": text}).json()["data"]
    read: dict[str, Any] = x.get(f"/2/tweets/{made['id']}", {"tweet.fields": "entities"}).json()["data"]
    assert read["text"] == made["text"]
    return read


@pytest.mark.parametrize(
    ("text", "addresses", "displayed"),
    [
        ("See www.example.com today", ["http://www.example.com"], ["example.com"]),
        ("Photo.ZIP", ["http://Photo.ZIP"], ["Photo.ZIP"]),
        ("新しいhttps://example.com/newsを見て", ["https://example.com/news"], ["example.com/news"]),
        ("日本example.comです", ["http://example.com"], ["example.com"]),
        (
            "https://www.example.com/a/path/that/goes/on?and=on",
            ["https://www.example.com/a/path/that/goes/on?and=on"],
            ["example.com/a/path/that/go…"],
        ),
        ("a.co and b.co/x", ["http://a.co", "http://b.co/x"], ["a.co", "b.co/x"]),
    ],
)
def test_x_replaces_every_link_with_its_own(x: Caller, text: str, addresses: list[str], displayed: list[str]) -> None:
    read = shown(x, text)
    urls = read["entities"]["urls"]
    assert [url["expanded_url"] for url in urls] == addresses
    assert [url["display_url"] for url in urls] == displayed
    for url in urls:
        assert url["url"].startswith("https://t.co/")
        assert read["text"][url["start"] : url["end"]] == url["url"]
        assert url["unwound_url"].startswith("https://")
    assert not any(address in read["text"] for address in addresses)


def test_x_leaves_what_is_no_link_under_an_ending_that_exists(x: Caller) -> None:
    read = shown(x, "At https://golf.example/fees, file.txt, http://127.0.0.1/x and me@example.com")
    assert read["text"] == "At https://golf.example/fees, file.txt, http://127.0.0.1/x and me@example.com"
    assert "entities" not in read


def test_x_keeps_texts_in_nfc_without_blanks_around_them_and_escapes_three_signs(x: Caller) -> None:
    assert shown(x, '  Cafe\u0301 <b> & "tea" \n\u3000')["text"] == 'Caf\u00e9 &lt;b&gt; &amp; "tea"'


def test_x_names_tags_and_people_in_its_entities(x: Caller) -> None:
    read = shown(x, "#ゴルフ ＃golf $GOLF @riversidegc, not #123 or me@riverside")
    entities = read["entities"]
    assert [one["tag"] for one in entities["hashtags"]] == ["ゴルフ", "golf"]
    assert [one["tag"] for one in entities["cashtags"]] == ["GOLF"]
    assert [one["username"] for one in entities["mentions"]] == ["riversidegc"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Frost on the greens", "  Frost on the greens \n"),
        ("Cafe\u0301", "Caf\u00e9"),
        ("See www.example.com", "See http://www.example.com"),
    ],
)
def test_x_takes_texts_for_the_same_that_it_keeps_alike(x: Caller, first: str, second: str) -> None:
    assert x.json("/2/tweets", {"text": first}).status_code == 201
    assert "duplicate content" in x.json("/2/tweets", {"text": second}).json()["detail"]


LINK = (
    '<a href="{0}" target="_blank" rel="nofollow noopener" translate="no"><span class="invisible">{1}</span>'
    '<span class="{2}">{3}</span><span class="invisible">{4}</span></a>'
)


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("it's <b> & \"tea\"", "<p>it&#39;s &lt;b&gt; &amp; &quot;tea&quot;</p>"),
        ("  One\r\ntwo\n\n\nthree \n", "<p>One<br />two</p><p>three</p>"),
        (
            "See https://www.example.com/fees?y=1&z=2 now",
            "<p>See "
            + LINK.format(
                "https://www.example.com/fees?y=1&amp;z=2", "https://www.", "", "example.com/fees?y=1&amp;z=2", ""
            )
            + " now</p>",
        ),
        (
            "https://example.com/a/very/long/path/that/goes/on",
            "<p>"
            + LINK.format(
                "https://example.com/a/very/long/path/that/goes/on", "https://", "ellipsis",
                "example.com/a/very/long/path/t", "hat/goes/on",
            )
            + "</p>",
        ),
        ("www.example.com and https://golf.example", "<p>www.example.com and https://golf.example</p>"),
        (
            "#Golf #2026 a#b",
            '<p><a href="{base}/tags/golf" class="mention hashtag" rel="tag">#<span>Golf</span></a> #2026 a#b</p>',
        ),
        (
            "@hilltop, @nobody",
            '<p><span class="h-card" translate="no"><a href="{base}/@hilltop" class="u-url mention">@<span>hilltop</span>'
            "</a></span>, @nobody</p>",
        ),
        (
            "@marta@mastodon.social @tom@nowhere.example",
            '<p><span class="h-card" translate="no"><a href="https://mastodon.social/@marta" class="u-url mention">'
            "@<span>marta</span></a></span> @tom@nowhere.example</p>",
        ),
    ],
)  # fmt: skip
def test_mastodon_renders_as_its_server(mastodon: Caller, text: str, content: str) -> None:
    made = mastodon.json("/api/v1/statuses", {"status": text}).json()
    assert made["content"] == content.replace("{base}", "http://testserver/sandbox/mastodon")
    source = mastodon.get(f"/api/v1/statuses/{made['id']}/source").json()
    assert source["text"] == text.strip()


def test_mastodon_lists_who_and_what_is_mentioned(mastodon: Caller) -> None:
    made = mastodon.json("/api/v1/statuses", {"status": "@hilltop @marta@mastodon.social #Golf #golf"}).json()
    assert [one["acct"] for one in made["mentions"]] == ["hilltop", "marta@mastodon.social"]
    assert [one["name"] for one in made["tags"]] == ["golf"]


def test_a_warning_without_text_is_the_text_of_mastodon(mastodon: Caller) -> None:
    made = mastodon.json("/api/v1/statuses", {"status": " ", "spoiler_text": "Frost"}).json()
    assert (made["content"], made["spoiler_text"], made["sensitive"]) == ("<p>Frost</p>", "", True)
