"""Whatever is uploaded as a picture: what is kept decodes to its last frame, looks as it looked, and says nothing about
where it was taken. Expected pixels are computed here by hand or by the colour engine, never by our own code."""

import struct
import zlib
from collections.abc import Callable
from io import BytesIO

import pytest
from PIL import Image, ImageChops, ImageCms, ImageSequence, ImageStat, PngImagePlugin

from accounts.errors import PictureRefused
from accounts.pictures.reading import Picture, read_picture

SECRET = b"38.43 N 9.08 W"
GREEN = (47, 93, 80)


def saved(image: Image.Image, form: str, **options: object) -> bytes:
    stream = BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def opened(body: bytes) -> Image.Image:
    image = Image.open(BytesIO(body))
    image.load()
    return image


def frames_of(body: bytes) -> list[Image.Image]:
    return [frame.convert("RGBA") for frame in ImageSequence.Iterator(Image.open(BytesIO(body)))]


def shown(picture: Picture) -> Image.Image:
    """The picture as a browser shows it: what is kept, as RGBA."""
    return opened(picture.body).convert("RGBA")


def exif(orientation: int = 1) -> Image.Exif:
    made = Image.Exif()
    made[0x0112] = orientation
    made[0x010E] = SECRET.decode()
    return made


def halves(mode: str = "RGB") -> Image.Image:
    """Left red, right blue, 40 x 20."""
    image = Image.new("RGB", (40, 20), "#ff0000")
    image.paste("#0000ff", (20, 0, 40, 20))
    return image.convert(mode)


def animation(form: str, **options: object) -> bytes:
    frames = [halves(), halves().transpose(Image.Transpose.FLIP_LEFT_RIGHT), Image.new("RGB", (40, 20), "#00ff00")]
    return saved(frames[0], form, save_all=True, append_images=frames[1:], duration=[80, 160, 240], **options)


# --- depth and colour -------------------------------------------------------------------------------------------------


def deep_grey(**options: object) -> bytes:
    image = Image.new("I;16", (4, 1))
    image.putdata([0, 0x4000, 0x8000, 0xFFFF])
    return saved(image.resize((40, 10), Image.Resampling.NEAREST), "PNG", **options)


def test_16_bit_grey_keeps_its_greys_in_the_file_and_in_the_small_copy() -> None:
    picture = read_picture(deep_grey(), "scan.png")
    greys = [opened(picture.body).getpixel((x, 5)) for x in (5, 15, 25, 35)]
    assert greys == [0, 0x40, 0x80, 0xFF]
    small = opened(picture.small(480)).convert("L")
    expected = Image.new("L", (1, 1))
    for x, grey in zip((5, 15, 25, 35), (0, 0x40, 0x80, 0xFF), strict=True):
        expected.putpixel((0, 0), grey)
        [difference] = ImageStat.Stat(ImageChops.difference(small.crop((x, 5, x + 1, 6)), expected)).mean
        assert difference <= 6
    assert picture.converted_from == "16-bit"


def test_16_bit_grey_keeps_its_transparent_value() -> None:
    kept = shown(read_picture(deep_grey(transparency=0x8000), "scan.png"))
    assert [kept.getpixel((x, 5))[3] for x in (5, 15, 25, 35)] == [255, 255, 0, 255]  # type: ignore[index]


def deep_colour() -> bytes:
    """A PNG of 16-bit RGB, one pixel, which Pillow reads and does not write."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    pixel = struct.pack(">HHH", 0x2F00, 0x5D00, 0x5000)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        [
            chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0)),
            chunk(b"IDAT", zlib.compress(b"\x00" + pixel)),
            chunk(b"IEND", b""),
        ]
    )


def test_16_bit_colour_is_kept_in_8_bits() -> None:
    picture = read_picture(deep_colour(), "raw.png")
    assert (picture.body[24], picture.converted_from) == (8, "16-bit")
    assert opened(picture.body).convert("RGB").getpixel((0, 0)) == GREEN


SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def swapped_profile() -> bytes:
    """An RGB profile whose red primary is sRGB's green and the other way round: impossible to overlook."""
    body = bytearray(SRGB.tobytes())
    count = struct.unpack(">I", body[128:132])[0]
    at = {bytes(body[132 + 12 * n : 136 + 12 * n]): 136 + 12 * n for n in range(count)}
    body[at[b"rXYZ"] : at[b"rXYZ"] + 8], body[at[b"gXYZ"] : at[b"gXYZ"] + 8] = (
        body[at[b"gXYZ"] : at[b"gXYZ"] + 8], body[at[b"rXYZ"] : at[b"rXYZ"] + 8],
    )  # fmt: skip
    return bytes(body)


