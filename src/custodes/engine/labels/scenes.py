"""What a whole picture shows: one of a thousand classes of things, animals and places, as probabilities."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from custodes.engine.labels.letterbox import RgbArray, stretched
from custodes.engine.results.face import FloatArray

_SIDE_PX = 260


class SceneClassifier:
    """Classification as a pipeline step: pre (square), run, post (softmax)."""

    def __init__(self, logits: Callable[[NDArray[np.generic]], FloatArray]) -> None:
        """Keep ``logits``, which maps (N, 3, 260, 260) to (N, classes)."""
        self._logits = logits

    def probabilities(self, rgb: RgbArray) -> FloatArray:
        """(classes,) float32 that sum to 1."""
        logits = self._logits(stretched(rgb, _SIDE_PX))[0].astype(np.float64)
        shares = np.exp(logits - logits.max())
        return np.asarray(shares / shares.sum(), np.float32)
