"""X: posts and users as JSON, in its two field dialects.

``post.fields`` (2026) says repost_count and edit_history_post_ids; ``tweet.fields`` says retweet_count and
edit_history_tweet_ids. Fields that do not exist are dropped without a word, as X does.
"""

import html
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.http import HttpRequest
from django.urls import reverse

from sandbox.life import count_engagement, count_followers
from sandbox.models import Account, Event, Media, Post, digest
from sandbox.twitter.text import find_entities, keep

PATH_SHOWN = 15
KEY_PREFIXES = {"video": 7, "gif": 16}


def format_time(moment: datetime) -> str:
    """ISO 8601 in UTC as X writes it: whole seconds, with milliseconds that are always 0."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


class Rendered(NamedTuple):
    """A text as X shows it, and what was found in it."""

    text: str
    entities: dict[str, Any]


@dataclass(frozen=True)
class Wanted:
    """Which fields a call asked for, and in which dialect."""

    fields: frozenset[str]
    expansions: frozenset[str]
    user_fields: frozenset[str]
    media_fields: frozenset[str]
    is_old: bool

    @classmethod
    def by(cls, request: HttpRequest) -> "Wanted":
        def words(name: str) -> frozenset[str]:
            return frozenset(word for word in request.GET.get(name, "").split(",") if word)

        is_old = "post.fields" not in request.GET
        return cls(
            fields=words("tweet.fields" if is_old else "post.fields"),
            expansions=words("expansions"),
            user_fields=words("user.fields"),
            media_fields=words("media.fields"),
            is_old=is_old,
        )


def shorten(native_id: str, number: int) -> str:
    """The t.co link of the number-th link of a post."""
    return f"https://t.co/{digest(f'{native_id}:{number}')[:10]}"


def escape(text: str) -> str:
    """X gives ``&``, ``<`` and ``>`` as HTML entities."""
    return html.escape(text, quote=False)


def shorten_for_display(address: str) -> str:
    """An address as X shows it: without scheme, ``www.`` and a slash at its end, of the path 15 characters."""
    shown = address.partition("://")[2].removeprefix("www.").removesuffix("/")
    host, slash, path = shown.partition("/")
    return host + (slash + path if len(slash + path) <= PATH_SHOWN else (slash + path)[:PATH_SHOWN] + "…")


def unwind(address: str) -> str:
    """Where a link leads in the end, for a web that moves everybody to https and to the slash of its front page."""
    rest = address.partition("://")[2]
    return f"https://{rest}" + ("" if "/" in rest or "?" in rest else "/")


def render_text(native_id: str, text: str, *, own_media: str = "", media_keys: list[str] | None = None) -> Rendered:
    """A text as X gives it back, and its entities (offsets in code points of the new text).

    Links are replaced by t.co, signs of HTML escaped, and the link to the post's own pictures (``own_media``) stands
    at the end, listed once for each of them.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    kept = keep(text)
    out, last = "", 0
    for number, one in enumerate(find_entities(kept)):
        out += escape(kept[last : one.start])
        shown = shorten(native_id, number) if one.kind == "urls" else kept[one.start : one.end]
        entity: dict[str, Any] = {"start": len(out), "end": len(out) + len(shown)}
        if one.kind == "urls":
            entity |= {
                "url": shown,
                "expanded_url": one.value,
                "display_url": shorten_for_display(one.value),
                "status": 200,
                "unwound_url": unwind(one.value),
            }
        else:
            entity["username" if one.kind == "mentions" else "tag"] = one.value
        found.setdefault(one.kind, []).append(entity)
        out += shown
        last = one.end
    out += escape(kept[last:])
    if media_keys:
        short = shorten(native_id, 99)
        start = len(out) + (1 if out else 0)
        out = f"{out} {short}".strip()
        place = {"start": start, "end": start + len(short), "url": short, "expanded_url": own_media}
        shown = f"pic.x.com/{short[-10:]}"
        found.setdefault("urls", []).extend({**place, "display_url": shown, "media_key": key} for key in media_keys)
    return Rendered(out, found)


def media_key(media: Media) -> str:
    """The id of an upload behind the number of its kind."""
    kind = media.category.rpartition("_")[2]
    return f"{KEY_PREFIXES.get(kind, 3)}_{media.native_id}"


def render_media(request: HttpRequest, media: Media, wanted: Wanted) -> dict[str, Any]:
    kind = {"video": "video", "gif": "animated_gif"}.get(media.category.rpartition("_")[2], "photo")
    path = reverse("sandbox:media", kwargs={"platform": "twitter", "native_id": media.native_id})
    rest: dict[str, Any] = {"width": media.width, "height": media.height}
    rest["url" if kind == "photo" else "preview_image_url"] = request.build_absolute_uri(path)
    if media.alt_text:
        rest["alt_text"] = media.alt_text
    shown = {name: rest[name] for name in wanted.media_fields if name in rest}
    return {"media_key": media_key(media), "type": kind, **shown}


def render_own(post: Post, media: list[Media] | None = None) -> Rendered:
    """The text and entities of a post that was made here; ``media`` its uploads when they are at hand."""
    keys = [media_key(one) for one in (post.media.all() if media is None else media)]
    own = f"https://x.com/{post.account.username}/status/{post.native_id}/photo/1"
    return render_text(post.native_id, post.text, own_media=own, media_keys=keys)


