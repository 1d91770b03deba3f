"""Mails of notifications: one per person for all that is owed, tried again until the mail server takes it."""

import smtplib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urljoin
from uuid import UUID

import structlog
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Membership, Notification, User
from accounts.notifications import kind_of, wants_mail
from accounts.text import one_line

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=5)
"""How long one worker has for the mails that it took. A worker that dies leaves them to the next one after that."""
PEOPLE_AT_ONCE = 50
ROWS_PER_MAIL = 50
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=1)
GIVE_UP_AFTER = timedelta(days=7)
"""By then it is no news; the bell still shows it."""


def send_due_notifications(now: datetime | None = None) -> int:
    """Send what is owed; how many mails left. Any number of workers may look at once: a row is taken by one.

    A mail server that cannot be reached ends the round, and every row that it owed waits for its next try.
    """
    now = now or timezone.now()
    taken = _take(now)
    owed = _still_wanted(taken, now)
    if not owed:
        return 0
    server = get_connection()
    sent = 0
    try:
        server.open()
        for user, rows in owed:
            try:
                _mail(user, rows, server).send()
            except Exception as error:
                if isinstance(error, smtplib.SMTPServerDisconnected) or (
                    isinstance(error, OSError) and not isinstance(error, smtplib.SMTPException)
                ):
                    raise
                # This address or this text is refused, the server itself works.
                log.warning("notification not mailed", user=str(user.pk), error=type(error).__name__)
                _try_again(rows, now)
            else:
                _settle(rows, emailed_at=timezone.now(), email_tries=0)
                sent += 1
    except (OSError, smtplib.SMTPException) as error:
        log.warning("the mail server does not answer", error=type(error).__name__)
        _try_again([row for _user, rows in owed for row in rows], now)
    finally:
        server.close()
    return sent


def _take(now: datetime) -> list[Notification]:
    """The rows to mail now, of up to fifty people, put off by the lease so that nobody else takes them."""
    with transaction.atomic():
        due = Notification.objects.filter(email_due_at__lte=now).order_by("email_due_at")
        people = list(dict.fromkeys(due.values_list("user_id", flat=True)[: PEOPLE_AT_ONCE * 10]))[:PEOPLE_AT_ONCE]
        # What a person is owed in some seconds goes with what is due: one mail.
        rows = list(
            Notification.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(user_id__in=people, email_due_at__lte=now + timedelta(minutes=1))
            .select_related("user", "organization")
            .order_by("created_at")
        )
        Notification.objects.filter(pk__in=[row.pk for row in rows]).update(email_due_at=now + LEASE)
    return rows


def _still_wanted(rows: Sequence[Notification], now: datetime) -> list[tuple[User, list[Notification]]]:
    """By person, in the order of what happened. What was read, turned off, or is of an organization that the person has
    left is owed no more."""
    members = set(
        Membership.objects.filter(user_id__in={row.user_id for row in rows}).values_list("user_id", "organization_id")
    )
    wanted = {kind: wants_mail([row.user_id for row in rows], kind) for kind in {row.kind for row in rows}}
    by_person: dict[UUID, list[Notification]] = {}
    dropped = []
    for row in rows:
        fits = (
            row.read_at is None
            and row.user.is_active
            and row.user_id in wanted[row.kind]
            and (row.user_id, row.organization_id) in members
            and row.created_at > now - GIVE_UP_AFTER
        )
        if fits:
            by_person.setdefault(row.user_id, []).append(row)
        else:
            dropped.append(row)
    _settle(dropped)
    return [(found[0].user, found) for found in by_person.values()]


def _settle(rows: Sequence[Notification], **changes: Any) -> None:
    Notification.objects.filter(pk__in=[row.pk for row in rows]).update(email_due_at=None, **changes)


def _try_again(rows: Sequence[Notification], now: datetime) -> None:
    """Put off by a growing wait those of the rows that did not leave meanwhile."""
    for row in rows:
        wait = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(row.email_tries, 10))
        Notification.objects.filter(pk=row.pk, email_due_at__isnull=False).update(
            email_due_at=now + wait, email_tries=row.email_tries + 1
        )


def _mail(user: User, rows: Sequence[Notification], server: Any) -> EmailMultiAlternatives:
    organization = rows[0].organization
    with (
        translation.override(user.language or organization.language),
        timezone.override(user.time_zone or organization.time_zone),
    ):
        first = rows[0]
        subject = first.title
        if len(rows) > 1:
            more = len(rows) - 1
            subject = ngettext("%(title)s, and %(more)d more", "%(title)s, and %(more)d more", more) % {
                "title": first.title[:120], "more": more,
            }  # fmt: skip
        words = {
            "user": user,
            "entries": [_entry(row) for row in rows[:ROWS_PER_MAIL]],
            "left_out": max(0, len(rows) - ROWS_PER_MAIL),
            "several_organizations": len({row.organization_id for row in rows}) > 1,
            "all_url": urljoin(settings.APP_URL, reverse("accounts:notifications")),
            "preferences_url": urljoin(settings.APP_URL, reverse("accounts:notification_mails")),
            "language": user.language or organization.language,
        }
        mail = EmailMultiAlternatives(
            subject=one_line(subject),
            body=render_to_string("accounts/email/notifications.txt", words),
            to=[user.email],
            connection=server,
            headers={"Auto-Submitted": "auto-generated"},
        )
        mail.attach_alternative(render_to_string("accounts/email/notifications.html", words), "text/html")
    return mail


def _entry(row: Notification) -> dict[str, Any]:
    kind = kind_of(row.kind)
    return {
        "row": row,
        "label": kind.label if kind else "",
        "step": (kind.step if kind else "") or _("Open"),
        "url": urljoin(settings.APP_URL, row.url) if row.url else "",
    }
