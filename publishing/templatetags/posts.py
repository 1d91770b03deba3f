"""A post's state and what can be done with it, the same on every page."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from django import template
from django.template.context import Context
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString

from publishing.cards import Card, Mark
from publishing.models import PostStatus, SocialPost
from publishing.states import Standing, standing_of
from publishing.steps import step_for

register = template.Library()


@register.inclusion_tag("components/_badge.html")
def post_state(post: SocialPost, standing: Standing | None = None) -> dict[str, str]:
    """The badge of a post's state. Reads ``post.connection``."""
    standing = standing or standing_of(post, now=timezone.now())
    # A status has its own colours; what is special about a post that waits speaks by its tone.
    by_tone = post.status in {PostStatus.SCHEDULED, PostStatus.PUBLISHED} and standing.tone not in {"", "ok"}
    return {
        "label": standing.label, "icon": standing.icon, "tone": standing.tone if by_tone else "",
        "status": "" if by_tone else post.status,
    }  # fmt: skip


@register.simple_tag
def post_marks(card: Card, *, names: bool = False) -> SafeString:
    """The marks of the platforms that an idea goes to; with ``names`` each with its accounts."""
    return _marks(tuple(card.marks), names)


@lru_cache(maxsize=2000)
def _marks(marks: Sequence[Mark], names: bool) -> SafeString:
    # A month shows hundreds of cards for the same few accounts.
    return render_to_string("publishing/_post_marks.html", {"marks": marks, "names": names})


@register.inclusion_tag("publishing/_post_action.html", takes_context=True)
def post_step(context: Context, name: str) -> dict[str, Any]:
    """One thing that can be done with ``post``, for who may; see ``_post_step.html``."""
    can: dict[str, bool] = context.get("can") or {}
    post: SocialPost = context["post"]
    step = step_for(name, post)
    allowed = step is not None and can.get(step.permission.replace(".", "_"), False)
    wanted = ("small", "first", "plain", "item", "request", "colleagues", "csrf_token")
    return {"step": step, "allowed": allowed, "post": post} | {key: context.get(key) for key in wanted}
