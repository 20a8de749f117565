"""The structure of an MP4 or MOV file: tracks, codec, length, frame rate, size, rotation, colour range, audio.

In: a source of bytes. Out: ``VideoFacts``, or a typed refusal. It runs before any decoder sees the file: limits first,
in plain Python, without reading a sample table into memory. Sizes that a file declares are checked against where the
file ends. It decodes nothing, and it does not say that decoding will succeed.

Source: ISO/IEC 14496-12:2022 (boxes named at each function), QuickTime File Format (2016) for ``mp4a`` version 1 and 2.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from types import MappingProxyType

from custodes.core.box import Size
from custodes.core.errors import VideoFormatError, VideoTooLargeError
from custodes.video.formats.boxes import Box, BoxReader, ByteSource
from custodes.video.formats.facts import DEFAULT_LIMITS, AudioFacts, ColourRange, VideoFacts, VideoLimits
from custodes.video.formats.h264 import colour_range

MP4 = "QuickTime / MOV"
"""What the API calls both formats, which share their structure."""
_FIRST_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp", b"uuid"})
_CODECS: Mapping[bytes, str] = MappingProxyType(
    {
        b"avc1": "h264",
        b"avc3": "h264",
        b"hvc1": "hevc",
        b"hev1": "hevc",
        b"mp4v": "mpeg4",
        b"vp08": "vp8",
        b"vp09": "vp9",
        b"av01": "av1",
        b"jpeg": "mjpeg",
        b"apch": "prores",
        b"apcn": "prores",
    }
)
_AUDIO_CODECS: Mapping[bytes, str] = MappingProxyType(
    {b"mp4a": "aac", b"ac-3": "ac3", b"ec-3": "eac3", b"Opus": "opus", b"alac": "alac", b"fLaC": "flac", b".mp3": "mp3"}
)
# A video sample entry has 78 bytes of fields before its boxes, an audio entry 28. Source: 14496-12, 12.1.3 and 12.2.3.
_VIDEO_ENTRY_BYTES, _AUDIO_ENTRY_BYTES = 78, 28
_MAX_TIMING_RUNS = 100_000
_ONE = 1 << 16
_STEADY_SHARE = 0.95
_NO_SIZE = Size(0, 0)


@dataclass(slots=True)
class _Track:
    """What is read of one track; fields are those of the boxes with the same names."""

    handler: bytes = b""
    timescale: int = 0
    media_duration: int = 0
    shown_duration: int = 0
    matrix: tuple[int, int, int, int] = (_ONE, 0, 0, _ONE)
    entry: bytes = b""
    coded: Size = _NO_SIZE
    range: ColourRange | None = None
    channels: int = 0
    sample_rate_hz: int = 0
    samples: int = 0
    runs: list[tuple[int, int]] = field(default_factory=list)


@dataclass(slots=True)
class _Movie:
    timescale: int = 0
    duration: int = 0
    tracks: list[_Track] = field(default_factory=list)
    fragments: int = 0
    fragmented: bool = False


def is_mp4(source: ByteSource) -> bool:
    """Whether the first box is one that MP4 and MOV files begin with."""
    return source.read(4, 4) in _FIRST_BOXES


def read_container(source: ByteSource, limits: VideoLimits = DEFAULT_LIMITS) -> VideoFacts:
    """Facts of the MP4 or MOV file in ``source``.

    Raises:
        VideoTooLargeError: more bytes or a longer time than ``limits`` allow.
        VideoFormatError: not such a file, truncated, damaged, without a picture track, or beyond another limit.
    """
    if source.size > limits.max_bytes:
        raise too_many_bytes(source.size, limits)
    if not is_mp4(source):
        raise VideoFormatError("The video is not an MP4 or MOV file.")
    movie = _Movie()
    reader, found = BoxReader(source), False
    for box in reader.top():
        if box.kind == b"moov":
            found = True
            _read_movie(reader, box, movie, limits)
        elif box.kind == b"moof":
            _read_fragment(reader, box, movie)
    if not found:
        raise VideoFormatError("The video is truncated: its index is missing.")
    return _facts(movie, limits)


def too_many_bytes(size: int, limits: VideoLimits) -> VideoTooLargeError:
    """The refusal of a file of ``size`` bytes, in the API's words."""
    return VideoTooLargeError(
        f"Video size in bytes: {size} is more than the maximum limit of: {limits.max_bytes} bytes."
    )


def check_limits(facts: VideoFacts, limits: VideoLimits) -> None:
    """Raise VideoTooLargeError or VideoFormatError when ``facts`` are beyond ``limits``."""
    if facts.duration_ms > limits.max_duration_ms:
        raise VideoTooLargeError(
            f"Video duration in milliseconds: {facts.duration_ms} is more than the maximum limit of: "
            f"{limits.max_duration_ms} milliseconds."
        )
    if not 0 < facts.frame_rate <= limits.max_frame_rate:
        raise VideoFormatError("The video's frame rate is not supported.")
    if facts.frames is not None and facts.frames > limits.max_frames:
        raise VideoFormatError("The video has too many frames.")
    sides = sorted((facts.size.width, facts.size.height))
    if not 0 < sides[0] <= sides[1] <= limits.max_side_px:
        raise VideoFormatError("The video's frame size is not supported.")
    if limits.strict and (facts.codec != "h264" or facts.container != MP4):
        raise VideoFormatError("The video must be encoded as H.264 in an MP4 or MOV file.")


