"""Long pictures in parts: windows twice as long as they are wide, so that shrinking a part leaves its contents legible.

In: the size of a picture. Out: rectangles that cover it. Neighbours overlap by at least the short side, so whatever is
no longer than the short side lies whole in one of them. It moves no pixels and knows nothing of what is looked for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from custodes.core.box import Size

_LONG = 2.4
"""Pictures with a larger ratio of sides are looked at in parts; cinema's 21 to 9 is not."""
_RATIO = 2
"""Long side of a window over its short side."""


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a picture: pixels from ``x``, ``y`` (inclusive) to ``x + width``, ``y + height`` (exclusive)."""

    x: int
    y: int
    width: int
    height: int


def windows(size: Size) -> tuple[Window, ...]:
    """The parts of a picture of ``size`` in order along its long side: a single one that is all of it unless it is
    more than 2.4 times as long as wide."""
    short, long = sorted((size.width, size.height))
    if long <= _LONG * short:
        return (Window(0, 0, size.width, size.height),)
    extent = _RATIO * short
    count = 1 + math.ceil((long - extent) / short)
    starts = [round(i * (long - extent) / (count - 1)) for i in range(count)]
    if size.width == long:
        return tuple(Window(start, 0, extent, short) for start in starts)
    return tuple(Window(0, start, short, extent) for start in starts)
