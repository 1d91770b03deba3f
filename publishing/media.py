"""Pictures that people upload: judged by what they are rather than by their name, freed of their place, kept once."""

import errno
import hashlib
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import PurePath

import structlog
from django.conf import settings
from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from PIL import Image, ImageOps, UnidentifiedImageError

from accounts.audit import record_audit
from accounts.ids import new_id
from accounts.models import Organization, User
from publishing.errors import MediaInUse, MediaRefused
from publishing.models import MediaAsset, SocialPost

log = structlog.get_logger(__name__)

MAX_SIDE = 10_000
"""Pixels. No platform takes more, and the header alone tells."""
MAX_PIXELS = 50_000_000
THUMBNAIL_SIDE = 480
THUMBNAIL_TYPE = "image/webp"
FORMATS = {
    "JPEG": ("image/jpeg", ".jpg"),
    "PNG": ("image/png", ".png"),
    "GIF": ("image/gif", ".gif"),
    "WEBP": ("image/webp", ".webp"),
}
_ORIENTATION = 0x0112  # Exif tag; 1 is upright
_PNG_METADATA = frozenset({b"eXIf", b"tEXt", b"zTXt", b"iTXt", b"tIME"})
_WEBP_METADATA = frozenset({b"EXIF", b"XMP "})
_WEBP_METADATA_FLAGS = 0x0C  # Exif and XMP in the VP8X chunk: WebP container specification, "Extended file format"


@dataclass(frozen=True)
class _Picture:
    """A picture that was decoded in full: its bytes as they will be kept, and a small copy of it."""

    body: bytes
    content_type: str
    suffix: str
    width: int
    height: int
    thumbnail: bytes


def store_upload(organization: Organization, file: File, *, by: User, name: str = "") -> MediaAsset:  # type: ignore[type-arg]
    """Keep a picture for an organization; the asset it already has when this very file was uploaded before.

    JPEG, PNG, GIF and WebP, recognised by content. Turned upright, without Exif, XMP and comments; the colour profile
    stays. ``sha256`` is of the file as it came. Raises MediaRefused with a sentence that says what to do.
    """
    name = _clean_name(name or file.name or "")
    body = _read(file, name)
    digest = hashlib.sha256(body).hexdigest()
    known = MediaAsset.objects.for_organization(organization).filter(sha256=digest).first()
    if known is not None:
        return known
    picture = _decode(body, name)
    asset = MediaAsset(
        pk=new_id(),
        organization=organization,
        name=name or f"picture{picture.suffix}",
        content_type=picture.content_type,
        size_bytes=len(picture.body),
        width=picture.width,
        height=picture.height,
        sha256=digest,
        uploaded_by=by,
    )
    paths = {
        "file": (f"media/{asset.pk}{picture.suffix}", picture.body),
        "thumbnail": (f"media/{asset.pk}-small.webp", picture.thumbnail),
    }
    try:
        for field, (path, content) in paths.items():
            setattr(asset, field, default_storage.save(path, ContentFile(content)))
        with transaction.atomic():
            asset.save(force_insert=True)
            record_audit("media.uploaded", asset, by=by)
    except BaseException as error:
        for path, _content in paths.values():
            _remove(path)
        if isinstance(error, OSError):
            log.error("upload not stored", organization=str(organization.pk), errno=error.errno, size_bytes=len(body))
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise MediaRefused(
                    _(
                        "“%(name)s” could not be stored: the server's disk is full. Nothing was kept; tell your operator."
                    )
                    % {"name": name}
                ) from error
            raise MediaRefused(
                _("“%(name)s” could not be stored on the server. Nothing was kept; try again in a moment.")
                % {"name": name}
            ) from error
        raise
    return asset


def delete_asset(asset: MediaAsset, *, by: User) -> None:
    """Delete a picture that no post uses. Raises MediaInUse, which names the posts."""
    with transaction.atomic():
        posts = list(
            SocialPost.objects.filter(attached_media__asset=asset)
            .select_related("connection")
            .distinct()
            .order_by("-created_at")
        )
        if posts:
            shown = "; ".join(f"“{_short(post.content)}” ({post.connection.account_name})" for post in posts[:3])
            rest = len(posts) - 3
            if rest > 0:
                shown += ngettext(" and %(count)d more", " and %(count)d more", rest) % {"count": rest}
            raise MediaInUse(
                ngettext(
                    "“%(name)s” is used in %(count)d post and stays: %(posts)s.",
                    "“%(name)s” is used in %(count)d posts and stays: %(posts)s.",
                    len(posts),
                )
                % {"name": asset.name, "count": len(posts), "posts": shown}
            )
        paths = [field.name or "" for field in (asset.file, asset.thumbnail) if field]
        record_audit("media.deleted", asset, by=by)
        asset.delete()
        for path in paths:
            transaction.on_commit(partial(_remove, path), robust=True)


