"""Logistic regression with an L2 penalty: several labels that exclude each other, or each label for itself.

In: features (n, d), targets (n, c), weights of samples. Out: a matrix and a bias, the penalty chosen by
cross-validation over groups of samples (all views of a picture are one group), and the outputs of samples while they
were left out, which is what confidences are calibrated on. It draws nothing: the same input gives the same output.

Sources: Nocedal and Wright, Numerical Optimization, 2nd ed., algorithm 7.5 (L-BFGS) and 3.1 (Armijo); the
penalised problem is solved in the span of the samples, of which there are few (representer theorem).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Loss = Callable[[Floats, Floats, Floats], tuple[float, Floats]]

PENALTIES = (1e-1, 1e-2, 1e-3, 1e-4)
"""Tried, largest first; of those that are as good, the largest is taken."""
DEFAULT_PENALTY = 1e-3
"""Where there is too little to choose by: one picture of a label."""
_MEMORY = 8
_ARMIJO = 1e-4
MAX_FOLDS = 5
_SMALL_PRODUCT = 1 << 18
"""Multiplications up to which OpenBLAS stays on the thread that asked (interface/gemm.c)."""
_FOLD_STEPS = 30
"""Of each fit of a fold, which begins where the fit with the next larger penalty ended."""


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """``features @ matrix + bias``: (d, c) and (c,)."""

    matrix: Floats
    bias: Floats

    def __call__(self, features: Floats) -> Floats:
        """(n, c) outputs."""
        return np.asarray(features @ self.matrix + self.bias)


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A fitted function, the penalty chosen, and outputs (n, c) of each sample while its group was left out.

    ``left_out`` has NaN in the rows of samples that were never left out.
    """

    linear: Linear
    penalty: float
    left_out: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """What is fitted to: features (n, d), targets (n, c) 0 or 1, weights (n,), groups (n,) of views of one picture."""

    features: Floats
    targets: Floats
    weights: Floats
    groups: NDArray[np.intp]

    def take(self, chosen: NDArray[np.bool_]) -> Samples:
        """Those of ``chosen``."""
        return Samples(self.features[chosen], self.targets[chosen], self.weights[chosen], self.groups[chosen])


def softmax(outputs: Floats) -> Floats:
    """Rows that sum to 1."""
    shifted = np.exp(outputs - outputs.max(1, keepdims=True))
    return np.asarray(shifted / shifted.sum(1, keepdims=True))


def sigmoid(outputs: Floats) -> Floats:
    """1 / (1 + exp(-x)), without overflow."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * outputs)))


def exclusive_loss(outputs: Floats, targets: Floats, weights: Floats) -> tuple[float, Floats]:
    """Cross-entropy of the softmax, and its gradient by outputs."""
    top = outputs.max(1, keepdims=True)
    logs = outputs - top - np.log(np.exp(outputs - top).sum(1, keepdims=True))
    loss = -float((weights[:, None] * targets * logs).sum())
    return loss, weights[:, None] * (np.exp(logs) * targets.sum(1, keepdims=True) - targets)


def several_loss(outputs: Floats, targets: Floats, weights: Floats) -> tuple[float, Floats]:
    """The sum of each label's own cross-entropy, and its gradient by outputs."""
    losses = np.logaddexp(0.0, outputs) - targets * outputs
    return float((weights[:, None] * losses).sum()), weights[:, None] * (sigmoid(outputs) - targets)


@dataclass(frozen=True, slots=True, eq=False)
class Span:
    """Coordinates (n, r) of samples in a basis (d, r) of what they span, around their middle (d,)."""

    coordinates: Floats
    basis: Floats
    middle: Floats

    @classmethod
    def of(cls, features: Floats, weights: Floats) -> Span:
        """Of features (n, d), around their weighted mean."""
        middle = (weights / weights.sum()) @ features
        return cls(*_span(features - middle), middle)

    def linear(self, flat: Floats, labels: int) -> Linear:
        """The function of features that ``flat``, (r + 1) * c numbers, is of coordinates."""
        inner, bias = _matrix(flat, labels)
        matrix = self.basis @ inner
        return Linear(matrix, bias - self.middle @ matrix)


