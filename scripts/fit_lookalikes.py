"""Fits what the engine knows of people who look alike: lookalikes.npz, and the curve's knots.

In: ../shared/data (LFW, UTKFace) and the fetched model pack, through bench/face_features.py. Out: the mixture, and on
standard output the knots and the children's level for engine/faces/assembly.py. Fitted on one half of the people of
each set and on small, dark and masked versions of LFW photos of the same half; every figure that is published is
measured on the other half (bench/lfw.py, bench/differential.py). Each person counts once, however many photos.

Faces in one hard light are added by scripts/fit_hard_light.py afterwards.

Usage: python scripts/fit_lookalikes.py && python scripts/fit_hard_light.py
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "bench"))

import face_features  # noqa: E402
import look_alike_pairs as pairs  # noqa: E402
from custodes.engine.faces.embedding.embed import unit  # noqa: E402
from custodes.engine.faces.embedding.lookalikes import MAX_LEVEL, Lookalikes, level_of  # noqa: E402
from halves import fitted_rows  # noqa: E402

DISTRIBUTIONS, CONCENTRATION = 24, 20.0
LFW_WEIGHT, HARD_WEIGHT = 0.5, 0.15
"""Weight of all people of LFW, and of each kind of hard photo, beside 1 for UTKFace, whose ages and origins spread."""
LEVEL_RATE, LEVEL_FACTOR = 3e-3, 1.5
"""Share of strangers within a distribution that its level is read at, and how many times it is taken: chosen within
the fitting half (docs/adr/0018-among-people-who-look-alike.md)."""
CHILD_AGE, CHILD_RIDGE = 13, 0.3
FIT_AT = ((0.3, 5.0), (1e-2, 45.0), (5e-4, 80.0), (5e-5, 95.0), (1e-5, 99.0), (1e-6, 99.9))
"""(false match rate among look-alikes on the fitting half, percentage that shows there), at 80 and 95 half of what is
wanted of the published rate, which is twice that of all groups together. The last is extrapolated: as few pairs as
reach it in LFW are photos under a wrong name."""

Floats = NDArray[np.float64]


def once_each(rows: NDArray[np.floating], person: NDArray[np.int64]) -> Floats:
    """One unit mean per person."""
    _, number = np.unique(person, return_inverse=True)
    sums = np.zeros((number.max() + 1, rows.shape[1]))
    np.add.at(sums, number, rows)
    return np.asarray(unit(sums), np.float64)


def shares(rows: Floats, directions: Floats) -> Floats:
    """Responsibilities of a von Mises-Fisher mixture with one concentration and equal weights."""
    exponents = CONCENTRATION * rows @ directions.T
    weights = np.exp(exponents - exponents.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float64)


def mixture(rows: Floats, weights: Floats) -> tuple[Floats, Floats, Floats]:
    """Directions, means and weight of each distribution, by expectation maximisation from a fixed start."""
    rng = np.random.default_rng(0)
    start = rows[rng.choice(len(rows), DISTRIBUTIONS, replace=False, p=weights / weights.sum())]
    directions = np.asarray(unit(start + 0.3 / np.sqrt(rows.shape[1]) * rng.normal(size=start.shape)), np.float64)
    for _ in range(60):
        part = shares(rows, directions) * weights[:, None]
        sums = part.T @ rows
        directions = np.asarray(unit(sums), np.float64)
    return directions, sums / part.sum(axis=0)[:, None], part.sum(axis=0)


def childhood(rows: Floats, child: NDArray[np.bool_]) -> Floats:
    """(D + 1,) weights and offset of a logistic regression, by Newton's method, ridge on the weights."""
    inputs, weights = np.hstack([rows, np.ones((len(rows), 1))]), np.zeros(rows.shape[1] + 1)
    ridge = np.append(np.full(rows.shape[1], CHILD_RIDGE), 1e-6)
    for _ in range(25):
        likely = 1 / (1 + np.exp(-np.clip(inputs @ weights, -30, 30)))
        bent = (inputs * (likely * (1 - likely) + 1e-9)[:, None]).T @ inputs + np.diag(ridge)
        weights = weights - np.linalg.solve(bent, inputs.T @ (likely - child) + ridge * weights)
    return weights


def levels(model: Lookalikes, sets: list[tuple[NDArray[np.float32], NDArray[np.int64]]]) -> Floats:
    """Of each distribution the cosine that ``LEVEL_RATE`` of the pairs of strangers in it reach."""
    found: list[float] = []
    seen = [(model.vectors(rows)[:, :-1], model.shares(rows), person) for rows, person in sets]
    for k in range(DISTRIBUTIONS):
        scores, weights = [], []
        for vectors, share, person in seen:
            inside = np.flatnonzero(share[:, k] > 0.05)
            first, second = np.triu_indices(len(inside), 1)
            i, j = inside[first], inside[second]
            strangers = person[i] != person[j]
            i, j = i[strangers], j[strangers]
            scores.append((vectors[inside] @ vectors[inside].T)[first[strangers], second[strangers]])
            weights.append(share[i, k] * share[j, k])
        score, weight = np.concatenate(scores), np.concatenate(weights)
        order = np.argsort(-score)
        reached = np.cumsum(weight[order]) / weight.sum()
        found.append(float(score[order][np.searchsorted(reached, LEVEL_RATE)]))
    return np.array(found)


