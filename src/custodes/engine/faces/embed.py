"""Aligned chips to vectors: two networks, weighed and joined by a recipe.

In: an upright RGB picture and its detected faces. Out: (N, D) float32 unit vectors. Vectors of different recipe
versions are never compared; the two uses of one recipe (enrol, query) are comparable with each other by design. Why
these networks, crops and weights: docs/adr/0006-face-recipe.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from custodes.core.ids import ModelVersion
from custodes.engine.calibrate import Knot
from custodes.engine.faces.align import FIVE_SHAPE, Frame, RgbArray, chip
from custodes.engine.faces.landmarks import OUTLINE_SHAPE
from custodes.engine.results.face import DetectedFace, FloatArray, VectorUse
from custodes.engine.runtime.batch import Run

_SHAPE_FRAME = Frame(size_px=150, looseness=1.0)
"""dlib's ResNet: its own training crop."""
_TEXTURE_LOOSENESS = 1.15
"""faceres: a looser crop with hair line and chin."""


@dataclass(frozen=True, slots=True)
class TextureView:
    """What the second network sees: a square crop of ``side_px``, ``cut_px`` columns less on the left and the right.

    Side and what is left of its width are multiples of 32.
    """

    side_px: int
    cut_px: int = 0


TRAINED_VIEW = TextureView(224)
"""As the second network was trained. What it tells fades slowly with less."""


@dataclass(frozen=True, slots=True, eq=False)
class Recipe:
    """Everything that decides what a vector is. Change anything here and the version must change.

    Attributes:
        version: written on every face; a collection keeps the one that it was created with.
        second_weight: how much the second network's cosine counts against the first's 1.
        basis: (1024, K) float32 orthonormal columns that the second network's features are projected on.
        views: what the second network sees, by use; the first always sees the same crop and its mirror image.
        knots: calibration curve of this recipe's cosines.
    """

    version: ModelVersion
    second_weight: float
    basis: FloatArray
    views: dict[VectorUse, TextureView]
    knots: tuple[Knot, ...]

    @property
    def dimension(self) -> int:
        """Length of the vectors."""
        return 128 + int(self.basis.shape[1])


def unit(vectors: NDArray[np.floating]) -> FloatArray:
    """Rows of ``vectors`` (N, D) at length 1, float32; a zero row stays zero."""
    wide = np.asarray(vectors, np.float64)
    length = np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), 1e-12)
    return np.asarray(wide / length, np.float32)


def planes(chips: Sequence[RgbArray], *, mirrored: bool) -> FloatArray:
    """Network input: (N, 3, H, W) float32 0..255, or (2N, ...) with each chip followed by its mirror image."""
    per_face = 2 if mirrored else 1
    out = np.empty((len(chips) * per_face, 3, *chips[0].shape[:2]), np.float32)
    for i, view in enumerate(chips):
        out[i * per_face] = view.transpose(2, 0, 1)
        if mirrored:
            out[i * per_face + 1] = out[i * per_face, :, :, ::-1]
    return out


class Embedder:
    """The embedding step: pre (crops), run (batched across requests), post (average, project, join, unit length)."""

    def __init__(self, main: Run, second: Run, recipe: Recipe) -> None:
        """Keep ``main``, (N, 3, 150, 150) to (N, 128), ``second``, (N, 3, H, W) to (N, 1024), and the recipe."""
        self._main = main
        self._second = second
        self.recipe = recipe

    def embed(self, rgb: RgbArray, faces: Sequence[DetectedFace], use: VectorUse) -> FloatArray:
        """(N, D) unit vectors, one per face."""
        if not faces:
            return np.empty((0, self.recipe.dimension), np.float32)
        rows = self._main(planes([_main_chip(rgb, face) for face in faces], mirrored=True))
        main = unit(rows.reshape(len(faces), 2, rows.shape[1]).mean(axis=1, dtype=np.float64))
        second = unit(self._texture(rgb, faces, self.recipe.views[use])) @ self.recipe.basis
        return unit(np.hstack([main, np.float32(np.sqrt(self.recipe.second_weight)) * second]))

    def _texture(self, rgb: RgbArray, faces: Sequence[DetectedFace], view: TextureView) -> FloatArray:
        """The second network's rows. What describing a face has left behind is not computed again."""
        rows: dict[int, FloatArray] = {}
        if view == TRAINED_VIEW:
            rows = {i: face.texture for i, face in enumerate(faces) if face.texture is not None}
        missing = [i for i in range(len(faces)) if i not in rows]
        if missing:
            chips = [texture_chip(rgb, faces[i], view) for i in missing]
            rows.update(zip(missing, self._second(planes(chips, mirrored=False)), strict=True))
        return np.stack([rows[i] for i in range(len(faces))])


def texture_chip(rgb: RgbArray, face: DetectedFace, view: TextureView = TRAINED_VIEW) -> RgbArray:
    """What the second network sees of ``face``: (H, W, 3) uint8."""
    square = chip(rgb, face.points_px, FIVE_SHAPE, Frame(view.side_px, _TEXTURE_LOOSENESS))
    return square[:, view.cut_px : view.side_px - view.cut_px]


def _main_chip(rgb: RgbArray, face: DetectedFace) -> RgbArray:
    if face.outline_px is None:
        return chip(rgb, face.points_px, FIVE_SHAPE, _SHAPE_FRAME)
    return chip(rgb, face.outline_px, OUTLINE_SHAPE, _SHAPE_FRAME)
