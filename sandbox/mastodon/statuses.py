"""Mastodon: statuses, media, accounts, notifications and the instance document.

Source: https://docs.joinmastodon.org/methods/statuses/, .../media/, .../accounts/, .../notifications/, .../instance/
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from sandbox.faults import Visit, imitate
from sandbox.mastodon.answers import PLATFORM, VOICE, Parameters, authenticate, base_url, refused
from sandbox.mastodon.entities import render_account, render_media, render_notification, render_status
from sandbox.models import Account, Event, IdempotencyKey, Media, Post, Token, new_native_id
from sandbox.oauth import bearer_of, find_token
from sandbox.pictures import NotMedia, measure
from sandbox.text import count_mastodon

MOST_CHARACTERS = 500
MOST_MEDIA = 4
MOST_DESCRIPTION = 1500
MOST_IMAGE_BYTES = 16777216
MOST_VIDEO_BYTES = 103809024
MOST_PIXELS = 33177600
KEY_KEPT = timedelta(hours=1)
VISIBILITIES = {"public", "unlisted", "private", "direct"}
IMAGE_TYPES = {"image/jpeg", "image/png", "image/gif", "image/webp"}


def statuses_of_all() -> QuerySet[Post]:
    posts = Post.objects.filter(platform=PLATFORM, deleted_at=None)
    return posts.select_related("account", "client").prefetch_related("media")


def find_status(native_id: str) -> Post:
    post = statuses_of_all().filter(native_id=native_id).first()
    if post is None:
        raise refused(404, "Record not found")
    return post


def check_text(text: str, warning: str, *, has_media: bool) -> None:
    if not text.strip() and not has_media:
        raise refused(422, "Validation failed: Text can't be blank")
    if count_mastodon(text, warning) > MOST_CHARACTERS:
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
    authenticate(request, visit, "read:statuses")
    ids = Parameters(request).list("id")[:100]
    now = timezone.now()
    found = {post.native_id: post for post in statuses_of_all().filter(native_id__in=ids)}
    shown = [render_status(request, found[native_id], now=now) for native_id in ids if native_id in found]
    return JsonResponse(shown, safe=False)


def recall(account: Account, key: str, *, now: datetime) -> Post | None:
    """The status that this key made within the hour."""
    kept = IdempotencyKey.objects.filter(account=account, key=key, created_at__gt=now - KEY_KEPT).first()
    return statuses_of_all().filter(pk=kept.post_id).first() if kept else None


def post_status(request: HttpRequest, visit: Visit) -> HttpResponse:
    account = authenticate(request, visit, "write:statuses")
    parameters = Parameters(request)
    now = timezone.now()
    key = "" if visit.is_hit_by("duplicate") else request.headers.get("Idempotency-Key", "")[:200]
    if key and (known := recall(account, key, now=now)) is not None:
        return JsonResponse(render_status(request, known, now=now))
    text, warning = parameters.text("status"), parameters.text("spoiler_text")
    visibility = parameters.text("visibility", "public") or "public"
    if visibility not in VISIBILITIES:
        raise refused(422, "Validation failed: Visibility is not included in the list")
    media = find_media(parameters, account, now=now)
    check_text(text, warning, has_media=bool(media))
    options: dict[str, Any] = {"visibility": visibility, "spoiler_text": warning}
    options["sensitive"] = parameters.flag("sensitive") or bool(warning)
    options["language"] = parameters.text("language") or "en"
    parent = parameters.text("in_reply_to_id")
    if parent:
        options["in_reply_to_account_id"] = find_parent_author(parent)
    token = find_token(bearer_of(request), Token.Kind.ACCESS)
    try:
        with transaction.atomic():
            post = Post.objects.create(
                platform=PLATFORM, account=account, client=token.client if token else None, text=text,
                native_id=new_native_id(PLATFORM), in_reply_to=parent, options=options, idempotency_key=key,
                created_at=now, publish_at=now,
            )  # fmt: skip
            for position, one in enumerate(media):
                Media.objects.filter(pk=one.pk).update(post=post, position=position)
            if key:
                old = IdempotencyKey.objects.filter(account=account, key=key, created_at__lte=now - KEY_KEPT)
                old.delete()
                IdempotencyKey.objects.create(account=account, key=key, post=post, created_at=now)
    except IntegrityError:
        # The same key at the same moment: the other request made the status.
        known = recall(account, key, now=now)
        if known is None:
            raise
        post = known
    return JsonResponse(render_status(request, find_status(post.native_id), now=now))


def find_parent_author(native_id: str) -> str:
    post = statuses_of_all().filter(native_id=native_id).first()
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
    post = find_status(native_id)
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
    return JsonResponse(render_status(request, find_status(native_id), now=now))


@imitate(PLATFORM, VOICE, "read")
def status_source(request: HttpRequest, visit: Visit, native_id: str) -> HttpResponse:
    """``GET /api/v1/statuses/:id/source``."""
    authenticate(request, visit, "read:statuses")
    post = find_status(native_id)
    return JsonResponse({"id": post.native_id, "text": post.text, "spoiler_text": post.options.get("spoiler_text", "")})


@imitate(PLATFORM, VOICE, "read")
def status_context(request: HttpRequest, visit: Visit, native_id: str) -> HttpResponse:
    """``GET /api/v1/statuses/:id/context``: planted comments are the descendants."""
    post = find_status(native_id)
    now = timezone.now()
    events = Event.objects.filter(post=post).select_related("account", "post")
    below = [render_notification(request, event, now=now)["status"] for event in events]
    below += [render_status(request, one, now=now) for one in statuses_of_all().filter(in_reply_to=native_id)]
    above = [render_status(request, one, now=now) for one in statuses_of_all().filter(native_id=post.in_reply_to)]
    return JsonResponse({"ancestors": above, "descendants": below})


@imitate(PLATFORM, VOICE, "media", methods="POST")
def upload_media(request: HttpRequest, visit: Visit) -> HttpResponse:
    """``POST /api/v2/media``: 200 for pictures, 202 for what is still being processed (videos, GIFs)."""
    account = authenticate(request, visit, "write:media")
    upload = request.FILES.get("file")
    if upload is None:
        raise refused(422, "Validation failed: File can't be blank")
    description = request.POST.get("description", "")
    if len(description) > MOST_DESCRIPTION:
        raise refused(422, f"Validation failed: Description is too long (maximum is {MOST_DESCRIPTION} characters)")
    content = upload.read()
    try:
        found = measure(content, most_pixels=MOST_PIXELS)
    except NotMedia as problem:
        raise refused(422, "Validation failed: File content type is invalid, File is invalid") from problem
    if not found.is_video and found.content_type not in IMAGE_TYPES:
        raise refused(422, "Validation failed: File content type is invalid, File is invalid")
    most = MOST_VIDEO_BYTES if found.is_video else MOST_IMAGE_BYTES
    if found.size_bytes > most:
        raise refused(422, f"Validation failed: File file size must be less than {most // 1024**2} MB")
    now = timezone.now()
    category = "video" if found.is_video else ("gifv" if found.frames > 1 else "image")
    media = Media(
        platform=PLATFORM, account=account, native_id=new_native_id(PLATFORM), category=category,
        content_type=found.content_type, size_bytes=found.size_bytes, width=found.width, height=found.height,
        sha256=found.sha256, thumbnail=found.thumbnail, alt_text=description,
    )  # fmt: skip
    if visit.is_hit_by("stuck"):
        media.state = Media.State.PROCESSING
    elif category != "image":
        media.state, media.ready_at = Media.State.PROCESSING, now + timedelta(seconds=2)
    media.save()
    is_ready = media.is_ready(now=now)
    return JsonResponse(render_media(request, media, now=now), status=200 if is_ready else 202)


@imitate(PLATFORM, VOICE, "media", methods="GET PUT DELETE", name="media")
def one_media(request: HttpRequest, visit: Visit, native_id: str) -> HttpResponse:
    """``GET`` (206 while it is processed), ``PUT`` (description) and ``DELETE /api/v1/media/:id``; not once attached."""
    account = authenticate(request, visit, "write:media")
    media = Media.objects.filter(account=account, native_id=native_id, post=None).first()
    if media is None:
        raise refused(404, "Record not found")
    now = timezone.now()
    if request.method == "DELETE":
        media.delete()
        return JsonResponse({})
    if request.method == "PUT":
        description = Parameters(request).text("description", media.alt_text)
        if len(description) > MOST_DESCRIPTION:
            raise refused(422, f"Validation failed: Description is too long (maximum is {MOST_DESCRIPTION} characters)")
        Media.objects.filter(pk=media.pk).update(alt_text=description)
        media.alt_text = description
    return JsonResponse(render_media(request, media, now=now), status=200 if media.is_ready(now=now) else 206)


@imitate(PLATFORM, VOICE, "read")
def verify_credentials(request: HttpRequest, visit: Visit) -> HttpResponse:
    """``GET /api/v1/accounts/verify_credentials``."""
    account = authenticate(request, visit, "read:accounts", "profile")
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
    rows = statuses_of_all().filter(account=account)
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
    shown = [render_status(request, post, now=now) for post in found]
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


def configuration() -> dict[str, Any]:
    return {
        "accounts": {"max_featured_tags": 10, "max_pinned_statuses": 5},
        "statuses": {
            "max_characters": MOST_CHARACTERS,
            "max_media_attachments": MOST_MEDIA,
            "characters_reserved_per_url": 23,
        },
        "media_attachments": {
            "supported_mime_types": [*sorted(IMAGE_TYPES), "video/mp4", "video/quicktime"],
            "description_limit": MOST_DESCRIPTION,
            "image_size_limit": MOST_IMAGE_BYTES,
            "image_matrix_limit": MOST_PIXELS,
            "video_size_limit": MOST_VIDEO_BYTES,
            "video_frame_rate_limit": 120,
            "video_matrix_limit": 8294400,
        },
        "polls": {
            "max_options": 4,
            "max_characters_per_option": 50,
            "min_expiration": 300,
            "max_expiration": 2629746,
        },
        "translation": {"enabled": False},
    }


@imitate(PLATFORM, VOICE, "read")
def instance(request: HttpRequest, visit: Visit) -> HttpResponse:
    """``GET /api/v2/instance``."""
    return JsonResponse(
        {
            "domain": base_url(request).partition("://")[2],
            "title": "Sandbox Mastodon",
            "version": "4.6.0",
            "source_url": "https://github.com/mastodon/mastodon",
            "description": "A Mastodon server for trying things out. Nothing leaves this machine.",
            "usage": {"users": {"active_month": Account.objects.filter(platform=PLATFORM).count()}},
            "thumbnail": {"url": ""},
            "languages": ["en"],
            "configuration": {**configuration(), "urls": {"streaming": ""}, "vapid": {"public_key": ""}},
            "registrations": {"enabled": False, "approval_required": False, "message": None},
            "api_versions": {"mastodon": 10},
            "contact": {"email": "", "account": None},
            "rules": [],
        }
    )


@imitate(PLATFORM, VOICE, "read")
def instance_v1(request: HttpRequest, visit: Visit) -> HttpResponse:
    """``GET /api/v1/instance``, the document of older servers."""
    return JsonResponse(
        {
            "uri": base_url(request).partition("://")[2],
            "title": "Sandbox Mastodon",
            "short_description": "A Mastodon server for trying things out.",
            "description": "",
            "email": "",
            "version": "4.6.0",
            "urls": {"streaming_api": ""},
            "languages": ["en"],
            "registrations": False,
            "configuration": configuration(),
        }
    )


@imitate(PLATFORM, VOICE, "read")
def node_info(request: HttpRequest, visit: Visit) -> HttpResponse:
    """``GET /nodeinfo/2.0``."""
    return JsonResponse(
        {
            "version": "2.0",
            "software": {"name": "mastodon", "version": "4.6.0"},
            "protocols": ["activitypub"],
            "openRegistrations": False,
            "usage": {"users": {"total": Account.objects.filter(platform=PLATFORM).count()}},
            "metadata": {},
        }
    )
