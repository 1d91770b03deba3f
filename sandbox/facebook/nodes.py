"""Facebook: people, Pages, posts, photos and comments as Graph API nodes."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from sandbox.facebook.answers import PLATFORM, is_true, refused
from sandbox.facebook.fields import Field
from sandbox.life import count_engagement, count_followers, share_of
from sandbox.models import Account, Event, Media, Post, digest, new_native_id

REACTIONS = {"LIKE": 0.72, "LOVE": 0.18, "WOW": 0.04, "HAHA": 0.03, "CARE": 0.02, "SAD": 0.007, "ANGRY": 0.003}


def format_time(moment: datetime) -> str:
    """``2026-11-20T10:00:00+0000``: ISO 8601 without a colon in the offset."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")


def select(wanted: list[Field], values: dict[str, Callable[[Field], Any]], kind: str) -> dict[str, Any]:
    """The values asked for; None and empty counters are left out, unknown names refused for the whole call (100)."""
    node: dict[str, Any] = {}
    for one in wanted:
        if one.name not in values:
            raise refused(100, f"(#100) Tried accessing nonexisting field ({one.name}) on node type ({kind})")
        value = values[one.name](one)
        if value is not None:
            node[one.shown_as] = value
    if "id" in values:
        node["id"] = values["id"](Field("id"))
    return node


def avatar_url(request: HttpRequest, account: Account) -> str:
    path = reverse("sandbox:avatar", kwargs={"platform": "facebook", "native_id": account.native_id})
    return request.build_absolute_uri(path)


def picture_of(request: HttpRequest, account: Account, wanted: Field) -> dict[str, Any]:
    whole = {"height": 200, "width": 200, "is_silhouette": False, "url": avatar_url(request, account)}
    names = [one.name for one in wanted.below] or list(whole)
    return {"data": {name: whole[name] for name in names if name in whole}}


def site_url(request: HttpRequest, path: str) -> str:
    """The address of a page of the imitated www.facebook.com."""
    return request.build_absolute_uri(reverse("sandbox:facebook_site", kwargs={"native_id": path}))


def render_person(request: HttpRequest, person: Account, wanted: list[Field]) -> dict[str, Any]:
    values: dict[str, Callable[[Field], Any]] = {
        "id": lambda _: person.native_id,
        "name": lambda _: person.name,
        "first_name": lambda _: person.name.split()[0],
        "last_name": lambda _: person.name.split()[-1],
        "email": lambda _: f"{person.username}@example.com",
        "picture": lambda one: picture_of(request, person, one),
    }
    return select(wanted or [Field("name")], values, "User")


def render_page(
    request: HttpRequest, page: Account, wanted: list[Field], *, token: str | None, now: datetime
) -> dict[str, Any]:
    """A Page; ``token`` None hides access_token and tasks, as from people who do not manage it."""
    followers = count_followers(page.followers, page.native_id, since=page.created_at, now=now)
    values: dict[str, Callable[[Field], Any]] = {
        "id": lambda _: page.native_id,
        "name": lambda _: page.name,
        "username": lambda _: page.username or None,
        "about": lambda _: page.about or None,
        "category": lambda _: page.category,
        "category_list": lambda _: [{"id": "186982054657561", "name": page.category}],
        "link": lambda _: site_url(request, page.native_id),
        "picture": lambda one: picture_of(request, page, one),
        "cover": lambda _: None,
        "fan_count": lambda _: followers - 7,
        "followers_count": lambda _: followers,
        "talking_about_count": lambda _: followers // 40,
        "verification_status": lambda _: "not_verified",
        "website": lambda _: None,
        "phone": lambda _: None,
        "emails": lambda _: None,
        "instagram_business_account": lambda _: None,
        "has_lead_access": lambda _: None,
        "access_token": lambda _: token,
        "tasks": lambda _: page.tasks if token else None,
    }
    return select(wanted or [Field("name")], values, "Page")


def limited(one: Field, rows: list[dict[str, Any]], summary: dict[str, Any]) -> dict[str, Any]:
    """An edge inside a node: its rows up to limit(n), and the summary when it was asked for."""
    raw = one.modifiers.get("limit", "25")
    edge: dict[str, Any] = {"data": rows[: int(raw) if raw.isdecimal() else 25]}
    if one.modifiers.get("summary", "false") not in {"false", "0"}:
        edge["summary"] = summary
    return edge


def render_attachments(request: HttpRequest, post: Post) -> dict[str, Any] | None:
    media = list(post.media.all())
    if media:
        shown = [
            {
                "media_type": "photo",
                "type": "photo",
                "media": {"image": {"src": media_url(request, one), "width": one.width, "height": one.height}},
                "target": {"id": one.native_id, "url": site_url(request, one.native_id)},
                "url": site_url(request, one.native_id),
                **({"description": one.alt_text} if one.alt_text else {}),
            }
            for one in media
        ]
        if len(shown) == 1:
            return {"data": shown}
        album = {"media_type": "album", "type": "album", "subattachments": {"data": shown}}
        return {"data": [{**album, "media": shown[0]["media"], "url": shown[0]["url"]}]}
    if post.link:
        guarded = (
            f"https://l.facebook.com/l.php?{urlencode({'u': post.link, 'h': digest(post.native_id)[:32], 's': '1'})}"
        )
        share = {"media_type": "link", "type": "share", "title": post.link, "url": guarded, "target": {"url": guarded}}
        return {"data": [{**share, "unshimmed_url": post.link}]}
    return None


