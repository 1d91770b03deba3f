"""The list of posts, the page of one, and their buttons."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import responses
from django.contrib.messages import get_messages
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import Organization, User
from accounts.permissions import Role
from connections.models import SocialConnection
from publishing.charts import line_chart, short_number
from publishing.models import PostGroup, PostMetric, PostStatus, PublishAttempt, PublishStep, SocialPost
from publishing.services import schedule_post
from tests import factories
from tests.conftest import signed_in
from tests.factories import make_post


@pytest.fixture
def x(club: Organization) -> SocialConnection:
    return factories.make_connection(club, "TWITTER", account_name="Riverside GC", expires_in_s=30 * 24 * 3600)


@pytest.fixture
def published(club: Organization) -> SocialPost:
    mastodon = factories.make_connection(club, "MASTODON", expires_in_s=None, refresh="")
    return factories.make_post(mastodon, status="PUBLISHED", platform_post_id="5001", likes=1)


def page_of(client: Client, post: SocialPost) -> str:
    return client.get(reverse("publishing:post", args=[post.pk])).content.decode()


def press(client: Client, post: SocialPost, button: str, **fields: str) -> str:
    """Press a button of the post's page; what the next page says."""
    answer = client.post(reverse(f"publishing:{button}", args=[post.pk]), fields)
    assert answer.status_code == 302, answer.content
    said = " ".join(str(message) for message in get_messages(answer.wsgi_request))
    post.refresh_from_db()
    return said


# --- the list ---------------------------------------------------------------------------------------------------------


def test_failed_posts_come_first_and_every_status_has_its_count(as_bob: Client, x: SocialConnection) -> None:
    factories.make_post(x, content="Planned")
    factories.make_post(x, status="PUBLISHED", content="Out")
    factories.make_post(x, status="DRAFT", content="Idea")
    factories.make_post(x, status="FAILED", content="Broken", error_message="(#324) Requires upload file")
    page = as_bob.get("/posts/").content.decode()
    titles = re.findall(r'class="post-title"[^>]*>([^<]+)<', page)
    assert titles[0] == "Broken"
    assert set(titles) == {"Broken", "Planned", "Out", "Idea"}
    assert "X did not accept this post. Edit it, then try again." in page
    assert "(#324)" not in page
    tabs = {
        label.strip(): int(count)
        for label, count in re.findall(r'class="tab"[^>]*>([^<]+)<span class="count"[^>]*>(\d+)', page)
    }
    assert tabs == {"All": 4, "Needs attention": 1, "Drafts": 1, "Scheduled": 1, "Published": 1, "Failed": 1}


def test_the_next_post_to_go_out_is_the_first_of_the_planned_ones_and_the_latest_the_first_of_the_rest(
    as_bob: Client, x: SocialConnection
) -> None:
    now = timezone.now()
    for name, days in (("in three days", 3), ("tomorrow", 1), ("in two days", 2)):
        factories.make_post(x, content=name, scheduled_at=now + timedelta(days=days))
    for name, days in (("two days ago", 2), ("yesterday", 1)):
        factories.make_post(x, content=name, status="PUBLISHED", published_at=now - timedelta(days=days))
    factories.make_post(x, content="idea", status="DRAFT")
    factories.make_post(x, content="broken", status="FAILED", scheduled_at=now - timedelta(days=3))
    page = as_bob.get("/posts/").content.decode()
    titles = re.findall(r'class="post-title"[^>]*>([^<]+)<', page)
    assert titles == ["broken", "tomorrow", "in two days", "in three days", "idea", "yesterday", "two days ago"]
    headings = re.findall(r'scope="colgroup">([^<]+)<', page)
    assert headings == ["Failed", "Upcoming", "Drafts", "Published and cancelled"]


def test_the_list_shows_a_small_picture_of_each_post_that_has_one(
    as_bob: Client, club: Organization, x: SocialConnection
) -> None:
    asset = factories.make_asset(club)
    factories.attach(factories.make_post(x), asset)
    assert reverse("publishing:media_thumbnail", args=[asset.pk]) in as_bob.get("/posts/").content.decode()


