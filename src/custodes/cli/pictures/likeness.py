"""What a similarity allows to say: in words, and as one of three verdicts that pictures have a colour for.

In: percent, a gallery's size. Out: text that a person can act on. docs/scores.md has the rates behind it.
"""

from __future__ import annotations

from enum import StrEnum

from custodes.deployment.networks.scores import SHIPPED, ScoreRates, gallery_rate

_POSSIBLE_PCT, _LIKELY_PCT = 80.0, 99.0
"""From where on two photos may be, and are likely to be, of one person: the uses that docs/scores.md names."""

_RARE = 0.05
"""Chance of a false match in the whole gallery up to which a match in it is called likely."""


class LikenessVerdict(StrEnum):
    """What two photos look like. It is about photos: that two people are one, a person decides."""

    LIKELY = "likely the same person"
    POSSIBLE = "possibly the same person"
    UNLIKELY = "not shown to be the same person"


def verdict(similarity_pct: float) -> LikenessVerdict:
    """The verdict at ``similarity_pct``."""
    if similarity_pct >= _LIKELY_PCT:
        return LikenessVerdict.LIKELY
    return LikenessVerdict.POSSIBLE if similarity_pct >= _POSSIBLE_PCT else LikenessVerdict.UNLIKELY


def verdict_in_gallery(similarity_pct: float, faces: int | None, rates: ScoreRates = SHIPPED) -> LikenessVerdict:
    """The verdict on a match among ``faces`` faces: likely only where a stranger among them hardly reaches it.

    Without a known number of faces nothing is called likely.
    """
    alone = verdict(similarity_pct)
    chance = None if faces is None else chance_in_gallery(similarity_pct, faces, rates)
    rare = chance is not None and chance <= _RARE
    return LikenessVerdict.POSSIBLE if alone is LikenessVerdict.LIKELY and not rare else alone


def percent(value: float) -> str:
    """A similarity with the digits that matter: near 100 more of them, and never rounded up to it."""
    text = f"{value:.2f}" if value < 99.9 else f"{value:.4f}"
    return "99.9999 %" if value < 100.0 <= float(text) else f"{text} %"


def one_in(rate: float) -> int:
    """Of how many pairs one reaches it, with one digit: few false matches were measured, more would claim too much."""
    return max(1, int(float(f"{1 / rate:.1g}")))


def odds(similarity_pct: float, rates: ScoreRates = SHIPPED) -> str:
    """The false match rate at ``similarity_pct`` in words that a person can act on."""
    rate = rates.false_match_rate(similarity_pct)
    if rate is None:
        return "Pairs of different people often score this; it says nothing for the same person."
    pairs = one_in(rate)
    some = "at most" if rate == rates.least else "about"
    # The rate that the words stand for, so that both say the same.
    return f"Of pairs of different people, {some} 1 in {pairs:,} reaches this (false match rate {1 / pairs:.2g})."


def short_odds(similarity_pct: float, rates: ScoreRates = SHIPPED) -> str:
    """The same as a few words, for tables and captions."""
    rate = rates.false_match_rate(similarity_pct)
    if rate is None:
        return "often among strangers"
    return f"{'at most ' if rate == rates.least else ''}1 in {one_in(rate):,} strangers"


def gallery_odds(similarity_pct: float, faces: int, rates: ScoreRates = SHIPPED) -> str:
    """The chance of a false match somewhere in a gallery of ``faces`` faces."""
    chance = chance_in_gallery(similarity_pct, faces, rates)
    if chance is None or chance > 0.99:
        return "over 99 %"
    return f"{100 * chance:.2g} %"


def chance_in_gallery(similarity_pct: float, faces: int, rates: ScoreRates = SHIPPED) -> float | None:
    """Chance, 0 to 1, that at least one stranger among ``faces`` reaches it; None below what was measured."""
    rate = rates.false_match_rate(similarity_pct)
    return None if rate is None else gallery_rate(rate, faces)
