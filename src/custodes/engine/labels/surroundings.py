"""What a picture shows around its objects (sky, trees, a road, a room): linear heads of our own on what is seen anyhow.

In: an upright RGB picture, the probabilities of the whole-picture classifier and the boxes of the object detectors.
Out: log odds by label. No network runs for it. The heads are few numbers (``surroundings.npz``), fitted by
scripts/fit_surroundings.py on 90 photos that we labelled by looking; what they are worth on photos that they had no
part in is in docs/labels.md.

Source of colours by place as signs of scenes: Vailaya et al., Image Classification for Content-Based Indexing, IEEE
Transactions on Image Processing 10 (2001).
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources

import cv2
import numpy as np

from custodes.core.box import Size
from custodes.engine.labels.boxes import Boxes
from custodes.engine.labels.letterbox import RgbArray
from custodes.engine.results.face import FloatArray

_FILE = "surroundings.npz"
_KINDS = 80
_SIDE_PX, _ROWS, _COLUMNS = 96, 4, 3
_LEAST_SHARE, _LEAST_SCORE = 1e-30, 0.02
_LAB_UNIT = 50.0
SIGNS = 1000 + 5 * _ROWS * _COLUMNS + _KINDS + 5
"""How many signs heads look at, in the order of ``signs_of``."""
_OF_STREETS = (1, 2, 3, 5, 7, 9, 10, 11, 12)
"""Bicycle, car, motorcycle, bus, truck, traffic light, hydrant, stop sign, parking meter, by number of their class."""


@dataclass(frozen=True, slots=True, eq=False)
class Surroundings:
    """Heads of L labels over D signs.

    Attributes:
        names: of the labels.
        weights: (L, D) float32.
        bias: (L,) float32.
    """

    names: tuple[str, ...]
    weights: FloatArray
    bias: FloatArray

    def confidences_pct(self, signs: FloatArray) -> dict[str, float]:
        """Confidence of every label, 0 to 100, from the (D,) ``signs``."""
        odds = self.weights @ signs + self.bias
        return dict(zip(self.names, (100.0 / (1.0 + np.exp(-odds))).tolist(), strict=True))


def load_surroundings() -> Surroundings:
    """The shipped numbers, stored as float16."""
    with (resources.files("custodes.engine.labels") / _FILE).open("rb") as file, np.load(file) as kept:
        return Surroundings(
            tuple(kept["names"].tolist()), *(np.asarray(kept[k], np.float32) for k in ("weights", "bias"))
        )


def signs_of(rgb: RgbArray, shares: FloatArray, boxes: Boxes) -> FloatArray:
    """(1145,) float32: centred log probabilities, colours by place, the surest object of each kind, what streets have.

    Args:
        rgb: the picture.
        shares: (1000,) probabilities of the whole-picture classifier.
        boxes: candidates in pixels of it, scores not calibrated.
    """
    logs = np.log(np.maximum(shares, _LEAST_SHARE))
    best, covered = _by_kind(boxes, Size(rgb.shape[1], rgb.shape[0]))
    street = np.array(_OF_STREETS)
    summed = [best[street].max(), best[street].sum(), covered[street].sum(), best[0], covered[0]]
    parts = (logs - logs.mean(), _colours(rgb), _logged(best), _logged(np.array(summed)))
    return np.concatenate(parts).astype(np.float32)


def _by_kind(boxes: Boxes, size: Size) -> tuple[FloatArray, FloatArray]:
    """Best score of each kind, and its area as share of the picture, boxes counted as far as they are sure."""
    best, covered = np.zeros(_KINDS, np.float32), np.zeros(_KINDS, np.float32)
    sides = boxes.places[:, 2:] - boxes.places[:, :2]
    np.maximum.at(best, boxes.classes, boxes.scores)
    np.add.at(covered, boxes.classes, boxes.scores * sides[:, 0] * sides[:, 1] / (size.width * size.height))
    return best, covered


def _logged(scores: FloatArray) -> FloatArray:
    return np.asarray(np.log((scores + _LEAST_SCORE) / _LEAST_SCORE), np.float32)


def _colours(rgb: RgbArray) -> FloatArray:
    """(60,) of each of twelve places: mean L*, a*, b*, spread of L*, and how rough it is."""
    small = np.asarray(cv2.resize(rgb, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_AREA), np.float32) / 255.0
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB) / np.float32(_LAB_UNIT)
    rough = np.log(np.abs(cv2.Laplacian(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), cv2.CV_32F)) + 0.01)
    grid = (_ROWS, _SIDE_PX // _ROWS, _COLUMNS, _SIDE_PX // _COLUMNS)
    means, light = lab.reshape(*grid, 3).mean((1, 3)), lab[..., 0].reshape(grid).std((1, 3))
    cells = np.concatenate([means, light[..., None], rough.reshape(grid).mean((1, 3))[..., None]], axis=2)
    return np.asarray(cells.ravel(), np.float32)
