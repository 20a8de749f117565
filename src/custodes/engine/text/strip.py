"""A line of text cut out of a picture, upright and 48 pixels high, whichever way it stands in the picture.

In: the picture and a rectangle. Out: uint8 strips. Which way up a line is, is for orient.py to say.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
RgbArray = NDArray[np.uint8]

STRIP_PX = 48
"""Height of a strip, the input height of the networks that read it."""
_GREY = 127.5
"""What a strip is continued with: 0 after the networks' own scaling."""
MAX_WIDTH_PX = 3200
"""Longer lines are squeezed: about 200 letters."""
_BLUR_FROM = 1.5
"""From this factor on, shrinking averages."""


def turned(corners: FloatArray, quarters: int) -> FloatArray:
    """The same rectangle with reading begun at another corner: 1 reads downwards, 2 upside down, 3 upwards."""
    return np.roll(corners, -quarters, axis=0)


def cut(rgb: RgbArray, corners: FloatArray) -> RgbArray:
    """The strip (48, W, 3) of a rectangle whose first corner is the text's top left."""
    width = max(1.0, float(np.linalg.norm(corners[1] - corners[0])))
    height = max(1.0, float(np.linalg.norm(corners[2] - corners[1])))
    out_width = strip_width(width, height)
    size = shrunk_size(width, height)
    target = np.array([[0, 0], [size[0], 0], [size[0], size[1]]], np.float32)
    # Pixel centres are at halves.
    matrix = cv2.getAffineTransform(corners[:3] - np.float32(0.5), target - np.float32(0.5))
    strip = cv2.warpAffine(rgb, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    if size[1] != STRIP_PX:
        strip = cv2.resize(strip, (out_width, STRIP_PX), interpolation=cv2.INTER_AREA)
    return np.asarray(strip, np.uint8)


def strip_width(width_px: float, height_px: float) -> int:
    """Pixels of a line of this size when it is 48 pixels high, within bounds."""
    return int(min(max(round(STRIP_PX * width_px / height_px), 8), MAX_WIDTH_PX))


def shrunk_size(width_px: float, height_px: float) -> tuple[int, int]:
    """Width and height to warp a line to: the picture's own scale where that is finer, so that shrinking can average
    instead of skip."""
    if height_px / STRIP_PX < _BLUR_FROM:
        return strip_width(width_px, height_px), STRIP_PX
    return max(8, round(width_px)), round(height_px)


def batch(strips: Sequence[RgbArray], width_px: int) -> FloatArray:
    """(N, 3, 48, width_px) float32 RGB 0..255: strips at most that wide, continued with grey."""
    planes = np.full((len(strips), 3, STRIP_PX, width_px), _GREY, np.float32)
    for i, strip in enumerate(strips):
        planes[i, :, :, : strip.shape[1]] = strip.transpose(2, 0, 1)
    return planes
