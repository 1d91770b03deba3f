"""Mastodon: statuses with their keys, media, limits, and the ways of reading them back."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from tests.sandbox.callers import RIVERSIDE_MASTODON, Caller, connect_mastodon, picture

STATUSES = "/api/v1/statuses"
Taken = Any


def post(mastodon: Caller, text: str = "Frost on the greens", key: str = "", **fields: Any) -> Any:
    return mastodon.json(STATUSES, {"status": text, **fields}, {"Idempotency-Key": key} if key else None)


def upload(mastodon: Caller, **fields: Any) -> Any:
    return mastodon.form("/api/v2/media", {"file": picture()} | fields)


def test_a_status_is_taken_by_json_and_by_form(mastodon: Caller, taken: Taken) -> None:
    by_json = post(mastodon, "Fees: https://www.example.com/fees\n\n#golf & more", visibility="unlisted")
    assert by_json.status_code == 200
    status = by_json.json()
    assert status["content"].startswith('<p>Fees: <a href="https://www.example.com/fees"')
    assert status["content"].endswith("</a> &amp; more</p>")
    assert (status["visibility"], status["tags"][0]["name"], status["account"]["acct"]) == (
        "unlisted",
        "golf",
        "riverside",
    )
    assert mastodon.form(STATUSES, {"status": "By form"}).status_code == 200
    assert [one["text"] for one in taken("MASTODON")][1] == "By form"


def test_a_key_makes_one_status_for_an_hour(visitor: Client, taken: Taken) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        mastodon = connect_mastodon(visitor)
        first = post(mastodon, key="k1").json()["id"]
        assert post(mastodon, key="k1").json()["id"] == first
        assert post(mastodon, "Another text", key="k1").json()["id"] == first
        assert post(mastodon, key="k2").json()["id"] != first
        other = connect_mastodon(visitor, "109348220000000002")
        assert post(other, key="k1").json()["id"] != first
        assert len(taken("MASTODON")) == 3
        clock.shift(timedelta(minutes=61))
        assert post(mastodon, key="k1").json()["id"] != first
    assert len(taken("MASTODON")) == 4


def test_the_key_of_a_deleted_status_makes_no_other_and_finds_none(mastodon: Caller, taken: Taken) -> None:
    first = post(mastodon, key="k1").json()["id"]
    mastodon.delete(f"{STATUSES}/{first}")
    assert post(mastodon, key="k1").status_code == 404
    assert len(taken("MASTODON")) == 1


def test_without_a_key_the_same_text_is_taken_twice(mastodon: Caller, taken: Taken) -> None:
    assert post(mastodon).json()["id"] != post(mastodon).json()["id"]
    assert len(taken("MASTODON")) == 2


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("a" * 500, 200),
        ("a" * 501, 422),
        ("👨‍👩‍👧" * 500, 200),
        ("👨‍👩‍👧" * 501, 422),
        ("a" * 476 + " https://example.com/" + "x" * 100, 200),
        ("a" * 477 + " https://example.com/" + "x" * 100, 422),
        ("a" * 490 + " @ana@a.very.long.host.example", 200),
        ("", 422),
    ],
)
def test_the_length_is_counted_as_the_server_counts(mastodon: Caller, text: str, status: int) -> None:
    assert post(mastodon, text).status_code == status


def test_the_content_warning_counts_too(mastodon: Caller) -> None:
    refused = post(mastodon, "a" * 450, spoiler_text="b" * 51)
    assert refused.json() == {"error": "Validation failed: Text character limit of 500 exceeded"}
    assert post(mastodon, "a" * 450, spoiler_text="b" * 50).json()["sensitive"] is True


def test_an_unknown_visibility_is_refused(mastodon: Caller) -> None:
    assert post(mastodon, visibility="friends").status_code == 422


def test_pictures_are_attached_once_in_order_with_their_description(mastodon: Caller, taken: Taken) -> None:
    first, second = (upload(mastodon, description=text).json()["id"] for text in ("One", "Two"))
    status = post(mastodon, media_ids=[second, first]).json()
    assert [one["description"] for one in status["media_attachments"]] == ["Two", "One"]
    assert taken("MASTODON")[0]["media_count"] == 2
    again = post(mastodon, "Again", media_ids=[first])
    assert again.status_code == 422
    assert "already attached" in again.json()["error"]


def test_more_than_four_pictures_are_refused(mastodon: Caller) -> None:
    ids = [upload(mastodon).json()["id"] for _ in range(5)]
    refused = post(mastodon, media_ids=ids)
    assert refused.json() == {"error": "Validation failed: Cannot attach more than 4 files"}


def test_a_picture_of_another_account_is_refused(visitor: Client, mastodon: Caller) -> None:
    other = connect_mastodon(visitor, "109348220000000002")
    assert post(other, media_ids=[upload(mastodon).json()["id"]]).status_code == 422


def test_a_file_that_is_no_picture_is_refused(mastodon: Caller) -> None:
    fake = picture()
    fake.truncate(30)
    refused = upload(mastodon, file=fake)
    assert (refused.status_code, "content type is invalid" in refused.json()["error"]) == (422, True)
    assert upload(mastodon, file="").status_code == 422
    assert upload(mastodon, description="x" * 1501).status_code == 422


def test_a_moving_picture_is_processed_before_it_can_be_attached(visitor: Client) -> None:
    from PIL import Image

    with time_machine.travel(timezone.now(), tick=False) as clock:
        mastodon = connect_mastodon(visitor)
        frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
        content = picture("GIF")
        frames[0].save(content, "GIF", save_all=True, append_images=frames[1:])
        content.seek(0)
        sent = upload(mastodon, file=content)
        assert (sent.status_code, sent.json()["url"]) == (202, None)
        media_id = sent.json()["id"]
        assert mastodon.get(f"/api/v1/media/{media_id}").status_code == 206
        assert "finished processing" in post(mastodon, media_ids=[media_id]).json()["error"]
        clock.shift(timedelta(seconds=3))
        assert mastodon.get(f"/api/v1/media/{media_id}").status_code == 200
        assert post(mastodon, media_ids=[media_id]).status_code == 200


def test_the_description_may_change_until_the_picture_is_attached(visitor: Client, mastodon: Caller) -> None:
    media_id = upload(mastodon).json()["id"]
    address = f"{mastodon.base}/api/v1/media/{media_id}"
    bearer = {"Authorization": f"Bearer {mastodon.token}"}
    changed = visitor.put(address, {"description": "Dawn"}, content_type="application/json", headers=bearer)
    assert changed.json()["description"] == "Dawn"
    post(mastodon, media_ids=[media_id])
    assert mastodon.get(f"/api/v1/media/{media_id}").status_code == 404


def test_a_deleted_status_comes_back_with_its_source_and_then_is_gone(mastodon: Caller) -> None:
    status_id = post(mastodon, "Source & text").json()["id"]
    assert mastodon.delete(f"{STATUSES}/{status_id}").json()["text"] == "Source & text"
    gone = mastodon.get(f"{STATUSES}/{status_id}")
    assert (gone.status_code, gone.json()) == (404, {"error": "Record not found"})
    assert mastodon.delete(f"{STATUSES}/{status_id}").status_code == 404


def test_a_status_of_another_account_cannot_be_deleted(visitor: Client, mastodon: Caller) -> None:
    status_id = post(mastodon).json()["id"]
    assert connect_mastodon(visitor, "109348220000000002").delete(f"{STATUSES}/{status_id}").status_code == 404


def test_several_statuses_are_read_and_those_missing_left_out(mastodon: Caller) -> None:
    ids = [post(mastodon, f"Post {number}").json()["id"] for number in range(2)]
    read = mastodon.get(STATUSES, {"id[]": [*ids, "1"]}).json()
    assert [one["id"] for one in read] == ids
    assert {"replies_count", "reblogs_count", "favourites_count", "quotes_count"} <= set(read[0])


def test_statuses_of_an_account_are_paged_by_the_link_header(visitor: Client) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        mastodon = connect_mastodon(visitor)
        ids = []
        for number in range(5):
            ids.append(post(mastodon, f"Post {number}").json()["id"])
            clock.shift(timedelta(seconds=10))
        path, seen = f"{mastodon.base}/api/v1/accounts/{RIVERSIDE_MASTODON}/statuses?limit=2", []
        while path:
            answer = visitor.get(path, headers={"Authorization": f"Bearer {mastodon.token}"})
            seen += [one["id"] for one in answer.json()]
            links = [part.split("; ") for part in answer.headers.get("Link", "").split(", ") if part]
            path = next((address.strip("<>") for address, rel in links if rel == 'rel="next"'), "")
        assert seen == ids[::-1]


def test_a_timeline_costs_the_same_queries_for_few_and_for_many(
    mastodon: Caller, django_assert_max_num_queries: Any
) -> None:
    path = f"/api/v1/accounts/{RIVERSIDE_MASTODON}/statuses"
    for number in range(3):
        post(mastodon, f"Post {number}")
    with django_assert_max_num_queries(20) as few:
        mastodon.get(path, {"limit": 40})
    for number in range(20):
        post(mastodon, f"Another {number}")
    with django_assert_max_num_queries(20) as many:
        mastodon.get(path, {"limit": 40})
    assert len(few) == len(many)


def test_mentions_are_notifications(visitor: Client, mastodon: Caller) -> None:
    order = {"platform": "MASTODON", "kind": "mention", "account": "riverside", "text": "Lovely sunrise"}
    visitor.post("/sandbox/api/events", order, content_type="application/json")
    rows = mastodon.get("/api/v1/notifications", {"types[]": "mention"}).json()
    assert [row["type"] for row in rows] == ["mention"]
    assert "Lovely sunrise" in rows[0]["status"]["content"]
    assert mastodon.get("/api/v1/notifications", {"min_id": rows[0]["id"]}).json() == []
    assert mastodon.get("/api/v1/notifications", {"types[]": "follow"}).json() == []


def test_the_instance_tells_its_limits(visitor: Client) -> None:
    instance = visitor.get("/sandbox/mastodon/api/v2/instance").json()
    assert instance["configuration"]["statuses"]["max_characters"] == 500
    assert instance["domain"] == "testserver/sandbox/mastodon"
    assert visitor.get("/sandbox/mastodon/api/v1/instance").json()["version"] == instance["version"]
    server = visitor.get("/sandbox/mastodon/.well-known/oauth-authorization-server").json()
    assert server["token_endpoint"] == "http://testserver/sandbox/mastodon/oauth/token"


def test_three_hundred_calls_in_five_minutes_are_enough(visitor: Client) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        mastodon = connect_mastodon(visitor)
        path = "/api/v1/accounts/verify_credentials"
        statuses = [mastodon.get(path).status_code for _ in range(299)]
        assert set(statuses) == {200}
        refused = mastodon.get(path)
        assert (refused.status_code, refused.json()) == (429, {"error": "Too many requests"})
        assert refused.headers["X-RateLimit-Remaining"] == "0"
        assert refused.headers["X-RateLimit-Reset"].endswith("Z")
        clock.shift(timedelta(minutes=6))
        assert mastodon.get(path).status_code == 200
