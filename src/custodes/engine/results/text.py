"""What the engine says about text in a picture: lines and their words, with places in pixels. Plain values."""

from __future__ import annotations

import math
from dataclasses import dataclass

from custodes.core.box import BoxPx, Size

PointPx = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Quad:
    """Four corners in pixels of the upright picture, clockwise from the top left of the text as it is read.

    For text that is turned, the first corner is not the top left of the picture's axes.
    """

    points: tuple[PointPx, PointPx, PointPx, PointPx]

    @property
    def aspect(self) -> float:
        """How many times as long as high it is, along the line of reading; a height below a pixel counts as one."""
        top_left, top_right, bottom_right, _ = self.points
        return math.dist(top_left, top_right) / max(1.0, math.dist(top_right, bottom_right))

    @property
    def box_px(self) -> BoxPx:
        """The smallest axis-aligned box around it."""
        xs, ys = [x for x, _ in self.points], [y for _, y in self.points]
        return BoxPx(min(xs), min(ys), max(xs), max(ys))

    def slice(self, start: float, end: float) -> Quad:
        """The part between two places along the line of reading, 0 its begin and 1 its end."""
        top_left, top_right, bottom_right, bottom_left = self.points
        return Quad(
            (
                _between(top_left, top_right, start),
                _between(top_left, top_right, end),
                _between(bottom_left, bottom_right, end),
                _between(bottom_left, bottom_right, start),
            )
        )


@dataclass(frozen=True, slots=True)
class TextWord:
    """A run of symbols without a space; ``confidence_pct`` 0 to 100, that every symbol is right."""

    text: str
    confidence_pct: float
    quad: Quad


@dataclass(frozen=True, slots=True)
class TextLine:
    """Words that follow each other on one straight line; at least one."""

    words: tuple[TextWord, ...]
    quad: Quad

    @property
    def text(self) -> str:
        """The words with one space between."""
        return " ".join(word.text for word in self.words)

    @property
    def confidence_pct(self) -> float:
        """Mean of the words' confidences."""
        return sum(word.confidence_pct for word in self.words) / len(self.words)


@dataclass(frozen=True, slots=True)
class TextFound:
    """All lines of a picture in reading order, top to bottom, then left to right; the size their places refer to."""

    size: Size
    lines: tuple[TextLine, ...]


def spanning(words: tuple[TextWord, ...]) -> TextLine:
    """The line that consists of ``words`` (at least one), which follow each other on a straight line."""
    first, last = words[0].quad.points, words[-1].quad.points
    return TextLine(words, Quad((first[0], last[1], last[2], first[3])))


def _between(a: PointPx, b: PointPx, share: float) -> PointPx:
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share
