"""Fits engine/faces/traits/ages.npz and the constants of ages.py on one half of labelled faces.

In: ../shared/data/utkface and the fetched model pack. Out: the file, and ``_ADULT`` and ``_CHILD`` on standard output.
bench/attributes.py measures on the other half. Each face is shown as it is and mirrored. Faces of ages that are rare
in the set weigh more. How many directions, hidden units and members, and how strong the decay: chosen by
cross-validation within the fitting half.

Usage: python scripts/fit_ages.py
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from trait_data import DATA, central, half_of

from custodes.core.device import Device
from custodes.core.ids import RequestId
from custodes.core.slot import Slot
from custodes.engine.faces import traits
from custodes.engine.faces.assembly import open_face_engine
from custodes.engine.faces.pipeline import FacePipeline
from custodes.engine.faces.portrait import PortraitReadings
from custodes.engine.faces.traits.ages import (
    _ADULT_FROM,
    _CENTRE_YEARS,
    _CHILD_UNTIL,
    _UNIT_YEARS,
    AgeNetworks,
    inputs,
    moments,
)
from custodes.engine.results.face import DetectedFace
from custodes.imaging.image import decode
from custodes.models.store import ModelStore, default_root

COVERED = 0.84
"""Share of the fitting half, faces left out in turn, that the interval holds."""
DIRECTIONS, HIDDEN, MEMBERS, FOLDS = 100, 32, 5, 5
EPOCHS, BATCH, RATE, DECAY, NOISE, WRONG_FROM = 60, 128, 3e-3, 0.3, 0.2, 0.3
"""``WRONG_FROM``: errors above so many units of 20 years pull no harder."""
STRESSED, STRESS = (45, 75), 1.7
"""Ages that weigh more, and how much: chosen by cross-validation within the fitting half."""
REACH_AT = np.array([2.0, 10.0, 18.0, 26.0, 34.0, 42.0, 50.0, 60.0, 70.0, 80.0])
MIRRORED_POINTS = [1, 0, 2, 4, 3]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Faces:
    """Labelled faces: ``age`` and ``man`` (N,), what was read of each picture and of its mirror image."""

    age: NDArray[np.float64]
    man: NDArray[np.bool_]
    seen: Floats
    mirrored: Floats
    male: NDArray[np.float64]
    middle: NDArray[np.float64]


def read(engine: FacePipeline, path: Path) -> tuple[PortraitReadings, PortraitReadings] | None:
    """What is read of the portrait at ``path``, and of its mirror image."""
    image = decode(path.read_bytes())
    face = central(engine.detect(Slot(0, RequestId("fit")), image).faces, image.size.width, image.size.height)
    if face is None:
        return None
    reader = engine.steps.traits.portrait
    flipped = np.ascontiguousarray(image.rgb[:, ::-1])
    return reader.read(image.rgb, [face]), reader.read(flipped, [mirror(face, image.size.width)])


def mirror(face: DetectedFace, width_px: int) -> DetectedFace:
    """``face`` in the mirror image of its picture."""
    points = face.points_px[MIRRORED_POINTS].copy()
    points[:, 0] = width_px - 1 - points[:, 0]
    return replace(face, points_px=points)


def fitting_half(engine: FacePipeline) -> Faces:
    """All faces of the half that is fitted on."""
    rows = []
    for path in sorted((DATA / "utkface").glob("*.jpg")):
        if half_of(path.name) == 1 or (both := read(engine, path)) is None:
            continue
        age, gender = (int(part) for part in path.name.split("_")[:2])
        rows.append(
            (age, gender == 0, inputs(both[0])[0], inputs(both[1])[0], both[0].male[0], moments(both[0].years)[0][0])
        )
    age, man, seen, mirrored, male, middle = zip(*rows, strict=True)
    male, middle, age = (np.array(values, np.float64) for values in (male, middle, age))
    return Faces(age, np.array(man), np.stack(seen), np.stack(mirrored), male, middle)


def rarity(age: NDArray[np.float64]) -> Floats:
    """Weight of each face: one over the root of how many share its decade, more around sixty.

    What else was tried for these ages is in docs/faces.md.
    """
    decades = (age // 10).astype(int)
    weight = 1 / np.sqrt(np.bincount(decades)[decades] + 5.0)
    weight *= np.where((age >= STRESSED[0]) & (age < STRESSED[1]), STRESS, 1.0)
    return np.asarray(weight / weight.mean(), np.float32)


def scaling(seen: Floats) -> AgeNetworks:
    """Shift, scale and basis; no networks yet."""
    shift, scale = seen.mean(0), seen.std(0) + 1e-6
    _, values, rows = np.linalg.svd(((seen - shift) / scale)[:, 102:-1], full_matrices=False)
    basis = rows[:DIRECTIONS].T / np.sqrt(values[:DIRECTIONS] / np.sqrt(len(seen)))
    none = np.zeros(0, np.float32)
    return AgeNetworks(shift, scale, np.asarray(basis, np.float32), none, none, none, none, none, none)


def member(x: Floats, age: NDArray[np.float64], seed: int) -> list[Floats]:
    """One network by Adam with decoupled decay: inner (D, H), its bias, outer (H,), its bias."""
    random, width = np.random.default_rng(seed), x.shape[1]
    target, weight = np.asarray((age - _CENTRE_YEARS) / _UNIT_YEARS, np.float32), rarity(age)
    inner, outer = random.normal(0, width**-0.5, (width, HIDDEN)), random.normal(0, HIDDEN**-0.5, HIDDEN)
    values = [inner, np.zeros(HIDDEN), outer, np.zeros(1)]
    values = [value.astype(np.float32) for value in values]
    first, second = ([np.zeros_like(value) for value in values] for _ in range(2))
    step = 0
    for epoch in range(EPOCHS):
        rate = RATE * 0.5 * (1 + np.cos(np.pi * epoch / EPOCHS))
        order = random.permutation(len(x))
        for start in range(0, len(x), BATCH):
            rows = order[start : start + BATCH]
            step += 1
            shaken = x[rows] + NOISE * random.standard_normal((len(rows), width)).astype(np.float32)
            for i, slope in enumerate(slopes(values, shaken, target[rows], weight[rows])):
                first[i] = 0.9 * first[i] + 0.1 * slope
                second[i] = 0.999 * second[i] + 0.001 * slope**2
                change = first[i] / (1 - 0.9**step) / (np.sqrt(second[i] / (1 - 0.999**step)) + 1e-8)
                values[i] = values[i] - np.float32(rate) * (change + (DECAY * values[i] if i in (0, 2) else 0))
    return values


def slopes(values: Sequence[Floats], x: Floats, target: Floats, weight: Floats) -> list[Floats]:
    """Gradient of the weighted Huber loss by each of ``values``."""
    hidden = np.tanh(x @ values[0] + values[1])
    pull = weight * np.clip((hidden @ values[2] + values[3][0] - target) / WRONG_FROM, -1, 1) / len(x)
    back = np.outer(pull, values[2]) * (1 - hidden * hidden)
    return [x.T @ back, back.sum(0), hidden.T @ pull, pull.sum(keepdims=True)]


def networks(seen: Floats, mirrored: Floats, age: NDArray[np.float64]) -> AgeNetworks:
    """Members fitted on these faces, without the reach."""
    empty = scaling(seen)
    x = np.vstack([empty.project(seen), empty.project(mirrored)])
    members = [member(x, np.tile(age, 2), seed) for seed in range(MEMBERS)]
    inner, inner_bias, outer, outer_bias = (np.stack([values[i] for values in members]) for i in range(4))
    return replace(empty, inner=inner, inner_bias=inner_bias, outer=outer, outer_bias=outer_bias[:, 0])


def left_out(faces: Faces) -> NDArray[np.float64]:
    """Age of each face by networks that it was not fitted on."""
    fold = np.random.default_rng(0).integers(0, FOLDS, len(faces.age))
    said = np.zeros(len(faces.age))
    for i in range(FOLDS):
        kept = fold != i
        said[~kept] = networks(faces.seen[kept], faces.mirrored[kept], faces.age[kept]).of_inputs(faces.seen[~kept])
    return said


def reaches(said: NDArray[np.float64], age: NDArray[np.float64]) -> Floats:
    """Half the interval at each of ``REACH_AT``: the quantile of the error among the 150 faces said to be nearest."""
    nearest = [np.argsort(np.abs(said - at))[:150] for at in REACH_AT]
    return np.array([np.quantile(np.abs(said - age)[rows], COVERED) for rows in nearest], np.float32)


def gender(faces: Faces) -> NDArray[np.float64]:
    """Slope and shift of the log odds of man, for grown-ups and for children."""
    male = np.clip(faces.male, 1e-6, 1 - 1e-6)
    odds, grown = np.log(male / (1 - male)), np.interp(faces.middle, (_CHILD_UNTIL, _ADULT_FROM), (0, 1))

    def loss(p: NDArray[np.float64]) -> float:
        fitted = (grown * p[0] + (1 - grown) * p[2]) * odds + grown * p[1] + (1 - grown) * p[3]
        return float((np.logaddexp(0, fitted) - faces.man * fitted).mean())

    return np.asarray(minimize(loss, [1, 0, 1, 0]).x)


def main() -> int:
    """Fit, write, print."""
    faces = fitting_half(open_face_engine(ModelStore(default_root(os.environ)), Device.CPU, threads=1))
    said = left_out(faces)
    print(f"{len(faces.age)} faces; left out in turn, off by {np.abs(said - faces.age).mean():.2f} years")
    fitted = replace(
        networks(faces.seen, faces.mirrored, faces.age),
        reach_at=REACH_AT.astype(np.float32),
        reach=reaches(said, faces.age),
    )
    stored = {name: np.asarray(getattr(fitted, name), np.float16) for name in AgeNetworks.__slots__}
    np.savez_compressed(Path(traits.__file__).with_name("ages.npz"), **stored)
    print("reach", dict(zip(REACH_AT.tolist(), fitted.reach.round(1).tolist(), strict=True)))
    p = gender(faces).round(2)
    print("_ADULT, _CHILD =", tuple(p[:2].tolist()), tuple(p[2:].tolist()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
