"""Facebook: publishing on a Page, photos, comments, editing and deleting.

Source: https://developers.facebook.com/docs/pages-api/posts and .../graph-api/reference/page/photos
"""

import ipaddress
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import requests
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from sandbox.facebook.answers import (
    PLATFORM,
    VOICE,
    bad_parameter,
    error,
    is_true,
    missing_object,
    read_json_value,
    refused,
    require_page,
    require_scope,
)
from sandbox.facebook.fields import parse_fields
from sandbox.facebook.nodes import new_post_id, render_post
from sandbox.faults import Refused, Visit
from sandbox.models import Account, Event, Media, Post, Token, new_native_id
from sandbox.pictures import Measured, NotMedia, measure
from sandbox.text import is_blank

MOST_CHARACTERS = 63206
MOST_PHOTO_BYTES = 10_000_000
MOST_PIXELS = 50_000_000
MOST_PHOTOS = 10
DUPLICATE_WITHIN = timedelta(minutes=30)
WRITE = ("pages_manage_posts", "pages_read_engagement")


def check_link(link: str) -> None:
    """Refuse a link that is none (100) or that cannot be scraped (1609005: a host under .invalid)."""
    parts = urlsplit(link)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise bad_parameter("link URL is not properly formatted")
    if parts.hostname.endswith(".invalid"):
        raise refused(
            1609005,
            "Invalid parameter",
            title="Link Post Failure",
            user_message="We couldn't fetch the data from this link. Please check the link and try again.",
        )


def read_schedule(parameters: dict[str, Any], *, now: datetime) -> datetime | None:
    """When a scheduled post goes out; None when it goes out at once. 10 minutes to 30 days ahead."""
    raw = parameters.get("scheduled_publish_time")
    if raw is None:
        return None
    if is_true(parameters.get("published"), default=True):
        raise bad_parameter("You cannot specify a scheduled publish time on a published post")
    try:
        at = datetime.fromtimestamp(int(raw), tz=now.tzinfo)
    except (ValueError, OverflowError, OSError) as problem:
        raise bad_parameter("scheduled_publish_time must be a Unix time") from problem
    if not now + timedelta(minutes=10) <= at <= now + timedelta(days=30):
        raise bad_parameter("The specified scheduled publish time is invalid.")
    return at


def find_attached(parameters: dict[str, Any], page: Account) -> list[Media]:
    """The unpublished photos of ``attached_media``, in order."""
    wanted: list[Any] = []
    if "attached_media" in parameters:
        value = read_json_value(parameters, "attached_media")
        if not isinstance(value, list):
            raise bad_parameter("Param attached_media must be an array.")
        wanted = [read_json_value({"item": item}, "item") for item in value]
    while (name := f"attached_media[{len(wanted)}]") in parameters:
        wanted.append(read_json_value(parameters, name))
    found = []
    for item in wanted:
        native_id = str(item.get("media_fbid", "")) if isinstance(item, dict) else ""
        if not native_id:
            raise bad_parameter("Param attached_media must be an object with media_fbid.")
        media = Media.objects.filter(platform=PLATFORM, account=page, native_id=native_id, post=None).first()
        if media is None or media in found:
            raise bad_parameter(f"Photo {native_id} cannot be attached: it does not exist or was published already")
        found.append(media)
    if len(found) > MOST_PHOTOS:
        raise bad_parameter(f"A post takes at most {MOST_PHOTOS} photos")
    return found


