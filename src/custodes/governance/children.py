"""The rule on children: which faces it is about. In: an estimate of age. Out: yes or no. It estimates nothing itself.

An estimate is a stranger's guess at one picture (docs/faces.md says how far off): some who are older are refused, some
who are younger are not.
"""

from __future__ import annotations

REFUSE_CHILDREN = "refuse-children"
"""The obligation of rules under which faces of children are neither compared nor searched."""
GROWN_FROM_YEARS = 13


def looks_like_a_child(low_years: int, high_years: int) -> bool:
    """Whether the middle of an estimated range of age, both ends included, is below thirteen."""
    return (low_years + high_years) / 2 < GROWN_FROM_YEARS
