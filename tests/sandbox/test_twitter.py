"""X: what it takes, what it refuses and in which words, and how it gives posts back."""

import io
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from PIL import Image

from tests.sandbox.callers import RIVERSIDE_X, Caller, connect_x, picture

Taken = Any


def upload(x: Caller, **fields: Any) -> Any:
    return x.form("/2/media/upload", {"media": picture(), "media_category": "tweet_image"} | fields)


def post(x: Caller, text: str = "Frost on the greens", **body: Any) -> Any:
    return x.json("/2/tweets", {"text": text, **body})


def test_a_post_is_taken_with_its_links_shortened(x: Caller, taken: Taken) -> None:
    answer = post(x, "Winter fees & more: https://www.example.com/fees?y=2026 #golf")
    assert answer.status_code == 201
    body = answer.json()["data"]
    assert body["text"].startswith("Winter fees &amp; more: https://t.co/")
    assert [(one["id"], one["text"], one["account"]) for one in taken("TWITTER")] == [
        (body["id"], "Winter fees & more: https://www.example.com/fees?y=2026 #golf", "riversidegc")
    ]
    read = x.get(f"/2/tweets/{body['id']}", {"tweet.fields": "entities"}).json()["data"]
    link = read["entities"]["urls"][0]
    assert link["expanded_url"] == "https://www.example.com/fees?y=2026"
    assert read["text"][link["start"] : link["end"]] == link["url"]
    assert read["entities"]["hashtags"][0]["tag"] == "golf"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"text": ""},
        {"text": 5},
        {"text": "a", "visibility": "public"},
        {"text": "a", "media": {"media_ids": []}},
        {"text": "a", "media": {"media_ids": ["x"]}},
        {"text": "a", "media": {"media_ids": ["1"], "alt": "b"}},
        {"text": "a", "reply": {"in_reply_to_tweet_id": 12}},
        {"text": "a", "reply_settings": "everyone"},
        {"text": "a", "made_with_ai": "yes"},
        {"text": "a", "poll": {"options": ["one"], "duration_minutes": 5}},
        ["text"],
    ],
)
def test_a_body_outside_the_schema_is_an_invalid_request(x: Caller, taken: Taken, body: Any) -> None:
    answer = x.json("/2/tweets", body)
    assert answer.status_code == 400
    assert answer.json()["type"] == "https://api.x.com/2/problems/invalid-request"
    assert taken("TWITTER") == []


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("a" * 280, 201),
        ("a" * 281, 403),
        ("日" * 140, 201),
        ("日" * 141, 403),
        ("👨‍👩‍👧" * 140, 201),
        ("👨‍👩‍👧" * 141, 403),
        ("a" * 256 + " https://example.com/" + "x" * 200, 201),
        ("a" * 257 + " https://example.com/" + "x" * 200, 403),
    ],
)
def test_the_length_is_weighted(x: Caller, text: str, status: int) -> None:
    assert post(x, text).status_code == status


def test_one_cashtag_is_allowed_and_two_are_not(x: Caller) -> None:
    assert post(x, "Up again: $GOLF and $GOLF").status_code == 201
    refused = post(x, "$GOLF and $CLUB")
    assert (refused.status_code, "one cashtag" in refused.json()["detail"]) == (403, True)


def test_the_same_text_again_is_refused_as_duplicate_until_a_day_has_gone(visitor: Client, taken: Taken) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        assert post(connect_x(visitor)).status_code == 201
        refused = post(connect_x(visitor))
        assert refused.status_code == 403
        assert refused.json()["detail"] == "You are not allowed to create a Tweet with duplicate content."
        assert post(connect_x(visitor, account="2244994946")).status_code == 201
        clock.shift(timedelta(days=1, seconds=1))
        assert post(connect_x(visitor)).status_code == 201
    assert len(taken("TWITTER")) == 3


def test_pictures_go_up_get_alt_text_and_are_attached(x: Caller, taken: Taken) -> None:
    ids = [upload(x).json()["data"]["id"] for _ in range(2)]
    described = x.json("/2/media/metadata", {"id": ids[0], "metadata": {"alt_text": {"text": "The first green"}}})
    assert described.status_code == 200
    answer = post(x, "Two pictures", media={"media_ids": ids})
    assert answer.status_code == 201
    one = taken("TWITTER")[0]
    assert (one["media_count"], one["alt_texts"]) == (2, ["The first green", ""])
    read = x.get(f"/2/tweets/{one['id']}", {"tweet.fields": "entities,attachments"}).json()["data"]
    assert read["attachments"]["media_keys"] == [f"3_{native_id}" for native_id in ids]
    assert read["entities"]["urls"][0]["expanded_url"].endswith(f"/status/{one['id']}/photo/1")


