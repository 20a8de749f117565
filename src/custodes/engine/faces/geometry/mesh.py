"""The 468-point face mesh of MediaPipe: a crop around five points in, vertices in picture pixels out.

In: an upright RGB picture and five points per face. Out: (468, 3) vertices, x and y in pixels of the picture, z in the
same unit (smaller is nearer to the camera), and the network's own opinion whether the crop shows a face. It names no
landmarks and measures no angles.

Source: Kartynnik et al., Real-time Facial Surface Geometry from Monocular Video on Mobile GPUs, arXiv:1907.06724.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from custodes.engine.faces.geometry.align import FIVE_SHAPE, ChipFrame, RgbArray, similarity, warp
from custodes.engine.results.face import FloatArray

CROP_PX = 192
_FRAME = ChipFrame(CROP_PX, looseness=1.15)
"""The mesh network sees more than an embedding chip; it was trained on a face box enlarged by a half."""
_MAX_BATCH = 16
VERTICES = 468


class MeshNetwork(Protocol):
    """An opened model: named arrays in, the wanted named arrays out."""

    def run(
        self, feeds: Mapping[str, NDArray[np.generic]], wanted: Sequence[str] | None = None
    ) -> Mapping[str, FloatArray]:
        """Run once; batch is the first axis."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """One face's surface.

    Attributes:
        vertices_px: (468, 3) float32, pixels of the picture.
        presence: 0 to 1, the network's own opinion whether it saw a face.
        crop: (192, 192, 3) uint8, the upright face that it saw.
    """

    vertices_px: FloatArray
    presence: float
    crop: RgbArray


def inverse(matrix: NDArray[np.float64], points: NDArray[np.floating]) -> NDArray[np.float64]:
    """(N, 2) ``points`` of a crop back to the picture that ``matrix`` (2, 3) was applied to."""
    return np.asarray((points - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T, np.float64)


class MeshReader:
    """The mesh step: pre (aligned crop), run, post (back to picture pixels)."""

    def __init__(self, network: MeshNetwork) -> None:
        """Keep the opened network."""
        self._network = network

    def read(self, rgb: RgbArray, points_px: Sequence[FloatArray]) -> tuple[Mesh, ...]:
        """The mesh of each face given by its (5, 2) points."""
        found: list[Mesh] = []
        for start in range(0, len(points_px), _MAX_BATCH):
            found += self._batch(rgb, points_px[start : start + _MAX_BATCH])
        return tuple(found)

    def _batch(self, rgb: RgbArray, points_px: Sequence[FloatArray]) -> list[Mesh]:
        target = _FRAME.place(FIVE_SHAPE)
        matrices = [similarity(points, target) for points in points_px]
        crops = [warp(rgb, matrix, (CROP_PX, CROP_PX)) for matrix in matrices]
        planes = np.stack([crop.transpose(2, 0, 1) for crop in crops]).astype(np.float32)
        out = self._network.run({"rgb": planes}, ("mesh", "presence"))
        shapes = out["mesh"].reshape(-1, VERTICES, 3)
        return [
            Mesh(_to_picture(shape, matrix), float(presence), crop)
            for shape, matrix, presence, crop in zip(shapes, matrices, out["presence"].ravel(), crops, strict=True)
        ]


def _to_picture(shape: FloatArray, matrix: NDArray[np.float64]) -> FloatArray:
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    vertices = np.empty((VERTICES, 3), np.float32)
    vertices[:, :2] = inverse(matrix, shape[:, :2])
    vertices[:, 2] = shape[:, 2] / scale
    return vertices
