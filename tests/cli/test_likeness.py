"""What ``compare`` and ``search`` say about a similarity: words, figures and verdicts that agree with each other."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custodes.cli.pictures.likeness import (
    LikenessVerdict,
    gallery_odds,
    odds,
    percent,
    short_odds,
    verdict,
    verdict_in_gallery,
)
from custodes.deployment.networks.scores import SHIPPED


@pytest.mark.parametrize(
    ("similarity", "words"),
    [
        (80.0, "about 1 in 900 reaches this (false match rate 0.0011)"),
        (99.0, "about 1 in 50,000 reaches this (false match rate 2e-05)"),
        (99.95, "at most 1 in 90,000 reaches this (false match rate 1.1e-05)"),
        (20.0, "Pairs of different people often score this"),
    ],
)
def test_rates_are_told_with_one_digit(similarity: float, words: str) -> None:
    assert words in odds(similarity)


@given(similarity=st.floats(50.0, 100.0))
def test_words_and_figure_say_the_same(similarity: float) -> None:
    found = re.search(r"1 in ([\d,]+) reaches this \(false match rate ([\d.e-]+)\)", odds(similarity))
    assert found is not None
    pairs = int(found[1].replace(",", ""))
    assert pairs * float(found[2]) == pytest.approx(1.0, rel=0.05)
    assert f"1 in {found[1]} strangers" in short_odds(similarity)
    rate = SHIPPED.false_match_rate(similarity)
    assert rate is not None
    assert pairs * rate == pytest.approx(1.0, rel=0.5), "one digit is not further from what was measured than that"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0.00 %"), (98.123, "98.12 %"), (99.91234, "99.9123 %"), (99.9999999, "99.9999 %"), (100.0, "100.0000 %")],
)
def test_percentages_have_the_digits_that_matter(value: float, text: str) -> None:
    assert percent(value) == text


def test_a_stranger_is_never_called_likely() -> None:
    assert verdict(79.9) is LikenessVerdict.UNLIKELY
    assert verdict(98.9) is LikenessVerdict.POSSIBLE
    assert verdict(99.0) is LikenessVerdict.LIKELY


def test_the_size_of_the_gallery_counts() -> None:
    assert verdict_in_gallery(99.5, 10) is LikenessVerdict.LIKELY
    assert verdict_in_gallery(99.5, 1_000_000) is LikenessVerdict.POSSIBLE
    assert verdict_in_gallery(99.5, None) is LikenessVerdict.POSSIBLE
    assert gallery_odds(99.0, 1_000) == "2.1 %"  # as in the table of docs/scores.md
    assert gallery_odds(80.0, 1_000_000) == "over 99 %"
