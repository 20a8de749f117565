"""How a picture looks: brightness, sharpness, contrast and colours of the whole, of what stands out and of the rest.

In: an upright RGB picture and the boxes of what was found in it. Out: ``ImageProperties``. What stands out are the
things that were found, cut from their boxes by colour; without any there is no foreground.

Sources: variance of the Laplacian as a focus measure (Pech-Pacheco et al., ICPR 2000); contrast as the standard
deviation of luma (root mean square contrast); GrabCut for the outline (Rother et al., SIGGRAPH 2004).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from custodes.core.box import BoxPx
from custodes.engine.labels.colours import dominant_colours
from custodes.engine.labels.letterbox import RgbArray
from custodes.engine.results.label import Appearance, ImageProperties

_LOOK_PX = 512
"""Long side at which sharpness is measured: noise and compression of large files are averaged out."""
_COLOUR_PX = 128
_OUTLINE_PX = 96
_HALF_SHARP = 0.0120
"""Relative edge energy that shows as 50 %: the median of COCO photos, most of them in focus, is 60 %."""
_FULL_CONTRAST = 100.0
"""Standard deviation of luma that shows as 100 %: half black, half white has 127, a contrasty photo 75."""
_LEAST_SHARE = 0.01

Mask = NDArray[np.bool_]


def image_properties(rgb: RgbArray, standing_out: Sequence[BoxPx], max_colours: int) -> ImageProperties:
    """The looks of the whole, and of the parts that ``standing_out`` separates."""
    look, _ = _shrunk(rgb, _LOOK_PX)
    luma = np.asarray(cv2.cvtColor(look, cv2.COLOR_RGB2GRAY), np.uint8)
    views = _Views(luma, np.asarray(cv2.Laplacian(luma, cv2.CV_32F), np.float32), _shrunk(look, _COLOUR_PX)[0])
    whole = _appearance(views, np.ones((1, 1), bool), max_colours)
    front = foreground(rgb, standing_out)
    if front is None:
        return ImageProperties(whole, None, whole)
    return ImageProperties(whole, _appearance(views, front, max_colours), _appearance(views, ~front, max_colours))


def region_pixels(rgb: RgbArray, box: BoxPx) -> NDArray[np.uint8]:
    """(N, 3) pixels within ``box``, at most about sixteen thousand, evenly picked."""
    height, width = rgb.shape[:2]
    x1, y1 = max(0, min(int(box.x1), width - 1)), max(0, min(int(box.y1), height - 1))
    x2, y2 = max(x1 + 1, min(math.ceil(box.x2), width)), max(y1 + 1, min(math.ceil(box.y2), height))
    step = max(1, max(x2 - x1, y2 - y1) // _COLOUR_PX)
    return np.asarray(rgb[y1:y2:step, x1:x2:step].reshape(-1, 3), np.uint8)


def foreground(rgb: RgbArray, boxes: Sequence[BoxPx]) -> Mask | None:
    """Where things stand out, as a small mask of the picture; None when there are none, or nothing but them."""
    if not boxes:
        return None
    small, scale = _shrunk(rgb, _OUTLINE_PX)
    mask = np.full(small.shape[:2], cv2.GC_BGD, np.uint8)
    for box in boxes:
        x1, y1, x2, y2 = (round(v * scale) for v in (box.x1, box.y1, box.x2, box.y2))
        mask[max(0, y1) : max(y1 + 1, y2), max(0, x1) : max(x1 + 1, x2)] = cv2.GC_PR_FGD
    inside = mask == cv2.GC_PR_FGD
    if not _LEAST_SHARE < inside.mean() < 1.0 - _LEAST_SHARE:
        return None
    # GrabCut draws its first clusters at random; the same seed gives the same outline for the same picture.
    cv2.setRNGSeed(1)
    # With a mask the rectangle is not looked at.
    cv2.grabCut(small, mask, (0, 0, 1, 1), np.zeros((1, 65)), np.zeros((1, 65)), 1, cv2.GC_INIT_WITH_MASK)
    cut = np.asarray(inside & (mask != cv2.GC_BGD) & (mask != cv2.GC_PR_BGD), bool)
    return cut if cut.mean() > _LEAST_SHARE else np.asarray(inside, bool)


@dataclass(frozen=True, slots=True, eq=False)
class _Views:
    """One picture at the sizes at which it is measured: luma and its edges, and colours."""

    luma: NDArray[np.uint8]
    edges: NDArray[np.float32]
    colours: RgbArray


def _appearance(views: _Views, mask: Mask, max_colours: int) -> Appearance:
    chosen = _resized(mask, views.luma.shape)
    lights = views.luma[chosen].astype(np.float32)
    spread = float(lights.std())
    ratio = float(views.edges[chosen].var()) / (spread * spread + 1.0) / 16.0
    return Appearance(
        brightness_pct=float(lights.mean()) / 2.55,
        sharpness_pct=100.0 * (1.0 - math.pow(2.0, -ratio / _HALF_SHARP)),
        contrast_pct=min(100.0, 100.0 * spread / _FULL_CONTRAST),
        colours=dominant_colours(views.colours[_resized(mask, views.colours.shape[:2])], max_colours),
    )


def _resized(mask: Mask, shape: tuple[int, ...]) -> Mask:
    if mask.size == 1:
        return np.full(shape, bool(mask[0, 0]))
    scaled = cv2.resize(mask.astype(np.uint8), (shape[1], shape[0]), interpolation=cv2.INTER_NEAREST)
    return np.asarray(scaled, bool)


def _shrunk(rgb: RgbArray, long_side_px: int) -> tuple[RgbArray, float]:
    height, width = rgb.shape[:2]
    scale = min(1.0, long_side_px / max(height, width))
    if scale == 1.0:
        return rgb, 1.0
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8), scale
