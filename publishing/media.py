"""The library of an organization's pictures: each kept once, deleted only when no post uses it."""

import errno
import hashlib
from functools import partial
from pathlib import PurePath

import structlog
from django.conf import settings
from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.audit import record_audit
from accounts.errors import PictureRefused
from accounts.ids import new_id
from accounts.models import Organization, User
from accounts.pictures.reading import COPY_SUFFIX, FORMATS, read_picture
from accounts.text import one_line
from publishing.errors import MediaInUse
from publishing.models import MediaAsset, SocialPost, SocialPostQuerySet

log = structlog.get_logger(__name__)

THUMBNAIL_SIDE = 480


def store_upload(organization: Organization, file: File, *, by: User, name: str = "") -> MediaAsset:  # type: ignore[type-arg]
    """Keep a picture for an organization; the asset it already has when this very file was uploaded before.

    JPEG, PNG, GIF and WebP, read by ``read_picture``. ``sha256`` is of the file as it came. Raises PictureRefused with a sentence that says what to do.
    """
    name = _clean_name(name or file.name or "")
    body = _read(file, name)
    digest = hashlib.sha256(body).hexdigest()
    known = MediaAsset.objects.for_organization(organization).filter(sha256=digest).first()
    if known is not None:
        return known
    picture = read_picture(body, name)
    asset = MediaAsset(
        pk=new_id(),
        organization=organization,
        name=name or f"image{picture.suffix}",
        content_type=picture.content_type,
        size_bytes=len(picture.body),
        width=picture.width,
        height=picture.height,
        is_animated=picture.is_animated,
        converted_from=picture.converted_from,
        sha256=digest,
        uploaded_by=by,
    )
    paths = {
        "file": (f"media/{asset.pk}{picture.suffix}", picture.body),
        "thumbnail": (f"media/{asset.pk}-small{COPY_SUFFIX}", picture.small(THUMBNAIL_SIDE)),
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
                raise PictureRefused(
                    _(
                        "“%(name)s” couldn't be saved because the server's disk is full. Ask your administrator to free some space."
                    )
                    % {"name": name}
                ) from error
            raise PictureRefused(
                _("“%(name)s” couldn't be saved on the server. Try again in a moment.") % {"name": name}
            ) from error
        raise
    return asset


def conversion_note(asset: MediaAsset) -> str:
    """What was done to the picture's colours when it was uploaded; "" when nothing was."""
    said = {"name": asset.name, "source": asset.converted_from}
    if not asset.converted_from:
        return ""
    if asset.converted_from == "16-bit":
        return _("“%(name)s” was converted from 16-bit to 8-bit, which is what social platforms show.") % said
    return _("“%(name)s” was converted from %(source)s to sRGB. Check its colours before you publish.") % said


def file_name(asset: MediaAsset) -> str:
    """The name under which a picture is handed out: its own, with the ending of what it is."""
    suffix = next((suffix for kind, suffix in FORMATS.values() if kind == asset.content_type), "")
    own = PurePath(one_line(asset.name))
    is_right = own.suffix.lower() == suffix or (suffix == ".jpg" and own.suffix.lower() == ".jpeg")
    return str(own) if is_right else f"{own.stem or 'image'}{suffix}"


def posts_using(asset: MediaAsset) -> SocialPostQuerySet:
    """The posts that a picture is in, the latest first, with their accounts."""
    return (
        SocialPost.objects.for_organization(asset.organization)
        .filter(attached_media__asset=asset)
        .select_related("connection")
        .distinct()
        .order_by("-created_at")
    )


def delete_asset(asset: MediaAsset, *, by: User) -> None:
    """Delete a picture that no post uses. Raises MediaInUse, which names the posts."""
    with transaction.atomic():
        posts = list(posts_using(asset))
        if posts:
            shown = "; ".join(f"“{_short(post.content)}” ({post.connection.account_name})" for post in posts[:3])
            rest = len(posts) - 3
            if rest > 0:
                shown += ngettext(" and %(count)d more", " and %(count)d more", rest) % {"count": rest}
            raise MediaInUse(
                ngettext(
                    "“%(name)s” can't be deleted: it is used in %(count)d post, %(posts)s.",
                    "“%(name)s” can't be deleted: it is used in %(count)d posts, %(posts)s.",
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
    """The last part of a path, on one line of at most 200 characters."""
    return one_line(PurePath(name.replace("\\", "/")).name, 200)


def _read(file: File, name: str) -> bytes:  # type: ignore[type-arg]
    limit = settings.MEDIA_MAX_BYTES
    size = file.size or 0
    if size > limit:
        raise PictureRefused(
            _("“%(name)s” is %(size).1f MB. The limit is %(limit)d MB: save it smaller and try again.")
            % {"name": name, "size": size / 1_000_000, "limit": limit // 1_000_000}
        )
    file.seek(0)
    body: bytes = file.read()
    if not body:
        raise PictureRefused(_("“%(name)s” is empty.") % {"name": name})
    return body
