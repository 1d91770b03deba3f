"""Two callers at one post by REST: the second may ask that nothing has changed since it read."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection as database
from django.utils import timezone

from accounts.models import Organization, User
from connections.models import SocialConnection
from publishing.models import PostStatus, SocialPost
from tests import factories
from tests.api.client import ApiClient


@pytest.fixture
def x(club: Organization) -> SocialConnection:
    return factories.make_connection(club, "TWITTER")


@pytest.fixture
def draft(x: SocialConnection) -> SocialPost:
    return factories.make_post(x, status=PostStatus.DRAFT, content="Dinner on Friday")


@pytest.fixture
def api(bob: User) -> ApiClient:
    return ApiClient(bob)


def at(post: SocialPost) -> str:
    return f"social/posts/{post.pk}"


def test_a_change_that_names_the_version_it_read_goes_through_and_gives_the_next(
    api: ApiClient, draft: SocialPost
) -> None:
    tag = api.get(at(draft)).headers["ETag"]
    for text in ("Dinner on Saturday", "Dinner on Sunday"):
        answer = api.patch(at(draft), {"content": text}, **{"If-Match": tag})
        assert (answer.status_code, answer.json()["content"]) == (200, text)
        assert answer.headers["ETag"] != tag
        tag = answer.headers["ETag"]
    assert api.get(at(draft)).headers["ETag"] == tag


def test_a_change_to_what_somebody_else_changed_meanwhile_is_refused_with_who_and_when(
    api: ApiClient, alice: User, draft: SocialPost
) -> None:
    tag = api.get(at(draft)).headers["ETag"]
    ApiClient(alice).patch(at(draft), {"content": "Hers"})
    answer = api.patch(at(draft), {"content": "His"}, **{"If-Match": tag})
    assert answer.status_code == 412
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["code"] == "precondition_failed"
    assert "by Alice since you read it" in problem["detail"]
    draft.refresh_from_db()
    assert draft.content == "Hers"


@pytest.mark.parametrize(
    ("action", "status", "body"),
    [
        ("publish", "DRAFT", {}), ("schedule", "DRAFT", {"scheduled_at": "2099-01-01T00:00:00Z"}), ("cancel", "DRAFT", {}),
        ("unschedule", "SCHEDULED", {}), ("retry", "FAILED", {}), ("delete-at-platform", "PUBLISHED", {}),
        ("resolve", "UNKNOWN", {"decision": "drop"}),
    ],
)  # fmt: skip
def test_every_deed_to_a_post_takes_the_condition(
    api: ApiClient, x: SocialConnection, action: str, status: str, body: dict[str, str]
) -> None:
    unknown = {"status": "FAILED", "error_code": "OUTCOME_UNKNOWN"}
    post = factories.make_post(x, **(unknown if status == "UNKNOWN" else {"status": status}))
    answer = api.post(f"{at(post)}/{action}", body, **{"If-Match": '"of-yesterday"'})
    assert answer.status_code == 412
    before, now = post.status, SocialPost.objects.get(pk=post.pk)
    assert (now.status, now.deleted_at) == (before, None)


def test_deleting_takes_the_condition(api: ApiClient, draft: SocialPost) -> None:
    assert api.delete(at(draft), **{"If-Match": '"of-yesterday"'}).status_code == 412
    tag = api.get(at(draft)).headers["ETag"]
    assert api.delete(at(draft), **{"If-Match": f'"another", W/{tag}'}).status_code == 204


@pytest.mark.parametrize("headers", [{}, {"If-Match": "*"}, {"If-Match": " "}])
def test_who_names_no_version_is_not_asked(api: ApiClient, draft: SocialPost, headers: dict[str, str]) -> None:
    SocialPost.objects.filter(pk=draft.pk).update(content="Changed", updated_at=timezone.now() + timedelta(seconds=1))
    assert api.patch(at(draft), {"content": "Mine"}, **headers).status_code == 200


def test_somebody_elses_post_is_not_there_whatever_the_version(eve: User, draft: SocialPost) -> None:
    assert ApiClient(eve).patch(at(draft), {"content": "Hers"}, **{"If-Match": "*"}).status_code == 404


def test_of_two_changes_to_one_version_in_the_same_moment_one_is_refused(
    real_transactions: None, alice: User, bob: User, draft: SocialPost
) -> None:
    callers = [ApiClient(alice), ApiClient(bob)]
    tag = callers[0].get(at(draft)).headers["ETag"]

    def change(caller: ApiClient) -> int:
        try:
            return int(caller.patch(at(draft), {"content": f"By {id(caller)}"}, **{"If-Match": tag}).status_code)
        finally:
            database.close()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(change, callers)) == [200, 412]
