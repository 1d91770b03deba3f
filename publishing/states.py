"""What a post's state means to a person: a word, a tone, a sentence, and what can be done next."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from connections.errors import OutcomeUnknown
from connections.platforms.base import Can
from publishing.models import RECONCILING, PostStatus, SocialPost
from publishing.pacing import PACED

OVERDUE_AFTER = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Standing:
    """``tone`` is "", ok, info, warn or danger; ``icon`` a name of the sprite; ``sentence`` may be empty; ``steps``
    name the actions that a page offers as buttons, the first one being the obvious next step."""

    label: str
    tone: str = ""
    icon: str = ""
    sentence: str = ""
    steps: tuple[str, ...] = ()

    @property
    def needs_attention(self) -> bool:
        return self.tone in {"warn", "danger"}


def attention() -> Q:
    """Posts that wait for a person: failed, held, or due on an account that no longer works."""
    stuck = ~Q(hold_reason="") | Q(connection__is_active=False) | Q(connection__disconnected_at__isnull=False)
    return Q(status=PostStatus.FAILED) | Q(status=PostStatus.SCHEDULED) & stuck


def short_time(moment: datetime) -> str:
    """``Thu 17 Dec, 09:00`` in the current zone."""
    return date_format(timezone.localtime(moment), "D j M, H:i")


def may_be_moved(post: SocialPost) -> bool:
    """Whether its time on the calendar may still change. A post whose outcome is unknown is decided on first."""
    return post.is_editable and not (post.status == PostStatus.FAILED and post.error_code == "OUTCOME_UNKNOWN")


def standing_of(post: SocialPost, *, now: datetime) -> Standing:
    """The state of one post. Reads ``post.connection``; times in the sentence are in the current zone."""
    reason = (post.error_message or "").strip()
    if post.status == PostStatus.DRAFT:
        return Standing(_("Draft"), icon="file-pencil", steps=("edit", "move", "publish_now", "delete"))
    if post.status == PostStatus.PENDING_APPROVAL:
        return Standing(
            _("Waiting for approval"), "warn", "user-check", _("An admin has to approve it first."), ("edit", "cancel")
        )
    if post.status == PostStatus.SCHEDULED:
        return _standing_of_scheduled(post, reason, now)
    if post.status == PostStatus.PUBLISHING:
        # What the row holds beside is the error of an earlier try: its page shows that as history.
        is_checked = post.error_code == OutcomeUnknown.code and post.claimed_by.startswith(RECONCILING)
        on_its_way = _("It is on its way to the platform right now.")
        return Standing(_("Publishing"), "info", "loader-2", reason if is_checked and reason else on_its_way)
    if post.status == PostStatus.PUBLISHED:
        return _standing_of_published(post)
    if post.status == PostStatus.FAILED:
        if post.error_code == "OUTCOME_UNKNOWN":
            sentence = reason or _(
                "The platform did not say whether the post went out. Look there before sending again."
            )
            return Standing(_("Outcome unknown"), "danger", "help-circle", sentence, ("resolve",))
        sentence = reason or _("The platform did not take it.")
        if not post.connection.is_active or post.connection.disconnected_at:
            return Standing(_("Failed"), "danger", "alert-circle", sentence, ("reconnect", "edit", "move", "cancel"))
        return Standing(_("Failed"), "danger", "alert-circle", sentence, ("retry", "edit", "move", "cancel"))
    return Standing(_("Cancelled"), icon="ban", sentence=reason or _("It will not go out."), steps=("move", "edit"))


def _standing_of_scheduled(post: SocialPost, reason: str, now: datetime) -> Standing:
    connection = post.connection
    if connection.disconnected_at:
        sentence = _("Its account was disconnected. Connect the account again, or cancel the post.")
        return Standing(_("Account disconnected"), "danger", "unlink", sentence, ("reconnect", "move", "cancel"))
    if not connection.is_active:
        sentence = _("%(account)s needs to be reconnected. The post waits and is not lost.") % {
            "account": connection.account_name
        }
        return Standing(
            _("Waiting for reconnection"), "warn", "plug-connected-x", sentence, ("reconnect", "move", "cancel")
        )
    if post.hold_reason:
        sentence = _("It %(reason)s. Publish it now, give it another time, or cancel it.") % {
            "reason": post.get_hold_reason_display()
        }
        return Standing(_("Held"), "warn", "player-pause", reason or sentence, ("release", "move", "cancel"))
    if post.next_attempt_at and post.next_attempt_at > now and post.error_code in PACED:
        return Standing(_("Waits its turn"), "info", "clock", reason, ("publish_now", "edit", "move", "cancel"))
    if post.next_attempt_at and post.next_attempt_at > now:
        sentence = _("It will be tried again %(time)s.") % {"time": short_time(post.next_attempt_at)}
        return Standing(
            _("Trying again"), "info", "refresh", f"{reason} {sentence}".strip(), ("publish_now", "move", "cancel")
        )
    planned = post.paced_until or post.scheduled_at
    if planned and planned < now - OVERDUE_AFTER:
        return Standing(
            _("Late"), "warn", "hourglass", _("Its time has passed and it is still in the queue."), ("move", "cancel")
        )
    return Standing(_("Scheduled"), icon="clock", steps=("edit", "move", "publish_now", "unschedule", "cancel"))


def _standing_of_published(post: SocialPost) -> Standing:
    if post.deleted_at:
        sentence = _("It is gone from the platform since %(time)s.") % {"time": short_time(post.deleted_at)}
        return Standing(_("Gone from the platform"), "warn", "circle-x", sentence)
    if not post.platform_post_id:
        sentence = _("Its id at %(platform)s is not known here, so its numbers cannot be read.") % {
            "platform": post.connection.platform_label
        }
        if post.error_message:
            return Standing(
                _("Published in part"), "warn", "alert-triangle", f"{post.error_message} {sentence}", ("view",)
            )
        return Standing(_("Published"), "ok", "check", sentence, ("view",))
    steps = ["view"]
    if post.connection.is_active and post.connection.can(Can.METRICS):
        steps.append("sync")
    if Can.DELETE in post.connection.platform_class.capabilities:
        steps.append("delete_at_platform")
    if post.error_message:
        return Standing(_("Published in part"), "warn", "alert-triangle", post.error_message, tuple(steps))
    return Standing(_("Published"), "ok", "check", steps=tuple(steps))
