"""What a similarity stands for, for whoever explains one. In: percent. Out: false match rates of the present recipe.

docs/scores.md says how they were measured.
"""

from __future__ import annotations

from custodes.engine.calibrate import FALSE_MATCH_RATES
from custodes.engine.calibrate import false_match_rate as interpolated

LEAST_RATE = FALSE_MATCH_RATES[-1][1]
"""The smallest rate that was measured: for every similarity above it stands as a bound."""


def false_match_rate(similarity_pct: float) -> float | None:
    """Share of pairs of different people who look alike that reach it; None below what was measured."""
    return interpolated(similarity_pct, FALSE_MATCH_RATES)


def gallery_rate(rate: float, faces: int) -> float:
    """Chance that at least one of ``faces`` different people reaches what one reaches with chance ``rate``."""
    return 1.0 - (1.0 - rate) ** faces
