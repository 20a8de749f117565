"""Fits the small network that tells yaw and pitch of heads that are turned far.

In: portraits of the fitting half of LFW's people that look at the camera, turned by computer (turned_faces.py), and the
fetched model pack. Out: src/custodes/engine/faces/geometry/turned_pose.npz. Every turned picture goes the whole way:
detection, mesh. bench/pose.py measures on the other half.

Usage: python scripts/fit_pose.py
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from trait_data import TRAIN, central, lfw_half
from turned_faces import SIDE_PX, Angles, Head, Rgb, angles_of, rotation

from custodes.core.device import Device
from custodes.core.ids import RequestId
from custodes.core.slot import Slot
from custodes.engine.faces.assembly import open_face_engine
from custodes.engine.faces.geometry.pose import POSE_VERTICES, head_pose
from custodes.engine.faces.geometry.turned_pose import PITCH_UNIT_DEG, YAW_UNIT_DEG, inputs
from custodes.engine.faces.pipeline import FacePipeline
from custodes.engine.results.face import FloatArray
from custodes.imaging.image import Image, decode
from custodes.models.store import ModelStore, default_root

OUT = Path(__file__).parents[1] / "src" / "custodes" / "engine" / "faces" / "geometry" / "turned_pose.npz"
PEOPLE, VIEWS = 230, 9
FRONTAL_DEG, CLEAR_PCT = 8.0, 95.0
HIDDEN, STRENGTH = 20, 3e-4
SLOT = Slot(0, RequestId("fit"))
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A turned portrait: how it is turned, and what was seen of it; None where no face was found."""

    angles: Angles
    seen: Seen | None


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What the finder says of one face: (468, 3) vertices, (5, 2) points, presence of the mesh."""

    vertices_px: FloatArray
    points_px: FloatArray
    presence: float


def views(engine: FacePipeline, half: str, people: int, each: int, seed: int) -> Iterator[View]:
    """``each`` turned pictures of the first ``people`` of a half who look at the camera."""
    rng = np.random.default_rng(seed)
    taken = 0
    for path in lfw_half(half):
        rgb = decode(path.read_bytes()).rgb
        face = central(engine.detect(SLOT, Image(rgb, b"")).faces, rgb.shape[1], rgb.shape[0])
        if taken == people:
            return
        if face is None or max(abs(face.pose.yaw_deg), abs(face.pose.pitch_deg)) > FRONTAL_DEG:
            continue
        if face.confidence_pct < CLEAR_PCT:
            continue
        taken += 1
        vertices = engine.steps.finder.mesh.read(rgb, [face.points_px])[0].vertices_px.astype(np.float64)
        head, pose = Head.of(rgb, vertices), head_pose(vertices.astype(np.float32))
        start = rotation(Angles(pose.yaw_deg, pose.pitch_deg, pose.roll_deg))
        for _ in range(each):
            wide = rng.random() < 0.6
            pitch = rng.uniform(-40, 40) if wide else rng.normal(0, 6)
            turn = rotation(Angles(rng.uniform(-90, 90), float(pitch), float(rng.normal(0, 10))))
            picture = photographed(head.seen(turn, rng.uniform(70, 150)), rng)
            yield View(angles_of(turn @ start), seen_in(engine, picture))


def photographed(rgb: Rgb, rng: np.random.Generator) -> Rgb:
    """``rgb`` a little out of focus, brighter or darker, with grain."""
    if rng.random() < 0.5:
        rgb = np.asarray(cv2.GaussianBlur(rgb, (0, 0), rng.uniform(0.4, 1.2)), np.uint8)
    return np.clip(rgb * rng.uniform(0.7, 1.2) + rng.normal(0, 3, rgb.shape), 0, 255).astype(np.uint8)


def seen_in(engine: FacePipeline, rgb: Rgb) -> Seen | None:
    """The face in the middle of a picture; None when none was found there."""
    found = engine.steps.finder.find(rgb, 3)
    middle = np.array([SIDE_PX, SIDE_PX], np.float32) / 2
    for mesh, points, box in zip(found.meshes, found.found.points, found.found.boxes, strict=True):
        if np.all((box[:2] < middle) & (middle < box[2:])):
            return Seen(mesh.vertices_px, points, mesh.presence)
    return None


def row(seen: Seen) -> FloatArray:
    """What the network is shown."""
    return inputs(seen.vertices_px, seen.points_px, seen.presence, head_pose(seen.vertices_px))


def mirrored(seen: Seen) -> Seen:
    """The same face in the picture's mirror image."""
    vertices = seen.vertices_px.copy()
    pairs = POSE_VERTICES[:26].reshape(-1, 2)
    swapped = vertices[pairs[:, ::-1].ravel()]
    vertices[pairs.ravel()] = swapped
    vertices[:, 0] *= -1
    points = seen.points_px[[1, 0, 2, 4, 3]] * np.array([-1, 1], np.float32)
    return replace(seen, vertices_px=vertices, points_px=points)


