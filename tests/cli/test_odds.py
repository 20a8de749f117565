"""What ``custodes compare`` says about a false match rate."""

from __future__ import annotations

import pytest

from custodes.cli.faces.compare import odds


@pytest.mark.parametrize(
    ("rate", "words"),
    [
        (3.382e-5, "about 1 in 30,000 reaches this (false match rate 3e-05)"),
        (8.0e-3, "about 1 in 100 reaches this"),
        (9.1e-7, "at most 1 in 1,000,000 reaches this"),
        (0.97, "about 1 in 1 reaches this"),
        (None, "Pairs of different people often score this"),
    ],
)
def test_rates_are_told_with_one_digit(rate: float | None, words: str) -> None:
    assert words in odds(rate, least=9.1e-7)
