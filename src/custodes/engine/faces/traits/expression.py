"""Expressions: two small networks look at a face and its mirror image, and a fitted layer joins what they say.

In: an upright RGB picture and its detected faces. Out: the API's emotions with calibrated confidences. They say how an
expression looks to people who label pictures; what somebody feels cannot be told from a picture. CONFUSED and UNKNOWN
are never said: no network was taught them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from custodes.engine.faces.embedding.embed import planes
from custodes.engine.faces.geometry.align import FIVE_SHAPE, ChipFrame, RgbArray, chip
from custodes.engine.faces.geometry.mesh import MeshNetwork
from custodes.engine.results.face import DetectedFace, Emotion, FloatArray
from custodes.engine.runtime.batch import Run

NAMES: Final = ("ANGRY", "DISGUSTED", "FEAR", "HAPPY", "SAD", "SURPRISED", "CALM")
"""The API's names in the order of the first network's outputs."""
_SECOND_ORDER = (3, 5, 4, 1, 2, 6, 0)
"""Where the second network has them: its own order is neutral, happy, sad, angry, fear, disgust, surprise."""
_FIRST_FRAME, _SECOND_FRAME = ChipFrame(64, looseness=1.03, lower=0.07), ChipFrame(112, looseness=1.03, lower=0.07)
"""FER2013 shows a face like this: the median place of eyes, nose and mouth corners in 2,724 of its pictures."""
_LEAST = 1e-6
_MAX_BATCH = 16


@dataclass(frozen=True, slots=True)
class ExpressionRuns:
    """Both networks as functions of crops (N, 3, S, S) to probabilities (N, 7), for Batchers."""

    first: Run
    second: Run


def output_run(network: MeshNetwork, output: str) -> Run:
    """``network`` as a function of crops to one of its outputs, for a Batcher."""

    def run(rgb: NDArray[np.generic]) -> FloatArray:
        out: Mapping[str, FloatArray] = network.run({"rgb": rgb}, (output,))
        return out[output]

    return run


class ExpressionReader:
    """The expression step."""

    def __init__(self, runs: ExpressionRuns, joining: FloatArray) -> None:
        """Join what ``runs`` say by ``joining``, (7, 15): weights on 14 log probabilities, then a bias."""
        self._runs = runs
        self._joining = joining

    def read(self, rgb: RgbArray, faces: Sequence[DetectedFace]) -> list[tuple[Emotion, ...]]:
        """The emotions of each face, most likely first."""
        firsts = [chip(rgb, face.points_px, FIVE_SHAPE, _FIRST_FRAME) for face in faces]
        seconds = [chip(rgb, face.points_px, FIVE_SHAPE, _SECOND_FRAME) for face in faces]
        return [_named(chances) for chances in self.chances(firsts, seconds)]

    def chances(self, firsts: Sequence[RgbArray], seconds: Sequence[RgbArray]) -> FloatArray:
        """(N, 7) calibrated probabilities in the order of ``NAMES`` from crops of 64 px and the same at 112 px."""
        said = self.said(firsts, seconds)
        odds = said @ self._joining[:, :-1].T + self._joining[:, -1]
        odds = np.exp(odds - odds.max(axis=1, keepdims=True))
        return np.asarray(odds / odds.sum(axis=1, keepdims=True), np.float32)

    def said(self, firsts: Sequence[RgbArray], seconds: Sequence[RgbArray]) -> FloatArray:
        """(N, 14) log probabilities of both networks, each the mean of the crop and its mirror image."""
        first = _both_ways(self._runs.first, firsts)
        second = _both_ways(self._runs.second, seconds)[:, list(_SECOND_ORDER)]
        return np.hstack([first, second])


def _both_ways(run: Run, crops: Sequence[RgbArray]) -> FloatArray:
    starts = range(0, len(crops), _MAX_BATCH)
    rows = np.vstack([run(planes(crops[at : at + _MAX_BATCH], mirrored=True)) for at in starts])
    logs = np.log(np.maximum(rows, np.float32(_LEAST)))
    return np.asarray(logs.reshape(len(crops), 2, -1).mean(axis=1), np.float32)


def _named(chances: FloatArray) -> tuple[Emotion, ...]:
    order = np.argsort(-chances, kind="stable")
    return tuple(Emotion(NAMES[i], float(100.0 * chances[i])) for i in order)
