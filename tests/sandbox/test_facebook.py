"""Facebook Pages: publishing, reading with field selection, insights, and the Graph API's refusals."""

import json
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from tests.sandbox.callers import (
    ACADEMY_PAGE,
    FRIENDS_PAGE,
    RIVERSIDE_PAGE,
    Caller,
    connect_facebook,
    connect_person,
    picture,
)

FEED = f"/{RIVERSIDE_PAGE}/feed"
PHOTOS = f"/{RIVERSIDE_PAGE}/photos"
Taken = Any


def refusal(answer: Any) -> tuple[int, int, int | None]:
    """Status, code and subcode of a refusal."""
    error = answer.json()["error"]
    return answer.status_code, error["code"], error.get("error_subcode")


def photo(facebook: Caller, **fields: Any) -> Any:
    return facebook.form(PHOTOS, {"source": picture(), "published": "false"} | fields)


def test_a_text_is_published_by_form_by_json_and_by_query_token(
    visitor: Client, facebook: Caller, taken: Taken
) -> None:
    assert facebook.form(FEED, {"message": "By form"}).json()["id"].startswith(f"{RIVERSIDE_PAGE}_")
    assert facebook.json(FEED, {"message": "By JSON", "link": "https://riverside.example/fees"}).status_code == 200
    address = f"{facebook.base}{FEED}?access_token={facebook.token}"
    assert visitor.post(address, {"message": "By query"}).status_code == 200
    assert [one["text"] for one in taken("FACEBOOK")] == ["By form", "By JSON", "By query"]
    assert taken("FACEBOOK")[1]["link"] == "https://riverside.example/fees"


def test_read_after_write_answers_with_the_fields_asked_for(facebook: Caller) -> None:
    body = facebook.form(FEED, {"message": "Hello", "fields": "message,permalink_url"}).json()
    assert body["message"] == "Hello"
    assert body["permalink_url"].endswith(body["id"].replace("_", "/posts/"))


def test_the_same_text_within_minutes_is_a_duplicate(visitor: Client) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        facebook = connect_facebook(visitor)
        assert facebook.form(FEED, {"message": "Frost"}).status_code == 200
        answer = facebook.form(FEED, {"message": "Frost"})
        assert refusal(answer) == (400, 506, None)
        assert answer.json()["error"]["error_user_title"] == "Duplicate Status Update"
        clock.shift(timedelta(minutes=31))
        assert facebook.form(FEED, {"message": "Frost"}).status_code == 200


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, 100),
        ({"message": " "}, 100),
        ({"message": "x" * 63207}, 100),
        ({"message": "a", "link": "not a link"}, 100),
        ({"message": "a", "link": "https://nowhere.invalid/"}, 1609005),
        ({"message": "a", "attached_media[0]": "{"}, 100),
        ({"message": "a", "attached_media": '[{"media_fbid":"1"}]'}, 100),
        ({"message": "a", "scheduled_publish_time": "1"}, 100),
        ({"message": "a", "published": "false", "scheduled_publish_time": "1"}, 100),
    ],
)
def test_a_wrong_parameter_is_refused(facebook: Caller, taken: Taken, fields: dict[str, str], code: int) -> None:
    assert refusal(facebook.form(FEED, fields))[:2] == (400, code)
    assert taken("FACEBOOK") == []


@pytest.mark.parametrize("as_list", [True, False])
def test_several_photos_are_attached_in_order(facebook: Caller, taken: Taken, as_list: bool) -> None:
    ids = [photo(facebook, alt_text_custom=f"Hole {number}").json()["id"] for number in (1, 2)]
    attached = [{"media_fbid": native_id} for native_id in ids]
    fields = {"attached_media": json.dumps(attached)} if as_list else {}
    if not as_list:
        fields = {f"attached_media[{number}]": json.dumps(one) for number, one in enumerate(attached)}
    post_id = facebook.form(FEED, {"message": "Two holes"} | fields).json()["id"]
    assert [(one["media_count"], one["alt_texts"]) for one in taken("FACEBOOK")] == [(2, ["Hole 1", "Hole 2"])]
    again = facebook.form(FEED, {"message": "Once more", "attached_media": json.dumps(attached)})
    assert refusal(again)[:2] == (400, 100)
    shown = facebook.get(f"/{post_id}", {"fields": "attachments,full_picture"}).json()
    below = shown["attachments"]["data"][0]["subattachments"]["data"]
    assert [one["target"]["id"] for one in below] == ids


