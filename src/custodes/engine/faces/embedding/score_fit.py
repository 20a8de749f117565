"""How the scores of an embedding network relate to people: fitted on half of the people of labelled photos, measured
on the others.

In: unit vectors and whose they are. Out: a ``ScoreFit``: the curve from cosine to percent, and how often pairs of
different people and of one person reach each percentage. It runs no network. The percentages mean the same rates as
those of the recipe that ships, over all pairs instead of pairs who look alike: whoever brings a network brings the
people to measure it on, and whom these are like decides for whom the rates hold.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from custodes.core.errors import InvalidParameterError
from custodes.engine.calibrate import Calibration, Knot
from custodes.engine.results.face import FloatArray
from custodes.models.own import ScoreFit

FIT_AT = ((0.3, 5.0), (1e-2, 45.0), (1e-3, 80.0), (1e-4, 95.0), (1e-5, 99.0), (1e-6, 99.9))
"""(false match rate, percentage that shows there), as for the recipe that ships (scripts/fit_lookalikes.py)."""
REPORTED_PCT = (50.0, 80.0, 90.0, 95.0, 99.0, 99.9)
LEAST_PEOPLE, LEAST_PAIRS = 80, 40
"""Of photos of 80 people half fit: 40 people make 780 pairs of strangers, of which eight reach a rate of 1e-2. Below,
the curve would be guessed. ``LEAST_PAIRS``: pairs of one person."""
_TAIL = 0.02
"""Share of the highest scores of strangers whose fall is continued beyond what was seen."""
_SEEN = 10
"""A rate is read off where at least so many pairs reach it."""
_ONE_VECTOR = 1e-6
_RULE_OF_THREE = 3.0
"""Where no pair of n reached a percentage, its rate is below 3 / n with 95 % confidence."""
Floats = NDArray[np.float64]


def fit_scores(vectors: FloatArray, people: NDArray[np.int64]) -> ScoreFit:
    """Fit on every second person, measure on the rest.

    Args:
        vectors: (N, D) unit vectors.
        people: (N,) whose face each is, from 0.

    Raises:
        InvalidParameterError: too few people or pairs, or scores that do not tell people apart.
    """
    names, number = np.unique(people, return_inverse=True)
    if len(names) < LEAST_PEOPLE:
        raise InvalidParameterError(f"photos of at least {LEAST_PEOPLE} people are needed; these show {len(names)}")
    knots = _knots(_pairs(vectors, number, 0)[1])
    genuine, impostor = _pairs(vectors, number, 1)
    if len(genuine) < LEAST_PAIRS:
        raise InvalidParameterError(
            f"at least {LEAST_PAIRS} pairs of photos of one person are needed among every second person; "
            f"there are {len(genuine)}"
        )
    curve = Calibration(tuple(Knot(cosine, pct) for cosine, pct in knots))
    cosines = [curve.cosine(pct) for pct in REPORTED_PCT]
    least = _RULE_OF_THREE / len(impostor)
    return ScoreFit(
        knots=knots,
        false_match_rates=tuple(
            (pct, max(float((impostor >= at).mean()), least)) for pct, at in zip(REPORTED_PCT, cosines, strict=True)
        ),
        true_match_rates=tuple(
            (pct, float((genuine >= at).mean())) for pct, at in zip(REPORTED_PCT, cosines, strict=True)
        ),
        genuine=len(genuine),
        impostor=len(impostor),
    )


def _pairs(vectors: FloatArray, number: NDArray[np.int64], half: int) -> tuple[Floats, Floats]:
    """Cosines of pairs of one person and of different people, among the people of ``half``."""
    kept = number % 2 == half
    rows, person = vectors[kept].astype(np.float64), number[kept]
    first, second = np.triu_indices(len(rows), 1)
    cosines = np.einsum("nd,nd->n", rows[first], rows[second]) if len(rows) < 64 else (rows @ rows.T)[first, second]
    same = person[first] == person[second]
    return cosines[same], cosines[~same]


def _knots(impostor: Floats) -> tuple[tuple[float, float], ...]:
    """The curve: read off where pairs reach a rate, the tail continued straight in log rate beyond."""
    falling = np.sort(impostor)[::-1]
    count = max(_SEEN + 1, int(_TAIL * len(falling)))
    tail = falling[:count]
    if tail[0] - tail[-1] < _ONE_VECTOR:
        raise InvalidParameterError("the network gives all faces the same vector")
    slope, start = np.polyfit(tail, np.log((np.arange(count) + 1) / len(falling)), 1)
    knots: list[tuple[float, float]] = []
    for rate, pct in FIT_AT:
        place = int(rate * len(falling))
        cosine = float(falling[place]) if place >= _SEEN else float((np.log(rate) - start) / slope)
        least = knots[-1][0] + 1e-4 if knots else -0.999
        knots.append((max(cosine, least), pct))
    if knots[-1][0] >= 0.9999:
        raise InvalidParameterError("the network does not tell these people apart: strangers reach the highest scores")
    return tuple(knots)
