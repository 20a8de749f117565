"""Aligned chips to vectors: one network, and what look-alikes share taken out.

In: an upright RGB picture and its detected faces. Out: (N, D) float32 unit vectors. Vectors of different recipe
versions are never compared; the two uses of one recipe (enrol, query) are comparable with each other by design. Why
this network and these views: docs/adr/0017-one-better-embedder.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from custodes.core.ids import ModelVersion
from custodes.engine.calibrate import Knot
from custodes.engine.faces.embedding.lookalikes import Lookalikes
from custodes.engine.faces.geometry.align import RgbArray, similarity, warp
from custodes.engine.results.face import DetectedFace, FloatArray, VectorUse
from custodes.engine.runtime.batch import Run

# Source: the five places that ArcFace and its kin were trained with (deepinsight/insightface, arcface_src), the same in
# OpenCV's FaceRecognizerSF: eye centres, nose tip, mouth corners in pixels of a chip of 112 x 112.
ARCFACE_PX: NDArray[np.float64] = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)
CHIP_PX = 112


@dataclass(frozen=True, slots=True, eq=False)
class Recipe:
    """Everything that decides what a vector is. Change anything here and the version must change.

    Attributes:
        version: written on every face; a collection keeps the one that it was created with. Its number is 7 or more,
            which clients of the API expect of a current model.
        mirrored: uses whose vector is the mean of a face and its mirror image.
        dimension: length of the vectors.
        lookalikes: what is taken out of what the network says; None for networks of which it is not known.
        knots: calibration curve of this recipe's cosines at level 0.
        children_from: level above which a vector is of a small child's surroundings.
        children_cap_pct: no similarity of such a vector is higher.
    """

    version: ModelVersion
    mirrored: frozenset[VectorUse]
    dimension: int
    lookalikes: Lookalikes | None
    knots: tuple[Knot, ...]
    children_from: float
    children_cap_pct: float


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
    """The embedding step: pre (chips), run (batched across requests), post (average, centre, unit length)."""

    def __init__(self, run: Run, recipe: Recipe, query_run: Run | None = None) -> None:
        """Keep ``run``, (N, 3, 112, 112) RGB 0..255 to (N, D), and the recipe.

        ``query_run`` takes its place for queries: the same function, less exactly.
        """
        self._run = run
        self._query_run = query_run or run
        self.recipe = recipe

    def embed(self, rgb: RgbArray, faces: Sequence[DetectedFace], use: VectorUse) -> FloatArray:
        """(N, D) unit vectors, one per face."""
        if not faces:
            return np.empty((0, self.recipe.dimension), np.float32)
        features = self.features(rgb, faces, use)
        return features if self.recipe.lookalikes is None else self.recipe.lookalikes.vectors(features)

    def features(self, rgb: RgbArray, faces: Sequence[DetectedFace], use: VectorUse) -> FloatArray:
        """(N, D) unit vectors of at least one face as the network says them; what the recipe is fitted on."""
        mirrored = use in self.recipe.mirrored
        run = self._query_run if use is VectorUse.QUERY else self._run
        rows = run(planes([face_chip(rgb, face) for face in faces], mirrored=mirrored))
        if not mirrored:
            return unit(rows)
        return unit(unit(rows).reshape(len(faces), 2, rows.shape[1]).mean(axis=1, dtype=np.float64))


def face_chip(rgb: RgbArray, face: DetectedFace) -> RgbArray:
    """What the network sees of ``face``: (112, 112, 3) uint8."""
    return warp(rgb, similarity(face.points_px, ARCFACE_PX), (CHIP_PX, CHIP_PX))
