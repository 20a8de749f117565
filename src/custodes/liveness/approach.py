"""How a face came to the camera: into the oval, alone, without a jump. How its shape changed is told by ``parallax``.

In: sightings of a face along a video, in order. Out: plain numbers. It looks at no pixels and decides nothing.

The face's own box is made of its points the way the clients' is, so that both mean the same by a full oval. Source: the
component's ``generateBboxFromLandmarks`` and ``getIntersectionOverUnion`` (ui-react-liveness 3.6.8), as a rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from custodes.core.box import BoxPx
from custodes.liveness.challenge import OVAL_HEIGHT_WIDTH, Oval
from custodes.liveness.parallax import NO_PARALLAX, Parallax, parallax

Points = NDArray[np.floating]
_EYES_WEIGHT, _HEIGHT_WEIGHT = 2.0, 1.8
_END_MS = 1_500
"""How much of the end counts as being in the oval, at least."""
_FAR_SHARE = 0.25
"""Of the sightings by size: the smallest are the face far away, the largest near."""


@dataclass(frozen=True, slots=True, eq=False)
class OvalLook:
    """One look at one frame.

    Attributes:
        ts_ms: of the frame in the video.
        faces: how many there are.
        box: of the largest; an empty box for none.
        points: (5, 2) eyes, nose, mouth corners of it, pixels.
        shape: (20, 2) points of it as ``parallax`` wants them, pixels; None where the mesh has not found them.
        brightness_pct, sharpness_pct: of the face.
    """

    ts_ms: int
    faces: int
    box: BoxPx
    points: Points
    shape: Points | None = None
    brightness_pct: float = 50.0
    sharpness_pct: float = 50.0


@dataclass(frozen=True, slots=True)
class Approach:
    """What all sightings together say.

    Attributes:
        growth: size of the face near over its size far; 1 for a face that keeps its distance.
        overlap: of face and oval at the end, intersection over union, median; 0 to 1.
        alone: share of sightings with exactly one face.
        jump: greatest step of the face between two sightings, in widths of the face.
        parallax: how it changed its shape.
        seconds: between the first sighting of a face and the last.
    """

    growth: float
    overlap: float
    alone: float
    jump: float
    parallax: Parallax = NO_PARALLAX
    seconds: float = 0.0


def approach(sightings: Sequence[OvalLook], oval: Oval, end_ms: int) -> Approach | None:
    """The approach to ``oval`` of a video that ends at ``end_ms``; None where the face is seen less than four times."""
    seen = [one for one in sightings if one.faces > 0]
    if len(seen) < 4:
        return None
    widths = np.array([_face_width(one.points) for one in seen])
    order = np.argsort(widths, kind="stable")
    count = max(2, round(len(seen) * _FAR_SHARE))
    far, near = order[:count], order[-count:]
    at_end = [one for one in seen if one.ts_ms >= end_ms - _END_MS] or seen[-2:]
    return Approach(
        growth=float(np.median(widths[near]) / float(np.median(widths[far]))),
        overlap=float(np.median([overlap(face_box(one.points), oval.box) for one in at_end])),
        alone=sum(one.faces == 1 for one in sightings) / len(sightings),
        jump=_jump(seen, widths),
        parallax=_parallax(seen, widths, oval),
        seconds=(seen[-1].ts_ms - seen[0].ts_ms) / 1000,
    )


def face_box(points: Points) -> BoxPx:
    """The box that the clients hold against the oval, from eyes, nose and mouth."""
    eyes, nose = points[:2].mean(axis=0), points[2]
    width = _face_width(points)
    middle = (eyes + nose) / 2
    height = width * OVAL_HEIGHT_WIDTH
    left, top = float(middle[0] - width / 2), float(middle[1] - height / 2)
    return BoxPx(left, top, left + width, top + height)


def overlap(one: BoxPx, other: BoxPx) -> float:
    """Intersection over union, 0 to 1."""
    width = min(one.x2, other.x2) - max(one.x1, other.x1)
    height = min(one.y2, other.y2) - max(one.y1, other.y1)
    shared = max(0.0, width) * max(0.0, height)
    return shared / (one.area + other.area - shared) if shared else 0.0


def _face_width(points: Points) -> float:
    eyes = points[:2].mean(axis=0)
    between = float(np.hypot(*(points[0] - points[1])))
    down = float(np.hypot(*(points[3:5].mean(axis=0) - eyes)))
    return max(1.0, (_EYES_WEIGHT * between + _HEIGHT_WEIGHT * down) / 2)


def _jump(seen: Sequence[OvalLook], widths: NDArray[np.floating]) -> float:
    centres = [one.points[:3].mean(axis=0) for one in seen]
    return max(
        float(np.hypot(*(after - before))) / float(width)
        for (before, after), width in zip(pairwise(centres), widths[1:], strict=True)
    )


def _parallax(seen: Sequence[OvalLook], widths: NDArray[np.floating], oval: Oval) -> Parallax:
    shaped = [(one.shape, float(width) / oval.width) for one, width in zip(seen, widths, strict=True)]
    found = [(np.asarray(shape, np.float64), near) for shape, near in shaped if shape is not None]
    return parallax([shape for shape, _ in found], [near for _, near in found])
