"""Detectors with a grid of anchors: SCRFD, YuNet and RetinaFace behind one look.

In: a picture, an opened network whose grids of 8, 16 and 32 pixels lie one after the other. Out: candidates in pixels
of the picture, with scores on the scale of the detector that ships. It knows no files.

Sources of the decoding: Guo et al., Sample and Computation Redistribution for Efficient Face Detection (SCRFD),
arXiv:2105.04714; Wu et al., YuNet: A Tiny Millisecond-level Face Detector, Machine Intelligence Research 20 (2023);
Deng et al., RetinaFace, arXiv:1905.00641; constants as in the published reference code of each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from custodes.engine.faces.detection.candidates import Candidates
from custodes.engine.faces.detection.detect import FaceNetwork, letterbox
from custodes.engine.faces.geometry.align import RgbArray
from custodes.engine.results.face import FloatArray
from custodes.models.own_detector import DetectorFamily

STRIDES = (8, 16, 32)
_SCRFD_ANCHORS = 2
_RETINA_SIDES_PX = {8: (16, 32), 16: (64, 128), 32: (256, 512)}
_RETINA_VARIANCES = (0.1, 0.2)


def scrfd(outputs: Mapping[str, FloatArray], height: int, width: int) -> Candidates:
    """Distances from each cell's corner to the four sides and to the points, in cells; two anchors a cell."""
    centres, stride = _cells(height, width, _SCRFD_ANCHORS, 0.0)
    reach = outputs["boxes"] * stride
    boxes = np.concatenate([centres - reach[:, :2], centres + reach[:, 2:]], axis=1)
    points = centres[:, None] + (outputs["points"] * stride).reshape(-1, 5, 2)
    return _candidates(boxes, outputs["scores"][:, 0], points)


def yunet(outputs: Mapping[str, FloatArray], height: int, width: int) -> Candidates:
    """Centre from the cell's corner and log of the sides, in cells; the score is the mean of two in logarithms."""
    corners, stride = _cells(height, width, 1, 0.0)
    centres = corners + outputs["boxes"][:, :2] * stride
    half = np.exp(outputs["boxes"][:, 2:]) * stride / 2
    scores = np.sqrt(np.clip(outputs["scores"][:, 0], 0, 1) * np.clip(outputs["presence"][:, 0], 0, 1))
    points = corners[:, None] + outputs["points"].reshape(-1, 5, 2) * stride[:, None]
    return _candidates(np.concatenate([centres - half, centres + half], axis=1), scores, points)


def retinaface(outputs: Mapping[str, FloatArray], height: int, width: int) -> Candidates:
    """Shifts of anchors of two sides a cell, in shares of these sides, with variances as SSD has them."""
    centres, _ = _cells(height, width, 2, 0.5)
    counts = [(height // stride) * (width // stride) for stride in STRIDES]
    sides = [np.tile(_RETINA_SIDES_PX[stride], count) for stride, count in zip(STRIDES, counts, strict=True)]
    side = np.concatenate(sides).astype(np.float32)[:, None]
    near, far = _RETINA_VARIANCES
    middles = centres + outputs["boxes"][:, :2] * near * side
    half = side * np.exp(outputs["boxes"][:, 2:] * far) / 2
    points = centres[:, None] + outputs["points"].reshape(-1, 5, 2) * near * side[:, None]
    return _candidates(np.concatenate([middles - half, middles + half], axis=1), outputs["scores"][:, 1], points)


DECODERS: Mapping[DetectorFamily, Callable[[Mapping[str, FloatArray], int, int], Candidates]] = {
    DetectorFamily.SCRFD: scrfd,
    DetectorFamily.YUNET: yunet,
    DetectorFamily.RETINAFACE: retinaface,
}


@dataclass(frozen=True, slots=True)
class AnchorLook:
    """A DetectorLook of an opened network of one of the families.

    Attributes:
        network: the opened network.
        family: how its outputs are read.
        knots: (its score, score of the detector that ships), rising; scores between are interpolated.
    """

    network: FaceNetwork
    family: DetectorFamily
    knots: Sequence[tuple[float, float]] = ((0.0, 0.0), (1.0, 1.0))

    def __call__(self, rgb: RgbArray, long_side_px: int, min_score: float) -> Candidates:
        """See DetectorLook."""
        planes, scale = letterbox(rgb, long_side_px)
        outputs = {name: values[0] for name, values in self.network.run({"rgb": planes}).items()}
        found = DECODERS[self.family](outputs, *planes.shape[2:])
        own, shipped = np.array(self.knots, np.float32).T
        scores = np.interp(found.scores, own, shipped).astype(np.float32)
        found = Candidates(found.boxes, scores, found.points)
        # Where the picture was padded there is nothing to be seen, and a network's numbers may be none.
        whole = np.isfinite(found.boxes).all(axis=1) & np.isfinite(found.points).all(axis=(1, 2))
        return found.take(np.flatnonzero(whole & (scores >= min_score))).scaled(1.0 / scale)


def _cells(height: int, width: int, anchors: int, centre: float) -> tuple[FloatArray, FloatArray]:
    """(N, 2) x and y in pixels of each anchor's place, grid by grid and row by row, and (N, 1) its cell's side."""
    places, sides = [], []
    for stride in STRIDES:
        y, x = np.mgrid[0 : height // stride, 0 : width // stride].astype(np.float32)
        grid = (np.stack([x.ravel(), y.ravel()], axis=1) + np.float32(centre)) * stride
        places.append(np.repeat(grid, anchors, axis=0))
        sides.append(np.full((len(places[-1]), 1), stride, np.float32))
    return np.concatenate(places), np.concatenate(sides)


def _candidates(boxes: FloatArray, scores: FloatArray, points: FloatArray) -> Candidates:
    return Candidates(boxes.astype(np.float32), scores.astype(np.float32), points.astype(np.float32))
