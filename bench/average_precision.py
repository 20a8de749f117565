"""Average precision of detections as COCO defines it: 101 points of recall, thresholds of overlap from 0.5 to 0.95.

In: found and true boxes of each photo. Out: means over the classes that occur. Without COCO's crowd regions and areas,
which the labels at hand do not have. Not a subject of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

THRESHOLDS = np.arange(0.5, 1.0, 0.05)
_RECALLS = np.linspace(0, 1, 101)
_MAX_COUNT = 100
"""Detections of a class and photo that count."""


@dataclass(frozen=True, slots=True)
class Photo:
    """``places`` (N, 4) x1 y1 x2 y2, ``classes`` (N,), ``scores`` (N,) found, and the true places and classes."""

    places: NDArray[np.float64]
    classes: NDArray[np.intp]
    scores: NDArray[np.float64]
    true_places: NDArray[np.float64]
    true_classes: NDArray[np.intp]


def overlaps(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, M) intersection over union."""
    low, high = np.maximum(a[:, None, :2], b[None, :, :2]), np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(2)
    area_a, area_b = ((box[:, 2:] - box[:, :2]).prod(1) for box in (a, b))
    return np.asarray(shared / np.maximum(area_a[:, None] + area_b[None] - shared, 1e-9), np.float64)


def hits(photo: Photo, kind: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Scores of what was found of class ``kind``, best first, and whether each is right, by threshold (T, N)."""
    mine = np.flatnonzero(photo.classes == kind)
    mine = mine[np.argsort(-photo.scores[mine], kind="stable")][:_MAX_COUNT]
    true = photo.true_places[photo.true_classes == kind]
    right = np.zeros((len(THRESHOLDS), len(mine)), bool)
    if len(true):
        near = overlaps(photo.places[mine], true)
        for t, threshold in enumerate(THRESHOLDS):
            free = np.ones(len(true), bool)
            for i in range(len(mine)):
                best = int(np.where(free, near[i], -1).argmax())
                if free[best] and near[i, best] >= threshold:
                    free[best], right[t, i] = False, True
    return photo.scores[mine], right


def mean_average_precision(photos: list[Photo]) -> tuple[float, float]:
    """At 0.5, and over all thresholds; 0 to 1."""
    kinds = sorted({int(kind) for photo in photos for kind in photo.true_classes})
    table = np.zeros((len(THRESHOLDS), len(kinds)))
    for k, kind in enumerate(kinds):
        parts = [hits(photo, kind) for photo in photos]
        scores = np.concatenate([part[0] for part in parts])
        right = np.concatenate([part[1] for part in parts], axis=1)[:, np.argsort(-scores, kind="stable")]
        count = sum(int((photo.true_classes == kind).sum()) for photo in photos)
        for t in range(len(THRESHOLDS)):
            table[t, k] = _area(right[t], count)
    return float(table[0].mean()), float(table.mean())


def _area(right: NDArray[np.bool_], count: int) -> float:
    got = right.cumsum()
    precision = got / np.arange(1, len(got) + 1)
    envelope = np.append(np.maximum.accumulate(precision[::-1])[::-1], 0.0)
    return float(envelope[np.searchsorted(got / count, _RECALLS)].mean())
