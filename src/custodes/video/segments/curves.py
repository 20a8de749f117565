"""Numbers of all frames of a video side by side: what shots and cues are found in.

In: signatures, frame by frame. Out: arrays, and the same as bytes for a checkpoint. Eight numbers a frame: a video of
six hours at 30 frames a second has 21 MB of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

import numpy as np

from custodes.video.segments.cues import is_colour_bars
from custodes.video.segments.signature import Float, FrameSignature

_FULL = 255


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """(N,) float32 each.

    Attributes:
        ts_ms: time of the frame.
        change, drift, bend, luma: as in ``FrameSignature``.
        dark: share of black pixels, 0 to 1, where the request says what black is.
        bars: 1 where the frame shows colour bars.
        text: 1 where it shows lines of light text on a dark ground.
    """

    ts_ms: Float
    change: Float
    drift: Float
    bend: Float
    luma: Float
    dark: Float
    bars: Float
    text: Float

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.ts_ms)

    def to_bytes(self) -> bytes:
        """Little-endian, one array after the other."""
        return np.stack([getattr(self, item.name) for item in fields(self)]).astype("<f4").tobytes()


CURVES = len(fields(Curves))
"""How many arrays there are."""


def curves_from(pages: Iterable[bytes]) -> Curves:
    """Curves whose parts were written by ``to_bytes``, joined in order."""
    parts = [np.frombuffer(page, "<f4").reshape(CURVES, -1) for page in pages]
    whole = np.concatenate(parts, axis=1) if parts else np.zeros((CURVES, 0), np.float32)
    return Curves(*(np.asarray(row, np.float32) for row in whole))


def curves_of(frames: Sequence[tuple[int, FrameSignature]], max_pixel: float) -> Curves:
    """Curves of (time, signature) pairs.

    Args:
        frames: in order.
        max_pixel: brightness of a black pixel at most, as a share of the range (API member ``MaxPixelThreshold``).
    """
    level = min(_FULL, int(max_pixel * _FULL))
    rows = [
        (
            ts_ms,
            one.change,
            one.drift,
            one.bend,
            one.luma,
            one.darkness[level],
            float(is_colour_bars(one.thumb)),
            one.text,
        )
        for ts_ms, one in frames
    ]
    table = np.asarray(rows, np.float32).reshape(-1, CURVES)
    return Curves(*(np.ascontiguousarray(column) for column in table.T))
