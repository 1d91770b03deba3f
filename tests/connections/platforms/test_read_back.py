"""Reading an account's posts back: what is on the list, and how far the list can be believed."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
import responses

from connections.errors import TransientError
from connections.platforms import facebook, mastodon, twitter
from connections.platforms.base import Copy, OwnPost
from connections.platforms.read_back import Wanted, match_copies
from tests.connections.platforms.helpers import TOKEN, client, draft, find
from tests.connections.platforms.lists import LISTS, page, plant, row

NAMES = ["FACEBOOK", "MASTODON", "TWITTER"]
MODULES = {"FACEBOOK": facebook, "MASTODON": mastodon, "TWITTER": twitter}
TEN = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


def rows(name: str, numbers: Sequence[int]) -> list[dict[str, Any]]:
    """Posts of which number n was made n minutes after ten, in the order given."""
    return [row(name, number, f"Post {number}", TEN + timedelta(minutes=number)) for number in numbers]


def three_pages(name: str) -> dict[str, tuple[Any, dict[str, str]]]:
    """Six posts on three pages, and the page without posts that Mastodon's end is known by."""
    return {
        "": page(name, rows(name, [6, 5]), "p2"),
        "p2": page(name, rows(name, [4, 3]), "p3"),
        "p3": page(name, rows(name, [2, 1])),
        "1": page(name, []),
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_list_is_read_through_all_its_pages_and_is_whole_then(name: str, web: responses.RequestsMock) -> None:
    plant(web, name, three_pages(name))
    listed = client(name).own_posts(since=TEN)
    assert [post.text for post in listed.posts] == [f"Post {number}" for number in (6, 5, 4, 3, 2, 1)]
    assert (listed.whole_since, listed.gap) == (TEN, "")
    assert find(client(name), draft("Post 1"), since=TEN) is not None


@pytest.mark.parametrize("name", ["MASTODON", "TWITTER"])
def test_newest_first_nothing_is_read_beyond_the_moment(name: str, web: responses.RequestsMock) -> None:
    plant(web, name, three_pages(name))
    since = TEN + timedelta(minutes=3, seconds=30)
    assert client(name).own_posts(since=since).whole_since == since
    assert len(web.calls) == 2


@pytest.mark.parametrize("name", NAMES)
def test_a_post_of_the_very_second_of_sending_is_found_on_whichever_page(
    name: str, web: responses.RequestsMock
) -> None:
    """Facebook and X tell whole seconds: a copy looks older than its sending."""
    first, second = row(name, 6, "Another", TEN), row(name, 5, "Fish", TEN)
    plant(web, name, {"": page(name, [first], "p2"), "p2": page(name, [second]), "5": page(name, [])})
    found = find(client(name), draft("Fish"), since=TEN + timedelta(milliseconds=400))
    assert found is not None
    assert found.at == TEN


@pytest.mark.parametrize("name", NAMES)
def test_what_stands_on_a_page_that_was_not_read_is_not_absent(
    name: str, web: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MODULES[name], "READ_BACK_PAGES", 2)
    plant(web, name, three_pages(name))
    listed = client(name).own_posts(since=TEN)
    assert "after 2 pages" in listed.gap
    assert len(listed.posts) == 4, "what was read counts"
    # In order of time it is whole down to the last one read; Facebook's order is its own.
    whole_since = TEN + timedelta(minutes=3, seconds=1)
    assert listed.whole_since == (None if name == "FACEBOOK" else whole_since)


@pytest.mark.parametrize(("name", "limit"), [("FACEBOOK", "LISTED_A_YEAR"), ("TWITTER", "TIMELINE_DEPTH")])
def test_a_list_that_the_platform_cuts_off_is_not_whole(
    name: str, limit: str, web: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MODULES[name], limit, 6)
    plant(web, name, three_pages(name))
    listed = client(name).own_posts(since=TEN)
    assert (len(listed.posts), listed.whole_since) == (6, None)
    assert "no more than 6 posts" in listed.gap


def test_the_documented_limits_of_the_lists() -> None:
    assert facebook.LISTED_A_YEAR <= 600, "about 600 a year"
    assert twitter.TIMELINE_DEPTH <= 3200, "the latest 3,200, deleted ones counted"


@pytest.mark.parametrize("name", NAMES)
def test_pages_that_lead_in_a_circle_prove_nothing(name: str, web: responses.RequestsMock) -> None:
    circle = {"": page(name, rows(name, [6, 5]), "p2"), "p2": page(name, rows(name, [4, 3]), "p2")}
    plant(web, name, circle)
    listed = client(name).own_posts(since=TEN)
    assert listed.whole_since != TEN
    assert "circle" in listed.gap
    assert len(web.calls) == 2


def test_a_server_without_links_is_asked_until_a_page_is_empty(web: responses.RequestsMock) -> None:
    name = "MASTODON"
    plant(web, name, {"": (rows(name, [6, 5]), {}), "5": (rows(name, [4]), {}), "4": ([], {})})
    listed = client(name).own_posts(since=TEN)
    assert (len(listed.posts), listed.whole_since) == (3, TEN)


def test_a_server_that_knows_no_paging_proves_nothing(web: responses.RequestsMock) -> None:
    name = "MASTODON"
    first: tuple[Any, dict[str, str]] = (rows(name, [6, 5]), {})
    plant(web, name, {"": first, "5": first})
    assert client(name).own_posts(since=TEN).whole_since == TEN + timedelta(minutes=5, seconds=1)


ODD: list[tuple[str, Any]] = [
    ("TWITTER", {}),
    ("TWITTER", {"data": []}),
    ("TWITTER", {"meta": {"result_count": 1}}),
    ("TWITTER", {"meta": [], "data": []}),
    ("TWITTER", {"errors": [{"title": "Not Found Error"}]}),
    ("TWITTER", {"errors": [{"title": "Not Found Error"}], "meta": {"result_count": 0}}),
    ("TWITTER", {"data": [{"id": "1", "text": "x"}], "meta": {"result_count": 1}}),
    ("TWITTER", {"data": [{"text": "x", "created_at": "2026-11-20T10:00:00Z"}], "meta": {"result_count": 1}}),
    ("TWITTER", {"data": [{"id": "1", "created_at": "2026-11-20T10:00:00Z", "entities": [1]}], "meta": {"result_count": 1}}),
    ("TWITTER", {"data": {"id": "1"}, "meta": {"result_count": 1}}),
    ("FACEBOOK", {}),
    ("FACEBOOK", {"data": {}}),
    ("FACEBOOK", {"data": [7]}),
    ("FACEBOOK", {"data": [{"id": "1"}]}),
    ("FACEBOOK", {"data": [{"id": "1", "created_time": "soon"}]}),
    ("FACEBOOK", {"data": [{"id": "1", "created_time": "2026-11-20T10:00:00+0000", "attachments": [1]}]}),
    ("FACEBOOK", {"data": [], "paging": {"next": "https://graph.facebook.com/x?limit=50"}}),
    ("MASTODON", [{"id": "1"}]),
    ("MASTODON", [{"created_at": "2026-11-20T10:00:00Z"}]),
    ("MASTODON", [None]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "body"), ODD)
def test_an_odd_page_proves_no_absence(name: str, body: Any, web: responses.RequestsMock) -> None:
    plant(web, name, {"": (body, {}), "1": page(name, [])})
    listed = client(name).own_posts(since=TEN)
    assert listed.whole_since is None
    assert listed.gap


@pytest.mark.parametrize("name", NAMES)
def test_an_odd_row_hides_none_of_the_others(name: str, web: responses.RequestsMock) -> None:
    posts = [*rows(name, [6]), {"id": "x"}, *rows(name, [2])]
    plant(web, name, {"": page(name, posts), "2": page(name, [])})
    found = find(client(name), draft("Post 2"), since=TEN)
    assert found is not None
    assert found.at == TEN + timedelta(minutes=2)


def test_an_answer_that_is_no_list_is_no_list_without_posts(web: responses.RequestsMock) -> None:
    plant(web, "MASTODON", {"": ({"statuses": []}, {})})
    with pytest.raises(TransientError):
        client("MASTODON").own_posts(since=TEN)


def test_facebook_s_link_to_the_next_page_gives_its_cursor_alone(web: responses.RequestsMock) -> None:
    """The address holds the token and may lead anywhere; older pages page by time instead of by cursor."""
    by_time = {"next": f"https://evil.example/x?access_token={TOKEN}&until=1795000000&__paging_token=enc_A&limit=999"}
    web.add(responses.GET, LISTS["FACEBOOK"], json={"data": rows("FACEBOOK", [6]), "paging": by_time})
    web.add(responses.GET, LISTS["FACEBOOK"], json={"data": []})
    assert client("FACEBOOK").own_posts(since=TEN).whole_since == TEN
    asked = dict(parse_qsl(urlsplit(str(web.calls[1].request.url)).query))
    assert (asked["until"], asked["__paging_token"], asked["limit"]) == ("1795000000", "enc_A", "50")
    assert "access_token" not in asked
    assert {urlsplit(str(call.request.url)).hostname for call in web.calls} == {"graph.facebook.com"}


def test_x_counts_retweets_among_those_that_it_lists_at_most(web: responses.RequestsMock) -> None:
    """Left out by X itself, they would make a list that X cut off look like one that ended."""
    plant(web, "TWITTER", three_pages("TWITTER"))
    client("TWITTER").own_posts(since=TEN)
    assert "exclude" not in parse_qs(urlsplit(str(web.calls[0].request.url)).query)


# --- which post is whose ----------------------------------------------------------------------------------------------


def own(number: int, text: str = "Fish", *, minute: int, pictures: int = 0, links: tuple[str, ...] = ()) -> OwnPost:
    return OwnPost(str(number), "", TEN + timedelta(minutes=minute), text, pictures, links)


def wanted(key: str, text: str = "Fish", *, minute: int, pictures: int = 0, link: str = "") -> Wanted[str]:
    return Wanted(key, Copy(text, pictures, link), TEN + timedelta(minutes=minute))


def ids(found: dict[str, OwnPost]) -> dict[str, str]:
    return {key: post.id for key, post in found.items()}


def test_equal_posts_never_take_the_same_copy() -> None:
    both = [wanted("a", minute=0), wanted("b", minute=5)]
    assert ids(match_copies(both, [own(1, minute=1), own(2, minute=6)])) == {"a": "1", "b": "2"}
    assert ids(match_copies(both, [own(1, minute=1)])) == {"a": "1"}, "made before b was sent"
    assert len(match_copies(both, [own(2, minute=6)])) == 1
    assert ids(match_copies(both, [own(2, minute=6), own(3, minute=7)])) == {"a": "2", "b": "3"}


def test_a_copy_that_belongs_to_another_post_is_none() -> None:
    assert match_copies([wanted("a", minute=0)], [own(1, minute=1)], taken={"1"}) == {}


def test_a_copy_has_the_same_text_pictures_and_is_no_older() -> None:
    looked_for = [wanted("a", "Fish & chips", minute=2, pictures=1)]
    assert match_copies(looked_for, [own(1, "Fish & chips", minute=1, pictures=1)]) == {}
    assert match_copies(looked_for, [own(1, "Fish & chips", minute=3)]) == {}
    assert match_copies(looked_for, [own(1, "Fish", minute=3, pictures=1)]) == {}
    assert ids(match_copies(looked_for, [own(1, "Fish & chips", minute=3, pictures=1)])) == {"a": "1"}


def test_a_post_of_nothing_but_a_link_is_known_by_it() -> None:
    looked_for = [wanted("a", "", minute=0, link="https://club.example/menu")]
    assert match_copies(looked_for, [own(1, "", minute=1, links=("https://club.example/other",))]) == {}
    assert match_copies(looked_for, [own(1, "", minute=1)]) == {}
    shown = own(1, "", minute=1, links=("https://l.facebook.com/l.php", "https://club.example/menu"))
    assert ids(match_copies(looked_for, [shown])) == {"a": "1"}
    words_too = [wanted("a", "Fish", minute=0, link="https://club.example/menu")]
    assert ids(match_copies(words_too, [own(1, minute=1)])) == {"a": "1"}, "the platform may lead elsewhere"
