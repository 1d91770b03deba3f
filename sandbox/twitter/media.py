"""X: media upload v2, one shot and in chunks, and alt text. Source: https://docs.x.com/x-api/media/introduction"""

import base64
import binascii
from datetime import datetime, timedelta
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from sandbox.faults import Visit, imitate
from sandbox.models import Media, MediaChunk, new_native_id
from sandbox.pictures import Measured, NotMedia, measure
from sandbox.twitter.answers import PLATFORM, VOICE, authenticate, invalid, problem, read_json, refuse_unknown
from sandbox.twitter.posts import ID, check_id, owner_of
from sandbox.twitter.render import media_key

CATEGORIES = {"tweet_image", "tweet_video", "tweet_gif", "dm_image", "dm_video", "dm_gif", "subtitles"}
TYPES = {
    "video/mp4", "video/webm", "video/mp2t", "video/quicktime", "text/srt", "text/vtt", "image/jpeg", "image/gif",
    "image/bmp", "image/png", "image/webp", "image/pjpeg", "image/tiff", "model/gltf-binary", "model/vnd.usdz+zip",
}  # fmt: skip
EXPIRES_S = 86400
SIDE_LEAST, SIDE_MOST = 4, 8192
MOST_BYTES = {"image": 5_000_000, "gif": 15_000_000, "video": 512_000_000}
CHUNK_BYTES = 5 * 1024 * 1024
GIF_WIDTH, GIF_HEIGHT, GIF_FRAMES, GIF_PIXELS = 1280, 1080, 350, 300_000_000


def check_file(content: bytes, category: str) -> Measured:
    """Decode an upload; refuses with 400 what is no media, too large, or not what the category says."""
    try:
        found = measure(content, most_pixels=SIDE_MOST**2)
    except NotMedia as error:
        raise invalid("media type unrecognized.", {"media": []}) from error
    kind = category.rpartition("_")[2]
    sides = (found.width, found.height)
    if not found.is_video and (min(sides) < SIDE_LEAST or max(sides) > SIDE_MOST):
        raise invalid(f"Image dimensions must be >= {SIDE_LEAST}x{SIDE_LEAST} and <= {SIDE_MOST}x{SIDE_MOST}")
    if found.is_video != (kind == "video") or (kind == "gif" and found.content_type != "image/gif"):
        raise invalid(f"The media type {found.content_type} is not allowed for the media category {category}.")
    if len(content) > MOST_BYTES.get(kind, MOST_BYTES["image"]):
        raise invalid(f"File size exceeds {MOST_BYTES.get(kind, MOST_BYTES['image'])} bytes.")
    if kind == "gif" and (
        found.width > GIF_WIDTH
        or found.height > GIF_HEIGHT
        or found.frames > GIF_FRAMES
        or found.width * found.height * found.frames > GIF_PIXELS
    ):
        raise invalid(
            f"Animated GIFs are at most {GIF_WIDTH} x {GIF_HEIGHT} pixels, {GIF_FRAMES} frames and {GIF_PIXELS} pixels over all."
        )
    if kind == "image" and found.content_type not in {"image/jpeg", "image/png", "image/gif", "image/webp"}:
        raise invalid(f"The media type {found.content_type} is not supported.")
    return found


def store_measures(media: Media, found: Measured) -> None:
    media.content_type = found.content_type
    media.size_bytes = found.size_bytes
    media.width, media.height = found.width, found.height
    media.sha256, media.thumbnail = found.sha256, found.thumbnail


def describe(media: Media, visit: Visit, *, now: datetime) -> dict[str, Any]:
    """The data object of an upload; without processing_info it may be used at once."""
    left = int((media.expires_at - now).total_seconds()) if media.expires_at else EXPIRES_S
    body: dict[str, Any] = {
        "id": media.native_id,
        "media_key": media_key(media),
        "expires_after_secs": max(left, 0),
        "size": media.size_bytes,
    }
    if media.width:
        body["image"] = {"w": media.width, "h": media.height, "image_type": media.content_type}
    if media.state == Media.State.FAILED:
        error = {"code": 1, "name": "InvalidMedia", "message": "InvalidMedia"}
        body["processing_info"] = {"state": "failed", "progress_percent": 0, "error": error}
    elif not media.is_ready(now=now):
        body["processing_info"] = {"state": "in_progress", "check_after_secs": 1, "progress_percent": 40}
    elif media.category in {"tweet_video", "tweet_gif"}:
        body["processing_info"] = {"state": "succeeded", "progress_percent": 100}
    return body