def describe_asset(asset: MediaAsset, alt_text: str, *, by: User) -> MediaAsset:
    """Set the alternative text that new posts start with; posts keep the one they have."""
    before, asset.alt_text = asset.alt_text, alt_text.strip()
    if before != asset.alt_text:
        with transaction.atomic():
            asset.save(update_fields=["alt_text"])
            record_audit("media.described", asset, by=by, changes={"alt_text": [before, asset.alt_text]})
    return asset


def _short(text: str) -> str:
    first = text.strip().split("\n")[0]
    return first if len(first) <= 40 else first[:39].rstrip() + "…"


def _remove(path: str) -> None:
    try:
        default_storage.delete(path)
    except OSError as error:
        log.warning("file not removed", path=path, errno=error.errno)


def _clean_name(name: str) -> str:
    """The last part of a path, without what cannot be printed, at most 200 characters."""
    last = PurePath(name.replace("\\", "/")).name
    return "".join(character for character in last if character.isprintable()).strip()[:200]


def _read(file: File, name: str) -> bytes:  # type: ignore[type-arg]
    limit = settings.MEDIA_MAX_BYTES
    size = file.size or 0
    if size > limit:
        raise MediaRefused(
            _("“%(name)s” has %(size).1f MB; at most %(limit)d MB are taken. Save it smaller and try again.")
            % {"name": name, "size": size / 1_000_000, "limit": limit // 1_000_000}
        )
    file.seek(0)
    body: bytes = file.read()
    if not body:
        raise MediaRefused(_("“%(name)s” is empty.") % {"name": name})
    return body


# --- judging ----------------------------------------------------------------------------------------------------------


def _decode(body: bytes, name: str) -> _Picture:
    """Decode in full. The header is asked first: a bomb is refused before its pixels exist."""
    try:
        with Image.open(BytesIO(body), formats=list(FORMATS)) as header:
            _refuse_bomb(header.width, header.height, name)
            header.verify()
        with Image.open(BytesIO(body), formats=list(FORMATS)) as image:
            image.load()
            return _prepare(image, body)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise MediaRefused(_bomb_sentence(name)) from error
    except UnidentifiedImageError as error:
        raise MediaRefused(_what_it_is(body, name)) from error
    except (OSError, SyntaxError, ValueError, IndexError, struct.error, EOFError) as error:
        # What Pillow's decoders raise for a broken file.
        raise MediaRefused(
            _("“%(name)s” is damaged: it cannot be opened as a picture. Export it again.") % {"name": name}
        ) from error


def _refuse_bomb(width: int, height: int, name: str) -> None:
    if width > MAX_SIDE or height > MAX_SIDE or width * height > MAX_PIXELS:
        raise MediaRefused(
            _(
                "“%(name)s” measures %(width)s × %(height)s pixels, which is too much to open: at most %(side)s on a side and %(mega)d megapixels."
            )
            % {
                "name": name,
                "width": f"{width:,}",
                "height": f"{height:,}",
                "side": f"{MAX_SIDE:,}",
                "mega": MAX_PIXELS // 1_000_000,
            }
        )


def _bomb_sentence(name: str) -> str:
    return _("“%(name)s” has far too many pixels to open: at most %(side)s on a side and %(mega)d megapixels.") % {
        "name": name, "side": f"{MAX_SIDE:,}", "mega": MAX_PIXELS // 1_000_000,
    }  # fmt: skip


_Test = Callable[[bytes], bool]
_KNOWN: tuple[tuple[_Test, str], ...] = (
    (lambda b: b[4:8] == b"ftyp" and b[8:12] in {b"heic", b"heix", b"hevc", b"heim", b"mif1", b"msf1"}, "HEIC"),
    (lambda b: b[4:8] == b"ftyp" and b[8:12] in {b"avif", b"avis"}, "AVIF"),
    (lambda b: b[4:8] == b"ftyp" or b[:4] == b"\x1aE\xdf\xa3", "video"),
    (lambda b: b[:5] == b"%PDF-", "PDF"),
    (lambda b: b[:4] in {b"II*\x00", b"MM\x00*"}, "TIFF"),
    (lambda b: b[:2] == b"BM", "BMP"),
    (lambda b: b"<svg" in b[:1000].lower(), "SVG"),
)


def _what_it_is(body: bytes, name: str) -> str:
    """Why a file is no picture that we take, and what to do about it."""
    kind = next((kind for test, kind in _KNOWN if test(body)), "")
    match kind:
        case "HEIC":
            return _(
                "“%(name)s” is a HEIC picture, which the platforms do not take. Export it as JPEG; on an iPhone choose "
                "Settings, Camera, Formats, Most compatible."
            ) % {"name": name}
        case "video":
            return _("“%(name)s” is a video. Only pictures can be added here: JPEG, PNG, GIF or WebP.") % {"name": name}
        case "":
            return _("“%(name)s” is not a picture, whatever its name says. JPEG, PNG, GIF and WebP are taken.") % {
                "name": name
            }
        case _other:
            return _("“%(name)s” is a %(kind)s file. Export it as JPEG, PNG, GIF or WebP.") % {
                "name": name,
                "kind": kind,
            }


# --- cleaning ---------------------------------------------------------------------------------------------------------


def _prepare(image: Image.Image, body: bytes) -> _Picture:
    """Upright and without metadata. A picture that has neither is kept byte for byte."""
    form = "JPEG" if image.format == "MPO" else str(image.format)
    content_type, suffix = FORMATS[form]
    frames = getattr(image, "n_frames", 1) if image.format != "MPO" else 1
    upright = ImageOps.exif_transpose(image) if frames == 1 else image
    turned = frames == 1 and image.getexif().get(_ORIENTATION, 1) != 1
    if turned or image.format == "MPO":
        body = _encode(upright, form, image.info.get("icc_profile"))
    elif form == "JPEG" and _has_metadata(image):
        body = _encode(image, form, image.info.get("icc_profile"), quality="keep")
    elif form == "PNG":
        body = _without_png_metadata(body)
    elif form == "WEBP":
        body = _without_webp_metadata(body)
    return _Picture(body, content_type, suffix, upright.width, upright.height, _thumbnail(upright))


def _has_metadata(image: Image.Image) -> bool:
    """Exif, XMP, IPTC or a comment; a JFIF header and a colour profile are none."""
    segments = {name for name, _content in getattr(image, "applist", [])}
    return (
        bool(image.getexif())
        or bool({"exif", "xmp", "comment", "photoshop"} & set(image.info))
        or bool(segments & {"APP1", "APP13", "COM"})
    )


def _encode(image: Image.Image, form: str, profile: bytes | None, *, quality: int | str = 93) -> bytes:
    stream = BytesIO()
    options: dict[str, object] = {"icc_profile": profile} if profile else {}
    if form == "JPEG":
        options |= {"quality": quality, "comment": b"", "exif": b""}
    elif form == "WEBP":
        options |= {"quality": quality, "exif": b"", "xmp": b""}
    image.save(stream, form, **options)
    return stream.getvalue()


def _without_png_metadata(body: bytes) -> bytes:
    """The same PNG without its text, time and Exif chunks; pixels and animation untouched."""
    kept, position = [body[:8]], 8
    while position + 12 <= len(body):
        length = int.from_bytes(body[position : position + 4])
        end = position + 12 + length
        kind = body[position + 4 : position + 8]
        if kind not in _PNG_METADATA:
            kept.append(body[position:end])
        if kind == b"IEND":
            break
        position = end
    return b"".join(kept)


def _without_webp_metadata(body: bytes) -> bytes:
    """The same WebP without its Exif and XMP chunks; pixels and animation untouched."""
    kept, position = b"", 12
    while position + 8 <= len(body):
        kind = body[position : position + 4]
        length = int.from_bytes(body[position + 4 : position + 8], "little")
        end = position + 8 + length + length % 2
        chunk = body[position:end]
        if kind == b"VP8X":
            chunk = chunk[:8] + bytes([chunk[8] & ~_WEBP_METADATA_FLAGS]) + chunk[9:]
        if kind not in _WEBP_METADATA:
            kept += chunk
        position = end
    return b"RIFF" + (len(kept) + 4).to_bytes(4, "little") + b"WEBP" + kept


def _thumbnail(image: Image.Image) -> bytes:
    small = image.copy()
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    opaque = small.mode in {"RGB", "L", "CMYK", "YCbCr", "I;16", "I", "F"} and "transparency" not in small.info
    stream = BytesIO()
    small.convert("RGB" if opaque else "RGBA").save(stream, "WEBP", quality=80)
    return stream.getvalue()
