"""The lists of an account's posts: read back to the end over pages, in order, while new posts arrive at the top."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from sandbox.models import new_native_id
from tests.sandbox.callers import (
    RIVERSIDE_MASTODON,
    RIVERSIDE_PAGE,
    RIVERSIDE_X,
    Caller,
    connect_facebook,
    connect_mastodon,
    connect_x,
)
from tests.sandbox.running import PLATFORMS

CONNECT: dict[str, Callable[[Client], Caller]] = {
    "TWITTER": connect_x,
    "FACEBOOK": connect_facebook,
    "MASTODON": connect_mastodon,
}


def publish(caller: Caller, platform: str, text: str) -> str:
    match platform:
        case "TWITTER":
            return str(caller.json("/2/tweets", {"text": text}).json()["data"]["id"])
        case "FACEBOOK":
            return str(caller.json(f"/{RIVERSIDE_PAGE}/feed", {"message": text}).json()["id"])
    return str(caller.json("/api/v1/statuses", {"status": text}).json()["id"])


def remove(caller: Caller, platform: str, native_id: str) -> None:
    path = {"TWITTER": "/2/tweets", "FACEBOOK": "", "MASTODON": "/api/v1/statuses"}[platform]
    assert caller.delete(f"{path}/{native_id}").status_code == 200


def pages(visitor: Client, caller: Caller, platform: str, size: int) -> Iterator[list[str]]:
    """The ids of each page, followed as the platform says how to go on."""
    if platform == "TWITTER":
        query: dict[str, Any] = {"max_results": size}
        while True:
            body = caller.get(f"/2/users/{RIVERSIDE_X}/tweets", query).json()
            yield [row["id"] for row in body.get("data", [])]
            if "next_token" not in body["meta"]:
                return
            query["pagination_token"] = body["meta"]["next_token"]
    path, header = f"/{RIVERSIDE_PAGE}/published_posts", {}
    if platform == "MASTODON":
        path, header = f"/api/v1/accounts/{RIVERSIDE_MASTODON}/statuses", {"Authorization": f"Bearer {caller.token}"}
    address = f"http://testserver{caller.base}{path}?limit={size}"
    if platform == "FACEBOOK":
        address += f"&access_token={caller.token}"
    while address:
        answer = visitor.get(address, headers=header)
        if platform == "FACEBOOK":
            yield [row["id"] for row in answer.json()["data"]]
            address = answer.json().get("paging", {}).get("next", "")
            continue
        yield [row["id"] for row in answer.json()]
        links = [link.split("; ") for link in answer.headers.get("Link", "").split(", ") if link]
        address = next((link.strip("<>") for link, relation in links if relation == 'rel="next"'), "")


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_list_is_read_back_to_the_end_while_it_grows(visitor: Client, platform: str) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        caller, ids = CONNECT[platform](visitor), []
        for number in range(23):
            ids.append(publish(caller, platform, f"Post {number}"))
            clock.shift(timedelta(seconds=7))
        read, sizes = [], []
        for page in pages(visitor, caller, platform, 6):
            read += page
            sizes.append(len(page))
            publish(caller, platform, f"Meanwhile {len(read)}")
            remove(caller, platform, page[-1])  # where the next page begins
            clock.shift(timedelta(seconds=7))
    assert read == ids[::-1]
    assert sizes == [6, 6, 6, 5]


@pytest.mark.parametrize("platform", PLATFORMS)
def test_posts_of_the_same_moment_are_each_read_once(visitor: Client, platform: str) -> None:
    with time_machine.travel(timezone.now(), tick=False):
        caller = CONNECT[platform](visitor)
        ids = [publish(caller, platform, f"Post {number}") for number in range(12)]
        read = [native_id for page in pages(visitor, caller, platform, 5) for native_id in page]
    assert sorted(read) == sorted(ids)


@pytest.mark.parametrize("token", ["page5", "", "7140dibdnow9", "0"])
def test_a_token_that_x_did_not_write_is_refused(x: Caller, token: str) -> None:
    assert x.get(f"/2/users/{RIVERSIDE_X}/tweets", {"pagination_token": token}).status_code == 400


def test_the_way_back_leads_to_the_page_before(x: Caller) -> None:
    for number in range(12):
        publish(x, "TWITTER", f"Post {number}")
    path = f"/2/users/{RIVERSIDE_X}/tweets"
    first = x.get(path, {"max_results": 5}).json()
    second = x.get(path, {"max_results": 5, "pagination_token": first["meta"]["next_token"]}).json()
    back = x.get(path, {"max_results": 5, "pagination_token": second["meta"]["previous_token"]}).json()
    assert back["data"] == first["data"]
    assert "previous_token" not in first["meta"]


def test_times_of_x_are_whole_seconds(x: Caller) -> None:
    native_id = publish(x, "TWITTER", "Hello")
    created_at = x.get(f"/2/tweets/{native_id}", {"tweet.fields": "created_at"}).json()["data"]["created_at"]
    assert created_at.endswith(".000Z")


def test_mastodon_reads_at_most_twenty_statuses_by_id(mastodon: Caller) -> None:
    native_id = publish(mastodon, "MASTODON", "Hello")
    ids = [native_id, *(str(number) for number in range(19))]
    assert [one["id"] for one in mastodon.get("/api/v1/statuses", {"id[]": ids}).json()] == [native_id]
    assert mastodon.get("/api/v1/statuses", {"id[]": [*ids, "19"]}).status_code == 422


def test_mastodon_tells_of_300_statuses_in_three_hours(mastodon: Caller) -> None:
    answer = mastodon.json("/api/v1/statuses", {"status": "Hello"})
    assert (answer.headers["X-RateLimit-Limit"], answer.headers["X-RateLimit-Remaining"]) == ("300", "299")
    mastodon.get("/api/v1/accounts/verify_credentials")
    again = mastodon.json("/api/v1/statuses", {"status": "Again"})
    assert again.headers["X-RateLimit-Remaining"] == "298", "other calls do not count"


@pytest.mark.parametrize("platform", PLATFORMS)
def test_ids_of_one_moment_differ(platform: str) -> None:
    with time_machine.travel(timezone.now(), tick=False):
        assert len({new_native_id(platform) for _ in range(3000)}) == 3000
