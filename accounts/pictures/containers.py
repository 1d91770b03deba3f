"""The files around the pixels: a picture without its metadata, and not one pixel changed.

What may stay is listed, everything else goes: where a picture was taken can stand in any block that nobody has heard of,
and behind the picture's end. Sources: PNG (Third Edition), JPEG (ITU-T T.81 Annex B), GIF89a, WebP container
specification. Every function raises ValueError for a file that is not built as its format says.
"""

from collections.abc import Iterator

_PNG_START = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT = frozenset(
    {
        b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"sBIT", b"bKGD",
        b"pHYs", b"acTL", b"fcTL", b"fdAT",
    }
)  # fmt: skip
_WEBP_KEPT = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"})
_WEBP_PROFILE, _WEBP_EXIF_AND_XMP = 0x20, 0x0C  # bits of the VP8X chunk
_GIF_LOOPS = frozenset({b"NETSCAPE2.0", b"ANIMEXTS1.0"})
_JPEG_PROFILE = b"ICC_PROFILE\x00"
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD8)})  # JPEG markers without a length: TEM and RST0 to RST7


def without_metadata(body: bytes, form: str, *, keep_profile: bool) -> bytes:
    """The same picture without Exif, XMP, comments, previews and whatever follows its end. ``form`` is Pillow's name."""
    return {"PNG": _png, "WEBP": _webp, "GIF": _gif, "JPEG": _jpeg}[form](body, keep_profile)


def _slice(body: bytes, start: int, length: int) -> bytes:
    part = body[start : start + length]
    if length < 0 or len(part) != length:
        raise ValueError("the file ends too early")
    return part


# --- PNG --------------------------------------------------------------------------------------------------------------


def _png(body: bytes, keep_profile: bool) -> bytes:
    kept, at = [_PNG_START], 8
    while True:
        length = int.from_bytes(_slice(body, at, 4))
        kind = _slice(body, at + 4, 4)
        chunk = _slice(body, at, length + 12)
        if kind in _PNG_KEPT and (keep_profile or kind != b"iCCP"):
            kept.append(chunk)
        if kind == b"IEND":
            return b"".join(kept)
        at += length + 12


def is_deep_png(body: bytes) -> bool:
    """Whether a PNG has 16 bits per channel."""
    return body[:8] == _PNG_START and body[24:25] == b"\x10"


# --- WebP -------------------------------------------------------------------------------------------------------------


def _webp_chunks(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The name and the content of every chunk. The RIFF header says where they end, not the file."""
    end = 8 + int.from_bytes(_slice(body, 4, 4), "little")
    at = 12
    while at + 8 <= end:
        length = int.from_bytes(_slice(body, at + 4, 4), "little")
        yield _slice(body, at, 4), _slice(body, at + 8, length)
        at += 8 + length + length % 2


def _webp(body: bytes, keep_profile: bool) -> bytes:
    kept = b""
    for kind, content in _webp_chunks(body):
        if kind not in _WEBP_KEPT or (kind == b"ICCP" and not keep_profile):
            continue
        if kind == b"VP8X":
            off = _WEBP_EXIF_AND_XMP | (0 if keep_profile else _WEBP_PROFILE)
            content = bytes([_slice(content, 0, 1)[0] & ~off]) + content[1:]
        kept += kind + len(content).to_bytes(4, "little") + content + b"\x00" * (len(content) % 2)
    return b"RIFF" + (len(kept) + 4).to_bytes(4, "little") + b"WEBP" + kept


def is_lossless_webp(body: bytes) -> bool:
    return any(
        kind == b"VP8L" or (kind == b"ANMF" and content[16:20] == b"VP8L") for kind, content in _webp_chunks(body)
    )


# --- GIF --------------------------------------------------------------------------------------------------------------


def _gif_table(flags: int) -> int:
    """Bytes of the colour table that a descriptor's flags announce."""
    return 3 * 2 ** ((flags & 0x07) + 1) if flags & 0x80 else 0


def _gif_data(body: bytes, at: int) -> int:
    """Where the blocks of data that begin at ``at`` end."""
    while size := _slice(body, at, 1)[0]:
        at += size + 1
    return at + 1


def _gif(body: bytes, _keep_profile: bool) -> bytes:
    at = 13 + _gif_table(_slice(body, 10, 1)[0])
    kept = [_slice(body, 0, at)]
    while True:
        kind = _slice(body, at, 1)
        if kind == b"\x3b":
            return b"".join([*kept, kind])
        if kind == b"\x2c":
            end = _gif_data(body, at + 11 + _gif_table(_slice(body, at + 9, 1)[0]))
            kept.append(_slice(body, at, end - at))
        elif kind == b"\x21":
            end = _gif_data(body, at + 2)
            label = _slice(body, at + 1, 1)
            if label == b"\xf9" or (label == b"\xff" and body[at + 3 : at + 14] in _GIF_LOOPS):
                kept.append(_slice(body, at, end - at))
        else:
            raise ValueError("no block of a GIF")
        at = end


# --- JPEG -------------------------------------------------------------------------------------------------------------


def _jpeg(body: bytes, keep_profile: bool) -> bytes:
    """The first picture of the file: a phone may put a second one, or a video, behind it."""
    kept, at = [_slice(body, 0, 2)], 2
    while True:
        while _slice(body, at, 2)[1] == 0xFF:
            at += 1  # fill bytes before a marker
        start, marker = at, body[at + 1]
        if body[at] != 0xFF:
            raise ValueError("no marker where one must stand")
        if marker == 0xD9:
            return b"".join([*kept, b"\xff\xd9"])
        at += 2
        if marker not in _STANDALONE:
            at += int.from_bytes(_slice(body, at, 2))
        segment = _slice(body, start, at - start)
        if marker == 0xDA:
            at = _jpeg_scan_end(body, at)
            segment = _slice(body, start, at - start)
        kept.append(_jpeg_segment(marker, segment, keep_profile))


def _jpeg_segment(marker: int, segment: bytes, keep_profile: bool) -> bytes:
    """What stays of a segment: pixels' data, JFIF without its small preview, Adobe's colour mark, the colour profile."""
    content = segment[4:]
    if marker == 0xE0:
        return b"\xff\xe0\x00\x10" + content[:12] + b"\x00\x00" if content[:5] == b"JFIF\x00" else b""
    if marker == 0xE2:
        return segment if keep_profile and content.startswith(_JPEG_PROFILE) else b""
    if marker == 0xEE:
        return segment if content.startswith(b"Adobe") else b""
    return b"" if 0xE0 <= marker <= 0xEF or marker == 0xFE else segment


def _jpeg_scan_end(body: bytes, at: int) -> int:
    """Where a scan's data ends: at the first marker that is neither a restart nor an escaped 0xFF."""
    while True:
        at = body.find(b"\xff", at)
        if at < 0 or at + 1 >= len(body):
            raise ValueError("the file ends too early")
        following = body[at + 1]
        if following != 0 and following != 0xFF and following not in _STANDALONE:
            return at
        at += 1 if following == 0xFF else 2