@pytest.mark.parametrize(("query", "expected"), [
    ("status=DRAFT", {"Idea"}), ("status=ATTENTION", {"Broken", "Stuck"}), ("q=plan", {"Planned"}),
    ("platform=MASTODON", {"Stuck"}), ("status=SCHEDULED&platform=TWITTER", {"Planned"}), ("author=nobody", {"Broken", "Idea", "Planned", "Stuck"}),
])  # fmt: skip
def test_the_list_is_narrowed_by_its_address(
    as_bob: Client, club: Organization, x: SocialConnection, query: str, expected: set[str]
) -> None:
    lost = factories.make_connection(club, "MASTODON", is_active=False)
    factories.make_post(x, content="Planned")
    factories.make_post(x, status="DRAFT", content="Idea")
    factories.make_post(x, status="FAILED", content="Broken")
    factories.make_post(lost, content="Stuck")
    page = as_bob.get(f"/posts/?{query}").content.decode()
    assert set(re.findall(r'class="post-title"[^>]*>([^<]+)<', page)) == expected


def test_thirty_posts_cost_as_many_queries_as_three(as_bob: Client, club: Organization, x: SocialConnection) -> None:
    def queries() -> int:
        with CaptureQueriesContext(database) as caught:
            assert as_bob.get("/posts/").status_code == 200
        return len(caught)

    def add(number: int) -> None:
        for _ in range(number):
            row = factories.make_post(x, created_by=factories.make_user(), campaign=factories.make_campaign(club))
            factories.attach(row, factories.make_asset(club))

    add(3)
    as_bob.get("/posts/")
    few = queries()
    add(27)
    assert queries() == few


def test_pages_go_on_with_the_same_filters(as_bob: Client, x: SocialConnection) -> None:
    for _ in range(60):
        factories.make_post(x)
    first = as_bob.get("/posts/?status=SCHEDULED").content.decode()
    assert "1 to 50 of 60" in first
    assert re.search(r'href="\?status=SCHEDULED&amp;page=2"', first)
    assert len(re.findall('class="post-title"', as_bob.get("/posts/?status=SCHEDULED&page=2").content.decode())) == 10


def test_a_club_without_posts_is_told_how_to_begin_and_one_without_matches_what_to_change(
    as_bob: Client, x: SocialConnection
) -> None:
    assert "No posts yet" in as_bob.get("/posts/").content.decode()
    factories.make_post(x)
    assert "No posts match “nothing &lt;like&gt; it”" in as_bob.get("/posts/?q=nothing+<like>+it").content.decode()
    assert "No posts match these filters" in as_bob.get("/posts/?status=CANCELLED").content.decode()


def test_bulk_cancel_takes_what_it_can_and_says_why_the_rest_stayed(as_bob: Client, x: SocialConnection) -> None:
    waiting = factories.make_post(x)
    out = factories.make_post(x, status="PUBLISHED")
    answer = as_bob.post(
        "/posts/bulk/", {"action": "cancel", "posts": [waiting.pk, out.pk], "next": "/posts/?status=SCHEDULED"}
    )
    said = [str(message) for message in get_messages(answer.wsgi_request)]
    assert answer.headers["Location"] == "/posts/?status=SCHEDULED"
    assert SocialPost.objects.get(pk=waiting.pk).status == "CANCELLED"
    assert SocialPost.objects.get(pk=out.pk).status == "PUBLISHED"
    assert "1 post cancelled." in said
    assert any("not changed" in text and "already published" in text for text in said)


def test_bulk_retry_and_bulk_delete(as_bob: Client, x: SocialConnection) -> None:
    failed, draft = factories.make_post(x, status="FAILED"), factories.make_post(x, status="DRAFT")
    as_bob.post("/posts/bulk/", {"action": "retry", "posts": [failed.pk]})
    as_bob.post("/posts/bulk/", {"action": "delete", "posts": [draft.pk]})
    assert SocialPost.objects.get(pk=failed.pk).status == "SCHEDULED"
    assert not SocialPost.objects.filter(pk=draft.pk).exists()


