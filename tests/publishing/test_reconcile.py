"""What becomes of a post whose sending was not confirmed: what the platform's list says, and who is asked when."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
import requests
import responses
import time_machine
from django.utils import timezone

from accounts.models import Notification, Organization, User
from connections.models import SocialConnection
from connections.platforms import facebook, mastodon, twitter
from connections.states import restore
from publishing import services
from publishing.attempts import begin_attempt, publish_post
from publishing.dispatch import claim_due_posts, sweep_posts
from publishing.models import Outcome, PostStatus, SocialPost
from publishing.reconcile import look_for_asked, look_for_asked_when_due, reconcile_connection
from publishing.states import standing_of
from tests import factories
from tests.connections.platforms.lists import ACCOUNT, LISTS, page, plant, row

NAMES = ["FACEBOOK", "MASTODON", "TWITTER"]
SENDS = {
    "FACEBOOK": f"https://graph.facebook.com/v26.0/{ACCOUNT}/feed",
    "MASTODON": "https://social.example/api/v1/statuses",
    "TWITTER": "https://api.x.com/2/tweets",
}
LABELS = {"FACEBOOK": "Facebook", "MASTODON": "social.example", "TWITTER": "X"}
PROOF = {"MASTODON": timedelta(seconds=15), "TWITTER": timedelta(seconds=60)}
"""After how long a list without the post proves that it did not go out. Facebook's never does."""
PATIENCE = timedelta(minutes=30)
BEGAN = datetime(2027, 3, 1, 9, tzinfo=UTC)
TEXT = "Frost on the greens"


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(BEGAN, tick=False) as traveller:
        yield traveller


def connect(club: Organization, name: str) -> SocialConnection:
    server_url = "https://social.example" if name == "MASTODON" else ""
    return factories.make_connection(
        club, name, expires_in_s=None, refresh="", platform_account_id=ACCOUNT, server_url=server_url,
        account_name="Riverside Golf Club",
    )  # fmt: skip


def cut_off(
    web: responses.RequestsMock, account: SocialConnection, *texts: str, by: User | None = None, **answer: Any
) -> list[SocialPost]:
    """Posts that were sent and got this answer, or else none."""
    web.post(SENDS[account.platform], **(answer or {"body": requests.exceptions.ReadTimeout()}))
    posts = []
    for text in texts or (TEXT,):
        post = factories.make_post(account, content=text, scheduled_at=timezone.now(), created_by=by)
        claim_due_posts(timezone.now(), limit=10)
        publish_post(post.pk)
        posts.append(again(post))
        assert posts[-1].status == PostStatus.PUBLISHING
    return posts


def again(post: SocialPost) -> SocialPost:
    return SocialPost.objects.select_related("connection", "organization").get(pk=post.pk)


def shown(web: responses.RequestsMock, name: str, *posts: tuple[int, str], at: datetime | None = None) -> None:
    """The platform lists these, and something older."""
    at = at or timezone.now()
    rows = [row(name, number, text, at) for number, text in posts]
    whole = [*rows, row(name, 1, "Long ago", BEGAN - timedelta(days=1))]
    web.remove(responses.GET, LISTS[name])
    plant(web, name, {"": page(name, whole)})


def look(post: SocialPost, clock: Any, after: timedelta) -> SocialPost:
    """The sweep and a worker, this long after the post was sent."""
    clock.move_to(BEGAN + after)
    reconcile_connection(post.connection_id)
    return again(post)


def sends(web: responses.RequestsMock) -> int:
    return sum(call.request.method == "POST" for call in web.calls)


def reads(web: responses.RequestsMock) -> int:
    return sum(call.request.method == "GET" for call in web.calls)


# --- the three answers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_found_it_is_published(name: str, club: Organization, server: responses.RequestsMock, clock: Any) -> None:
    [post] = cut_off(server, connect(club, name))
    shown(server, name, (8, "Something else"), (7, TEXT))
    post = look(post, clock, timedelta(seconds=5))
    assert post.status == PostStatus.PUBLISHED
    assert (post.platform_post_id or "").endswith("7")
    assert post.published_at == BEGAN
    assert sends(server) == 1


