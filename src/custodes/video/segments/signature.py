"""What is kept of every frame for finding shots and cues: few numbers, computed where the frame is decoded.

In: consecutive frames, BGR as the decoder gives them. Out: a ``FrameSignature`` each, which goes through a pipe as a
fixed number of bytes. It decides nothing.
"""

from __future__ import annotations

import struct
from collections import deque
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from custodes.video.segments.text_lines import shows_text_lines

UInt8 = NDArray[np.uint8]
Float = NDArray[np.float32]

THUMB_WIDTH, THUMB_HEIGHT = 32, 18
_THUMB_BYTES = THUMB_WIDTH * THUMB_HEIGHT * 3
_NUMBERS = struct.Struct("<5f")
SIGNATURE_BYTES = _NUMBERS.size + 2 * 256 + _THUMB_BYTES
SPAN_FRAMES = 12
"""How far apart the frames are that a soft transition is seen by: shorter ones are steeper than that."""
_SMALL_SIDE_PX = 256
"""Frames are compared at about this width: enough for histograms, and 25 times fewer pixels than at 1280."""


@dataclass(frozen=True, slots=True, eq=False)
class FrameSignature:
    """Numbers of one frame.

    Attributes:
        change: mean absolute difference from the frame before, brightness and (twice) colour, 0 to 255.
        drift: mean absolute difference of the thumbnail from that ``SPAN_FRAMES`` earlier.
        bend: how far the thumbnail half way between lies from the mean of both; near 0 where one picture is blended
            into another, of the size of ``drift`` where things move.
        luma: mean brightness, 0 to 255 of the full range.
        text: 1 where lines of light text stand on a dark ground, else 0.
        darkness: (256,) share of pixels with at most this brightness, 0 to 1.
        thumb: (18, 32, 3) uint8 RGB.
    """

    change: float
    drift: float
    bend: float
    luma: float
    text: float
    darkness: Float
    thumb: UInt8

    def to_bytes(self) -> bytes:
        """``SIGNATURE_BYTES`` bytes."""
        shares = np.round(self.darkness * 65535).astype("<u2").tobytes()
        return _NUMBERS.pack(self.change, self.drift, self.bend, self.luma, self.text) + shares + self.thumb.tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> FrameSignature:
        """Raises ValueError unless there are ``SIGNATURE_BYTES`` bytes of finite numbers."""
        if len(data) != SIGNATURE_BYTES:
            raise ValueError("a signature of another length")
        numbers = _NUMBERS.unpack_from(data)
        if not all(0 <= value <= 255 for value in numbers):
            raise ValueError("a signature out of range")
        at = _NUMBERS.size
        darkness = np.asarray(np.frombuffer(data, "<u2", 256, at) / 65535, np.float32)
        thumb = np.frombuffer(data, np.uint8, _THUMB_BYTES, at + 512).reshape(THUMB_HEIGHT, THUMB_WIDTH, 3)
        change, drift, bend, luma, text = numbers
        return cls(change, drift, bend, luma, text, darkness, thumb)


class SignatureReader:
    """Makes signatures of consecutive frames."""

    def __init__(self) -> None:
        """Before the first frame."""
        self._before: UInt8 | None = None
        self._thumbs: deque[UInt8] = deque(maxlen=SPAN_FRAMES)

    def read(self, bgr: UInt8) -> FrameSignature:
        """The signature of the next frame, (H, W, 3) uint8 BGR."""
        step = max(1, bgr.shape[1] // _SMALL_SIDE_PX)
        small = np.ascontiguousarray(bgr[::step, ::step])
        luma_colour = np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2YCrCb), np.uint8)
        thumb = np.asarray(cv2.resize(small, (THUMB_WIDTH, THUMB_HEIGHT), interpolation=cv2.INTER_AREA), np.uint8)
        counts = np.bincount(luma_colour[..., 0].ravel(), minlength=256)
        pixels = luma_colour.shape[0] * luma_colour.shape[1]
        before, self._before = self._before, luma_colour
        drift, bend = self._drift(thumb)
        self._thumbs.append(thumb)
        return FrameSignature(
            change=0.0 if before is None or before.shape != luma_colour.shape else _change(luma_colour, before),
            drift=drift,
            bend=bend,
            luma=float(counts @ np.arange(256) / pixels),
            text=float(shows_text_lines(luma_colour[..., 0])),
            darkness=np.asarray(np.cumsum(counts) / pixels, np.float32),
            thumb=np.ascontiguousarray(thumb[..., ::-1]),
        )

    def _drift(self, thumb: UInt8) -> tuple[float, float]:
        """``drift`` and ``bend`` of the next thumbnail; both 0 before there is a whole span."""
        if len(self._thumbs) < SPAN_FRAMES:
            return 0.0, 0.0
        first, middle, last = (
            one.astype(np.float32) for one in (self._thumbs[0], self._thumbs[SPAN_FRAMES // 2], thumb)
        )
        return float(np.abs(last - first).mean()), float(np.abs(middle - (first + last) / 2).mean())


def _change(one: UInt8, other: UInt8) -> float:
    """Sum over the three planes with double weight for colour, over three: at most 255 in practice."""
    brightness, red, blue = cv2.mean(cv2.absdiff(one, other))[:3]
    return min(255.0, (brightness + 2 * (red + blue)) / 3)


_OTHER_PICTURE = 40.0
"""Mean difference of thumbnails half a second apart that motion within one shot does not reach."""


def thumbnail(rgb: UInt8) -> UInt8:
    """(18, 32, 3) uint8 RGB of a frame."""
    small = cv2.resize(rgb, (THUMB_WIDTH, THUMB_HEIGHT), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def picture_changed(before: UInt8, after: UInt8) -> bool:
    """Whether two thumbnails half a second apart cannot be of one shot, so that places mean nothing between them."""
    return float(np.abs(before.astype(np.float32) - after).mean()) >= _OTHER_PICTURE
