"""What every platform would refuse in a draft, found before it is sent; a platform adds its own rules after these."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from connections.platforms.base import Can, Draft, DraftMedia, Limits, Platform, Problem

_FORMAT_NAMES = {
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
    if not text.strip() and not draft.media and not draft.link_url:
        yield Problem("empty", _("Write something, or add a picture."))
    over = cls.count(text, limits) - limits.characters
    if over > 0:
        yield Problem("too_long", _too_long(over, cls.label, limits.characters))


def link_problems(cls: type[Platform], draft: Draft) -> Iterator[Problem]:
    if not draft.link_url:
        return
    if not is_web_address(draft.link_url):
        message = _("The link must be a full address such as https://example.com/page.")
        yield Problem("link_invalid", message, field="link_url")
    elif Can.PUBLISH_LINK not in cls.capabilities:
        yield Problem("link_unsupported", _("%(platform)s takes no link.") % {"platform": cls.label}, field="link_url")


def media_problems(cls: type[Platform], draft: Draft, limits: Limits) -> Iterator[Problem]:
    names = {"platform": cls.label, "most": limits.images}
    if not draft.media:
        return
    if Can.PUBLISH_IMAGE not in cls.capabilities or not limits.images:
        yield Problem("images_unsupported", _("%(platform)s takes no pictures.") % names, field="media")
        return
    if len(draft.media) > limits.images:
        message = ngettext(
            "%(platform)s takes one picture.", "%(platform)s takes at most %(most)d pictures.", limits.images
        )
        yield Problem("too_many_images", message % names, field="media")
    for number, media in enumerate(draft.media, start=1):
        yield from _picture_problems(cls, media, number, limits)


def _picture_problems(cls: type[Platform], media: DraftMedia, number: int, limits: Limits) -> Iterator[Problem]:
    names = {"platform": cls.label, "number": number}
    if media.content_type not in limits.image_formats:
        known = sorted(_FORMAT_NAMES.get(kind, kind) for kind in limits.image_formats)
        given = _FORMAT_NAMES.get(media.content_type, media.content_type or _("of an unknown kind"))
        message = _("Picture %(number)d is %(given)s; %(platform)s takes %(known)s.")
        yield Problem("image_format", message % {**names, "given": given, "known": ", ".join(known)}, field="media")
    if media.size_bytes > limits.image_bytes:
        message = _("Picture %(number)d has %(size)s; %(platform)s takes up to %(most)s.")
        sizes = {"size": format_size(media.size_bytes), "most": format_size(limits.image_bytes)}
        yield Problem("image_too_large", message % {**names, **sizes}, field="media")
    if limits.image_pixels and media.width * media.height > limits.image_pixels:
        message = _("Picture %(number)d is %(width)d × %(height)d; %(platform)s takes up to %(most).0f megapixels.")
        shape = {"width": media.width, "height": media.height, "most": limits.image_pixels / 1_000_000}
        yield Problem("image_too_many_pixels", message % {**names, **shape}, field="media")
    over = len(media.alt_text) - limits.alt_text_characters
    if over > 0:
        message = ngettext(
            "The description of picture %(number)d is %(over)d character over %(platform)s's %(most)d.",
            "The description of picture %(number)d is %(over)d characters over %(platform)s's %(most)d.",
            over,
        )
        yield Problem(
            "alt_text_too_long", message % {**names, "over": over, "most": limits.alt_text_characters}, field="media"
        )
    if not media.alt_text.strip():
        message = _("Picture %(number)d has no description for people who cannot see it.")
        yield Problem("alt_text_missing", message % names, field="media", blocking=False)


def comment_problems(cls: type[Platform], draft: Draft, limits: Limits) -> Iterator[Problem]:
    if not draft.first_comment:
        return
    if Can.FIRST_COMMENT not in cls.capabilities:
        message = _("%(platform)s takes no first comment.") % {"platform": cls.label}
        yield Problem("first_comment_unsupported", message, field="first_comment")
        return
    over = cls.count(draft.first_comment, limits) - limits.characters
    if over > 0:
        yield Problem("first_comment_too_long", _too_long(over, cls.label, limits.characters), field="first_comment")


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
            and not any(sign.isspace() for sign in address)
        )
    except ValueError:
        return False


def format_size(size_bytes: int) -> str:
    """A size for people: "4.2 MB", "640 KB"."""
    return f"{size_bytes / 1_000_000:.1f} MB" if size_bytes >= 1_000_000 else f"{max(size_bytes // 1000, 1)} KB"


def _too_long(over: int, label: str, most: int) -> str:
    message = ngettext(
        "%(over)d character over %(platform)s's %(most)d.", "%(over)d characters over %(platform)s's %(most)d.", over
    )
    return message % {"over": over, "platform": label, "most": most}