def _read_movie(reader: BoxReader, moov: Box, movie: _Movie, limits: VideoLimits) -> None:
    for box in reader.children(moov, 1):
        if box.kind == b"mvhd":
            movie.timescale, movie.duration = _clock(_fields(reader, box, 32))
        elif box.kind == b"mvex":
            movie.fragmented = True
        elif box.kind == b"trak":
            if len(movie.tracks) >= limits.max_tracks:
                raise VideoFormatError("The video has too many tracks.")
            track = _Track()
            movie.tracks.append(track)
            _read_track(reader, box, track, 2)


def _read_track(reader: BoxReader, parent: Box, track: _Track, depth: int) -> None:
    for box in reader.children(parent, depth):
        if box.kind in (b"mdia", b"minf", b"stbl"):
            _read_track(reader, box, track, depth + 1)
        elif box.kind in _TRACK_BOXES:
            _TRACK_BOXES[box.kind](reader, box, track)


def _read_tkhd(reader: BoxReader, box: Box, track: _Track) -> None:
    """Track header: duration in the movie's time scale, and the matrix that turns frames. Source: 8.3.2."""
    data = _fields(reader, box, 104)
    long = data[0] == 1
    wide = 12 if long else 0
    at = 28 if long else 20
    track.shown_duration = int.from_bytes(data[at : at + (8 if long else 4)], "big")
    # Longest values mean that the duration is not known.
    if track.shown_duration in (0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF):
        track.shown_duration = 0
    matrix = data[40 + wide : 40 + wide + 20]
    if len(matrix) == 20:
        a, b, _, c, d = struct.unpack(">5i", matrix)
        track.matrix = (a, b, c, d)


def _read_mdhd(reader: BoxReader, box: Box, track: _Track) -> None:
    track.timescale, track.media_duration = _clock(_fields(reader, box, 32))


def _read_hdlr(reader: BoxReader, box: Box, track: _Track) -> None:
    # A QuickTime file has a second handler, of the data reference, within minf: the first one counts.
    track.handler = track.handler or _fields(reader, box, 12)[8:12]


def _read_stsd(reader: BoxReader, box: Box, track: _Track) -> None:
    """Sample descriptions: the first entry is the one that counts. Source: 8.5.2."""
    for entry in reader.children(box, 6, skip=8):
        track.entry = entry.kind
        if track.handler == b"vide":
            _read_picture_entry(reader, entry, track)
        elif track.handler == b"soun":
            _read_sound_entry(reader, entry, track)
        return


def _read_picture_entry(reader: BoxReader, entry: Box, track: _Track) -> None:
    data = _fields(reader, entry, _VIDEO_ENTRY_BYTES)
    track.coded = Size(*struct.unpack(">HH", data[24:28]))
    for box in reader.children(entry, 7, skip=_VIDEO_ENTRY_BYTES):
        if box.kind == b"colr" and box.length >= 11 and reader.payload(box, 4) == b"nclx":
            track.range = ColourRange.FULL if reader.payload(box, 1, 10)[0] & 0x80 else ColourRange.LIMITED
        elif box.kind == b"avcC" and track.range is None:
            track.range = colour_range(reader.payload(box, 2048))


def _read_sound_entry(reader: BoxReader, entry: Box, track: _Track) -> None:
    data = _fields(reader, entry, _AUDIO_ENTRY_BYTES)
    version = int.from_bytes(data[8:10], "big")
    track.channels, track.sample_rate_hz = int.from_bytes(data[16:18], "big"), int.from_bytes(data[24:26], "big")
    if version == 2:
        more = reader.payload(entry, 44)
        if len(more) >= 44:
            rate, track.channels = struct.unpack(">dI", more[32:44])
            track.sample_rate_hz = int(rate) if 0 < rate < 1e6 else 0


