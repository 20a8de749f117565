"""Where a line of text stands in a picture, straight or bent, and the strip that it is cut out as.

In: a rectangle's corners, or a blob whose text runs along a circle. Out: strips, and four corners for any part of the
line. It looks for nothing and reads nothing.

Source of the circle through a blob: Kåsa, A circle fitting procedure and its error analysis, IEEE Transactions on
Instrumentation and Measurement 25 (1976).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from custodes.engine.results.text import Quad
from custodes.engine.text.strip import STRIP_PX, FloatArray, RgbArray, cut, shrunk_size, strip_width, turned

_RIDGES, _LEAST_POINTS = (0.25, 0.5, 0.75), 8
"""Shares of the greatest depth within a blob, from which on a pixel is of its ridge."""
_LEAST_LENGTHS = 3.0
"""A blob shorter than so many of its thicknesses has no bend that could be told."""
_MOST_UNEVEN = 0.45
"""Standard deviation of the distance from the circle, in thicknesses; that of an even band is 0.29."""
_LEAST_RADII = 0.8
"""Thicknesses that the radius has at least."""
_MOST_SWEEP = math.radians(300)


class Place(Protocol):
    """A line of text in a picture, with a direction of reading."""

    @property
    def width_px(self) -> float:
        """Along the line of reading."""
        ...

    @property
    def height_px(self) -> float:
        """Across it."""
        ...

    @property
    def aspect(self) -> float:
        """Width over height."""
        ...

    @property
    def quad(self) -> Quad:
        """Four corners around all of it, from the top left of the text as it is read."""
        ...

    def slice(self, start: float, end: float) -> Quad:
        """Four corners of the part between two places along the line, 0 its begin and 1 its end."""
        ...

    def strip(self, rgb: RgbArray) -> RgbArray:
        """(48, W, 3) the line cut out of the picture ``rgb``, as it is read."""
        ...

    def turned(self, quarters: int) -> Place:
        """The same place read another way: 1 downwards, 2 upside down, 3 upwards. A bent line knows 2 only."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Straight:
    """A rectangle, (4, 2) ``corners`` in pixels, clockwise from the top left of the text as it is read."""

    corners: FloatArray

    @property
    def width_px(self) -> float:
        """Along the line of reading."""
        return float(np.linalg.norm(self.corners[1] - self.corners[0]))

    @property
    def height_px(self) -> float:
        """Across it."""
        return float(np.linalg.norm(self.corners[2] - self.corners[1]))

    @property
    def aspect(self) -> float:
        """Width over height; a height below a pixel counts as one."""
        return self.width_px / max(1.0, self.height_px)

    @property
    def quad(self) -> Quad:
        """The rectangle."""
        return _quad(self.corners)

    def slice(self, start: float, end: float) -> Quad:
        """Between two places along the line."""
        return self.quad.slice(start, end)

    def strip(self, rgb: RgbArray) -> RgbArray:
        """The rectangle, upright."""
        return cut(rgb, self.corners)

    def turned(self, quarters: int) -> Straight:
        """Reading begun at another corner."""
        return Straight(turned(self.corners, quarters))


