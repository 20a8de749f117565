"""Five points to an aligned face chip: the similarity transform, the template and the resampling.

In: an upright RGB picture and five points in pixels. Out: a square uint8 chip in which eyes, nose and mouth sit where
the embedding network saw them in training. It does not find points and does not judge them.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from custodes.engine.results.face import FloatArray

RgbArray = NDArray[np.uint8]

CHIP_PX = 150
"""Side of a chip, the input size of dlib's ResNet."""

# Source: the mean 68-point face shape in dlib's get_face_chip_details (dlib/image_transforms/interpolation.h), reduced
# to the five points: eye centres (means of points 36-41 and 42-47), nose tip (30), mouth corners (48, 54).
FIVE_SHAPE: NDArray[np.float64] = np.array(
    [[0.225660, 0.215990], [0.754761, 0.215990], [0.490127, 0.515625], [0.254149, 0.780233], [0.726104, 0.780233]]
)
"""(5, 2) places of the five points in dlib's mean face shape, unit square."""
_PADDING = 0.25
"""dlib's training chips show a quarter of the face box beyond each side."""


@dataclass(frozen=True, slots=True)
class ChipFrame:
    """How much of a face a chip shows.

    Attributes:
        size_px: side of the chip.
        looseness: 1.0 is dlib's training crop; 1.15 shows 15 % more around the face on each axis.
        lower: how far down the face sits from there, as a share of the side.
    """

    size_px: int = CHIP_PX
    looseness: float = 1.0
    lower: float = 0.0

    def place(self, shape: NDArray[np.float64]) -> NDArray[np.float64]:
        """(N, 2) places of the mean face shape (unit square) in pixels of the chip."""
        inside = (shape + _PADDING) / (1 + 2 * _PADDING)
        middle = np.array([0.5, 0.5 + self.lower])
        return np.asarray(((inside - 0.5) / self.looseness + middle) * self.size_px, np.float64)


def similarity(source: NDArray[np.floating], target: NDArray[np.floating]) -> NDArray[np.float64]:
    """Least-squares similarity transform from ``source`` to ``target`` points.

    Args:
        source: (N, 2) points, not all equal.
        target: (N, 2) points.

    Returns:
        (2, 3) float64 matrix ``M`` with ``target ~ M @ [x, y, 1]``; rotation, uniform scale and shift, no reflection.

    Source: S. Umeyama, Least-squares estimation of transformation parameters between two point patterns, IEEE TPAMI
    13(4), 1991, in its closed form for the plane.
    """
    src, dst = np.asarray(source, np.float64), np.asarray(target, np.float64)
    src_mean, dst_mean = src.mean(0), dst.mean(0)
    s, d = src - src_mean, dst - dst_mean
    variance = max(float((s * s).sum()), 1e-12)
    # In the plane eq. (40) to (42) reduce to one complex number: sum(conj(s) d) / sum |s|^2.
    a = float((s * d).sum()) / variance
    b = float((s[:, 0] * d[:, 1] - s[:, 1] * d[:, 0]).sum()) / variance
    rotation = np.array([[a, -b], [b, a]])
    return np.hstack([rotation, (dst_mean - rotation @ src_mean)[:, None]])


def warp(rgb: RgbArray, matrix: NDArray[np.float64], size: tuple[int, int]) -> RgbArray:
    """Resample ``rgb`` through ``matrix`` to ``size`` (width, height), without aliasing when it shrinks.

    Bilinear alone skips pixels below half size, so a strong reduction first averages the part of the picture that is
    seen. Outside the picture is black, as in the training of dlib's network.
    """
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    if scale < 0.5:
        rgb, matrix = _reduce(rgb, matrix, size, factor=int(1.0 / scale))
    return np.asarray(cv2.warpAffine(rgb, matrix, size, flags=cv2.INTER_LINEAR), np.uint8)


def _reduce(
    rgb: RgbArray, matrix: NDArray[np.float64], size: tuple[int, int], factor: int
) -> tuple[RgbArray, NDArray[np.float64]]:
    """Crop to what ``matrix`` shows and average blocks of ``factor`` pixels; returns the picture and its new matrix."""
    corners = np.array([[0, 0], [size[0], 0], [0, size[1]], size], np.float64)
    seen = (corners - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T
    height, width = rgb.shape[:2]
    x1, y1 = np.clip(np.floor(seen.min(0)).astype(int) - factor, 0, (width, height))
    x2, y2 = np.clip(np.ceil(seen.max(0)).astype(int) + factor, 0, (width, height))
    if x2 - x1 < factor or y2 - y1 < factor:
        return rgb, matrix
    small_width, small_height = (x2 - x1) // factor, (y2 - y1) // factor
    part = rgb[y1 : y1 + small_height * factor, x1 : x1 + small_width * factor]
    small = np.asarray(cv2.resize(part, (small_width, small_height), interpolation=cv2.INTER_AREA), np.uint8)
    # Pixel centres: x = x1 + factor * x' + (factor - 1) / 2.
    linear = matrix[:, :2] * factor
    shift = matrix[:, :2] @ (np.array([x1, y1]) + (factor - 1) / 2) + matrix[:, 2]
    return small, np.hstack([linear, shift[:, None]])


def chip(rgb: RgbArray, points_px: FloatArray, shape: NDArray[np.float64], frame: ChipFrame) -> RgbArray:
    """An aligned face chip: (size, size, 3) uint8 RGB.

    Args:
        rgb: (H, W, 3) uint8 upright picture.
        points_px: (N, 2) points of the face in pixels.
        shape: (N, 2) their places in the mean face shape, such as ``FIVE_SHAPE``.
        frame: how large the chip is and how much it shows.
    """
    matrix = similarity(points_px, frame.place(shape))
    return warp(rgb, matrix, (frame.size_px, frame.size_px))
