"""Tells people when posts do not go out as they should, and when they do again.

Every worker, every beat and the web watch, each in a thread of its own: whichever part is broken, another one lives and
notices. They take turns; rows decide who tells, so that any number of watchers tell once. Nothing here goes through the
queue, which may be what nobody takes: notifications are rows, and their mails leave from the watching process itself.

Told are the administrators (``organization.manage``) of the organizations that it touches: those with posts overdue or
stuck; where no worker or beat works, those with posts due or planned within ``SOON``, and others as soon as theirs come
that near. And by mail the superusers, who run the installation. What ``state.look`` sees becomes an incident that

- is told when it has been wrong for ``WRONG_FOR`` and was seen in every look of ``SEEN_FOR``: not when a computer wakes
  up, workers are restarted, or everything starts in the morning;
- is told once, however long it lasts;
- is over when it was not seen for ``OVER_AFTER``, and what had waited went out, or ``CATCH_UP`` has passed.

Late and stuck posts are no incident of their own while there is no worker or no beat: that is why.
"""

import threading
from datetime import datetime, timedelta
from urllib.parse import urljoin, urlsplit
from uuid import UUID

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import close_old_connections, connection, transaction
from django.db.models import Count, F, Q, QuerySet
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts import heartbeats
from accounts.mails import send_due_notifications
from accounts.models import Incident, Notification, Organization, User
from accounts.notifications import Kind, notify_those_who_may, register_kind, wants_mail
from accounts.text import one_line
from config import state
from publishing.models import PostStatus, SocialPost, SocialPostQuerySet

log = structlog.get_logger(__name__)

NOTIFICATION_KIND = "publishing.stopped"
register_kind(
    Kind(
        NOTIFICATION_KIND,
        gettext_lazy("Publishing stops or recovers"),
        gettext_lazy("View publishing status"),
        order=0,
        mail_after=timedelta(),
    )
)

LOOK_EVERY = timedelta(seconds=5)
SETTLE_S = 60
"""A process that has just begun lets the others begin too before it looks."""
WRONG_FOR = timedelta(seconds=60)
SEEN_FOR = timedelta(seconds=15)
NEVER_RAN_FOR = timedelta(minutes=5)
"""What never ran yet is being set up: no alarm before."""
OVER_AFTER = timedelta(seconds=20)
CATCH_UP = timedelta(minutes=5)
SOON = timedelta(hours=6)

CAUSES = {Incident.Kind.WORKERS, Incident.Kind.BEAT}
CONSEQUENCES = {Incident.Kind.OVERDUE, Incident.Kind.STUCK}

LEASE = timedelta(minutes=2)
"""How long one process has for a mail to the operators. One that dies leaves it to the next after that."""
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=1)
GIVE_UP_AFTER = timedelta(days=7)


# --- looking ----------------------------------------------------------------------------------------------------------


def look_and_tell(now: datetime) -> None:
    """Look once: open, tell and close incidents. Any number of processes may do this at once."""
    found = state.look(now)
    incidents = {incident.kind: incident for incident in Incident.objects.open()}
    seen: set[str] = set(found.problems)
    if CAUSES & (seen | incidents.keys()):
        # Late and stuck posts are no news then. Nor are they over when people had been told of them before.
        seen = (seen - CONSEQUENCES) | {kind for kind in CONSEQUENCES & incidents.keys() if incidents[kind].told_at}
    for kind in sorted(seen):
        incident = _note(kind, found)
        if incident.told_at or _has_lasted(incident, found):
            _tell(incident, found)
    gone = [incident for kind, incident in incidents.items() if kind not in seen]
    for incident in gone:
        if incident.told_at is None:
            Incident.objects.open().filter(pk=incident.pk, told_at=None, seen_at__lt=now).delete()
    if ending := [incident.pk for incident in gone if incident.told_at and _is_over(incident, found)]:
        _close(ending, now)


def _note(kind: str, found: state.State) -> Incident:
    """The open incident of this kind, seen now; opened when there is none."""
    now = found.now
    seen = {"noticed_at": now, "began_at": _since(kind, found) or now, "seen_at": now}
    said = found.problems.get(kind, "")
    incident, is_new = Incident.objects.get_or_create(kind=kind, closed_at=None, defaults=seen | {"said": said})
    if is_new:
        return incident
    same = Incident.objects.open().filter(pk=incident.pk)
    # Nobody looked for a while: it may not have lasted.
    same.filter(told_at=None, seen_at__lt=now - WRONG_FOR).update(**seen)
    same.filter(seen_at__lt=now).update(seen_at=now)
    incident.refresh_from_db()
    return incident


