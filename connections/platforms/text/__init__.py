"""Texts as platforms see them: how they count them, what they make links of, and how a text is recognised again when it
is read back."""

from connections.platforms.text.lengths import count_graphemes, count_mastodon, count_weighted, is_blank
from connections.platforms.text.links import INVALID, Link, mastodon_links, x_links
from connections.platforms.text.mentions import shorten_mentions
from connections.platforms.text.reading import expand_short_links, fingerprint, html_to_text

__all__ = [
    "INVALID",
    "Link",
    "count_graphemes",
    "count_mastodon",
    "count_weighted",
    "expand_short_links",
    "fingerprint",
    "html_to_text",
    "is_blank",
    "mastodon_links",
    "shorten_mentions",
    "x_links",
]