@pytest.mark.parametrize("name", NAMES)
def test_certainly_absent_it_is_sent_again_where_absence_can_be_certain(
    name: str, club: Organization, server: responses.RequestsMock, clock: Any
) -> None:
    [post] = cut_off(server, connect(club, name))
    shown(server, name, (8, "Something else"))
    proof = PROOF.get(name)
    if proof is None:
        for after in (timedelta(minutes=1), PATIENCE - timedelta(seconds=10)):
            assert look(post, clock, after).status == PostStatus.PUBLISHING
        post = look(post, clock, PATIENCE + timedelta(seconds=1))
        assert (post.status, post.error_code) == (PostStatus.FAILED, "OUTCOME_UNKNOWN")
        assert claim_due_posts(timezone.now(), limit=1) == []
        return
    assert look(post, clock, proof - timedelta(seconds=6)).status == PostStatus.PUBLISHING, "too early to tell"
    post = look(post, clock, proof + timedelta(seconds=1))
    assert (post.status, post.retry_count) == (PostStatus.SCHEDULED, 1)
    clock.shift(timedelta(minutes=1))
    assert claim_due_posts(timezone.now(), limit=1) == [post.pk]


def cut_at_the_page_limit(web: responses.RequestsMock, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (facebook, mastodon, twitter):
        monkeypatch.setattr(module, "READ_BACK_PAGES", 1)
    plant(web, name, {"": page(name, [row(name, 9, "Another", BEGAN + timedelta(minutes=1))], "p2")})


def cut_by_the_platform(web: responses.RequestsMock, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facebook, "LISTED_A_YEAR", 1)
    monkeypatch.setattr(twitter, "TIMELINE_DEPTH", 1)
    last = [row(name, 9, "Another", BEGAN + timedelta(minutes=1))]
    # A Mastodon server that pages by nothing that we know gives the same page again.
    plant(web, name, {"": page(name, last), "9": page(name, last)})


def odd(web: responses.RequestsMock, name: str, _monkeypatch: pytest.MonkeyPatch) -> None:
    plant(web, name, {"": page(name, [{"id": "9"}, row(name, 1, "Long ago", BEGAN - timedelta(days=1))])})


@pytest.mark.parametrize("list_is", [cut_at_the_page_limit, cut_by_the_platform, odd])
@pytest.mark.parametrize("name", NAMES)
def test_where_nothing_can_be_told_nothing_is_sent_and_a_person_is_asked_in_the_end(
    name: str, list_is: Any, club: Organization, bob: User, server: responses.RequestsMock, clock: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    [post] = cut_off(server, connect(club, name), by=bob)
    list_is(server, name, monkeypatch)
    for minutes in (1, 2, 10, 29):
        post = look(post, clock, timedelta(minutes=minutes))
        assert post.status == PostStatus.PUBLISHING, "looked for again"
        assert post.lease_until is not None
        assert post.lease_until > timezone.now()
    post = look(post, clock, PATIENCE + timedelta(seconds=1))
    assert (post.status, post.error_code) == (PostStatus.FAILED, "OUTCOME_UNKNOWN")
    assert post.error_message == (
        f"The post was sent, but not confirmed: {LABELS[name]} did not answer in time. "
        f"{post.connection.platform_label} does not list this account's posts far enough back to tell."
    )
    told = Notification.objects.get(user=bob)
    assert told.title == f"Was a post on Riverside Golf Club ({post.connection.platform_label}) published?"
    assert "Check Riverside Golf Club there, then say what you found." in told.body
    assert post.error_message in told.body
    assert sends(server) == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_post_on_a_later_page_is_found(
    name: str, club: Organization, server: responses.RequestsMock, clock: Any
) -> None:
    [post] = cut_off(server, connect(club, name))
    newer = [row(name, 100 + number, f"Newer {number}", BEGAN + timedelta(seconds=2)) for number in range(3)]
    pages = {"": page(name, newer, "p2"), "p2": page(name, [row(name, 7, TEXT, BEGAN)], "p3"),
             "p3": page(name, [row(name, 1, "Long ago", BEGAN - timedelta(days=1))])}  # fmt: skip
    plant(server, name, pages)
    assert look(post, clock, timedelta(minutes=20)).status == PostStatus.PUBLISHED
    assert sends(server) == 1


# --- one reading for many ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_one_reading_serves_all_posts_of_an_account(
    name: str, club: Organization, server: responses.RequestsMock, clock: Any
) -> None:
    texts = [f"Round {number}" for number in range(7)]  # one more, and the platform counts as down
    posts = cut_off(server, connect(club, name), *texts)
    shown(server, name, *((20 + number, text) for number, text in enumerate(texts[:4])))
    clock.move_to(BEGAN + timedelta(minutes=3))
    reconcile_connection(posts[0].connection_id)
    assert reads(server) == 1
    assert [again(post).status == PostStatus.PUBLISHED for post in posts] == [True] * 4 + [False] * 3
    absent = PostStatus.SCHEDULED if name in PROOF else PostStatus.PUBLISHING
    assert {again(post).status for post in posts[4:]} == {absent}


def test_the_sweep_sends_one_message_for_an_account(
    club: Organization, server: responses.RequestsMock, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = connect(club, "TWITTER"), connect(club, "MASTODON")
    cut_off(server, first, "A", "B", "C")
    cut_off(server, second, "D", "E")
    clock.shift(timedelta(seconds=4))
    sent: list[tuple[str, ...]] = []
    monkeypatch.setattr("publishing.dispatch.hurry", lambda *words: sent.append(words))
    sweep_posts()
    assert sorted(sent) == sorted(
        ("publishing.tasks.reconcile_connection_task", str(account.pk)) for account in (first, second)
    )


@pytest.mark.parametrize("name", NAMES)
def test_two_posts_with_the_same_text_do_not_take_the_same_copy(
    name: str, club: Organization, server: responses.RequestsMock, clock: Any
) -> None:
    posts = cut_off(server, connect(club, name), TEXT, TEXT)
    shown(server, name, (7, TEXT))
    clock.move_to(BEGAN + timedelta(seconds=5))
    reconcile_connection(posts[0].connection_id)
    assert sorted(again(post).status for post in posts) == [PostStatus.PUBLISHED, PostStatus.PUBLISHING]
    clock.move_to(BEGAN + timedelta(seconds=10))
    shown(server, name, (7, TEXT), (9, TEXT), at=BEGAN)
    reconcile_connection(posts[0].connection_id)
    assert {again(post).status for post in posts} == {PostStatus.PUBLISHED}
    assert len({again(post).platform_post_id for post in posts}) == 2


def test_a_copy_that_may_be_another_worker_s_is_left_until_that_one_has_ended(
    club: Organization, server: responses.RequestsMock, clock: Any
) -> None:
    account = connect(club, "MASTODON")
    [post] = cut_off(server, account)
    other = factories.make_post(account, content=TEXT, scheduled_at=timezone.now())
    claim_due_posts(timezone.now(), limit=1)
    assert begin_attempt(other.pk, holder="worker:busy") is not None
    shown(server, "MASTODON", (7, TEXT))
    assert look(post, clock, timedelta(minutes=1)).status == PostStatus.PUBLISHING, "neither taken nor sent again"
    SocialPost.objects.filter(pk=other.pk).update(
        status=PostStatus.PUBLISHED, platform_post_id="7", published_at=BEGAN, claimed_by="", lease_until=None
    )
    assert look(post, clock, timedelta(minutes=3)).status == PostStatus.SCHEDULED, "that copy is the other's"


def test_who_lost_a_post_to_another_looker_settles_nothing(
    club: Organization, server: responses.RequestsMock, clock: Any
) -> None:
    """While one read the list, another sent the post again: an absence found before says nothing about that copy."""
    [post] = cut_off(server, connect(club, "TWITTER"))

    def meanwhile(_request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        SocialPost.objects.filter(pk=post.pk).update(claimed_by="worker:other", lease_until=BEGAN + timedelta(hours=1))
        return 200, {}, '{"meta": {"result_count": 0}}'

    server.add_callback(responses.GET, LISTS["TWITTER"], callback=meanwhile)
    post = look(post, clock, timedelta(minutes=5))
    assert (post.status, post.claimed_by, post.retry_count) == (PostStatus.PUBLISHING, "worker:other", 0)


def test_what_another_looker_holds_is_not_read_for_again(
    club: Organization, server: responses.RequestsMock, clock: Any
) -> None:
    [post] = cut_off(server, connect(club, "TWITTER"))
    inside: list[int] = []

    def meanwhile(_request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        if not inside:
            inside.append(1)
            reconcile_connection(post.connection_id)
        return 200, {}, '{"meta": {"result_count": 0}}'

    server.add_callback(responses.GET, LISTS["TWITTER"], callback=meanwhile)
    look(post, clock, timedelta(seconds=5))
    assert reads(server) == 1


# --- what is said -----------------------------------------------------------------------------------------------------

NO_WORD = [
    pytest.param({"status": 500, "body": "<html>Error</html>"}, "answered with an error (500).", id="500"),
    pytest.param({"status": 502, "body": "<html>Bad gateway</html>"}, "answered with an error (502).", id="502"),
    pytest.param({"status": 503, "body": ""}, "answered with an error (503).", id="503"),
    pytest.param({"status": 500, "json": {"error": {"code": 12345, "message": "?"}}}, "answered with an error (500).",
                 id="500 with words"),
    pytest.param({"status": 504, "json": {"title": "Gateway timeout"}}, "answered with an error (504).", id="504"),
    pytest.param({"status": 302, "headers": {"Location": "https://elsewhere.example"}},
                 "answered in an unexpected way (302).", id="302"),
    pytest.param({"status": 200, "body": "{cut"}, "gave an answer that cannot be read.", id="no JSON"),
    pytest.param({"status": 200, "json": {}}, "gave an answer that cannot be read.", id="no id"),
    pytest.param({"status": 200, "json": []}, "gave an answer that cannot be read.", id="a list"),
    pytest.param({"body": requests.exceptions.ReadTimeout()}, "did not answer in time.", id="no answer"),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "said"), NO_WORD)
@pytest.mark.parametrize("name", NAMES)
def test_what_happened_is_said_while_the_post_is_looked_for_and_when_a_person_is_asked(
    name: str, answer: dict[str, Any], said: str, club: Organization, server: responses.RequestsMock, clock: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    [post] = cut_off(server, connect(club, name), **answer)
    what = f"The post was sent, but not confirmed: {LABELS[name]} {said}"
    assert post.error_message == f"{what} Checking with {post.connection.platform_label} whether it went out."
    odd(server, name, monkeypatch)
    post = look(post, clock, PATIENCE + timedelta(seconds=1))
    assert (post.error_message or "").startswith(what)
    assert "broke" not in (post.error_message or "")
    assert post.attempts.get().outcome == Outcome.UNKNOWN


def test_a_connection_that_broke_is_called_so(club: Organization, server: responses.RequestsMock, clock: Any) -> None:
    [post] = cut_off(server, connect(club, "FACEBOOK"), body=requests.exceptions.ConnectionError("reset by peer"))
    assert "The connection to Facebook broke off." in (post.error_message or "")


def test_facebook_s_silence_is_told_with_how_long_it_lasted(
    club: Organization, server: responses.RequestsMock, clock: Any
) -> None:
    [post] = cut_off(server, connect(club, "FACEBOOK"), status=502, body="")
    shown(server, "FACEBOOK")
    post = look(post, clock, PATIENCE)
    assert post.error_message == (
        "The post was sent, but not confirmed: Facebook answered with an error (502). "
        "It has not appeared at Facebook within 30 minutes."
    )


def test_a_worker_that_died_is_told_as_an_interruption(
    club: Organization, server: responses.RequestsMock, clock: Any
) -> None:
    account = connect(club, "FACEBOOK")
    post = factories.make_post(account, content=TEXT, scheduled_at=timezone.now())
    claim_due_posts(timezone.now(), limit=1)
    attempt = begin_attempt(post.pk, holder="worker:gone")
    assert attempt is not None
    attempt.steps.create(name="post", is_public=True, started_at=timezone.now())
    shown(server, "FACEBOOK")
    clock.shift(timedelta(minutes=5))
    sweep_posts()
    post = look(post, clock, PATIENCE)
    assert (post.error_message or "").startswith("Sending the post was interrupted. It has not appeared")


# --- how long ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_looks_come_ever_more_rarely_and_in_time_for_what_they_decide(
    name: str, club: Organization, server: responses.RequestsMock, clock: Any
) -> None:
    [post] = cut_off(server, connect(club, name))
    shown(server, name)
    ages = []
    while post.status == PostStatus.PUBLISHING:
        assert post.lease_until is not None
        ages.append(post.lease_until - BEGAN)
        post = look(post, clock, ages[-1])
        assert len(ages) < 20
    waits = [after - before for before, after in pairwise(ages)]
    assert waits[:-1] == sorted(waits[:-1])
    assert ages[0] <= timedelta(seconds=5)
    assert ages[-1] == PROOF.get(name, PATIENCE), "not later than it can be decided"
    assert len(ages) <= 12


def test_a_rate_limit_of_years_puts_a_look_off_until_a_person_would_be_asked(
    club: Organization, server: responses.RequestsMock, clock: Any
) -> None:
    [post] = cut_off(server, connect(club, "MASTODON"))
    server.get(LISTS["MASTODON"], status=429, headers={"X-RateLimit-Reset": "9000-01-01T00:00:00Z"}, json={})
    post = look(post, clock, timedelta(minutes=1))
    assert post.lease_until == BEGAN + timedelta(hours=6)
    assert look(post, clock, timedelta(hours=6)).status == PostStatus.FAILED


def test_how_long_to_look_before_asking_is_a_setting(
    club: Organization, server: responses.RequestsMock, clock: Any, settings: Any
) -> None:
    settings.PUBLISH_ASK_AFTER_S = 60
    [post] = cut_off(server, connect(club, "FACEBOOK"))
    shown(server, "FACEBOOK")
    post = look(post, clock, timedelta(minutes=1))
    assert post.status == PostStatus.FAILED
    assert "It has not appeared at Facebook within a minute." in (post.error_message or "")


# --- after a person was asked -----------------------------------------------------------------------------------------


def asked(web: responses.RequestsMock, club: Organization, bob: User, clock: Any) -> SocialPost:
    [post] = cut_off(web, connect(club, "FACEBOOK"), by=bob)
    shown(web, "FACEBOOK")
    post = look(post, clock, PATIENCE)
    assert post.status == PostStatus.FAILED
    return post


def test_a_question_is_void_when_the_post_appears_after_all(
    club: Organization, bob: User, server: responses.RequestsMock, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    post = asked(server, club, bob, clock)
    look_for_asked(post.connection_id)
    assert again(post).status == PostStatus.FAILED, "it is not there yet"
    clock.shift(timedelta(hours=5))
    shown(server, "FACEBOOK", (7, TEXT), at=BEGAN)
    sent: list[tuple[str, ...]] = []
    monkeypatch.setattr("publishing.reconcile.hurry", lambda *words: sent.append(words))
    look_for_asked_when_due(timezone.now())
    look_for_asked_when_due(timezone.now())
    assert sent == [("publishing.tasks.look_for_asked_task", str(post.connection_id))], "once in a while"
    look_for_asked(post.connection_id)
    post = again(post)
    assert (post.status, post.error_code, post.error_message) == (PostStatus.PUBLISHED, "", None)
    assert (post.platform_post_id or "").endswith("7")
    assert post.attempts.get().outcome == Outcome.PUBLISHED
    assert not Notification.objects.filter(user=bob).unread().exists()
    assert not Notification.objects.filter(email_due_at__isnull=False).exists()


def test_a_post_that_could_not_be_looked_for_is_found_once_its_account_works_again(
    club: Organization, bob: User, server: responses.RequestsMock, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    [post] = cut_off(server, connect(club, "FACEBOOK"), by=bob)
    server.get(LISTS["FACEBOOK"], status=401, json={"error": {"code": 190, "message": "Session has expired"}})
    post = look(post, clock, timedelta(seconds=5))
    assert (post.status, post.error_code) == (PostStatus.FAILED, "OUTCOME_UNKNOWN")
    assert "Riverside Golf Club must be reconnected before Parley can look for it." in (post.error_message or "")
    shown(server, "FACEBOOK", (7, TEXT))
    sent: list[tuple[str, ...]] = []
    monkeypatch.setattr("publishing.handlers.hurry_on_commit", lambda *words: sent.append(words))
    restore(again(post).connection, by=bob)
    assert ("publishing.tasks.look_for_asked_task", str(post.connection_id)) in sent
    look_for_asked(post.connection_id)
    assert again(post).status == PostStatus.PUBLISHED


def test_after_a_day_a_question_is_the_person_s_alone(
    club: Organization, bob: User, server: responses.RequestsMock, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked(server, club, bob, clock)
    sent: list[tuple[str, ...]] = []
    monkeypatch.setattr("publishing.reconcile.hurry", lambda *words: sent.append(words))
    clock.shift(timedelta(hours=25))
    look_for_asked_when_due(timezone.now())
    assert sent == []


@pytest.mark.parametrize("decision", ["drop", "resend"])
def test_what_a_person_decides_while_the_list_is_read_stands(
    decision: str, club: Organization, bob: User, server: responses.RequestsMock, clock: Any
) -> None:
    post = asked(server, club, bob, clock)

    def meanwhile(_request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        services.resolve_unknown(again(post), decision=decision, by=bob)
        return 200, {}, json.dumps(page("FACEBOOK", [row("FACEBOOK", 7, TEXT, BEGAN)])[0])

    server.remove(responses.GET, LISTS["FACEBOOK"])
    server.add_callback(responses.GET, LISTS["FACEBOOK"], callback=meanwhile)
    look_for_asked(post.connection_id)
    assert again(post).status == (PostStatus.CANCELLED if decision == "drop" else PostStatus.SCHEDULED)
    shown(server, "FACEBOOK", (7, TEXT), at=BEGAN)
    if decision == "resend":
        claim_due_posts(timezone.now(), limit=1)
        publish_post(post.pk)
        assert again(post).status == PostStatus.PUBLISHED
    assert sends(server) == 1, "looked for before it is sent again"


def test_a_person_who_sends_again_overlooked_nothing(
    club: Organization, bob: User, server: responses.RequestsMock, clock: Any
) -> None:
    post = asked(server, club, bob, clock)
    services.resolve_unknown(again(post), decision="resend", by=bob)
    shown(server, "FACEBOOK", (7, TEXT), at=BEGAN)
    assert claim_due_posts(timezone.now(), limit=1) == [post.pk]
    publish_post(post.pk)
    assert again(post).status == PostStatus.PUBLISHED
    assert sends(server) == 1


# --- refusals that may speak of our own copy --------------------------------------------------------------------------

TRY_AGAIN = {"error": {"code": 2, "message": "Please retry your request later.", "is_transient": True}}


@pytest.mark.parametrize("status", [400, 500, 503])
def test_facebook_s_own_try_again_is_looked_into_first(
    status: int, club: Organization, server: responses.RequestsMock, clock: Any
) -> None:
    """It has been said of posts that were there afterwards."""
    account = connect(club, "FACEBOOK")
    there, gone = cut_off(server, account, "There", "Gone", status=status, json=TRY_AGAIN)
    shown(server, "FACEBOOK", (7, "There"))
    look(there, clock, timedelta(seconds=50))
    assert (again(there).status, again(gone).status) == (PostStatus.PUBLISHED, PostStatus.PUBLISHING)
    look(there, clock, timedelta(seconds=60))
    assert (again(gone).status, again(gone).retry_count) == (PostStatus.SCHEDULED, 1)
    assert sends(server) == 2


def test_facebook_s_own_try_again_sends_nothing_while_the_list_cannot_be_read_to_its_end(
    club: Organization, server: responses.RequestsMock, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    [post] = cut_off(server, connect(club, "FACEBOOK"), status=500, json=TRY_AGAIN)
    odd(server, "FACEBOOK", monkeypatch)
    assert look(post, clock, timedelta(minutes=5)).status == PostStatus.PUBLISHING
    assert look(post, clock, PATIENCE).error_code == "OUTCOME_UNKNOWN"


def test_a_worker_that_dies_with_facebook_s_try_again_leaves_a_post_that_is_looked_for(
    club: Organization, server: responses.RequestsMock, clock: Any
) -> None:
    """Its answer was not written down yet: the send stands there as one without an answer, never as one to repeat."""
    [post] = cut_off(server, connect(club, "FACEBOOK"), status=500, json=TRY_AGAIN)
    SocialPost.objects.filter(pk=post.pk).update(claimed_by="worker:gone", lease_until=BEGAN)
    post.attempts.update(error_code="", error_message="")
    sweep_posts()
    assert again(post).claimed_by.startswith("reconcile:")


DUPLICATES: dict[str, dict[str, Any]] = {
    "TWITTER": {"status": 403, "json": {
        "detail": "You are not allowed to create a Tweet with duplicate content.", "status": 403, "title": "Forbidden"}},
    "FACEBOOK": {"status": 400, "json": {"error": {"code": 506, "message": "Duplicate status message"}}},
}  # fmt: skip


@pytest.mark.parametrize("name", DUPLICATES)
def test_refused_as_a_duplicate_at_the_first_try_it_is_the_text_that_must_change(
    name: str, club: Organization, server: responses.RequestsMock, clock: Any
) -> None:
    [post] = cut_off(server, connect(club, name), **DUPLICATES[name])
    shown(server, name)
    post = look(post, clock, timedelta(seconds=10))
    assert (post.status, post.error_code) == (PostStatus.FAILED, "DUPLICATE")
    assert "Change the text" in standing_of(post, now=timezone.now()).sentence


def test_refused_as_a_duplicate_after_an_earlier_send_nobody_is_told_to_change_it(
    club: Organization, server: responses.RequestsMock, clock: Any
) -> None:
    """The earlier copy may be what is there: it may only not be recognised."""
    [post] = cut_off(server, connect(club, "TWITTER"))
    shown(server, "TWITTER", (7, "frost on the GREENS"))
    assert look(post, clock, timedelta(minutes=1)).status == PostStatus.SCHEDULED
    server.remove(responses.POST, SENDS["TWITTER"])
    server.post(SENDS["TWITTER"], **DUPLICATES["TWITTER"])
    clock.shift(timedelta(minutes=1))
    assert claim_due_posts(timezone.now(), limit=1) == [post.pk]
    publish_post(post.pk)
    assert look(post, clock, timedelta(minutes=10)).status == PostStatus.PUBLISHING
    post = look(post, clock, timedelta(minutes=40))
    assert (post.status, post.error_code) == (PostStatus.FAILED, "OUTCOME_UNKNOWN")
    assert (post.error_message or "").startswith("X already has a post with this text.")
    assert "Change" not in standing_of(post, now=timezone.now()).sentence