def _since(kind: str, found: state.State) -> datetime | None:
    """Since when it is so; None when it never was otherwise."""
    match kind:
        case Incident.Kind.WORKERS:
            return heartbeats.last_seen("publish")
        case Incident.Kind.BEAT:
            return found.last_tick
        case Incident.Kind.OVERDUE:
            return found.oldest_due
    return found.oldest_stuck


def _has_lasted(incident: Incident, found: state.State) -> bool:
    wrong_for = WRONG_FOR if _since(incident.kind, found) else NEVER_RAN_FOR
    return incident.began_at <= found.now - wrong_for and incident.noticed_at <= found.now - SEEN_FOR


def _is_over(incident: Incident, found: state.State) -> bool:
    if incident.seen_at > found.now - OVER_AFTER:
        return False
    return not found.overdue or incident.kind not in CAUSES or incident.seen_at <= found.now - CATCH_UP


# --- telling ----------------------------------------------------------------------------------------------------------


def _key(incident: Incident) -> str:
    return f"{NOTIFICATION_KIND}:{incident.pk}"


def _told(incident: Incident) -> set[UUID]:
    """The organizations whose administrators know of it."""
    rows = Notification.objects.filter(kind=NOTIFICATION_KIND, key=_key(incident))
    return set(rows.order_by().values_list("organization_id", flat=True).distinct())


def _touched(incident: Incident, found: state.State) -> dict[UUID, int]:
    """How many posts of which organizations it keeps from going out."""
    if incident.kind == Incident.Kind.OVERDUE:
        posts = state.overdue_posts(found.now, found.troubles)
    elif incident.kind == Incident.Kind.STUCK:
        posts = state.stuck_posts(found.now)
    else:
        posts = SocialPost.objects.filter(
            Q(status=PostStatus.PUBLISHING)
            | Q(
                status=PostStatus.SCHEDULED, scheduled_at__lte=found.now + SOON, hold_reason="",
                connection__is_active=True, connection__disconnected_at__isnull=True,
            )
        )  # fmt: skip
    return _by_organization(posts)


def _by_organization(posts: SocialPostQuerySet) -> dict[UUID, int]:
    return dict(posts.order_by().values_list("organization_id").annotate(Count("pk")))


def _tell(seen: Incident, found: state.State) -> None:
    """Tell whom it touches and who does not know yet, and the operators once."""
    touched = _touched(seen, found)
    if seen.told_at and touched.keys() <= _told(seen):
        return
    with transaction.atomic():
        incident = Incident.objects.select_for_update().open().filter(pk=seen.pk).first()
        if incident is None:
            return
        if incident.told_at is None:
            Incident.objects.filter(pk=incident.pk).update(
                told_at=found.now, mail_due_at=found.now, posts_affected=sum(touched.values())
            )
            log.warning("publishing stands still", incident=incident.kind, posts=sum(touched.values()))
        for organization in Organization.objects.filter(pk__in=touched.keys() - _told(incident)):
            with translation.override(organization.language):
                _notify(
                    organization,
                    key=_key(incident),
                    title=_title(incident),
                    body=_body(incident, organization, touched[organization.pk]),
                )


def _notify(organization: Organization, *, key: str, title: str, body: str) -> None:
    notify_those_who_may(
        "organization.manage", organization=organization, kind=NOTIFICATION_KIND, key=key, title=title, body=body,
        url=reverse("health"),
    )  # fmt: skip


def _title(incident: Incident) -> str:
    match incident.kind:
        case Incident.Kind.WORKERS:
            return _("Posts are not being published: no worker is running")
        case Incident.Kind.BEAT:
            return _("Posts are not being published: the scheduler has stopped")
        case Incident.Kind.OVERDUE:
            return _("Posts are being published late")
    return _("Posts are stuck: their worker stopped responding")


def _body(incident: Incident, organization: Organization, posts: int) -> str:
    """What happened to this organization's posts, since when, and what to do."""
    since = _("Since %(time)s.") % {"time": _time(incident.began_at, organization)}
    if incident.kind == Incident.Kind.OVERDUE:
        count = ngettext("%(n)d of your posts is overdue.", "%(n)d of your posts are overdue.", posts)
    elif incident.kind == Incident.Kind.STUCK:
        count = ngettext("%(n)d of your posts is stuck.", "%(n)d of your posts are stuck.", posts)
    else:
        count = ngettext(
            "%(n)d of your posts is due in the next %(hours)d hours.",
            "%(n)d of your posts are due in the next %(hours)d hours.",
            posts,
        )
    hours = SOON.total_seconds() / 3600
    said = incident.said if incident.kind in CAUSES else ""
    return " ".join(
        part for part in (since, said, count % {"n": posts, "hours": hours}, _advice(incident.kind)) if part
    )


