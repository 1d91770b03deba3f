"""The life of one post as a list of events: who did what, and each attempt to publish with its steps."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.audit_words import words_of_action
from accounts.models import AuditEvent
from publishing.models import Outcome, PublishAttempt, PublishStep, SocialPost

EVENTS_SHOWN = 60

ACTIONS = {
    "post.created": gettext_lazy("Written"),
    "post.edited": gettext_lazy("Edited"),
    "post.scheduled": gettext_lazy("Scheduled"),
    "post.sent_now": gettext_lazy("Sent off at once"),
    "post.unscheduled": gettext_lazy("Put back among the drafts"),
    "post.move_undone": gettext_lazy("Move undone"),
    "post.cancelled": gettext_lazy("Cancelled"),
    "post.postponed": gettext_lazy("Postponed"),
    "post.reclaimed": gettext_lazy("Taken over from a worker that stopped"),
    "post.published": gettext_lazy("Published"),
    "post.failed": gettext_lazy("Failed"),
    "post.confirmed": gettext_lazy("Confirmed as published"),
    "post.resent": gettext_lazy("Sent again"),
    "post.gone": gettext_lazy("Found gone from the platform"),
    "post.deleted_at_platform": gettext_lazy("Deleted at the platform"),
    "post.engagement_synced": gettext_lazy("Engagement synced"),
    "post.deleted": gettext_lazy("Deleted"),
    "post.held": gettext_lazy("Held"),
    "post_group.discarded": gettext_lazy("Discarded"),
    "media.uploaded": gettext_lazy("Uploaded"),
    "media.described": gettext_lazy("Described"),
    "media.deleted": gettext_lazy("Deleted"),
}
_TONES = {"post.published": "ok", "post.failed": "danger", "post.gone": "warn", "post.confirmed": "ok"}
_OUTCOME_TONES: dict[str, str] = {
    Outcome.PUBLISHED: "ok", Outcome.FAILED: "danger", Outcome.UNKNOWN: "danger", Outcome.RETRY: "warn",
    Outcome.HELD: "warn",
}  # fmt: skip


@dataclass(frozen=True)
class Event:
    """``at`` aware; ``until`` None while it goes on or when it took no time."""

    at: datetime
    title: str
    tone: str = ""
    note: str = ""
    who: str = ""
    until: datetime | None = None
    steps: Sequence[PublishStep] = ()


def history_of(post: SocialPost) -> list[Event]:
    """Everything that happened to a post, the latest first, in three queries."""
    audited = AuditEvent.objects.for_organization(post.organization).filter(
        object_type="socialpost", object_id=str(post.pk)
    )
    events = [_from_audit(event) for event in audited.select_related("actor")[:EVENTS_SHOWN]]
    attempts = PublishAttempt.objects.for_organization(post.organization).filter(post=post).prefetch_related("steps")
    events += [_from_attempt(attempt) for attempt in attempts]
    return sorted(events, key=lambda event: event.at, reverse=True)


def _from_audit(event: AuditEvent) -> Event:
    who = event.actor.display_name if event.actor else ""
    return Event(event.at, words_of_action(event.action), _TONES.get(event.action, ""), who=who)


def _from_attempt(attempt: PublishAttempt) -> Event:
    title = _("Attempt %(number)s") % {"number": attempt.number}
    outcome = attempt.get_outcome_display() if attempt.outcome else _("under way")
    return Event(
        attempt.started_at, f"{title}: {outcome}", _OUTCOME_TONES.get(attempt.outcome, "accent"), attempt.error_message,
        until=attempt.finished_at, steps=list(attempt.steps.all()),
    )  # fmt: skip