def test_one_photo_is_a_post_of_its_own(facebook: Caller, taken: Taken) -> None:
    body = facebook.form(PHOTOS, {"source": picture("JPEG"), "caption": "Sunrise"}).json()
    assert set(body) == {"id", "post_id"}
    assert [(one["id"], one["text"], one["media_count"]) for one in taken("FACEBOOK")] == [
        (body["post_id"], "Sunrise", 1)
    ]


def test_an_unreadable_picture_is_refused(facebook: Caller) -> None:
    fake = picture()
    fake.truncate(40)
    assert refusal(photo(facebook, source=fake)) == (400, 324, 2069019)
    assert refusal(facebook.form(PHOTOS, {"published": "false"}))[:2] == (400, 324)
    assert refusal(facebook.form(PHOTOS, {"url": "https://example.com/a.png"}))[:2] == (400, 324)


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(facebook: Caller) -> None:
    assert refusal(photo(facebook, source=picture("PNG", (12000, 5000))))[:2] == (400, 324)


def test_publishing_needs_the_pages_own_token_and_the_right_to(visitor: Client, facebook: Caller) -> None:
    assert refusal(facebook.extra["person"].form(FEED, {"message": "Hello"}))[:2] == (403, 210)
    assert refusal(facebook.form(f"/{ACADEMY_PAGE}/feed", {"message": "Hello"}))[:2] == (403, 210)
    reader = connect_facebook(visitor, FRIENDS_PAGE)
    assert refusal(reader.form(f"/{FRIENDS_PAGE}/feed", {"message": "Hello"}))[:2] == (403, 200)


def test_no_token_and_an_unknown_token_are_refused(visitor: Client, facebook: Caller) -> None:
    assert refusal(visitor.get(f"{facebook.base}/me"))[1] == 2500
    assert refusal(visitor.get(f"{facebook.base}/me", {"access_token": "EAAnothing"}))[:2] == (401, 190)
    assert refusal(visitor.get("/sandbox/facebook/v9.0/me", {"access_token": facebook.token}))[1] == 2500


def test_fields_are_selected_with_edges_summaries_and_aliases(facebook: Caller) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        post_id = facebook.form(FEED, {"message": "Open day"}).json()["id"]
        clock.shift(timedelta(days=2))
        fields = (
            "message,created_time,from{id},shares,reactions.summary(total_count).limit(0),"
            "reactions.type(LOVE).limit(0).summary(total_count).as(love),comments.summary(true).limit(0){message}"
        )
        node = facebook.get(f"/{post_id}", {"fields": fields}).json()
    assert node["created_time"].endswith("+0000")
    assert node["reactions"]["data"] == []
    assert 0 < node["love"]["summary"]["total_count"] < node["reactions"]["summary"]["total_count"]
    assert node["shares"]["count"] > 0
    assert set(node["comments"]["summary"]) == {"order", "total_count", "can_comment"}


def test_an_edge_without_summary_has_none_and_shares_of_zero_are_absent(facebook: Caller) -> None:
    with time_machine.travel(timezone.now(), tick=False):
        post_id = facebook.form(FEED, {"message": "Just now"}).json()["id"]
        node = facebook.get(f"/{post_id}", {"fields": "reactions.limit(0),shares"}).json()
    assert node == {"reactions": {"data": []}, "id": post_id}


@pytest.mark.parametrize(
    ("fields", "code"), [("message,likes_total", 100), ("message{", 2500), ("a b", 2500), ("reactions.limit(0", 2500)]
)
def test_an_unknown_or_broken_field_refuses_the_whole_call(facebook: Caller, fields: str, code: int) -> None:
    post_id = facebook.form(FEED, {"message": "Hello"}).json()["id"]
    assert refusal(facebook.get(f"/{post_id}", {"fields": fields}))[:2] == (400, code)