def _read_stts(reader: BoxReader, box: Box, track: _Track) -> None:
    """Time to sample: runs of frames of equal length, as many as are needed to know the usual length."""
    count = int.from_bytes(_fields(reader, box, 8)[4:8], "big")
    if count * 8 > box.length - 8 or count > _MAX_TIMING_RUNS * 100:
        raise VideoFormatError("The video's structure is damaged: a table is longer than its box.")
    data = reader.payload(box, min(count, _MAX_TIMING_RUNS) * 8, 8)
    track.runs = [(frames, delta) for frames, delta in struct.iter_unpack(">II", data[: len(data) // 8 * 8])]


def _read_stsz(reader: BoxReader, box: Box, track: _Track) -> None:
    data = _fields(reader, box, 12)
    one_size, count = int.from_bytes(data[4:8], "big"), int.from_bytes(data[8:12], "big")
    if one_size == 0 and count * 4 > box.length - 12:
        raise VideoFormatError("The video's structure is damaged: a table is longer than its box.")
    track.samples = count


_TRACK_BOXES = MappingProxyType(
    {
        b"tkhd": _read_tkhd,
        b"mdhd": _read_mdhd,
        b"hdlr": _read_hdlr,
        b"stsd": _read_stsd,
        b"stts": _read_stts,
        b"stsz": _read_stsz,
    }
)


def _read_fragment(reader: BoxReader, moof: Box, movie: _Movie) -> None:
    """Frames of one fragment, over all tracks: an upper bound of those with pictures. Source: 8.8.8."""
    for traf in reader.children(moof, 1):
        if traf.kind == b"traf":
            for box in reader.children(traf, 2):
                if box.kind == b"trun":
                    movie.fragments += int.from_bytes(_fields(reader, box, 8)[4:8], "big")


def _facts(movie: _Movie, limits: VideoLimits) -> VideoFacts:
    pictures = [track for track in movie.tracks if track.handler == b"vide" and track.entry]
    if not pictures:
        raise VideoFormatError("The video has no picture track.")
    track = pictures[0]
    if track.timescale == 0:
        raise VideoFormatError("The video's structure is damaged: a track has no time scale.")
    rotation = _rotation_deg(track.matrix)
    coded = track.coded
    size = Size(coded.height, coded.width) if rotation in (90, 270) else coded
    facts = VideoFacts(
        codec=_CODECS.get(track.entry, track.entry.decode("latin-1").strip()),
        container=MP4,
        duration_ms=_duration_ms(track, movie),
        frame_rate=_frame_rate(track),
        frames=None if movie.fragmented else track.samples,
        size=size,
        rotation_deg=rotation,
        colour_range=track.range or ColourRange.LIMITED,
        audio=tuple(_audio(track, movie) for track in movie.tracks if track.handler == b"soun" and track.entry),
    )
    if movie.fragments > limits.max_frames * limits.max_tracks:
        raise VideoFormatError("The video has too many frames.")
    check_limits(facts, limits)
    return facts


def _audio(track: _Track, movie: _Movie) -> AudioFacts:
    codec = _AUDIO_CODECS.get(track.entry, track.entry.decode("latin-1").strip())
    return AudioFacts(codec, _duration_ms(track, movie), track.sample_rate_hz, track.channels)


def _duration_ms(track: _Track, movie: _Movie) -> int:
    """As shown, with edit lists applied, else as coded, else of the movie."""
    if track.shown_duration and movie.timescale:
        return track.shown_duration * 1000 // movie.timescale
    if track.media_duration and track.timescale:
        return track.media_duration * 1000 // track.timescale
    return movie.duration * 1000 // movie.timescale if movie.timescale else 0


def _frame_rate(track: _Track) -> Fraction:
    """Of the usual frame length where nearly all frames have it, else the average; 25 where nothing is known.

    The last frames of a recording are often of another length, which an average would turn into 29.96 a second.
    """
    lengths: dict[int, int] = {}
    for frames, delta in track.runs:
        lengths[delta] = lengths.get(delta, 0) + frames
    total = sum(lengths.values())
    ticks = sum(frames * delta for delta, frames in lengths.items())
    if not total or not ticks:
        return Fraction(25)
    usual = max(lengths, key=lambda delta: lengths[delta])
    if usual and lengths[usual] >= _STEADY_SHARE * total:
        return Fraction(track.timescale, usual)
    return Fraction(total * track.timescale, ticks)


def _rotation_deg(matrix: tuple[int, int, int, int]) -> int:
    """Clockwise rotation of a track's matrix. Source: 14496-12, 6.2.2: (a, b) is where the x axis goes."""
    a, b, _, _ = matrix
    if abs(a) >= abs(b):
        return 180 if a < 0 else 0
    return 90 if b > 0 else 270


def _clock(data: bytes) -> tuple[int, int]:
    """Time scale and duration of ``mvhd`` or ``mdhd``. Source: 8.2.2 and 8.4.2."""
    if data[0] == 1:
        timescale, duration = struct.unpack(">IQ", data[20:32])
        return timescale, 0 if duration == 0xFFFFFFFFFFFFFFFF else duration
    timescale, duration = struct.unpack(">II", data[12:20])
    return timescale, 0 if duration == 0xFFFFFFFF else duration


def _fields(reader: BoxReader, box: Box, at_most: int) -> bytes:
    """The box's first bytes, padded to ``at_most`` where it has fewer but no less than 8."""
    data = reader.payload(box, at_most)
    if len(data) < 8:
        raise VideoFormatError("The video's structure is damaged: a part is too short.")
    return data.ljust(at_most, b"\0")
