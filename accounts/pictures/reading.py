"""Reading what a person uploaded as a picture: judged by its content, upright, in sRGB, without a trace of its place."""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BytesIO

from django.utils.translation import gettext as _
from PIL import Image, UnidentifiedImageError

from accounts.errors import PictureRefused
from accounts.pictures.colours import Conversion, conversion_of, keeps_profile
from accounts.pictures.containers import is_deep_png, is_lossless_webp, without_metadata

MAX_SIDE = 10_000
"""Pixels. No platform takes more, and the header alone tells."""
MAX_PIXELS = 50_000_000
MAX_FRAMES = 1000
MAX_ANIMATION_PIXELS = 100_000_000
"""All frames of an animation together: each is decoded before the file is kept."""
FORMATS = {
    "JPEG": ("image/jpeg", ".jpg"),
    "PNG": ("image/png", ".png"),
    "GIF": ("image/gif", ".gif"),
    "WEBP": ("image/webp", ".webp"),
}
COPY_TYPE, COPY_SUFFIX = "image/webp", ".webp"
"""What small copies are, whatever they were made of."""

_ORIENTATION = 0x0112  # Exif tag; 1 is upright
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_BROKEN = (OSError, SyntaxError, ValueError, IndexError, KeyError, TypeError, struct.error, EOFError)
"""What Pillow's decoders raise for a broken file."""


@dataclass(frozen=True)
class Picture:
    """A picture that was decoded in full. ``body`` is what may be kept: it decodes in full too. ``converted_from``: the
    colours that it came with, "" when they were 8-bit sRGB."""

    body: bytes
    content_type: str
    suffix: str
    width: int
    height: int
    is_animated: bool
    converted_from: str
    first_frame: Image.Image = field(repr=False, compare=False)

    def copy(self, side: int) -> Image.Image:
        """The (first) picture with at most ``side`` pixels on a side, as RGB or RGBA."""
        frame = self.first_frame
        is_opaque = frame.mode in {"1", "L", "RGB"} and "transparency" not in frame.info
        small = frame.convert("RGB" if is_opaque else "RGBA")
        small.thumbnail((side, side), Image.Resampling.LANCZOS)
        return small

    def small(self, side: int) -> bytes:
        """The same as a file of ``COPY_TYPE``."""
        stream = BytesIO()
        self.copy(side).save(stream, "WEBP", quality=82)
        return stream.getvalue()


def read_picture(body: bytes, name: str, *, most_pixels: int = MAX_PIXELS) -> Picture:
    """Decode every pixel of a JPEG, PNG, GIF or WebP. ``name`` is only ever quoted.

    The header is asked first: a bomb is refused before its pixels exist. Raises PictureRefused with a sentence that
    says what to do.
    """
    try:
        with Image.open(BytesIO(body), formats=list(FORMATS)) as header:
            _refuse_bomb(header.width, header.height, name, most_pixels)
            header.verify()
        with Image.open(BytesIO(body), formats=list(FORMATS)) as image:
            return _read(image, body, name)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureRefused(_bomb_sentence(name)) from error
    except UnidentifiedImageError as error:
        raise PictureRefused(_what_it_is(body, name)) from error
    except _BROKEN as error:
        raise PictureRefused(
            _("“%(name)s” is damaged and can't be opened. Export it again and upload the new file.") % {"name": name}
        ) from error


# --- decoding ---------------------------------------------------------------------------------------------------------


def _read(image: Image.Image, body: bytes, name: str) -> Picture:
    form = "JPEG" if image.format == "MPO" else str(image.format)
    turn = _TURNS.get(image.getexif().get(_ORIENTATION, 1))
    conversion = conversion_of(image, is_deep=is_deep_png(body))
    must_be_encoded = turn is not None or conversion is not None
    frames = []
    count = 0
    for count, frame in enumerate(_frames(image, name), start=1):
        if count == 1 or must_be_encoded:
            frames.append(_upright(frame, turn, conversion))
    kept = None if must_be_encoded else _cleaned(body, form, keep_profile=keeps_profile(image))
    if kept is None or not _is_whole(kept, image.size, count, name):
        if not must_be_encoded:
            frames = [_upright(frame, None, None) for frame in _frames(image, name)]
        kept = _encoded(frames, form, body, keep_profile=conversion is None and keeps_profile(image))
    content_type, suffix = FORMATS[form]
    first = frames[0]
    return Picture(
        kept, content_type, suffix, first.width, first.height, is_animated=count > 1,
        converted_from=conversion.source if conversion else "", first_frame=first,
    )  # fmt: skip


