"""The life of one post as a list of events: who did what, and each attempt to publish with its steps."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.audit_words import Change, changes_in_words, words_of_action
from accounts.models import AuditEvent
from publishing.models import Outcome, PublishAttempt, PublishStep, SocialPost
from publishing.states import short_time

EVENTS_SHOWN = 60

ACTIONS = {
    "post.created": gettext_lazy("Created"),
    "post.edited": gettext_lazy("Edited"),
    "post.scheduled": gettext_lazy("Scheduled"),
    "post.sent_now": gettext_lazy("Published immediately"),
    "post.unscheduled": gettext_lazy("Moved to drafts"),
    "post.move_undone": gettext_lazy("Move undone"),
    "post.cancelled": gettext_lazy("Cancelled"),
    "post.postponed": gettext_lazy("Postponed"),
    "post.reclaimed": gettext_lazy("Picked up again after a worker stopped"),
    "post.published": gettext_lazy("Published"),
    "post.failed": gettext_lazy("Failed"),
    "post.confirmed": gettext_lazy("Confirmed as published"),
    "post.resent": gettext_lazy("Sent again"),
    "post.gone": gettext_lazy("No longer on the platform"),
    "post.deleted_at_platform": gettext_lazy("Deleted from the platform"),
    "post.engagement_synced": gettext_lazy("Engagement refreshed"),
    "post.deleted": gettext_lazy("Deleted"),
    "post.held": gettext_lazy("Put on hold"),
    "post_group.discarded": gettext_lazy("Discarded"),
    "media.uploaded": gettext_lazy("Uploaded"),
    "media.described": gettext_lazy("Described"),
    "media.deleted": gettext_lazy("Deleted"),
}
_WITH_REASON = frozenset({"post.cancelled", "post.held", "post.postponed"})
_TONES = {"post.published": "ok", "post.failed": "danger", "post.gone": "warn", "post.confirmed": "ok"}
_OUTCOME_TONES: dict[str, str] = {
    Outcome.PUBLISHED: "ok", Outcome.FAILED: "danger", Outcome.UNKNOWN: "danger", Outcome.RETRY: "warn",
    Outcome.HELD: "warn",
}  # fmt: skip


@dataclass(frozen=True)
class Event:
    """``at`` aware; ``until`` None while it goes on or when it took no time; ``changes`` are what somebody edited."""

    at: datetime
    title: str
    tone: str = ""
    note: str = ""
    who: str = ""
    until: datetime | None = None
    steps: Sequence[PublishStep] = ()
    changes: Sequence[Change] = ()


def history_of(post: SocialPost) -> list[Event]:
    """Everything that happened to a post, the latest first, in three queries."""
    audited = AuditEvent.objects.for_organization(post.organization).filter(
        object_type="socialpost", object_id=str(post.pk)
    )
    attempts = PublishAttempt.objects.for_organization(post.organization).filter(post=post).prefetch_related("steps")
    # Attempts first: what was sent in the same moment in which it was ordered came after the order.
    events = [_from_attempt(attempt) for attempt in attempts]
    events += [_from_audit(event) for event in audited.select_related("actor")[:EVENTS_SHOWN]]
    return sorted(events, key=lambda event: event.at, reverse=True)


def _from_audit(event: AuditEvent) -> Event:
    who = event.actor.display_name if event.actor else ""
    title, note = words_of_action(event.action), ""
    before, after = _pair(event, "scheduled_at")
    if before and after:
        title = _("Rescheduled") if event.action == "post.scheduled" else title
        note = _("From %(before)s to %(after)s") % {"before": short_time(before), "after": short_time(after)}
    elif after and event.action == "post.scheduled":
        note = _("For %(time)s") % {"time": short_time(after)}
    elif before:
        note = _("It was scheduled for %(time)s") % {"time": short_time(before)}
    elif event.action in _WITH_REASON:
        note = str((event.changes.get("error_message") or ["", ""])[1])
    changes = changes_in_words(event) if event.action == "post.edited" else ()
    return Event(event.at, title, _TONES.get(event.action, ""), note, who=who, changes=changes)


def _pair(event: AuditEvent, name: str) -> tuple[datetime | None, datetime | None]:
    """A time before and after an event."""
    pair = event.changes.get(name)
    if not isinstance(pair, list) or len(pair) != 2:
        return None, None
    before, after = (parse_datetime(part) if isinstance(part, str) and part else None for part in pair)
    return before, after


def _from_attempt(attempt: PublishAttempt) -> Event:
    title = _("Attempt %(number)s") % {"number": attempt.number}
    outcome = attempt.get_outcome_display() if attempt.outcome else _("in progress")
    return Event(
        attempt.started_at, f"{title}: {outcome}", _OUTCOME_TONES.get(attempt.outcome, "accent"), attempt.error_message,
        until=attempt.finished_at, steps=list(attempt.steps.all()),
    )  # fmt: skip
