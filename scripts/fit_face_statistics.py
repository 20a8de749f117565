"""Fits the mean face shape that the engine ships for pose.

In: a folder of unlabelled portraits (any; ours were the 1,991 of 2,000 UTKFace crops in which a face is found) and the
fetched model pack. Out: the rows of ``_MEAN_SHAPE`` on standard output: the median of aligned meshes. No label,
identity or picture enters the result.

Usage: python scripts/fit_face_statistics.py FOLDER
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from custodes.engine.faces.detection.detect import centerface
from custodes.engine.faces.geometry import pose
from custodes.engine.faces.geometry.mesh import MeshReader
from custodes.engine.runtime.session import NetworkSession, Threads, open_session
from custodes.imaging.image import decode
from custodes.models.card import load_cards
from custodes.models.store import ModelStore, default_root

# Mirror images of each other, then vertices on the plane of symmetry.
PAIRS = (
    (33, 263), (133, 362), (127, 356), (234, 454), (93, 323), (21, 251), (54, 284),
    (129, 358), (98, 327), (50, 280), (123, 352), (107, 336), (70, 300),
)  # fmt: skip
MIDDLE = (10, 151, 9, 168, 6, 197, 5, 4, 2)
VERTICES = [vertex for pair in PAIRS for vertex in pair] + list(MIDDLE)


def session(name: str) -> NetworkSession:
    """An opened model of the pack."""
    card = load_cards()[name]
    return open_session(ModelStore(default_root(os.environ)).path(card), card, threads=Threads(os.cpu_count() or 1))


def read(folder: Path) -> NDArray[np.float64]:
    """The mesh vertices of every portrait in which a face is found."""
    detector, mesh = centerface(session("centerface")), MeshReader(session("facemesh"))
    shapes = []
    for file in sorted(folder.glob("*.jpg")):
        rgb = decode(file.read_bytes()).rgb
        found = detector.detect(rgb)
        if len(found.scores):
            shapes.append(mesh.read(rgb, [found.points[0]])[0].vertices_px[VERTICES])
    return np.array(shapes, np.float64)


def carried(source: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """``source`` (N, 3) moved onto ``target`` by the best similarity transform."""
    turn = pose.rotation(source, target)
    a, b = source - source.mean(0), target - target.mean(0)
    scale = float((b * (a @ turn.T)).sum() / (a * a).sum())
    return scale * a @ turn.T + target.mean(0)


def fit_shape(shapes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Median of the aligned shapes (generalised Procrustes), made symmetric, facing along -z, unit root mean square."""
    swap = [i ^ 1 for i in range(2 * len(PAIRS))] + list(range(2 * len(PAIRS), len(VERTICES)))
    mean = shapes.mean(0)
    for _ in range(6):
        mean = np.median([carried(shape, mean) for shape in shapes], axis=0)
        mean = (mean + carried(mean[swap] * [-1, 1, 1], mean)) / 2
        mean = (mean - mean.mean(0)) / np.sqrt(((mean - mean.mean(0)) ** 2).sum(1).mean())
    across = np.mean([mean[2 * k + 1] - mean[2 * k] for k in range(len(PAIRS))], axis=0)
    x = across / np.linalg.norm(across)
    z = np.array([0.0, 0.0, 1.0]) - x[2] * x
    z /= np.linalg.norm(z)
    return np.asarray(mean @ np.stack([x, np.cross(z, x), z], axis=1))


def main() -> int:
    """Fit and print the shape."""
    for vertex, (x, y, z) in zip(VERTICES, fit_shape(read(Path(sys.argv[1]))), strict=True):
        print(f"    ({vertex}, {x:.3f}, {y:.3f}, {z:.3f}),")
    return 0


if __name__ == "__main__":
    sys.exit(main())
