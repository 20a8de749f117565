"""Which frames of a video are looked at, and what a decoded one is.

In: frame rate and samples a second. Out: frame numbers; and the port behind which videos are decoded. It decodes
nothing.

Sampling follows captures of the original: of 25 frames a second at two samples, frames 0, 12, 25 are analysed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol

from custodes.core.errors import VideoFormatError
from custodes.imaging.image import RgbArray
from custodes.video.segments.signature import FrameSignature

MAX_SAMPLE_SIDE_PX = 1280
"""Sampled frames are handed over no larger: the smallest face by the API's rule (40 px at 1080 lines) is then 27 px."""


class DecoderCrashedError(VideoFormatError):
    """The decoder ended without a word or took too long; another attempt may get further."""


@dataclass(frozen=True, slots=True)
class DecodingPlan:
    """What the decoder is to hand over.

    Attributes:
        frame_rate: frames a second of the video.
        samples_per_second: frames a second that are handed over as pixels; 0 for none.
        every_frame: hand over the signature of each frame.
        from_frame: hand over nothing before this frame.
        duration_ms: how long the video says it is; bounds the decoder's processor time.
    """

    frame_rate: Fraction
    samples_per_second: Fraction = Fraction(2)
    every_frame: bool = False
    from_frame: int = 0
    duration_ms: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class VideoFrame:
    """One frame: its number from 0, its time from the start, and as much of it as was planned.

    Attributes:
        rgb: (H, W, 3) uint8, upright, no side longer than ``MAX_SAMPLE_SIDE_PX``; None for a frame not sampled.
        signature: None unless every frame was planned.
    """

    index: int
    ts_ms: int
    rgb: RgbArray | None = None
    signature: FrameSignature | None = None


class FrameSource(Protocol):
    """Decodes videos that nobody vouches for."""

    def frames(self, path: Path, plan: DecodingPlan) -> AbstractContextManager[Iterator[VideoFrame]]:
        """Frames of the file in order, decoded while they are taken.

        Raises:
            VideoFormatError: while iterating; nothing could be decoded.
            DecoderCrashedError: while iterating; the decoder died or stood still.
        """
        ...


def sample_index(number: int, frame_rate: Fraction, samples_per_second: Fraction) -> int:
    """Frame of sample ``number`` from 0: the last frame that has begun by then."""
    return int(number * frame_rate / samples_per_second) if samples_per_second < frame_rate else number


def first_sample(from_frame: int, frame_rate: Fraction, samples_per_second: Fraction) -> int:
    """Number of the first sample whose frame is ``from_frame`` or later."""
    number = max(0, int(from_frame * samples_per_second / frame_rate) - 1) if samples_per_second < frame_rate else 0
    if samples_per_second >= frame_rate:
        return from_frame
    while sample_index(number, frame_rate, samples_per_second) < from_frame:
        number += 1
    return number
