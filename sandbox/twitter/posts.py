"""X: making, deleting and reading posts.

Source: https://docs.x.com/x-api/posts/create-post and .../x-api/posts/timelines/introduction
"""

import base64
import re
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from sandbox.faults import Refused, Visit, imitate, mark_imitated
from sandbox.models import Account, Event, Media, Post, Token, digest, new_native_id
from sandbox.paging import Mark, cut
from sandbox.text import is_blank
from sandbox.twitter.answers import (
    PLATFORM,
    VOICE,
    authenticate,
    forbidden,
    invalid,
    problem,
    read_json,
    refuse_unknown,
    refuse_unknown_query,
)
from sandbox.twitter.render import (
    Wanted,
    render_author,
    render_event,
    render_media,
    render_own,
    render_post,
    render_user,
)
from sandbox.twitter.text import count, expand, find_entities, has_invalid_characters

MOST_WEIGHT = 280
DUPLICATE_WITHIN = timedelta(hours=24)
ID = re.compile(r"[0-9]{1,19}")
BODY = {
    "card_uri", "community_id", "direct_message_deep_link", "edit_options", "for_super_followers_only", "geo",
    "made_with_ai", "media", "nullcast", "paid_partnership", "poll", "quote_tweet_id", "reply", "reply_settings",
    "share_with_followers", "text",
}  # fmt: skip
BOOLEANS = {"for_super_followers_only", "made_with_ai", "nullcast", "paid_partnership", "share_with_followers"}
MEDIA_BODY = {
    "call_to_actions", "description", "embeddable", "media_ids", "preview_media_id", "tagged_user_ids", "title",
}  # fmt: skip
REPLY_SETTINGS = {"following", "mentionedUsers", "subscribers", "verified"}
FIELDS = {"tweet.fields", "post.fields", "expansions", "user.fields", "media.fields", "poll.fields", "place.fields"}
TIMELINE = FIELDS | {"max_results", "pagination_token", "start_time", "end_time", "since_id", "until_id"}


def check_body(body: dict[str, Any]) -> None:
    """Refuse with 400 what the schema of CreatePostsRequest does not allow."""
    refuse_unknown(body, BODY)
    if not isinstance(body.get("text", ""), str):
        raise invalid("[$.text: must be a string]")
    for name in BOOLEANS & body.keys():
        if not isinstance(body[name], bool):
            raise invalid(f"[$.{name}: must be a boolean]")
    if "reply_settings" in body and body["reply_settings"] not in REPLY_SETTINGS:
        raise invalid(f"[$.reply_settings: must be one of {sorted(REPLY_SETTINGS)}]")
    for name, known in (
        ("media", MEDIA_BODY),
        ("reply", {"in_reply_to_tweet_id", "exclude_reply_user_ids", "auto_populate_reply_metadata"}),
        ("poll", {"options", "duration_minutes", "reply_settings"}),
    ):
        if name in body:
            if not isinstance(body[name], dict):
                raise invalid(f"[$.{name}: must be an object]")
            refuse_unknown(body[name], known, f"$.{name}")
    if "poll" in body:
        check_poll(body)
    if "quote_tweet_id" in body:
        raise forbidden("Quoting this post is not allowed because your access level does not include it.")
    text = body.get("text", "")
    if is_blank(text) and "media" not in body and "poll" not in body:
        raise invalid("[$: one of text or media is required]", {"text": [text]})
    if has_invalid_characters(text):
        raise invalid("[$.text: contains invalid characters]", {"text": [text]})


def check_poll(body: dict[str, Any]) -> None:
    if "media" in body:
        raise invalid("[$: media and poll are mutually exclusive]")
    options = body["poll"].get("options")
    if not isinstance(options, list) or not 2 <= len(options) <= 4:
        raise invalid("[$.poll.options: must have 2 to 4 items]")
    if not all(isinstance(option, str) and 1 <= len(option) <= 25 for option in options):
        raise invalid("[$.poll.options: each must have 1 to 25 characters]")
    minutes = body["poll"].get("duration_minutes")
    if not isinstance(minutes, int) or not 5 <= minutes <= 10080:
        raise invalid("[$.poll.duration_minutes: must be between 5 and 10080]")


