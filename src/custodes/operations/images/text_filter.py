"""Which words of a picture are told: confident, large and inside of what was asked about, one hundred at most.

In: what the engine read, and the request's filters in ratios. Out: the same in fewer words. A line is what is left of
it: its text and place follow from the words that stay, so that nothing outside a region is told by its line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from custodes.core.box import BoxRatio, Size
from custodes.engine.results.text import TextFound, TextWord, spanning

MAX_WORDS = 100
"""The API tells no more words of a picture; here, the first in reading order."""

PointRatio = tuple[float, float]
Region = tuple[PointRatio, ...]
"""A simple polygon in ratios of the picture, at least three corners; it may be concave."""


@dataclass(frozen=True, slots=True)
class WordFilter:
    """Least values of a word that is told, inclusive: confidence 0 to 100, sides of its box as ratios."""

    min_confidence_pct: float = 0.0
    min_height: float = 0.0
    min_width: float = 0.0


EVERY_WORD = WordFilter()


def rectangle(box: BoxRatio) -> Region:
    """The region that a box is."""
    right, bottom = box.left + box.width, box.top + box.height
    return (box.left, box.top), (right, box.top), (right, bottom), (box.left, bottom)


def reported(found: TextFound, limits: WordFilter, regions: Sequence[Region]) -> TextFound:
    """``found`` without the words that fail ``limits`` or have no more than half of their area in any region."""
    left = MAX_WORDS
    lines = []
    for line in found.lines:
        words = tuple(word for word in line.words if _passes(word, found.size, limits, regions))[:left]
        left -= len(words)
        if words:
            lines.append(line if words == line.words else spanning(words))
    return TextFound(found.size, tuple(lines))


def _passes(word: TextWord, size: Size, limits: WordFilter, regions: Sequence[Region]) -> bool:
    box = word.quad.box_px.to_ratio(size)
    if word.confidence_pct < limits.min_confidence_pct:
        return False
    if box.height < limits.min_height or box.width < limits.min_width:
        return False
    outline = tuple((x / size.width, y / size.height) for x, y in word.quad.points)
    return not regions or any(area(clipped(region, outline)) * 2 > area(outline) for region in regions)


def area(polygon: Region) -> float:
    """Area by the shoelace formula, whichever way round the corners go; 0 for fewer than three."""
    if len(polygon) < 3:
        return 0.0
    twice = sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairwise((*polygon, polygon[0])))
    return abs(twice) / 2


def clipped(polygon: Region, window: Region) -> Region:
    """The part of a polygon inside a convex ``window``.

    A concave polygon may come back with edges of no width, which its area does not see. Source: Sutherland and Hodgman,
    Reentrant polygon clipping, CACM 17 (1974).
    """
    # The window's own direction of rotation decides which side of an edge is inside.
    turn = 1.0 if _signed(window) >= 0 else -1.0
    rest = list(polygon)
    for a, b in pairwise((*window, window[0])):
        rest = _half(rest, a, b, turn)
    return tuple(rest)


def _half(polygon: list[PointRatio], a: PointRatio, b: PointRatio, turn: float) -> list[PointRatio]:
    """The part of ``polygon`` on the inner side of the line through ``a`` and ``b``."""

    def side(point: PointRatio) -> float:
        return turn * ((b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0]))

    kept: list[PointRatio] = []
    for current, following in pairwise((*polygon, *polygon[:1])):
        here, there = side(current), side(following)
        if here >= 0:
            kept.append(current)
        if (here > 0 > there) or (here < 0 < there):
            share = here / (here - there)
            kept.append(
                (current[0] + (following[0] - current[0]) * share, current[1] + (following[1] - current[1]) * share)
            )
    return kept


def _signed(polygon: Region) -> float:
    return sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairwise((*polygon, polygon[0])))
