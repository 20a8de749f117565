"""Lines of text, found by PP-OCR's detector: a map of cores, its blobs, a rectangle around each, grown to the line.

In: an upright RGB picture. Out: rectangles at any angle with scores, in pixels of that picture. It reads nothing.

Source: Liao et al., Real-time Scene Text Detection with Differentiable Binarization, arXiv:1911.08947, section 3.4
(the growth by area over perimeter); constants as in RapidOCR's configuration of this network.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from custodes.core.box import Size
from custodes.engine.faces.detection.detect import FaceNetwork
from custodes.engine.text.places import Arc, arc_through

FloatArray = NDArray[np.float32]
RgbArray = NDArray[np.uint8]

_MULTIPLE = 32
"""The network halves five times."""


@dataclass(frozen=True, slots=True)
class LineDetectionRules:
    """Constants of detection.

    Attributes:
        short_px: small pictures are enlarged until their short side has this many pixels.
        long_px: but no side gets longer than this; larger pictures are shrunk to it.
        max_enlargement: small pictures are not enlarged further.
        margin_px: the picture's edge is continued by this much, so that text touching it keeps its outline.
        min_core: map values below are outside of lines.
        min_score: lines whose mean map value is below are dropped.
        growth: how far a core grows to the line, in areas over perimeters.
        min_side_px: cores with a smaller side, in pixels of the map, are noise.
        most: blobs looked at.
        straight_fill: blobs that fill less of their rectangle may be bent.
        min_bent_score: bent lines whose mean map value, within their outline, is below are dropped.
    """

    short_px: int = 736
    long_px: int = 1600
    max_enlargement: float = 4.0
    margin_px: int = 32
    min_core: float = 0.3
    min_score: float = 0.5
    growth: float = 1.6
    min_side_px: float = 3.0
    most: int = 1000
    straight_fill: float = 0.75
    min_bent_score: float = 0.65


@dataclass(frozen=True, slots=True)
class Spot:
    """A rectangle that holds a line of text.

    Attributes:
        corners: (4, 2) float32 pixels of the picture, clockwise from the one nearest to the picture's top left.
        score: 0 to 1, that there is text.
        arc: the band that it is where it is bent; the rectangle is then around it.
    """

    corners: FloatArray
    score: float
    arc: Arc | None = None

    @property
    def width_px(self) -> float:
        """Length of the first edge."""
        return float(np.linalg.norm(self.corners[1] - self.corners[0]))

    @property
    def height_px(self) -> float:
        """Length of the second edge."""
        return float(np.linalg.norm(self.corners[2] - self.corners[1]))


class LineDetector:
    """Detection as a pipeline step: pre (scale, continue the edge), run, post (blobs, rectangles, order)."""

    def __init__(self, network: FaceNetwork, rules: LineDetectionRules | None = None) -> None:
        """Keep the opened ``network`` and the constants."""
        self._network = network
        self._rules = rules or LineDetectionRules()

    def detect(self, rgb: RgbArray) -> list[Spot]:
        """Lines of (H, W, 3) uint8 ``rgb`` in reading order."""
        scale = self.scale(Size(rgb.shape[1], rgb.shape[0]))
        planes = self._planes(rgb, scale)
        heat = self._network.run({"rgb": planes})["text"][0, 0]
        return in_reading_order(self._spots(heat, scale, Size(rgb.shape[1], rgb.shape[0])))

    def scale(self, size: Size) -> float:
        """Pixels of the network's input per pixel of the picture."""
        rules = self._rules
        short, long = min(size.width, size.height), max(size.width, size.height)
        wanted = min(max(1.0, rules.short_px / short), rules.max_enlargement)
        return min(wanted, rules.long_px / long)

    def _planes(self, rgb: RgbArray, scale: float) -> FloatArray:
        height, width = (max(1, round(side * scale)) for side in rgb.shape[:2])
        if (height, width) != rgb.shape[:2]:
            how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
            rgb = np.asarray(cv2.resize(rgb, (width, height), interpolation=how), np.uint8)
        margin = self._rules.margin_px
        rest = [-(side + 2 * margin) % _MULTIPLE for side in (height, width)]
        edges = (margin, margin + rest[0], margin, margin + rest[1])
        framed = cv2.copyMakeBorder(rgb, *edges, cv2.BORDER_REPLICATE)
        return np.ascontiguousarray(framed.transpose(2, 0, 1)[None], np.float32)

    def _spots(self, heat: FloatArray, scale: float, size: Size) -> list[Spot]:
        rules = self._rules
        # One pixel to the right and down joins blobs that touch at corners, as in the reference.
        core = cv2.dilate((heat > rules.min_core).astype(np.uint8), np.ones((2, 2), np.uint8))
        outlines, _ = cv2.findContours(core, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
        spots = []
        for outline in outlines[: rules.most]:
            (centre, (a, b), angle) = cv2.minAreaRect(outline)
            if min(a, b) < rules.min_side_px:
                continue
            if (bent := self._bent(heat, np.asarray(outline), a * b)) is not None:
                spots.append(self._placed(*bent, scale))
                continue
            score = mean_inside(heat, np.asarray(cv2.boxPoints((centre, (a, b), angle)), np.float32))
            if score < rules.min_score:
                continue
            # Growing a rectangle by d on all sides is what offsetting its outline by d comes to.
            grown = 2 * a * b * rules.growth / (2 * (a + b))
            corners = cv2.boxPoints((centre, (a + grown, b + grown), angle))
            placed = (np.asarray(corners, np.float32) - np.float32(rules.margin_px)) / np.float32(scale)
            limit = np.array([size.width, size.height], np.float32)
            spots.append(Spot(clockwise(np.clip(placed, 0, limit).astype(np.float32)), score))
        return [spot for spot in spots if min(spot.width_px, spot.height_px) > 1]

    def _bent(self, heat: FloatArray, outline: NDArray[np.generic], rect_px: float) -> tuple[Arc, float] | None:
        """The band in pixels of the map that a blob is, and its score; None: it is straight, or no band."""
        if cv2.contourArea(np.asarray(outline, np.int32)) >= self._rules.straight_fill * rect_px:
            return None
        inside = (
            cv2.drawContours(np.zeros(heat.shape, np.uint8), [np.asarray(outline, np.int32)], -1, 1, cv2.FILLED) > 0
        )
        arc = arc_through(inside, self._rules.growth)
        score = float(heat[inside].mean())
        return (arc, score) if arc is not None and score >= self._rules.min_bent_score else None

    def _placed(self, arc: Arc, score: float, scale: float) -> Spot:
        """The band in pixels of the picture."""
        margin = self._rules.margin_px
        placed = Arc(
            (arc.x - margin) / scale, (arc.y - margin) / scale, arc.start, arc.stop, arc.top / scale, arc.bottom / scale
        )
        return Spot(clockwise(np.array(placed.quad.points, np.float32)), score, placed)


def mean_inside(heat: FloatArray, corners: FloatArray) -> float:
    """Mean of ``heat`` (h, w) inside a polygon given in its pixels; 0 when nothing of it is inside."""
    height, width = heat.shape
    low = np.clip(np.floor(corners.min(axis=0)).astype(int), 0, [width - 1, height - 1])
    high = np.clip(np.ceil(corners.max(axis=0)).astype(int), 0, [width - 1, height - 1])
    part = heat[low[1] : high[1] + 1, low[0] : high[0] + 1]
    mask = np.zeros(part.shape, np.uint8)
    cv2.fillPoly(mask, [np.round(corners - low).astype(np.int32)], 1)
    return float(part[mask > 0].mean()) if mask.any() else 0.0


def clockwise(corners: FloatArray) -> FloatArray:
    """The four corners of a rectangle, clockwise on the screen, from the one nearest to the top left.

    Nearest by the left and the upper pair: the two leftmost corners are its left edge, the upper one comes first.
    """
    left_to_right = corners[np.lexsort((corners[:, 1], corners[:, 0]))]
    left = left_to_right[:2][np.argsort(left_to_right[:2, 1], kind="stable")]
    right = left_to_right[2:][np.argsort(left_to_right[2:, 1], kind="stable")]
    return np.stack([left[0], right[0], right[1], left[1]]).astype(np.float32)


def in_reading_order(spots: list[Spot]) -> list[Spot]:
    """Top to bottom in rows, each row left to right. Two spots share a row when their middles differ by less than half
    the height of the smaller one."""
    by_middle = sorted(spots, key=lambda spot: (float(spot.corners[:, 1].mean()), float(spot.corners[:, 0].min())))
    rows: list[list[Spot]] = []
    for spot in by_middle:
        if rows and _same_row(rows[-1][-1], spot):
            rows[-1].append(spot)
        else:
            rows.append([spot])
    return [spot for row in rows for spot in sorted(row, key=lambda spot: float(spot.corners[:, 0].min()))]


def _same_row(a: Spot, b: Spot) -> bool:
    heights = [float(np.ptp(spot.corners[:, 1])) for spot in (a, b)]
    apart = abs(float(a.corners[:, 1].mean()) - float(b.corners[:, 1].mean()))
    return apart < min(heights) / 2
