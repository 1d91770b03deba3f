"""Colours as every platform and every browser shows them: 8 bits a channel, sRGB.

Platforms drop colour profiles or ignore them, and what was meant as Adobe RGB or as ink on paper then looks wrong.
"""

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import cast

from PIL import Image, ImageChops, ImageCms

_Apply = Callable[[Image.Image], Image.Image]

_CLOSE = 2
"""Levels of 255 by which a profile may differ from sRGB and still be taken for it."""
_SPACES = {"RGB": "RGB ", "CMYK": "CMYK", "L": "GRAY"}


@dataclass(frozen=True)
class Conversion:
    """How a picture's frames become sRGB; ``source`` is what they were, as a person knows it."""

    source: str
    apply: _Apply


def is_deep_grey(image: Image.Image) -> bool:
    return image.mode == "I;16"


def conversion_of(image: Image.Image, *, is_deep: bool = False) -> Conversion | None:
    """The conversion that a picture needs, None when it is 8-bit sRGB already. ``is_deep``: 16 bits a channel."""
    depth = "16-bit" if is_deep else ""
    base = _base_of(image)
    profile = _profile_of(image, base)
    if profile is not None:
        transform = _transform(profile, base)
        if transform is not None and not _is_srgb(transform, base):
            name = _name_of(profile)
            space = f"CMYK ({name})" if name and base == "CMYK" else name or base
            return Conversion(_joined(depth, space), lambda frame: _converted(frame, transform))
    if base == "CMYK":
        return Conversion("CMYK", lambda frame: frame.convert("RGB"))
    return Conversion(depth, _eight_bit) if depth else None


def keeps_profile(image: Image.Image) -> bool:
    """Whether the profile that the picture carries can be read: one that cannot is of no use to anybody."""
    return _profile_of(image, _base_of(image)) is not None


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)[:100]


def _base_of(image: Image.Image) -> str:
    """The mode in which the picture's colours are converted: RGB, L or CMYK."""
    if image.mode in {"1", "L", "LA", "La"} or is_deep_grey(image):
        return "L"
    return "CMYK" if image.mode == "CMYK" else "RGB"


def _profile_of(image: Image.Image, base: str) -> ImageCms.ImageCmsProfile | None:
    try:
        profile = ImageCms.ImageCmsProfile(BytesIO(image.info.get("icc_profile") or b""))
        return profile if profile.profile.xcolor_space == _SPACES[base] else None
    except (OSError, ImageCms.PyCMSError):
        return None


def _name_of(profile: ImageCms.ImageCmsProfile) -> str:
    try:
        name = ImageCms.getProfileDescription(profile)
    except ImageCms.PyCMSError:
        return ""
    return "".join(sign for sign in name if sign.isprintable()).strip()[:60]


def _transform(profile: ImageCms.ImageCmsProfile, base: str) -> ImageCms.ImageCmsTransform | None:
    try:
        return ImageCms.buildTransform(
            profile, ImageCms.createProfile("sRGB"), base, "RGB",
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC, flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )  # fmt: skip
    except ImageCms.PyCMSError:
        return None


def _is_srgb(transform: ImageCms.ImageCmsTransform, base: str) -> bool:
    """Whether it leaves colours where they are: asked of a grid of colours, not of the profile's name."""
    steps = (0, 51, 102, 153, 204, 255)
    if base == "CMYK":
        return False
    if base == "L":
        grid = Image.new("L", (len(steps), 1))
        grid.putdata(steps)
    else:
        grid = Image.new("RGB", (len(steps) ** 3, 1))
        grid.putdata([(red, green, blue) for red in steps for green in steps for blue in steps])
    difference = ImageChops.difference(_applied(grid, transform), grid.convert("RGB"))
    return max(highest for _lowest, highest in difference.getextrema()) <= _CLOSE  # type: ignore[misc]


def _applied(image: Image.Image, transform: ImageCms.ImageCmsTransform) -> Image.Image:
    return cast("Image.Image", ImageCms.applyTransform(image, transform))  # None only when it works in place


def _converted(frame: Image.Image, transform: ImageCms.ImageCmsTransform) -> Image.Image:
    frame = _eight_bit(frame)
    if frame.mode == "P":
        frame = frame.convert("RGBA" if "transparency" in frame.info else "RGB")
    alpha = frame.getchannel("A") if frame.mode in {"LA", "RGBA"} else None
    base = _base_of(frame)
    found = _applied(frame.convert(base), transform)
    if base == "L":
        found = found.convert("L")  # grey stays grey
    if alpha is not None:
        found.putalpha(alpha)
    return found


def _eight_bit(frame: Image.Image) -> Image.Image:
    """Pillow opens 16-bit colour as 8-bit by itself; its 16-bit grey has to be halved, or all of it turns white."""
    if not is_deep_grey(frame):
        return frame
    low, grey = (Image.frombytes("L", frame.size, frame.tobytes()[byte::2]) for byte in (0, 1))  # little-endian
    clear = frame.info.get("transparency")
    if not isinstance(clear, int):
        return grey
    hidden = ImageChops.darker(
        grey.point(lambda value: 255 * (value == clear >> 8)), low.point(lambda value: 255 * (value == clear & 0xFF))
    )
    return Image.merge("LA", (grey, ImageChops.invert(hidden)))
