"""A picture in a square: shrunk or enlarged with its proportions kept, black around it, and the way back for boxes."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from custodes.core.box import Size
from custodes.engine.results.face import FloatArray

RgbArray = NDArray[np.uint8]
_GRID_PX = 32
"""Detectors halve five times."""


@dataclass(frozen=True, slots=True)
class Letterbox:
    """Where a picture of ``size`` lies in a square: factors and offsets in pixels of the square."""

    size: Size
    scale_x: float
    scale_y: float
    left_px: int
    top_px: int

    def to_picture(self, boxes: FloatArray) -> FloatArray:
        """(N, 4) x1 y1 x2 y2 in the square to pixels of the picture, cut at its edges."""
        moved = boxes.astype(np.float64)
        moved[:, [0, 2]] = np.clip((moved[:, [0, 2]] - self.left_px) / self.scale_x, 0, self.size.width)
        moved[:, [1, 3]] = np.clip((moved[:, [1, 3]] - self.top_px) / self.scale_y, 0, self.size.height)
        return moved.astype(np.float32)


def letterbox(
    rgb: RgbArray, side_px: int, *, centred: bool = True, margin_px: int | None = None
) -> tuple[FloatArray, Letterbox]:
    """(1, 3, side, side) float32 0..255 with the picture in the middle (or top left), and where it lies.

    With ``margin_px`` only the part of the square that holds the picture and so many pixels of black around it, as far
    as there are any; the part begins and ends at multiples of 32, as in the square.
    """
    height, width = rgb.shape[:2]
    scale = side_px / max(height, width)
    used_w, used_h = max(1, round(width * scale)), max(1, round(height * scale))
    way = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_LINEAR
    small = np.asarray(cv2.resize(rgb, (used_w, used_h), interpolation=way), np.uint8)
    left, top = ((side_px - used_w) // 2, (side_px - used_h) // 2) if centred else (0, 0)
    across, down = range(side_px), range(side_px)
    if margin_px is not None:
        across = _part(range(left, left + used_w), margin_px, side_px)
        down = _part(range(top, top + used_h), margin_px, side_px)
    left, top = left - across.start, top - down.start
    planes = np.zeros((1, 3, len(down), len(across)), np.float32)
    planes[0, :, top : top + used_h, left : left + used_w] = small.transpose(2, 0, 1)
    return planes, Letterbox(Size(width, height), used_w / width, used_h / height, left, top)


def _part(used: range, margin_px: int, side_px: int) -> range:
    """Where the part of a side begins and ends that holds what is ``used``, with a margin."""
    start, stop = used.start - margin_px, used.stop + margin_px
    return range(max(0, start // _GRID_PX * _GRID_PX), min(side_px, -(-stop // _GRID_PX) * _GRID_PX))


def stretched(rgb: RgbArray, side_px: int) -> FloatArray:
    """(1, 3, side, side) float32 0..255: the picture pressed into a square, as whole-picture classifiers see it."""
    way = cv2.INTER_AREA if min(rgb.shape[:2]) >= side_px else cv2.INTER_LINEAR
    square = np.asarray(cv2.resize(rgb, (side_px, side_px), interpolation=way), np.uint8)
    return np.ascontiguousarray(square.transpose(2, 0, 1)[None], np.float32)