@pytest.mark.parametrize("fields", [{}, {"action": "cancel"}, {"action": "explode", "posts": ["x"]}])
def test_bulk_without_posts_or_sense_changes_nothing(
    as_bob: Client, x: SocialConnection, fields: dict[str, Any]
) -> None:
    row = factories.make_post(x)
    assert as_bob.post("/posts/bulk/", fields | {"next": "https://evil.example/"}).headers["Location"] == "/posts/"
    assert SocialPost.objects.get(pk=row.pk).status == "SCHEDULED"


def test_bulk_touches_no_other_organization(as_eve: Client, x: SocialConnection) -> None:
    row = factories.make_post(x)
    as_eve.post("/posts/bulk/", {"action": "cancel", "posts": [row.pk]})
    assert SocialPost.objects.get(pk=row.pk).status == "SCHEDULED"


# --- the page ---------------------------------------------------------------------------------------------------------


def test_the_page_shows_text_pictures_account_and_time(as_bob: Client, club: Organization, x: SocialConnection) -> None:
    post = factories.make_post(
        x, content="Twilight <b>tee</b>", link_url="https://riverside.example/tee", first_comment="See you there",
        scheduled_at=datetime(2027, 7, 1, 17, 0, tzinfo=UTC), campaign=factories.make_campaign(club, name="Summer"),
    )  # fmt: skip
    asset = factories.make_asset(club)
    factories.attach(post, asset)
    page = page_of(as_bob, post)
    for text in ("Twilight &lt;b&gt;tee&lt;/b&gt;", "https://riverside.example/tee", "See you there", "A green at dusk",
                 "Riverside GC", "Summer", "Thu 1 Jul 2027, 18:00", "Europe/Lisbon"):  # fmt: skip
        assert text in page
    assert reverse("publishing:media_file", args=[asset.pk]) in page


@pytest.mark.parametrize(
    ("fields", "label", "sentence", "buttons"),
    [
        ({"status": "DRAFT"}, "Draft", "", {"edit", "move", "publish_now", "delete"}),
        ({}, "Scheduled", "", {"edit", "move", "publish_now", "unschedule", "cancel"}),
        ({"hold_reason": "RECONNECTED", "error_message": "It came due while away."}, "On hold", "It came due while away.",
         {"release", "move", "cancel"}),
        ({"status": "FAILED", "error_message": "X refused the picture."}, "Failed", "X did not accept this post.",
         {"retry", "edit", "move", "cancel"}),
        ({"status": "FAILED", "error_code": "OUTCOME_UNKNOWN", "error_message": "Nobody knows."}, "Outcome unknown",
         "Nobody knows.", {"resolve"}),
        ({"status": "PUBLISHING"}, "Publishing", "being sent to X", set()),
        ({"status": "CANCELLED"}, "Cancelled", "will not be published", {"move", "edit"}),
        ({"next_attempt_at": timezone.now() + timedelta(days=1), "error_message": "X has a limit."}, "Retrying",
         "did not go through. Parley tries again on", {"publish_now", "move", "cancel"}),
        ({"status": "PUBLISHED", "platform_post_id": "77", "error_message": "The first comment is missing."},
         "Partly published",
         "The first comment is missing.", {"sync", "delete_at_platform"}),
        ({"status": "PUBLISHED", "deleted_at": timezone.now()}, "No longer online", "no longer on X", set()),
    ],
)  # fmt: skip
def test_each_state_says_what_it_means_and_offers_the_next_step(
    as_bob: Client, x: SocialConnection, fields: dict[str, Any], label: str, sentence: str, buttons: set[str]
) -> None:
    post = factories.make_post(x, **fields)
    page = page_of(as_bob, post)
    assert label in page
    assert sentence in page
    known = {"edit", "move", "publish_now", "delete", "unschedule", "cancel", "release", "retry", "resolve", "sync",
             "delete_at_platform", "delete_with_comment"}  # fmt: skip
    assert {name for name in known if f'"{reverse(f"publishing:{name}", args=[post.pk])}"' in page} == buttons


