"""How well a labelled gallery tells its own people apart: match rates at percentages, by counting all its pairs.

In: unit vectors, whose each is, and the cosine at which each shows a percentage. Out: for each percentage the share of
pairs of different people and of one person that reach it. A rate that too few pairs reached is a bound, and says so.

Source of the bound: rule of three, Hanley and Lippman-Hand 1983.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from custodes.gallery.ports import FloatArray

_ROWS = 512
_FEW = 10
_RULE_OF_THREE = 3


@dataclass(frozen=True, slots=True)
class RatePoint:
    """At a percentage, shares of pairs that reach it: of strangers (a bound where ``bounded``), of one person."""

    similarity_pct: float
    false_match_rate: float
    true_match_rate: float
    bounded: bool


@dataclass(frozen=True, slots=True)
class PairCount:
    """How many pairs there were: of different people, and of one person."""

    impostor: int
    genuine: int


def match_rates(
    vectors: FloatArray, person: NDArray[np.int64], limits: FloatArray, percents: tuple[float, ...]
) -> tuple[tuple[RatePoint, ...], PairCount]:
    """Rates at ``percents``, of which ``limits`` (N, P) has the cosines: a pair counts by the higher of its two.

    Memory: a few times ``_ROWS`` rows of N. Without pairs of both kinds there are no points.
    """
    reached = np.zeros((2, len(percents)), np.int64)
    total = np.zeros(2, np.int64)
    for start in range(0, len(vectors), _ROWS):
        rows = slice(start, start + _ROWS)
        cosine = vectors[rows] @ vectors.T
        upper = np.arange(len(vectors))[None, :] > np.arange(start, start + len(cosine))[:, None]
        same = person[rows][:, None] == person[None, :]
        for kind, chosen in enumerate((upper & ~same, upper & same)):
            total[kind] += np.count_nonzero(chosen)
            found = np.nonzero(chosen)
            values = cosine[found]
            for at in range(len(percents)):
                needed = np.maximum(limits[rows][:, at][found[0]], limits[:, at][found[1]])
                reached[kind, at] += np.count_nonzero(values >= needed)
    count = PairCount(int(total[0]), int(total[1]))
    if not count.impostor or not count.genuine:
        return (), count
    return tuple(_point(pct, reached[:, at], count) for at, pct in enumerate(percents)), count


def _point(pct: float, reached: NDArray[np.int64], count: PairCount) -> RatePoint:
    strangers = int(reached[0])
    bounded = strangers < _FEW
    rate = max(strangers, _RULE_OF_THREE) / count.impostor
    return RatePoint(pct, min(rate, 1.0), int(reached[1]) / count.genuine, bounded)
