"""Labels of whole pictures: a head on the features of a backbone.

In: features of views of training pictures with their labels. Out: a ``TrainedHead`` whose confidences are calibrated on
pictures that were left out while it was fitted. It looks at no pictures.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from custodes.engine.custom.head import TrainedHead, unit
from custodes.engine.custom.logistic import (
    Fit,
    Floats,
    Linear,
    Samples,
    best_scale,
    exclusive_loss,
    fit_chosen,
    minimum,
    several_loss,
    sigmoid,
)

_BALANCE = 0.5
"""How far rare labels are weighted up: 0 not at all, 1 to the weight of the frequent ones."""
_LEAST_TO_CALIBRATE = 6
"""Left-out pictures below this number say too little about how sure to be."""
_UNJUDGED_SCALE = 2.0
"""Of exclusive labels where there is too little to calibrate by: what it is with three pictures a label (measured)."""
_CAUTION = 2.0
"""Strength of the belief that outputs mean what they say, in pictures, against what few left-out ones show."""


def train_classifier(pictures: Sequence[NDArray[np.generic]], targets: Floats, *, several: bool) -> TrainedHead:
    """A head.

    Args:
        pictures: (views, d) features of each training picture, the picture as it is first.
        targets: (n, c) which labels each has.
        several: each label for itself; otherwise every picture has exactly one.
    """
    views = [len(picture) for picture in pictures]
    groups = np.repeat(np.arange(len(pictures)), views)
    first = np.zeros(len(groups), bool)
    first[np.cumsum([0, *views[:-1]])] = True
    counts = np.maximum(targets.sum(0), 1.0)
    rarity = (targets / counts).max(1) * counts.mean()
    weights = np.where(rarity > 0, rarity, 1.0) ** _BALANCE / np.array(views)
    samples = Samples(unit(np.concatenate(pictures)), targets[groups], weights[groups], groups)
    loss = several_loss if several else exclusive_loss
    found = fit_chosen(samples, loss, single_view=first)
    scale, shift = _calibrated(found, targets[groups], several=several)
    return TrainedHead(found.linear, scale, shift, several)


def _calibrated(found: Fit, targets: Floats, *, several: bool) -> tuple[Floats, Floats]:
    labels = targets.shape[1]
    judged = ~np.isnan(found.left_out).any(1)
    if judged.sum() < _LEAST_TO_CALIBRATE:
        return np.full(labels, 1.0 if several else _UNJUDGED_SCALE), np.zeros(labels)
    outputs, truth = found.left_out[judged], targets[judged]
    if not several:
        return np.full(labels, best_scale(outputs, truth, exclusive_loss)), np.zeros(labels)
    common = best_scale(outputs, truth, several_loss)
    pairs = [platt(outputs[:, i] * common, truth[:, i]) for i in range(labels)]
    return np.array([common * scale for scale, _ in pairs]), np.array([shift for _, shift in pairs])


def platt(outputs: Floats, truth: Floats) -> tuple[float, float]:
    """Scale and shift of outputs (n,) so that they are logits of the truth (n,), kept near 1 and 0 where n is small.

    Source: Platt, Probabilistic outputs for support vector machines, 1999, with a normal prior instead of his targets.
    """

    def value(at: Floats) -> tuple[float, Floats]:
        logits = outputs * at[0] + at[1]
        slope = sigmoid(logits) - truth
        loss = float((np.logaddexp(0.0, logits) - truth * logits).sum())
        prior = 0.5 * _CAUTION * float((at[0] - 1) ** 2 + at[1] ** 2)
        return loss + prior, np.array([slope @ outputs + _CAUTION * (at[0] - 1), slope.sum() + _CAUTION * at[1]])

    scale, shift = minimum(value, np.array([1.0, 0.0]), 50)
    return float(max(scale, 0.05)), float(shift)


def constant(labels: int) -> TrainedHead:
    """A head that says the same of everything; stands where there was nothing to fit."""
    return TrainedHead(Linear(np.zeros((1, labels)), np.zeros(labels)), np.ones(labels), np.zeros(labels), several=True)
