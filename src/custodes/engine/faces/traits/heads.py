"""Small linear heads of our own over the second network's features: from numbers to calibrated yes/no statements.

In: (N, D) features. Out: one ``Judgement`` per face and head. A head is a weight per feature, a bias, and nothing else;
its logistic curve was fitted on faces of other people than those on which docs/faces.md states its figures. It says
what is seen in a crop and nothing about who it is.

Source of the weights: our own, scripts/fit_trait_heads.py; data card in docs/faces.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

import numpy as np

from custodes.engine.results.face import FloatArray, Judgement

_FILE = "trait_heads.npz"
EMOTIONS = "EMOTIONS"


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """One statement: ``weights`` (D,) float32 and ``bias`` make the log odds of yes."""

    weights: FloatArray
    bias: float

    def judge(self, features: FloatArray) -> list[Judgement]:
        """Statements on each row of ``features`` (N, D)."""
        return [judged(odds) for odds in self.log_odds(features)]

    def log_odds(self, features: FloatArray) -> list[float]:
        """Natural logarithm of the odds of yes for each row of ``features`` (N, D)."""
        return [float(odds) for odds in features @ self.weights + self.bias]


def judged(log_odds: float) -> Judgement:
    """Log odds of yes as a statement; confidence 50 to 100 is in the stated value."""
    chance = 1.0 / (1.0 + np.exp(-np.clip(log_odds, -30.0, 30.0)))
    return Judgement(bool(chance >= 0.5), float(100.0 * max(chance, 1.0 - chance)))


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """Everything of our own that describing a face needs.

    Attributes:
        heads: by the API's attribute token.
        emotions: (7, 15) float32, see ``expression``.
    """

    heads: Mapping[str, Head]
    emotions: FloatArray


def load_fitted() -> Fitted:
    """The shipped numbers: each head is (D + 1,) float16, the bias last."""
    with (files("custodes.engine.faces.traits") / _FILE).open("rb") as file, np.load(file, allow_pickle=False) as kept:
        stored = {name: np.asarray(kept[name], np.float32) for name in kept.files}
    emotions = stored.pop(EMOTIONS)
    return Fitted({name: Head(values[:-1], float(values[-1])) for name, values in stored.items()}, emotions)