def read_upload(request: HttpRequest, known: set[str]) -> tuple[bytes, dict[str, Any]]:
    """The bytes and the other fields of a multipart or JSON (base64) upload."""
    if request.content_type == "multipart/form-data":
        refuse_unknown({**request.POST.dict(), **request.FILES.dict()}, known)
        upload = request.FILES.get("media")
        if not isinstance(upload, UploadedFile):
            raise invalid("[$.media: is missing but it is required]")
        return upload.read(), dict(request.POST.items())
    body = read_json(request)
    refuse_unknown(body, known)
    try:
        return base64.b64decode(str(body.get("media", "")), validate=True), body
    except binascii.Error as error:
        raise invalid("[$.media: is not valid base64]") from error


def find_upload(request: HttpRequest, visit: Visit, native_id: str) -> Media:
    """The caller's own upload; refuses with 400 what is not."""
    token = authenticate(request, visit, "media.write")
    check_id(native_id)
    media = Media.objects.filter(platform=PLATFORM, account=owner_of(token), native_id=native_id).first()
    if media is None:
        raise invalid("Your media IDs are invalid.", {"id": [native_id]})
    return media


@imitate(PLATFORM, VOICE, "media", methods="GET POST", name="upload", uploads=True)
def upload(request: HttpRequest, visit: Visit) -> HttpResponse:
    """``POST /2/media/upload`` (one shot) and ``GET ...?command=STATUS&media_id=``."""
    now = timezone.now()
    if request.method == "GET":
        visit.endpoint = "upload_status"
        if request.GET.get("command", "STATUS") != "STATUS":
            raise invalid("The `command` query parameter value is not one of [STATUS]")
        media = find_upload(request, visit, request.GET.get("media_id", ""))
        return JsonResponse({"data": describe(media, visit, now=now)})
    token = authenticate(request, visit, "media.write")
    content, fields = read_upload(request, {"media", "media_category", "additional_owners"})
    category = fields.get("media_category", "")
    if category not in CATEGORIES:
        raise invalid("[$.media_category: does not have a value in the enumeration]", {"media_category": [category]})
    media = Media(
        platform=PLATFORM, account=owner_of(token), native_id=new_native_id(PLATFORM), category=category,
        expires_at=now + timedelta(seconds=EXPIRES_S),
    )  # fmt: skip
    store_measures(media, check_file(content, category))
    if visit.is_hit_by("stuck"):
        media.state = Media.State.PROCESSING
    media.save()
    return JsonResponse({"data": describe(media, visit, now=now)})


@imitate(PLATFORM, VOICE, "media", methods="POST", name="initialize")
def initialize(request: HttpRequest, visit: Visit) -> HttpResponse:
    """``POST /2/media/upload/initialize``."""
    token = authenticate(request, visit, "media.write")
    body = read_json(request)
    refuse_unknown(body, {"additional_owners", "media_category", "media_type", "shared", "total_bytes"})
    total = body.get("total_bytes")
    if body.get("media_type") not in TYPES:
        raise invalid("[$.media_type: does not have a value in the enumeration]")
    if body.get("media_category") not in CATEGORIES | {"amplify_video"}:
        raise invalid("[$.media_category: does not have a value in the enumeration]")
    if not isinstance(total, int) or isinstance(total, bool) or not 0 < total <= 17179869184:
        raise invalid("[$.total_bytes: must have a minimum value of 0 and a maximum of 17179869184]")
    now = timezone.now()
    media = Media.objects.create(
        platform=PLATFORM, account=owner_of(token), native_id=new_native_id(PLATFORM),
        category=body["media_category"], content_type=body["media_type"], size_bytes=total,
        state=Media.State.UPLOADING, expires_at=now + timedelta(seconds=EXPIRES_S),
    )  # fmt: skip
    data = {"id": media.native_id, "media_key": media_key(media), "expires_after_secs": EXPIRES_S}
    return JsonResponse({"data": data})


