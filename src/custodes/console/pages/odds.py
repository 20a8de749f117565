"""What a similarity means: how often people who are somebody else reach it, in galleries of several sizes.

In: a similarity in percent and the measured false match rate of it. Out: values for a table. Source: docs/scores.md;
the chance that a gallery of N other people holds at least one false match is ``1 - (1 - rate) ** N``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

GALLERY_SIZES = (1, 100, 10_000, 1_000_000)


@dataclass(frozen=True, slots=True)
class Odds:
    """How telling a similarity is.

    Attributes:
        rate: share of pairs of different people that reach it; None below what was measured.
        at_most: whether ``rate`` is only a bound, as at the top of the scale.
        galleries: for each number of people the chance of at least one false match, in percent.
    """

    rate: float | None
    at_most: bool
    galleries: tuple[tuple[int, float], ...]


def odds_of(similarity_pct: float, false_match_rate: Callable[[float], float | None]) -> Odds:
    """The odds of a similarity."""
    rate, least = false_match_rate(similarity_pct), false_match_rate(100.0)
    if rate is None:
        return Odds(None, False, ())
    galleries = tuple((size, 100 * (1 - (1 - rate) ** size)) for size in GALLERY_SIZES)
    return Odds(rate, rate == least, galleries)