def test_insights_know_only_todays_metrics(facebook: Caller) -> None:
    post_id = facebook.form(FEED, {"message": "Hello"}).json()["id"]
    metrics = "post_media_view,post_total_media_view_unique,post_clicks"
    rows = facebook.get(f"/{post_id}/insights", {"metric": metrics}).json()["data"]
    assert [row["name"] for row in rows] == metrics.split(",")
    assert refusal(facebook.get(f"/{post_id}/insights", {"metric": metrics + ",post_impressions"}))[:2] == (400, 100)
    assert refusal(facebook.get(f"/{post_id}/insights")) == (400, 3001, 1504028)


def test_several_posts_are_read_by_ids_or_not_at_all(facebook: Caller) -> None:
    ids = [facebook.form(FEED, {"message": f"Post {number}"}).json()["id"] for number in (1, 2)]
    both = facebook.get("/", {"ids": ",".join(ids), "fields": "message"}).json()
    assert {native_id: node["message"] for native_id, node in both.items()} == {ids[0]: "Post 1", ids[1]: "Post 2"}
    assert refusal(facebook.get("/", {"ids": f"{ids[0]},{RIVERSIDE_PAGE}_1"}))[1] == 803


def test_published_posts_are_paged_newest_first(visitor: Client) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        facebook = connect_facebook(visitor)
        for number in range(3):
            facebook.form(FEED, {"message": f"Post {number}"})
            clock.shift(timedelta(minutes=1))
        page = facebook.get(f"/{RIVERSIDE_PAGE}/published_posts", {"fields": "message", "limit": 2}).json()
        assert [row["message"] for row in page["data"]] == ["Post 2", "Post 1"]
        assert "previous" not in page["paging"]
        rest = visitor.get(page["paging"]["next"]).json()  # the link holds the token
        assert [row["message"] for row in rest["data"]] == ["Post 0"]
        assert "next" not in rest["paging"]
        assert visitor.get(rest["paging"]["previous"]).json()["data"] == page["data"]
        whole = facebook.get(f"/{RIVERSIDE_PAGE}/published_posts", {"limit": 3}).json()
        assert visitor.get(whole["paging"]["next"]).json() == {"data": []}, "a full page may be the last one"
        broken = facebook.get(f"/{RIVERSIDE_PAGE}/published_posts", {"after": "25"})
        assert refusal(broken)[:2] == (400, 100)
        since = int((timezone.now() - timedelta(seconds=90)).timestamp())
        late = facebook.get(f"/{RIVERSIDE_PAGE}/published_posts", {"since": since}).json()
        assert [row["message"] for row in late["data"]] == ["Post 2"]


def test_a_link_is_given_back_behind_facebooks_own_and_a_post_has_its_own_address(
    visitor: Client, facebook: Caller
) -> None:
    message = "  Fees & more: www.example.com <b>  \n"
    post_id = facebook.json(FEED, {"message": message, "link": "https://example.com/fees?y=1"}).json()["id"]
    node = facebook.get(f"/{post_id}", {"fields": "message,story,permalink_url,attachments"}).json()
    assert node["message"] == message
    assert node["story"] == "Riverside Golf Club shared a link."
    shared = node["attachments"]["data"][0]
    assert shared["url"].startswith("https://l.facebook.com/l.php?u=https%3A%2F%2Fexample.com%2Ffees%3Fy%3D1&h=")
    assert shared["unshimmed_url"] == "https://example.com/fees?y=1"
    page_id, _, number = post_id.partition("_")
    assert node["permalink_url"] == f"http://testserver/sandbox/facebook/{page_id}/posts/{number}"
    assert visitor.get(node["permalink_url"]).status_code == 200
    assert visitor.get(f"/sandbox/facebook/{post_id}").status_code == 200


