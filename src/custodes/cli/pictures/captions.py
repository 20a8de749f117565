"""Captions on a picture, each beside what it names, none over another.

In: a picture's size, text with the outline that it belongs to. Out: places for those that have room, and the others,
which belong below the picture.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Colour = tuple[int, int, int]
Place = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels."""


@dataclass(frozen=True, slots=True)
class Caption:
    """A text of a size beside an outline.

    Attributes:
        text: what it says.
        size_px: width and height.
        around: the outline that it names.
        colour: of its ground.
    """

    text: str
    size_px: tuple[float, float]
    around: Place
    colour: Colour


@dataclass(frozen=True, slots=True)
class Placed:
    """A caption where it goes."""

    caption: Caption
    place: Place


def arrange(captions: Sequence[Caption], width: int, height: int) -> tuple[list[Placed], list[Caption]]:
    """Captions in their places, and those for which there is no room near what they name."""
    placed: list[Placed] = []
    left_over: list[Caption] = []
    for caption in sorted(captions, key=lambda one: (one.around[1], one.around[0])):
        free = (place for place in _near(caption, width, height) if not any(_meet(place, one.place) for one in placed))
        place = next(free, None)
        if place is None:
            left_over.append(caption)
        else:
            placed.append(Placed(caption, place))
    return placed, left_over


def _near(caption: Caption, width: int, height: int) -> Iterator[Place]:
    """Places inside the picture, the best first: above the outline, below it, then inside from its top down."""
    (wide, tall), (left, top, right, bottom) = caption.size_px, caption.around
    if wide > width or tall > height:
        return
    columns = [min(max(0.0, x), width - wide) for x in (left, right - wide, (left + right - wide) / 2)]
    rows = [top - tall, bottom, top, bottom - tall]
    rows += [top + step * tall for step in range(1, 8)] + [bottom + step * tall for step in range(1, 4)]
    for y in rows:
        if 0 <= y <= height - tall:
            for x in columns:
                yield x, y, x + wide, y + tall


def _meet(one: Place, other: Place) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
