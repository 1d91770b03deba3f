"""Texts as platforms see them: how they count them, what they make links of, and how a text is recognised again when it
is read back."""

from connections.platforms.text.fingerprint import fingerprint
from connections.platforms.text.lengths import count_graphemes, count_mastodon, count_weighted, is_blank
from connections.platforms.text.links import INVALID, Link, mastodon_links, x_links
from connections.platforms.text.mentions import shorten_mentions
from connections.platforms.text.reading import facebook_readings, html_to_text, x_readings

__all__ = [
    "INVALID",
    "Link",
    "count_graphemes",
    "count_mastodon",
    "count_weighted",
    "facebook_readings",
    "fingerprint",
    "html_to_text",
    "is_blank",
    "mastodon_links",
    "shorten_mentions",
    "x_links",
    "x_readings",
]
