"""What the audit trail holds of writing: who wrote when, one event per sitting; and every change of time or state."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent, User
from connections.models import SocialConnection
from publishing.models import PostStatus, SocialPost
from tests.api.client import ApiClient
from tests.factories import make_post
from tests.publishing.composing import NOW, fields

SAVE = "/posts/autosave/"


def events(post: SocialPost) -> list[tuple[str, str]]:
    """Oldest first: what happened, and the first name of who did it."""
    found = AuditEvent.objects.filter(object_id=str(post.pk)).select_related("actor").order_by("at", "pk")
    return [(event.action.removeprefix("post."), event.actor.first_name if event.actor else "") for event in found]


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def test_a_sitting_leaves_one_event_however_often_it_saves(
    as_bob: Client, x: SocialConnection, clock: time_machine.Traveller
) -> None:
    draft = make_post(x, status=PostStatus.DRAFT, content="First")
    for number in range(20):
        clock.shift(timedelta(seconds=20))
        as_bob.post(SAVE, {"post": str(draft.pk), "text": f"First and {number}"})
    assert events(draft) == [("edited", "Bob")]
    draft.refresh_from_db()
    assert draft.content == "First and 19"


def test_writing_a_new_draft_is_one_event(as_bob: Client, x: SocialConnection, clock: time_machine.Traveller) -> None:
    given = fields(x)
    for number in range(5):
        clock.shift(timedelta(seconds=20))
        as_bob.post(SAVE, given | {"text": f"Begun {number}"})
    assert events(SocialPost.objects.get()) == [("created", "Bob")]


def test_a_later_sitting_is_an_event_of_its_own_and_begins_with_the_text_as_it_was(
    as_bob: Client, x: SocialConnection, clock: time_machine.Traveller
) -> None:
    draft = make_post(x, status=PostStatus.DRAFT, content="First")
    for text in ("Second", "Third"):
        as_bob.post(SAVE, {"post": str(draft.pk), "text": text})
    clock.shift(timedelta(minutes=11))
    as_bob.post(SAVE, {"post": str(draft.pk), "text": "Fourth"})
    changes = [event.changes["content"] for event in AuditEvent.objects.filter(action="post.edited").order_by("at")]
    assert changes == [["First", "Second"], ["Third", "Fourth"]]


def test_two_people_who_take_turns_are_each_named(
    as_alice: Client, as_bob: Client, x: SocialConnection, clock: time_machine.Traveller
) -> None:
    draft = make_post(x, status=PostStatus.DRAFT)
    for number, browser in enumerate((as_alice, as_bob, as_alice)):
        clock.shift(timedelta(seconds=20))
        browser.post(SAVE, {"post": str(draft.pk), "text": f"Turn {number}"})
    assert events(draft) == [("edited", "Alice"), ("edited", "Bob"), ("edited", "Alice")]


def test_changes_of_time_and_state_are_always_written(
    as_bob: Client, x: SocialConnection, clock: time_machine.Traveller
) -> None:
    draft = make_post(x, status=PostStatus.DRAFT)
    day = f"{timezone.now() + timedelta(days=2):%Y-%m-%d}"
    as_bob.post(SAVE, {"post": str(draft.pk), "text": "Written"})
    for clock_time in ("09:00", "10:00"):
        clock.shift(timedelta(seconds=5))
        as_bob.post(f"/posts/{draft.pk}/move/", {"day": day, "time": clock_time})
    clock.shift(timedelta(seconds=5))
    as_bob.post(f"/posts/{draft.pk}/unschedule/")
    clock.shift(timedelta(seconds=5))
    as_bob.post(SAVE, {"post": str(draft.pk), "text": "Written again"})
    assert [action for action, _who in events(draft)] == [
        "edited", "scheduled", "scheduled", "unscheduled", "edited",
    ]  # fmt: skip


def test_every_change_to_a_post_that_is_scheduled_is_written(as_bob: Client, bob: User, x: SocialConnection) -> None:
    post = make_post(x)
    assert post.scheduled_at is not None
    local = timezone.localtime(post.scheduled_at, post.organization.zone)
    when = {"when": "at", "date": f"{local:%Y-%m-%d}", "time": f"{local:%H:%M}"}
    for text in ("One", "Two"):
        as_bob.post(f"/posts/{post.pk}/edit/", {"post": str(post.pk), "text": text} | when)
    api = ApiClient(bob)
    for text in ("Three", "Four"):
        assert api.patch(f"social/posts/{post.pk}", {"content": text}).status_code == 200
    edits = AuditEvent.objects.filter(object_id=str(post.pk), action="post.edited").order_by("at")
    assert [event.changes["content"][1] for event in edits] == ["One", "Two", "Three", "Four"]
