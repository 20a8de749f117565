"""A PNG reduced to the chunks that make its still picture.

In: bytes of a PNG. Out: the same picture without animation, text, profiles and metadata, so that the decoder behind
never meets them; a compressed text cannot blow up and an animation is its default image. Every kept chunk's sum is
checked. It does not decompress anything.

Source: W3C PNG specification (third edition), sections 5.3 (chunk layout) and 5.6 (order).
"""

from __future__ import annotations

import struct
import zlib

from custodes.core.box import Size
from custodes.imaging.header import plausible, refusal

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_KEPT = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
_HEADER_END = len(_SIGNATURE) + 25


def png_size(data: bytes) -> Size:
    """Width and height of a PNG from its IHDR chunk. Raises ImageFormatError when there is none."""
    if len(data) < _HEADER_END or data[8:16] != b"\0\0\0\x0dIHDR":
        raise refusal("the PNG has no header")
    width, height = struct.unpack_from(">II", data, 16)
    return plausible(width, height)


def still(data: bytes) -> bytes:
    """The still picture of a PNG with a good header.

    Raises:
        ImageFormatError: truncated, a damaged chunk, or a second header.
    """
    parts = [_SIGNATURE]
    at = len(_SIGNATURE)
    while at + 12 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        name = data[at + 4 : at + 8]
        if end > len(data):
            break
        if name in _KEPT:
            if zlib.crc32(data[at + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
                raise refusal("the PNG is corrupt")
            # A second header would bring another size past the limits.
            if name == b"IHDR" and at != len(_SIGNATURE):
                raise refusal("the PNG has two headers")
            parts.append(data[at:end])
        if name == b"IEND":
            return b"".join(parts)
        at = end
    raise refusal("the PNG is truncated")
