"""Spaces by the gaps of a strip: drawn strips part where they are wide; what the parts say counts for spaces alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custodes.engine.text.gaps import joined, letters, part, spans
from custodes.engine.text.recognise import Reading, Symbol

BARS = st.lists(st.tuples(st.integers(3, 40), st.integers(1, 60)), min_size=1, max_size=12)


def strip(bars: list[tuple[int, int]], ink: int, paper: int) -> np.ndarray:
    """Bars of ink of a width, each after a gap of a width."""
    columns = [value for width, gap in bars for value in [paper] * gap + [ink] * width] + [paper] * 5
    picture = np.full((48, len(columns), 3), paper, np.uint8)
    picture[8:40] = np.array(columns, np.uint8)[None, :, None]
    return picture


@given(BARS, st.sampled_from([(10, 240), (240, 10), (100, 160)]))
def test_parts_end_where_gaps_are_wide(bars: list[tuple[int, int]], colours: tuple[int, int]) -> None:
    drawn = strip(bars, *colours)
    if sum(width for width, _ in bars) * 32 > drawn[..., 0].size / 2:
        return  # what is more of it counts as paper
    found = spans(drawn)
    assert len(found) == 1 + sum(gap > 10 for _, gap in bars[1:])
    assert all(first < last for first, last in found) and list(found) == sorted(found)
    assert all(part(drawn, span).shape[1] >= span[1] - span[0] for span in found)


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_level_strip_is_one_part_at_most(value: int) -> None:
    assert len(spans(np.full((48, 100, 3), value, np.uint8))) <= 1


def test_parts_come_together_with_spaces_and_places() -> None:
    one, two = (Reading((Symbol(text, 0.5, 0.9),)) for text in "\uff17\uff18")
    found = joined(100, [((10, 20), one), ((60, 80), two)])
    assert [symbol.text for symbol in found.symbols] == ["\uff17", " ", "\uff18"]
    assert [symbol.at for symbol in found.symbols] == pytest.approx([0.15, 0.345, 0.70])
    assert letters(found) == "78"
