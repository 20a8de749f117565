"""What kind of picture bytes are, and how large it says it is, before anything is allocated for it.

In: bytes. Out: format, width, height. Only fixed positions at the front of the file are read. It does not say whether
the rest can be decoded. JPEG's size is read by libjpeg-turbo, see ``image``; PNG's in ``png``.

Source: WebP, RFC 9649 sections 2.5 to 2.7.
"""

from __future__ import annotations

import struct
from enum import StrEnum

from custodes.core.box import Size
from custodes.core.errors import ImageFormatError


class Format(StrEnum):
    """The picture formats that are decoded; the value is Pillow's name for it."""

    JPEG = "JPEG"
    PNG = "PNG"
    WEBP = "WEBP"


def sniff(data: bytes) -> Format:
    """The format by content; a file's name does not count.

    Raises:
        ImageFormatError: for anything else, naming it when it is a format that people do send.
    """
    if data.startswith(b"\xff\xd8\xff"):
        return Format.JPEG
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return Format.PNG
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return Format.WEBP
    raise refusal(f"{_name_unsupported(data)}; JPEG, PNG and WebP are read")


def webp_size(data: bytes) -> Size:
    """Canvas of a WebP in any of its three layouts. Raises ImageFormatError when it is cut off or has none."""
    if len(data) < 30 or struct.unpack_from("<I", data, 4)[0] + 8 > len(data):
        raise refusal("the WebP is truncated")
    chunk, body = data[12:16], data[20:30]
    if chunk == b"VP8X":
        return plausible(1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little"))
    if chunk == b"VP8 " and body[3:6] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", body, 6)
        return plausible(width & 0x3FFF, height & 0x3FFF)
    if chunk == b"VP8L" and body[0] == 0x2F:
        bits = int.from_bytes(body[1:5], "little")
        return plausible(1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF))
    raise refusal("the WebP has no picture")


def webp_chunk(data: bytes, name: bytes) -> bytes:
    """Payload of the first RIFF chunk called ``name``, or nothing. Stops at the first chunk that does not fit."""
    at = 12
    while at + 8 <= len(data):
        length = struct.unpack_from("<I", data, at + 4)[0]
        if at + 8 + length > len(data):
            break
        if data[at : at + 4] == name:
            return data[at + 8 : at + 8 + length]
        at += 8 + length + (length & 1)
    return b""


def refusal(reason: str) -> ImageFormatError:
    """The error for bytes that are no picture to us; the words before the colon are those of the API."""
    return ImageFormatError(f"Request has invalid image format: {reason}")


def plausible(width: int, height: int) -> Size:
    """The size, refused when there is nothing to see. Raises ImageFormatError."""
    if width < 1 or height < 1:
        raise refusal("the picture has no pixels")
    return Size(width, height)


def _name_unsupported(data: bytes) -> str:
    if not data:
        return "no bytes"
    if data[4:8] == b"ftyp":
        return "HEIC, AVIF or a video is not supported"
    for magic, name in ((b"GIF8", "GIF"), (b"BM", "BMP"), (b"II*\0", "TIFF"), (b"MM\0*", "TIFF"), (b"%PDF", "PDF")):
        if data.startswith(magic):
            return f"{name} is not supported"
    return "not a picture"
