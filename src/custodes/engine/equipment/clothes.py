"""Colours of what a person wears: above, between shoulders and hips, and below, on the thighs.

In: an upright RGB picture, the box of a person and the points of its body. Out: dominant colours of both places; none
where the points of a place are not sure or it is too small. What is in front of the body counts as worn, bare skin and
shadow have colours, too. It finds no persons.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from custodes.core.box import BoxPx
from custodes.engine.equipment.body_points import LEAST_SCORE, LEFT_SHOULDER, RIGHT_SHOULDER, BodyPoints
from custodes.engine.faces.geometry.align import RgbArray
from custodes.engine.labels.colours import dominant_colours
from custodes.engine.results.face import FloatArray
from custodes.engine.results.label import DominantColour

MAX_COLOURS = 3
_SHOULDERS, _HIPS, _KNEES = (LEFT_SHOULDER, RIGHT_SHOULDER), (11, 12), (13, 14)
_LEAST_PIXELS = 48
_NARROW = 0.7
"""Of the way from the middle of the trunk to its corners: arms and what is behind stay out."""
_THIGH = 0.3
"""Width of a thigh's stripe, in lengths of the thigh: half of what a leg is wide."""


@dataclass(frozen=True, slots=True)
class Clothes:
    """Colours of both places, most pixels first; empty where it is not seen."""

    upper: tuple[DominantColour, ...]
    lower: tuple[DominantColour, ...]


def clothes(rgb: RgbArray, person: BoxPx, body: BodyPoints) -> Clothes:
    """What is worn by the person in the box ``person``."""
    left, top = max(0, int(person.x1)), max(0, int(person.y1))
    part = rgb[top : int(person.y2) + 1, left : int(person.x2) + 1]
    points = body.points_px - np.array([left, top], np.float32)
    return Clothes(
        _colours(part, _trunk(part, points) if _sure(body, (*_SHOULDERS, *_HIPS)) else None),
        _colours(part, _thighs(part, points, body)),
    )


def _sure(body: BodyPoints, points: Sequence[int]) -> bool:
    return bool((body.scores[list(points)] >= LEAST_SCORE).all())


def _trunk(part: RgbArray, points: FloatArray) -> NDArray[np.uint8]:
    """Between shoulders and hips; as wide as a third of its height at least, because bodies turn."""
    corners = points[[*_SHOULDERS, *reversed(_HIPS)]]
    middle = corners.mean(axis=0)
    mask = np.zeros(part.shape[:2], np.uint8)
    inner = np.round(middle + _NARROW * (corners - middle)).astype(np.int32)
    cv2.fillConvexPoly(mask, cv2.convexHull(inner), 1)
    above, below = points[list(_SHOULDERS)].mean(axis=0), points[list(_HIPS)].mean(axis=0)
    length = float(np.linalg.norm(below - above))
    ends = [middle + _NARROW * (end - middle) for end in (above, below)]
    _stripe(mask, (ends[0], ends[1]), length / 4)
    return mask


def _thighs(part: RgbArray, points: FloatArray, body: BodyPoints) -> NDArray[np.uint8] | None:
    mask = np.zeros(part.shape[:2], np.uint8)
    for hip, knee in zip(_HIPS, _KNEES, strict=True):
        if _sure(body, (hip, knee)):
            start, way = points[hip], points[knee] - points[hip]
            _stripe(mask, (start + 0.3 * way, start + 0.8 * way), _THIGH * float(np.linalg.norm(way)))
    return mask if mask.any() else None


def _stripe(mask: NDArray[np.uint8], ends: tuple[FloatArray, FloatArray], width_px: float) -> None:
    one, other = ((round(float(x)), round(float(y))) for x, y in ends)
    cv2.line(mask, one, other, 1, max(1, round(width_px)))


def _colours(part: RgbArray, mask: NDArray[np.uint8] | None) -> tuple[DominantColour, ...]:
    if mask is None or int(mask.sum()) < _LEAST_PIXELS:
        return ()
    return dominant_colours(part[mask > 0], MAX_COLOURS)
