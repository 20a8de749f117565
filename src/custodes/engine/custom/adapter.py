"""Adapters: what moderation says of a picture, shifted by what somebody's own pictures taught, never out of its names.

In: features of training pictures, what the networks say of each, what is true. Out: a ``TrainedHead`` whose output is
added to the log odds of what the networks say. Names that no training picture is about stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from custodes.engine.custom.head import TrainedHead, unit
from custodes.engine.custom.logistic import Floats, Linear, Samples, fit, several_loss, sigmoid
from custodes.engine.moderation.taxonomy import ModerationTaxonomy
from custodes.engine.results.moderation import ConcernsFound

LEAST_SHARE, MOST_SHARE = 0.02, 0.98
"""What networks say is taken no surer than this, so that pictures can teach otherwise."""
_NAMED = 0.3
_PENALTY = 1e-3


def base_shares(found: ConcernsFound, names: Sequence[str]) -> Floats:
    """(c,) what the networks say of each name, 0 to 1."""
    said = {concern.name: concern.confidence_pct / 100 for concern in found.concerns}
    return np.array([said.get(name, 0.0) for name in names])


def log_odds(shares: NDArray[np.generic]) -> Floats:
    """Log odds of shares, within limits."""
    kept = np.clip(shares.astype(np.float64), LEAST_SHARE, MOST_SHARE)
    return np.asarray(np.log(kept / (1 - kept)))


def train_adapter(pictures: Sequence[NDArray[np.generic]], base: Floats, truth: Floats) -> TrainedHead:
    """A head.

    Args:
        pictures: (views, d) features of each training picture.
        base: (n, c) what the networks say of each.
        truth: (n, c) what is true, with names above.
    """
    views = np.array([len(picture) for picture in pictures])
    groups = np.repeat(np.arange(len(pictures)), views)
    learnt = (truth > 0).any(0) | (base >= _NAMED).any(0)
    labels = base.shape[1]
    dimension = pictures[0].shape[1]
    matrix, bias = np.zeros((dimension, labels)), np.zeros(labels)
    if learnt.any():
        offsets = log_odds(base)[groups][:, learnt]

        def shifted_loss(outputs: Floats, targets: Floats, weights: Floats) -> tuple[float, Floats]:
            return several_loss(outputs + offsets, targets, weights)

        samples = Samples(unit(np.concatenate(pictures)), truth[groups][:, learnt], 1.0 / views[groups], groups)
        found = fit(samples, shifted_loss, penalty=_PENALTY)
        matrix[:, learnt], bias[learnt] = found.matrix, found.bias
    return TrainedHead(Linear(matrix, bias), np.ones(labels), np.zeros(labels), several=True)


def adapted(
    head: TrainedHead,
    features: NDArray[np.generic],
    base: ConcernsFound,
    names: Sequence[str],
    least_pct: float,
    taxonomy: ModerationTaxonomy,
) -> ConcernsFound:
    """``base``, which has everything however unsure, as the head shifts it."""
    shares = base_shares(base, names)
    moved = sigmoid(log_odds(shares) + head.outputs(unit(features))[0])
    touched = head.linear.matrix.any(0) | (head.linear.bias != 0)
    kept = {name: float(moved[i] if touched[i] else shares[i]) for i, name in enumerate(names)}
    # What stands above is at least as sure as what stands below; a name that fell takes those above with it only
    # where nothing else holds them up.
    kinds = tuple(kind for kind in base.kinds if kind.confidence_pct >= least_pct)
    return ConcernsFound(
        taxonomy.concerns({name: share for name, share in kept.items() if share > 0}, least_pct), kinds
    )


def with_names_above(names: Mapping[str, float] | Sequence[str], taxonomy: ModerationTaxonomy) -> frozenset[str]:
    """``names`` and all above them."""
    found: set[str] = set()
    for name in names:
        at = name
        while at:
            found.add(at)
            at = taxonomy.above[at]
    return frozenset(found)
