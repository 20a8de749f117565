"""Labels with places: heads on the detector's cells propose, a classifier of what lies in a box has a second look.

In: training pictures with labelled boxes. Out: ``DetectorHeads``; and for a picture, boxes with calibrated confidences.
Cells whose own box lies well on a labelled one are its examples; cells that look like an object and lie on none are
examples of nothing. What both stages say is joined by a small logistic function fitted on pictures left out of both.

Sources: choice of cells by the overlap of their own boxes, as in Ge et al., YOLOX, arXiv:2107.08430, section 2.2;
logistic heads on frozen features, as in Wang et al., Frustratingly simple few-shot object detection, arXiv:2003.06957.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from custodes.core.box import BoxPx
from custodes.engine.custom.cells import Cells, Run, look
from custodes.engine.custom.classify import platt
from custodes.engine.custom.head import TrainedHead, head_arrays, head_of, unit
from custodes.engine.custom.logistic import Floats, Linear, Samples, exclusive_loss, fit, several_loss, sigmoid, softmax
from custodes.engine.labels.boxes import Boxes, overlaps, suppress
from custodes.engine.labels.letterbox import RgbArray
from custodes.engine.results.face import FloatArray

Crops = Callable[[Sequence[RgbArray]], FloatArray]
_SHARES = (1.0, 0.6)
"""How large training pictures are shown, so that every label has examples at several levels."""
_CELLS_A_BOX, _LEAST_OVERLAP, _NOTHING_OVERLAP = 6, 0.45, 0.3
_NOTHING_LIKELY, _NOTHING_RANDOM = 60, 60
_BACKGROUND_CROPS = 4
_CONTEXT = 0.08
"""Of a box's side, added on each side before it is classified."""
MAX_PROPOSALS = 16
_SAME_THING, _SAME_BOX = 0.5, 0.7
_LEAST_SHARE = 0.02
_CELL_PENALTY, _CROP_PENALTY = 1e-3, 1e-3
_FOLDS = 3
_FUSION = np.array([0.5, 0.8, -0.5])
"""Weights of both stages and constant, where there is too little to fit them."""


@dataclass(frozen=True, slots=True, eq=False)
class PictureOfBoxes:
    """What is kept of one training picture.

    Attributes:
        cells: (n, 387) inputs of cells; ``cell_labels`` (n,) the label of each, -1 for nothing.
        crops: (m, d) features of crops; ``crop_labels`` (m,), -1 for nothing; ``crop_cells`` (m, 387) of the cell that
            proposes each.
    """

    cells: NDArray[np.float32]
    cell_labels: NDArray[np.intp]
    crops: NDArray[np.float32]
    crop_labels: NDArray[np.intp]
    crop_cells: NDArray[np.float32]

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """As arrays by name, half as precise."""
        return {
            "cells": self.cells.astype(np.float16),
            "cell_labels": self.cell_labels,
            "crops": self.crops.astype(np.float16),
            "crop_labels": self.crop_labels,
            "crop_cells": self.crop_cells.astype(np.float16),
        }

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[np.generic]]) -> PictureOfBoxes:
        """What ``arrays`` wrote."""
        floats: dict[str, Any] = {name: arrays[name].astype(np.float32) for name in ("cells", "crops", "crop_cells")}
        labels: dict[str, Any] = {name: arrays[name].astype(np.intp) for name in ("cell_labels", "crop_labels")}
        return cls(**floats, **labels)


def study(run: Run, crops: Crops, rgb: RgbArray, boxes: Sequence[tuple[int, BoxPx]], seed: int) -> PictureOfBoxes:
    """Look at a training picture with its labelled boxes: index of the label, and place."""
    random = np.random.default_rng(seed)
    truth = np.array([[b.x1, b.y1, b.x2, b.y2] for _, b in boxes], np.float32).reshape(-1, 4)
    labels = np.array([label for label, _ in boxes], np.intp)
    inputs, cell_labels = [], []
    views = [look(run, rgb, share=share) for share in _SHARES]
    for cells in views:
        for i in range(len(truth)):
            shared = overlaps(truth[i], cells.places)
            best = np.argsort(-shared)[:_CELLS_A_BOX]
            best = best[shared[best] >= min(_LEAST_OVERLAP, float(shared[best[0]]))]
            inputs.append(cells.take(best).inputs())
            cell_labels += [labels[i]] * len(best)
        nothing = np.flatnonzero(_best_overlap(cells.places, truth) < _NOTHING_OVERLAP)
        likely = nothing[np.argsort(-cells.objectness[nothing], kind="stable")[:_NOTHING_LIKELY]]
        drawn = random.choice(nothing, min(_NOTHING_RANDOM, len(nothing)), replace=False)
        chosen = np.unique(np.concatenate([likely, drawn]))
        inputs.append(cells.take(chosen).inputs())
        cell_labels += [-1] * len(chosen)
    shown, shown_labels, proposers = _crops_to_learn(views[0], truth, labels)
    pictures = [crop(rgb, place) for place in shown]
    return PictureOfBoxes(
        np.concatenate(inputs).astype(np.float32),
        np.array(cell_labels, np.intp),
        crops(pictures).astype(np.float32) if pictures else np.zeros((0, 1), np.float32),
        shown_labels,
        views[0].take(proposers).inputs().astype(np.float32),
    )


