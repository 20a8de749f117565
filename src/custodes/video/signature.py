"""What is kept of every frame for finding shots and cues: few numbers, computed where the frame is decoded.

In: consecutive frames, BGR as the decoder gives them. Out: a ``Signature`` each, which goes through a pipe as a fixed
number of bytes. It decides nothing.
"""

from __future__ import annotations

import struct
from collections import deque
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

UInt8 = NDArray[np.uint8]
Float = NDArray[np.float32]

THUMB_WIDTH, THUMB_HEIGHT = 32, 18
_THUMB_BYTES = THUMB_WIDTH * THUMB_HEIGHT * 3
_NUMBERS = struct.Struct("<3f")
SIGNATURE_BYTES = _NUMBERS.size + 2 * 256 + _THUMB_BYTES
SPAN_FRAMES = 12
"""How far apart the frames are that a soft transition is seen by: shorter ones are steeper than that."""
_SMALL_SIDE_PX = 256
"""Frames are compared at about this width: enough for histograms, and 25 times fewer pixels than at 1280."""


@dataclass(frozen=True, slots=True, eq=False)
class Signature:
    """Numbers of one frame.

    Attributes:
        change: mean absolute difference from the frame before in hue, saturation and brightness, 0 to 255.
        drift: the same of brightness and colour against the frame ``SPAN_FRAMES`` earlier, on the thumbnail.
        luma: mean brightness, 0 to 255 of the full range.
        darkness: (256,) share of pixels with at most this brightness, 0 to 1.
        thumb: (18, 32, 3) uint8 RGB.
    """

    change: float
    drift: float
    luma: float
    darkness: Float
    thumb: UInt8

    def to_bytes(self) -> bytes:
        """``SIGNATURE_BYTES`` bytes."""
        shares = np.round(self.darkness * 65535).astype("<u2").tobytes()
        return _NUMBERS.pack(self.change, self.drift, self.luma) + shares + self.thumb.tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Signature:
        """Raises ValueError unless there are ``SIGNATURE_BYTES`` bytes of finite numbers."""
        if len(data) != SIGNATURE_BYTES:
            raise ValueError("a signature of another length")
        change, drift, luma = _NUMBERS.unpack_from(data)
        if not all(0 <= value <= 255 for value in (change, drift, luma)):
            raise ValueError("a signature out of range")
        at = _NUMBERS.size
        darkness = np.asarray(np.frombuffer(data, "<u2", 256, at) / 65535, np.float32)
        thumb = np.frombuffer(data, np.uint8, _THUMB_BYTES, at + 512).reshape(THUMB_HEIGHT, THUMB_WIDTH, 3)
        return cls(change, drift, luma, darkness, thumb)


class SignatureReader:
    """Makes signatures of consecutive frames."""

    def __init__(self) -> None:
        """Before the first frame."""
        self._before: UInt8 | None = None
        self._thumbs: deque[UInt8] = deque(maxlen=SPAN_FRAMES)

    def read(self, bgr: UInt8) -> Signature:
        """The signature of the next frame, (H, W, 3) uint8 BGR."""
        step = max(1, bgr.shape[1] // _SMALL_SIDE_PX)
        small = np.ascontiguousarray(bgr[::step, ::step])
        hsv = np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2HSV), np.uint8)
        thumb = np.asarray(cv2.resize(small, (THUMB_WIDTH, THUMB_HEIGHT), interpolation=cv2.INTER_AREA), np.uint8)
        grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.uint8)
        counts = np.bincount(grey.ravel(), minlength=256)
        before, earlier = self._before, self._thumbs[0] if self._thumbs else thumb
        self._before = hsv
        self._thumbs.append(thumb)
        return Signature(
            change=0.0 if before is None or before.shape != hsv.shape else _difference(hsv, before),
            drift=_difference(thumb, earlier),
            luma=float(counts @ np.arange(256) / grey.size),
            darkness=np.asarray(np.cumsum(counts) / grey.size, np.float32),
            thumb=np.ascontiguousarray(thumb[..., ::-1]),
        )


def _difference(one: UInt8, other: UInt8) -> float:
    return float(cv2.norm(one, other, cv2.NORM_L1)) / one.size
