"""Vectors that are compared among people who look alike: what whole groups of faces share is taken out of each.

In: what the embedding network says of faces, unit vectors (N, 128). Out: the vectors that are stored and searched, and
how alike strangers of a vector's surroundings are.

A network trained on some kinds of faces more than on others gives everybody of the others a common direction: two
small children, or two old women of a people it seldom saw, point the same way without being the same person. A mixture
of a few dozen distributions over the sphere knows these directions. Each vector loses the mean of the distributions it
belongs to; what is left is what tells a face from others like it. How far strangers still agree within a distribution
(its level) stays with the vector as its last component, so that the scale of similarities can be shifted by it.

One hard light does the same to anybody: its faces have distributions of their own, which are rare, so that a face in
ordinary light is not taken for one of them.

Every number of the mixture is over all faces of a distribution, at least dozens of people: none is a person's template.
Fitted by scripts/fit_lookalikes.py and scripts/fit_hard_light.py; choice and figures:
docs/adr/0018-among-people-who-look-alike.md, docs/adr/0027-one-light-makes-strangers-alike.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from custodes.engine.results.face import FloatArray

_FILE = "lookalikes.npz"
_ARRAYS = ("log_priors", "directions", "means", "levels", "basis", "child")
MAX_LEVEL = 0.25
_CHILD_LEVEL, _CHILD_DOUBT = 0.2, 0.2
"""What a face that is surely a child's adds to its level, and how likely it may be one without adding anything, so that
grown-ups keep theirs. Children are few in what the mixture was fitted on: distributions alone put them too low."""
_STORED = 0.4
"""The last component is the level times this: small, because two vectors' last components add their product to the
cosine (at most 0.01)."""


@dataclass(frozen=True, slots=True, eq=False)
class Lookalikes:
    """The mixture.

    Attributes:
        concentration: of every distribution (von Mises-Fisher), the same for all.
        log_priors: (K,) logarithms of how common each is, up to a constant.
        directions: (K, D) unit mean directions, by which a vector's share in each distribution is told.
        means: (K, D) means of the unit vectors in each.
        levels: (K,) 0 to ``MAX_LEVEL``: how much higher than in the lowest the cosines of strangers reach, as
            ``SimilarityScale`` takes it.
        basis: (D, D - 1) orthonormal columns: all directions but the one in which faces differ least, whose place the
            level takes.
        child: (D + 1,) weights and offset of the log-odds that a face is a child's under 13.
    """

    concentration: float
    log_priors: FloatArray
    directions: FloatArray
    means: FloatArray
    levels: FloatArray
    basis: FloatArray
    child: FloatArray

    def shares(self, features: FloatArray) -> NDArray[np.float64]:
        """(N, K) how far each of ``features`` (N, D) belongs to each distribution; rows sum to 1."""
        cosines = features.astype(np.float64) @ self.directions.T.astype(np.float64)
        exponents = self.concentration * cosines + self.log_priors
        weights = np.exp(exponents - exponents.max(axis=1, keepdims=True))
        return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float64)

    def childhood(self, features: FloatArray) -> NDArray[np.float64]:
        """(N,) how surely each of ``features`` (N, D) is a child's, 0 to 1; it only ever lowers a percentage."""
        odds = features.astype(np.float64) @ self.child[:-1] + self.child[-1]
        likely = 1 / (1 + np.exp(-np.clip(odds, -30, 30)))
        return np.asarray(np.maximum(likely - _CHILD_DOUBT, 0) / (1 - _CHILD_DOUBT), np.float64)

    def vectors(self, features: FloatArray) -> FloatArray:
        """(N, D) float32 unit vectors to store and compare, from ``features`` (N, D) of unit length."""
        shares = self.shares(features)
        centred = (features - shares @ self.means) @ self.basis
        centred /= np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-12)
        level = np.minimum(shares @ self.levels + _CHILD_LEVEL * self.childhood(features), MAX_LEVEL)
        last = _STORED * level[:, None]
        return np.hstack([centred * np.sqrt(1 - last**2), last]).astype(np.float32)


def level_of(vector: FloatArray) -> float:
    """The level of a vector that ``Lookalikes.vectors`` made, or of a mean of such: 0 to ``MAX_LEVEL``."""
    return min(max(float(vector[-1]) / _STORED, 0.0), MAX_LEVEL)


def load_lookalikes() -> Lookalikes:
    """The mixture that ships with the engine."""
    shipped = files("custodes.engine.faces.embedding") / _FILE
    with shipped.open("rb") as file, np.load(file, allow_pickle=False) as kept:
        return Lookalikes(
            float(kept["concentration"]),
            *(np.asarray(kept[name], np.float32) for name in _ARRAYS),
        )
