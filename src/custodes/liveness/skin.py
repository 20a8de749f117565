"""Mean colours of a face's skin and of what is beside it, from the pixels of one frame.

In: upright RGB pixels and where the face is. Out: two means, or nothing where there is no room beside the face.
"""

from __future__ import annotations

import numpy as np

from custodes.core.box import BoxPx
from custodes.imaging.image import RgbArray
from custodes.liveness.reflection import ColourSample

_SKIN = (0.22, 0.24, 0.78, 0.74)
"""Of the face's box: left, top, right, bottom. Forehead, cheeks and nose; no hair, no mouth."""
_GAP, _STRIP = 0.10, 0.40
"""Of the box's width: between the face and the strips beside it, and how far these reach."""
_LEAST_PX = 6
_STEP_PX = 2


def colour_sample(ts_ms: float, rgb: RgbArray, box: BoxPx) -> ColourSample | None:
    """Means of the face in ``box`` and of the strips on its left and right."""
    height, width = rgb.shape[:2]
    rows = slice(_clip(box.y1 + _SKIN[1] * box.height, height), _clip(box.y1 + _SKIN[3] * box.height, height), _STEP_PX)
    skin = rgb[
        rows, _clip(box.x1 + _SKIN[0] * box.width, width) : _clip(box.x1 + _SKIN[2] * box.width, width) : _STEP_PX
    ]
    gap, strip = _GAP * box.width, _STRIP * box.width
    left = rgb[rows, _clip(box.x1 - strip, width) : _clip(box.x1 - gap, width) : _STEP_PX]
    right = rgb[rows, _clip(box.x2 + gap, width) : _clip(box.x2 + strip, width) : _STEP_PX]
    beside = np.concatenate([left.reshape(-1, 3), right.reshape(-1, 3)])
    if min(skin.shape[:2]) < _LEAST_PX or len(beside) < _LEAST_PX**2:
        return None
    return ColourSample(ts_ms, _mean(skin.reshape(-1, 3)), _mean(beside))


def _clip(value: float, limit: int) -> int:
    return min(max(round(value), 0), limit)


def _mean(pixels: RgbArray) -> tuple[float, float, float]:
    red, green, blue = pixels.mean(axis=0, dtype=np.float64).tolist()
    return red, green, blue