def test_a_viewer_reads_the_page_and_finds_no_button(club: Organization, x: SocialConnection) -> None:
    post = factories.make_post(x)
    viewer = signed_in(factories.make_member(club, Role.VIEWER).user)
    page = page_of(viewer, post)
    assert 'id="actions-title"' not in page
    assert viewer.post(reverse("publishing:publish_now", args=[post.pk])).status_code == 403


def test_the_history_tells_who_did_what_and_every_attempt_with_its_steps(
    as_bob: Client, bob: User, x: SocialConnection
) -> None:
    post = factories.make_post(x, status="DRAFT")
    schedule_post(post, at=timezone.now() + timedelta(hours=1), by=bob)
    attempt = PublishAttempt.objects.create(
        organization=post.organization, post=post, number=1, key=uuid4(), owner="w", started_at=timezone.now(),
        finished_at=timezone.now(), outcome="FAILED", error_message="X refused the picture.",
    )  # fmt: skip
    PublishStep.objects.create(
        attempt=attempt, name="upload:1", is_public=False, started_at=timezone.now(), error="too large"
    )
    page = page_of(as_bob, post)
    assert re.search(r"<strong>Scheduled</strong>.{0,40}by Bob.*?<p[^>]*>For \w+ \d+ \w+, \d\d:\d\d</p>", page, re.S)
    assert "Attempt 1: failed" in page
    assert "X refused the picture." in page
    assert "upload:1" in page


def test_engagement_stands_as_numbers_and_as_a_line_over_time(as_bob: Client, published: SocialPost) -> None:
    start = published.published_at
    assert start is not None
    for hours, likes in ((1, 10), (2, 30), (3, 44)):
        PostMetric.objects.create(post=published, at=start + timedelta(hours=hours), likes=likes, comments=1, shares=2)
    SocialPost.objects.filter(pk=published.pk).update(likes=1044, comments=1, impressions=None)
    page = page_of(as_bob, published)
    assert "1,044" in page
    assert "Impressions" not in page
    path = re.search(r'class="chart-line" d="([^"]+)"', page)
    assert path is not None
    assert path.group(1).count(" L") == 3
    assert "style=" not in page


def test_the_page_costs_as_many_queries_for_thirty_attempts_as_for_three(as_bob: Client, x: SocialConnection) -> None:
    post = factories.make_post(x)

    def queries() -> int:
        with CaptureQueriesContext(database) as caught:
            page_of(as_bob, post)
        return len(caught)

    def add(numbers: range) -> None:
        for number in numbers:
            attempt = PublishAttempt.objects.create(
                organization=post.organization, post=post, number=number, key=uuid4(), owner="w",
                started_at=timezone.now(), outcome="RETRY",
            )  # fmt: skip
            PublishStep.objects.create(attempt=attempt, name="post", is_public=True, started_at=timezone.now())

    add(range(3))
    page_of(as_bob, post)
    few = queries()
    add(range(3, 30))
    assert queries() == few


def test_nobody_sees_or_touches_the_posts_of_another_organization(as_eve: Client, x: SocialConnection) -> None:
    post = factories.make_post(x)
    assert as_eve.get(reverse("publishing:post", args=[post.pk])).status_code == 404
    for name in (
        "publish_now",
        "release",
        "retry",
        "cancel",
        "unschedule",
        "delete",
        "delete_at_platform",
        "delete_with_comment",
        "sync",
        "resolve",
    ):
        assert as_eve.post(reverse(f"publishing:{name}", args=[post.pk]), {"decision": "drop"}).status_code == 404, name
    assert SocialPost.objects.get(pk=post.pk).status == "SCHEDULED"


# --- the buttons ------------------------------------------------------------------------------------------------------


