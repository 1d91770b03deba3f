"""The reads behind lists: one idea counts once, and what failed comes first."""

from datetime import timedelta

from django.utils import timezone

from accounts.models import Organization
from connections.models import SocialConnection
from publishing.models import PostGroup, PostStatus
from publishing.reads import TRAY_SIZE, attention_of, tray_of
from tests.factories import make_connection, make_post


def test_what_failed_comes_before_what_waits(club: Organization, x: SocialConnection) -> None:
    now = timezone.now()
    asleep = make_connection(club, "MASTODON", is_active=False)
    make_post(asleep, content="Waits", status=PostStatus.SCHEDULED, scheduled_at=now + timedelta(days=3))
    make_post(x, content="Failed long ago", status=PostStatus.FAILED, scheduled_at=now - timedelta(days=9))
    make_post(x, content="Failed", status=PostStatus.FAILED, scheduled_at=now - timedelta(days=1))
    found, total = attention_of(club)
    assert ([post.content for post in found], total) == (["Failed", "Failed long ago", "Waits"], 3)


def test_the_tray_is_full_of_ideas_and_not_of_accounts(
    club: Organization, x: SocialConnection, facebook: SocialConnection
) -> None:
    for number in range(TRAY_SIZE + 1):
        group = PostGroup.objects.create(organization=club, content=str(number))
        for connection in (x, facebook):
            make_post(connection, content=str(number), status=PostStatus.DRAFT, scheduled_at=None, group=group)
    drafts = tray_of(club)
    assert len(drafts) == 2 * TRAY_SIZE
    assert {post.content for post in drafts} == {str(number) for number in range(1, TRAY_SIZE + 1)}
