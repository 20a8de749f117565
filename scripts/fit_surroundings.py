"""Fits engine/labels/surroundings.npz, the heads that tell what a picture shows around its objects.

In: the 90 photos of ../shared/data/coco-train, scripts/surroundings_labels.toml and the fetched model pack. Out: the
file. Each photo is shown as it is, mirrored, and in four parts. bench/labels.py measures by ``crossed``: what is told
of a photo by heads that it had no part in. Kinds of signs and the decay were chosen by the log loss of that.

Usage: python scripts/fit_surroundings.py
"""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from trait_data import DATA

from custodes.core.device import Device
from custodes.engine import labels
from custodes.engine.labels.assembly import open_objects, open_scenes
from custodes.engine.labels.letterbox import RgbArray
from custodes.engine.labels.surroundings import Surroundings, signs_of
from custodes.engine.runtime.networks import Networks
from custodes.imaging.image import decode
from custodes.models.store import ModelStore, default_root

LABELS = Path(__file__).with_name("surroundings_labels.toml")
CLASSES, PLACES, KINDS = 1000, 60, 80
DIRECTIONS, DECAY, FOLDS = 20, 2.0, 10
OF_COLOURS, OF_KINDS, OF_STREETS = 0.4, 0.3, 0.3
"""Weights of these signs: many of one kind would drown the others."""
PART = 0.8
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Photos:
    """Signs (N, V, D) of V views of N photos, and by label whether it holds (N,): 1, 0, nan where undecided."""

    signs: Floats
    truth: dict[str, Floats]


def views(rgb: RgbArray) -> Iterator[RgbArray]:
    """As it is, mirrored, and four parts that lack a fifth of both sides."""
    yield rgb
    yield np.ascontiguousarray(rgb[:, ::-1])
    height, width = rgb.shape[:2]
    for top, left in ((0.0, 0.0), (0.0, 1 - PART), (1 - PART, 0.0), (1 - PART, 1 - PART)):
        y, x = int(top * height), int(left * width)
        yield np.ascontiguousarray(rgb[y : y + int(PART * height), x : x + int(PART * width)])


def read(networks: Networks) -> Photos:
    """Signs of all photos; objects are looked for once, in the whole photo."""
    scenes, objects = open_scenes(networks), open_objects(networks)
    signs = []
    for path in sorted((DATA / "coco-train" / "images").glob("*.jpg")):
        rgb = decode(path.read_bytes()).rgb
        boxes = objects.detect(rgb)
        whole = [signs_of(rgb, scenes.probabilities(rgb), boxes)]
        for view in list(views(rgb))[1:]:
            seen = signs_of(view, scenes.probabilities(view), boxes)
            seen[CLASSES + PLACES :] = whole[0][CLASSES + PLACES :]
            whole.append(seen)
        signs.append(np.stack(whole))
    truth = {}
    for name, said in tomllib.loads(LABELS.read_text("utf-8")).items():
        truth[name] = np.zeros(len(signs))
        truth[name][said["yes"]] = 1.0
        truth[name][said["unsure"]] = np.nan
    return Photos(np.stack(signs).astype(np.float64), truth)


def heads(photos: Photos, rows: NDArray[np.int64]) -> Surroundings:
    """Logistic heads fitted on the photos at ``rows``."""
    shift, turn = reduction(photos.signs[rows].reshape(-1, photos.signs.shape[2]))
    weights, bias = [], []
    for truth in photos.truth.values():
        kept = rows[~np.isnan(truth[rows])]
        seen = (photos.signs[kept].reshape(-1, len(shift)) - shift) @ turn
        fitted = logistic(seen, np.repeat(truth[kept], photos.signs.shape[1]), 1 / photos.signs.shape[1])
        weights.append(turn @ fitted[:-1])
        bias.append(fitted[-1] - shift @ weights[-1])
    return Surroundings(tuple(photos.truth), np.stack(weights).astype(np.float32), np.array(bias, np.float32))


def reduction(seen: Floats) -> tuple[Floats, Floats]:
    """Mean (D,) and matrix (D, K): classes on the directions in which photos differ most, the rest scaled."""
    shift, spread = seen.mean(0), seen.std(0) + 1e-6
    classes = spread[:CLASSES] + 1e-3 * seen[:, :CLASSES].std()
    _, values, rows = np.linalg.svd((seen[:, :CLASSES] - shift[:CLASSES]) / classes, full_matrices=False)
    turn = np.zeros((len(shift), DIRECTIONS + len(shift) - CLASSES))
    scale = np.sqrt(len(seen)) / values[:DIRECTIONS].mean()
    turn[:CLASSES, :DIRECTIONS] = rows[:DIRECTIONS].T / classes[:, None] * scale
    rest = np.r_[OF_COLOURS / spread[CLASSES : CLASSES + PLACES], np.full(KINDS, OF_KINDS), np.full(5, OF_STREETS)]
    turn[CLASSES:, DIRECTIONS:] = np.diag(rest)
    return shift, turn


def logistic(seen: Floats, truth: Floats, weight: float) -> Floats:
    """Weights and bias (K + 1,) by Newton's method; weights decay, the bias does not."""
    x = np.hstack([seen, np.ones((len(seen), 1))])
    decay = np.diag(np.r_[np.full(seen.shape[1], DECAY), 1e-6])
    fitted = np.zeros(x.shape[1])
    for _ in range(30):
        chance = 1 / (1 + np.exp(-np.clip(x @ fitted, -30, 30)))
        curve = (x * (weight * chance * (1 - chance))[:, None]).T @ x + decay
        step = np.linalg.solve(curve, weight * x.T @ (chance - truth) + decay @ fitted)
        fitted -= step * min(1.0, 5.0 / max(1e-9, float(np.abs(step).max())))
        if np.abs(step).max() < 1e-8:
            break
    return fitted


def crossed(photos: Photos) -> dict[str, Floats]:
    """Confidence in percent of every label, (N,), by heads that the photo had no part in."""
    count = len(photos.signs)
    fold = np.random.default_rng(1).permutation(count) % FOLDS
    said = {name: np.zeros(count) for name in photos.truth}
    for part in range(FOLDS):
        fitted = heads(photos, np.flatnonzero(fold != part))
        for i in np.flatnonzero(fold == part):
            for name, pct in fitted.confidences_pct(photos.signs[i, 0].astype(np.float32)).items():
                said[name][i] = pct
    return said


def main() -> int:
    """Fit, write, print the log loss of photos left out."""
    photos = read(Networks(ModelStore(default_root(os.environ)), Device.CPU, 1))
    fitted = heads(photos, np.arange(len(photos.signs)))
    stored = {"names": np.array(fitted.names), "weights": fitted.weights.astype(np.float16), "bias": fitted.bias}
    np.savez_compressed(Path(labels.__file__).with_name("surroundings.npz"), **stored)
    for name, pct in crossed(photos).items():
        known = ~np.isnan(photos.truth[name])
        chance, truth = np.clip(pct[known] / 100, 1e-4, 1 - 1e-4), photos.truth[name][known]
        told = pct[known] >= 55
        print(
            f"{name:9} log loss {-(truth * np.log(chance) + (1 - truth) * np.log(1 - chance)).mean():.3f}, at 55 %: "
            f"{told.sum()} told, {int((told * truth).sum())} right, {int(truth.sum())} there"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