def _frames(image: Image.Image, name: str) -> Iterator[Image.Image]:
    """Every frame, decoded. What stands behind a JPEG's first picture is no frame of it."""
    number = 0
    while True:
        try:
            image.seek(number)
        except EOFError:
            return
        number += 1
        if number > 1 and (number > MAX_FRAMES or number * image.width * image.height > MAX_ANIMATION_PIXELS):
            raise PictureRefused(
                _(
                    "“%(name)s” is too long. Animations can have up to %(frames)s frames and %(mega)d megapixels in total. Shorten it or make it smaller."
                )
                % {"name": name, "frames": f"{MAX_FRAMES:,}", "mega": MAX_ANIMATION_PIXELS // 1_000_000}
            )
        image.load()
        yield image
        if image.format in {"MPO", "JPEG"}:
            return


def _upright(image: Image.Image, turn: Image.Transpose | None, conversion: Conversion | None) -> Image.Image:
    """A copy of a frame, as it is to be seen. It keeps how long it is shown."""
    frame = conversion.apply(image) if conversion else image
    frame = frame.transpose(turn) if turn is not None else frame.copy()
    kept = {"duration", "loop", "background"} | (set() if conversion else {"icc_profile"})
    frame.info = {
        **{key: value for key, value in image.info.items() if key in kept},
        **{key: value for key, value in frame.info.items() if key == "transparency"},
    }
    return frame


def _cleaned(body: bytes, form: str, *, keep_profile: bool) -> bytes | None:
    try:
        return without_metadata(body, form, keep_profile=keep_profile)
    except ValueError:
        return None  # Pillow is more forgiving: it is written anew


def _is_whole(body: bytes, size: tuple[int, int], count: int, name: str) -> bool:
    """Whether a file can be decoded to its last frame, and is still the same picture."""
    try:
        with Image.open(BytesIO(body), formats=list(FORMATS)) as image:
            return image.size == size and sum(1 for _frame in _frames(image, name)) == count
    except _BROKEN:
        return False


def _encoded(frames: list[Image.Image], form: str, body: bytes, *, keep_profile: bool) -> bytes:
    first, stream = frames[0], BytesIO()
    options: dict[str, object] = {"icc_profile": first.info.get("icc_profile") if keep_profile else None}
    if form == "JPEG":
        options |= {"quality": 93, "comment": b"", "exif": b""}
    elif form == "WEBP":
        options |= {"quality": 93, "exif": b"", "xmp": b"", "lossless": is_lossless_webp(body)}
    if len(frames) > 1:
        options |= {
            "save_all": True, "append_images": frames[1:], "loop": first.info.get("loop", 0),
            "duration": [int(frame.info.get("duration", 100)) for frame in frames],
        }  # fmt: skip
    first.save(stream, form, **options)
    return stream.getvalue()


# --- refusing ---------------------------------------------------------------------------------------------------------


def _refuse_bomb(width: int, height: int, name: str, most_pixels: int) -> None:
    if width > MAX_SIDE or height > MAX_SIDE or width * height > most_pixels:
        raise PictureRefused(
            _(
                "“%(name)s” is %(width)s × %(height)s pixels. Images can have up to %(side)s pixels on a side and %(mega)d megapixels in all: save it smaller and try again."
            )
            % {
                "name": name,
                "width": f"{width:,}",
                "height": f"{height:,}",
                "side": f"{MAX_SIDE:,}",
                "mega": most_pixels // 1_000_000,
            }
        )


def _bomb_sentence(name: str) -> str:
    return _(
        "“%(name)s” has too many pixels. Images can have up to %(side)s pixels on a side and %(mega)d megapixels in all: save it smaller and try again."
    ) % {"name": name, "side": f"{MAX_SIDE:,}", "mega": MAX_PIXELS // 1_000_000}


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
                "“%(name)s” is a HEIC image, which social platforms don't accept. Export it as JPEG; on an iPhone choose "
                "Settings, Camera, Formats, Most Compatible."
            ) % {"name": name}
        case "video":
            return _("“%(name)s” is a video. Upload an image instead: JPEG, PNG, GIF or WebP.") % {"name": name}
        case "":
            return _("“%(name)s” isn't an image. Upload a JPEG, PNG, GIF or WebP file.") % {"name": name}
        case _other:
            return _("“%(name)s” is a %(kind)s file. Export it as JPEG, PNG, GIF or WebP.") % {
                "name": name,
                "kind": kind,
            }