def test_publish_now_makes_a_post_due(as_bob: Client, x: SocialConnection) -> None:
    post = factories.make_post(x, status="DRAFT")
    assert "Publishing now" in press(as_bob, post, "publish_now")
    assert post.status == "SCHEDULED"
    assert post.scheduled_at is not None
    assert post.scheduled_at <= timezone.now()


def test_a_held_post_goes_out_when_a_person_says_so(as_bob: Client, x: SocialConnection) -> None:
    post = factories.make_post(x, hold_reason="RECONNECTED", scheduled_at=timezone.now() - timedelta(hours=3))
    press(as_bob, post, "release")
    assert (post.status, post.hold_reason) == ("SCHEDULED", "")


def test_retry_sends_again_and_refuses_what_did_not_fail(as_bob: Client, x: SocialConnection) -> None:
    failed = factories.make_post(x, status="FAILED")
    assert "Trying again now" in press(as_bob, failed, "retry")
    assert failed.status == "SCHEDULED"
    assert "Only a failed post" in press(as_bob, failed, "retry")


def test_cancel_and_unschedule(as_bob: Client, x: SocialConnection) -> None:
    one, two = factories.make_post(x), factories.make_post(x)
    press(as_bob, one, "cancel")
    press(as_bob, two, "unschedule")
    assert one.status == "CANCELLED"
    assert (two.status, two.scheduled_at) == ("DRAFT", None)


def test_only_a_draft_can_be_deleted(as_bob: Client, x: SocialConnection) -> None:
    draft, planned = factories.make_post(x, status="DRAFT"), factories.make_post(x)
    assert as_bob.post(reverse("publishing:delete", args=[draft.pk])).headers["Location"] == "/posts/"
    assert not SocialPost.objects.filter(pk=draft.pk).exists()
    assert "Only a draft" in press(as_bob, planned, "delete")


def test_a_refusal_is_said_and_nothing_is_lost(as_bob: Client, x: SocialConnection) -> None:
    post = factories.make_post(x, status="DRAFT", content="x" * 300)
    assert "280" in press(as_bob, post, "publish_now")
    assert post.status == "DRAFT"


@responses.activate
def test_deleting_at_the_platform_keeps_the_post_here_marked_as_gone(as_bob: Client, published: SocialPost) -> None:
    responses.delete("https://mastodon.example/api/v1/statuses/5001", json={"id": "5001"})
    press(as_bob, published, "delete_at_platform")
    assert published.status == "PUBLISHED"
    assert published.deleted_at is not None


def with_first_comment(post: SocialPost, comment_id: str = "5002") -> SocialPost:
    """The post as it is when its first comment went out with it."""
    now = timezone.now()
    post.first_comment = "Book here"
    post.save(update_fields=["first_comment"])
    attempt = post.attempts.create(
        organization=post.organization, number=1, key=uuid4(), started_at=now, finished_at=now, outcome="PUBLISHED"
    )
    attempt.steps.create(name="comment", is_public=True, started_at=now, finished_at=now, result={"id": comment_id})
    return post


@responses.activate
def test_deleting_a_post_says_that_its_first_comment_stays_and_offers_to_delete_both(
    as_bob: Client, published: SocialPost
) -> None:
    with_first_comment(published)
    page = page_of(as_bob, published)
    assert "Its first comment is a post of its own on Mastodon and stays." in page
    assert "Delete with first comment" in page
    deleted = [responses.delete(f"https://mastodon.example/api/v1/statuses/{one}", json={}) for one in ("5002", "5001")]
    assert "with its first comment" in press(as_bob, published, "delete_with_comment")
    assert published.deleted_at is not None
    assert [call.request.url for call in responses.calls] == [one.url for one in deleted]


@responses.activate
def test_a_comment_that_cannot_be_deleted_leaves_the_post_to_be_tried_again(
    as_bob: Client, published: SocialPost
) -> None:
    with_first_comment(published)
    responses.delete("https://mastodon.example/api/v1/statuses/5002", status=503)
    press(as_bob, published, "delete_with_comment")
    assert published.deleted_at is None
    assert {str(call.request.url)[-4:] for call in responses.calls} == {"5002"}


