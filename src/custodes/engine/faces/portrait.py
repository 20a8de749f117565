"""One run of the portrait network (faceres) for all that it can tell: age, reading as man or woman, features by place.

In: an upright RGB picture and its detected faces. Out: arrays, a row per face. It judges nothing; see ages.py and
heads.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from custodes.engine.faces.embedding.embed import planes
from custodes.engine.faces.geometry.align import FIVE_SHAPE, ChipFrame, RgbArray, chip
from custodes.engine.faces.geometry.mesh import MeshNetwork
from custodes.engine.results.face import DetectedFace, FloatArray
from custodes.engine.runtime.batch import Run

_FEATURES, _YEARS = 1024, 100
# The network's 7 x 7 places of 32 px over the aligned crop: eyes lie at row 2, the mouth between rows 4 and 5.
_EYES, _MOUTH, _COLUMNS = slice(1, 4), slice(4, 7), slice(1, 6)
_MAX_BATCH = 16
_FRAME = ChipFrame(224, looseness=1.15)
"""A looser crop than dlib's, with hair line and chin."""


@dataclass(frozen=True, slots=True, eq=False)
class PortraitReadings:
    """What was read of N faces.

    Attributes:
        texture: (N, 1024) features over the whole crop.
        male: (N,) 0 woman to 1 man, as the network puts it.
        years: (N, 100) probability of each year of age, from 1.
        eyes, mouth: (N, 1024) features over the upper and the lower middle of the face.
    """

    texture: FloatArray
    male: FloatArray
    years: FloatArray
    eyes: FloatArray
    mouth: FloatArray


def portrait_run(network: MeshNetwork) -> Run:
    """The network from crops (N, 3, 224, 224) to the joined columns of ``PortraitReadings``, for a Batcher."""

    def run(rgb: NDArray[np.generic]) -> FloatArray:
        out = network.run({"rgb": rgb}, ("embedding", "gender", "age", "places"))
        eyes, mouth = (out["places"][:, :, rows, _COLUMNS].mean(axis=(2, 3)) for rows in (_EYES, _MOUTH))
        return np.hstack([out["embedding"], out["gender"], out["age"], eyes, mouth])

    return run


class PortraitReader:
    """The portrait step: pre (aligned crops), run (batched across requests), post (columns by name)."""

    def __init__(self, run: Run) -> None:
        """Keep ``run``, see ``portrait_run``."""
        self._run = run

    def read(self, rgb: RgbArray, faces: Sequence[DetectedFace]) -> PortraitReadings:
        """The portraits of ``faces``, at least one."""
        chips = [chip(rgb, face.points_px, FIVE_SHAPE, _FRAME) for face in faces]
        starts = range(0, len(chips), _MAX_BATCH)
        rows = np.vstack([self._run(planes(chips[at : at + _MAX_BATCH], mirrored=False)) for at in starts])
        ends = np.cumsum([_FEATURES, 1, _YEARS, _FEATURES])
        texture, male, years, eyes, mouth = np.split(rows, ends, axis=1)
        return PortraitReadings(texture, male[:, 0], years, eyes, mouth)
