"""A failed post reaches a person, with the account, the platform's words and a link to what can be done."""

import pytest
import responses
from django.core import mail
from django.utils import timezone

from accounts.mails import send_due_notifications
from accounts.models import Membership, Notification, User
from accounts.notifications import MAIL_AFTER
from publishing.attempts import publish_post
from publishing.models import PostStatus, SocialPost
from tests.publishing import mastodon


@pytest.fixture
def refusal(server: responses.RequestsMock) -> None:
    server.post(f"{mastodon.SERVER}/api/v1/statuses", status=422, json={"error": "Validation failed: Text is too rude"})


def test_its_creator_gets_a_mail_with_the_platforms_words_and_a_link(
    claimed_post: SocialPost, refusal: None, bob: User, alice: User
) -> None:
    publish_post(claimed_post.pk)
    claimed_post.refresh_from_db()
    assert claimed_post.status == PostStatus.FAILED
    send_due_notifications(timezone.now() + MAIL_AFTER)
    letter = mail.outbox[0]
    assert letter.to == [bob.email]
    assert claimed_post.connection.account_name in letter.subject
    assert letter.subject == f"A post on {claimed_post.connection.account_name} (Mastodon) failed"
    body = str(letter.body)
    advice = body.index("Mastodon did not accept this post. Edit it, then try again.")
    assert advice < body.index("Text is too rude"), "the platform's own words stand behind ours"
    assert f"/posts/{claimed_post.pk}/" in letter.body


@pytest.mark.parametrize("gone", ["left the organization", "was deactivated", "was deleted"])
def test_those_who_may_publish_are_told_when_its_creator_is_gone(
    claimed_post: SocialPost, refusal: None, bob: User, alice: User, gone: str
) -> None:
    if gone == "left the organization":
        Membership.objects.filter(user=bob).delete()
    elif gone == "was deactivated":
        User.objects.filter(pk=bob.pk).update(is_active=False)
    else:
        SocialPost.objects.filter(pk=claimed_post.pk).update(created_by=None)
        Membership.objects.filter(user=bob).delete()
    publish_post(claimed_post.pk)
    assert list(Notification.objects.values_list("user", flat=True)) == [alice.pk]
