"""Faces and their five points, found by a network at one or two scales; CenterFace, unless another is brought.

In: an upright RGB picture. Out: boxes in pixels of that picture (not clamped), scores and five points, largest box
first. It does not judge quality and knows nothing of vectors.

Source of the decoding: Xu et al., CenterFace: Joint Face Detection and Alignment Using Face as Point,
arXiv:1911.03599, section 3; constants as in the published reference code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from custodes.core.box import Size
from custodes.engine.faces.detection.candidates import Candidates, join, suppress, uncut, without_parts
from custodes.engine.faces.geometry.align import RgbArray
from custodes.engine.results.face import MAX_FACES, FloatArray
from custodes.imaging.windows import Window, windows

_STRIDE = 4
"""Output cells are 4 x 4 input pixels."""
_MULTIPLE = 32
"""The network halves five times."""
_MARGIN = -0.05
"""Boxes this close to a window's inner edge, as a share of their size, may be cut faces."""


class FaceNetwork(Protocol):
    """An opened model: named arrays in, named arrays out."""

    def run(self, feeds: Mapping[str, NDArray[np.generic]]) -> Mapping[str, FloatArray]:
        """Run once; batch is the first axis."""
        ...


@dataclass(frozen=True, slots=True)
class FaceDetectionRules:
    """Constants of detection.

    Attributes:
        coarse_px: long side of the first pass, which sees big faces whole.
        fine_px: long side of the second pass for larger pictures. A face of 40 px in a 1920 px picture, the smallest
            that the API promises, is 21 px here; CenterFace finds faces from about 10 px.
        glances_px: long sides of passes in front of these, where only the largest face is asked for.
        sure_px, sure_score, clear_lead: a pass whose largest face is this large (long side, in the pass's own pixels),
            this certain, and that much larger in area than the next has found the largest face of the picture.
        huge_px: a face with a longer side than this in the coarsest pass asks for a pass of half its size.
        hint_score: candidates below are ignored from the start.
        min_score: faces below are dropped: docs/scores.md says how many of them are faces.
        max_iou: overlap above which the weaker of two boxes is the same face.
        max_inside: share of a box that may lie in a larger one before it is a part of that face.
        lazy_px: where the fine pass finds sure faces, all of long sides up to this in it, there is no coarse one; 0 for
            both always.
    """

    coarse_px: int = 512
    fine_px: int = 1024
    glances_px: tuple[int, ...] = (96, 192)
    sure_px: float = 32.0
    sure_score: float = 0.7
    clear_lead: float = 1.4
    huge_px: float = 288.0
    hint_score: float = 0.4
    min_score: float = 0.58
    max_iou: float = 0.3
    max_inside: float = 0.7
    lazy_px: float = 0.0


VIDEO_LOOK = FaceDetectionRules(coarse_px=384, fine_px=768, lazy_px=120.0)
"""Frames of videos come twice a second. The smallest face that the API promises, 40 px in 1920, is 16 px here."""
TURNED_LOOK = FaceDetectionRules(fine_px=512)
"""One look is enough at pictures turned in case a face is upside down."""


