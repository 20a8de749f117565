"""The seventeen points of one body: a crop around a person in, points in picture pixels out.

In: an upright RGB picture and the box of a person. Out: where nose, eyes, ears, shoulders, elbows, wrists, hips, knees
and ankles are, each with the network's score. Left and right are the person's own. It finds no persons and says nothing
of what they wear.

Source of the decoding: MoveNet's own graph (Votel and Li, Next-Generation Pose Detection with MoveNet, 2021): the
person nearest to the middle, its points by regression, each moved to the strongest cell near by.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from custodes.core.box import BoxPx
from custodes.engine.faces.geometry.align import RgbArray, warp
from custodes.engine.results.face import FloatArray

POINTS = 17
LEFT_SHOULDER, RIGHT_SHOULDER = 5, 6
LEFT_ELBOW, RIGHT_ELBOW, LEFT_WRIST, RIGHT_WRIST = 7, 8, 9, 10
LEAST_SCORE = 0.3
"""A point is where it is said to be from here on. Source: MoveNet's own example draws points from here on."""
SIDE_PX = 192
_CELLS = 48
_MARGIN = 1.25
"""The crop's side over the longer side of the box: a person that touches the edge of a crop loses hands and feet."""
_NEAR_CELLS = 1.8
"""How soon a point's strength yields to its distance from where regression puts it. Source: MoveNet's own graph."""


class BodyNetwork(Protocol):
    """An opened model: named arrays in, named arrays out."""

    def run(self, feeds: Mapping[str, NDArray[np.generic]]) -> Mapping[str, FloatArray]:
        """Run once; batch is the first axis."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class BodyPoints:
    """Of one person.

    Attributes:
        points_px: (17, 2) float32, x and y in pixels of the picture, in the order of COCO.
        scores: (17,) float32, 0 to 1.
    """

    points_px: FloatArray
    scores: FloatArray


class BodyPointReader:
    """The body step: pre (square crop), run, post (cells to picture pixels)."""

    def __init__(self, network: BodyNetwork) -> None:
        """Keep the opened network."""
        self._network = network

    def read(self, rgb: RgbArray, person: BoxPx) -> BodyPoints:
        """The points of the body in the box ``person``."""
        side = _MARGIN * max(person.width, person.height, 1.0)
        left, top = (person.x1 + person.x2 - side) / 2, (person.y1 + person.y2 - side) / 2
        scale = SIDE_PX / side
        matrix = np.array([[scale, 0, -left * scale], [0, scale, -top * scale]])
        crop = warp(rgb, matrix, (SIDE_PX, SIDE_PX))
        out = self._network.run({"rgb": crop.transpose(2, 0, 1)[None].astype(np.float32)})
        cells, scores = decode(out["points"][0], out["centre"][0, 0], out["regression"][0], out["offsets"][0])
        points = cells * (SIDE_PX / _CELLS) / scale + np.array([left, top])
        return BodyPoints(np.asarray(points, np.float32), scores)


def decode(
    heat: FloatArray, centre: FloatArray, regression: FloatArray, offsets: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Points in cells, (17, 2) x and y, and scores (17,), of the person nearest to the middle.

    Args:
        heat: (17, 48, 48) score per point and cell.
        centre: (48, 48) score of the middle of a person.
        regression: (34, 48, 48) y and x from the middle to each point, in cells.
        offsets: (34, 48, 48) y and x of each point within its cell.
    """
    rows, columns = np.mgrid[0:_CELLS, 0:_CELLS].astype(np.float32)
    away = np.hypot(rows - (_CELLS - 1) / 2, columns - (_CELLS - 1) / 2)
    row, column = np.unravel_index(int(np.argmax(centre / (away + _NEAR_CELLS))), centre.shape)
    guess = regression[:, row, column].reshape(POINTS, 2) + np.array([row, column])
    away = np.hypot(rows[None] - guess[:, :1, None], columns[None] - guess[:, 1:, None])
    best = np.argmax((heat / (away + _NEAR_CELLS)).reshape(POINTS, -1), axis=1)
    at_row, at_column = np.divmod(best, _CELLS)
    each = np.arange(POINTS)
    y = at_row + offsets[2 * each, at_row, at_column]
    x = at_column + offsets[2 * each + 1, at_row, at_column]
    return np.stack([x, y], axis=1).astype(np.float32), heat[each, at_row, at_column].astype(np.float32)
