"""Cosine to similarity percent and back, by a table fitted on genuine and impostor scores.

In: a cosine of two unit vectors of one model version. Out: the percentage that answers show and thresholds use. What a
percentage means (false match rate) stands in the table of docs/scores.md; the knots stand on the model recipe, so they
change only together with the model version. It does not know galleries, and what a vector's level is (see
faces/lookalikes.py) it is told.
"""

from __future__ import annotations

import itertools
import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

FALSE_MATCH_RATES = ((50.0, 1.7e-2), (80.0, 1.1e-3), (90.0, 6.4e-4), (95.0, 1.1e-4), (99.0, 2.1e-5), (99.9, 1.1e-5))
"""Share of pairs of different people who look alike that may reach a percentage of recipe 7.2: twice what was measured
of all groups together, so that it holds for groups that fare worse (bench/differential.py)."""


@dataclass(frozen=True, slots=True)
class Knot:
    """One point of the curve: ``cosine`` in (-1, 1) shows as ``similarity_pct`` in (0, 100)."""

    cosine: float
    similarity_pct: float


def log_odds(percent: float) -> float:
    """ln(p / (100 - p)) of a percentage strictly between 0 and 100."""
    return math.log(percent / (100.0 - percent))


class Calibration:
    """A strictly increasing curve through (-1, 0 %), the knots and (1, 100 %).

    Between knots it is linear in log-odds, the natural scale of evidence (as in Platt's and in LR calibration); from
    the outermost knots to the ends it is linear in percent, so that only identical vectors reach 100.
    """

    def __init__(self, knots: tuple[Knot, ...]) -> None:
        """Check and keep ``knots``.

        Raises:
            ValueError: fewer than two knots, or not strictly increasing in both members, or outside the open ranges.
        """
        cosines = [k.cosine for k in knots]
        percents = [k.similarity_pct for k in knots]
        inside = all(-1 < k.cosine < 1 and 0 < k.similarity_pct < 100 for k in knots)
        if len(knots) < 2 or not inside or not (_rising(cosines) and _rising(percents)):
            raise ValueError("knots must rise strictly in cosine (-1, 1) and percent (0, 100)")
        self._cosines = cosines
        self._odds = [log_odds(p) for p in percents]
        self._percents = percents

    def similarity_pct(self, cosine: float) -> float:
        """Percentage of ``cosine`` (clamped to -1..1, so rounding just above 1 is 100 %)."""
        x = min(1.0, max(-1.0, cosine))
        xs, ps = self._cosines, self._percents
        if x < xs[0]:
            return ps[0] * (x + 1.0) / (xs[0] + 1.0)
        if x >= xs[-1]:
            return ps[-1] + (100.0 - ps[-1]) * (x - xs[-1]) / (1.0 - xs[-1])
        i = bisect_right(xs, x) - 1
        part = (x - xs[i]) / (xs[i + 1] - xs[i])
        odds = self._odds[i] + part * (self._odds[i + 1] - self._odds[i])
        return 100.0 / (1.0 + math.exp(-odds))

    def cosine(self, similarity_pct: float) -> float:
        """The cosine at ``similarity_pct`` (clamped to 0..100): the inverse of ``similarity_pct``."""
        p = min(100.0, max(0.0, similarity_pct))
        xs, ps = self._cosines, self._percents
        if p < ps[0]:
            return -1.0 + (xs[0] + 1.0) * p / ps[0]
        if p >= ps[-1]:
            return xs[-1] + (1.0 - xs[-1]) * (p - ps[-1]) / (100.0 - ps[-1])
        i = max(0, bisect_left(ps, p) - 1)
        part = (log_odds(p) - self._odds[i]) / (self._odds[i + 1] - self._odds[i])
        return xs[i] + part * (xs[i + 1] - xs[i])


_NEVER = 2.0
"""Beyond every cosine that float32 arithmetic can produce for unit vectors."""


@dataclass(frozen=True, slots=True)
class LocalScale:
    """Cosines of one vector on the published scale: its surroundings decide the level, children's have a top.

    Attributes:
        curve: the recipe's, for cosines at level 0.
        level: 0 to below 1. Strangers here reach the cosine ``level + (1 - level) * x`` as often as those at level 0
            reach ``x``; identical vectors have cosine 1 everywhere.
        top_pct: no similarity is higher; 100 where nothing is capped.
    """

    curve: Calibration
    level: float = 0.0
    top_pct: float = 100.0

    def similarity_pct(self, cosine: float) -> float:
        """Percentage of ``cosine`` (clamped to -1..1), 0 to ``top_pct``; it never falls where the cosine rises."""
        x = min(1.0, max(-1.0, cosine))
        return min(self.curve.similarity_pct((x - self.level) / (1.0 - self.level)), self.top_pct)

    def cosine(self, similarity_pct: float) -> float:
        """The smallest cosine that reaches ``similarity_pct``; beyond 1 where none does."""
        if similarity_pct > self.top_pct:
            return _NEVER
        return self.level + (1.0 - self.level) * self.curve.cosine(similarity_pct)


def _rising(values: list[float]) -> bool:
    return all(a < b for a, b in itertools.pairwise(values))


def false_match_rate(similarity_pct: float, measured: Sequence[tuple[float, float]]) -> float | None:
    """Share of pairs of different people that reach ``similarity_pct``.

    Args:
        similarity_pct: 0 to 100.
        measured: (percentage, rate) points, percentages rising.

    Returns:
        Interpolated between the points, straight in log rate over log-odds; above the last point its rate, as an upper
        bound; None below the first, where nothing was measured.
    """
    if similarity_pct < measured[0][0]:
        return None
    for (low, high_rate), (high, low_rate) in itertools.pairwise(measured):
        if similarity_pct < high:
            part = (log_odds(similarity_pct) - log_odds(low)) / (log_odds(high) - log_odds(low))
            return math.exp(math.log(high_rate) + part * (math.log(low_rate) - math.log(high_rate)))
    return measured[-1][1]
