"""The cells of the object detector: places that it looks at, each with features and a box, whatever it would call it.

In: an upright RGB picture. Out: a box, 128 features, a level and how much each cell looks like any object at all. The
detector's own names play no part, so that heads can be trained for things that it has no name for. Source of the box:
as in ``engine.labels.objects``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from custodes.engine.labels.letterbox import RgbArray, letterbox
from custodes.engine.labels.objects import NANODET_PX, NANODET_STRIDES, cell_boxes
from custodes.engine.results.face import FloatArray

Run = Callable[[FloatArray], Mapping[str, FloatArray]]
"""Maps (1, 3, 416, 416) to the detector's outputs."""
CELL_OUTPUTS = tuple(f"{kind}_{stride}" for stride in NANODET_STRIDES for kind in ("boxes", "scores", "cells"))
LEVELS = len(NANODET_STRIDES)
DIMENSION = 128


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Cells of one picture.

    Attributes:
        places: (n, 4) boxes in pixels of the picture, x1 y1 x2 y2.
        features: (n, 128).
        levels: (n,) 0 for the finest.
        objectness: (n,) the detector's highest score for anything, 0 to 1.
    """

    places: FloatArray
    features: FloatArray
    levels: NDArray[np.intp]
    objectness: FloatArray

    def take(self, chosen: NDArray[np.intp]) -> Cells:
        """Those at ``chosen``."""
        return Cells(self.places[chosen], self.features[chosen], self.levels[chosen], self.objectness[chosen])

    def inputs(self) -> NDArray[np.float64]:
        """(n, levels * 129): each level has its own features and its own constant, as the detector has them."""
        rows = np.zeros((len(self.levels), LEVELS, DIMENSION + 1))
        rows[np.arange(len(rows)), self.levels, :DIMENSION] = self.features
        rows[np.arange(len(rows)), self.levels, DIMENSION] = 1.0
        return rows.reshape(len(rows), -1)


def look(run: Run, rgb: RgbArray, *, share: float = 1.0) -> Cells:
    """All cells; ``share`` below 1 shows the picture that much smaller, so that things move to finer levels."""
    height, width = rgb.shape[:2]
    shown = rgb
    if share < 1.0:
        # Black around the picture: the same things, smaller.
        side = round(max(height, width) / share)
        shown = np.zeros((side, side, 3), np.uint8)
        shown[:height, :width] = rgb
    planes, frame = letterbox(shown, NANODET_PX)
    outputs = run(planes)
    places, features, levels, objectness = [], [], [], []
    for level, stride in enumerate(NANODET_STRIDES):
        table = outputs[f"scores_{stride}"][0]
        places.append(cell_boxes(outputs[f"boxes_{stride}"][0], np.arange(len(table)), stride))
        features.append(outputs[f"cells_{stride}"][0].reshape(DIMENSION, -1).T)
        levels.append(np.full(len(table), level))
        objectness.append(table.max(1))
    boxes = frame.to_picture(np.concatenate(places))
    boxes[:, [0, 2]] = np.clip(boxes[:, [0, 2]], 0, width)
    boxes[:, [1, 3]] = np.clip(boxes[:, [1, 3]], 0, height)
    found = Cells(
        boxes,
        np.concatenate(features).astype(np.float32),
        np.concatenate(levels),
        np.concatenate(objectness).astype(np.float32),
    )
    sides = np.minimum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
    return found.take(np.flatnonzero(sides >= 2))
