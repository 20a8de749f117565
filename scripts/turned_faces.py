"""Portraits turned by computer: the mesh of a face with its own picture on it, seen from another side.

In: an upright RGB picture of a face that looks at the camera, its 468 mesh vertices, an angle. Out: the picture of the
turned head and the angles that it is turned by, exactly. Shared by fitting and measuring the head pose: photographs
with measured angles come with no package. What stands behind the mesh (ears, hair, neck) is carried along as rings
around the face that fall back in depth, which is rough; beyond the profile nothing is drawn.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay

Rgb = NDArray[np.uint8]
Floats = NDArray[np.float64]

SIDE_PX = 320
_OVAL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
"""Vertices of the face oval in order. Source: MediaPipe's FACEMESH_FACE_OVAL."""
_RINGS = ((1.10, 0.22), (1.22, 0.50), (1.38, 0.75), (1.60, 0.80))
"""Size over the oval's, and depth behind it in face widths."""
_NECK = 0.35
"""Depth of the axis that a head turns on, in face widths behind the middle of the mesh."""


@dataclass(frozen=True, slots=True)
class Angles:
    """As ``engine.results.face.Pose`` has them, in degrees."""

    yaw_deg: float
    pitch_deg: float
    roll_deg: float


def rotation(angles: Angles) -> Floats:
    """(3, 3): first the yaw, then the pitch, then the roll."""
    y, p, r = (math.radians(v) for v in (angles.yaw_deg, angles.pitch_deg, angles.roll_deg))
    yaw = np.array([[math.cos(y), 0, -math.sin(y)], [0, 1, 0], [math.sin(y), 0, math.cos(y)]])
    pitch = np.array([[1, 0, 0], [0, math.cos(p), math.sin(p)], [0, -math.sin(p), math.cos(p)]])
    roll = np.array([[math.cos(r), -math.sin(r), 0], [math.sin(r), math.cos(r), 0], [0, 0, 1]])
    return np.asarray(roll @ pitch @ yaw, np.float64)


def angles_of(turn: Floats) -> Angles:
    """Of a rotation, by where it takes the direction of view: the definition of ``pose.head_pose``."""
    forward, sideways = -turn[:, 2], turn[:, 0]
    return Angles(
        math.degrees(math.atan2(forward[0], -forward[2])),
        math.degrees(math.asin(float(np.clip(-forward[1], -1.0, 1.0)))),
        math.degrees(math.atan2(sideways[1], sideways[0])),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """A head that can be turned.

    Attributes:
        rgb: its picture.
        points: (N, 3) its surface in pixels of the picture; smaller z is nearer to the camera.
        triangles: (M, 3) places in ``points``.
        axis: (3,) what it turns about.
        width_px: of the face.
    """

    rgb: Rgb
    points: Floats
    triangles: NDArray[np.int32]
    axis: Floats
    width_px: float

    @classmethod
    def of(cls, rgb: Rgb, vertices: Floats) -> Head:
        """From a picture and the mesh of the face in it."""
        oval, width = vertices[list(_OVAL)], float(np.ptp(vertices[:, 0]))
        middle = vertices[[10, 152, 234, 454], :2].mean(0)
        parts = [vertices]
        for size, behind in _RINGS:
            aside = np.abs(oval[:, 0] - middle[0]) / (width / 2)
            depth = oval[:, 2] + behind * width * (0.6 + 0.4 * aside)
            parts.append(np.column_stack([middle + (oval[:, :2] - middle) * size, depth]))
        points = np.vstack(parts)
        axis = vertices.mean(0) + np.array([0, 0, _NECK * width])
        return cls(rgb, points, Delaunay(points[:, :2]).simplices, axis, width)

    def seen(self, turn: Floats, face_px: float) -> Rgb:
        """(320, 320, 3): turned by ``turn``, the face ``face_px`` wide, over its own picture out of focus."""
        scale = face_px / self.width_px
        place = (self.points - self.axis) @ turn.T * scale + np.array([SIDE_PX / 2, SIDE_PX / 2, 0])
        out = cv2.GaussianBlur(cv2.resize(self.rgb, (SIDE_PX, SIDE_PX)), (0, 0), 6)
        here, there = self.points[self.triangles][:, :, :2], place[self.triangles]
        facing = np.flatnonzero(_area(here) * _area(there[:, :, :2]) > 0)
        for i in facing[np.argsort(-there[facing, :, 2].mean(1))]:
            _draw(out, self.rgb, here[i], there[i, :, :2])
        return np.asarray(out, np.uint8)


def _area(corners: Floats) -> Floats:
    """(M,) twice the signed areas of (M, 3, 2) triangles."""
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    return np.asarray(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0], np.float64)


def _draw(out: Rgb, rgb: Rgb, here: Floats, there: Floats) -> None:
    """One triangle of ``rgb`` into its place in ``out``."""
    x1, y1 = np.maximum(np.floor(there.min(0)).astype(int) - 1, 0)
    x2, y2 = np.minimum(np.ceil(there.max(0)).astype(int) + 2, SIDE_PX)
    if x2 <= x1 or y2 <= y1:
        return
    corners = (there - np.array([x1, y1])).astype(np.float32)
    matrix = cv2.getAffineTransform(here.astype(np.float32), corners)
    size = int(x2 - x1), int(y2 - y1)
    patch = cv2.warpAffine(rgb, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    inside = np.zeros(size[::-1], np.uint8)
    cv2.fillConvexPoly(inside, np.round(corners * 16).astype(np.int32), 1, cv2.LINE_8, 4)
    region = out[y1:y2, x1:x2]
    region[inside > 0] = patch[inside > 0]