@dataclass(frozen=True, slots=True)
class Arc:
    """A band along a circle, all in pixels and radians, angles clockwise from the right.

    Attributes:
        x, y: the circle's centre.
        start, stop: angles where reading begins and ends.
        top, bottom: distances from the centre of the letters' upper and lower edge.
    """

    x: float
    y: float
    start: float
    stop: float
    top: float
    bottom: float

    @property
    def width_px(self) -> float:
        """Along the middle of the band."""
        return abs(self.stop - self.start) * (self.top + self.bottom) / 2

    @property
    def height_px(self) -> float:
        """Across it."""
        return abs(self.top - self.bottom)

    @property
    def aspect(self) -> float:
        """Width over height; a height below a pixel counts as one."""
        return self.width_px / max(1.0, self.height_px)

    @property
    def quad(self) -> Quad:
        """The smallest rectangle around the band, its first edge along the way from begin to end."""
        along, across = np.meshgrid(np.linspace(0, 1, 33), [0.0, 1.0])
        points = np.stack(self._at(along.ravel(), across.ravel()), axis=1).astype(np.float32)
        corners = np.asarray(cv2.boxPoints(cv2.minAreaRect(points)), np.float32)
        edges = np.roll(corners, -1, axis=0) - corners
        along_them = edges @ (points[32] - points[0]) / np.maximum(np.linalg.norm(edges, axis=1), 1e-6)
        return _quad(np.roll(corners, -int(along_them.argmax()), axis=0))

    def slice(self, start: float, end: float) -> Quad:
        """Between two places along the line: the corners lie on the band, the edges cut it short."""
        x, y = self._at(np.array([start, end, end, start]), np.array([0.0, 0.0, 1.0, 1.0]))
        return _quad(np.stack([x, y], axis=1).astype(np.float32))

    def strip(self, rgb: RgbArray) -> RgbArray:
        """The band, unrolled."""
        wide, high = shrunk_size(self.width_px, self.height_px)
        along, across = np.meshgrid((np.arange(wide) + 0.5) / wide, (np.arange(high) + 0.5) / high)
        x, y = (value.astype(np.float32) - np.float32(0.5) for value in self._at(along, across))
        unrolled = cv2.remap(rgb, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        if high != STRIP_PX:
            width = strip_width(self.width_px, self.height_px)
            unrolled = cv2.resize(unrolled, (width, STRIP_PX), interpolation=cv2.INTER_AREA)
        return np.asarray(unrolled, np.uint8)

    def turned(self, quarters: int) -> Arc:
        """Upside down, however many ``quarters``."""
        if quarters % 4 == 0:
            return self
        return replace(self, start=self.stop, stop=self.start, top=self.bottom, bottom=self.top)

    def _at(self, along: np.ndarray, across: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        angle = self.start + along * (self.stop - self.start)
        away = self.top + across * (self.bottom - self.top)
        return self.x + away * np.cos(angle), self.y + away * np.sin(angle)


def arc_through(inside: NDArray[np.bool_], growth: float) -> Arc | None:
    """The band along a circle that a blob is, ``inside`` (h, w), grown as rectangles are; None: it is none.

    Of a circle through all of it and circles through its ridge, more or less of it, the one counts that it keeps to
    best: thickness bends short bands more than they are, and the ridge of long ones is broken between words.
    """
    depth = cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, 5)
    points = np.argwhere(inside)[:, ::-1].astype(np.float64)
    ridges = [np.argwhere(depth > share * depth.max())[:, ::-1].astype(np.float64) for share in _RIDGES]
    bands = [_Band.around(points, _circle(some)) for some in (points, *ridges) if len(some) >= _LEAST_POINTS]
    best = min((band for band in bands if band.sweep <= _MOST_SWEEP), key=lambda band: band.uneven, default=None)
    if best is None or not best.even:
        return None
    more = best.length * best.thickness * growth / (best.length + best.thickness)
    beyond, half = more / 2 / best.radius, (best.thickness + more) / 2
    top, bottom = best.radius + half, max(0.0, best.radius - half)
    arc = Arc(best.x, best.y, best.start - beyond, best.stop + beyond, top, bottom)
    return arc if math.sin((arc.start + arc.stop) / 2) <= 0 else arc.turned(2)


@dataclass(frozen=True, slots=True)
class _Band:
    """A circle, the angles between which a blob lies along it, its thickness, and how uneven it is in thicknesses."""

    x: float
    y: float
    radius: float
    start: float
    stop: float
    thickness: float
    uneven: float

    @property
    def sweep(self) -> float:
        return self.stop - self.start

    @property
    def length(self) -> float:
        return self.sweep * self.radius

    @property
    def even(self) -> bool:
        """Whether the blob is a band along its circle."""
        return (
            self.length >= _LEAST_LENGTHS * self.thickness
            and self.uneven <= _MOST_UNEVEN
            and self.radius >= _LEAST_RADII * self.thickness
        )

    @staticmethod
    def around(points: NDArray[np.float64], circle: tuple[float, float, float]) -> _Band:
        """How the blob of ``points`` (N, 2) lies along ``circle``."""
        x, y, radius = circle
        from_centre = points - (x, y)
        middle = math.atan2(*(points.mean(axis=0) - (x, y))[::-1])
        angles = (np.arctan2(from_centre[:, 1], from_centre[:, 0]) - middle + math.pi) % (2 * math.pi) - math.pi
        low, high = np.quantile(angles, (0.002, 0.998))
        thickness = len(points) / max(float(high - low) * radius, 1e-6)
        uneven = float(np.hypot(*from_centre.T).std()) / thickness
        return _Band(x, y, radius, middle + float(low), middle + float(high), thickness, uneven)


def _circle(points: NDArray[np.float64]) -> tuple[float, float, float]:
    """Centre and radius of the circle through ``points`` by least squares of squared distances."""
    centre = points.mean(axis=0)
    moved = points - centre
    system = np.hstack([2 * moved, np.ones((len(moved), 1))])
    (x, y, rest), *_ = np.linalg.lstsq(system, (moved**2).sum(axis=1), rcond=None)
    return float(centre[0] + x), float(centre[1] + y), math.sqrt(max(0.0, float(rest + x * x + y * y)))


def _quad(corners: FloatArray) -> Quad:
    points = [(float(x), float(y)) for x, y in corners]
    return Quad((points[0], points[1], points[2], points[3]))