@dataclass(frozen=True, slots=True, eq=False)
class _Problem:
    """The loss of samples, their weights summed to 1, plus ``penalty / 2`` times the squared matrix."""

    coordinates: Floats
    targets: Floats
    weights: Floats
    loss: Loss

    def solve(self, penalty: float, steps: int, start: Floats | None = None) -> Floats:
        """Where it is least; ``start`` is a solution for another penalty."""
        labels = self.targets.shape[1]
        weights = self.weights / self.weights.sum()

        def value(flat: Floats) -> tuple[float, Floats]:
            matrix, bias = _matrix(flat, labels)
            found, slope = self.loss(_outputs(self.coordinates, matrix) + bias, self.targets, weights)
            found += 0.5 * penalty * float(np.vdot(matrix, matrix))
            by_matrix = _outputs(self.coordinates.T, slope) + penalty * matrix
            return found, np.concatenate([by_matrix.ravel(), slope.sum(0)])

        size = (self.coordinates.shape[1] + 1) * labels
        return minimum(value, np.zeros(size) if start is None else start, steps)


def _outputs(rows: Floats, matrix: Floats) -> Floats:
    """``rows @ matrix`` in blocks of rows that are too small for BLAS to spread over threads.

    On a machine with other work its threads wait for each other ten times as long as they compute (measured); and the
    sums are the same on any number of cores.
    """
    block = max(1, _SMALL_PRODUCT // max(1, matrix.size))
    if len(rows) <= block:
        return np.asarray(rows @ matrix)
    return np.concatenate([rows[at : at + block] @ matrix for at in range(0, len(rows), block)])


def _matrix(flat: Floats, labels: int) -> tuple[Floats, Floats]:
    return flat[:-labels].reshape(-1, labels), flat[-labels:]


def fit(samples: Samples, loss: Loss, *, penalty: float, steps: int = 80) -> Linear:
    """The minimum of the loss, its weights summed to 1, plus ``penalty / 2`` times the squared matrix."""
    span = Span.of(samples.features, samples.weights)
    problem = _Problem(span.coordinates, samples.targets, samples.weights, loss)
    return span.linear(problem.solve(penalty, steps), samples.targets.shape[1])


def fit_chosen(samples: Samples, loss: Loss, *, single_view: NDArray[np.bool_], steps: int = 80) -> Fit:
    """The same with the penalty that does best on groups that were left out.

    Args:
        samples: all views of all pictures.
        loss: of outputs.
        single_view: (n,) the one view of each picture that is judged: the picture as it is.
        steps: of the final fit.
    """
    folds = _folds(samples, single_view)
    if folds is None:
        left_out = np.full(samples.targets.shape, np.nan)
        return Fit(fit(samples, loss, penalty=DEFAULT_PENALTY, steps=steps), DEFAULT_PENALTY, left_out)
    judged = single_view & (folds >= 0)
    best: tuple[float, float, Floats] | None = None
    for penalty, left_out in _left_out(samples, loss, single_view, folds):
        outputs = left_out[judged]
        scaled = outputs * best_scale(outputs, samples.targets[judged], loss)
        found, _ = loss(scaled, samples.targets[judged], samples.weights[judged])
        if best is None or found < best[0] * 0.995:
            best = (found, penalty, left_out)
    assert best is not None
    return Fit(fit(samples, loss, penalty=best[1], steps=steps), best[1], best[2])


def _left_out(
    samples: Samples, loss: Loss, single_view: NDArray[np.bool_], folds: NDArray[np.intp]
) -> Iterator[tuple[float, Floats]]:
    """Each penalty with outputs (n, c) of single views while their fold was left out, NaN elsewhere.

    All folds are fitted in the span of all single views, which is found once: the penalty keeps a fold's matrix within
    what that fold's own samples span.
    """
    shown = samples.take(single_view)
    span, of, labels = Span.of(shown.features, shown.weights), folds[single_view], shown.targets.shape[1]
    count = int(of.max()) + 1
    problems = [
        _Problem(span.coordinates[of != fold], shown.targets[of != fold], shown.weights[of != fold], loss)
        for fold in range(count)
    ]
    solved: list[Floats | None] = [None] * count
    for penalty in PENALTIES:
        outputs = np.full(shown.targets.shape, np.nan)
        for fold in range(count):
            flat = solved[fold] = problems[fold].solve(penalty, _FOLD_STEPS, solved[fold])
            matrix, bias = _matrix(flat, labels)
            outputs[of == fold] = span.coordinates[of == fold] @ matrix + bias
        left_out = np.full(samples.targets.shape, np.nan)
        left_out[single_view] = outputs
        yield penalty, left_out


def best_scale(outputs: Floats, targets: Floats, loss: Loss) -> float:
    """Factor of ``outputs`` with the least loss: temperature scaling (Guo et al., ICML 2017)."""
    even = np.ones(len(outputs))
    return float(np.exp(least(lambda log_scale: loss(outputs * np.exp(log_scale), targets, even)[0])))


def least(value: Callable[[float], float], low: float = math.log(0.05), high: float = math.log(50.0)) -> float:
    """Where a function with one valley is least, by golden section."""
    ratio = (math.sqrt(5) - 1) / 2
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    found_left, found_right = value(left), value(right)
    for _ in range(30):
        if found_left < found_right:
            high, right, found_right = right, left, found_left
            left = high - ratio * (high - low)
            found_left = value(left)
        else:
            low, left, found_left = left, right, found_right
            right = low + ratio * (high - low)
            found_right = value(right)
    return (low + high) / 2


def minimum(value: Callable[[Floats], tuple[float, Floats]], start: Floats, steps: int) -> Floats:
    """Where a smooth convex function, which ``value`` gives with its gradient, is least; at most ``steps`` steps."""
    at = start
    found, slope = value(at)
    moves: list[tuple[Floats, Floats, float]] = []
    for _ in range(steps):
        direction = _direction(slope, moves)
        descent = float(slope @ direction)
        if descent > -1e-12:
            break
        step = 1.0 if moves else min(1.0, 1.0 / max(1e-12, float(np.abs(slope).sum())))
        for _ in range(20):
            tried = at + step * direction
            then, slope_then = value(tried)
            if then <= found + _ARMIJO * step * descent:
                break
            step *= 0.5
        else:
            break
        change, turn = tried - at, slope_then - slope
        curvature = float(change @ turn)
        if curvature > 1e-12:
            moves = [*moves[-_MEMORY + 1 :], (change, turn, 1.0 / curvature)]
        done = found - then < 1e-7 * max(1.0, abs(found))
        at, found, slope = tried, then, slope_then
        if done:
            break
    return at


def _direction(slope: Floats, moves: list[tuple[Floats, Floats, float]]) -> Floats:
    direction = -slope
    factors: list[float] = []
    for change, turn, inverse in reversed(moves):
        factors.append(inverse * float(change @ direction))
        direction = direction - factors[-1] * turn
    if moves:
        change, turn, inverse = moves[-1]
        direction = direction * (1.0 / (inverse * float(turn @ turn)))
    for (change, turn, inverse), factor in zip(moves, reversed(factors), strict=True):
        direction = direction + change * (factor - inverse * float(turn @ direction))
    return direction


def _span(centred: Floats) -> tuple[Floats, Floats]:
    """Coordinates (n, r) of samples in a basis (d, r) of what they span."""
    rows, columns = centred.shape
    if rows >= columns:
        return centred, np.eye(columns)
    values, vectors = np.linalg.eigh(centred @ centred.T)
    kept = values > 1e-9 * max(float(values[-1]), 1e-30)
    lengths = np.sqrt(values[kept])
    return vectors[:, kept] * lengths, centred.T @ (vectors[:, kept] / lengths)


def _folds(samples: Samples, single_view: NDArray[np.bool_]) -> NDArray[np.intp] | None:
    """(n,) the fold of each sample, -1 for those that are never left out; None where nothing can be.

    Pictures of a label go to the folds in turn, so that every fold has some of each. The only picture of a label stays.
    """
    first = np.flatnonzero(single_view)
    labels = np.where(samples.targets[first].any(1), samples.targets[first].argmax(1), samples.targets.shape[1])
    counts = np.bincount(labels, minlength=samples.targets.shape[1] + 1)
    folds_of = np.full(int(samples.groups.max()) + 1, -1)
    turn = 0
    for label in range(len(counts)):
        for sample in first[labels == label]:
            if counts[label] > 1:
                folds_of[samples.groups[sample]] = turn % MAX_FOLDS
                turn += 1
    found = folds_of[samples.groups]
    if len(np.unique(found[found >= 0])) < 2:
        return None
    _, packed = np.unique(found, return_inverse=True)
    return np.asarray(packed - (1 if (found < 0).any() else 0), np.intp)
