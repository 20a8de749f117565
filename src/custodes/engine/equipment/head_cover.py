"""Is a head covered: a linear head of our own over the scores of the whole-picture classifier, asked about the head.

In: an upright RGB picture and detected faces. Out: a judgement, and where the cover is. Caps,
hats, helmets, hoods and scarves alike cover a head; which of them it is, and whether it protects, is not told.

Source of the weights: our own, scripts/fit_head_cover.py, fitted on photographs of heads; docs/equipment.md says what
that is worth.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from custodes.core.box import BoxPx
from custodes.engine.faces.embedding.embed import planes
from custodes.engine.faces.geometry.align import FIVE_SHAPE, ChipFrame, RgbArray, chip, similarity
from custodes.engine.faces.traits.heads import Head
from custodes.engine.results.face import DetectedFace, FloatArray, Judgement

_FILE = "head_cover.npz"
_WEIGHTS = "covered"
SIDE_PX = 260
_FRAME = ChipFrame(SIDE_PX, looseness=2.15, lower=0.133)
"""Shows the head with what is on it, and shoulders below."""
_COVER_Y, _HALF_WIDTH, _MIDDLE_X = (-0.17, -0.83), 0.72, 0.49
"""In the unit square of the mean face shape: where what covers a head ends at the forehead, and its top; half the width
of a head, and its middle. Hair and hats differ."""

Logits = Callable[[NDArray[np.generic]], FloatArray]
"""(N, 3, 260, 260) RGB 0..255 to (N, 1000)."""


@dataclass(frozen=True, slots=True)
class HeadCoverReader:
    """The step: pre (upright crop of the head), run, post (a judgement)."""

    logits: Logits
    covered: Head

    def read(self, rgb: RgbArray, faces: Sequence[DetectedFace]) -> list[Judgement]:
        """Whether the head of each of ``faces``, at least one, is covered."""
        return self.covered.judge(self.scores(rgb, faces))

    def scores(self, rgb: RgbArray, faces: Sequence[DetectedFace]) -> FloatArray:
        """(N, 1000) what the classifier says of each head."""
        chips = [chip(rgb, face.points_px, FIVE_SHAPE, _FRAME) for face in faces]
        return self.logits(planes(chips, mirrored=False))


def load_head_cover(logits: Logits) -> HeadCoverReader:
    """The shipped numbers: (1001,) float16, the bias last."""
    with (files("custodes.engine.equipment") / _FILE).open("rb") as file, np.load(file, allow_pickle=False) as kept:
        values = np.asarray(kept[_WEIGHTS], np.float32)
    return HeadCoverReader(logits, Head(values[:-1], float(values[-1])))


def cover_place(face: DetectedFace) -> BoxPx:
    """Roughly where what covers a head is: from the forehead to above the crown."""
    matrix = similarity(FIVE_SHAPE, face.points_px)
    xs = (_MIDDLE_X - _HALF_WIDTH, _MIDDLE_X + _HALF_WIDTH)
    corners = np.array([(x, y) for x in xs for y in _COVER_Y]) @ matrix[:, :2].T + matrix[:, 2]
    (x1, y1), (x2, y2) = corners.min(axis=0), corners.max(axis=0)
    return BoxPx(float(x1), float(y1), float(x2), float(y2))
