"""Candidate boxes of detectors: overlap, suppression, and the fusion of two detectors' opinions.

In: arrays of boxes with classes and scores. Out: fewer of them. It knows no networks and no names.

Source of the fusion: Solovyev, Wang and Gabruseva, Weighted boxes fusion, arXiv:1910.13302; scores are joined as
independent witnesses instead of averaged, which measured better here (BENCHMARKS.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from custodes.engine.results.face import FloatArray

IntArray = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Boxes:
    """Candidates: ``places`` (N, 4) x1 y1 x2 y2, ``classes`` (N,) indexes, ``scores`` (N,) 0 to 1."""

    places: FloatArray
    classes: IntArray
    scores: FloatArray

    def __len__(self) -> int:
        """How many."""
        return len(self.scores)

    def take(self, order: IntArray) -> Boxes:
        """Those at ``order``, in that order."""
        return Boxes(self.places[order], self.classes[order], self.scores[order])

    def ranked(self) -> Boxes:
        """Best score first; ties by class and place, so that the order is always the same."""
        keys = (self.places[:, 0], self.places[:, 1], self.classes, -self.scores)
        return self.take(np.lexsort(keys))


def none() -> Boxes:
    """No candidates."""
    return Boxes(np.zeros((0, 4), np.float32), np.zeros(0, np.intp), np.zeros(0, np.float32))


def overlaps(one: FloatArray, many: FloatArray) -> FloatArray:
    """(N,) intersection over union of the box ``one`` (4,) with each of ``many`` (N, 4)."""
    width = np.minimum(one[2], many[:, 2]) - np.maximum(one[0], many[:, 0])
    height = np.minimum(one[3], many[:, 3]) - np.maximum(one[1], many[:, 1])
    shared = np.maximum(width, 0) * np.maximum(height, 0)
    area = (one[2] - one[0]) * (one[3] - one[1])
    areas = (many[:, 2] - many[:, 0]) * (many[:, 3] - many[:, 1])
    return np.asarray(shared / np.maximum(area + areas - shared, 1e-9), np.float32)


def suppress(found: Boxes, max_iou: float) -> Boxes:
    """Greedy non-maximum suppression within each class, best first."""
    found = found.ranked()
    keep: list[int] = []
    for kind in np.unique(found.classes):
        members = np.flatnonzero(found.classes == kind)
        places = found.places[members]
        corners_and_sides = np.hstack([places[:, :2], places[:, 2:] - places[:, :2]])
        kept = cv2.dnn.NMSBoxes(corners_and_sides.tolist(), found.scores[members].tolist(), 0.0, max_iou)
        keep.extend(members[np.asarray(kept, np.intp)])
    return found.take(np.array(sorted(keep), np.intp))


def fuse(opinions: Sequence[Boxes], trust: Sequence[float], min_iou: float) -> Boxes:
    """One candidate for each thing that any detector saw.

    Candidates of one class that overlap by more than ``min_iou`` become one: its place is their mean weighted by
    score, its score ``1 - product(1 - best score of each detector * its trust)``.

    Args:
        opinions: candidates of each detector, suppressed.
        trust: factor of each detector's scores, 0 to 1.
        min_iou: overlap above which two boxes show the same thing.
    """
    places = np.concatenate([found.places for found in opinions])
    classes = np.concatenate([found.classes for found in opinions])
    scores = np.concatenate([found.scores * np.float32(t) for found, t in zip(opinions, trust, strict=True)])
    source = np.concatenate([np.full(len(found), i) for i, found in enumerate(opinions)])
    joined, kinds, sums = np.empty_like(places), np.empty_like(classes), np.zeros_like(scores)
    best = np.zeros((len(scores), len(opinions)), np.float32)
    count = 0
    of_kind: dict[int, list[int]] = {}
    for i in np.lexsort((places[:, 0], places[:, 1], classes, -scores)):
        rivals = of_kind.setdefault(int(classes[i]), [])
        near = overlaps(places[i], joined[rivals]) if rivals else np.zeros(1, np.float32)
        at = rivals[int(near.argmax())] if near.max() > min_iou else count
        if at == count:
            rivals.append(count)
            joined[at], kinds[at], count = places[i], classes[i], count + 1
        else:
            total = sums[at] + scores[i]
            joined[at] = (joined[at] * sums[at] + places[i] * scores[i]) / max(total, 1e-9)
        sums[at] += scores[i]
        best[at, source[i]] = max(best[at, source[i]], scores[i])
    joint = 1.0 - np.prod(1.0 - best[:count], axis=1)
    return Boxes(joined[:count], kinds[:count], joint.astype(np.float32)).ranked()
