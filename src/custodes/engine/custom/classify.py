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
    DEFAULT_PENALTY,
    MAX_FOLDS,
    Fit,
    Floats,
    Linear,
    Samples,
    best_scale,
    exclusive_loss,
    fit,
    fit_chosen,
    least,
    minimum,
    several_loss,
    sigmoid,
)

_BALANCE = 0.5
"""How far rare labels are weighted up: 0 not at all, 1 to the weight of the frequent ones."""
_LEAST_TO_CALIBRATE = 6
"""Left-out pictures below this number say too little about how sure to be."""
_LIKENESS, _EXPECTED, _SLOPE = 0.45, 0.31, -3.59
_LEAST_ALIKE = 0.25
"""The logarithm of the scale to expect of exclusive labels from how alike pictures of different labels are; below what
was seen it stays as it is there, since more would be surer than anything shows. Fitted by likelihood to trainings with
one picture a label of other things than the benchmark's: expressions, ages, people, small and rare objects
(``bench/custom_labels.py`` measures what it is worth)."""
_BELIEF = 1.0
"""Strength of that expectation against what left-out pictures say, as of a normal prior of deviation 1."""
_SURER = 0.6
"""By how much the logarithm of the scale of the whole model exceeds that of models that lacked all pictures of a label;
those of folds lacked some."""
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
    if several:
        return TrainedHead(found.linear, *_each_calibrated(found, targets[groups]), several)
    likeness = likeness_of_others(samples.features[first], targets)
    # The expectation is of outputs under the default penalty; another one makes them all larger or smaller.
    usual = fit(samples, loss, penalty=DEFAULT_PENALTY) if found.penalty != DEFAULT_PENALTY else found.linear
    size = _spread(usual(samples.features[first])) / _spread(found.linear(samples.features[first]))
    scale = _exclusive_scale(found, targets[groups], _expected(likeness) + float(np.log(size)))
    labels = targets.shape[1]
    return TrainedHead(found.linear, np.full(labels, scale), np.zeros(labels), several)


def likeness_of_others(features: Floats, targets: Floats) -> float:
    """Mean cosine of pictures of different labels: near 0.3 for different things, 0.7 for shades of one."""
    counts = targets.sum(0)
    sums = targets.T @ features
    same = float(((sums * sums).sum(1)).sum())
    every = float((sums.sum(0) ** 2).sum())
    pairs = float(counts.sum() ** 2 - (counts**2).sum())
    return (every - same) / pairs if pairs else _LIKENESS


def _expected(likeness: float) -> float:
    """Logarithm of the scale that such labels have as a rule."""
    return _EXPECTED + _SLOPE * (max(likeness, _LEAST_ALIKE) - _LIKENESS)


def _spread(outputs: Floats) -> float:
    """How far outputs of a picture lie apart: root of the mean square around their mean."""
    return max(1e-9, float(np.sqrt(((outputs - outputs.mean(1, keepdims=True)) ** 2).mean())))


def _exclusive_scale(found: Fit, targets: Floats, expected: float) -> float:
    """The scale that left-out pictures and what is to be expected make likeliest together.

    One picture a label leaves none out, and of a few it is chance whether they are right: then what counts is how alike
    pictures of different labels are, which is known from the first picture on.
    """
    judged = ~np.isnan(found.left_out).any(1)
    outputs, truth = found.left_out[judged], targets[judged]
    if not len(outputs):
        return float(np.exp(expected))
    even = np.ones(len(outputs))
    surer = _SURER / min(max(1.0, float(truth.sum(0).mean())), MAX_FOLDS)

    def value(log_scale: float) -> float:
        loss = exclusive_loss(outputs * np.exp(log_scale - surer), truth, even)[0]
        return loss + 0.5 * _BELIEF * (log_scale - expected) ** 2

    return float(np.exp(least(value)))


def _each_calibrated(found: Fit, targets: Floats) -> tuple[Floats, Floats]:
    labels = targets.shape[1]
    judged = ~np.isnan(found.left_out).any(1)
    if judged.sum() < _LEAST_TO_CALIBRATE:
        return np.ones(labels), np.zeros(labels)
    outputs, truth = found.left_out[judged], targets[judged]
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