def check_text(account: Account, text: str, *, now: datetime) -> str:
    """Refuse with 403 what X does not let this account say; what later texts are compared with."""
    if count(text) > MOST_WEIGHT:
        raise forbidden(
            "Your Tweet text is too long. For more information on how Twitter determines text length see "
            "https://github.com/twitter/twitter-text."
        )
    if len({one.value.upper() for one in find_entities(text) if one.kind == "cashtags"}) > 1:
        raise forbidden("Posts are limited to a maximum of one cashtag.")
    recent = Post.objects.filter(account=account, deleted_at=None, created_at__gt=now - DUPLICATE_WITHIN)
    fingerprint = digest(expand(text)) if not is_blank(text) else ""
    if fingerprint and recent.filter(fingerprint=fingerprint).exists():
        raise Refused(VOICE.duplicate())
    return fingerprint


def find_media(body: dict[str, Any], account: Account, *, now: datetime) -> list[Media]:
    """The uploads named in the body, in order; refuses with 400 those that are unknown, foreign, used up or unready."""
    if "media" not in body:
        return []
    ids = body["media"].get("media_ids")
    if not isinstance(ids, list) or not 1 <= len(ids) <= 4:
        raise invalid("[$.media.media_ids: must have 1 to 4 items]")
    if not all(isinstance(native_id, str) and ID.fullmatch(native_id) for native_id in ids):
        raise invalid("[$.media.media_ids: does not match the regex pattern ^[0-9]{1,19}$]")
    uploads = {media.native_id: media for media in Media.objects.filter(platform=PLATFORM, native_id__in=ids)}
    media = [uploads[native_id] for native_id in ids if native_id in uploads]
    good = [
        one
        for one in media
        if one.account_id == account.pk and one.is_ready(now=now) and (one.expires_at is None or one.expires_at > now)
    ]
    animated = [one for one in good if one.category != "tweet_image"]
    if len(good) != len(ids) or len(set(ids)) != len(ids) or (animated and len(good) > 1):
        raise invalid("Your media IDs are invalid.", {"media.media_ids": [str(native_id) for native_id in ids]})
    if any(one.category.startswith("dm_") or one.category == "subtitles" for one in good):
        raise invalid("Your media IDs are invalid.", {"media.media_ids": [str(native_id) for native_id in ids]})
    return good


def find_parent(body: dict[str, Any], account: Account) -> tuple[str, dict[str, Any]]:
    """Id of the post replied to and what follows from it; refuses strangers who did not mention the account."""
    if "reply" not in body:
        return "", {}
    native_id = body["reply"].get("in_reply_to_tweet_id")
    if not isinstance(native_id, str) or not ID.fullmatch(native_id):
        raise invalid("[$.reply.in_reply_to_tweet_id: does not match the regex pattern ^[0-9]{1,19}$]")
    own = Post.objects.filter(platform=PLATFORM, native_id=native_id, deleted_at=None).first()
    if own is not None and own.account_id == account.pk:
        conversation = own.options.get("conversation_id", own.native_id)
        return native_id, {"conversation_id": conversation, "in_reply_to_user_id": account.native_id}
    event = Event.objects.filter(platform=PLATFORM, native_id=native_id).first()
    if event is not None and event.account_id == account.pk:
        return native_id, {"conversation_id": native_id, "in_reply_to_user_id": event.author_id}
    if own is not None or event is not None:
        raise forbidden(
            "Reply to this conversation is not allowed because you have not been mentioned or otherwise engaged by "
            "the author of the post you are replying to."
        )
    raise forbidden("You attempted to reply to a Tweet that is deleted or not visible to you.")


