"""Eyes whose lids are drawn shut: the skin above the upper lid is stretched to the lower one, with a line of lashes.

In: a crop of an eye and the contour that the iris network tells of it. Out: the same eye, shut. Shared by
scripts/fit_lids.py and bench/eyes.py. A closed eye in a photo has other wrinkles, and its owner often another mouth.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from custodes.engine.faces.traits.eyes import CROP_PX

Pixels = NDArray[np.uint8]
_LOWER, _UPPER = slice(0, 9), slice(9, 16)
"""Points of the network along the lower lid, corners included, and along the upper one."""
_BELOW_PX = 6.0
"""How far below the lower lid the picture is moved up."""


def shut(eye: Pixels, points: NDArray[np.floating], random: np.random.Generator) -> Pixels:
    """``eye`` (64, 64, 3) with its outer corner on the left and ``points`` (76, 2), its lids drawn together."""
    low = points[_LOWER]
    top = np.vstack([low[:1], points[_UPPER], low[-1:]])
    x, y = np.arange(CROP_PX, dtype=np.float64), np.arange(CROP_PX, dtype=np.float64)[:, None]
    lower = np.interp(x, low[:, 0], low[:, 1])
    upper = np.minimum(np.interp(x, top[:, 0], top[:, 1]), lower)
    inside = (x >= low[0, 0]) & (x <= low[-1, 0])
    meet = upper + (lower - upper) * random.uniform(0.75, 1.0)
    brow = np.maximum(upper - random.uniform(8, 12), 0)
    above = brow + (y - brow) * np.maximum(upper - 0.5 - brow, 0.1) / np.maximum(meet - brow, 0.1)
    below = lower + 0.5 + (y - meet) * (_BELOW_PX - 0.5) / np.maximum(lower + _BELOW_PX - meet, 0.1)
    source = np.where((y > brow) & (y < meet), above, np.broadcast_to(y, (CROP_PX, CROP_PX)))
    source = np.where((y >= meet) & (y < lower + _BELOW_PX), below, source)
    source = np.where(inside, source, y)
    columns = np.broadcast_to(x, source.shape)
    moved = cv2.remap(eye, columns.astype(np.float32), source.astype(np.float32), cv2.INTER_LINEAR)
    line = np.exp(-0.5 * ((y - meet) / random.uniform(0.7, 1.3)) ** 2) * (lower - upper > 1.0) * inside
    darker = moved * (1 - random.uniform(0.25, 0.6) * line[..., None])
    return np.asarray(np.clip(cv2.GaussianBlur(darker, (0, 0), 0.6), 0, 255), np.uint8)
