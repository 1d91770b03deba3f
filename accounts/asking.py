"""Asking a colleague: whoever may not do a thing asks, with one click, those who may.

Each app registers what its people can be asked for. A request is an audit event; who asked for what, and when, is read
from there. The same thing is asked for once a day in an organization, and one person asks for few things a day, so that
nobody's notifications are flooded.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise, cached_property
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.audit import record_audit
from accounts.errors import Conflict, DomainError
from accounts.models import AuditEvent, Membership, Organization, User
from accounts.notifications import Kind, notify, register_kind

ACTION = "help.requested"
AGAIN_AFTER = timedelta(days=1)
PER_PERSON = 10
"""Different things that one person may ask for within ``AGAIN_AFTER``."""
NAMES_SHOWN = 3

register_kind(Kind(ACTION, gettext_lazy("A colleague asks me to do something"), gettext_lazy("Open"), order=5))


class NobodyCan(Conflict):
    code = "nobody_can"


class AskedTooOften(DomainError):
    code = "asked_too_often"
    http_status = 429


@dataclass(frozen=True)
class Subject:
    """What a request is about: the row that its audit event names, where those who are asked can do it, and its name."""

    row: models.Model
    url: str
    name: str = ""


@dataclass(frozen=True)
class Topic:
    """A kind of request. ``button`` are the words to press, ``who`` takes ``names``, ``title`` of the notification takes
    ``person`` and ``subject``. ``find`` turns what the page sent into a subject of the organization, None when there is
    none."""

    name: str
    permission: str
    button: str | Promise
    who: str | Promise
    title: str | Promise
    find: Callable[[Organization, str], Subject | None]


@dataclass(frozen=True)
class Asked:
    """A request of the last day."""

    by: str
    at: datetime


_topics: dict[str, Topic] = {}


def register_topic(topic: Topic) -> None:
    _topics[topic.name] = topic


def topic_of(name: str) -> Topic | None:
    return _topics.get(name)


def request_key(topic: str, sent: str) -> str:
    """Names one thing that can be asked for."""
    return f"{topic}:{sent}"


def people_who_may(organization: Organization, permission: str) -> list[User]:
    """Active members whose role grants the permission, by name."""
    members = Membership.objects.for_organization(organization).who_may(permission).select_related("user")
    return sorted(
        (member.user for member in members if member.user.is_active), key=lambda user: user.display_name.casefold()
    )


def names_of(people: list[User]) -> str:
    """ "Olivia Marsh, André Duarte and 2 more"; "" for nobody."""
    names = [person.display_name for person in people]
    if len(names) > NAMES_SHOWN:
        names = [*names[: NAMES_SHOWN - 1], _("%(count)d more") % {"count": len(names) - NAMES_SHOWN + 1}]
    return str(get_text_list(names, _("and")))


@transaction.atomic
def ask(topic: Topic, sent: str, *, organization: Organization, by: User) -> None:
    """Tell those who may; within a day of an earlier request for the same thing it tells nobody anew.

    Raises LookupError when the organization has no such subject, NobodyCan when no active member may, AskedTooOften when
    the person has asked for too much today.
    """
    subject = topic.find(organization, sent)
    if subject is None:
        raise LookupError(topic.name)
    key = request_key(topic.name, sent)
    # One at a time in an organization: two clicks at once are one request.
    Organization.objects.select_for_update().get(pk=organization.pk)
    people = [person for person in people_who_may(organization, topic.permission) if person != by]
    if not people:
        raise NobodyCan(_("Nobody in %(organization)s can do this at the moment.") % {"organization": organization})
    lately = _events(organization, timezone.now())
    if any(_request_of(event) == key for event in lately):
        return
    if sum(event.actor_id == by.pk for event in lately) >= PER_PERSON:
        raise AskedTooOften(
            _("You've reached today's limit for requests to colleagues. Talk to them directly, or try again tomorrow.")
        )
    record_audit(ACTION, subject.row, by=by, organization=organization, changes={"request": ["", key]})
    notify(
        people, organization=organization, kind=ACTION, key=f"{ACTION}:{key}",
        title=str(topic.title) % {"person": by.display_name, "subject": subject.name}, url=subject.url,
    )  # fmt: skip


def _events(organization: Organization, now: datetime) -> list[AuditEvent]:
    since = now - AGAIN_AFTER
    asked = AuditEvent.objects.for_organization(organization).filter(at__gt=since, action=ACTION)
    return list(asked.select_related("actor").order_by("-at"))


def _request_of(event: AuditEvent) -> str:
    pair: Any = event.changes.get("request")
    return str(pair[1]) if isinstance(pair, list) and len(pair) == 2 else ""


class Colleagues:
    """For templates: who may do a thing, and what was asked for within the last day. Reads only what a page asks for."""

    def __init__(self, organization: Organization) -> None:
        self._organization = organization
        self._names: dict[str, str] = {}

    def who_may(self, permission: str) -> str:
        """The names of those whose role grants it, "" for nobody."""
        if permission not in self._names:
            self._names[permission] = names_of(people_who_may(self._organization, permission))
        return self._names[permission]

    @cached_property
    def asked(self) -> dict[str, Asked]:
        """By ``request_key``."""
        found: dict[str, Asked] = {}
        for event in _events(self._organization, timezone.now()):
            name = event.actor.display_name if event.actor else event.actor_label
            found[_request_of(event)] = Asked(name, event.at)
        return found


# --- what belongs to no other app -------------------------------------------------------------------------------------


def _invite(organization: Organization, _sent: str) -> Subject:
    return Subject(organization, reverse("accounts:members"))


def _settings(organization: Organization, _sent: str) -> Subject:
    return Subject(organization, reverse("accounts:organization"))


register_topic(
    Topic(
        "invite", "members.manage", button=gettext_lazy("Ask for an invitation"),
        who=gettext_lazy("%(names)s can invite people."), title=gettext_lazy("%(person)s asks you to invite a person"),
        find=_invite,
    )
)  # fmt: skip
register_topic(
    Topic(
        "settings", "organization.manage", button=gettext_lazy("Ask for a change"),
        who=gettext_lazy("%(names)s can change these settings."),
        title=gettext_lazy("%(person)s asks you to change a setting of the organization"), find=_settings,
    )
)  # fmt: skip