def tell_story(post: Post, count: int) -> str | None:
    """The sentence that Facebook writes over a post; None over a text alone."""
    if count:
        return f"{post.account.name} added {'a new photo' if count == 1 else f'{count} new photos'}."
    return f"{post.account.name} shared a link." if post.link else None


def post_url(request: HttpRequest, post: Post) -> str:
    """The permalink: the post's own number below its Page's."""
    page_id, _, number = post.native_id.partition("_")
    path = reverse("sandbox:facebook_post", kwargs={"page_id": page_id, "number": number})
    return request.build_absolute_uri(path)


def media_url(request: HttpRequest, media: Media) -> str:
    path = reverse("sandbox:media", kwargs={"platform": media.platform.lower(), "native_id": media.native_id})
    return request.build_absolute_uri(path)


def render_post(request: HttpRequest, post: Post, wanted: list[Field], *, now: datetime) -> dict[str, Any]:
    counters = count_engagement(post, now=now)
    comments = list(Event.objects.filter(post=post, kind=Event.Kind.COMMENT)) if wanted else []

    def reactions(one: Field) -> dict[str, Any]:
        kind = one.modifiers.get("type", "")
        share = REACTIONS.get(kind, 1.0)
        total = int(counters.likes * share) if kind else counters.likes
        return limited(one, [], {"total_count": total, "viewer_reaction": "NONE"})

    def shown_comments(one: Field) -> dict[str, Any]:
        rows = [render_comment(request, event, one.below) for event in comments]
        return limited(one, rows, {"order": "ranked", "total_count": counters.comments, "can_comment": True})

    media = list(post.media.all())
    values: dict[str, Callable[[Field], Any]] = {
        "id": lambda _: post.native_id,
        "message": lambda _: post.text or None,
        "story": lambda _: tell_story(post, len(media)),
        "created_time": lambda _: format_time(post.publish_at),
        "updated_time": lambda _: format_time(post.edited_at or post.publish_at),
        "permalink_url": lambda _: post_url(request, post),
        "full_picture": lambda _: media_url(request, media[0]) if media else None,
        "status_type": lambda _: "added_photos" if media else ("shared_story" if post.link else "mobile_status_update"),
        "is_published": lambda _: post.publish_at <= now and not post.options.get("unpublished"),
        "is_hidden": lambda _: False,
        "scheduled_publish_time": lambda _: int(post.publish_at.timestamp()) if post.publish_at > now else None,
        "from": lambda _: {"name": post.account.name, "id": post.account.native_id},
        "attachments": lambda _: render_attachments(request, post),
        "message_tags": lambda _: None,
        "shares": lambda _: {"count": counters.shares} if counters.shares else None,
        "reactions": reactions,
        "likes": lambda one: limited(one, [], {"total_count": int(counters.likes * 0.72), "can_like": True}),
        "comments": shown_comments,
    }
    return select(wanted or [Field("created_time"), Field("message")], values, "Post")


def render_comment(request: HttpRequest, event: Event, wanted: list[Field]) -> dict[str, Any]:
    number = event.native_id.rpartition("_")[2]
    values: dict[str, Callable[[Field], Any]] = {
        "id": lambda _: event.native_id,
        "message": lambda _: event.text,
        "created_time": lambda _: format_time(event.created_at),
        "from": lambda _: {"id": event.author_id, "name": event.author_name},
        "like_count": lambda _: int(share_of(event.native_id, "likes", 0, 4)),
        "comment_count": lambda _: 0,
        "user_likes": lambda _: False,
        "is_hidden": lambda _: is_true(event.fields.get("is_hidden"), default=False),
        "can_hide": lambda _: not event.by_client,
        "can_remove": lambda _: True,
        "can_reply_privately": lambda _: not event.by_client,
        "parent": lambda _: None,
        "attachment": lambda _: None,
        "message_tags": lambda _: None,
        "permalink_url": lambda _: f"{post_url(request, event.post)}?comment_id={number}" if event.post else None,
    }
    return select(wanted or [Field("created_time"), Field("from"), Field("message")], values, "Comment")


def render_photo(request: HttpRequest, media: Media, wanted: list[Field]) -> dict[str, Any]:
    values: dict[str, Callable[[Field], Any]] = {
        "id": lambda _: media.native_id,
        "name": lambda _: media.caption or None,
        "alt_text": lambda _: None,
        "alt_text_custom": lambda _: media.alt_text or None,
        "created_time": lambda _: format_time(media.created_at),
        "width": lambda _: media.width,
        "height": lambda _: media.height,
        "link": lambda _: site_url(request, media.native_id),
        "page_story_id": lambda _: media.post.native_id if media.post else None,
        "images": lambda _: [{"source": media_url(request, media), "width": media.width, "height": media.height}],
    }
    return select(wanted or [Field("created_time"), Field("name")], values, "Photo")


def new_post_id(page: Account) -> str:
    """``{page-id}_{post-id}``."""
    return f"{page.native_id}_{new_native_id(PLATFORM)}"
