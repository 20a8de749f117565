"""What camera and file did to a portrait: colour cast, noise, compression, a frame around it.

In: an upright RGB picture, the box of a face in it, an aligned crop with its face marked. Out: one measure each, None
where the face shows too little. It judges nothing; limits are in ``inspect``.

Source of the noise measure: Immerkaer, Fast Noise Variance Estimation, Computer Vision and Image Understanding 64,
1996, here with the median, which edges do not move. The others are our own.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from custodes.core.box import BoxPx
from custodes.engine.faces.geometry.align import RgbArray

Luma = NDArray[np.float32]

_LEAST_PX = 48
"""A face with a shorter side says nothing about single pixels."""
_BLOCK = 8
"""Side of what JPEG compresses at once."""
_LAPLACIANS = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
_LAPLACIAN_GAIN, _MEDIAN_OF_NORMAL = 6.0, 0.6745
_FRAME_SEARCHED, _LINE_SPREAD, _FRAME_STEP = 0.25, 3.0, 24.0
"""Of a side of the picture; levels within a line of a frame; levels from a frame to what it surrounds."""


def native_luma(rgb: RgbArray, box: BoxPx) -> Luma | None:
    """(H, W) luma of what ``box`` holds, pixel by pixel as in the picture; None where that is too small."""
    height, width = rgb.shape[:2]
    x1, y1 = max(0, round(box.x1)), max(0, round(box.y1))
    part = rgb[y1 : min(height, round(box.y2)), x1 : min(width, round(box.x2))]
    if min(part.shape[:2]) < _LEAST_PX:
        return None
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(part), cv2.COLOR_RGB2GRAY), np.float32)


def noise_levels(luma: Luma) -> float:
    """Standard deviation of the noise, in levels of 0 to 255."""
    found = cv2.filter2D(luma, -1, _LAPLACIANS)[1:-1, 1:-1]
    return float(np.median(np.abs(found))) / _MEDIAN_OF_NORMAL / _LAPLACIAN_GAIN


def block_edge_ratio(luma: Luma) -> float:
    """How much larger steps are between blocks of eight pixels than within them, 1 where there are no blocks.

    The geometric mean of both directions; where blocks begin is not known, since pictures are cut and turned.
    """
    both = [_phase_ratio(np.abs(np.diff(lines, axis=1)).mean(axis=0)) for lines in (luma, luma.T)]
    return float(np.sqrt(both[0] * both[1]))


def _phase_ratio(steps: NDArray[np.float32]) -> float:
    whole = len(steps) // _BLOCK * _BLOCK
    phases = steps[:whole].reshape(-1, _BLOCK).mean(axis=0)
    at = int(phases.argmax())
    return float(phases[at] / max(1e-3, float(np.median(np.delete(phases, at)))))


def skin_hue_deg(rgb: RgbArray, face: NDArray[np.bool_]) -> float | None:
    """Hue of the face in CIELAB: 0 is red, 90 yellow. Skin of all shades is close to 50, it is light that moves it."""
    skin = rgb[face]
    if len(skin) == 0:
        return None
    lab = cv2.cvtColor(skin[None].astype(np.float32) / np.float32(255), cv2.COLOR_RGB2LAB)[0]
    _, a, b = np.median(lab, axis=0)
    return float(np.degrees(np.arctan2(b, a)))


def frame_share(rgb: RgbArray) -> float:
    """How much of height or width, whichever is more, is taken by bars of one colour at the edges of the picture."""
    luma = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2GRAY)
    shares = []
    for lines in (luma, luma.T):
        searched = max(2, round(_FRAME_SEARCHED * len(lines)))
        bars = _bar(lines[:searched]) + _bar(lines[: -searched - 1 : -1])
        shares.append(bars / len(lines))
    return max(shares)


def _bar(lines: NDArray[np.integer | np.floating]) -> int:
    """Lines from the first on that are of one colour, where something else follows; 0 where nothing does.

    Plain background has such lines, too, but goes over into what follows.
    """
    mean, spread = lines.mean(axis=1), lines.std(axis=1)
    uniform = (spread < _LINE_SPREAD) & (np.abs(mean - mean[0]) < _LINE_SPREAD)
    count = len(lines) if uniform.all() else int(np.argmin(uniform))
    if count == 0 or count >= len(lines) - 1:
        return 0
    following = lines[count + 1].astype(np.float32)
    # Two lines on: where a bar ends between two lines, or a compression blurred its edge, there is one in between.
    return count if float(np.median(np.abs(following - mean[0]))) > _FRAME_STEP else 0
