"""``{% csrf_token %}`` of every template (a builtin of the template engine, config/settings.py): Django's own, and the
organization that the page was made for."""

from typing import Any

from django import template
from django.template.base import Parser, Token
from django.template.context import Context
from django.template.defaulttags import CsrfTokenNode
from django.utils.html import format_html

from accounts.switching import FIELD

register = template.Library()

_ELSEWHERE = ("/admin/", "/sandbox/")
"""Pages that are of no organization."""


class PageTokensNode(CsrfTokenNode):
    def render(self, context: Context) -> str:
        tokens: str = super().render(context)
        request: Any = getattr(context, "request", None) or context.get("request")
        organization = getattr(request, "organization", None)
        if organization is None or request.path.startswith(_ELSEWHERE):
            return tokens
        return tokens + format_html('<input type="hidden" name="{}" value="{}">', FIELD, organization.pk)


@register.tag
def csrf_token(_parser: Parser, _token: Token) -> PageTokensNode:
    return PageTokensNode()
