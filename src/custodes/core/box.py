"""Boxes, and the only conversion between pixels and ratios.

Pixels are of the upright picture (EXIF orientation applied), origin top-left, x to the right, y down. Ratios are pixels
divided by the picture's width or height. Neither is clamped: a face cut by the edge has a box beyond it, as the API
documents.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Size:
    """Width and height of a picture in pixels."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class BoxRatio:
    """A box in ratios of picture width (left, width) and height (top, height)."""

    left: float
    top: float
    width: float
    height: float

    def to_px(self, size: Size) -> BoxPx:
        """The same box in pixels of a picture of ``size``."""
        x1, y1 = self.left * size.width, self.top * size.height
        return BoxPx(x1, y1, x1 + self.width * size.width, y1 + self.height * size.height)


@dataclass(frozen=True, slots=True)
class BoxPx:
    """A box in pixels by its corners; ``x2`` and ``y2`` are exclusive."""

    x1: float
    y1: float
    x2: float
    y2: float

    @property
    def width(self) -> float:
        """Width in pixels."""
        return self.x2 - self.x1

    @property
    def height(self) -> float:
        """Height in pixels."""
        return self.y2 - self.y1

    @property
    def area(self) -> float:
        """Area in square pixels; 0 for an empty box."""
        return max(0.0, self.width) * max(0.0, self.height)

    def to_ratio(self, size: Size) -> BoxRatio:
        """The same box in ratios of a picture of ``size``."""
        return BoxRatio(self.x1 / size.width, self.y1 / size.height, self.width / size.width, self.height / size.height)
