"""Candidate faces of a detector: which are the same face, which are parts of a larger one, which are cut by a window.

In: arrays of boxes with scores and points. Out: fewer of them. It knows no network.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from custodes.core.box import Size
from custodes.engine.results.face import FloatArray
from custodes.imaging.windows import Window


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Raw detections: boxes (N, 4) x1 y1 x2 y2, scores (N,) 0 to 1, points (N, 5, 2); float32, pixels."""

    boxes: FloatArray
    scores: FloatArray
    points: FloatArray

    def take(self, order: NDArray[np.intp]) -> Candidates:
        """Those at ``order``, in that order."""
        return Candidates(self.boxes[order], self.scores[order], self.points[order])

    def scaled(self, factor: float) -> Candidates:
        """Coordinates times ``factor``."""
        return Candidates(self.boxes * np.float32(factor), self.scores, self.points * np.float32(factor))

    def moved(self, x: float, y: float) -> Candidates:
        """Coordinates plus ``x`` and ``y``."""
        by = np.array([x, y], np.float32)
        return Candidates(self.boxes + np.tile(by, 2), self.scores, self.points + by)

    @property
    def areas(self) -> FloatArray:
        """(N,) areas of the boxes; 0 for empty ones."""
        sides = np.maximum(self.boxes[:, 2:] - self.boxes[:, :2], 0)
        return np.asarray(sides[:, 0] * sides[:, 1], np.float32)

    @property
    def long_sides(self) -> FloatArray:
        """(N,) longer side of each box."""
        return np.asarray((self.boxes[:, 2:] - self.boxes[:, :2]).max(axis=1, initial=0.0), np.float32)


def join(parts: list[Candidates]) -> Candidates:
    """Concatenate the candidates of several passes."""
    return Candidates(
        np.concatenate([p.boxes for p in parts]),
        np.concatenate([p.scores for p in parts]),
        np.concatenate([p.points for p in parts]),
    )


def _shared(found: Candidates, i: int) -> FloatArray:
    """(N,) area that box ``i`` has in common with each box."""
    low = np.maximum(found.boxes[i, :2], found.boxes[:, :2])
    high = np.minimum(found.boxes[i, 2:], found.boxes[:, 2:])
    sides = np.maximum(high - low, 0)
    return np.asarray(sides[:, 0] * sides[:, 1], np.float32)


def suppress(found: Candidates, max_iou: float) -> Candidates:
    """Greedy non-maximum suppression, best score first; ties by position so that the result is deterministic."""
    return found.take(suppress_order(found, found.scores, max_iou))


def suppress_order(found: Candidates, trust: FloatArray, max_iou: float) -> NDArray[np.intp]:
    """Places in ``found`` of the boxes that stay when those of most ``trust`` (N,) come first, in that order."""
    areas = found.areas
    alive = np.ones(len(areas), bool)
    keep: list[int] = []
    for i in np.lexsort((found.boxes[:, 0], found.boxes[:, 1], -trust)):
        if alive[i]:
            keep.append(int(i))
            shared = _shared(found, int(i))
            alive &= shared <= max_iou * (areas[i] + areas - shared)
    return np.array(keep, np.intp)


def without_parts(found: Candidates, sure_score: float, min_inside: float) -> Candidates:
    """``found`` without boxes that lie, by ``min_inside`` of their area or more, in a larger one of ``sure_score``.

    A face that is too large for the network's field of view shows its nose and mouth as faces of their own: boxes that
    overlap alone, as a ratio, does not join, because they are so much smaller.
    """
    areas = found.areas
    alive = np.ones(len(areas), bool)
    for i in np.argsort(-areas, kind="stable"):
        if alive[i] and found.scores[i] >= sure_score:
            alive &= ~((_shared(found, int(i)) >= min_inside * areas) & (areas < areas[i]))
    return found.take(np.flatnonzero(alive))


def uncut(found: Candidates, window: Window, size: Size, margin: float) -> Candidates:
    """Those of ``found``, in pixels of ``window``, that its inner edges do not cut; a neighbour sees these whole.

    Args:
        found: candidates, pixels of the window.
        window: where the window lies in the picture.
        size: of the picture.
        margin: share of a box that may stick out, less than nothing for a distance to keep.
    """
    reach = np.float32(margin) * (found.boxes[:, 2:] - found.boxes[:, :2])
    low, high = found.boxes[:, :2] + reach, found.boxes[:, 2:] - reach
    inside = np.ones(len(found.scores), bool)
    if window.x > 0:
        inside &= low[:, 0] >= 0
    if window.y > 0:
        inside &= low[:, 1] >= 0
    if window.x + window.width < size.width:
        inside &= high[:, 0] <= window.width
    if window.y + window.height < size.height:
        inside &= high[:, 1] <= window.height
    return found.take(np.flatnonzero(inside))
