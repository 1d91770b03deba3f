"""Mastodon: statuses, accounts and notifications.

Source: https://docs.joinmastodon.org/methods/statuses/, .../accounts/, .../notifications/
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from sandbox.faults import Visit, imitate
from sandbox.mastodon.answers import PLATFORM, VOICE, Parameters, authenticate, refused, server_of
from sandbox.mastodon.entities import render_account, render_notification, render_status
from sandbox.mastodon.text import count, is_blank, keep
from sandbox.models import Account, Event, IdempotencyKey, Media, Post, new_native_id
from sandbox.oauth import bearer_of

MOST_CHARACTERS = 500
MOST_MEDIA = 4
MOST_BY_IDS = 20
KEY_KEPT = timedelta(hours=1)
VISIBILITIES = {"public", "unlisted", "private", "direct"}


def find_status(native_id: str, *, to_write: bool = False) -> Post:
    """A status; ``to_write`` also one that reads do not show yet."""
    posts = Post.objects.kept(PLATFORM) if to_write else Post.objects.live(PLATFORM)
    post = posts.filter(native_id=native_id).first()
    if post is None:
        raise refused(404, "Record not found")
    return post


def check_text(text: str, warning: str, *, has_media: bool) -> None:
    if is_blank(text) and not has_media:
        raise refused(422, "Validation failed: Text can't be blank")
    if count(text, warning) > MOST_CHARACTERS:
        raise refused(422, f"Validation failed: Text character limit of {MOST_CHARACTERS} exceeded")


def find_media(parameters: Parameters, account: Account, *, now: datetime) -> list[Media]:
    """The uploads named in ``media_ids``, in order; refuses with 422 what cannot be attached."""
    ids = parameters.list("media_ids")
    if not ids:
        return []
    if len(ids) > MOST_MEDIA:
        raise refused(422, "Validation failed: Cannot attach more than 4 files")
    if parameters.has("poll") or parameters.list("poll[options]"):
        raise refused(422, "Validation failed: Cannot attach files to a post that has a poll")
    found = {one.native_id: one for one in Media.objects.filter(account=account, native_id__in=ids, post=None)}
    missing = [native_id for native_id in ids if native_id not in found]
    if missing:
        raise refused(422, f"Media {', '.join(missing)} not found or already attached to another post")
    media = [found[native_id] for native_id in ids]
    if len(media) > 1 and any(one.category != "image" for one in media):
        raise refused(422, "Validation failed: Cannot attach a video to a post that already contains images")
    if not all(one.is_ready(now=now) for one in media):
        raise refused(422, "Cannot attach files that have not finished processing. Try again in a moment!")
    return media


def choose_status_operation(request: HttpRequest, **path: str) -> str:
    return {"POST": "publish", "DELETE": "publish", "PUT": "publish"}.get(request.method or "", "metrics")


@imitate(PLATFORM, VOICE, choose_status_operation, methods="GET POST", name="statuses")
def statuses(request: HttpRequest, visit: Visit) -> HttpResponse:
    """``POST /api/v1/statuses`` and ``GET /api/v1/statuses?id[]=``."""
    if request.method == "POST":
        return post_status(request, visit)
    visit.endpoint = "statuses_by_ids"
    authenticate(request, visit, "read:statuses")
    ids = Parameters(request).list("id")
    if len(ids) > MOST_BY_IDS:
        raise refused(422, "Validation failed")
    now = timezone.now()
    found = {post.native_id: post for post in Post.objects.live(PLATFORM).filter(native_id__in=ids)}
    accounts = {post.account_id: post.account for post in found.values()}
    authors = {key: render_account(request, author, now=now) for key, author in accounts.items()}
    shown = [
        render_status(request, post, now=now, by=authors[post.account_id])
        for native_id in ids
        if (post := found.get(native_id)) is not None
    ]
    return JsonResponse(shown, safe=False)


def recall(account: Account, key: str, *, now: datetime) -> Post | None:
    """The status that this key made within the hour, refused with 404 when it was deleted; older keys are forgotten."""
    kept = IdempotencyKey.objects.filter(account=account, key=key).first()
    if kept is None:
        return None
    if kept.created_at <= now - KEY_KEPT:
        kept.delete()
        return None
    post = Post.objects.kept(PLATFORM).filter(pk=kept.post_id).first()
    if post is None:
        raise refused(404, "Record not found")
    return post


def post_status(request: HttpRequest, visit: Visit) -> HttpResponse:
    account = authenticate(request, visit, "write:statuses")
    parameters = Parameters(request)
    now = timezone.now()
    key = request.headers.get("Idempotency-Key", "")[:200]
    if visit.is_hit_by("duplicate") or not server_of(request).knows_parts:
        key = ""
    if key and (known := recall(account, key, now=now)) is not None:
        return JsonResponse(render_status(request, known, now=now))
    text, warning = parameters.text("status"), parameters.text("spoiler_text")
    is_sensitive = parameters.flag("sensitive") or bool(warning)
    if is_blank(text) and warning:
        text, warning = warning, ""
    visibility = parameters.text("visibility", "public") or "public"
    if visibility not in VISIBILITIES:
        raise refused(422, "Validation failed: Visibility is not included in the list")
    media = find_media(parameters, account, now=now)
    check_text(text, warning, has_media=bool(media))
    options: dict[str, Any] = {"visibility": visibility, "spoiler_text": warning}
    options["sensitive"] = is_sensitive
    options["language"] = parameters.text("language") or "en"
    parent = parameters.text("in_reply_to_id")
    if parent:
        options["in_reply_to_account_id"] = find_parent_author(parent)
    try:
        with visit.taking():
            post = Post.objects.create(
                platform=PLATFORM, account=account, client=visit.token.client if visit.token else None, text=text,
                native_id=new_native_id(PLATFORM), in_reply_to=parent, options=options, idempotency_key=key,
                created_at=now, publish_at=now, appears_at=visit.appears_at(now),
            )  # fmt: skip
            post.attach(media)
            if key:
                IdempotencyKey.objects.create(account=account, key=key, post=post, created_at=now)
    except IntegrityError:
        # The same key at the same moment: the other request made the status.
        known = recall(account, key, now=now)
        if known is None:
            raise
        return JsonResponse(render_status(request, known, now=now))
    post.planted_comments = 0  # nobody can have said anything yet
    return JsonResponse(render_status(request, post, now=now, media=media))


def find_parent_author(native_id: str) -> str:
    post = Post.objects.kept(PLATFORM).filter(native_id=native_id).first()
    if post is not None:
        return post.account.native_id
    event = Event.objects.filter(platform=PLATFORM, native_id=native_id).first()
    if event is None:
        raise refused(404, "The post you are trying to reply to does not appear to exist.")
    return event.author_id


@imitate(PLATFORM, VOICE, choose_status_operation, methods="GET PUT DELETE", name="status")
def one_status(request: HttpRequest, visit: Visit, native_id: str) -> HttpResponse:
    """``GET``, ``PUT`` and ``DELETE /api/v1/statuses/:id``."""
    now = timezone.now()
    if request.method == "GET":
        if bearer_of(request):
            authenticate(request, visit, "read:statuses")
        post = find_status(native_id)
        if post.options.get("visibility") in {"private", "direct"} and visit.account != post.account:
            raise refused(404, "Record not found")
        return JsonResponse(render_status(request, post, now=now))
    if request.method == "DELETE":
        visit.endpoint = "delete_status"
    account = authenticate(request, visit, "write:statuses")
    post = find_status(native_id, to_write=True)
    if post.account_id != account.pk:
        raise refused(404, "Record not found")
    if request.method == "DELETE":
        Post.objects.filter(pk=post.pk, deleted_at=None).update(deleted_at=now)
        return JsonResponse(render_status(request, post, now=now, with_source=True))
    parameters = Parameters(request)
    text = parameters.text("status", post.text)
    warning = parameters.text("spoiler_text", post.options.get("spoiler_text", ""))
    check_text(text, warning, has_media=post.media.exists())
    Post.objects.filter(pk=post.pk).update(text=text, edited_at=now, options={**post.options, "spoiler_text": warning})
    return JsonResponse(render_status(request, find_status(native_id, to_write=True), now=now))


@imitate(PLATFORM, VOICE, "read")
def status_source(request: HttpRequest, visit: Visit, native_id: str) -> HttpResponse:
    """``GET /api/v1/statuses/:id/source``."""
    authenticate(request, visit, "read:statuses")
    post = find_status(native_id)
    return JsonResponse(
        {"id": post.native_id, "text": keep(post.text), "spoiler_text": post.options.get("spoiler_text", "")}
    )


@imitate(PLATFORM, VOICE, "read")
def status_context(request: HttpRequest, visit: Visit, native_id: str) -> HttpResponse:
    """``GET /api/v1/statuses/:id/context``: planted comments are the descendants."""
    post = find_status(native_id)
    now = timezone.now()
    events = Event.objects.filter(post=post).select_related("account", "post")
    below = [render_notification(request, event, now=now)["status"] for event in events]
    below += [render_status(request, one, now=now) for one in Post.objects.live(PLATFORM).filter(in_reply_to=native_id)]
    above = [
        render_status(request, one, now=now) for one in Post.objects.live(PLATFORM).filter(native_id=post.in_reply_to)
    ]
    return JsonResponse({"ancestors": above, "descendants": below})


@imitate(PLATFORM, VOICE, "read")
def verify_credentials(request: HttpRequest, visit: Visit) -> HttpResponse:
    """``GET /api/v1/accounts/verify_credentials``."""
    wanted = ("read:accounts", "profile") if server_of(request).knows_parts else ("read",)
    account = authenticate(request, visit, *wanted)
    shown = render_account(request, account, now=timezone.now())
    source = {"privacy": "public", "sensitive": False, "language": "en", "note": account.about, "fields": []}
    return JsonResponse({**shown, "source": source})


def find_account(**lookup: str) -> Account:
    account = Account.objects.filter(platform=PLATFORM, **lookup).first()
    if account is None:
        raise refused(404, "Record not found")
    return account


@imitate(PLATFORM, VOICE, "read")
def one_account(request: HttpRequest, visit: Visit, native_id: str) -> HttpResponse:
    """``GET /api/v1/accounts/:id``."""
    return JsonResponse(render_account(request, find_account(native_id=native_id), now=timezone.now()))


@imitate(PLATFORM, VOICE, "read")
def lookup_account(request: HttpRequest, visit: Visit) -> HttpResponse:
    """``GET /api/v1/accounts/lookup?acct=``."""
    name = request.GET.get("acct", "").removeprefix("@").partition("@")[0]
    return JsonResponse(render_account(request, find_account(username=name), now=timezone.now()))


def cut_page(request: HttpRequest, rows: QuerySet[Any], column: str, most: int) -> tuple[list[Any], dict[str, str]]:
    """A page of rows by max_id, since_id and min_id, newest first, with its Link header."""
    raw = request.GET.get("limit", "20")
    limit = max(1, min(int(raw) if raw.isdecimal() else 20, most))
    for name, lookup in (("max_id", "lt"), ("since_id", "gt"), ("min_id", "gt")):
        value = request.GET.get(name, "")
        if value.isdecimal():
            rows = rows.filter(**{f"{column}__{lookup}": value if column != "pk" else int(value)})
    is_upward = bool(request.GET.get("min_id"))
    found = list(rows.order_by(column if is_upward else f"-{column}")[:limit])
    if is_upward:
        found.reverse()
    if not found:
        return [], {}

    def address(name: str, row: Any) -> str:
        query = request.GET.copy()
        for other in ("max_id", "since_id", "min_id"):
            query.pop(other, None)
        query[name] = str(getattr(row, column))
        return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")

    links = [f'<{address("min_id", found[0])}>; rel="prev"']
    if len(found) == limit:
        links.insert(0, f'<{address("max_id", found[-1])}>; rel="next"')
    return found, {"Link": ", ".join(links)}


@imitate(PLATFORM, VOICE, "read")
def account_statuses(request: HttpRequest, visit: Visit, native_id: str) -> HttpResponse:
    """``GET /api/v1/accounts/:id/statuses``, newest first, paged by the Link header."""
    if bearer_of(request):
        authenticate(request, visit, "read:statuses")
    account = find_account(native_id=native_id)
    parameters = Parameters(request)
    # Ids of equal length (18 digits from 2018 on): their order as text is their order as numbers.
    rows = Post.objects.live(PLATFORM).filter(account=account)
    if visit.account != account:
        rows = rows.filter(options__visibility__in=["public", "unlisted"])
    if parameters.flag("exclude_replies"):
        rows = rows.filter(in_reply_to="")
    if parameters.flag("only_media"):
        rows = rows.exclude(media=None).distinct()
    if parameters.flag("pinned"):
        rows = rows.none()
    found, headers = cut_page(request, rows, "native_id", 40)
    now = timezone.now()
    by = render_account(request, account, now=now)
    shown = [render_status(request, post, now=now, by=by) for post in found]
    return JsonResponse(shown, safe=False, headers=headers)


@imitate(PLATFORM, VOICE, "read")
def notifications(request: HttpRequest, visit: Visit) -> HttpResponse:
    """``GET /api/v1/notifications``: planted mentions, comments and direct messages."""
    account = authenticate(request, visit, "read:notifications")
    types, left_out = Parameters(request).list("types"), Parameters(request).list("exclude_types")
    rows = Event.objects.filter(account=account).exclude(kind=Event.Kind.LEAD).select_related("account", "post")
    if (types and "mention" not in types) or "mention" in left_out:
        rows = rows.none()
    found, headers = cut_page(request, rows, "pk", 80)
    now = timezone.now()
    return JsonResponse([render_notification(request, event, now=now) for event in found], safe=False, headers=headers)