@imitate(PLATFORM, VOICE, "publish", methods="POST", name="create_post")
def create_post(request: HttpRequest, visit: Visit) -> HttpResponse:
    """``POST /2/tweets`` -> 201."""
    token = authenticate(request, visit, "tweet.read", "tweet.write", "users.read")
    account = owner_of(token)
    body = read_json(request)
    check_body(body)
    text = body.get("text", "")
    now = timezone.now()
    media = find_media(body, account, now=now)
    parent, options = find_parent(body, account)
    fingerprint = check_text(account, text, now=now)
    for name in ("reply_settings", "poll", "made_with_ai", "paid_partnership", "nullcast"):
        if name in body:
            options[name] = body[name]
    with visit.taking(201):
        post = Post.objects.create(
            platform=PLATFORM, account=account, client_id=token.client_id, native_id=new_native_id(PLATFORM), text=text,
            in_reply_to=parent, options=options, created_at=now, publish_at=now, appears_at=visit.appears_at(now),
            fingerprint=fingerprint,
        )  # fmt: skip
        post.attach(media)
    shown = render_own(post, media).text
    data = {"id": post.native_id, "text": shown, "edit_history_tweet_ids": [post.native_id]}
    return JsonResponse({"data": data}, status=201)


@mark_imitated
def posts_root(request: HttpRequest) -> HttpResponseBase:
    """``/2/tweets``: POST makes a post, GET reads several."""
    return create_post(request) if request.method == "POST" else posts_by_ids(request)


def owner_of(token: Token) -> Account:
    if token.account is None:
        raise Refused(VOICE.invalid_token())
    return token.account


def not_found(native_id: str, parameter: str = "id", kind: str = "tweet") -> dict[str, Any]:
    """X's partial error for one post or user that does not exist."""
    return {
        "value": native_id,
        "detail": f"Could not find {kind} with {parameter}: [{native_id}].",
        "title": "Not Found Error",
        "resource_type": kind,
        "parameter": parameter,
        "resource_id": native_id,
        "type": "https://api.x.com/2/problems/resource-not-found",
    }


def check_id(native_id: str, name: str = "id") -> None:
    if not ID.fullmatch(native_id):
        message = f"The `{name}` query parameter value [{native_id}] is not valid"
        raise invalid(message, {name: [native_id]})


def delete_post(request: HttpRequest, visit: Visit, native_id: str) -> HttpResponse:
    token = authenticate(request, visit, "tweet.read", "tweet.write", "users.read")
    post = Post.objects.filter(platform=PLATFORM, native_id=native_id).first()
    if post is not None and post.account_id != owner_of(token).pk:
        raise forbidden("You are not authorized to delete this Tweet.")
    if post is None or Post.objects.filter(pk=post.pk, deleted_at=None).update(deleted_at=timezone.now()) != 1:
        return problem(404, "Not Found Error", f"Could not find tweet with id: [{native_id}].", "resource-not-found")
    return JsonResponse({"data": {"deleted": True}})


def one_post_operation(request: HttpRequest, **path: str) -> str:
    return "publish" if request.method == "DELETE" else "metrics"


@imitate(PLATFORM, VOICE, one_post_operation, methods="GET DELETE", name="post_by_id")
def one_post(request: HttpRequest, visit: Visit, native_id: str) -> HttpResponse:
    """``GET`` and ``DELETE /2/tweets/:id``; a post that is not there is 200 with errors when read."""
    check_id(native_id)
    if request.method == "DELETE":
        visit.endpoint = "delete_post"
        return delete_post(request, visit, native_id)
    authenticate(request, visit, "tweet.read", "users.read")
    refuse_unknown_query(request, FIELDS)
    wanted, now = Wanted.by(request), timezone.now()
    post = Post.objects.live(PLATFORM).filter(native_id=native_id).first()
    if post is None:
        return JsonResponse({"errors": [not_found(native_id)]})
    return JsonResponse({"data": render_post(post, wanted, now=now), **includes(request, [post], wanted, now=now)})


