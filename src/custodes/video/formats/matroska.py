"""The structure of a Matroska or WebM file: tracks, codec, length, frame rate, size, audio.

In: a source of bytes. Out: ``VideoFacts``, or a typed refusal. It runs before any decoder sees the file and reads
headers only, never more than a bounded number of them. Recordings of browsers tell neither their length nor their
rate; both then come from the times of their blocks.

Source: RFC 8794 (EBML: element ids and sizes, unknown sizes in 6.2), RFC 9559 (Matroska: elements named below).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from types import MappingProxyType

from custodes.core.box import Size
from custodes.core.errors import VideoFormatError
from custodes.video.formats.boxes import ByteSource
from custodes.video.formats.facts import AudioFacts, VideoFacts, VideoLimits

CONTAINER = "Matroska / WebM"
MAGIC = b"\x1a\x45\xdf\xa3"
MAX_ELEMENTS = 200_000
_SEGMENT, _INFO, _SCALE, _DURATION = 0x18538067, 0x1549A966, 0x2AD7B1, 0x4489
_TRACKS, _ENTRY, _NUMBER, _TYPE, _CODEC, _FRAME_NS = 0x1654AE6B, 0xAE, 0xD7, 0x83, 0x86, 0x23E383
_VIDEO, _WIDTH, _HEIGHT, _AUDIO, _RATE, _CHANNELS = 0xE0, 0xB0, 0xBA, 0xE1, 0xB5, 0x9F
_CLUSTER, _TIME, _SIMPLE_BLOCK, _GROUP, _BLOCK = 0x1F43B675, 0xE7, 0xA3, 0xA0, 0xA1
_INSIDE = frozenset({_SEGMENT, _INFO, _TRACKS, _ENTRY, _VIDEO, _AUDIO, _CLUSTER, _GROUP})
"""Elements that hold others which are read."""
_READ = frozenset(
    {
        _SCALE,
        _DURATION,
        _NUMBER,
        _TYPE,
        _CODEC,
        _FRAME_NS,
        _WIDTH,
        _HEIGHT,
        _RATE,
        _CHANNELS,
        _TIME,
        _SIMPLE_BLOCK,
        _BLOCK,
    }
)
_PICTURE, _SOUND = 1, 2
_MAX_VALUE_BYTES = 64
_CODECS: Mapping[str, str] = MappingProxyType(
    {
        "V_MPEG4/ISO/AVC": "h264",
        "V_MPEGH/ISO/HEVC": "hevc",
        "V_MPEG4/ISO/ASP": "mpeg4",
        "V_VP8": "vp8",
        "V_VP9": "vp9",
        "V_AV1": "av1",
        "V_MJPEG": "mjpeg",
        "A_OPUS": "opus",
        "A_VORBIS": "vorbis",
        "A_FLAC": "flac",
        "A_AC3": "ac3",
        "A_MPEG/L3": "mp3",
    }
)


@dataclass(slots=True)
class _MatroskaTrack:
    number: int = 0
    kind: int = 0
    codec: str = ""
    frame_ns: int = 0
    width: int = 0
    height: int = 0
    sample_rate_hz: float = 8000.0
    channels: int = 1


@dataclass(slots=True)
class _Recording:
    """``blocks``: by track, how many and the first and last time, in ticks."""

    scale_ns: int = 1_000_000
    duration: float = 0.0
    cluster: int = 0
    tracks: list[_MatroskaTrack] = field(default_factory=list)
    blocks: dict[int, list[int]] = field(default_factory=dict)


def read_matroska(source: ByteSource, limits: VideoLimits) -> VideoFacts:
    """Facts of the file in ``source``. Raises VideoFormatError where it is damaged or has no picture track."""
    found = _Recording()
    for element, value in _elements(source):
        if element == _ENTRY:
            if len(found.tracks) >= limits.max_tracks:
                raise VideoFormatError("The video has too many tracks.")
            found.tracks.append(_MatroskaTrack())
        else:
            _take(found, element, value)
    picture = next((track for track in found.tracks if track.kind == _PICTURE), None)
    if picture is None:
        raise VideoFormatError("The file has no video track.")
    count, first, last = found.blocks.get(picture.number, [0, 0, 0])
    span = (last - first) * found.scale_ns
    rate = Fraction(25)
    if picture.frame_ns:
        rate = Fraction(10**9, picture.frame_ns).limit_denominator(1001)
    elif count > 1 and span > 0:
        rate = Fraction((count - 1) * 10**9, span).limit_denominator(1001)
    told_ns = found.duration * found.scale_ns
    length_ns = told_ns if 0 < told_ns < 1e18 else last * found.scale_ns + 10**9 / float(rate or 1)
    duration_ms = int(length_ns / 1e6)
    return VideoFacts(
        codec=_codec(picture.codec),
        container=CONTAINER,
        duration_ms=duration_ms,
        frame_rate=rate,
        frames=None,
        size=Size(picture.width, picture.height),
        audio=tuple(
            AudioFacts(_codec(one.codec), duration_ms, int(min(one.sample_rate_hz, 1e6)), one.channels)
            for one in found.tracks
            if one.kind == _SOUND
        ),
    )


def _take(found: _Recording, element: int, value: bytes) -> None:
    """Keep the value of one element."""
    number = int.from_bytes(value[:8], "big")
    if element == _SCALE:
        found.scale_ns = max(1, number)
    elif element == _DURATION:
        found.duration = _real(value)
    elif element == _TIME:
        found.cluster = number
    elif element in (_SIMPLE_BLOCK, _BLOCK):
        _take_block(found, value)
    elif found.tracks:
        _take_track(found.tracks[-1], element, value, number)


def _take_track(track: _MatroskaTrack, element: int, value: bytes, number: int) -> None:
    if element == _NUMBER:
        track.number = number
    elif element == _TYPE:
        track.kind = number
    elif element == _CODEC:
        track.codec = value.decode("ascii", "replace").rstrip("\0")
    elif element == _FRAME_NS:
        track.frame_ns = number
    elif element == _WIDTH:
        track.width = number
    elif element == _HEIGHT:
        track.height = number
    elif element == _RATE:
        track.sample_rate_hz = _real(value)
    elif element == _CHANNELS:
        track.channels = number


def _take_block(found: _Recording, value: bytes) -> None:
    """Track and time are a block's first bytes. Source: RFC 9559, 10."""
    if len(value) >= 4 and value[0] & 0x80:
        ts = found.cluster + int(struct.unpack(">h", value[1:3])[0])
        seen = found.blocks.setdefault(value[0] & 0x7F, [0, ts, ts])
        seen[0], seen[1], seen[2] = seen[0] + 1, min(seen[1], ts), max(seen[2], ts)


