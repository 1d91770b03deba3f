"""``{% ask_colleagues "reconnect" connection.pk %}``: who may do what this person may not, and a button that asks them."""

from typing import Any

from django import template
from django.template.context import Context

from accounts.asking import Asked, Colleagues, request_key, topic_of

register = template.Library()


@register.inclusion_tag("components/_ask.html", takes_context=True)
def ask_colleagues(
    context: Context, topic: str, subject: object = "", *, small: bool = True, first: bool = False
) -> dict[str, Any]:
    """Needs ``colleagues`` and ``request`` in the context; shows nothing where nobody may."""
    colleagues: Colleagues | None = context.get("colleagues")
    known = topic_of(topic)
    if colleagues is None or known is None:
        return {"names": ""}
    names = colleagues.who_may(known.permission)
    asked: Asked | None = colleagues.asked.get(request_key(topic, str(subject)))
    return {
        "names": names, "who": str(known.who) % {"names": names}, "topic": known, "subject": str(subject), "asked": asked,
        "small": small, "first": first, "request": context.get("request"), "csrf_token": context.get("csrf_token"),
    }  # fmt: skip


@register.simple_tag(takes_context=True)
def who_may(context: Context, permission: str) -> str:
    """The names of those who may, "" for nobody."""
    colleagues: Colleagues | None = context.get("colleagues")
    return colleagues.who_may(permission) if colleagues else ""