@imitate(PLATFORM, VOICE, "media", methods="POST", name="append")
def append(request: HttpRequest, visit: Visit, native_id: str) -> HttpResponse:
    """``POST /2/media/upload/:id/append``: one segment, in any order, each once."""
    media = find_upload(request, visit, native_id)
    content, fields = read_upload(request, {"media", "segment_index"})
    raw = str(fields.get("segment_index", ""))
    if not raw.isdecimal() or int(raw) > 999:
        raise invalid("[$.segment_index: must be between 0 and 999]", {"segment_index": [raw]})
    if media.state != Media.State.UPLOADING:
        raise invalid("The upload has been finalized already.")
    if len(content) > CHUNK_BYTES:
        return problem(413, "Payload Too Large", "The segment is larger than 5 MB.", "invalid-request")
    try:
        with transaction.atomic():
            MediaChunk.objects.create(media=media, segment_index=int(raw), content=content)
    except IntegrityError as error:
        raise invalid(f"Segment {raw} was uploaded already.") from error
    expires_at = int(media.expires_at.timestamp()) if media.expires_at else 0
    return JsonResponse({"data": {"expires_at": expires_at}})


@imitate(PLATFORM, VOICE, "media", methods="POST", name="finalize", uploads=True)
def finalize(request: HttpRequest, visit: Visit, native_id: str) -> HttpResponse:
    """``POST /2/media/upload/:id/finalize``: videos and GIFs are ready two seconds later."""
    media = find_upload(request, visit, native_id)
    now = timezone.now()
    if media.state == Media.State.UPLOADING:
        chunks = list(media.chunks.all())
        content = b"".join(bytes(chunk.content) for chunk in chunks)
        if [chunk.segment_index for chunk in chunks] != list(range(len(chunks))) or len(content) != media.size_bytes:
            raise invalid("Segments do not add up to provided total file size.")
        store_measures(media, check_file(content, media.category))
        is_slow = media.category.endswith(("video", "gif")) or visit.is_hit_by("stuck")
        media.state = Media.State.PROCESSING if is_slow else Media.State.READY
        if is_slow and not visit.is_hit_by("stuck"):
            media.ready_at = now + timedelta(seconds=2)
        media.save()
        media.chunks.all().delete()
    return JsonResponse({"data": describe(media, visit, now=now)})


@imitate(PLATFORM, VOICE, "media", methods="POST", name="metadata")
def metadata(request: HttpRequest, visit: Visit) -> HttpResponse:
    """``POST /2/media/metadata``: alt text of up to 1,000 characters."""
    authenticate(request, visit, "media.write")
    body = read_json(request)
    native_id = body.get("id")
    if not isinstance(native_id, str) or not ID.fullmatch(native_id):
        raise invalid("[$.id: does not match the regex pattern ^[0-9]{1,19}$]")
    extra = body.get("metadata", {})
    alt_text = extra.get("alt_text") if isinstance(extra, dict) else None
    if not isinstance(alt_text, dict) or not isinstance(alt_text.get("text"), str):
        raise invalid("[$.metadata.alt_text.text: is missing but it is required]")
    if len(alt_text["text"]) > 1000:
        raise invalid("[$.metadata.alt_text.text: may only be 1000 characters long]")
    changed = Media.objects.filter(platform=PLATFORM, account=visit.account, native_id=native_id)
    if changed.update(alt_text=alt_text["text"]) != 1:
        raise invalid("Your media IDs are invalid.", {"id": [native_id]})
    data = {"id": native_id, "associated_metadata": {"alt_text": {"text": alt_text["text"]}}}
    return JsonResponse({"data": data})
