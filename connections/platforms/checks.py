"""What every platform would refuse in a draft, found before it is sent; a platform adds its own rules after these."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from connections.links import why_not_openable
from connections.platforms.base import Can, Draft, DraftMedia, Limits, Platform, Problem
from connections.platforms.text import is_blank

FORMAT_NAMES = {
    "image/jpeg": "JPEG", "image/png": "PNG", "image/gif": "GIF", "image/webp": "WebP", "image/bmp": "BMP",
    "image/tiff": "TIFF", "image/heic": "HEIC", "image/heif": "HEIF", "image/avif": "AVIF",
}  # fmt: skip


def common_problems(cls: type[Platform], draft: Draft, limits: Limits) -> list[Problem]:
    """The problems of a draft by the platform's declared limits, in the order of the composer's fields."""
    return [
        *text_problems(cls, draft, limits),
        *link_problems(cls, draft),
        *media_problems(cls, draft, limits),
        *comment_problems(cls, draft, limits),
    ]


def text_problems(cls: type[Platform], draft: Draft, limits: Limits) -> Iterator[Problem]:
    text = cls.compose_text(draft)
    if is_blank(text) and not draft.media and not draft.link_url:
        yield Problem("empty", _("Write something or add an image."))
    over = cls.count(text, limits) - limits.characters
    if over > 0:
        yield Problem("too_long", _too_long(over, limits.characters))


def link_problems(cls: type[Platform], draft: Draft) -> Iterator[Problem]:
    if not draft.link_url:
        return
    if refusal := why_not_openable(draft.link_url):
        yield Problem("link_invalid", refusal, field="link_url")
    elif Can.PUBLISH_LINK not in cls.capabilities:
        yield Problem("link_unsupported", _("Links can't be added here."), field="link_url")


def media_problems(cls: type[Platform], draft: Draft, limits: Limits) -> Iterator[Problem]:
    if not draft.media:
        return
    if Can.PUBLISH_IMAGE not in cls.capabilities or not limits.images:
        yield Problem("images_unsupported", _("Images can't be added here."), field="media")
        return
    if len(draft.media) > limits.images:
        message = ngettext("At most one image can be added.", "At most %(most)d images can be added.", limits.images)
        yield Problem("too_many_images", message % {"most": limits.images}, field="media")
    for number, media in enumerate(draft.media, start=1):
        yield from _image_problems(media, number, limits)
    missing = [number for number, media in enumerate(draft.media, start=1) if is_blank(media.alt_text)]
    if missing:
        message = ngettext("Image %(numbers)s has no alt text.", "Images %(numbers)s have no alt text.", len(missing))
        *before, last = (str(number) for number in missing)
        numbers = _("%(before)s and %(last)s") % {"before": ", ".join(before), "last": last} if before else last
        yield Problem("alt_text_missing", message % {"numbers": numbers}, field="media", blocking=False)


def _image_problems(media: DraftMedia, number: int, limits: Limits) -> Iterator[Problem]:
    def problem(code: str, message: str, *, blocking: bool = True, **said: object) -> Problem:
        return Problem(code, message % {"number": number, **said}, field="media", blocking=blocking)

    if media.content_type not in limits.image_formats:
        known = sorted(FORMAT_NAMES.get(kind, kind) for kind in limits.image_formats)
        given = FORMAT_NAMES.get(media.content_type, media.content_type or _("of an unknown kind"))
        message = _("Image %(number)d is %(given)s. Accepted here: %(known)s.")
        yield problem("image_format", message, given=given, known=", ".join(known))
    elif media.is_animated and media.content_type not in limits.animated_formats:
        message = _("Image %(number)d is animated and will appear as a still image.")
        yield problem("stands_still", message, blocking=False)
    if media.size_bytes > limits.image_bytes:
        message = _("Image %(number)d is %(size)s. The limit here is %(most)s.")
        size, most = format_size(media.size_bytes), format_size(limits.image_bytes)
        yield problem("image_too_large", message, size=size, most=most)
    yield from _shape_problems(media, number, limits)
    over = len(media.alt_text) - limits.alt_text_characters
    if over > 0:
        message = ngettext(
            "The alt text of image %(number)d is %(over)d character over the limit of %(most)d.",
            "The alt text of image %(number)d is %(over)d characters over the limit of %(most)d.",
            over,
        )
        yield problem("alt_text_too_long", message, over=over, most=limits.alt_text_characters)


def _shape_problems(media: DraftMedia, number: int, limits: Limits) -> Iterator[Problem]:
    """Sides and pixels: the first that does not fit says it for the picture."""
    said: dict[str, object] = {"number": number, "width": media.width, "height": media.height}
    pixels = limits.image_pixels
    if media.content_type == "image/gif" and limits.gif_pixels:
        pixels = min(limits.gif_pixels, pixels or limits.gif_pixels)
    if min(media.width, media.height) < limits.image_side_least:
        message = _("Image %(number)d is %(width)d × %(height)d pixels. Each side must have at least %(least)d.")
        yield Problem("image_too_small", message % {**said, "least": limits.image_side_least}, field="media")
    elif limits.image_side_most and max(media.width, media.height) > limits.image_side_most:
        message = _("Image %(number)d is %(width)d × %(height)d pixels. A side can have at most %(most)d.")
        yield Problem("image_side_too_long", message % {**said, "most": limits.image_side_most}, field="media")
    elif pixels and media.width * media.height > pixels:
        kind = _("A GIF") if media.content_type == "image/gif" else _("An image")
        message = _(
            "Image %(number)d is %(width)d × %(height)d pixels. %(kind)s can have at most %(most)s megapixels here."
        )
        said |= {"kind": kind, "most": f"{pixels / 1_000_000:.1f}".removesuffix(".0")}
        yield Problem("image_too_many_pixels", message % said, field="media")


def comment_problems(cls: type[Platform], draft: Draft, limits: Limits) -> Iterator[Problem]:
    if not draft.first_comment:
        return
    if Can.FIRST_COMMENT not in cls.capabilities:
        yield Problem("first_comment_unsupported", _("First comments aren't available here."), field="first_comment")
        return
    over = cls.count(draft.first_comment, limits) - limits.characters
    if over > 0:
        message = ngettext(
            "The first comment is %(over)d character over the limit of %(most)d.",
            "The first comment is %(over)d characters over the limit of %(most)d.",
            over,
        )
        message %= {"over": over, "most": limits.characters}
        yield Problem("first_comment_too_long", message, field="first_comment")


def option_problem(draft: Draft, name: str, known: frozenset[str]) -> Iterator[Problem]:
    """A problem when an option has a value that the platform does not know; an absent or empty one is fine."""
    value = draft.options.get(name)
    if value not in (None, "") and value not in known:
        message = _("%(value)s is not one of: %(known)s.") % {
            "value": str(value)[:40],
            "known": ", ".join(sorted(known)),
        }
        yield Problem("option_unknown", message, field=f"options.{name}")


def is_web_address(address: str) -> bool:
    """Whether this is an http(s) address with a host, without blanks and without credentials."""
    try:
        parts = urlsplit(address)
        return (
            parts.scheme in {"http", "https"}
            and bool(parts.hostname)
            and parts.username is None
            and parts.port != 0  # reading it refuses what is no port
            and not any(sign.isspace() for sign in address)
        )
    except ValueError:
        return False


def format_size(size_bytes: int) -> str:
    """A size for people: "4.2 MB", "640 KB"."""
    return f"{size_bytes / 1_000_000:.1f} MB" if size_bytes >= 1_000_000 else f"{max(size_bytes // 1000, 1)} KB"


def _too_long(over: int, most: int) -> str:
    message = ngettext(
        "%(over)d character over the limit of %(most)d.", "%(over)d characters over the limit of %(most)d.", over
    )
    return message % {"over": over, "most": most}