def _advice(kind: str) -> str:
    if kind == Incident.Kind.OVERDUE:
        return _(
            "They will be published as soon as a worker is free. If this continues, check the workers' logs or start "
            "more workers. If someone else runs this Parley, let them know."
        )
    if kind == Incident.Kind.STUCK:
        return _(
            "Before sending one again, Parley checks with its platform whether it was published. Make sure that "
            "workers and beat are running. If someone else runs this Parley, let them know."
        )
    return _(
        "No post is lost: once publishing recovers, posts up to %(hours)g hours late are published automatically, and "
        "later ones wait for your decision. If someone else runs this Parley, let them know."
    ) % {"hours": settings.PUBLISH_LATE_AFTER_H}


def _time(moment: datetime, organization: Organization | None = None) -> str:
    """``Sat 21 Nov, 14:03`` in the organization's zone; without one in UTC, and saying so."""
    if organization is None:
        return date_format(moment.astimezone(timezone.get_default_timezone()), "D j M, H:i") + " UTC"
    return date_format(moment.astimezone(organization.zone), "D j M, H:i")


# --- telling that it is over ------------------------------------------------------------------------------------------


def _close(ending: list[UUID], now: datetime) -> None:
    """End these incidents and tell everybody who knew of one, together."""
    with transaction.atomic():
        incidents = list(Incident.objects.select_for_update().open().filter(pk__in=ending).order_by("began_at", "pk"))
        if not incidents:
            return
        keys = [_key(incident) for incident in incidents]
        knew = set().union(*(_told(incident) for incident in incidents))
        waiting = _by_organization(_waiting_posts(now))
        for incident in incidents:
            late = _by_organization(_late_posts(incident, now))
            Incident.objects.filter(pk=incident.pk).update(
                # The mail of the first tells of all; one that was still owed for the beginning is owed no more.
                closed_at=now, mail_due_at=now if incident == incidents[0] else None, mail_tries=0,
                posts_late=sum(late.values()), posts_waiting=sum(waiting.values()),
            )  # fmt: skip
            log.warning("publishing works again", incident=incident.kind, late=sum(late.values()))
        # What was not read or mailed yet is told by the end of it.
        Notification.objects.filter(kind=NOTIFICATION_KIND, key__in=keys).unread().update(
            read_at=now, email_due_at=None
        )
        late = _by_organization(_late_posts(incidents[0], now))
        others = _still_open()
        for organization in Organization.objects.filter(pk__in=knew):
            with translation.override(organization.language):
                counts = late.get(organization.pk, 0), waiting.get(organization.pk, 0)
                _notify(
                    organization,
                    key=f"{keys[0]}:over",
                    title=_end_title(others),
                    body=" ".join(_end_lines(incidents, counts, others, organization)),
                )


def _still_open() -> list[Incident]:
    return list(Incident.objects.open().told())


def _late_posts(incident: Incident, now: datetime) -> SocialPostQuerySet:
    """Posts that went out during the incident, more than a minute after their time."""
    out = SocialPost.objects.filter(status=PostStatus.PUBLISHED, published_at__range=(incident.began_at, now))
    planned = out.annotate(due=Coalesce("paced_until", "scheduled_at"))
    return planned.filter(published_at__gt=F("due") + state.OVERDUE_AFTER)


def _waiting_posts(now: datetime) -> SocialPostQuerySet:
    """Posts whose time was more than a minute ago and that are still to go out."""
    due = now - state.OVERDUE_AFTER
    return SocialPost.objects.waiting(due) | SocialPost.objects.filter(
        status=PostStatus.PUBLISHING, scheduled_at__lte=due
    )


def _end_title(others: list[Incident]) -> str:
    if others:
        return _("Publishing has partly recovered")
    return _("Publishing has recovered")


def _end_lines(
    incidents: list[Incident], counts: tuple[int, int], others: list[Incident], organization: Organization | None = None
) -> list[str]:
    """What was wrong and how long, what came of the posts (went out late, still wait), and what is still wrong."""
    late, waiting = counts
    lines = [
        _("%(what)s from %(start)s to %(end)s.")
        % {
            "what": incident.get_kind_display(),
            "start": _time(incident.began_at, organization),
            "end": _time(incident.seen_at, organization),
        }
        for incident in incidents
    ]
    if late:
        lines.append(ngettext("%(n)d post was published late.", "%(n)d posts were published late.", late) % {"n": late})
    if waiting:
        lines.append(ngettext("%(n)d is still waiting.", "%(n)d are still waiting.", waiting) % {"n": waiting})
    if not late and not waiting:
        lines.append(_("No posts were late."))
    lines += [_("Still failing: %(what)s.") % {"what": _title(other)} for other in others]
    return lines


# --- mails ------------------------------------------------------------------------------------------------------------


