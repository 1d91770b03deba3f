"""Uploaded files are decoded, measured and kept as a small picture; avatars are drawn."""

import hashlib
import io
import warnings
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image, ImageColor, ImageDraw, ImageFont, ImageOps

THUMBNAIL_PX = 480
MEDIA_TYPES = {
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",
    "PNG": "image/png",
    "GIF": "image/gif",
    "WEBP": "image/webp",
    "BMP": "image/bmp",
    "TIFF": "image/tiff",
}


# JPEG's own opener recognises MPO, which has none of its own.
OPENED = [name for name in MEDIA_TYPES if name != "MPO"]


class NotMedia(ValueError):
    """The bytes are neither a picture nor a video that can be read."""


@dataclass(frozen=True)
class Measured:
    """What was found in an uploaded file."""

    content_type: str
    size_bytes: int
    width: int  # px; 0 for a video, which is not decoded
    height: int
    frames: int
    sha256: str
    thumbnail: bytes  # JPEG; empty for a video

    @property
    def is_video(self) -> bool:
        return self.content_type.startswith("video/")


def measure(content: bytes, *, most_pixels: int) -> Measured:
    """Decode a picture, or recognise an MP4/MOV by its first box.

    Raises NotMedia for anything else, for a picture that breaks off, and for one with more than ``most_pixels``
    (found in its header, before it is decoded: a bomb costs nothing).
    """
    sha256 = hashlib.sha256(content).hexdigest()
    if content[4:8] == b"ftyp":
        kind = "video/quicktime" if content[8:10] == b"qt" else "video/mp4"
        return Measured(kind, len(content), 0, 0, 0, sha256, b"")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(content), formats=OPENED)
        if picture.width * picture.height > most_pixels:
            raise NotMedia(f"{picture.width} x {picture.height} is too large")
        kind = MEDIA_TYPES[str(picture.format)]
        width, height, frames = picture.width, picture.height, int(getattr(picture, "n_frames", 1))
        picture.load()
        small = ImageOps.exif_transpose(picture).convert("RGB")
    except NotMedia:
        raise
    except Exception as error:
        # Pillow's decoders raise OSError, SyntaxError, ValueError, struct.error and others on broken files.
        raise NotMedia("not a readable picture") from error
    small.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
    kept = io.BytesIO()
    small.save(kept, "JPEG", quality=80)
    return Measured(kind, len(content), width, height, frames, sha256, kept.getvalue())


@lru_cache(maxsize=64)
def draw_avatar(name: str, colour: str) -> bytes:
    """A PNG of 200 x 200 px: the initials of a name on its colour."""
    words = [word for word in name.replace("_", " ").split() if word[0].isalnum()]
    initials = "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words[:1])).upper()
    picture = Image.new("RGB", (200, 200), colour)
    draw = ImageDraw.Draw(picture)
    lighter = tuple(min(part + 18, 255) for part in ImageColor.getrgb(colour)[:3])
    draw.ellipse((-60, 110, 140, 330), fill=lighter)
    draw.text((100, 100), initials or "?", fill="#ffffff", font=ImageFont.load_default(size=84), anchor="mm")
    content = io.BytesIO()
    picture.save(content, "PNG", optimize=True)
    return content.getvalue()