def letterbox(rgb: RgbArray, long_side_px: int) -> tuple[FloatArray, float]:
    """Shrink to ``long_side_px`` (never enlarge), pad right and bottom with black to multiples of 32.

    Returns:
        (1, 3, H, W) float32 0..255 RGB and the scale from picture to network pixels.
    """
    scale = min(1.0, long_side_px / max(rgb.shape[:2]))
    if scale < 1.0:
        rgb = _shrunk(rgb, scale)
    used_h, used_w = rgb.shape[:2]
    full_h, full_w = (-(-side // _MULTIPLE) * _MULTIPLE for side in (used_h, used_w))
    planes = np.zeros((1, 3, full_h, full_w), np.float32)
    planes[0, :, :used_h, :used_w] = rgb.transpose(2, 0, 1)
    return planes, scale


def _shrunk(rgb: RgbArray, scale: float) -> RgbArray:
    """``rgb`` by ``scale`` < 1: first by whole blocks of pixels, which is several times faster, then by the rest.

    At the far edges pixels that fill no block are left out: less than one of the result.
    """
    block = min(int(1.0 / scale), *rgb.shape[:2])
    height, width = (side // block for side in rgb.shape[:2])
    if block > 1:
        whole = rgb[: height * block, : width * block]
        rgb = np.asarray(cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    size = (max(1, round(width * block * scale)), max(1, round(height * block * scale)))
    if size == (width, height):
        return rgb
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)


def decode(heat: FloatArray, scale: FloatArray, offset: FloatArray, points: FloatArray, min_score: float) -> Candidates:
    """Turn the four output maps of one picture into candidates in network pixels.

    Args:
        heat: (h, w) 0 to 1, centre-of-face score per 4 x 4 cell.
        scale: (2, h, w) log of height and width in cells.
        offset: (2, h, w) sub-cell shift, y then x.
        points: (10, h, w) five points as y, x in units of box height and width from its top-left.
        min_score: cells below are ignored.
    """
    rows, cols = np.nonzero(heat >= min_score)
    size = np.exp(scale[:, rows, cols]) * _STRIDE
    centre_y = (rows + offset[0, rows, cols] + 0.5) * _STRIDE
    centre_x = (cols + offset[1, rows, cols] + 0.5) * _STRIDE
    x1, y1 = centre_x - size[1] / 2, centre_y - size[0] / 2
    boxes = np.stack([x1, y1, x1 + size[1], y1 + size[0]], axis=1)
    marks = points[:, rows, cols].reshape(5, 2, -1)
    xs = marks[:, 1] * size[1] + x1
    ys = marks[:, 0] * size[0] + y1
    return Candidates(
        boxes.astype(np.float32), heat[rows, cols].astype(np.float32), np.stack([xs, ys], -1).transpose(1, 0, 2)
    )


class DetectorLook(Protocol):
    """One pass of a network over a picture."""

    def __call__(self, rgb: RgbArray, long_side_px: int, min_score: float) -> Candidates:
        """Candidates of ``min_score`` and more in ``rgb`` shrunk to ``long_side_px``, in pixels of ``rgb``."""
        ...


@dataclass(frozen=True, slots=True)
class CenterFaceLook:
    """A DetectorLook of an opened CenterFace: pre (letterbox), run, post (decode)."""

    network: FaceNetwork

    def __call__(self, rgb: RgbArray, long_side_px: int, min_score: float) -> Candidates:
        """See DetectorLook."""
        planes, scale = letterbox(rgb, long_side_px)
        maps = self.network.run({"rgb": planes})
        found = decode(maps["heatmap"][0, 0], maps["scale"][0], maps["offset"][0], maps["landmarks"][0], min_score)
        return found.scaled(1.0 / scale)


class FaceDetector:
    """Detection as a pipeline step: looks at some scales, then suppress and order."""

    def __init__(self, look: DetectorLook, rules: FaceDetectionRules | None = None) -> None:
        """Keep the network's ``look`` and the constants."""
        self._look = look
        self._rules = rules or FaceDetectionRules()

    def with_rules(self, rules: FaceDetectionRules) -> FaceDetector:
        """The same network under other rules."""
        return FaceDetector(self._look, rules)

    def detect(self, rgb: RgbArray, at_most: int = MAX_FACES) -> Candidates:
        """The ``at_most`` largest faces of (H, W, 3) uint8 ``rgb``, largest box first, in pixels of ``rgb``.

        One face alone is looked for from coarse to fine; its box can differ a little from that of a full look.
        """
        parts = windows(Size(rgb.shape[1], rgb.shape[0]))
        found = self._by_glances(rgb) if at_most == 1 and len(parts) == 1 else self._everywhere(rgb, parts)
        return found.take(np.arange(min(at_most, len(found.scores))))

    def _everywhere(self, rgb: RgbArray, parts: Sequence[Window]) -> Candidates:
        size = Size(rgb.shape[1], rgb.shape[0])
        found = []
        for part in parts:
            seen = self._passes(rgb[part.y : part.y + part.height, part.x : part.x + part.width])
            found.append(uncut(seen, part, size, _MARGIN).moved(part.x, part.y))
        return self._ordered(found)

    def _passes(self, rgb: RgbArray) -> Candidates:
        """Candidates of every pass over ``rgb``, at least one."""
        scales = self.scales(Size(rgb.shape[1], rgb.shape[0]))
        if len(scales) > 1 and self._rules.lazy_px:
            fine = self._one_scale(rgb, scales[-1])
            largest_px = fine.long_sides.max(initial=0.0) * scales[-1] / max(rgb.shape[:2])
            if largest_px <= self._rules.lazy_px and fine.scores.max(initial=0.0) >= self._rules.sure_score:
                return fine
            passes = [self._one_scale(rgb, scales[0]), fine]
        else:
            passes = [self._one_scale(rgb, side) for side in scales]
        found = join(passes)
        # A face that fills the coarsest pass has a score of chance there; half as large it is seen well.
        if found.long_sides.max(initial=0.0) * scales[0] / max(rgb.shape[:2]) > self._rules.huge_px:
            found = join([found, self._one_scale(rgb, scales[0] // 2)])
        return found

    def _by_glances(self, rgb: RgbArray) -> Candidates:
        """What the coarsest pass with a sure face shows; where none has one, the same as everywhere."""
        scales = self.scales(Size(rgb.shape[1], rgb.shape[0]))
        # A glance at more than two thirds of the first scale would cost half as much as that.
        glances = [side for side in self._rules.glances_px if side * 1.5 <= scales[0]]
        passes: list[Candidates] = []
        for side in (*glances, *scales):
            passes.append(self._one_scale(rgb, side))
            found = self._ordered(passes[-1:])
            if self._is_sure(found, side / max(rgb.shape[:2])):
                return found
        return self._ordered(passes[len(glances) :])

    def _is_sure(self, found: Candidates, scale: float) -> bool:
        if not len(found.scores):
            return False
        rules, areas = self._rules, found.areas
        return bool(
            found.long_sides[0] * min(scale, 1.0) >= rules.sure_px
            and found.scores[0] >= rules.sure_score
            and areas[0] >= rules.clear_lead * areas[1:].max(initial=0.0)
        )

    def _ordered(self, passes: list[Candidates]) -> Candidates:
        """All faces of ``passes``, each once, largest box first."""
        rules = self._rules
        found = suppress(join(passes), rules.max_iou)
        found = without_parts(found, rules.min_score, rules.max_inside)
        found = found.take(np.flatnonzero(found.scores >= rules.min_score))
        return found.take(np.argsort(-found.areas, kind="stable"))

    def scales(self, size: Size) -> tuple[int, ...]:
        """Long sides in pixels at which a picture of ``size`` is looked at."""
        long_side = max(size.width, size.height)
        if long_side <= self._rules.coarse_px * 1.25:
            return (long_side,)
        return self._rules.coarse_px, min(long_side, self._rules.fine_px)

    def _one_scale(self, rgb: RgbArray, long_side_px: int) -> Candidates:
        return self._look(rgb, long_side_px, self._rules.hint_score)


def centerface(network: FaceNetwork, rules: FaceDetectionRules | None = None) -> FaceDetector:
    """The detector that ships, on the opened ``network``."""
    return FaceDetector(CenterFaceLook(network), rules)
