"""Head pose from the mesh: the rotation that carries the mean face onto the vertices seen.

In: mesh vertices in pixels. Out: yaw, pitch and roll in degrees, signs as in ``engine.face.Pose``. Zero is the mean of
a thousand portraits facing the camera, symmetric by construction. It does not smooth over time.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from custodes.engine.results.face import FloatArray, Pose

# (vertex, x, y, z) of the mean face over vertices that expressions hardly move; x right, y down, z away from the
# camera, unit of its own. Source: our own measurement, the median of the Procrustes-aligned meshes of 1,991 portraits,
# made symmetric; scripts/fit_face_statistics.py.
_MEAN_SHAPE = (
    (33, -0.783, -0.111, -0.018),
    (263, 0.783, -0.111, -0.018),
    (133, -0.297, -0.076, -0.108),
    (362, 0.297, -0.076, -0.108),
    (127, -1.183, -0.059, 0.832),
    (356, 1.183, -0.059, 0.832),
    (234, -1.168, 0.154, 0.918),
    (454, 1.168, 0.154, 0.918),
    (93, -1.154, 0.373, 0.937),
    (323, 1.154, 0.373, 0.937),
    (21, -1.114, -0.457, 0.424),
    (251, 1.114, -0.457, 0.424),
    (54, -1.017, -0.621, 0.209),
    (284, 1.017, -0.621, 0.209),
    (129, -0.361, 0.493, -0.265),
    (358, 0.361, 0.493, -0.265),
    (98, -0.299, 0.606, -0.323),
    (327, 0.299, 0.606, -0.323),
    (50, -0.835, 0.407, -0.105),
    (280, 0.835, 0.407, -0.105),
    (123, -1.072, 0.356, 0.184),
    (352, 1.072, 0.356, 0.184),
    (107, -0.260, -0.441, -0.413),
    (336, 0.260, -0.441, -0.413),
    (70, -0.978, -0.338, -0.007),
    (300, 0.978, -0.338, -0.007),
    (10, 0.000, -0.873, -0.341),
    (151, 0.000, -0.642, -0.394),
    (9, 0.000, -0.419, -0.426),
    (168, 0.000, -0.161, -0.393),
    (6, 0.000, -0.023, -0.465),
    (197, 0.000, 0.097, -0.550),
    (5, 0.000, 0.326, -0.735),
    (4, 0.000, 0.467, -0.774),
    (2, 0.000, 0.655, -0.458),
)
POSE_VERTICES = np.array([row[0] for row in _MEAN_SHAPE])
"""(35,) vertices that expressions hardly move; pairs of left and right first, then the middle."""
_SHAPE = np.array([row[1:] for row in _MEAN_SHAPE])


def rotation(source: NDArray[np.floating], target: NDArray[np.floating]) -> NDArray[np.float64]:
    """(3, 3) proper rotation that best carries (N, 3) ``source`` onto ``target``, scale and shift apart.

    Source: Umeyama 1991, eq. (39) to (43): the sign of the last singular vector excludes reflections.
    """
    a, b = source - source.mean(0), target - target.mean(0)
    left, _, right = np.linalg.svd(b.T @ a)
    left[:, 2] *= np.sign(np.linalg.det(left @ right))
    return np.asarray(left @ right, np.float64)


def head_pose(vertices_px: FloatArray) -> Pose:
    """Pose of the head whose mesh is ``vertices_px`` (468, 3)."""
    turn = rotation(_SHAPE, np.asarray(vertices_px[POSE_VERTICES], np.float64))
    # The face looks along -z of its own frame, towards the camera; the picture's y points down.
    forward, sideways = -turn[:, 2], turn[:, 0]
    return Pose(
        yaw_deg=math.degrees(math.atan2(forward[0], -forward[2])),
        pitch_deg=math.degrees(math.asin(float(np.clip(-forward[1], -1.0, 1.0)))),
        roll_deg=math.degrees(math.atan2(sideways[1], sideways[0])),
    )