def publish_feed(
    request: HttpRequest, visit: Visit, token: Token, page: Account, parameters: dict[str, Any]
) -> HttpResponse:
    """``POST /{page}/feed``."""
    require_page(token, page, task="CREATE_CONTENT", scopes=WRITE)
    now = timezone.now()
    message, link = str(parameters.get("message") or ""), str(parameters.get("link") or "")
    if len(message) > MOST_CHARACTERS:
        raise bad_parameter(f"Param message must be no longer than {MOST_CHARACTERS} characters")
    media = find_attached(parameters, page)
    if is_blank(message) and not (link or media):
        raise bad_parameter("Requires one of the params: message, link, place, or attached_media")
    if link:
        check_link(link)
    publish_at = read_schedule(parameters, now=now)
    recent = Post.objects.filter(account=page, deleted_at=None, created_at__gt=now - DUPLICATE_WITHIN)
    if not media and recent.filter(text=message, link=link, media=None).exists():
        raise Refused(VOICE.duplicate())
    options = (
        {"unpublished": True} if publish_at is None and not is_true(parameters.get("published"), default=True) else {}
    )
    with visit.taking():
        post = Post.objects.create(
            platform=PLATFORM, account=page, client_id=token.client_id, native_id=new_post_id(page), text=message, link=link,
            options=options, created_at=now, publish_at=publish_at or now, appears_at=visit.appears_at(now),
        )  # fmt: skip
        post.attach(media)
    return created(request, post, parameters)


def created(request: HttpRequest, post: Post, parameters: dict[str, Any]) -> HttpResponse:
    """The id, and the fields of a read after write."""
    body: dict[str, Any] = {"id": post.native_id}
    if parameters.get("fields"):
        body |= render_post(request, post, parse_fields(str(parameters["fields"])), now=timezone.now())
    return JsonResponse(body)


def fetch_photo(address: str) -> bytes:
    """Fetch a photo by URL, from this machine only: the sandbox never reaches into the internet."""
    host = urlsplit(address).hostname or ""
    try:
        is_local = host == "localhost" or host.endswith(".localhost") or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_local = False
    problem = refused(324, "(#324) Missing or invalid image file", subcode=2069019, transient=True)
    if not is_local:
        raise problem
    try:
        with requests.get(address, timeout=10, stream=True, allow_redirects=False) as answer:
            if answer.status_code != 200:
                raise problem
            return answer.raw.read(MOST_PHOTO_BYTES + 1, decode_content=True)
    except (requests.RequestException, OSError) as failure:
        raise problem from failure


def check_photo(content: bytes) -> Measured:
    try:
        found = measure(content, most_pixels=MOST_PIXELS)
    except NotMedia as problem:
        raise refused(324, "(#324) Missing or invalid image file", subcode=2069019, transient=True) from problem
    if found.is_video:
        raise refused(
            1,
            "Invalid image",
            subcode=1366046,
            user_message="Your photos couldn't be uploaded. Photos should be "
            "less than 4 MB and saved as JPG, PNG, GIF, TIFF, HEIF or WebP files.",
        )
    if found.size_bytes > MOST_PHOTO_BYTES:
        raise refused(
            1,
            "Invalid image",
            subcode=1366046,
            user_message="Your photos couldn't be uploaded. Photos should be "
            "less than 4 MB and saved as JPG, PNG, GIF, TIFF, HEIF or WebP files.",
        )
    return found


def publish_photo(
    request: HttpRequest, visit: Visit, token: Token, page: Account, parameters: dict[str, Any]
) -> HttpResponse:
    """``POST /{page}/photos``: a post with one photo, or with ``published=false`` a photo for attached_media."""
    require_page(token, page, task="CREATE_CONTENT", scopes=WRITE)
    upload = request.FILES.get("source")
    if upload is not None:
        content = upload.read()
    elif parameters.get("url"):
        content = fetch_photo(str(parameters["url"]))
    else:
        raise refused(324, "(#324) Requires upload file")
    found = check_photo(content)
    caption = str(parameters.get("caption") or parameters.get("message") or "")
    if len(caption) > MOST_CHARACTERS:
        raise bad_parameter(f"Param caption must be no longer than {MOST_CHARACTERS} characters")
    now = timezone.now()
    is_published = is_true(parameters.get("published"), default=True)
    with visit.taking():
        post = None
        if is_published:
            post = Post.objects.create(
                platform=PLATFORM, account=page, client_id=token.client_id, native_id=new_post_id(page), text=caption,
                created_at=now, publish_at=now, appears_at=visit.appears_at(now),
            )  # fmt: skip
        media = Media.objects.create(
            platform=PLATFORM, account=page, native_id=new_native_id(PLATFORM), category="photo",
            content_type=found.content_type, size_bytes=found.size_bytes, width=found.width, height=found.height,
            sha256=found.sha256, thumbnail=found.thumbnail, caption=caption, post=post,
            alt_text=str(parameters.get("alt_text_custom") or ""),
        )  # fmt: skip
    body = {"id": media.native_id}
    if post is not None:
        body["post_id"] = post.native_id
    return JsonResponse(body)


