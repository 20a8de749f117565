"""MP4 structures written by hand, for tests: boxes with chosen fields and no frames behind them.

In: what the file claims. Out: its bytes. Source of layouts: ISO/IEC 14496-12.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

_ONE = 1 << 16
MATRICES = {
    0: (_ONE, 0, 0, 0, _ONE, 0, 0, 0, 1 << 30),
    90: (0, _ONE, 0, -_ONE, 0, 0, 0, 0, 1 << 30),
    180: (-_ONE, 0, 0, 0, -_ONE, 0, 0, 0, 1 << 30),
    270: (0, -_ONE, 0, _ONE, 0, 0, 0, 0, 1 << 30),
}


class Bytes:
    """A ByteSource over bytes in memory; counts what was read."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.taken = 0

    @property
    def size(self) -> int:
        return len(self._data)

    def read(self, offset: int, length: int) -> bytes:
        found = self._data[offset : offset + length]
        self.taken += len(found)
        return found


def box(kind: str, *parts: bytes) -> bytes:
    payload = b"".join(parts)
    return struct.pack(">I4s", 8 + len(payload), kind.encode("latin-1")) + payload


def full(kind: str, *parts: bytes, version: int = 0) -> bytes:
    return box(kind, bytes([version, 0, 0, 0]), *parts)


@dataclass(frozen=True)
class Claim:
    """What a file says about itself."""

    codec: str = "avc1"
    width: int = 1280
    height: int = 720
    timescale: int = 30000
    runs: tuple[tuple[int, int], ...] = ((300, 1001),)
    rotation_deg: int = 0
    full_range: bool | None = None
    audio: bool = False
    long_headers: bool = False
    tracks: int = 1
    extra: tuple[bytes, ...] = field(default=())

    @property
    def frames(self) -> int:
        return sum(count for count, _ in self.runs)

    @property
    def ticks(self) -> int:
        return sum(count * delta for count, delta in self.runs)


def movie(claim: Claim) -> bytes:
    """A whole file."""
    tracks = [picture_track(claim)] * claim.tracks + ([sound_track()] if claim.audio else [])
    duration_ms = claim.ticks * 1000 // claim.timescale
    mvhd = full("mvhd", struct.pack(">IIII", 0, 0, 1000, duration_ms), bytes(80))
    return b"".join(
        (
            box("ftyp", b"isom", bytes(4), b"isom"),
            box("moov", mvhd, *tracks),
            *claim.extra,
            box("mdat", bytes(64)),
        )
    )


def picture_track(claim: Claim) -> bytes:
    duration_ms = claim.ticks * 1000 // claim.timescale
    matrix = struct.pack(">9i", *MATRICES[claim.rotation_deg])
    if claim.long_headers:
        times = struct.pack(">QQIIQ", 0, 0, 1, 0, duration_ms)
        clock = full("mdhd", struct.pack(">QQIQ", 0, 0, claim.timescale, claim.ticks), bytes(4), version=1)
    else:
        times = struct.pack(">IIIII", 0, 0, 1, 0, duration_ms)
        clock = full("mdhd", struct.pack(">IIII", 0, 0, claim.timescale, claim.ticks), bytes(4))
    tkhd = full("tkhd", times, bytes(16), matrix, bytes(8), version=int(claim.long_headers))
    colour = b""
    if claim.full_range is not None:
        colour = box("colr", b"nclx", struct.pack(">HHHB", 1, 1, 1, 0x80 if claim.full_range else 0))
    entry = box(claim.codec, bytes(24), struct.pack(">HH", claim.width, claim.height), bytes(50), colour)
    stts = full("stts", struct.pack(">I", len(claim.runs)), *(struct.pack(">II", *run) for run in claim.runs))
    stsz = full("stsz", struct.pack(">II", 100, claim.frames))
    return box("trak", tkhd, box("mdia", clock, handler("vide"), _tables(entry, stts, stsz)))


def sound_track() -> bytes:
    tkhd = full("tkhd", struct.pack(">IIIII", 0, 0, 2, 0, 10_005), bytes(60))
    clock = full("mdhd", struct.pack(">IIII", 0, 0, 48000, 480_240), bytes(4))
    entry = box("mp4a", bytes(16), struct.pack(">HHHHI", 2, 16, 0, 0, 48000 << 16))
    return box("trak", tkhd, box("mdia", clock, handler("soun"), _tables(entry)))


def handler(kind: str) -> bytes:
    return full("hdlr", bytes(4), kind.encode(), bytes(12))


def _tables(entry: bytes, *tables: bytes) -> bytes:
    return box("minf", box("stbl", full("stsd", struct.pack(">I", 1), entry), *tables))