def _crops_to_learn(
    cells: Cells, truth: FloatArray, labels: NDArray[np.intp]
) -> tuple[FloatArray, NDArray[np.intp], NDArray[np.intp]]:
    """Places to classify with their labels, and the cell that proposes each: true boxes, their best cells, nothing."""
    places, kinds, proposers = [], [], []
    for i in range(len(truth)):
        best = int(overlaps(truth[i], cells.places).argmax())
        places += [truth[i], cells.places[best]]
        kinds += [labels[i], labels[i]]
        proposers += [best, best]
    free = np.flatnonzero(_best_overlap(cells.places, truth) < _NOTHING_OVERLAP)
    likely = free[np.argsort(-cells.objectness[free], kind="stable")[:100]]
    apart = _apart(cells.places[likely], cells.objectness[likely], _SAME_THING)[:_BACKGROUND_CROPS]
    for cell in likely[apart]:
        places.append(cells.places[cell])
        kinds.append(-1)
        proposers.append(int(cell))
    return np.array(places, np.float32).reshape(-1, 4), np.array(kinds, np.intp), np.array(proposers, np.intp)


def crop(rgb: RgbArray, place: FloatArray) -> RgbArray:
    """What lies in a box, with a little around it."""
    height, width = rgb.shape[:2]
    x1, y1, x2, y2 = (float(v) for v in place)
    dx, dy = (x2 - x1) * _CONTEXT, (y2 - y1) * _CONTEXT
    left, top = int(max(0.0, min(x1 - dx, width - 2))), int(max(0.0, min(y1 - dy, height - 2)))
    right, bottom = int(min(width, max(x2 + dx, left + 2))), int(min(height, max(y2 + dy, top + 2)))
    return np.ascontiguousarray(rgb[top:bottom, left:right])


@dataclass(frozen=True, slots=True, eq=False)
class DetectorHeads:
    """Both stages and how they are joined: ``fusion`` is two weights and a constant, the same for all labels."""

    cells: TrainedHead
    crops: TrainedHead
    fusion: Floats

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """As arrays by name."""
        return {**head_arrays("cells", self.cells), **head_arrays("crops", self.crops), "fusion": self.fusion}

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[np.generic]]) -> DetectorHeads:
        """What ``arrays`` wrote. Raises KeyError."""
        return cls(head_of("cells", arrays), head_of("crops", arrays), arrays["fusion"].astype(np.float64))


def train_detector(pictures: Sequence[PictureOfBoxes], labels: int) -> DetectorHeads:
    """Heads for ``labels`` labels."""
    groups = range(len(pictures))
    cells, crops = _fit_stages(pictures, labels)
    pairs = []
    if len(pictures) >= 2 * _FOLDS:
        for fold in range(_FOLDS):
            kept = [pictures[i] for i in groups if i % _FOLDS != fold]
            if all(any((p.crop_labels == label).any() for p in kept) for label in range(labels)):
                without = _fit_stages(kept, labels)
                pairs += [_stage_outputs(p, *without) for p in (pictures[i] for i in groups if i % _FOLDS == fold)]
    return DetectorHeads(cells, crops, _fit_fusion(pairs))


def _fit_stages(pictures: Sequence[PictureOfBoxes], labels: int) -> tuple[TrainedHead, TrainedHead]:
    inputs = np.concatenate([picture.cells for picture in pictures]).astype(np.float64)
    kinds = np.concatenate([picture.cell_labels for picture in pictures])
    targets = (kinds[:, None] == np.arange(labels)).astype(np.float64)
    samples = Samples(inputs, targets, _balanced(kinds), np.arange(len(kinds)))
    cells = _plain(fit(samples, several_loss, penalty=_CELL_PENALTY, steps=120), several=True)
    shown = np.concatenate([picture.crops for picture in pictures if len(picture.crops)])
    kinds = np.concatenate([picture.crop_labels for picture in pictures if len(picture.crops)])
    targets = (np.where(kinds < 0, labels, kinds)[:, None] == np.arange(labels + 1)).astype(np.float64)
    samples = Samples(unit(shown), targets, _balanced(kinds), np.arange(len(kinds)))
    crops = _plain(fit(samples, exclusive_loss, penalty=_CROP_PENALTY, steps=80), several=False)
    return cells, crops