def test_a_foreign_or_expired_picture_is_refused(visitor: Client) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        mine = upload(connect_x(visitor)).json()["data"]["id"]
        other = post(connect_x(visitor, account="2244994946"), media={"media_ids": [mine]})
        assert (other.status_code, other.json()["errors"][0]["message"]) == (400, "Your media IDs are invalid.")
        clock.shift(timedelta(hours=25))
        assert post(connect_x(visitor), media={"media_ids": [mine]}).status_code == 400


@pytest.mark.parametrize(
    "fields",
    [
        {"media_category": "holiday"},
        {"alt": "x"},
        {"media": None},
        {"media_category": "tweet_video"},
        {"media_category": "tweet_gif"},
    ],
)
def test_a_wrong_upload_is_refused(x: Caller, fields: dict[str, Any]) -> None:
    given = {"media": picture(), "media_category": "tweet_image"} | fields
    kept = {name: value for name, value in given.items() if value is not None}
    assert x.form("/2/media/upload", kept).status_code == 400


@pytest.mark.parametrize(
    ("size", "frames", "status"), [((1280, 8), 2, 200), ((1281, 8), 2, 400), ((8, 1081), 2, 400), ((8, 8), 351, 400)]
)
def test_a_gif_keeps_to_sides_and_frames(x: Caller, size: tuple[int, int], frames: int, status: int) -> None:
    content = io.BytesIO()
    drawn = [Image.new("RGB", size, (number % 256, number // 256, 0)) for number in range(frames)]
    drawn[0].save(content, "GIF", save_all=True, append_images=drawn[1:])
    content.seek(0)
    content.name = "moving.gif"
    assert upload(x, media=content, media_category="tweet_gif").status_code == status


def test_a_text_file_that_is_called_a_picture_is_refused(x: Caller) -> None:
    fake = picture()
    fake.seek(0)
    fake.truncate()
    fake.write(b"not a picture at all")
    fake.seek(0)
    assert upload(x, media=fake).status_code == 400


def test_a_chunked_upload_is_put_together_and_processed(visitor: Client) -> None:
    content = picture("GIF").getvalue()
    with time_machine.travel(timezone.now(), tick=False) as clock:
        x = connect_x(visitor)
        start = {"media_type": "image/gif", "media_category": "tweet_gif", "total_bytes": len(content)}
        media_id = x.json("/2/media/upload/initialize", start).json()["data"]["id"]
        for index, part in ((1, content[100:]), (0, content[:100])):
            chunk = picture()
            chunk.seek(0)
            chunk.truncate()
            chunk.write(part)
            chunk.seek(0)
            sent = x.form(f"/2/media/upload/{media_id}/append", {"segment_index": index, "media": chunk})
            assert sent.status_code == 200
        done = x.form(f"/2/media/upload/{media_id}/finalize", {}).json()["data"]
        assert done["processing_info"]["state"] == "in_progress"
        assert post(x, media={"media_ids": [media_id]}).status_code == 400
        clock.shift(timedelta(seconds=3))
        status = x.get("/2/media/upload", {"command": "STATUS", "media_id": media_id}).json()["data"]
        assert status["processing_info"]["state"] == "succeeded"
        assert post(x, media={"media_ids": [media_id]}).status_code == 201


def test_a_thread_replies_to_its_own_posts_and_strangers_cannot_be_replied_to(visitor: Client, x: Caller) -> None:
    first = post(x, "One").json()["data"]["id"]
    second = post(x, "Two", reply={"in_reply_to_tweet_id": first}).json()["data"]["id"]
    read = x.get(f"/2/tweets/{second}", {"tweet.fields": "conversation_id,referenced_tweets"}).json()["data"]
    assert read["conversation_id"] == first
    assert read["referenced_tweets"] == [{"type": "replied_to", "id": first}]
    stranger = connect_x(visitor, account="2244994946")
    refused = post(stranger, "Three", reply={"in_reply_to_tweet_id": first})
    assert (refused.status_code, "have not been mentioned" in refused.json()["detail"]) == (403, True)


def test_who_mentions_the_account_may_be_answered(visitor: Client, x: Caller) -> None:
    order = {"platform": "TWITTER", "kind": "mention", "account": "@riversidegc", "text": "When do you open?"}
    planted = visitor.post("/sandbox/api/events", order, content_type="application/json").json()
    mentions = x.get(
        f"/2/users/{RIVERSIDE_X}/mentions", {"tweet.fields": "author_id", "expansions": "author_id"}
    ).json()
    assert [one["id"] for one in mentions["data"]] == [planted["id"]]
    assert mentions["data"][0]["text"] == "@riversidegc When do you open?"
    assert mentions["includes"]["users"][0]["username"] == "joe_almeida"
    assert post(x, "At eight.", reply={"in_reply_to_tweet_id": planted["id"]}).status_code == 201


def test_a_deleted_post_is_gone_for_readers_and_kept_in_the_record(visitor: Client, x: Caller, taken: Taken) -> None:
    post_id = post(x).json()["data"]["id"]
    assert connect_x(visitor, account="2244994946").delete(f"/2/tweets/{post_id}").status_code == 403
    assert x.delete(f"/2/tweets/{post_id}").json() == {"data": {"deleted": True}}
    assert x.delete(f"/2/tweets/{post_id}").status_code == 404
    assert x.get(f"/2/tweets/{post_id}").json()["errors"][0]["title"] == "Not Found Error"
    assert taken("TWITTER")[0]["deleted"] is True


def test_several_posts_are_read_with_those_missing_beside_them(x: Caller) -> None:
    post_id = post(x).json()["data"]["id"]
    body = x.get("/2/tweets", {"ids": f"{post_id},1", "tweet.fields": "public_metrics"}).json()
    assert [one["id"] for one in body["data"]] == [post_id]
    assert set(body["data"][0]["public_metrics"]) >= {"retweet_count", "like_count", "impression_count"}
    assert [one["value"] for one in body["errors"]] == ["1"]
    new = x.get("/2/tweets", {"ids": post_id, "post.fields": "public_metrics"}).json()["data"][0]
    assert "repost_count" in new["public_metrics"]


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (f"/2/users/{RIVERSIDE_X}/tweets", {"max_results": "4"}),
        (f"/2/users/{RIVERSIDE_X}/tweets", {"max_results": "101"}),
        (f"/2/users/{RIVERSIDE_X}/tweets", {"start_time": "yesterday"}),
        (f"/2/users/{RIVERSIDE_X}/tweets", {"exclude": "everything"}),
        (f"/2/users/{RIVERSIDE_X}/tweets", {"limit": "5"}),
        ("/2/users/abc/tweets", {}),
        ("/2/tweets", {"ids": ",".join(["1"] * 101)}),
        ("/2/tweets", {}),
        ("/2/users/me", {"fields": "id"}),
    ],
)
def test_a_wrong_query_is_refused(x: Caller, path: str, query: dict[str, str]) -> None:
    assert x.get(path, query).status_code == 400


def test_a_timeline_is_read_newest_first_in_pages_and_from_a_time_on(visitor: Client) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        ids = []
        for number in range(7):
            ids.append(post(connect_x(visitor), f"Post {number}").json()["data"]["id"])
            clock.shift(timedelta(minutes=1))
        x = connect_x(visitor)
        first = x.get(f"/2/users/{RIVERSIDE_X}/tweets", {"max_results": "5"}).json()
        assert [one["id"] for one in first["data"]] == ids[:1:-1]
        query = {"max_results": "5", "pagination_token": first["meta"]["next_token"]}
        rest = x.get(f"/2/users/{RIVERSIDE_X}/tweets", query).json()
        assert [one["id"] for one in rest["data"]] == ids[1::-1]
        assert "next_token" not in rest["meta"]
        since = (timezone.now() - timedelta(minutes=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
        late = x.get(f"/2/users/{RIVERSIDE_X}/tweets", {"start_time": since}).json()
        assert [one["id"] for one in late["data"]] == ids[:4:-1]
        clock.shift(timedelta(days=1))
        since = timezone.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        x = connect_x(visitor)
        none = x.get(f"/2/users/{RIVERSIDE_X}/tweets", {"start_time": since}).json()
        assert none == {"meta": {"result_count": 0}}


def test_the_window_of_a_user_ends_with_429_and_opens_again(visitor: Client) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        x = connect_x(visitor)
        for left in range(74, -1, -1):
            answer = x.get("/2/users/me")
            assert answer.headers["x-rate-limit-remaining"] == str(left)
        refused = x.get("/2/users/me")
        assert refused.status_code == 429
        assert int(refused.headers["x-rate-limit-reset"]) <= timezone.now().timestamp() + 901
        clock.shift(timedelta(minutes=16))
        assert x.get("/2/users/me").status_code == 200


def test_a_missing_scope_is_forbidden(visitor: Client) -> None:
    reader = connect_x(visitor, scope="tweet.read users.read offline.access")
    assert post(reader).status_code == 403
    assert upload(reader).status_code == 403
