"""Mastodon: accounts, statuses, media and notifications as JSON entities. Source: https://docs.joinmastodon.org/entities/"""

import html
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from sandbox.life import count_engagement, count_followers
from sandbox.mastodon.answers import PLATFORM, base_url, format_time
from sandbox.mastodon.text import find_entities, is_reachable, keep, render, tag_url
from sandbox.models import Account, Event, Media, Post, digest
from sandbox.statements import count_posts


class People:
    """Who is mentioned in texts: accounts of this server, and people elsewhere whose server could be asked."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.met: dict[str, dict[str, str]] = {}  # Mention entities by native id

    def find(self, name: str) -> str | None:
        """The address of ``user`` or ``user@host``; None when nobody has it. Those found are kept in ``met``."""
        username, _, host = name.partition("@")
        if host and host.lower() != self.base.partition("://")[2].partition(":")[0].partition("/")[0]:
            if not is_reachable(host):
                return None
            number = str(int(digest(name.lower())[:14], 16))
            found = {"id": number, "username": username, "url": f"https://{host}/@{username}", "acct": name}
        else:
            account = Account.objects.filter(platform=PLATFORM, username__iexact=username).first()
            if account is None:
                return None
            found = {"id": account.native_id, "username": account.username, "acct": account.username}
            found["url"] = f"{self.base}/@{account.username}"
        self.met[found["id"]] = found
        return found["url"]


def render_account(request: HttpRequest, account: Account, *, now: datetime) -> dict[str, Any]:
    base = base_url(request)
    avatar = request.build_absolute_uri(
        reverse("sandbox:avatar", kwargs={"platform": "mastodon", "native_id": account.native_id})
    )
    posts, latest = count_posts(account.pk)
    return {
        "id": account.native_id,
        "username": account.username,
        "acct": account.username,
        "display_name": account.name,
        "locked": False,
        "bot": False,
        "discoverable": True,
        "group": False,
        "created_at": format_time(account.created_at.replace(hour=0, minute=0, second=0, microsecond=0)),
        "note": f"<p>{html.escape(account.about)}</p>",
        "url": f"{base}/@{account.username}",
        "uri": f"{base}/users/{account.username}",
        "avatar": avatar,
        "avatar_static": avatar,
        "header": avatar,
        "header_static": avatar,
        "followers_count": count_followers(account.followers, account.native_id, since=account.created_at, now=now),
        "following_count": 64,
        "statuses_count": posts,
        "last_status_at": latest.date().isoformat() if latest else None,
        "emojis": [],
        "fields": [],
        "roles": [],
    }


def render_media(request: HttpRequest, media: Media, *, now: datetime) -> dict[str, Any]:
    """A MediaAttachment; ``url`` is null while it is processed."""
    path = reverse("sandbox:media", kwargs={"platform": "mastodon", "native_id": media.native_id})
    address = request.build_absolute_uri(path)
    is_video = media.content_type.startswith("video/")
    size = {"width": media.width, "height": media.height, "size": f"{media.width}x{media.height}"}
    return {
        "id": media.native_id,
        "type": "video" if is_video else ("gifv" if media.category == "gifv" else "image"),
        "url": address if media.is_ready(now=now) else None,
        "preview_url": address,
        "remote_url": None,
        "preview_remote_url": None,
        "text_url": None,
        "meta": {} if is_video else {"original": {**size, "aspect": round(media.width / max(media.height, 1), 4)}},
        "description": media.alt_text or None,
        "blurhash": None,
    }


def render_status(
    request: HttpRequest,
    post: Post,
    *,
    now: datetime,
    by: dict[str, Any] | None = None,
    media: list[Media] | None = None,
    with_source: bool = False,
) -> dict[str, Any]:
    """A Status; ``by`` is its account when that was rendered already, ``media`` its uploads when they are at hand;
    ``with_source`` adds the text, as after a delete.
    """
    base = base_url(request)
    counters = count_engagement(post, now=now)
    address = f"{base}/@{post.account.username}/{post.native_id}"
    shown = post.media.all() if media is None else media
    people = People(base)
    tags = dict.fromkeys(one.value.lower() for one in find_entities(keep(post.text)) if one.kind == "hashtags")
    status: dict[str, Any] = {
        "id": post.native_id,
        "created_at": format_time(post.created_at),
        "in_reply_to_id": post.in_reply_to or None,
        "in_reply_to_account_id": post.options.get("in_reply_to_account_id"),
        "sensitive": bool(post.options.get("sensitive")),
        "spoiler_text": post.options.get("spoiler_text", ""),
        "visibility": post.options.get("visibility", "public"),
        "language": post.options.get("language", "en"),
        "uri": f"{base}/users/{post.account.username}/statuses/{post.native_id}",
        "url": address,
        "content": render(post.text, base=base, find_person=people.find),
        "replies_count": counters.comments,
        "reblogs_count": counters.shares,
        "favourites_count": counters.likes,
        "quotes_count": counters.quotes,
        "edited_at": format_time(post.edited_at) if post.edited_at else None,
        "favourited": False,
        "reblogged": False,
        "muted": False,
        "bookmarked": False,
        "pinned": False,
        "reblog": None,
        "quote": None,
        "application": {"name": post.client.name, "website": post.client.website or None} if post.client else None,
        "account": by or render_account(request, post.account, now=now),
        "media_attachments": [render_media(request, one, now=now) for one in shown],
        "mentions": list(people.met.values()),
        "tags": [{"name": tag, "url": tag_url(base, tag)} for tag in tags],
        "emojis": [],
        "card": None,
        "poll": None,
    }
    if with_source:
        status["text"] = keep(post.text)
    return status


def render_notification(request: HttpRequest, event: Event, *, now: datetime) -> dict[str, Any]:
    """A mention: the notification and the status of the person who wrote it."""
    base = base_url(request)
    author = {
        "id": event.author_id,
        "username": event.author_username,
        "acct": event.author_username,
        "display_name": event.author_name,
        "url": f"{base}/@{event.author_username}",
        "avatar": request.build_absolute_uri(
            reverse("sandbox:avatar", kwargs={"platform": "mastodon", "native_id": event.author_id})
        ),
        "note": "",
        "followers_count": 87,
        "following_count": 120,
        "statuses_count": 450,
        "created_at": format_time(event.created_at),
        "emojis": [],
        "fields": [],
    }
    me = event.account
    status = {
        "id": event.native_id,
        "created_at": format_time(event.created_at),
        "in_reply_to_id": event.post.native_id if event.post else None,
        "in_reply_to_account_id": me.native_id if event.post else None,
        "sensitive": False,
        "spoiler_text": "",
        "visibility": "direct" if event.kind == Event.Kind.MESSAGE else "public",
        "language": "en",
        "uri": f"{base}/users/{event.author_username}/statuses/{event.native_id}",
        "url": f"{base}/@{event.author_username}/{event.native_id}",
        "content": render(event.text, base=base, find_person=People(base).find),
        "replies_count": 0,
        "reblogs_count": 0,
        "favourites_count": 0,
        "quotes_count": 0,
        "edited_at": None,
        "reblog": None,
        "application": None,
        "account": author,
        "media_attachments": [],
        "mentions": [
            {"id": me.native_id, "username": me.username, "url": f"{base}/@{me.username}", "acct": me.username}
        ],
        "tags": [],
        "emojis": [],
        "card": None,
        "poll": None,
    }
    return {
        "id": str(event.pk),
        "type": "mention",
        "group_key": f"ungrouped-{event.pk}",
        "created_at": format_time(event.created_at),
        "account": author,
        "status": status,
    }