def comment(token: Token, post: Post, parameters: dict[str, Any]) -> HttpResponse:
    """``POST /{post}/comments`` as the Page (a first comment, or a reply)."""
    require_page(token, post.account, task="MODERATE", scopes=("pages_manage_engagement",))
    message = str(parameters.get("message") or "")
    if is_blank(message):
        raise bad_parameter("Requires one of the params: message, attachment_id, attachment_url")
    number = new_native_id(PLATFORM)
    event = Event.objects.create(
        platform=PLATFORM, kind=Event.Kind.COMMENT, account=post.account, post=post, by_client=True, text=message,
        native_id=f"{post.native_id.partition('_')[2]}_{number}", author_id=post.account.native_id,
        author_name=post.account.name, author_username=post.account.username,
    )  # fmt: skip
    return JsonResponse({"id": event.native_id})


def edit_post(token: Token, post: Post, parameters: dict[str, Any]) -> HttpResponse:
    """``POST /{post}``: a new message, or publishing at once what was scheduled; only posts of the same application."""
    require_page(token, post.account, task="CREATE_CONTENT", scopes=WRITE)
    if post.client_id != token.client_id:
        raise refused(200, "(#200) You can only edit posts that were made by your application", status=403)
    changes: dict[str, Any] = {}
    if "message" in parameters:
        changes["text"] = str(parameters["message"])
    if is_true(parameters.get("is_published"), default=False):
        changes |= {"publish_at": min(post.publish_at, timezone.now()), "options": {}}
    if not changes:
        raise bad_parameter("Requires one of the params: message, is_published")
    Post.objects.filter(pk=post.pk).update(**changes, edited_at=timezone.now())
    return JsonResponse({"success": True})


def delete_object(request: HttpRequest, token: Token, native_id: str) -> HttpResponse:
    """``DELETE`` of a post, an unpublished photo or a comment of the Page whose token it is."""
    now = timezone.now()
    post = (
        Post.objects.filter(platform=PLATFORM, native_id=native_id, deleted_at=None).select_related("account").first()
    )
    if post is not None and post.account_id == token.account_id:
        require_page(token, post.account, task="CREATE_CONTENT", scopes=WRITE)
        Post.objects.filter(pk=post.pk, deleted_at=None).update(deleted_at=now)
        return JsonResponse({"success": True})
    media = Media.objects.filter(platform=PLATFORM, native_id=native_id, post=None, account=token.account)
    event = Event.objects.filter(platform=PLATFORM, native_id=native_id, account=token.account)
    if event.exists():
        require_scope(token, "pages_manage_engagement")
    if media.exists() or event.exists():
        media.delete()
        event.delete()
        return JsonResponse({"success": True})
    raise missing_object(native_id, "DELETE")


def delete_permissions(token: Token, native_id: str, name: str) -> HttpResponse:
    """``DELETE /{user}/permissions``: every token of the consent dies; with a name only that permission goes."""
    grant = token.grant
    if grant is None or native_id not in {"me", grant.account.native_id}:
        raise missing_object(native_id, "DELETE")
    if not name:
        grant.revoke(now=timezone.now())
        return JsonResponse({"success": True})
    if name not in grant.scopes:
        return error(100, f"(#100) The permission {name} was not granted")
    grant.scopes = [scope for scope in grant.scopes if scope != name]
    grant.declined = [*grant.declined, name]
    grant.save(update_fields=["scopes", "declined"])
    for one in grant.token_set.all():
        Token.objects.filter(pk=one.pk).update(scopes=[scope for scope in one.scopes if scope != name])
    return JsonResponse({"success": True})
