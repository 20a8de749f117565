"""SMPTE timecodes of frames. In: a frame number and a frame rate. Out: text like ``00:00:09;29``.

At 29.97 and 59.94 frames a second timecodes drop numbers (not frames): the first two, or four, of each minute but every
tenth, so that they keep up with the clock; a semicolon says so. Other rates count whole frames up to the next whole
rate. Source: SMPTE ST 12-1:2014, 5.2 (counting modes).
"""

from __future__ import annotations

import math
from fractions import Fraction

_DROP_RATES = (Fraction(30000, 1001), Fraction(60000, 1001))
_NEAR = Fraction(1, 200)
"""Containers round rates: 2997/100 and 29.9701 mean 30000/1001."""


def is_drop_frame(frame_rate: Fraction) -> bool:
    """Whether timecodes of this rate drop numbers."""
    return any(abs(frame_rate - rate) < _NEAR for rate in _DROP_RATES)


def timecode(frames: int, frame_rate: Fraction) -> str:
    """``frames`` frames from 0 as hours, minutes, seconds, frames."""
    nominal = max(1, math.ceil(frame_rate - _NEAR))
    drop = is_drop_frame(frame_rate)
    number = _with_dropped(frames, nominal) if drop else frames
    seconds, frame = divmod(number, nominal)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour:02d}:{minute:02d}:{second:02d}{';' if drop else ':'}{frame:02d}"


def _with_dropped(frames: int, nominal: int) -> int:
    """The number that stands for frame ``frames`` when dropped ones are counted, too."""
    dropped = nominal // 15
    minute = nominal * 60 - dropped
    ten_minutes = nominal * 600 - 9 * dropped
    tens, rest = divmod(frames, ten_minutes)
    # The first minute of ten is whole; each other one lacks its first numbers.
    skipped = dropped * ((rest - dropped) // minute) if rest >= nominal * 60 else 0
    return frames + tens * 9 * dropped + skipped