@responses.activate
def test_a_post_deleted_alone_leaves_its_comment(as_bob: Client, published: SocialPost) -> None:
    with_first_comment(published)
    responses.delete("https://mastodon.example/api/v1/statuses/5001", json={})
    press(as_bob, published, "delete_at_platform")
    assert len(responses.calls) == 1


def test_where_comments_go_with_their_post_that_is_said_and_nothing_offered(as_bob: Client, club: Organization) -> None:
    page = page_of(as_bob, with_first_comment(factories.make_post(
        factories.make_connection(club, "FACEBOOK"), status="PUBLISHED", platform_post_id="1_77",
    )))  # fmt: skip
    assert "Its first comment and all others go with it." in page
    assert "Delete with first comment" not in page


def test_a_post_without_a_first_comment_says_nothing_of_one(as_bob: Client, published: SocialPost) -> None:
    page = page_of(as_bob, published)
    assert "first comment" not in page


@responses.activate
def test_engagement_is_read_on_demand_and_a_platform_in_trouble_is_named(as_bob: Client, published: SocialPost) -> None:
    responses.get(
        re.compile("https://mastodon.example/api/v1/statuses.*"), status=503, json={"error": "Service Unavailable"}
    )
    assert "up to date" not in press(as_bob, published, "sync")
    assert published.engagement_synced_at is None


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"decision": "published", "link": "https://x.com/riversidegc/status/77"}, "PUBLISHED"),
        ({"decision": "resend"}, "SCHEDULED"),
        ({"decision": "drop"}, "CANCELLED"),
        ({"decision": "published", "link": "javascript:alert(1)"}, "FAILED"),
        ({"decision": "perhaps"}, "FAILED"),
    ],
)
def test_a_person_decides_about_a_post_of_unknown_outcome(
    as_bob: Client, x: SocialConnection, fields: dict[str, str], status: str
) -> None:
    post = factories.make_post(x, status="FAILED", error_code="OUTCOME_UNKNOWN", error_message="Nobody knows.")
    assert "Was it published?" in page_of(as_bob, post)
    said = press(as_bob, post, "resolve", **fields)
    assert said
    assert post.status == status


# --- charts -----------------------------------------------------------------------------------------------------------


def test_a_chart_begins_at_zero_and_ends_at_a_round_number() -> None:
    start = datetime(2026, 12, 1, tzinfo=UTC)
    chart = line_chart([(start, 0), (start + timedelta(hours=1), 37)])
    assert chart is not None
    assert [label for _y, label in chart.grid] == ["0", "20", "40"]
    assert chart.line == f"M{chart.left}.0 {chart.bottom}.0 L{chart.last_x} {chart.last_y}"


def test_one_point_makes_no_line() -> None:
    assert line_chart([]) is None
    assert line_chart([(datetime(2026, 12, 1, tzinfo=UTC), 5)]) is None


@pytest.mark.parametrize(("value", "text"), [(0, "0"), (950, "950"), (1000, "1k"), (1250, "1.2k"), (3_400_000, "3.4M")])
def test_large_numbers_are_shortened(value: int, text: str) -> None:
    assert short_number(value) == text


def test_the_drawers_buttons_answer_an_open_calendar_and_not_a_page(as_bob: Client, x: SocialConnection) -> None:
    post = factories.make_post(x, status="FAILED", scheduled_at=timezone.now() - timedelta(hours=1))
    answer = as_bob.post(
        reverse("publishing:retry", args=[post.pk]),
        HTTP_HX_REQUEST="true",
        HTTP_HX_CURRENT_URL="http://testserver/calendar/",
    )
    assert answer.status_code == 200
    assert json.loads(answer.headers["HX-Trigger"])["toast"]["tone"] == "ok"
    assert b'id="calendar-aside"' in answer.content


# --- copies -----------------------------------------------------------------------------------------------------------


