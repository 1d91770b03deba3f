"""Random lives of posts against a model: never two copies, never lost, never an illegal status, always a reason.

The platform is a Mastodon server in memory that may refuse, limit, break off before or after it took a post, forget
idempotency keys, or lose the worker in the middle of a call (a crash: nothing of our code runs on).
"""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import responses
import time_machine
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from accounts.errors import DomainError
from accounts.models import AuditEvent
from accounts.permissions import Role
from connections.models import PlatformTrouble, RateGate, SocialConnection
from connections.states import restore
from publishing import services
from publishing.attempts import publish_post
from publishing.dispatch import claim_due_posts, sweep_posts
from publishing.models import QUEUED, RECONCILING, TRANSITIONS, PostStatus, SocialPost
from publishing.reconcile import reconcile_connection
from tests import factories
from tests.publishing import mastodon

FAULTS = [
    "none", "unreachable", "broken before", "broken after", "crash before", "crash after", "html", "empty after",
    "rejected", "limited", "token", "server error",
]  # fmt: skip


class Crash(BaseException):
    """The process is gone: no handler of ours runs."""


class Server:
    """The platform's side: what it took, in order, and how it behaves next."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        self.fault = "none"

    def publish(self, request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        fault, self.fault = self.fault, "none"
        if fault == "unreachable":
            raise requests.exceptions.ConnectTimeout
        if fault == "broken before":
            raise requests.exceptions.ConnectionError("reset")
        if fault == "crash before":
            raise Crash
        if fault == "rejected":
            return 422, {}, json.dumps({"error": "Validation failed: Text is not nice"})
        if fault == "limited":
            return 429, {}, json.dumps({"error": "Too many requests"})
        if fault == "token":
            return 401, {}, json.dumps({"error": "The access token is invalid"})
        if fault == "server error":
            return 500, {}, json.dumps({"error": "Something went wrong"})
        if fault == "html":
            return 502, {}, "<html>Bad gateway</html>"
        order = json.loads(request.body or b"{}")
        status = mastodon.status(order["status"], id=str(1000 + len(self.taken)), at=timezone.now())
        self.taken.append(status)
        if fault == "broken after":
            raise requests.exceptions.ConnectionError("reset")
        if fault == "crash after":
            raise Crash
        return 200, {}, "" if fault == "empty after" else json.dumps(status)

    def read(self, request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        before = int(parse_qs(urlsplit(str(request.url)).query).get("max_id", ["9999"])[0])
        return 200, {}, json.dumps([status for status in reversed(self.taken) if int(status["id"]) < before])

    def who(self, _request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        return 401, {}, json.dumps({"error": "The access token is invalid"})


class Posts(RuleBasedStateMachine):
    posts = Bundle("posts")

    @initialize(target=posts)
    def begin(self) -> Any:
        self.clock = time_machine.travel(datetime(2027, 3, 27, 12, 0, tzinfo=UTC), tick=False)
        self.traveller = self.clock.start()
        club = factories.make_organization()
        self.bob = factories.make_member(club, Role.MARKETER).user
        self.account = factories.make_connection(
            club, "MASTODON", expires_in_s=None, refresh="", platform_account_id="1"
        )
        self.server = Server()
        self.http = responses.RequestsMock(assert_all_requests_are_fired=False)
        self.http.start()
        self.http.add_callback("POST", f"{mastodon.SERVER}/api/v1/statuses", self.server.publish)
        self.http.add_callback("GET", f"{mastodon.SERVER}/api/v1/accounts/1/statuses", self.server.read)
        self.http.add_callback("GET", f"{mastodon.SERVER}/api/v1/accounts/verify_credentials", self.server.who)
        self.texts = 0
        self.resends: Counter[str] = Counter()
        return multiple(*(self.write_one(minutes) for minutes in (5, 5, 30)))

    def write_one(self, minutes: int) -> SocialPost:
        post = services.create_post(self.fresh_account(), services.PostInput(self.text()), by=self.bob)
        return services.schedule_post(post, at=timezone.now() + timedelta(minutes=minutes), by=self.bob)

    def teardown(self) -> None:
        if hasattr(self, "clock"):
            try:
                self.settle()
            finally:
                SocialPost.objects.all().delete()
                RateGate.objects.all().delete()
                PlatformTrouble.objects.all().delete()
                SocialConnection.objects.filter(pk=self.account.pk).update(is_active=False)
                self.http.stop(allow_assert=False)
                self.clock.stop()

    def text(self) -> str:
        self.texts += 1
        return f"The text number {self.texts}."

    def fresh(self, post: SocialPost) -> SocialPost:
        return SocialPost.objects.select_related("connection", "organization").get(pk=post.pk)

    def attempt(self, verb: Any, post: SocialPost, **arguments: Any) -> None:
        """Do it, or be refused with a sentence."""
        try:
            verb(self.fresh(post), by=self.bob, **arguments)
        except DomainError as refusal:
            assert str(refusal)  # noqa: PT017  a refusal is fine, a silent one is not

    # --- what people do -----------------------------------------------------------------------------------------------

    @rule(target=posts, minutes=st.integers(1, 90))
    def write_and_schedule(self, minutes: int) -> Any:
        if SocialPost.objects.count() >= 5:
            return multiple()
        post = services.create_post(self.fresh_account(), services.PostInput(self.text()), by=self.bob)
        self.attempt(services.schedule_post, post, at=timezone.now() + timedelta(minutes=minutes))
        return post

    @rule(post=posts)
    def edit(self, post: SocialPost) -> None:
        try:
            services.update_post(self.fresh(post), services.PostInput(self.text()), by=self.bob)
        except DomainError as refusal:
            assert str(refusal)  # noqa: PT017  a refusal is fine, a silent one is not

    @rule(post=posts, minutes=st.integers(-600, 600))
    def move(self, post: SocialPost, minutes: int) -> None:
        self.attempt(services.schedule_post, post, at=timezone.now() + timedelta(minutes=minutes))

    @rule(post=posts)
    def cancel(self, post: SocialPost) -> None:
        self.attempt(services.cancel_post, post)

    @rule(post=posts)
    def retry(self, post: SocialPost) -> None:
        self.attempt(services.retry_post, post)

    @rule(post=posts)
    def set_back_by_sql(self, post: SocialPost) -> None:
        SocialPost.objects.filter(pk=post.pk, status=PostStatus.FAILED).exclude(error_code="OUTCOME_UNKNOWN").update(
            status="SCHEDULED", retry_count=0, error_message=None
        )

    @rule(post=posts, decision=st.sampled_from(["resend", "drop"]))
    def decide(self, post: SocialPost, decision: str) -> None:
        current = self.fresh(post)
        if current.status == PostStatus.FAILED and current.error_code == "OUTCOME_UNKNOWN" and decision == "resend":
            self.resends[current.content] += 1
        self.attempt(services.resolve_unknown, post, decision=decision)

    @rule()
    def reconnect(self) -> None:
        account = self.fresh_account()
        if not account.is_active:
            restore(account, by=self.bob)

    def fresh_account(self) -> SocialConnection:
        return SocialConnection.objects.select_related("organization").get(pk=self.account.pk)

    # --- what the world does ------------------------------------------------------------------------------------------

    @rule(fault=st.sampled_from(FAULTS))
    def platform_will(self, fault: str) -> None:
        self.server.fault = fault

    @rule(minutes=st.sampled_from([1, 2, 3, 5, 5, 10, 10, 30, 70, 26 * 60]))
    def time_passes(self, minutes: int) -> None:
        self.traveller.shift(timedelta(minutes=minutes))

    # --- what workers do ----------------------------------------------------------------------------------------------

    @rule(faults=st.lists(st.sampled_from(FAULTS), min_size=1, max_size=4))
    def posts_come_due(self, faults: list[str]) -> None:
        """What mostly happens: the next posts' time comes, they are claimed, and workers meet a mixed weather."""
        due = SocialPost.objects.filter(status=PostStatus.SCHEDULED).order_by("scheduled_at").first()
        if due is None or due.scheduled_at is None:
            return
        ahead = due.scheduled_at - timezone.now()
        if timedelta(0) < ahead < timedelta(hours=12):
            self.traveller.shift(ahead + timedelta(seconds=1))
        claim_due_posts(timezone.now(), limit=10)
        for post in SocialPost.objects.filter(status=PostStatus.PUBLISHING, claimed_by__startswith=QUEUED):
            self.server.fault = faults.pop() if faults else "none"
            try:
                publish_post(post.pk)
            except Crash:
                pass

    @rule(minutes=st.sampled_from([0, 1, 3]))
    def watchdog_comes_by(self, minutes: int) -> None:
        self.traveller.shift(timedelta(minutes=minutes))
        sweep_posts()
        for post in SocialPost.objects.filter(status=PostStatus.PUBLISHING, claimed_by__startswith=RECONCILING):
            reconcile_connection(post.connection_id)

    @rule()
    def tick(self) -> None:
        claim_due_posts(timezone.now(), limit=10)

    @rule()
    def sweep(self) -> None:
        sweep_posts()

    @rule(post=posts)
    def work(self, post: SocialPost) -> None:
        """A message arrives; perhaps for the second time."""
        try:
            publish_post(post.pk)
        except Crash:
            pass

    @rule(post=posts)
    @precondition(lambda self: SocialPost.objects.filter(claimed_by__startswith=RECONCILING).exists())
    def check(self, post: SocialPost) -> None:
        reconcile_connection(post.connection_id)

    # --- what must always hold ----------------------------------------------------------------------------------------

    @invariant()
    def never_two_copies(self) -> None:
        if not hasattr(self, "server"):
            return
        copies = Counter(post["content"].removeprefix("<p>").removesuffix("</p>") for post in self.server.taken)
        for text, count in copies.items():
            assert count <= 1 + self.resends[text], f"{count} copies of {text}"

    @invariant()
    def every_state_says_why(self) -> None:
        for post in SocialPost.objects.all():
            assert post.status in PostStatus.values
            if post.status == PostStatus.FAILED:
                assert post.error_message
                assert post.settled_at
            if post.status == PostStatus.PUBLISHED:
                assert post.platform_post_id
            if post.status == PostStatus.PUBLISHING:
                assert post.lease_until
                assert post.claimed_by

    @invariant()
    def every_change_was_allowed(self) -> None:
        for before, after in AuditEvent.objects.filter(action__startswith="post.").values_list(
            "changes__status__0", "changes__status__1"
        ):
            assert before is None or after in TRANSITIONS[before]

    def settle(self) -> None:
        """Calm weather for long enough: nothing is left on its way, and nothing that went out is called failed."""
        self.server.fault = "none"
        self.reconnect()
        for _ in range(60):
            PlatformTrouble.objects.all().delete()
            claim_due_posts(timezone.now(), limit=10)
            sweep_posts()
            for post in SocialPost.objects.filter(status=PostStatus.PUBLISHING):
                if post.claimed_by.startswith(QUEUED):
                    publish_post(post.pk)
                elif post.claimed_by.startswith(RECONCILING):
                    reconcile_connection(post.connection_id)
            self.traveller.shift(timedelta(minutes=2))
        self.never_two_copies()
        self.every_state_says_why()
        out = {post["content"].removeprefix("<p>").removesuffix("</p>") for post in self.server.taken}
        for post in SocialPost.objects.all():
            assert post.status != PostStatus.PUBLISHING, "stuck"
            if post.content in out and post.status == PostStatus.FAILED:
                assert post.error_code == "OUTCOME_UNKNOWN", f"“failed” stands beside a live post: {post.error_code}"
            if post.status == PostStatus.SCHEDULED and post.scheduled_at and post.scheduled_at < timezone.now():
                assert post.hold_reason or post.next_attempt_at, "due, and silent"
            if post.status == PostStatus.PUBLISHED:
                assert post.content in out


@pytest.mark.django_db
def test_posts_are_never_doubled_lost_or_silent() -> None:
    run_state_machine_as_test(
        Posts,
        settings=settings(
            max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck),
            print_blob=False, database=None,
        ),
    )  # fmt: skip
