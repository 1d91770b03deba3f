"""Posts, post groups, media and the calendar by REST."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from accounts.models import Organization, User
from accounts.permissions import Role
from campaigns.models import Campaign
from connections.models import SocialConnection
from publishing.models import MediaAsset, PostGroup, PostMetric, PostStatus, SocialPost
from tests import factories
from tests.api.client import ApiClient

POST_FIELDS = {
    "id", "connection", "platform", "group", "campaign", "content", "link_url", "first_comment", "media", "options",
    "status", "scheduled_at", "published_at", "platform_post_id", "permalink", "retry_count", "error_code",
    "error_message", "likes", "comments", "shares", "reach", "impressions", "clicks", "engagement_synced_at",
    "created_by", "created_at", "updated_at",
}  # fmt: skip


@pytest.fixture
def api(bob: User, alice: User) -> ApiClient:
    return ApiClient(bob)


@pytest.fixture
def x(club: Organization) -> SocialConnection:
    return factories.make_connection(club, "TWITTER")


@pytest.fixture
def mastodon(club: Organization) -> SocialConnection:
    return factories.make_connection(club, "MASTODON")


def in_an_hour() -> str:
    return (timezone.now() + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")


class TestWriting:
    def test_without_a_time_it_is_a_draft_with_exactly_the_agreed_fields(
        self, api: ApiClient, x: SocialConnection, bob: User
    ) -> None:
        answer = api.post("social/posts", {"connection": str(x.pk), "content": "Twilight tee times"})
        assert answer.status_code == 201
        post = answer.json()
        assert set(post) == POST_FIELDS
        assert (post["status"], post["platform"], post["created_by"]) == ("DRAFT", "TWITTER", str(bob.pk))
        assert (post["reach"], post["likes"], post["scheduled_at"]) == (None, 0, None)

    def test_with_a_time_it_is_scheduled(self, api: ApiClient, x: SocialConnection) -> None:
        at = in_an_hour()
        post = api.post("social/posts", {"connection": str(x.pk), "content": "Tee times", "scheduled_at": at}).json()
        assert (post["status"], post["scheduled_at"]) == ("SCHEDULED", at)

    def test_a_time_with_an_offset_is_the_same_moment_in_utc(self, api: ApiClient, x: SocialConnection) -> None:
        with time_machine.travel(datetime(2026, 6, 1, tzinfo=UTC), tick=False):
            body = {"connection": str(x.pk), "content": "Tee", "scheduled_at": "2026-07-01T18:00:00+01:00"}
            assert (
                ApiClient(User.objects.get(email="bob@riverside.example"))
                .post("social/posts", body)
                .json()["scheduled_at"]
                == "2026-07-01T17:00:00Z"
            )

    @pytest.mark.parametrize("text", ["2099-07-01T18:00:00", "tomorrow", "2099-13-01T00:00:00Z", 5])
    def test_a_time_that_is_not_clear_is_refused(self, api: ApiClient, x: SocialConnection, text: Any) -> None:
        answer = api.post("social/posts", {"connection": str(x.pk), "content": "Tee", "scheduled_at": text})
        assert answer.status_code == 400
        assert "scheduled_at" in answer.json()["errors"]

    def test_a_time_in_the_past_is_refused_and_leaves_no_draft_behind(
        self, api: ApiClient, x: SocialConnection
    ) -> None:
        body = {"connection": str(x.pk), "content": "Tee", "scheduled_at": "2020-01-01T00:00:00Z"}
        answer = api.post("social/posts", body)
        assert (answer.status_code, answer.json()["code"]) == (409, "in_the_past")
        assert "scheduled_at" in answer.json()["errors"]
        assert not SocialPost.objects.exists()

    def test_what_the_platform_would_refuse_is_named_and_nothing_is_made(
        self, api: ApiClient, x: SocialConnection
    ) -> None:
        body = {"connection": str(x.pk), "content": "x" * 300, "scheduled_at": in_an_hour()}
        answer = api.post("social/posts", body)
        assert (answer.status_code, answer.json()["code"]) == (422, "post_has_problems")
        (problem,) = answer.json()["problems"]
        assert (problem["field"], problem["blocking"]) == ("content", True)
        assert "280" in problem["message"] or "20" in problem["message"]
        assert not SocialPost.objects.exists()

    def test_pictures_keep_their_order(self, api: ApiClient, x: SocialConnection, club: Organization) -> None:
        ids = [str(factories.make_asset(club).pk) for _ in range(3)]
        post = api.post("social/posts", {"connection": str(x.pk), "content": "Greens", "media": ids[::-1]}).json()
        assert post["media"] == ids[::-1]
        changed = api.patch(f"social/posts/{post['id']}", {"media": ids[:1]}).json()
        assert (changed["media"], changed["content"]) == (ids[:1], "Greens")

    def test_a_change_keeps_what_it_does_not_name(
        self, api: ApiClient, x: SocialConnection, club: Organization
    ) -> None:
        campaign = factories.make_campaign(club)
        body = {
            "connection": str(x.pk),
            "content": "Tee",
            "campaign": str(campaign.pk),
            "link_url": "https://a.example",
        }
        post = api.post("social/posts", body).json()
        changed = api.patch(f"social/posts/{post['id']}", {"content": "Tea"}).json()
        assert (changed["content"], changed["campaign"], changed["link_url"]) == (
            "Tea", str(campaign.pk), "https://a.example",
        )  # fmt: skip
        assert api.patch(f"social/posts/{post['id']}", {"campaign": None}).json()["campaign"] is None

    def test_rows_of_another_organization_are_rows_that_do_not_exist(
        self, api: ApiClient, x: SocialConnection, rivals: Organization
    ) -> None:
        strange = {
            "connection": str(factories.make_connection(rivals).pk),
            "campaign": str(factories.make_campaign(rivals).pk),
            "media": [str(factories.make_asset(rivals).pk)],
        }
        for name, value in strange.items():
            body: dict[str, Any] = {"connection": str(x.pk), "content": "Tee"} | {name: value}
            answer = api.post("social/posts", body)
            assert answer.status_code == 422
            missing: dict[str, Any] = {"connection": str(x.pk), "content": "Tee"}
            missing |= {name: [str(uuid.uuid4())] if name == "media" else str(uuid.uuid4())}
            unknown = api.post("social/posts", missing).json()["errors"]
            assert set(answer.json()["errors"]) == set(unknown)

    @pytest.mark.parametrize(
        "wrong",
        [{"content": 5.5e400}, {"content": "\ud800"}, {"options": []}, {"media": "x"}, {"media": ["x"]}, {"connection": "x"}, {"status": "PUBLISHED"}],
    )  # fmt: skip
    def test_nonsense_is_a_400(self, api: ApiClient, x: SocialConnection, wrong: dict[str, Any]) -> None:
        assert api.post("social/posts", {"connection": str(x.pk), "content": "Tee"} | wrong).status_code == 400

    @pytest.mark.parametrize(
        "options", ['{"a": "\\u0000"}', '{"a": "\\ud800"}', '{"a": 1e400}', '{"a": ' + "[" * 30 + "]" * 30 + "}",
                    '{"a": "' + "x" * 20_001 + '"}'],
    )  # fmt: skip
    def test_options_that_cannot_be_stored_are_a_422(self, api: ApiClient, x: SocialConnection, options: str) -> None:
        body = f'{{"connection": "{x.pk}", "content": "Tee", "options": {options}}}'
        answer = api.browser.post("/api/v1/social/posts", body, content_type="application/json", headers=api.headers)
        assert (answer.status_code, set(answer.json()["errors"])) == (422, {"options"})

    def test_a_viewer_writes_nothing(self, club: Organization, x: SocialConnection) -> None:
        viewer = ApiClient(factories.make_member(club, Role.VIEWER).user)
        assert viewer.get("social/posts").status_code == 200
        assert viewer.post("social/posts", {"connection": str(x.pk), "content": "Tee"}).status_code == 403

    def test_a_viewer_spends_no_calls_to_the_platform(self, club: Organization, x: SocialConnection) -> None:
        viewer = ApiClient(factories.make_member(club, Role.VIEWER).user)
        post = factories.make_post(x, status=PostStatus.PUBLISHED)
        assert viewer.post(f"social/posts/{post.pk}/sync-engagement").status_code == 403

    def test_the_same_key_makes_one_post(self, api: ApiClient, x: SocialConnection) -> None:
        body = {"connection": str(x.pk), "content": "Tee"}
        first, second = (api.post("social/posts", body, **{"Idempotency-Key": "once"}) for _ in range(2))
        assert first.json() == second.json()
        assert SocialPost.objects.count() == 1


class TestActions:
    @pytest.fixture
    def post(self, x: SocialConnection) -> SocialPost:
        return factories.make_post(x, status=PostStatus.DRAFT)

    def test_schedule_moves_and_unschedule_brings_back(self, api: ApiClient, post: SocialPost) -> None:
        at = in_an_hour()
        planned = api.post(f"social/posts/{post.pk}/schedule", {"scheduled_at": at}).json()
        assert (planned["status"], planned["scheduled_at"]) == ("SCHEDULED", at)
        back = api.post(f"social/posts/{post.pk}/unschedule").json()
        assert (back["status"], back["scheduled_at"]) == ("DRAFT", None)

    def test_duplicate_makes_a_draft_for_another_connection(
        self, api: ApiClient, post: SocialPost, mastodon: SocialConnection, rivals: Organization
    ) -> None:
        SocialConnection.objects.filter(pk=post.connection_id).update(disconnected_at=timezone.now(), is_active=False)
        path = f"social/posts/{post.pk}/duplicate"
        refused = api.post(path)
        assert refused.status_code == 409
        assert "Choose another social account" in refused.json()["detail"]
        copy = api.post(path, {"connection": str(mastodon.pk)}).json()
        assert (copy["connection"], copy["content"], copy["status"]) == (str(mastodon.pk), post.content, "DRAFT")
        strange = {"connection": str(factories.make_connection(rivals).pk)}
        assert api.post(path, strange).status_code == 422

    def test_duplicate_makes_a_draft_with_the_same_content(self, api: ApiClient, post: SocialPost) -> None:
        answer = api.post(f"social/posts/{post.pk}/duplicate")
        copy = answer.json()
        assert (answer.status_code, copy["status"], copy["scheduled_at"]) == (201, "DRAFT", None)
        assert copy["id"] != str(post.pk)
        assert (copy["content"], copy["connection"]) == (post.content, str(post.connection_id))

    def test_a_changed_time_moves_the_post_and_null_takes_it_back(self, api: ApiClient, post: SocialPost) -> None:
        at = in_an_hour()
        assert api.patch(f"social/posts/{post.pk}", {"scheduled_at": at}).json()["status"] == "SCHEDULED"
        assert api.patch(f"social/posts/{post.pk}", {"scheduled_at": None}).json()["status"] == "DRAFT"

    def test_publish_makes_it_due_at_once(self, api: ApiClient, post: SocialPost) -> None:
        sent = api.post(f"social/posts/{post.pk}/publish").json()
        assert sent["status"] == "SCHEDULED"
        assert datetime.fromisoformat(sent["scheduled_at"]) <= timezone.now()

    def test_cancel(self, api: ApiClient, x: SocialConnection) -> None:
        waiting = factories.make_post(x)
        assert api.post(f"social/posts/{waiting.pk}/cancel").json()["status"] == "CANCELLED"

    def test_retry_sends_a_failed_one_again(self, api: ApiClient, x: SocialConnection) -> None:
        failed = factories.make_post(x, status=PostStatus.FAILED)
        again = api.post(f"social/posts/{failed.pk}/retry").json()
        assert (again["status"], again["error_message"], again["retry_count"]) == ("SCHEDULED", None, 0)

    def test_what_makes_no_sense_is_a_conflict_that_says_why(self, api: ApiClient, x: SocialConnection) -> None:
        out = factories.make_post(x, status=PostStatus.PUBLISHED)
        for name in ("cancel", "retry", "publish", "unschedule"):
            answer = api.post(f"social/posts/{out.pk}/{name}")
            assert (name, answer.status_code) == (name, 409)
            assert answer.json()["detail"]
        assert api.patch(f"social/posts/{out.pk}", {"content": "New"}).status_code == 409
        assert api.delete(f"social/posts/{out.pk}").status_code == 409

    def test_an_inactive_account_takes_no_schedule(self, api: ApiClient, post: SocialPost) -> None:
        SocialConnection.objects.update(is_active=False)
        answer = api.post(f"social/posts/{post.pk}/schedule", {"scheduled_at": in_an_hour()})
        assert (answer.status_code, answer.json()["code"]) == (409, "connection_inactive")

    def test_an_unknown_outcome_is_decided_by_a_person(self, api: ApiClient, x: SocialConnection) -> None:
        unknown = factories.make_post(x, status=PostStatus.FAILED, error_code="OUTCOME_UNKNOWN")
        assert api.post(f"social/posts/{unknown.pk}/retry").json()["code"] == "outcome_unknown"
        body = {"decision": "published", "link": "https://x.com/riverside/status/123"}
        assert api.post(f"social/posts/{unknown.pk}/resolve", body).json()["status"] == "PUBLISHED"
        assert api.post(f"social/posts/{unknown.pk}/resolve", {"decision": "maybe"}).status_code == 400

    def test_a_draft_is_deleted(self, api: ApiClient, post: SocialPost) -> None:
        assert api.delete(f"social/posts/{post.pk}").status_code == 204
        assert not SocialPost.objects.exists()

    def test_metrics_are_the_history_of_the_counts(self, api: ApiClient, x: SocialConnection) -> None:
        out = factories.make_post(x, status=PostStatus.PUBLISHED, likes=7)
        PostMetric.objects.create(post=out, at=timezone.now(), likes=3)
        seen = api.get(f"social/posts/{out.pk}/metrics").json()
        assert seen["likes"] == 7
        assert [(point["likes"], point["reach"]) for point in seen["points"]] == [(3, None)]

    def test_problems_are_told_before_anything_is_scheduled(self, api: ApiClient, x: SocialConnection) -> None:
        long = factories.make_post(x, status=PostStatus.DRAFT, content="x" * 300)
        assert api.get(f"social/posts/{long.pk}/problems").json()["problems"][0]["blocking"] is True

    def test_an_action_takes_no_unknown_fields(self, api: ApiClient, post: SocialPost) -> None:
        assert api.post(f"social/posts/{post.pk}/publish", {"at": in_an_hour()}).status_code == 400


class TestLists:
    def test_are_filtered_and_ordered(self, api: ApiClient, x: SocialConnection, mastodon: SocialConnection) -> None:
        late = factories.make_post(x, scheduled_at=timezone.now() + timedelta(days=2))
        soon = factories.make_post(mastodon, content="Junior academy")
        factories.make_post(x, status=PostStatus.DRAFT)

        def ids(query: str) -> list[str]:
            answer = api.get(f"social/posts?{query}")
            assert answer.status_code == 200, answer.content
            return [row["id"] for row in answer.json()["results"]]

        assert ids("status=SCHEDULED&ordering=scheduled_at") == [str(soon.pk), str(late.pk)]
        assert ids("ordering=-scheduled_at")[:2] == [str(late.pk), str(soon.pk)]
        assert ids(f"connection={mastodon.pk}") == [str(soon.pk)]
        assert ids("platform=MASTODON") == [str(soon.pk)]
        assert ids("q=academy") == [str(soon.pk)]
        assert set(ids("status=SCHEDULED&status=DRAFT")) == set(ids(""))

    def test_pages_reach_rows_without_a_value(self, api: ApiClient, x: SocialConnection) -> None:
        for _ in range(2):
            factories.make_post(x)
            factories.make_post(x, status=PostStatus.DRAFT)
        for ordering in ("scheduled_at", "-scheduled_at"):
            address, seen, backwards = f"social/posts?limit=1&ordering={ordering}", [], []
            last = address
            while address:
                page = api.get(address).json()
                seen += [row["id"] for row in page["results"]]
                last, address = address, page["next"]
            while last:
                page = api.get(last).json()
                backwards += [row["id"] for row in page["results"]]
                last = page["previous"]
            assert len(set(seen)) == len(seen) == 4
            assert backwards == seen[::-1]

    def test_take_as_many_queries_for_thirty_rows_as_for_three(self, api: ApiClient, x: SocialConnection) -> None:
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        counts = []
        for amount in (3, 27):
            for _ in range(amount):
                factories.attach(factories.make_post(x), factories.make_asset(x.organization))
            with CaptureQueriesContext(connection) as queries:
                assert api.get("social/posts?limit=100").status_code == 200
            counts.append(len(queries))
        assert counts[0] == counts[1]


class TestGroups:
    def test_one_post_for_each_connection_with_its_variant(
        self, api: ApiClient, x: SocialConnection, mastodon: SocialConnection
    ) -> None:
        body = {
            "connections": [str(x.pk), str(mastodon.pk)], "content": "Members' dinner",
            "variants": {str(mastodon.pk): {"content": "Members' dinner #golf"}}, "scheduled_at": in_an_hour(),
        }  # fmt: skip
        answer = api.post("social/post-groups", body)
        assert answer.status_code == 201
        posts = {post["platform"]: post for post in answer.json()["posts"]}
        assert posts["TWITTER"]["content"] == "Members' dinner"
        assert posts["MASTODON"]["content"] == "Members' dinner #golf"
        assert {post["status"] for post in posts.values()} == {"SCHEDULED"}
        assert {post["group"] for post in posts.values()} == {answer.json()["id"]}
        assert api.get(f"social/post-groups/{answer.json()['id']}").json()["content"] == "Members' dinner"

    def test_problems_of_all_connections_are_named_and_nothing_is_made(
        self, api: ApiClient, x: SocialConnection, mastodon: SocialConnection
    ) -> None:
        body = {"connections": [str(x.pk), str(mastodon.pk)], "content": "x" * 600, "scheduled_at": in_an_hour()}
        answer = api.post("social/post-groups", body)
        assert answer.status_code == 422
        assert {problem["connection"] for problem in answer.json()["problems"]} == {str(x.pk), str(mastodon.pk)}
        assert not PostGroup.objects.exists()
        assert not SocialPost.objects.exists()

    def test_a_variant_of_no_connection_and_a_connection_named_twice_are_refused(
        self, api: ApiClient, x: SocialConnection
    ) -> None:
        strange = {"connections": [str(x.pk)], "content": "T", "variants": {str(uuid.uuid4()): {"content": "x"}}}
        assert "variants" in str(api.post("social/post-groups", strange).json()["errors"])
        twice = {"connections": [str(x.pk), str(x.pk)], "content": "T"}
        assert "connections" in api.post("social/post-groups", twice).json()["errors"]
        unknown = {"connections": [str(x.pk)], "content": "T", "variants": {str(x.pk): {"colour": "x"}}}
        assert api.post("social/post-groups", unknown).status_code == 400


class TestMedia:
    def _upload(self, api: ApiClient, body: bytes, name: str = "green.png", **fields: str) -> Any:
        file = SimpleUploadedFile(name, body, "image/png")
        return api.browser.post("/api/v1/social/media", {"file": file, **fields}, headers=api.headers)

    def test_an_upload_is_kept_and_can_be_fetched_with_the_credential_alone(self, api: ApiClient, eve: User) -> None:
        made = self._upload(api, factories.picture(), alt_text="The ninth green")
        assert made.status_code == 201, made.content
        asset = made.json()
        assert (asset["width"], asset["height"], asset["alt_text"]) == (640, 480, "The ninth green")
        path = asset["url"].split("testserver")[1]
        shown = api.get(path)
        assert (shown.status_code, shown["Content-Type"]) == (200, "image/png")
        assert ApiClient().get(path).status_code == 401
        assert ApiClient(eve).get(path).status_code == 404

    def test_what_is_no_picture_is_refused_in_a_sentence(self, api: ApiClient) -> None:
        answer = self._upload(api, b"just some text", "photo.jpg")
        assert (answer.status_code, answer.json()["code"]) == (422, "media_refused")

    def test_without_a_file_it_says_so(self, api: ApiClient) -> None:
        assert "file" in api.post("social/media", {}).json()["errors"]

    def test_the_same_upload_with_the_same_key_answers_the_same(self, api: ApiClient) -> None:
        answers = []
        for _ in range(2):
            file = SimpleUploadedFile("green.png", factories.picture(), "image/png")
            headers = api.headers | {"Idempotency-Key": "upload-1"}
            answers.append(api.browser.post("/api/v1/social/media", {"file": file}, headers=headers))
        assert answers[0].json() == answers[1].json()
        assert answers[1]["Idempotent-Replayed"] == "true"

    def test_its_alternative_text_is_changed_and_nothing_else(self, api: ApiClient, club: Organization) -> None:
        asset = factories.make_asset(club)
        assert api.patch(f"social/media/{asset.pk}", {"alt_text": "New"}).json()["alt_text"] == "New"
        assert api.patch(f"social/media/{asset.pk}", {"width": 5}).status_code == 400

    def test_one_in_use_stays(self, api: ApiClient, x: SocialConnection, club: Organization) -> None:
        asset = factories.make_asset(club)
        factories.attach(factories.make_post(x), asset)
        assert api.delete(f"social/media/{asset.pk}").json()["code"] == "media_in_use"
        SocialPost.objects.all().delete()
        assert api.delete(f"social/media/{asset.pk}").status_code == 204
        assert not MediaAsset.objects.exists()


class TestCalendar:
    def test_shows_planned_and_published_posts_on_days_of_the_organization_s_zone(
        self, api: ApiClient, x: SocialConnection
    ) -> None:
        # 23:30 UTC on 30 June is 00:30 on 1 July in Lisbon.
        first = factories.make_post(x, scheduled_at=datetime(2026, 6, 30, 23, 30, tzinfo=UTC))
        factories.make_post(x, scheduled_at=datetime(2026, 7, 1, 23, 30, tzinfo=UTC))
        out = factories.make_post(
            x, status=PostStatus.PUBLISHED, scheduled_at=datetime(2026, 6, 1, tzinfo=UTC),
            published_at=datetime(2026, 7, 1, 10, tzinfo=UTC),
        )  # fmt: skip
        seen = api.get("social/calendar?from=2026-07-01&to=2026-07-01").json()
        assert seen["time_zone"] == "Europe/Lisbon"
        assert [row["id"] for row in seen["results"]] == [str(first.pk), str(out.pk)]
        only = api.get("social/calendar?from=2026-07-01&to=2026-07-01&status=PUBLISHED").json()["results"]
        assert [row["id"] for row in only] == [str(out.pk)]

    @pytest.mark.parametrize(
        "query", ["", "from=2026-07-01", "from=x&to=y", "from=20260701&to=20260702", "from=2026-07-01&from=2026-07-02&to=2026-07-02",
                  "from=2026-07-01&to=2026-07-02&colour=red", "from=2026-07-01&to=2026-07-02&status=GONE"],
    )  # fmt: skip
    def test_refuses_days_that_make_no_sense(self, api: ApiClient, query: str) -> None:
        assert api.get(f"social/calendar?{query}").status_code == 400

    @pytest.mark.parametrize("query", ["from=2026-07-02&to=2026-07-01", "from=2026-01-01&to=2027-01-01"])
    def test_refuses_days_that_do_not_fit_each_other(self, api: ApiClient, query: str) -> None:
        assert api.get(f"social/calendar?{query}").status_code == 422


class TestCampaigns:
    def test_are_made_changed_archived_and_deleted(self, api: ApiClient, bob: User, x: SocialConnection) -> None:
        made = api.post("campaigns", {"name": "Spring", "starts_on": "2026-03-01", "ends_on": "2026-05-31"})
        assert made.status_code == 201
        assert made.json()["owner"] == str(bob.pk)
        path = f"campaigns/{made.json()['id']}"
        assert api.patch(path, {"is_archived": True}).json()["is_archived"] is True
        assert [row["name"] for row in api.get("campaigns?is_archived=true").json()["results"]] == ["Spring"]
        post = factories.make_post(x, campaign=Campaign.objects.get())
        assert api.delete(path).status_code == 204
        post.refresh_from_db()
        assert post.campaign is None

    def test_two_of_one_name_are_refused(self, api: ApiClient) -> None:
        api.post("campaigns", {"name": "Spring"})
        answer = api.post("campaigns", {"name": "Spring"})
        assert (answer.status_code, set(answer.json()["errors"])) == (409, {"name"})

    @pytest.mark.parametrize(
        ("status", "wrong"),
        [(422, {"ends_on": "2026-01-01"}), (400, {"colour": "red"}), (400, {"name": ""}), (400, {"owner": ""}),
         (422, {"owner": str(uuid.uuid4())})],
    )  # fmt: skip
    def test_nonsense_is_named(self, api: ApiClient, status: int, wrong: dict[str, str]) -> None:
        answer = api.post("campaigns", {"name": "Spring", "starts_on": "2026-03-01"} | wrong)
        assert answer.status_code == status
        assert set(answer.json()["errors"]) == set(wrong)
