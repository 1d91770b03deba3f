"""Mastodon: uploading pictures and videos. Source: https://docs.joinmastodon.org/methods/media/"""

from datetime import timedelta

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from sandbox.faults import Visit, imitate
from sandbox.mastodon.answers import PLATFORM, VOICE, Parameters, authenticate, refused
from sandbox.mastodon.entities import render_media
from sandbox.models import Media, new_native_id
from sandbox.pictures import NotMedia, measure

MOST_DESCRIPTION = 1500
MOST_IMAGE_BYTES = 16777216
MOST_VIDEO_BYTES = 103809024
MOST_PIXELS = 33177600
MOST_GIF_PIXELS = 921600
IMAGE_TYPES = {"image/jpeg", "image/png", "image/gif", "image/webp"}


@imitate(PLATFORM, VOICE, "media", methods="POST", uploads=True)
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
    if found.content_type == "image/gif" and found.width * found.height > MOST_GIF_PIXELS:
        raise refused(422, f"{found.width}x{found.height} GIF files are not supported")
    now = timezone.now()
    moves = found.content_type == "image/gif" and found.frames > 1  # of a PNG or WebP the first frame is kept
    category = "video" if found.is_video else ("gifv" if moves else "image")
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