def includes(request: HttpRequest, posts: list[Post], wanted: Wanted, *, now: datetime) -> dict[str, Any]:
    """The expansions that have something to show."""
    found: dict[str, Any] = {}
    if "author_id" in wanted.expansions and posts:
        accounts = {post.account.pk: post.account for post in posts}
        found["users"] = [render_user(request, account, wanted, now=now) for account in accounts.values()]
    if "attachments.media_keys" in wanted.expansions:
        media = [one for post in posts for one in post.media.all()]
        if media:
            found["media"] = [render_media(request, one, wanted) for one in media]
    return {"includes": found} if found else {}


@imitate(PLATFORM, VOICE, "metrics", name="posts_by_ids")
def posts_by_ids(request: HttpRequest, visit: Visit) -> HttpResponse:
    """``GET /2/tweets?ids=`` (up to 100); those that are not there are listed in errors beside the data."""
    authenticate(request, visit, "tweet.read", "users.read")
    refuse_unknown_query(request, FIELDS | {"ids"})
    ids = [native_id for native_id in request.GET.get("ids", "").split(",") if native_id]
    if not 1 <= len(ids) <= 100:
        raise invalid(f"The number of values in the `ids` query parameter list [{len(ids)}] is not between 1 and 100")
    for native_id in ids:
        check_id(native_id, "ids")
    wanted, now = Wanted.by(request), timezone.now()
    posts = {post.native_id: post for post in Post.objects.live(PLATFORM).filter(native_id__in=ids)}
    body: dict[str, Any] = {}
    found = [posts[native_id] for native_id in ids if native_id in posts]
    if found:
        body["data"] = [render_post(post, wanted, now=now) for post in found]
        body.update(includes(request, found, wanted, now=now))
    missing = [not_found(native_id, "ids") for native_id in ids if native_id not in posts]
    if missing:
        body["errors"] = missing
    return JsonResponse(body)


@imitate(PLATFORM, VOICE, "read", name="me")
def me(request: HttpRequest, visit: Visit) -> HttpResponse:
    """``GET /2/users/me``."""
    token = authenticate(request, visit, "tweet.read", "users.read")
    refuse_unknown_query(request, {"user.fields", "tweet.fields", "post.fields", "expansions"})
    user = render_user(request, owner_of(token), Wanted.by(request), now=timezone.now())
    return JsonResponse({"data": user})


def read_range(request: HttpRequest) -> tuple[int, Q]:
    """``max_results`` and the conditions on id and time of a timeline; refuses bad values with 400."""
    raw = request.GET.get("max_results", "10")
    most = int(raw) if raw.isdecimal() else 0
    if not 5 <= most <= 100:
        message = f"The `max_results` query parameter value [{raw}] is not between 5 and 100"
        raise invalid(message, {"max_results": [raw]})
    fits = Q()
    for name, lookup in (("start_time", "created_at__gte"), ("end_time", "created_at__lt")):
        if value := request.GET.get(name):
            moment = parse_time(value)
            if moment is None:
                raise invalid(
                    f"The `{name}` query parameter value [{value}] is not a valid RFC 3339 date-time", {name: [value]}
                )
            fits &= Q(**{lookup: moment})
    return most, fits


def parse_time(value: str) -> datetime | None:
    """An RFC 3339 time with its zone; None for anything else."""
    try:
        moment = parse_datetime(value)
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None


def write_token(mark: Mark, *, older: bool) -> str:
    """A pagination token: opaque, base32hex as the specification says."""
    content = f"{'older' if older else 'newer'} {mark}".encode()
    return base64.b32hexencode(content).decode().rstrip("=").lower()


def read_token(request: HttpRequest) -> tuple[Mark | None, Mark | None]:
    """What a page follows, or what it precedes; refuses with 400 what X did not write."""
    raw = request.GET.get("pagination_token")
    if raw is None:
        return None, None
    try:
        padded = raw.upper() + "=" * (-len(raw) % 8)
        side, _, mark = base64.b32hexdecode(padded).decode().partition(" ")
        return (Mark.read(mark), None) if side == "older" else (None, Mark.read(mark))
    except ValueError as error:
        message = f"The `pagination_token` query parameter value [{raw}] is not valid"
        raise invalid(message, {"pagination_token": [raw]}) from error


