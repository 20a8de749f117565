"""Which words are reported: filters, regions, the hundred; lines follow from their words."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custodes.core.box import BoxRatio, Size
from custodes.engine.results.text import TextFound
from custodes.operations.images.text_filter import (
    EVERY_WORD,
    MAX_WORDS,
    Region,
    WordFilter,
    area,
    clipped,
    rectangle,
    reported,
)
from tests.fakes.text import line, word

SIZE = Size(200, 100)
UNIT = rectangle(BoxRatio(0, 0, 1, 1))
FOUND = TextFound(SIZE, (line(word("one", 0, 0), word("two", 60, 0, confidence=50)), line(word("three", 0, 50))))


def texts(found: TextFound) -> list[str]:
    return [each.text for each in found.lines]


def test_without_filters_everything_is_told() -> None:
    assert reported(FOUND, EVERY_WORD, ()) == FOUND


def test_a_line_is_what_is_left_of_it() -> None:
    left = reported(FOUND, WordFilter(min_confidence_pct=60), ())
    assert texts(left) == ["one", "three"]
    assert left.lines[0].quad == FOUND.lines[0].words[0].quad
    assert left.lines[0].confidence_pct == 99


@pytest.mark.parametrize(
    ("limits", "kept"),
    [
        (WordFilter(min_height=0.2), ["one two", "three"]),
        (WordFilter(min_height=0.21), []),
        (WordFilter(min_width=0.2), ["one two", "three"]),
        (WordFilter(min_width=0.201), []),
        (WordFilter(min_confidence_pct=99), ["one", "three"]),
        (WordFilter(min_confidence_pct=99.1), []),
    ],
)
def test_limits_are_inclusive(limits: WordFilter, kept: list[str]) -> None:
    assert texts(reported(FOUND, limits, ())) == kept


@pytest.mark.parametrize(
    ("region", "kept"),
    [
        (rectangle(BoxRatio(0, 0, 0.11, 0.3)), ["one"]),
        (rectangle(BoxRatio(0, 0, 0.1, 0.3)), []),
        (rectangle(BoxRatio(0, 0.4, 1, 1)), ["three"]),
        (((0, 0), (1, 0), (1, 1)), ["two"]),
        (((0, 0), (0, 1), (1, 1), (0.02, 0.5)), ["three"]),
    ],
)
def test_more_than_half_of_a_word_lies_in_a_region(region: Region, kept: list[str]) -> None:
    assert texts(reported(FOUND, EVERY_WORD, (region,))) == kept


def test_any_region_will_do() -> None:
    regions = (rectangle(BoxRatio(0, 0, 0.2, 0.2)), rectangle(BoxRatio(0, 0.5, 0.2, 0.2)))
    assert texts(reported(FOUND, EVERY_WORD, regions)) == ["one", "three"]


def test_a_hundred_words_and_their_lines() -> None:
    lines = tuple(line(*(word(f"{row}-{i}", 10 * i, 10 * row) for i in range(30))) for row in range(5))
    left = reported(TextFound(SIZE, lines), EVERY_WORD, ())
    assert [len(each.words) for each in left.lines] == [30, 30, 30, 10]
    assert left.lines[3].text.endswith("3-9")
    assert sum(len(each.words) for each in left.lines) == MAX_WORDS


coordinate = st.floats(-1, 2, allow_nan=False, width=32)
polygons = st.lists(st.tuples(coordinate, coordinate), min_size=3, max_size=10).map(tuple)
boxes = st.tuples(coordinate, coordinate, st.floats(0.01, 1), st.floats(0.01, 1))


@given(boxes, boxes)
def test_clipping_boxes_is_intersecting_them(one: tuple[float, ...], other: tuple[float, ...]) -> None:
    shared = [max(0.0, min(one[i] + one[i + 2], other[i] + other[i + 2]) - max(one[i], other[i])) for i in range(2)]
    found = area(clipped(rectangle(BoxRatio(*one)), rectangle(BoxRatio(*other))))
    assert found == pytest.approx(shared[0] * shared[1], abs=1e-9)


@given(polygons)
def test_the_direction_of_the_window_does_not_matter(polygon: Region) -> None:
    assert area(clipped(polygon, UNIT)) == pytest.approx(area(clipped(polygon, UNIT[::-1])), abs=1e-9)


@given(polygons)
def test_what_is_clipped_is_inside(polygon: Region) -> None:
    for x, y in clipped(polygon, UNIT):
        assert -1e-9 <= x <= 1 + 1e-9 and -1e-9 <= y <= 1 + 1e-9


@given(st.lists(st.tuples(coordinate, coordinate), min_size=3, max_size=3).map(tuple))
def test_a_triangle_is_the_sum_of_its_parts_in_a_grid(triangle: Region) -> None:
    cells = [rectangle(BoxRatio(x, y, 1, 1)) for x, y in itertools.product((-1.0, 0.0, 1.0), repeat=2)]
    assert sum(area(clipped(triangle, cell)) for cell in cells) == pytest.approx(area(triangle), abs=1e-6)