def _elements(source: ByteSource) -> Iterator[tuple[int, bytes]]:
    """Elements that are read, in order; of those that hold others their children follow."""
    at, count = 0, 0
    while at < source.size:
        count += 1
        if count > MAX_ELEMENTS:
            return  # what is known by then is enough: long files tell their length in front
        head = source.read(at, 12)
        element, id_bytes = _variable(head, keep_marker=True)
        size, size_bytes = _variable(head[id_bytes:], keep_marker=False)
        if not id_bytes or not size_bytes:
            raise VideoFormatError("The video's structure is damaged.")
        start = at + id_bytes + size_bytes
        if element in _INSIDE:
            yield element, b""
            at = start
            continue
        unknown = size == (1 << 7 * size_bytes) - 1
        if unknown or start + size > source.size:
            return  # cut short, as recordings are: what came before counts
        if element in _READ:
            yield element, source.read(start, min(size, _MAX_VALUE_BYTES))
        at = start + size


def _variable(data: bytes, *, keep_marker: bool) -> tuple[int, int]:
    """A number of one to eight bytes whose first bits tell how many; (0, 0) for none. Source: RFC 8794, 4 and 5."""
    if not data or not data[0]:
        return 0, 0
    length = 9 - data[0].bit_length()
    if len(data) < length or (keep_marker and length > 4):
        return 0, 0
    value = int.from_bytes(data[:length], "big")
    return (value if keep_marker else value & ((1 << 7 * length) - 1)), length


def _real(value: bytes) -> float:
    number = struct.unpack(">f" if len(value) == 4 else ">d", value.ljust(8, b"\0")[: 4 if len(value) == 4 else 8])[0]
    return float(number) if 0 <= number < 1e18 else 0.0


def _codec(name: str) -> str:
    """The common name; all profiles of AAC are one."""
    return "aac" if name.startswith("A_AAC") else _CODECS.get(name, name.lower()[:32] or "unknown")
