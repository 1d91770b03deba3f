"""What a post's state means to a person: a word, a tone, a sentence, and what can be done next."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from connections.errors import OutcomeUnknown, RateLimited
from connections.platforms.base import Can
from publishing.models import RECONCILING, PostStatus, SocialPost
from publishing.pacing import PACED
from publishing.steps import DANGEROUS

OVERDUE_AFTER = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Standing:
    """``tone`` is "", ok, info, warn or danger; ``icon`` a name of the sprite; ``sentence`` is ours and may be empty;
    ``detail`` is what the platform or an earlier try said, in its own words; ``steps`` name the actions that a page
    offers, the first one being what helps."""

    label: str
    tone: str = ""
    icon: str = ""
    sentence: str = ""
    steps: tuple[str, ...] = ()
    detail: str = ""

    @property
    def needs_attention(self) -> bool:
        return self.tone in {"warn", "danger"}

    @property
    def first_step(self) -> str:
        return self.steps[0] if self.steps and self.steps[0] not in DANGEROUS else ""

    @property
    def other_steps(self) -> tuple[str, ...]:
        """What else can be done, without what is dangerous."""
        return _without(self.steps, {self.first_step, *DANGEROUS})

    @property
    def dangerous_steps(self) -> tuple[str, ...]:
        return tuple(step for step in self.steps if step in DANGEROUS)


def _without(steps: Iterable[str], left_out: set[str]) -> tuple[str, ...]:
    return tuple(step for step in steps if step not in left_out)


_FAILURES: dict[str, tuple[Promise, str]] = {
    "CONTENT_REJECTED": (gettext_lazy("%(platform)s did not accept this post. Edit it, then try again."), "edit"),
    "MEDIA_ERROR": (gettext_lazy("%(platform)s did not accept an image. Replace it, then try again."), "edit"),
    "DUPLICATE": (
        gettext_lazy("%(account)s already has a post with this text on %(platform)s. Change the text, then try again."),
        "edit",
    ),
    "PERMISSION_MISSING": (
        gettext_lazy(
            "%(platform)s does not allow Parley to publish this as %(account)s. Reconnect the account with all permissions, then try again."
        ),
        "reconnect",
    ),
    "INVALID_TOKEN": (gettext_lazy("Reconnect %(account)s, then try again."), "reconnect"),
    "NOT_FOUND": (
        gettext_lazy("%(platform)s no longer has something that this post refers to. Edit the post, then try again."),
        "edit",
    ),
    "RATE_LIMITED": (gettext_lazy("%(platform)s is not accepting more posts right now. Try again later."), "move"),
    "TRANSIENT": (gettext_lazy("%(platform)s could not be reached in several attempts. Try again."), "retry"),
    "TOO_LATE": (
        gettext_lazy("It was too late to publish automatically. Publish it now or choose a new time."),
        "retry",
    ),
}  # fmt: skip
"""By error code: what is wrong in our own words, and the step that helps."""


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
        platform = {"platform": post.connection.platform_label}
        if is_checked:
            sentence = _("Parley is checking with %(platform)s whether it was published.") % platform
            return Standing(_("Publishing"), "info", "loader-2", sentence, detail=reason)
        return Standing(_("Publishing"), "info", "loader-2", _("It is being sent to %(platform)s.") % platform)
    if post.status == PostStatus.PUBLISHED:
        return _standing_of_published(post)
    if post.status == PostStatus.FAILED:
        if post.error_code == "OUTCOME_UNKNOWN":
            sentence = _("%(platform)s did not confirm the post. Check %(account)s there, then say what you found.") % {
                "platform": post.connection.platform_label, "account": post.connection.account_name,
            }  # fmt: skip
            return Standing(_("Outcome unknown"), "danger", "help-circle", sentence, ("resolve",), reason)
        sentence, helps = failure_of(post)
        steps = dict.fromkeys((helps, "retry", "edit", "move", "cancel"))
        if not post.connection.can_be_used:
            steps.pop("retry")
        return Standing(_("Failed"), "danger", "alert-circle", sentence, tuple(steps), _detail(reason, sentence))
    return Standing(
        _("Cancelled"), icon="ban", sentence=reason or _("It will not be published."), steps=("move", "edit")
    )


def failure_of(post: SocialPost) -> tuple[str, str]:
    """Why a failed post is not out and what to do, in our own words, and the step that helps. Reads ``post.connection``."""
    connection = post.connection
    names = {"platform": connection.platform_label, "account": connection.account_name}
    if not connection.can_be_used:
        return _("%(account)s is no longer connected. Reconnect it, then try again.") % names, "reconnect"
    known = _FAILURES.get(post.error_code)
    if known is None:
        return _("%(platform)s did not publish it. Try again, or edit the post first.") % names, "retry"
    return str(known[0]) % names, known[1]


def _detail(reason: str, sentence: str) -> str:
    return reason if reason != sentence else ""


def _standing_of_scheduled(post: SocialPost, reason: str, now: datetime) -> Standing:
    connection = post.connection
    if connection.disconnected_at:
        sentence = _("Its account was disconnected. Connect it again, or cancel the post.")
        return Standing(_("Account disconnected"), "danger", "unlink", sentence, ("reconnect", "move", "cancel"))
    if not connection.is_active:
        sentence = _("%(account)s needs to be reconnected. The post is kept and can be published after that.") % {
            "account": connection.account_name
        }
        return Standing(
            _("Waiting for reconnection"), "warn", "plug-connected-x", sentence, ("reconnect", "move", "cancel")
        )
    if post.hold_reason:
        sentence = _("It %(reason)s. Publish it now, choose a new time, or cancel it.") % {
            "reason": post.get_hold_reason_display()
        }
        return Standing(_("On hold"), "warn", "player-pause", reason or sentence, ("release", "move", "cancel"))
    if post.next_attempt_at and post.next_attempt_at > now and post.error_code in PACED:
        return Standing(_("Queued"), "info", "clock", reason, ("publish_now", "edit", "move", "cancel"))
    if post.next_attempt_at and post.next_attempt_at > now:
        again = {"platform": connection.platform_label, "time": short_time(post.next_attempt_at)}
        if post.error_code == RateLimited.code:
            sentence = (
                _("%(platform)s is not accepting more posts right now. Parley will try again on %(time)s.") % again
            )
        else:
            sentence = _("The last attempt did not go through. Parley tries again on %(time)s.") % again
        return Standing(_("Retrying"), "info", "refresh", sentence, ("publish_now", "move", "cancel"), reason)
    planned = post.paced_until or post.scheduled_at
    if planned and planned < now - OVERDUE_AFTER:
        return Standing(
            _("Late"), "warn", "hourglass", _("Its time has passed, and it is still in the queue."), ("move", "cancel")
        )
    return Standing(_("Scheduled"), icon="clock", steps=("edit", "move", "publish_now", "unschedule", "cancel"))


def _standing_of_published(post: SocialPost) -> Standing:
    if post.deleted_at:
        sentence = _("It is no longer on %(platform)s (since %(time)s).") % {
            "platform": post.connection.platform_label, "time": short_time(post.deleted_at),
        }  # fmt: skip
        return Standing(_("No longer online"), "warn", "circle-x", sentence)
    if not post.platform_post_id:
        sentence = _("Its post ID on %(platform)s is unknown, so its engagement cannot be read.") % {
            "platform": post.connection.platform_label
        }
        if post.error_message:
            return Standing(
                _("Partly published"), "warn", "alert-triangle", f"{post.error_message} {sentence}", ("view",)
            )
        return Standing(_("Published"), "ok", "check", sentence, ("view",))
    steps = ["view"]
    if post.connection.is_active and post.connection.can(Can.METRICS):
        steps.append("sync")
    if Can.DELETE in post.connection.platform_class.capabilities:
        steps.append("delete_at_platform")
        if post.has_first_comment_out and not post.connection.platform_class.comments_go_with_post:
            steps.append("delete_with_comment")
    if post.error_message:
        return Standing(_("Partly published"), "warn", "alert-triangle", post.error_message, tuple(steps))
    return Standing(_("Published"), "ok", "check", steps=tuple(steps))
