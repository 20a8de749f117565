"""Fits engine/faces/traits/lids.npz: eyes as photographed against the same eyes with their lids drawn shut.

In: ../shared/data/lfw and the fetched networks. Out: the file, and on standard output how many eyes of the fitting half
are told apart. Fitted on one photo each of the first 1,100 people of the fitting half; those whose lids are shut, or
cannot be told, are left out by ``scripts/lid_labels.toml``. bench/eyes.py measures on people of the other half.

Usage: python scripts/fit_lids.py
"""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from lid_drawing import Pixels, shut
from numpy.typing import NDArray
from scipy.optimize import minimize
from trait_data import TRAIN, lfw_half

from custodes.core.device import Device
from custodes.engine.faces import traits
from custodes.engine.faces.assembly import open_face_engine
from custodes.engine.faces.geometry.align import similarity, warp
from custodes.engine.faces.pipeline import FacePipeline
from custodes.engine.faces.traits.eyes import CORNERS, CROP_PX, ENLARGE, opening
from custodes.engine.faces.traits.lids import features
from custodes.engine.results.face import FloatArray
from custodes.engine.runtime.networks import Networks
from custodes.imaging.image import decode
from custodes.models.store import ModelStore, default_root

LABELS = Path(__file__).with_name("lid_labels.toml")
PEOPLE = 1100
DECAY = 200.0
RARE = 1.0
"""Taken from the log odds of shut lids: a sum over both eyes of two. Of press portraits one in a hundred has them shut;
chosen on the fitting half, where 2 of 1,040 open ones are then told as shut."""
_AT_ONCE = 32
_POINTS = 76


@dataclass(frozen=True, eq=False)
class Eyes:
    """Crops (N, 64, 64, 3) uint8 with the outer corner on the left, and the network's points (N, 76, 2)."""

    crops: Pixels
    points: FloatArray


def labels(half: str) -> dict[str, list[int]]:
    """Places, in the order of ``lfw_half``, of people whose lids are ``shut`` and of those ``unclear``."""
    return tomllib.loads(LABELS.read_text("utf-8"))[half]


def central_mesh(engine: FacePipeline, rgb: Pixels) -> FloatArray | None:
    """The mesh of the face that a portrait is of: large and in the middle."""
    middle = np.array([rgb.shape[1], rgb.shape[0]]) / 2
    meshes = [mesh.vertices_px for mesh in engine.steps.finder.find(rgb, 100).meshes]

    def worth(vertices: FloatArray) -> float:
        return float(np.ptp(vertices[:, 0]) ** 2 - 2 * ((vertices[:, :2].mean(axis=0) - middle) ** 2).sum())

    return max(meshes, key=worth, default=None)


def eye_matrices(vertices: FloatArray) -> list[NDArray[np.float64]]:
    """(2, 3) from the picture to the crop of each eye, as the product takes them."""
    margin = (CROP_PX - CROP_PX / ENLARGE) / 2
    target = np.array([[margin, CROP_PX / 2], [CROP_PX - margin, CROP_PX / 2]])
    return [similarity(vertices[list(pair), :2], target) for pair in CORNERS.values()]


def eye_crops(rgb: Pixels, vertices: FloatArray) -> list[Pixels]:
    """Both eyes, the second mirrored."""
    first, second = (warp(rgb, matrix, (CROP_PX, CROP_PX)) for matrix in eye_matrices(vertices))
    return [first, np.ascontiguousarray(second[:, ::-1])]


def planes(crops: Sequence[Pixels] | Pixels) -> FloatArray:
    """What the network and the head take."""
    return np.ascontiguousarray(np.asarray(crops).transpose(0, 3, 1, 2), np.float32)


def read_points(networks: Networks, crops: Pixels) -> FloatArray:
    """(N, 76, 2) of the iris network."""
    iris = networks.session("iris")
    parts = [
        iris.run({"rgb": planes(crops[start : start + _AT_ONCE])}, ("points",))["points"]
        for start in range(0, len(crops), _AT_ONCE)
    ]
    return np.asarray(np.concatenate(parts).reshape(-1, _POINTS, 3)[..., :2], np.float32)


def fitting_half(store: ModelStore) -> Pixels:
    """Crops of open eyes."""
    engine, left_out, found = open_face_engine(store, Device.CPU, threads=1), labels(TRAIN), []
    skipped = {*left_out["shut"], *left_out["unclear"]}
    for place, path in enumerate(lfw_half(TRAIN)[:PEOPLE]):
        rgb = decode(path.read_bytes()).rgb
        if place not in skipped and (vertices := central_mesh(engine, rgb)) is not None:
            found += eye_crops(rgb, vertices)
    return np.stack(found)


def linear(rows: FloatArray, is_open: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights and bias, the last, by logistic regression on scaled columns with a decay of the weights."""
    mean, spread = rows.mean(axis=0), rows.std(axis=0) + 1e-3
    scaled = np.column_stack([(rows - mean) / spread, np.ones(len(rows))])

    def loss(w: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        odds = scaled @ w
        pull = 1 / (1 + np.exp(-odds)) - is_open
        decay = np.append(w[:-1], 0.0) * DECAY
        return float((np.logaddexp(0, odds) - is_open * odds).sum() + decay @ w / 2), scaled.T @ pull + decay

    w = minimize(loss, np.zeros(scaled.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": 100}).x
    weights = w[:-1] / spread
    return np.append(weights, w[-1] - weights @ mean)


def main() -> int:
    """Fit, write, print."""
    store = ModelStore(default_root(os.environ))
    networks = Networks(store, Device.CPU, 1)
    seen, random = fitting_half(store), np.random.default_rng(1)
    points = read_points(networks, seen)
    drawn = np.stack([shut(eye, its, random) for eye, its in zip(seen, points, strict=True)])
    rows = np.vstack(
        [features(planes(seen), opening(points)), features(planes(drawn), opening(read_points(networks, drawn)))]
    )
    is_open = np.repeat([1.0, 0.0], len(seen))
    w = linear(rows, is_open)
    weights, bias = w[:-1].astype(np.float16), w[-1] + RARE
    right = (rows @ weights + bias > 0) == (is_open > 0)
    print(
        f"{len(seen)} eyes: open ones told {right[: len(seen)].mean():.3f}, drawn ones {right[len(seen) :].mean():.3f}"
    )
    np.savez_compressed(Path(traits.__file__).with_name("lids.npz"), weights=weights, bias=np.float32(bias))
    return 0


if __name__ == "__main__":
    sys.exit(main())
