"""The structure of an AVI file: codec, length, frame rate, size, audio.

In: a source of bytes. Out: ``VideoFacts``, or a typed refusal. It reads the header list only, before any decoder sees
the file.

Source: AVI RIFF File Reference (Microsoft, 1999): ``hdrl``, ``strl``, ``strh``, ``strf``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from fractions import Fraction
from types import MappingProxyType

from custodes.core.box import Size
from custodes.core.errors import VideoFormatError
from custodes.video.formats.boxes import ByteSource
from custodes.video.formats.facts import AudioFacts, VideoFacts, VideoLimits

CONTAINER = "AVI (Audio Video Interleaved)"
_MAX_CHUNKS = 10_000
_LISTS = frozenset({b"hdrl", b"strl"})
_CODECS: Mapping[bytes, str] = MappingProxyType(
    {
        b"H264": "h264",
        b"AVC1": "h264",
        b"XVID": "mpeg4",
        b"DIVX": "mpeg4",
        b"DX50": "mpeg4",
        b"FMP4": "mpeg4",
        b"MJPG": "mjpeg",
        b"HEVC": "hevc",
    }
)
_AUDIO: Mapping[int, str] = MappingProxyType({1: "pcm", 0x55: "mp3", 0xFF: "aac", 0x2000: "ac3"})


def is_avi(source: ByteSource) -> bool:
    """Whether the file begins as AVI files do."""
    head = source.read(0, 12)
    return head[:4] == b"RIFF" and head[8:12] == b"AVI "


def read_avi(source: ByteSource, limits: VideoLimits) -> VideoFacts:
    """Facts of the file in ``source``. Raises VideoFormatError where it is damaged or has no picture stream."""
    streams: list[tuple[bytes, bytes]] = []
    header = b""
    for kind, data in _chunks(source):
        if kind == b"strh":
            header = data
            if len(streams) >= limits.max_tracks:
                raise VideoFormatError("The video has too many tracks.")
        elif kind == b"strf" and header:
            streams.append((header, data))
            header = b""
    picture = next((one for one in streams if one[0][:4] == b"vids"), None)
    if picture is None or len(picture[0]) < 36 or len(picture[1]) < 20:
        raise VideoFormatError("The file has no video track.")
    scale, rate, _, frames = struct.unpack("<4I", picture[0][20:36])
    width, height = struct.unpack("<ii", picture[1][4:12])
    frame_rate = Fraction(rate, scale) if scale and rate else Fraction(25)
    duration_ms = int(frames * 1000 / frame_rate)
    sounds = [data for head, data in streams if head[:4] == b"auds" and len(data) >= 8]
    return VideoFacts(
        codec=_CODECS.get(picture[1][16:20].upper(), picture[1][16:20].decode("ascii", "replace").strip("\0 ").lower()),
        container=CONTAINER,
        duration_ms=duration_ms,
        frame_rate=frame_rate,
        frames=frames,
        # A negative height says that rows are stored from the top.
        size=Size(abs(width), abs(height)),
        audio=tuple(_audio(data, duration_ms) for data in sounds),
    )


def _audio(data: bytes, duration_ms: int) -> AudioFacts:
    tag, channels, sample_rate_hz = struct.unpack("<HHI", data[:8])
    return AudioFacts(_AUDIO.get(tag, "unknown"), duration_ms, sample_rate_hz, channels)


def _chunks(source: ByteSource) -> Iterator[tuple[bytes, bytes]]:
    """Chunks of the header list, which stands in front of the pictures."""
    at = 12
    for _ in range(_MAX_CHUNKS):
        head = source.read(at, 12)
        if len(head) < 8 or (head[:4] == b"LIST" and head[8:12] == b"movi"):
            return
        size = int.from_bytes(head[4:8], "little")
        if head[:4] == b"LIST" and head[8:12] in _LISTS:
            at += 12
            continue
        if at + 8 + size > source.size:
            raise VideoFormatError("The video is truncated.")
        yield head[:4], source.read(at + 8, min(size, 64))
        at += 8 + size + size % 2