def network(x: Floats, y: Floats) -> dict[str, FloatArray]:
    """The regularised fit of one hidden layer, by L-BFGS."""
    shift, scale = x.mean(0), x.std(0) + 1e-3
    z, width = (x - shift) / scale, x.shape[1]
    rng = np.random.default_rng(4)
    sizes = [(width, HIDDEN), (HIDDEN,), (HIDDEN, 2), (2,)]
    start = [rng.normal(0, 1 / np.sqrt(s[0]), s) if len(s) == 2 else np.zeros(s) for s in sizes]

    def parts(flat: Floats) -> list[Floats]:
        ends = np.cumsum([int(np.prod(s)) for s in sizes])[:-1]
        return [part.reshape(s) for part, s in zip(np.split(flat, ends), sizes, strict=True)]

    def loss(flat: Floats) -> tuple[float, Floats]:
        inner, inner_bias, outer, outer_bias = parts(flat)
        hidden = np.tanh(z @ inner + inner_bias)
        off = hidden @ outer + outer_bias - y
        # Huber's loss: a head whose mesh lies elsewhere must not bend the rest.
        slope = np.clip(off, -0.4, 0.4)
        value = float((slope * (off - slope / 2)).sum()) / len(z)
        back = (slope / len(z)) @ outer.T * (1 - hidden**2)
        held = STRENGTH * (float((inner**2).sum()) + float((outer**2).sum()))
        grads = [z.T @ back + 2 * STRENGTH * inner, back.sum(0), hidden.T @ slope / len(z) + 2 * STRENGTH * outer]
        flat_grads = np.concatenate([g.ravel() for g in (*grads, (slope / len(z)).sum(0))])
        return value + held, flat_grads

    flat = np.concatenate([part.ravel() for part in start])
    found = minimize(loss, flat, jac=True, method="L-BFGS-B", options={"maxiter": 800})
    names = ("inner", "inner_bias", "outer", "outer_bias")
    arrays = {"shift": shift, "scale": scale, **dict(zip(names, parts(found.x), strict=True))}
    return {name: value.astype(np.float32) for name, value in arrays.items()}


def fitted(made: list[View]) -> dict[str, FloatArray]:
    """From views, each beside its mirror image."""
    known = [(view.angles, view.seen) for view in made if view.seen is not None]
    rows = [row(one) for _, seen in known for one in (seen, mirrored(seen))]
    target = [(sign * a.yaw_deg / YAW_UNIT_DEG, a.pitch_deg / PITCH_UNIT_DEG) for a, _ in known for sign in (1, -1)]
    return network(np.array(rows, np.float64), np.array(target))


def main() -> int:
    """Turn, fit, write."""
    engine = open_face_engine(ModelStore(default_root(os.environ)), Device.CPU, threads=1)
    arrays = fitted(list(views(engine, TRAIN, PEOPLE, VIEWS, seed=2)))
    np.savez(OUT, **{name: value.astype(np.float16) for name, value in arrays.items()})
    return 0


if __name__ == "__main__":
    sys.exit(main())
