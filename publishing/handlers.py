"""What happens to posts when their connection changes."""

from typing import Any

from django.db.models import Q
from django.dispatch import receiver
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.audit import SYSTEM, Actor
from accounts.notifications import Kind, notify_those_who_may, register_kind
from connections.events import connection_disconnected, connection_restored
from connections.hurry import hurry_on_commit
from connections.models import SocialConnection
from publishing.errors import IllegalTransition
from publishing.models import Hold, PostStatus, SocialPost
from publishing.services import cancel_post

register_kind(Kind("post.failed", _("A post of mine failed"), _("See what to do"), order=2))
register_kind(
    Kind("post.partly_published", _("A post of mine was only partly published"), _("See what is missing"), order=3)
)
register_kind(Kind("post.held", _("Posts are on hold"), _("Decide"), order=4))


@receiver(connection_restored)
def hold_late_posts(connection: SocialConnection, **_kwargs: Any) -> None:
    """Posts that came due while the account was disconnected are not fired blindly: a person is asked for each."""
    now = timezone.now()
    late = SocialPost.objects.filter(
        Q(paced_until__isnull=True) | Q(paced_until__lte=now),
        connection=connection, status=PostStatus.SCHEDULED, scheduled_at__lte=now, hold_reason=Hold.NONE,
    )  # fmt: skip
    held = late.update(
        hold_reason=Hold.RECONNECTED,
        error_code="HELD",
        error_message="It came due while the account was disconnected. Publish it now, move it or cancel it.",
        updated_at=now,
    )
    SocialPost.objects.filter(
        connection=connection, status=PostStatus.SCHEDULED, scheduled_at__gt=now, error_code="INVALID_TOKEN"
    ).update(error_code="", error_message=None, updated_at=now)
    if held:
        notify_those_who_may(
            "posts.publish",
            organization=connection.organization,
            kind="post.held",
            key=f"post.held:{connection.pk}",
            title=ngettext(
                "%(account)s is connected again: %(count)d late post is on hold",
                "%(account)s is connected again: %(count)d late posts are on hold",
                held,
            )
            % {"account": connection.account_name, "count": held},
            url=reverse("publishing:posts"),
        )


@receiver(connection_restored)
def look_for_posts_of_unknown_outcome(connection: SocialConnection, **_kwargs: Any) -> None:
    """What could not be looked for without a working account is looked for at once."""
    hurry_on_commit("publishing.tasks.look_for_asked_task", str(connection.pk))


@receiver(connection_disconnected)
def cancel_waiting_posts(connection: SocialConnection, by: Actor = SYSTEM, reason: str = "", **_kwargs: Any) -> None:
    """Nothing of a disconnected account goes out; each post keeps its text and says why it was called off."""
    waiting = SocialPost.objects.filter(
        connection=connection, status__in=[PostStatus.SCHEDULED, PostStatus.PENDING_APPROVAL]
    )
    for post in waiting.select_related("connection"):
        try:
            cancel_post(post, by=by, reason=reason or f"{connection.account_name} was disconnected.")
        except IllegalTransition:
            continue  # a worker has it; it ends by itself, published or without a token
