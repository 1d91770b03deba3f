"""Telling people: rows that the bell shows. Repeats fold into one."""

from collections.abc import Iterable

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import Membership, Notification, Organization, User


def notify(
    users: Iterable[User], *, organization: Organization, kind: str, key: str, title: str, body: str = "", url: str = ""
) -> None:
    """Tell each person once; while unread, the same ``key`` counts up and takes the newer words."""
    words = {"title": title[:200], "body": body, "url": url}
    for user in users:
        if _count_up(user, organization, key[:120], words):
            continue
        try:
            with transaction.atomic():
                Notification.objects.create(organization=organization, user=user, kind=kind, key=key[:120], **words)
        except IntegrityError:
            # Somebody else told them of the same thing in this very moment.
            _count_up(user, organization, key[:120], words)


def _count_up(user: User, organization: Organization, key: str, words: dict[str, str]) -> bool:
    """Fold into the unread notification with this key; whether there is one."""
    unread = Notification.objects.for_organization(organization).filter(user=user, key=key).unread()
    return unread.update(count=F("count") + 1, created_at=timezone.now(), **words) > 0


def notify_those_who_may(
    permission: str, *, organization: Organization, kind: str, key: str, title: str, body: str = "", url: str = ""
) -> None:
    """Tell every active member whose role grants the permission."""
    members = Membership.objects.for_organization(organization).who_may(permission).select_related("user")
    users = [membership.user for membership in members if membership.user.is_active]
    notify(users, organization=organization, kind=kind, key=key, title=title, body=body, url=url)


def mark_read(user: User, organization: Organization, notification_id: str | None = None) -> int:
    """Mark one notification, or all, as read; how many changed."""
    unread = Notification.objects.for_organization(organization).filter(user=user).unread()
    if notification_id:
        unread = unread.filter(pk=notification_id)
    return unread.update(read_at=timezone.now())