@pytest.mark.parametrize("form", ["PNG", "WEBP", "JPEG"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_another_profile_is_turned_into_srgb(form: str, mode: str) -> None:
    if (form, mode) in {("JPEG", "RGBA"), ("JPEG", "P"), ("WEBP", "P")}:
        return  # the format has no such thing
    image = Image.new(mode if mode != "P" else "RGB", (16, 16), "#ff0000")
    if mode == "RGBA":
        image.putalpha(128)
    options = {"lossless": True} if form == "WEBP" else {"quality": 100} if form == "JPEG" else {}
    body = saved(image.quantize(4) if mode == "P" else image, form, icc_profile=swapped_profile(), **options)
    picture = read_picture(body, "wide.png")
    red, green, blue, alpha = shown(picture).getpixel((8, 8))  # type: ignore[misc]
    assert (red < 8, green > 247, blue < 8, alpha) == (True, True, True, 128 if mode == "RGBA" else 255)
    assert "icc_profile" not in opened(picture.body).info
    assert picture.converted_from


def test_srgb_by_any_name_is_left_as_it_is() -> None:
    body = saved(halves(), "PNG", icc_profile=SRGB.tobytes())
    picture = read_picture(body, "a.png")
    assert picture.converted_from == ""
    assert opened(picture.body).info["icc_profile"] == SRGB.tobytes()


def test_a_profile_that_nobody_can_read_is_dropped() -> None:
    picture = read_picture(saved(halves(), "JPEG", icc_profile=b"a colour profile"), "a.jpg")
    assert "icc_profile" not in opened(picture.body).info
    assert picture.converted_from == ""


@pytest.mark.parametrize("ink", [(0, 0, 0, 0), (255, 0, 0, 0), (0, 200, 200, 30), (0, 0, 0, 255)])
def test_cmyk_without_a_profile_becomes_rgb(ink: tuple[int, int, int, int]) -> None:
    picture = read_picture(saved(Image.new("CMYK", (32, 32), ink), "JPEG", quality=100), "print.jpg")
    kept = opened(picture.body)
    assert (kept.mode, picture.converted_from) == ("RGB", "CMYK")
    expected = [(255 - part) * (255 - ink[3]) // 255 for part in ink[:3]]
    assert all(abs(a - b) <= 4 for a, b in zip(kept.getpixel((16, 16)), expected, strict=True))  # type: ignore[arg-type]


def ink_profile() -> bytes:
    """A small CMYK profile (ICC.1:2010, 'prtr'): whatever the ink, its A2B0 table answers one L*a*b* colour, L 54, a 81,
    b 70, which is close to sRGB's red. So a picture that was converted by it is red, whatever ink it has."""
    grid, outputs = 2, 3
    lab = bytes([int(54 * 255 / 100), 81 + 128, 70 + 128])
    table = b"mft1" + bytes(4) + bytes([4, outputs, grid, 0])
    table += struct.pack(">9i", *(0x10000 if n in {0, 4, 8} else 0 for n in range(9)))
    table += bytes(range(256)) * 4 + lab * grid**4 + bytes(range(256)) * outputs
    text = b"Test Ink\x00"
    description = b"desc" + bytes(4) + struct.pack(">I", len(text)) + text + bytes(4 + 4 + 2 + 1 + 67)
    white = b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061)
    tags = [(b"A2B0", table), (b"desc", description), (b"wtpt", white), (b"cprt", b"text" + bytes(4) + b"none\x00")]
    header_and_table = 128 + 4 + 12 * len(tags)
    content, index = b"", struct.pack(">I", len(tags))
    for name, tag in tags:
        tag += bytes(-len(tag) % 4)
        index += name + struct.pack(">II", header_and_table + len(content), len(tag))
        content += tag
    header = bytearray(128)
    struct.pack_into(">I", header, 0, header_and_table + len(content))
    header[8:12] = b"\x02\x40\x00\x00"
    header[12:24] = b"prtrCMYKLab "
    header[36:40] = b"acsp"
    struct.pack_into(">3i", header, 68, 63190, 65536, 54061)
    return bytes(header) + index + content


def test_cmyk_is_converted_by_the_profile_that_it_brings() -> None:
    body = saved(Image.new("CMYK", (32, 32), (255, 0, 0, 0)), "JPEG", quality=100, icc_profile=ink_profile())
    picture = read_picture(body, "poster.jpg")
    kept = opened(picture.body)
    red, green, blue = kept.getpixel((16, 16))  # type: ignore[misc]
    assert red > 220
    assert green < 60
    assert blue < 60
    assert picture.converted_from == "CMYK (Test Ink)"
    assert "icc_profile" not in kept.info


# --- every mode and format --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_every_kind_of_png_looks_as_it_looked(mode: str) -> None:
    image = halves(mode)
    expected = image.convert("RGBA")
    picture = read_picture(saved(image, "PNG"), f"{mode}.png")
    assert shown(picture).tobytes() == expected.tobytes()
    small = opened(picture.small(480)).convert("RGB")
    for x in (5, 35):
        found, wanted = small.getpixel((x, 10)), expected.convert("RGB").getpixel((x, 10))
        assert all(abs(a - b) <= 12 for a, b in zip(found, wanted, strict=True))  # type: ignore[arg-type]


def test_a_palette_with_transparency_stays_transparent_in_both() -> None:
    image = Image.new("P", (40, 40), 0)
    image.putpalette([*GREEN, 255, 255, 255])
    image.paste(1, (20, 0, 40, 40))
    picture = read_picture(saved(image, "PNG", transparency=1), "logo.png")
    for kept in (shown(picture), opened(picture.small(480))):
        assert [kept.convert("RGBA").getpixel((x, 20))[3] for x in (5, 35)] == [255, 0]  # type: ignore[index]


def test_a_phones_double_picture_is_its_first_picture() -> None:
    body = saved(halves(), "MPO", save_all=True, append_images=[Image.new("RGB", (40, 20), "#00ff00")], exif=exif())
    picture = read_picture(body, "IMG_0001.JPG")
    kept = opened(picture.body)
    assert (kept.format, getattr(kept, "n_frames", 1), picture.is_animated) == ("JPEG", 1, False)
    assert SECRET not in picture.body
    assert kept.tobytes() == opened(body).tobytes()


# --- upright ----------------------------------------------------------------------------------------------------------

# By the Exif standard, where the corners of a picture of 40 x 20 with a red left half end up: (size, red is at).
_LEFT, _RIGHT, _TOP, _BOTTOM = (0, 0), (39, 19), (0, 0), (19, 39)
ORIENTATIONS = {
    1: ((40, 20), _LEFT), 2: ((40, 20), _RIGHT), 3: ((40, 20), _RIGHT), 4: ((40, 20), _LEFT), 5: ((20, 40), _TOP),
    6: ((20, 40), _TOP), 7: ((20, 40), _BOTTOM), 8: ((20, 40), _BOTTOM),
}  # fmt: skip


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", list(ORIENTATIONS))
def test_a_picture_is_turned_as_its_tag_says(form: str, orientation: int) -> None:
    picture = read_picture(saved(halves(), form, exif=exif(orientation)), "turned")
    kept, (size, red_at) = shown(picture), ORIENTATIONS[orientation]
    assert kept.size == (picture.width, picture.height) == size
    red, green, blue, _alpha = kept.getpixel(red_at)  # type: ignore[misc]
    assert (red > 200, green < 60, blue < 60) == (True, True, True)
    assert not opened(picture.body).getexif()
    assert SECRET not in picture.body


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_an_animation_is_turned_frame_by_frame_and_keeps_its_rhythm(form: str) -> None:
    options = {"lossless": True} if form == "WEBP" else {}
    picture = read_picture(animation(form, exif=exif(6), loop=3, **options), "wave")
    frames = frames_of(picture.body)
    assert [frame.size for frame in frames] == [(20, 40)] * 3
    assert [frame.getpixel((10, 2))[:3] for frame in frames] == [(255, 0, 0), (0, 0, 255), (0, 255, 0)]  # type: ignore[index]
    kept = Image.open(BytesIO(picture.body))
    durations = []
    for frame in ImageSequence.Iterator(kept):
        frame.load()
        durations.append(int(frame.info["duration"]))
    assert (durations, kept.info["loop"], picture.is_animated) == ([80, 160, 240], 3, True)
    assert SECRET not in picture.body


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP"])
def test_an_upright_animation_is_kept_as_it_is(form: str) -> None:
    body = animation(form)
    picture = read_picture(body, "wave")
    assert (picture.body, picture.is_animated) == (body, True)


# --- nothing but the picture ------------------------------------------------------------------------------------------


def png_with_texts() -> bytes:
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Location", SECRET.decode())
    texts.add(b"prVt", SECRET)  # a chunk that nobody knows
    return saved(halves(), "PNG", pnginfo=texts)


def gif_with_comments() -> bytes:
    body = animation("GIF", comment=SECRET)
    block = b"\x21\xff\x0bXMP DataXMP" + bytes([len(SECRET)]) + SECRET + b"\x00"
    return body[:-1] + block + b"\x3b"


@pytest.mark.parametrize(
    "body",
    [
        saved(halves(), "JPEG", exif=exif(), comment=SECRET, xmp=b"<x:xmpmeta>" + SECRET),
        saved(halves(), "WEBP", exif=exif(), xmp=SECRET),
        animation("WEBP", exif=exif(), xmp=SECRET),
        png_with_texts(),
        gif_with_comments(),
        saved(halves(), "JPEG") + SECRET,
        saved(halves(), "PNG") + SECRET,
        saved(halves(), "GIF") + SECRET,
        saved(halves(), "WEBP") + SECRET,
        saved(halves(), "JPEG") + b"\x00\x00\x00\x18ftypmp42" + SECRET + b"\xff\xd9",
        saved(halves(), "PNG") + saved(halves(), "PNG")[8:] + SECRET,
        saved(halves(), "JPEG", progressive=True) + SECRET,
    ],
)
def test_what_is_not_the_picture_is_not_kept_and_no_pixel_changes(body: bytes) -> None:
    assert SECRET in body
    picture = read_picture(body, "a")
    assert SECRET not in picture.body
    assert [frame.tobytes() for frame in frames_of(picture.body)] == [frame.tobytes() for frame in frames_of(body)]


def test_webp_with_trailing_bytes_can_still_be_opened() -> None:
    picture = read_picture(saved(halves(), "WEBP", lossless=True) + b"\x00\x01\x02trailing", "a.webp")
    assert opened(picture.body).convert("RGB").tobytes() == halves().tobytes()


# --- what is refused --------------------------------------------------------------------------------------------------


def cut(body: bytes) -> bytes:
    return body[: len(body) * 2 // 3]


@pytest.mark.parametrize(
    "body",
    [
        cut(saved(Image.effect_noise((90, 90), 90), "JPEG")),
        cut(saved(Image.effect_noise((90, 90), 90), "PNG")),
        cut(saved(Image.effect_noise((90, 90), 90).convert("RGB"), "WEBP")),
        cut(saved(Image.effect_noise((90, 90), 90), "GIF")),
        cut(animation("PNG")),
        cut(animation("WEBP")),
    ],
)
def test_a_file_that_breaks_off_is_refused(body: bytes) -> None:
    with pytest.raises(PictureRefused, match="damaged"):
        read_picture(body, "half.png")


@pytest.mark.parametrize("size", [(10_001, 4), (4, 10_001), (9_000, 9_000)])
@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_huge_sides_are_refused_before_anything_is_decoded(
    size: tuple[int, int], form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = saved(Image.new("L", size), form)
    monkeypatch.setattr(Image.Image, "load", _never)
    with pytest.raises(PictureRefused, match="megapixels"):
        read_picture(body, "map.png")


def _never(*_args: object, **_more: object) -> None:
    raise AssertionError("it was decoded")


def endless_gif(frames: int, size: tuple[int, int]) -> bytes:
    images = [Image.new("L", size, 255 * (number % 2)) for number in range(frames)]
    return saved(images[0], "GIF", save_all=True, append_images=images[1:])


@pytest.mark.parametrize(("frames", "size"), [(1001, (1, 1)), (12, (3000, 3000))])
def test_an_endless_animation_is_refused(frames: int, size: tuple[int, int]) -> None:
    with pytest.raises(PictureRefused, match="is too long"):
        read_picture(endless_gif(frames, size), "loop.gif")


@pytest.mark.parametrize(
    "make", [lambda: b"", lambda: b"GIF89a", lambda: b"RIFF\x00\x00\x00\x00WEBP", lambda: b"\xff\xd8\xff"]
)
def test_a_beginning_alone_is_refused(make: Callable[[], bytes]) -> None:
    with pytest.raises(PictureRefused):
        read_picture(make(), "a")
