"""Audit events in people's words: see ``accounts/audit_words.py``."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts import audit_words
from accounts.models import AuditEvent

register = template.Library()
register.filter("words_of_action", audit_words.words_of_action)
register.filter("words_of_kind", audit_words.words_of_kind)
register.filter("changes_in_words", audit_words.changes_in_words)


@register.filter
def actor(event: AuditEvent) -> SafeString:
    """Who did it; a long address breaks at its @."""
    name, at, host = audit_words.words_of_actor(event).partition("@")
    return format_html("{}<wbr>{}{}", name, at, host)
