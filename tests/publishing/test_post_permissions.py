"""Every way to one deed asks the same permission: a button, a bar over many posts, a drop on the calendar, REST."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.permissions import ROLE_PERMISSIONS, Role
from connections.models import SocialConnection
from publishing.models import PostGroup, PostStatus, SocialPost
from tests.conftest import signed_in
from tests.factories import make_post


@pytest.fixture
def as_writer(bob: User, monkeypatch: pytest.MonkeyPatch) -> Client:
    """A marketer in an installation where marketers write, and others publish and delete."""
    writes_only = ROLE_PERMISSIONS[Role.MARKETER] - {"posts.publish", "posts.delete"}
    monkeypatch.setitem(ROLE_PERMISSIONS, Role.MARKETER, writes_only)
    return signed_in(bob)


def tomorrow() -> str:
    return f"{timezone.now() + timedelta(days=1):%Y-%m-%d}"


WAYS: list[tuple[str, str, dict[str, Any], str]] = [
    ("retry", "FAILED", {}, "posts/{post}/retry/"),
    ("retry", "FAILED", {"action": "retry", "posts": ["{post}"]}, "posts/bulk/"),
    ("publish", "DRAFT", {}, "posts/{post}/publish/"),
    ("schedule", "DRAFT", {"day": "{tomorrow}"}, "calendar/posts/{post}/drop/"),
    ("schedule", "DRAFT", {"day": "{tomorrow}", "time": "09:00"}, "posts/{post}/move/"),
    ("schedule", "DRAFT", {"post": "{post}", "text": "Now", "when": "now"}, "posts/{post}/edit/"),
    ("delete", "DRAFT", {}, "posts/{post}/delete/"),
    ("delete", "DRAFT", {"action": "delete", "posts": ["{post}"]}, "posts/bulk/"),
    ("delete", "DRAFT", {"post": "{post}"}, "posts/discard/"),
]


@pytest.mark.parametrize(("deed", "status", "fields", "path"), WAYS, ids=[f"{way[0]} by {way[3]}" for way in WAYS])
def test_who_may_only_write_neither_sends_nor_deletes(
    as_writer: Client, x: SocialConnection, deed: str, status: str, fields: dict[str, Any], path: str
) -> None:
    post = make_post(x, status=status)
    words = {"post": post.pk, "tomorrow": tomorrow()}
    sent = {
        name: [one.format(**words) for one in value] if isinstance(value, list) else value.format(**words)
        for name, value in fields.items()
    }
    assert as_writer.post("/" + path.format(**words), sent).status_code == 403
    assert SocialPost.objects.get(pk=post.pk).status == status


def test_discarding_a_group_asks_the_permission_of_deleting(as_writer: Client, x: SocialConnection) -> None:
    group = PostGroup.objects.create(organization=x.organization, content="Ours")
    make_post(x, group=group, status=PostStatus.DRAFT)
    assert as_writer.post("/posts/discard/", {"group": str(group.pk)}).status_code == 403
    assert SocialPost.objects.count() == 1


def test_who_may_only_write_still_takes_posts_off_the_calendar(as_writer: Client, x: SocialConnection) -> None:
    dragged, ticked = make_post(x), make_post(x)
    as_writer.post(reverse("publishing:calendar_drop", args=[dragged.pk]), {"to": "tray"})
    as_writer.post("/posts/bulk/", {"action": "cancel", "posts": [ticked.pk]})
    assert SocialPost.objects.get(pk=dragged.pk).status == PostStatus.DRAFT
    assert SocialPost.objects.get(pk=ticked.pk).status == PostStatus.CANCELLED


def test_nobody_is_shown_a_button_that_would_refuse_them(as_writer: Client, x: SocialConnection) -> None:
    failed, draft = make_post(x, status="FAILED"), make_post(x, status=PostStatus.DRAFT)
    rows = as_writer.get("/posts/").content.decode()
    assert 'value="cancel"' in rows
    assert 'value="retry"' not in rows
    assert 'value="delete"' not in rows
    for post, hidden in ((failed, ("retry", "move")), (draft, ("publish_now", "move", "delete"))):
        page = as_writer.get(reverse("publishing:post", args=[post.pk])).content.decode()
        assert reverse("publishing:edit", args=[post.pk]) in page
        for name in hidden:
            assert f'"{reverse(f"publishing:{name}", args=[post.pk])}"' not in page
    assert "composer-discard" not in as_writer.get(reverse("publishing:edit", args=[draft.pk])).content.decode()