def render_metrics(post: Post, wanted: Wanted, *, now: datetime) -> dict[str, dict[str, int]]:
    counters = count_engagement(post, now=now)
    return {
        "public_metrics": {
            "retweet_count" if wanted.is_old else "repost_count": counters.shares,
            "reply_count": counters.comments,
            "like_count": counters.likes,
            "quote_count": counters.quotes,
            "bookmark_count": counters.saves,
            "impression_count": counters.impressions,
        },
        "non_public_metrics": {
            "impression_count": counters.impressions,
            "url_link_clicks": counters.clicks,
            "user_profile_clicks": counters.profile_clicks,
            "engagements": counters.engagements,
        },
        "organic_metrics": {
            "impression_count": counters.impressions,
            "retweet_count" if wanted.is_old else "repost_count": counters.shares,
            "reply_count": counters.comments,
            "like_count": counters.likes,
            "url_link_clicks": counters.clicks,
            "user_profile_clicks": counters.profile_clicks,
        },
    }


def render_post(post: Post, wanted: Wanted, *, now: datetime) -> dict[str, Any]:
    """One post with the fields wanted; private metrics only of posts of the last 30 days."""
    text, entities = render_own(post)
    history = "edit_history_tweet_ids" if wanted.is_old else "edit_history_post_ids"
    body: dict[str, Any] = {"id": post.native_id, "text": text}
    if wanted.is_old or history in wanted.expansions:
        body[history] = [post.native_id]
    rest: dict[str, Any] = {
        "created_at": format_time(post.created_at),
        "conversation_id": post.options.get("conversation_id", post.native_id),
        "lang": "en",
        "reply_settings": post.options.get("reply_settings", "everyone"),
        "possibly_sensitive": False,
        "source": post.client.name if post.client else "",
    }
    if entities:
        rest["entities"] = entities
    media_keys = [media_key(media) for media in post.media.all()]
    if media_keys:
        rest["attachments"] = {"media_keys": media_keys}
    rest["public_metrics"] = {}
    if {"public_metrics", "non_public_metrics", "organic_metrics"} & wanted.fields:
        metrics = render_metrics(post, wanted, now=now)
        if (now - post.created_at).days >= 30:
            metrics = {"public_metrics": metrics["public_metrics"]}
        rest.update(metrics)
    rest["author_id"] = post.account.native_id
    reply_to = [{"type": "replied_to", "id": post.in_reply_to}] if post.in_reply_to else []
    if reply_to:
        rest["referenced_tweets"] = rest["referenced_posts"] = reply_to
        rest["in_reply_to_user_id"] = post.options.get("in_reply_to_user_id", post.account.native_id)
    names = wanted.fields if wanted.is_old else wanted.fields | wanted.expansions
    new_only, old_only = {"referenced_posts"}, {"referenced_tweets"}
    for name in names - (new_only if wanted.is_old else old_only):
        # In the new dialect the author is an expansion, not a field.
        if name in {"author_id", "in_reply_to_user_id"} and not wanted.is_old and name not in wanted.expansions:
            continue
        if name in rest:
            body[name] = rest[name]
    if "author_id" in wanted.expansions:
        body["author_id"] = post.account.native_id
    return body


def render_event(event: Event, wanted: Wanted) -> dict[str, Any]:
    """A post which somebody else wrote (a planted mention)."""
    text, entities = render_text(event.native_id, event.text)
    body: dict[str, Any] = {"id": event.native_id, "text": text}
    if wanted.is_old:
        body["edit_history_tweet_ids"] = [event.native_id]
    share = "retweet_count" if wanted.is_old else "repost_count"
    rest: dict[str, Any] = {
        "created_at": format_time(event.created_at),
        "conversation_id": event.post.native_id if event.post else event.native_id,
        "lang": "en",
        "author_id": event.author_id,
        "public_metrics": {
            share: 0,
            "reply_count": 0,
            "like_count": 0,
            "quote_count": 0,
            "bookmark_count": 0,
            "impression_count": 0,
        },
    }
    if entities:
        rest["entities"] = entities
    if event.post:
        key = "referenced_tweets" if wanted.is_old else "referenced_posts"
        rest[key] = [{"type": "replied_to", "id": event.post.native_id}]
        rest["in_reply_to_user_id"] = event.account.native_id
    for name in wanted.fields | wanted.expansions:
        if name in rest:
            body[name] = rest[name]
    return body


def render_user(request: HttpRequest, account: Account, wanted: Wanted, *, now: datetime) -> dict[str, Any]:
    posts = "tweet_count" if wanted.is_old else "post_count"
    body: dict[str, Any] = {"id": account.native_id, "name": account.name, "username": account.username}
    rest: dict[str, Any] = {
        "created_at": format_time(account.created_at),
        "description": account.about,
        "location": "Riverside",
        "protected": False,
        "verified": False,
        "verified_type": "none",
        "url": "",
        "profile_image_url": request.build_absolute_uri(
            reverse("sandbox:avatar", kwargs={"platform": "twitter", "native_id": account.native_id})
        ),
        "public_metrics": {
            "followers_count": count_followers(account.followers, account.native_id, since=account.created_at, now=now),
            "following_count": 180,
            posts: Post.objects.filter(account=account, deleted_at=None).count(),
            "listed_count": 4,
            "like_count": 210,
            "media_count": 0,
        },
    }
    body.update({name: rest[name] for name in wanted.user_fields if name in rest})
    return body


def render_author(event: Event, wanted: Wanted) -> dict[str, Any]:
    body: dict[str, Any] = {"id": event.author_id, "name": event.author_name, "username": event.author_username}
    if "public_metrics" in wanted.user_fields:
        posts = "tweet_count" if wanted.is_old else "post_count"
        body["public_metrics"] = {"followers_count": 321, "following_count": 280, posts: 1200, "listed_count": 2}
    return body