def owes_mail(now: datetime) -> bool:
    """Whether somebody is still to be mailed about an incident."""
    told = Notification.objects.filter(kind=NOTIFICATION_KIND, email_due_at__lte=now)
    return told.exists() or Incident.objects.filter(mail_due_at__lte=now).exists()


def send_owed_mails(now: datetime) -> None:
    """Send what is owed about incidents from this very process. A mail server that does not answer is asked again
    later; two processes do not send the same mail."""
    for incident in Incident.objects.filter(mail_due_at__lte=now).order_by("told_at"):
        lease = now + LEASE
        if Incident.objects.filter(pk=incident.pk, mail_due_at=incident.mail_due_at).update(mail_due_at=lease):
            # A closing that comes while the opening is being sent sets another time, and stays owed.
            _mail_operators(incident, Incident.objects.filter(pk=incident.pk, mail_due_at=lease), now)
    send_due_notifications(now)


def _mail_operators(incident: Incident, mine: QuerySet[Incident], now: datetime) -> None:
    addresses = _operators(incident)
    try:
        if addresses and incident.seen_at > now - GIVE_UP_AFTER:
            _operators_mail(incident, addresses).send()
    except Exception as error:  # each mail service has errors of its own
        wait = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(incident.mail_tries, 10))
        mine.update(mail_due_at=now + wait, mail_tries=incident.mail_tries + 1)
        log.warning("the operators were not mailed", incident=incident.kind, error=type(error).__name__)
    else:
        mine.update(mail_due_at=None, mail_tries=0)


def _operators(incident: Incident) -> list[str]:
    """Addresses of the superusers who get such mails and are not told as administrators."""
    people = User.objects.filter(is_superuser=True, is_active=True).exclude(
        pk__in=Notification.objects.filter(
            kind=NOTIFICATION_KIND, key__in=[_key(incident), f"{_key(incident)}:over"]
        ).values("user_id")
    )
    wanted = wants_mail([user.pk for user in people], NOTIFICATION_KIND)
    return sorted(user.email for user in people if user.pk in wanted)


def _operators_mail(incident: Incident, addresses: list[str]) -> EmailMessage:
    """One mail to all of them: they see who else knows."""
    with translation.override(settings.LANGUAGE_CODE):
        if incident.closed_at:
            others, together = _still_open(), Incident.objects.filter(closed_at=incident.closed_at)
            title = _end_title(others)
            counts = incident.posts_late, incident.posts_waiting
            lines = _end_lines(list(together.order_by("began_at", "pk")), counts, others)
        else:
            title = _title(incident)
            posts = ngettext(
                "%(n)d post on this installation is affected.",
                "%(n)d posts on this installation are affected.",
                incident.posts_affected,
            )
            lines = [
                _("Since %(time)s.") % {"time": _time(incident.began_at)},
                incident.said,
                posts % {"n": incident.posts_affected},
            ]
        lines += ["", _("Current status:"), urljoin(settings.APP_URL, reverse("health"))]
        lines += [urljoin(settings.APP_URL, reverse("readyz"))]
    return EmailMessage(
        subject=one_line(f"[{urlsplit(settings.APP_URL).hostname}] {title}"),
        body="\n".join([*lines, ""]),
        to=addresses,
        headers={"Auto-Submitted": "auto-generated"},
    )


# --- watching ---------------------------------------------------------------------------------------------------------


def start_watching(ending: threading.Event | None = None) -> threading.Thread:
    """Watch in a thread of this process until ``ending``, or until the process ends."""
    thread = threading.Thread(target=watch, args=(ending or threading.Event(),), daemon=True, name="watchdog")
    thread.start()
    return thread


def watch(ending: threading.Event, *, settle_s: float = SETTLE_S, every_s: float = LOOK_EVERY.total_seconds()) -> None:
    """Look whenever it is this process's turn. Mails leave in a thread of their own: a mail server that hangs holds up
    the next mail, not the next look."""
    last_error, mailing = "", None
    ending.wait(settle_s)
    while not ending.is_set():
        try:
            close_old_connections()
            now = timezone.now()
            if heartbeats.take_turn("watchdog", every=LOOK_EVERY, now=now):
                look_and_tell(now)
            if owes_mail(timezone.now()) and not (mailing and mailing.is_alive()):
                mailing = threading.Thread(target=_send_and_hang_up, daemon=True, name="watchdog-mails")
                mailing.start()
            last_error = ""
        except Exception as error:  # whatever it is, the next look may succeed: a database that is away comes back
            if type(error).__name__ != last_error:
                last_error = type(error).__name__
                log.warning("the watchdog could not look", error=last_error)
        ending.wait(every_s)
    connection.close()


def _send_and_hang_up() -> None:
    try:
        send_owed_mails(timezone.now())
    except Exception as error:
        log.warning("mails of the watchdog were not sent", error=type(error).__name__)
    finally:
        connection.close()
