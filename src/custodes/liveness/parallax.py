"""Does a face change its shape as something deep does that comes closer, or keep it as something flat does?

In: the same points of a face in many frames, with how near it was in each. Out: how much the nearer parts grew beyond
what moving, turning, tilting or stretching of a flat copy explains, and how sure that is. It looks at no pixels.

A camera at D widths of a face draws a point of depth z at (x, y) / (1 + z / D): coming closer moves it by (x z, y z)
times the growth of 1 / D, against (x, y). Each frame's points are first laid onto a usual head by the affine map that
fits best, which takes away place, size, tilt and stretch; of what is left, turns of a head (z, 0), (0, z) and the bent
lines of a tilted sheet (x^2, xy), (xy, y^2) are taken away, too. What remains in the direction (x z, y z) is read frame
by frame and held against how near the face was: the slope is the change of 1 / D, about 0.3 for a head that fills the
oval from arm's length and 0 for paper. Everybody's own features are the same near and far, and so are in no slope.

Source of the usual head: medians over 58 frontal faces of LFW as the mesh network has them, made symmetric.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

USUAL_HEAD = MappingProxyType(
    {
        "mouthLeft": (-0.215, 0.409, -0.040),
        "mouthRight": (0.215, 0.409, -0.040),
        "nose": (0.000, 0.139, -0.365),
        "leftEyeBrowLeft": (-0.459, -0.242, 0.011),
        "leftEyeBrowRight": (-0.115, -0.292, -0.185),
        "leftEyeBrowUp": (-0.329, -0.308, -0.109),
        "rightEyeBrowLeft": (0.115, -0.292, -0.185),
        "rightEyeBrowRight": (0.459, -0.242, 0.011),
        "rightEyeBrowUp": (0.329, -0.308, -0.109),
        "leftEyeLeft": (-0.363, -0.138, 0.000),
        "leftEyeRight": (-0.138, -0.128, -0.040),
        "rightEyeLeft": (0.138, -0.128, -0.040),
        "rightEyeRight": (0.363, -0.138, 0.000),
        "noseLeft": (-0.173, 0.160, -0.124),
        "noseRight": (0.173, 0.160, -0.124),
        "upperJawlineLeft": (-0.566, -0.101, 0.397),
        "midJawlineLeft": (-0.454, 0.483, 0.291),
        "chinBottom": (0.000, 0.768, -0.016),
        "midJawlineRight": (0.454, 0.483, 0.291),
        "upperJawlineRight": (0.566, -0.101, 0.397),
    }
)
"""Landmarks that do not move with lids and lips: right, down, away from the camera; in widths of the face."""
MIN_FRAMES = 5
_NEAR_LATE = 0.03
"""Least spread of nearness that a slope is drawn through, in the unit of the face's width over the oval's."""


@dataclass(frozen=True, slots=True)
class Parallax:
    """What the shapes say.

    Attributes:
        growth: of 1 / D over the approach, in 1 / widths of the face; about 0 for what is flat.
        sureness: ``growth`` in its standard errors.
        frames: that were used.
    """

    growth: float = 0.0
    sureness: float = 0.0
    frames: int = 0


NO_PARALLAX = Parallax()
"""Where there is nothing to tell by."""


def parallax(shapes: Sequence[Floats], nearness: Sequence[float]) -> Parallax:
    """The slope over ``shapes`` (each (20, 2) pixels in the order of ``USUAL_HEAD``); ``nearness`` rises as 1 / D."""
    if len(shapes) < MIN_FRAMES:
        return Parallax(frames=len(shapes))
    read = np.array([float((_laid(shape) * _DIRECTION).sum()) for shape in shapes])
    near = np.asarray(nearness, np.float64)
    kept = _without_outliers(read, near)
    read, near = read[kept], near[kept]
    spread = float(((near - near.mean()) ** 2).sum())
    if spread < len(near) * _NEAR_LATE**2:
        return Parallax(frames=len(near))
    slope = float(((near - near.mean()) * (read - read.mean())).sum()) / spread
    rest = read - read.mean() - slope * (near - near.mean())
    error = float(np.sqrt((rest**2).sum() / max(1, len(near) - 2) / spread))
    # Deep points shrink against near ones: the direction counts from the camera away.
    return Parallax(-slope * float(np.ptp(near)), -slope / max(error, 1e-6), len(near))


def _without_outliers(read: Floats, near: Floats) -> NDArray[np.bool_]:
    """Frames near the line through all of them: a mesh that slipped in one says nothing."""
    slope, level = np.polyfit(near, read, 1) if np.ptp(near) > _NEAR_LATE else (0.0, float(np.median(read)))
    off = np.abs(read - slope * near - level)
    return np.asarray(off <= 3.5 * max(float(np.median(off)), 1e-4) * 1.4826, np.bool_)


def _laid(shape: Floats) -> Floats:
    """``shape`` on the usual head by the affine map that fits best, as a difference from it: (20, 2)."""
    points = np.asarray(shape, np.float64)
    flat = np.concatenate([np.ones((len(points), 1)), points], axis=1)
    solved, *_ = np.linalg.lstsq(flat, _HEAD[:, :2], rcond=None)
    return np.asarray(flat @ solved - _HEAD[:, :2], np.float64)


def _direction() -> Floats:
    """(20, 2): what one unit of 1 / D adds to a laid shape, free of what a flat copy can do, scaled so that a product
    with it reads that unit."""
    x, y, z = _HEAD.T
    zero, one = np.zeros_like(x), np.ones_like(x)
    flat = [(one, zero), (zero, one), (x, zero), (zero, x), (y, zero), (zero, y)]
    turned = [(z, zero), (zero, z), (x * x, x * y), (x * y, y * y)]
    basis = np.array([np.concatenate(pair) for pair in (*flat, *turned)]).T
    wanted = np.concatenate([x * z, y * z])
    orthogonal, _ = np.linalg.qr(basis)
    left = wanted - orthogonal @ (orthogonal.T @ wanted)
    return np.asarray((left / float(left @ left)).reshape(2, -1).T, np.float64)


_HEAD: Floats = np.array(list(USUAL_HEAD.values()), np.float64)
_DIRECTION: Floats = _direction()