def main() -> int:
    """Fit, write, print."""
    lfw, faces, hard = face_features.lfw(), face_features.labelled(), face_features.hard()
    lfw_half = fitted_rows(face_features.people_names(lfw))
    utk_half = fitted_rows(face_features.file_names(faces.features))
    number = dict(zip(lfw.paths.tolist(), face_features.people(lfw), strict=True))
    hard_person = np.array([number[path] for path in hard.paths.tolist()])
    hard_half = np.isin(hard_person, face_features.people(lfw)[lfw_half])
    sets = [
        (faces.features.enrol[utk_half], faces.person[utk_half]),
        (
            np.vstack([lfw.enrol[lfw_half], hard.enrol[hard_half]]),
            np.concatenate([face_features.people(lfw)[lfw_half], hard_person[hard_half]]),
        ),
    ]
    parts = [
        (once_each(*sets[0]), 1.0),
        (once_each(lfw.enrol[lfw_half], face_features.people(lfw)[lfw_half]), LFW_WEIGHT),
    ]
    parts += [
        (np.asarray(hard.enrol[hard_half & (hard.kinds == kind)], np.float64), HARD_WEIGHT)
        for kind in sorted(set(hard.kinds.tolist()))
    ]
    rows = np.vstack([part for part, _ in parts])
    weights = np.concatenate([np.full(len(part), weight / len(part)) for part, weight in parts]) * len(parts[0][0])
    directions, means, mass = mixture(rows, weights)
    print(f"people in each distribution, weighted: {mass.min():.0f} to {mass.max():.0f}")
    centred = rows - shares(rows, directions) @ means
    _, axes = np.linalg.eigh((centred * weights[:, None]).T @ centred)
    even = np.zeros(DISTRIBUTIONS)
    whole = {"concentration": CONCENTRATION, "log_priors": even, "directions": directions, "means": means}
    whole["basis"] = axes[:, 1:]
    whole["child"] = childhood(faces.features.enrol[utk_half].astype(np.float64), faces.years[utk_half] < CHILD_AGE)
    arrays = {name: np.asarray(value, np.float32) for name, value in whole.items() if name != "concentration"}
    reach = levels(Lookalikes(CONCENTRATION, levels=np.asarray(even, np.float32), **arrays), sets)
    level = np.clip(LEVEL_FACTOR * (reach - reach.min()) / (1 - reach.min()), 0, MAX_LEVEL)
    numbers = {name: np.asarray(value, np.float32) for name, value in {**whole, "levels": level}.items()}
    fitted_on = {face_features.FITTED_ON: np.array(face_features.digest_of_fitted())}
    np.savez(face_features.MIXTURE, **numbers, **fitted_on)
    model = Lookalikes(CONCENTRATION, levels=np.asarray(level, np.float32), **arrays)
    report(model, lfw.take(lfw_half), faces, utk_half)
    return 0


def report(
    model: Lookalikes, lfw: face_features.Features, faces: face_features.Labelled, half: NDArray[np.int64]
) -> None:
    """Print the knots of ``FIT_AT`` and how levels of children and of others lie."""
    alike = pairs.look_alikes(model, faces, half)
    apart = pairs.Scores.of_vectors(model.vectors(lfw.enrol), model.vectors(lfw.query), face_features.people(lfw))
    excess = pairs.excess(alike, apart.impostor)
    print(f"look-alikes reach a score {excess:.2f} times as often as strangers of LFW do")
    cuts = []
    for rate, _ in FIT_AT[:-1]:
        scores, share = (apart.impostor, rate / excess) if rate < 3e-4 else (alike, rate)
        cuts.append(float(scores[max(0, len(scores) - 1 - int(len(scores) * share))]))
    cuts.append(3 * cuts[-1] - 3 * cuts[-2] + cuts[-3])  # a parabola through the last three
    for cut, (_, percent) in zip(cuts, FIT_AT, strict=True):
        print(f"    Knot({cut:.4f}, {percent}),")
    level = np.array([level_of(vector) for vector in model.vectors(faces.features.enrol[half])])
    years = faces.years[half]
    for name, inside in (("0 to 4", years < 5), ("5 to 12", (years > 4) & (years < 13)), ("13 and more", years > 12)):
        print(name, "years, level at 5, 50, 95 %:", np.round(np.quantile(level[inside], (0.05, 0.5, 0.95)), 3))


if __name__ == "__main__":
    sys.exit(main())