def page_of(request: HttpRequest, rows: QuerySet[Any], *, size: int, depth: int) -> tuple[list[int], dict[str, Any]]:
    """The primary keys of the page asked for, newest first, of the latest ``depth`` rows; X's meta with its tokens."""
    found = list(rows.order_by("-created_at", "-pk").values_list("created_at", "pk", "native_id")[:depth])
    for name, sign in (("since_id", 1), ("until_id", -1)):
        if value := request.GET.get(name):
            check_id(value, name)
            found = [row for row in found if (int(row[2]) - int(value)) * sign > 0]
    ids = {pk: native_id for _, pk, native_id in found}
    after, before = read_token(request)
    page = cut((Mark(at, pk) for at, pk, _ in found), size, after=after, before=before)
    meta: dict[str, Any] = {"result_count": len(page.pks)}
    if page.first is not None and page.last is not None:
        meta |= {"newest_id": ids[page.first.pk], "oldest_id": ids[page.last.pk]}
        if page.has_next:
            meta["next_token"] = write_token(page.last, older=True)
        if page.has_previous:
            meta["previous_token"] = write_token(page.first, older=False)
    return page.pks, meta


def in_order(rows: QuerySet[Any], pks: list[int]) -> list[Any]:
    found = {row.pk: row for row in rows.filter(pk__in=pks)}
    return [found[pk] for pk in pks]


def find_user(native_id: str) -> Account | None:
    check_id(native_id)
    return Account.objects.filter(platform=PLATFORM, native_id=native_id).first()


@imitate(PLATFORM, VOICE, "read", name="user_posts")
def user_posts(request: HttpRequest, visit: Visit, native_id: str) -> HttpResponse:
    """``GET /2/users/:id/tweets``, newest first, at most the last 3,200, without replies the last 800."""
    authenticate(request, visit, "tweet.read", "users.read")
    refuse_unknown_query(request, TIMELINE | {"exclude"})
    account = find_user(native_id)
    if account is None:
        return JsonResponse({"errors": [not_found(native_id, kind="user")]})
    most, fits = read_range(request)
    excluded = set(filter(None, request.GET.get("exclude", "").split(",")))
    if excluded - {"replies", "retweets"}:
        raise invalid("The `exclude` query parameter value is not one of [replies,retweets]")
    posts = Post.objects.readable(PLATFORM).filter(fits, account=account)
    if "replies" in excluded:
        posts = posts.filter(in_reply_to="")
    pks, meta = page_of(request, posts, size=most, depth=800 if "replies" in excluded else 3200)
    page = in_order(Post.objects.with_card(), pks)
    wanted, now = Wanted.by(request), timezone.now()
    body: dict[str, Any] = {"meta": meta}
    if page:
        body["data"] = [render_post(post, wanted, now=now) for post in page]
        body.update(includes(request, page, wanted, now=now))
    return JsonResponse(body)


@imitate(PLATFORM, VOICE, "read", name="user_mentions")
def user_mentions(request: HttpRequest, visit: Visit, native_id: str) -> HttpResponse:
    """``GET /2/users/:id/mentions``: planted mentions and comments, newest first, at most 800."""
    authenticate(request, visit, "tweet.read", "users.read")
    refuse_unknown_query(request, TIMELINE)
    account = find_user(native_id)
    if account is None:
        return JsonResponse({"errors": [not_found(native_id, kind="user")]})
    most, fits = read_range(request)
    events = Event.objects.filter(fits, account=account, kind__in=[Event.Kind.MENTION, Event.Kind.COMMENT])
    pks, meta = page_of(request, events, size=most, depth=800)
    page = in_order(Event.objects.select_related("post", "account"), pks)
    wanted = Wanted.by(request)
    body: dict[str, Any] = {"meta": meta}
    if page:
        body["data"] = [render_event(event, wanted) for event in page]
        if "author_id" in wanted.expansions:
            authors = {event.author_id: render_author(event, wanted) for event in page}
            body["includes"] = {"users": list(authors.values())}
    return JsonResponse(body)
