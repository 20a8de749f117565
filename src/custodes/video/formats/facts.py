"""What is known of a stored video before a frame is decoded. Plain values with units; nothing is computed here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from custodes.core.box import Size


class ColourRange(StrEnum):
    """Which luma values stand for black and white (API enum): 16 to 235, or 0 to 255."""

    LIMITED = "LIMITED"
    FULL = "FULL"


@dataclass(frozen=True, slots=True)
class AudioFacts:
    """An audio track: codec by its common name, length, samples a second, channels."""

    codec: str
    duration_ms: int
    sample_rate_hz: int
    channels: int


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """A stored video with one picture track.

    Attributes:
        codec: by its common name, ``h264`` where the API's rules are kept.
        container: long name of the file format, as the API's captures have it.
        duration_ms: of the picture track.
        frame_rate: frames a second; the average where frames are of unequal length.
        frames: how many the structure declares; None where it does not say.
        size: as shown, that is after ``rotation_deg``.
        rotation_deg: by how much the coded frames are turned clockwise to be shown: 0, 90, 180 or 270.
        colour_range: LIMITED where the file does not say.
        audio: tracks in order.
    """

    codec: str
    container: str
    duration_ms: int
    frame_rate: Fraction
    frames: int | None
    size: Size
    rotation_deg: int = 0
    colour_range: ColourRange = ColourRange.LIMITED
    audio: tuple[AudioFacts, ...] = ()


@dataclass(frozen=True, slots=True)
class VideoLimits:
    """What is refused before decoding.

    Attributes:
        max_bytes: of the file. Source: API guide, 10 GB.
        max_duration_ms: Source: API guide, 6 hours.
        max_frame_rate: together with the duration it bounds the number of frames.
        max_side_px: of a coded frame. H.264 level 6.2 ends at 8192.
        max_tracks: of all kinds.
        strict: only what the API documents: H.264 in MP4 or MOV.
    """

    max_bytes: int = 10 * 1024**3
    max_duration_ms: int = 6 * 3600 * 1000
    max_frame_rate: int = 120
    max_side_px: int = 8192
    max_tracks: int = 32
    strict: bool = False

    @property
    def max_frames(self) -> int:
        """Most frames of a video."""
        return self.max_duration_ms // 1000 * self.max_frame_rate


DEFAULT_LIMITS = VideoLimits()
