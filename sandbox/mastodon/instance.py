"""Mastodon: what a server says of itself. Source: https://docs.joinmastodon.org/methods/instance/"""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from sandbox.faults import Visit, imitate
from sandbox.mastodon.answers import PLATFORM, VOICE, base_url, server_of
from sandbox.mastodon.media import IMAGE_TYPES, MOST_DESCRIPTION, MOST_IMAGE_BYTES, MOST_PIXELS, MOST_VIDEO_BYTES
from sandbox.mastodon.statuses import MOST_CHARACTERS, MOST_MEDIA
from sandbox.models import Account


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
            "version": server_of(request).version,
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
            "version": server_of(request).version,
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
            "software": {"name": server_of(request).mount, "version": server_of(request).version.rpartition("/")[2]},
            "protocols": ["activitypub"],
            "openRegistrations": False,
            "usage": {"users": {"total": Account.objects.filter(platform=PLATFORM).count()}},
            "metadata": {},
        }
    )
