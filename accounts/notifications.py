"""Telling people: rows that the bell shows and that mails are made from. Repeats fold into one.

The row is the truth: ``email_due_at`` says that a mail is owed and since when, ``emailed_at`` that it left. A mail that
was owed leaves when somebody looks the next time, whatever happened to the worker that looked before.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.functional import Promise

from accounts.models import Membership, Notification, NotificationPreference, Organization, User
from accounts.text import one_line

MAIL_AFTER = timedelta(seconds=20)
"""What happens within this time is told in one mail."""
MAIL_AGAIN_AFTER = timedelta(hours=1)
"""An unread notification that was mailed is mailed again when the same thing happens later than this."""


@dataclass(frozen=True)
class Kind:
    """A kind of notification. ``step`` are the words of the link to what can be done; ``order`` its place in lists;
    ``mail_after`` how long its mail waits for more of the kind."""

    name: str
    label: str | Promise
    step: str | Promise
    by_email: bool = True
    order: int = 100
    mail_after: timedelta = MAIL_AFTER


_kinds: dict[str, Kind] = {}


def register_kind(kind: Kind) -> None:
    """Make a kind known: it can be mailed, and people can turn that off. Each app registers its own."""
    _kinds[kind.name] = kind


def kinds() -> list[Kind]:
    return sorted(_kinds.values(), key=lambda kind: (kind.order, kind.name))


def kind_of(name: str) -> Kind | None:
    return _kinds.get(name)


def wants_mail(user_ids: Iterable[UUID], kind: str) -> set[UUID]:
    """Which of these people get mails of a kind: one query."""
    known, ids = kind_of(kind), set(user_ids)
    if known is None:
        return set()
    said = dict(
        NotificationPreference.objects.filter(user__in=ids, kind=kind).values_list("user_id", "by_email")
    )  # fmt: skip
    return {user_id for user_id in ids if said.get(user_id, known.by_email)}


@transaction.atomic
def set_mail_preferences(user: User, choices: dict[str, bool]) -> None:
    """Which kinds a person gets by mail; kinds that are not named stay as they are. What is owed of a kind that is now
    off is mailed no more."""
    for kind, by_email in choices.items():
        if kind in _kinds:
            NotificationPreference.objects.update_or_create(user=user, kind=kind, defaults={"by_email": by_email})
    off = [kind for kind, by_email in choices.items() if not by_email]
    Notification.objects.filter(user=user, kind__in=off).update(email_due_at=None)


def notify(
    users: Iterable[User], *, organization: Organization, kind: str, key: str, title: str, body: str = "", url: str = ""
) -> None:
    """Tell each person once; while unread, the same ``key`` counts up and takes the newer words."""
    words = {"title": one_line(title, 200), "body": body, "url": url}
    people = list(users)
    mailed = wants_mail([user.pk for user in people], kind)
    known = kind_of(kind)
    mail_after = known.mail_after if known else MAIL_AFTER
    for user in people:
        by_mail = user.pk in mailed
        if _count_up(user, organization, key[:120], words, by_mail=by_mail):
            continue
        due_at = timezone.now() + mail_after if by_mail else None
        try:
            with transaction.atomic():
                Notification.objects.create(
                    organization=organization, user=user, kind=kind, key=key[:120], email_due_at=due_at, **words
                )
        except IntegrityError:
            # Somebody else told them of the same thing in this very moment.
            _count_up(user, organization, key[:120], words, by_mail=by_mail)


def _count_up(user: User, organization: Organization, key: str, words: dict[str, str], *, by_mail: bool) -> bool:
    """Fold into the unread notification with this key; whether there is one."""
    now = timezone.now()
    unread = Notification.objects.for_organization(organization).filter(user=user, key=key).unread()
    if not unread.update(count=F("count") + 1, created_at=now, **words):
        return False
    if by_mail:
        unread.filter(emailed_at__lt=now - MAIL_AGAIN_AFTER, email_due_at=None).update(
            email_due_at=now + MAIL_AFTER, email_tries=0
        )
    return True


def notify_those_who_may(
    permission: str, *, organization: Organization, kind: str, key: str, title: str, body: str = "", url: str = ""
) -> None:
    """Tell every active member whose role grants the permission."""
    members = Membership.objects.for_organization(organization).who_may(permission).select_related("user")
    users = [membership.user for membership in members if membership.user.is_active]
    notify(users, organization=organization, kind=kind, key=key, title=title, body=body, url=url)


def mark_read(user: User, organization: Organization, notification_id: str | None = None) -> int:
    """Mark one notification, or all, as read; how many changed. What was read is mailed no more."""
    unread = Notification.objects.for_organization(organization).filter(user=user).unread()
    if notification_id:
        unread = unread.filter(pk=notification_id)
    return unread.update(read_at=timezone.now(), email_due_at=None)


def withdraw(key: str, *, organization: Organization) -> int:
    """What was told is no longer so: it counts as read, by everybody, and is mailed no more. How many had not read it."""
    unread = Notification.objects.for_organization(organization).filter(key=key[:120]).unread()
    return unread.update(read_at=timezone.now(), email_due_at=None)
