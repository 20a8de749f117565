"""The one thing we want from EXIF: which way is up.

In: bytes of a JPEG, or of a bare TIFF block. Out: the orientation, 1 to 8; 1 when it is absent or makes no sense. Only
the first directory is read and no offset is followed twice, so hostile metadata can neither loop nor allocate; it is
ignored, never an error. Nothing else of the metadata (place, time, owner, thumbnail) is read at all.

Source: JEITA CP-3451 (Exif 2.3) section 4.5.4 and 4.6.4, tag 0x0112; JPEG markers from ITU-T T.81 table B.1.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

UPRIGHT = 1
_ORIENTATION_TAG = 0x0112
# Source: TIFF 6.0, section 2. The standard says SHORT; some writers use the others, and every viewer follows them.
_TYPES = {1: "B", 3: "H", 4: "I"}
_EXIF = b"Exif\0\0"
_APP1, _SOS, _EOI = 0xE1, 0xDA, 0xD9
# Application segments and comments, but for Adobe's (APP14), which says how colours are stored.
_METADATA = frozenset({*range(0xE0, 0xF0), 0xFE}) - {0xEE}
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})
# A first directory of real cameras has some 20 entries; a count beyond this is not worth reading.
_MAX_ENTRIES = 512


@dataclass(frozen=True, slots=True)
class JpegSegments:
    """The segments of a JPEG up to and including the first scan header: marker, start and end of the payload of each.

    What makes no sense ends the list.
    """

    found: tuple[tuple[int, int, int], ...]

    @staticmethod
    def of(jpeg: bytes) -> JpegSegments:
        """Those of ``jpeg``."""
        return JpegSegments(tuple(_segments(jpeg)))

    @property
    def scan_start(self) -> int:
        """Offset of the first start-of-scan marker, or -1 when there is none."""
        return self.found[-1][1] - 4 if self.found and self.found[-1][0] == _SOS else -1

    def orientation(self, jpeg: bytes) -> int:
        """Orientation from the first Exif segment."""
        for marker, start, end in self.found:
            if marker == _APP1 and jpeg.startswith(_EXIF, start):
                return tiff_orientation(jpeg[start + len(_EXIF) : end])
        return UPRIGHT

    def without_metadata(self, jpeg: bytes) -> bytes:
        """The picture alone, for readers that would look into metadata; empty where no scan begins."""
        if self.scan_start < 0:
            return b""
        kept = [jpeg[start - 4 : end] for marker, start, end in self.found if marker not in _METADATA]
        return b"".join((jpeg[:2], *kept, jpeg[self.found[-1][2] :]))


def tiff_orientation(tiff: bytes) -> int:
    """Orientation from a TIFF block, as found in Exif segments and chunks (with or without the Exif prefix)."""
    block = tiff.removeprefix(_EXIF)
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(block[:4])
    if order is None:
        return UPRIGHT
    try:
        (directory,) = struct.unpack_from(f"{order}I", block, 4)
        (count,) = struct.unpack_from(f"{order}H", block, directory)
        for entry in range(min(count, _MAX_ENTRIES)):
            at = directory + 2 + 12 * entry
            tag, kind, values = struct.unpack_from(f"{order}HHI", block, at)
            if tag == _ORIENTATION_TAG:
                return _orientation(block, at + 8, order, kind) if values == 1 else UPRIGHT
    except struct.error:  # an offset beyond the block
        return UPRIGHT
    return UPRIGHT


def _orientation(block: bytes, at: int, order: str, kind: int) -> int:
    if kind not in _TYPES:
        return UPRIGHT
    (value,) = struct.unpack_from(order + _TYPES[kind], block, at)
    return int(value) if 1 <= value <= 8 else UPRIGHT


def _segments(jpeg: bytes) -> list[tuple[int, int, int]]:
    found: list[tuple[int, int, int]] = []
    at = 2
    while at + 4 <= len(jpeg) and jpeg[at] == 0xFF:
        marker = jpeg[at + 1]
        if marker == 0xFF:  # fill bytes are allowed before a marker, T.81 B.1.1.2
            at += 1
            continue
        if marker in _STANDALONE:
            at += 2
            continue
        length = int.from_bytes(jpeg[at + 2 : at + 4], "big")
        if marker == _EOI or length < 2 or at + 2 + length > len(jpeg):
            break
        found.append((marker, at + 4, at + 2 + length))
        if marker == _SOS:
            break
        at += 2 + length
    return found
