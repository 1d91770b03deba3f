"""What can be done with a post, as links and buttons: their words, and the permission that each needs."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from connections.cards import reconnect_url_of
from publishing.models import PostStatus, SocialPost


class How(StrEnum):
    """Whether a step leads to another page, opens a dialog, or is done at once."""

    LINK = "link"
    AWAY = "away"  # to the platform, in another tab
    DIALOG = "dialog"
    FORM = "form"


@dataclass(frozen=True)
class Step:
    """``url`` is filled in for one post. ``confirm`` is asked first; ``asks`` is what somebody without the permission
    can ask colleagues for instead."""

    name: str
    label: str | Promise
    icon: str
    how: How
    permission: str = "posts.edit"
    confirm: str | Promise = ""
    yes: str | Promise = ""
    is_dangerous: bool = False
    asks: str = ""
    url: str = ""


_STEPS = [
    Step("edit", _("Edit"), "pencil", How.LINK),
    Step("move", _("Schedule…"), "calendar-share", How.DIALOG, "posts.publish"),
    Step("view", _("View on %(platform)s"), "external-link", How.AWAY, "posts.view"),
    Step("reconnect", _("Reconnect"), "plug-connected", How.LINK, "connections.manage", asks="reconnect"),
    Step("resolve", _("Decide"), "help-circle", How.LINK, "posts.publish"),
    Step(
        "publish_now", _("Publish now"), "send", How.FORM, "posts.publish",
        confirm=_("Publish this post now?"), yes=_("Publish now"),
    ),
    Step("release", _("Publish now"), "send", How.FORM, "posts.publish"),
    Step("retry", _("Try again"), "reload", How.FORM, "posts.publish"),
    Step("unschedule", _("Move to drafts"), "file-pencil", How.FORM),
    Step("duplicate", _("Duplicate"), "copy", How.FORM),
    Step("sync", _("Refresh engagement"), "refresh", How.FORM, "connections.sync"),
    Step(
        "cancel", _("Cancel post"), "ban", How.FORM, is_dangerous=True,
        confirm=_("Cancel this post? It keeps its text and can be scheduled again."), yes=_("Cancel post"),
    ),
    Step(
        "delete", _("Delete draft"), "trash", How.FORM, "posts.delete", is_dangerous=True,
        confirm=_("Delete this draft? This cannot be undone."), yes=_("Delete draft"),
    ),
    Step(
        "delete_at_platform", _("Delete from %(platform)s"), "trash", How.FORM, "posts.delete", is_dangerous=True,
        confirm=_("Delete this post from %(platform)s? It disappears there for everyone. This cannot be undone."),
        yes=_("Delete"),
    ),
    Step(
        "delete_with_comment", _("Delete with first comment"), "trash", How.FORM, "posts.delete", is_dangerous=True,
        confirm=_("Delete this post and its first comment from %(platform)s? They disappear there for everyone. "
                  "This cannot be undone."),
        yes=_("Delete both"),
    ),
]  # fmt: skip
STEPS: Mapping[str, Step] = {step.name: step for step in _STEPS}
DANGEROUS = frozenset(step.name for step in _STEPS if step.is_dangerous)
_COMMENT_GOES = _("Its first comment and all others go with it.")
_COMMENT_STAYS = _("Its first comment is a post of its own on %(platform)s and stays.")
_MOVE_SCHEDULED = _("Move to…")


def step_for(name: str, post: SocialPost) -> Step | None:
    """A step with its words and address for one post; None where it leads nowhere. Reads ``post.connection``."""
    step = STEPS[name]
    platform = {"platform": post.connection.platform_label}
    label = _MOVE_SCHEDULED if name == "move" and post.status == PostStatus.SCHEDULED else step.label
    url = _url(name, post)
    if not url:
        return None
    confirm = str(step.confirm)
    if name == "delete_at_platform" and post.has_first_comment_out:
        goes = post.connection.platform_class.comments_go_with_post
        confirm += " " + str(_COMMENT_GOES if goes else _COMMENT_STAYS)
    return replace(step, url=url, label=str(label) % platform, confirm=confirm % platform)


def _url(name: str, post: SocialPost) -> str:
    if name == "view":
        return post.permalink
    if name == "reconnect":
        return reconnect_url_of(post.connection)
    if name == "resolve":
        return reverse("publishing:post", args=[post.pk]) + "#resolve"
    return reverse(f"publishing:{name}", args=[post.pk])
