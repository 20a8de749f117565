"""Yaw and pitch of heads that are turned far: a small network of our own over the mesh and the detector's points.

In: mesh vertices and the five points of the detector, in pixels, and how surely the mesh saw a face. Out: a ``Pose``.
The mesh network was trained on phones held before faces: it shows a profile as a three-quarter view, so that the
rotation of its vertices stops at about 45 degrees. How it is wrong depends on the angle, and that can be learned. Roll
is the mesh's own.

Source of the numbers: our own, fitted by scripts/fit_pose.py on portraits turned by computer, where angles are exact,
and measured on other people by bench/pose.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from custodes.engine.faces.geometry.pose import POSE_VERTICES, head_pose
from custodes.engine.results.face import FloatArray, Pose

_FILE = "turned_pose.npz"
YAW_UNIT_DEG, PITCH_UNIT_DEG = 45.0, 30.0
"""What the network gives out is angles over these."""
_FRONTAL_DEG, _TURNED_DEG = 10.0, 25.0
"""Up to the first angle the mesh is right and alone decides; from the second on the network does."""


@dataclass(frozen=True, slots=True, eq=False)
class TurnedPoseNetwork:
    """All arrays float32.

    Attributes:
        shift, scale: (D,) what is subtracted from and divides each of ``inputs``.
        inner, inner_bias: (D, H) and (H,).
        outer, outer_bias: (H, 2) and (2,).
    """

    shift: FloatArray
    scale: FloatArray
    inner: FloatArray
    inner_bias: FloatArray
    outer: FloatArray
    outer_bias: FloatArray

    def pose(self, vertices_px: FloatArray, points_px: FloatArray, presence: float) -> Pose:
        """Of one face: (468, 3) vertices, (5, 2) points of the detector, 0 to 1."""
        mesh = head_pose(vertices_px)
        yaw, pitch = (float(v) for v in self.angles_deg(inputs(vertices_px, points_px, presence, mesh)[None])[0])
        far = max(abs(yaw), abs(pitch), abs(mesh.yaw_deg), abs(mesh.pitch_deg))
        share = float(np.interp(far, (_FRONTAL_DEG, _TURNED_DEG), (0.0, 1.0)))
        return Pose(
            yaw_deg=(1.0 - share) * mesh.yaw_deg + share * yaw,
            pitch_deg=(1.0 - share) * mesh.pitch_deg + share * pitch,
            roll_deg=mesh.roll_deg,
        )

    def angles_deg(self, rows: FloatArray) -> FloatArray:
        """(N, 2) yaw and pitch from (N, D) of ``inputs``."""
        hidden = np.tanh(((rows - self.shift) / self.scale) @ self.inner + self.inner_bias)
        return np.asarray((hidden @ self.outer + self.outer_bias) * (YAW_UNIT_DEG, PITCH_UNIT_DEG), np.float32)


def load_turned_pose() -> TurnedPoseNetwork:
    """The shipped numbers, stored as float16."""
    with (
        (files("custodes.engine.faces.geometry") / _FILE).open("rb") as file,
        np.load(file, allow_pickle=False) as kept,
    ):
        return TurnedPoseNetwork(**{name: np.asarray(kept[name], np.float32) for name in kept.files})


def inputs(vertices_px: FloatArray, points_px: FloatArray, presence: float, mesh: Pose) -> FloatArray:
    """(D,): vertices and points upright, centred and of one size; what the mesh says of pose; how sure it is."""
    turn, shape = np.radians(mesh.roll_deg), np.asarray(vertices_px[POSE_VERTICES], np.float64)
    middle = shape.mean(axis=0)
    upright = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    size = max(1e-3, float(np.sqrt(((shape - middle) ** 2).sum(axis=1).mean())))
    flat = (shape[:, :2] - middle[:2]) @ upright / size
    depth = (shape[:, 2] - middle[2]) / size
    five = (np.asarray(points_px, np.float64) - middle[:2]) @ upright / size
    said: NDArray[np.float64] = np.array([mesh.yaw_deg / YAW_UNIT_DEG, mesh.pitch_deg / PITCH_UNIT_DEG, presence])
    return np.concatenate([flat.ravel(), depth, np.clip(five, -4.0, 4.0).ravel(), said]).astype(np.float32)
