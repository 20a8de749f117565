"""How the scores of one detector relate to those of another: measured on photos that both have looked at.

In: what both found in each photo, and which of it the mesh confirms as a face. Out: a ``DetectorFit``: a curve after
which a score of the new detector stands for as sure a face as the same score of the one that ships, and counts of both
at the score from which faces are told. It runs no network. Nobody has drawn boxes on these photos: the mesh, which saw
neither detector's training, is the judge, and what it cannot see nobody counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from custodes.core.errors import InvalidParameterError
from custodes.engine.faces.detection.candidates import Candidates, join
from custodes.engine.faces.detection.detect import FaceDetectionRules
from custodes.engine.results.face import FloatArray
from custodes.models.own_detector import DetectorFit

LEAST_FACES = 100
"""Faces that both find: below, quantiles of their scores would be guessed."""
_QUANTILES = (0.02, 0.1, 0.25, 0.5, 0.75, 0.9)
_SAME_IOU = 0.4
_LEAST_FALSE = 0.01
"""A detector is not asked to be wrong less often than this share of what it tells."""
_BELOW = 1e-3
TOLD = FaceDetectionRules().min_score


@dataclass(frozen=True, slots=True, eq=False)
class JudgedFaces:
    """Candidates of one detector in one photo, and for each whether the mesh confirms it: bool (N,)."""

    found: Candidates
    is_face: NDArray[np.bool_]


def fit_detector(photos: Sequence[tuple[JudgedFaces, JudgedFaces]]) -> DetectorFit:
    """Fit and measure on ``photos``, each as the new detector and the one that ships have seen it.

    Raises:
        InvalidParameterError: too few faces that both found.
    """
    pairs = np.concatenate([_pairs(own, shipped) for own, shipped in photos] or [np.zeros((0, 2), np.float32)])
    if len(pairs) < LEAST_FACES:
        raise InvalidParameterError(
            f"photos with at least {LEAST_FACES} faces that both detectors find are needed; these have {len(pairs)}"
        )
    knots = _guarded(_matched(pairs), [own for own, _ in photos], _false_share([shipped for _, shipped in photos]))
    return _counted(knots, photos)


def _pairs(own: JudgedFaces, shipped: JudgedFaces) -> FloatArray:
    """(N, 2) scores of both for each face that both found."""
    rows = []
    for i in np.flatnonzero(own.is_face):
        overlap = _overlaps(own.found.boxes[i], shipped.found.boxes) * shipped.is_face
        if overlap.max(initial=0.0) >= _SAME_IOU:
            rows.append((own.found.scores[i], shipped.found.scores[int(overlap.argmax())]))
    return np.array(rows, np.float32).reshape(-1, 2)


def _matched(pairs: FloatArray) -> list[tuple[float, float]]:
    """Equal quantiles stand for each other; the ends are 0 and 1."""
    own, shipped = (np.quantile(pairs[:, side], _QUANTILES) for side in (0, 1))
    knots = [(0.0, 0.0)]
    for mine, theirs in zip(own.tolist(), shipped.tolist(), strict=True):
        if mine > knots[-1][0] and theirs > knots[-1][1]:
            knots.append((mine, theirs))
    return [knot for knot in knots if knot[0] < 1.0] + [(1.0, 1.0)]


def _guarded(
    knots: list[tuple[float, float]], photos: Sequence[JudgedFaces], false_share: float
) -> tuple[tuple[float, float], ...]:
    """``knots``, lowered where more of what would be told were no faces than ``false_share`` allows."""
    least = _least_score(photos, max(false_share, _LEAST_FALSE))
    own, shipped = zip(*knots, strict=True)
    if float(np.interp(least, own, shipped)) <= TOLD:
        return tuple(knots)
    below = [(mine, min(theirs, TOLD - _BELOW)) for mine, theirs in knots if mine < least]
    above = [(mine, max(theirs, TOLD)) for mine, theirs in knots if mine > least]
    return (*below, (least, TOLD), *above)


def _least_score(photos: Sequence[JudgedFaces], false_share: float) -> float:
    """The lowest score from which on at most ``false_share`` are no faces."""
    scores, is_face = _all(photos)
    order = np.argsort(-scores, kind="stable")
    share = np.cumsum(~is_face[order]) / np.arange(1, len(order) + 1)
    allowed = np.flatnonzero(share <= false_share)
    return float(scores[order[allowed[-1]]]) if len(allowed) else 1.0 - _BELOW


def _false_share(photos: Sequence[JudgedFaces]) -> float:
    scores, is_face = _all(photos)
    told = scores >= TOLD
    return float((~is_face[told]).mean()) if told.any() else 0.0


def _all(photos: Sequence[JudgedFaces]) -> tuple[FloatArray, NDArray[np.bool_]]:
    return join([photo.found for photo in photos]).scores, np.concatenate([photo.is_face for photo in photos])


def _counted(knots: tuple[tuple[float, float], ...], photos: Sequence[tuple[JudgedFaces, JudgedFaces]]) -> DetectorFit:
    both = only_own = only_shipped = not_own = not_shipped = 0
    places, levels = zip(*knots, strict=True)
    for own, shipped in photos:
        mine = own.found.take(np.flatnonzero(own.is_face & (np.interp(own.found.scores, places, levels) >= TOLD)))
        theirs = shipped.found.take(np.flatnonzero(shipped.is_face & (shipped.found.scores >= TOLD)))
        shared = sum(_overlaps(box, theirs.boxes).max(initial=0.0) >= _SAME_IOU for box in mine.boxes)
        both += int(shared)
        only_own += len(mine.scores) - int(shared)
        only_shipped += sum(_overlaps(box, mine.boxes).max(initial=0.0) < _SAME_IOU for box in theirs.boxes)
        not_own += int((~own.is_face & (np.interp(own.found.scores, places, levels) >= TOLD)).sum())
        not_shipped += int((~shipped.is_face & (shipped.found.scores >= TOLD)).sum())
    return DetectorFit(knots, len(photos), both, only_own, int(only_shipped), not_own, not_shipped)


def _overlaps(box: FloatArray, others: FloatArray) -> FloatArray:
    """(N,) intersection over union of ``box`` with each of ``others``."""
    sides = np.maximum(np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2]), 0)
    shared = sides[:, 0] * sides[:, 1]
    areas = np.prod(others[:, 2:] - others[:, :2], axis=1)
    return np.asarray(shared / np.maximum(np.prod(box[2:] - box[:2]) + areas - shared, 1e-6), np.float32)