def test_a_duplicate_is_a_draft_of_its_own_with_the_same_content_and_opens_for_writing(
    as_bob: Client, club: Organization, published: SocialPost, bob: User
) -> None:
    published.campaign = factories.make_campaign(club)
    published.link_url, published.likes = "https://riverside.example/dinner", 7
    published.save()
    factories.attach(published, factories.make_asset(club, alt_text="A long table"))
    answer = as_bob.post(reverse("publishing:duplicate", args=[published.pk]))
    copy = SocialPost.objects.exclude(pk=published.pk).get()
    assert answer["Location"] == reverse("publishing:edit", args=[copy.pk])
    assert (copy.status, copy.scheduled_at, copy.published_at, copy.platform_post_id) == ("DRAFT", None, None, None)
    assert (copy.content, copy.link_url) == (published.content, published.link_url)
    assert (copy.connection_id, copy.campaign_id, copy.created_by) == (
        published.connection_id, published.campaign_id, bob,
    )  # fmt: skip
    assert [use.asset_id for use in copy.attached_media.all()] == [
        use.asset_id for use in published.attached_media.all()
    ]
    assert (copy.likes, copy.group_id) == (0, None)
    assert b"This is a copy" in as_bob.get(answer["Location"]).content


def test_a_copy_of_a_post_whose_account_is_gone_begins_with_choosing_another(
    as_bob: Client, club: Organization, published: SocialPost
) -> None:
    SocialConnection.objects.filter(pk=published.connection_id).update(disconnected_at=timezone.now(), is_active=False)
    factories.make_connection(club, account_name="Riverside Juniors")
    factories.make_connection(club, "MASTODON")
    assert "Duplicate" in page_of(as_bob, published)
    answer = as_bob.post(reverse("publishing:duplicate", args=[published.pk]))
    assert answer["Location"] == f"/posts/new/?copy={published.pk}"
    page = as_bob.get(answer["Location"]).content.decode()
    assert f"{published.content}</textarea>" in page
    assert published.link_url in page
    assert all(str(use.asset_id) in page for use in published.attached_media.all())
    assert "Riverside Juniors" in page
    assert not re.search(r'name="connections"[^>]*checked', page)
    assert SocialPost.objects.count() == 1


def test_a_copy_begins_with_nobody_else_s_post(as_eve: Client, published: SocialPost) -> None:
    page = as_eve.get(f"/posts/new/?copy={published.pk}")
    assert page.status_code == 200
    assert published.content not in page.content.decode()
    assert as_eve.get("/posts/new/?copy=x").status_code == 200


def test_a_viewer_cannot_duplicate(club: Organization, published: SocialPost) -> None:
    viewer = signed_in(factories.make_member(club, Role.VIEWER).user)
    assert viewer.post(reverse("publishing:duplicate", args=[published.pk])).status_code == 403
    assert "Duplicate" not in page_of(viewer, published)


def test_the_drafts_of_one_idea_are_one_row_and_go_together(
    as_alice: Client, club: Organization, x: SocialConnection, facebook: SocialConnection
) -> None:
    group = PostGroup.objects.create(organization=club, content="One idea")
    idea = [make_post(one, content="One idea", status=PostStatus.DRAFT, group=group) for one in (x, facebook)]
    make_post(x, content="Another", status=PostStatus.DRAFT)
    answer = as_alice.get("/posts/?status=DRAFT")
    rows = [[post.pk for post in together] for _post, _standing, _heading, together in answer.context["rows"]]
    assert sorted(map(len, rows)) == [1, 2]
    assert {str(tab["label"]): tab["count"] for tab in answer.context["tabs"]}["Drafts"] == 2
    narrowed = as_alice.get("/posts/?status=DRAFT&platform=FACEBOOK")
    assert [[post.connection for post in row[3]] for row in narrowed.context["rows"]] == [[facebook]]
    ticked = ",".join(str(post.pk) for post in idea)
    as_alice.post("/posts/bulk/", {"action": "delete", "posts": [ticked]})
    assert list(SocialPost.objects.values_list("content", flat=True)) == ["Another"]