def _balanced(kinds: NDArray[np.intp]) -> Floats:
    """Weights of samples: rare labels count more, nothing as much as everything else together."""
    weights = np.ones(len(kinds))
    for kind in np.unique(kinds):
        weights[kinds == kind] = 1.0 / max(1.0, float((kinds == kind).sum())) ** 0.5
    nothing, something = weights[kinds < 0].sum(), weights[kinds >= 0].sum()
    if nothing > 0 and something > 0:
        weights[kinds < 0] *= something / nothing
    return weights


def _plain(linear: Linear, *, several: bool) -> TrainedHead:
    labels = len(linear.bias)
    return TrainedHead(linear, np.ones(labels), np.zeros(labels), several)


def _stage_outputs(picture: PictureOfBoxes, cells: TrainedHead, crops: TrainedHead) -> tuple[Floats, Floats, Floats]:
    """Of each crop and label: output of the cell, log odds of the crop, whether it is that label."""
    labels = len(cells.scale)
    if not len(picture.crop_labels):
        return np.zeros(0), np.zeros(0), np.zeros(0)
    first = cells.outputs(picture.crop_cells.astype(np.float64))
    second = _log_odds(crops.outputs(unit(picture.crops)))[:, :labels]
    truth = (picture.crop_labels[:, None] == np.arange(labels)).astype(np.float64)
    return first.ravel(), second.ravel(), truth.ravel()


def _log_odds(outputs: Floats) -> Floats:
    shares = np.clip(softmax(outputs), 1e-6, 1 - 1e-6)
    return np.asarray(np.log(shares / (1 - shares)))


def _fit_fusion(pairs: Sequence[tuple[Floats, Floats, Floats]]) -> Floats:
    if not pairs:
        return _FUSION
    first, second, truth = (np.concatenate(column) for column in zip(*pairs, strict=True))
    if truth.sum() < 8 or truth.sum() == len(truth):
        return _FUSION
    joined = first * _FUSION[0] + second * _FUSION[1]
    scale, shift = platt(joined, truth)
    return np.array([_FUSION[0] * scale, _FUSION[1] * scale, shift])


def detect(run: Run, crops: Crops, rgb: RgbArray, heads: DetectorHeads) -> Boxes:
    """All candidates, surest first; scores are confidences, 0 to 1, and classes are indexes of labels."""
    cells = look(run, rgb)
    first = heads.cells.outputs(cells.inputs())
    chosen = proposals(cells, first)
    places = cells.places[chosen]
    if not len(chosen):
        return Boxes(np.zeros((0, 4), np.float32), np.zeros(0, np.intp), np.zeros(0, np.float32))
    labels = first.shape[1]
    second = _log_odds(heads.crops.outputs(unit(crops([crop(rgb, place) for place in places]))))[:, :labels]
    shares = sigmoid(first[chosen] * heads.fusion[0] + second * heads.fusion[1] + heads.fusion[2])
    at, label = np.nonzero(shares >= _LEAST_SHARE)
    found = Boxes(places[at], label.astype(np.intp), shares[at, label].astype(np.float32))
    return suppress(found, _SAME_THING)


def proposals(cells: Cells, outputs: Floats) -> NDArray[np.intp]:
    """Cells worth a second look: those that some label's head likes best, apart from each other."""
    rank = outputs.max(1)
    best = np.argsort(-rank, kind="stable")[:300]
    apart = _apart(cells.places[best], rank[best], _SAME_BOX)[:MAX_PROPOSALS]
    return np.asarray(best[apart], np.intp)


def _apart(places: FloatArray, scores: NDArray[np.floating], max_iou: float) -> NDArray[np.intp]:
    """Indexes of places that overlap no better one by more than ``max_iou``, best first."""
    order = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    for i in order:
        if not kept or overlaps(places[i], places[kept]).max() <= max_iou:
            kept.append(int(i))
    return np.array(kept, np.intp)


def _best_overlap(places: FloatArray, truth: FloatArray) -> FloatArray:
    """(n,) highest overlap of each place with any true box."""
    found = np.zeros(len(places), np.float32)
    for box in truth:
        found = np.maximum(found, overlaps(box, places))
    return found