def test_a_scheduled_post_is_listed_apart_until_its_time(visitor: Client) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        facebook = connect_facebook(visitor)
        at = int((timezone.now() + timedelta(hours=1)).timestamp())
        fields = {"message": "Later", "published": "false", "scheduled_publish_time": at}
        post_id = facebook.form(FEED, fields).json()["id"]
        assert facebook.get(f"/{RIVERSIDE_PAGE}/published_posts").json() == {"data": []}
        waiting = facebook.get(f"/{RIVERSIDE_PAGE}/scheduled_posts", {"fields": "scheduled_publish_time"}).json()
        assert waiting["data"] == [{"scheduled_publish_time": at, "id": post_id}]
        clock.shift(timedelta(hours=2))
        assert facebook.get(f"/{RIVERSIDE_PAGE}/published_posts").json()["data"][0]["id"] == post_id


def test_a_deleted_post_is_not_found(facebook: Caller, taken: Taken) -> None:
    post_id = facebook.form(FEED, {"message": "Hello"}).json()["id"]
    assert facebook.delete(f"/{post_id}").json() == {"success": True}
    assert refusal(facebook.get(f"/{post_id}")) == (400, 100, 33)
    assert refusal(facebook.delete(f"/{post_id}")) == (400, 100, 33)
    assert taken("FACEBOOK")[0]["deleted"] is True


def test_a_post_is_edited_and_commented_by_its_page(visitor: Client, facebook: Caller) -> None:
    post_id = facebook.form(FEED, {"message": "Helo"}).json()["id"]
    assert facebook.form(f"/{post_id}", {"message": "Hello"}).json() == {"success": True}
    assert facebook.get(f"/{post_id}", {"fields": "message"}).json()["message"] == "Hello"
    mine = facebook.form(f"/{post_id}/comments", {"message": "First!"}).json()["id"]
    order = {"platform": "FACEBOOK", "kind": "comment", "account": "riversidegolfclub", "text": "See you there"}
    visitor.post("/sandbox/api/events", order, content_type="application/json")
    rows = facebook.get(f"/{post_id}/comments", {"fields": "message,from{id,name}"}).json()["data"]
    assert [row["message"] for row in rows] == ["First!", "See you there"]
    assert (rows[0]["id"], rows[0]["from"]["id"], rows[1]["from"]["name"]) == (mine, RIVERSIDE_PAGE, "Joe Almeida")


def test_pages_and_posts_of_others_are_invisible(visitor: Client, facebook: Caller) -> None:
    post_id = facebook.form(FEED, {"message": "Hello"}).json()["id"]
    other = connect_person(visitor, [ACADEMY_PAGE])
    for path in (f"/{post_id}", f"/{RIVERSIDE_PAGE}", f"/{RIVERSIDE_PAGE}/published_posts"):
        assert refusal(other.get(path)) == (400, 100, 33)


def test_usage_is_told_in_the_headers(facebook: Caller) -> None:
    headers = facebook.get("/me").headers
    assert json.loads(headers["X-App-Usage"])["call_count"] == 0
    assert json.loads(headers["X-Business-Use-Case-Usage"])[RIVERSIDE_PAGE][0]["type"] == "pages"


def test_insights_and_deleting_a_comment_ask_for_every_permission_that_they_need(visitor: Client) -> None:
    publish = ["pages_show_list", "pages_manage_posts", "pages_read_engagement", "pages_manage_engagement"]
    writer = connect_facebook(visitor, permissions=publish)
    post_id = writer.form(FEED, {"message": "Hello"}).json()["id"]
    comment_id = writer.form(f"/{post_id}/comments", {"message": "First!"}).json()["id"]
    metric = {"metric": "post_media_view"}
    assert refusal(writer.get(f"/{post_id}/insights", metric))[:2] == (403, 10)
    reader = connect_facebook(visitor, permissions=["pages_show_list", "pages_read_engagement", "read_insights"])
    assert reader.get(f"/{post_id}/insights", metric).status_code == 200
    blind = connect_facebook(visitor, permissions=["pages_show_list", "read_insights"])
    assert refusal(blind.get(f"/{post_id}/insights", metric))[:2] == (403, 10)
    assert refusal(reader.delete(f"/{comment_id}"))[:2] == (403, 10)
    assert writer.delete(f"/{comment_id}").json() == {"success": True}
