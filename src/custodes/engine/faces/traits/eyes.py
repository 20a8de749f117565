"""Eyes: lids, pupils and gaze from MediaPipe's iris network; and the mouth's opening from the mesh.

In: an upright RGB picture and a face's mesh. Out: open or closed with confidence, pupils in pixels, gaze in degrees.
These are measures of a picture; they say nothing about attention, mood or health.

Source: Ablavatski et al., Real-time Pupil Tracking from Monocular Video for Digital Puppetry, arXiv:2006.11341.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from custodes.engine.faces.geometry.align import RgbArray, similarity, warp
from custodes.engine.faces.geometry.mesh import MeshNetwork, inverse
from custodes.engine.faces.traits.lids import LidHead, load_lid_head
from custodes.engine.results.face import FloatArray, Gaze, Judgement, Pose

CROP_PX = 64
_MAX_BATCH = 16
"""Faces."""
ENLARGE = 2.3
"""The crop is this many eye widths wide, as in MediaPipe's iris pipeline."""
CORNERS = {"leftPupil": (33, 133), "rightPupil": (362, 263)}
"""Mesh vertices at the left and right corner of each eye, by the name of its pupil."""
# Points of the network: 0 outer corner, 4 lower lid, 8 inner corner, 12 upper lid, 71 iris centre.
_OUTER, _LOWER, _INNER, _UPPER, _IRIS = 0, 4, 8, 12, 71
_POINTS = 76

_MOUTH_OPEN_AT, _MOUTH_SPREAD = 0.10, 0.03
"""Inner lip gap over mouth width at which open and closed are equally likely, and the width of the doubt."""
_EYEBALL_RADIUS = 0.42
"""Radius of the eyeball in eye widths: 12 mm over a lid opening of 28 to 30 mm."""


@dataclass(frozen=True, slots=True, eq=False)
class Eye:
    """One eye.

    Attributes:
        pupil_px: (2,) in the picture.
        opening: lids' opening over the eye's width, by the network's points. A relaxed open eye has 0.25 to 0.35
            (Soukupova and Cech, Real-Time Eye Blink Detection using Facial Landmarks, 2016).
        open_odds: logarithm of the odds that the lids are apart.
        shift: of the iris from the middle, in eye widths (x, y).
        width_px: corner to corner, in the picture.
    """

    pupil_px: FloatArray
    opening: float
    open_odds: float
    shift: tuple[float, float]
    width_px: float


def judge(measure: float, even_at: float, spread: float) -> Judgement:
    """A yes/no statement from a measure by a logistic curve; confidence is in the stated value, 50 to 100."""
    chance = 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, (measure - even_at) / spread))))
    return Judgement(chance >= 0.5, 100.0 * max(chance, 1.0 - chance))


class EyeReader:
    """The iris step: both eyes of several faces in one run."""

    def __init__(self, network: MeshNetwork, lids: LidHead | None = None) -> None:
        """Keep the opened network and the head that judges lids, the shipped one unless another is given."""
        self._network = network
        self._lids = lids or load_lid_head()

    def read(self, rgb: RgbArray, vertices_px: Sequence[FloatArray]) -> list[dict[str, Eye]]:
        """Of each face, given by its mesh, both eyes by the name of their pupil."""
        found: list[dict[str, Eye]] = []
        for start in range(0, len(vertices_px), _MAX_BATCH):
            found += self._batch(rgb, vertices_px[start : start + _MAX_BATCH])
        return found

    def _batch(self, rgb: RgbArray, vertices_px: Sequence[FloatArray]) -> list[dict[str, Eye]]:
        margin = (CROP_PX - CROP_PX / ENLARGE) / 2
        target = np.array([[margin, CROP_PX / 2], [CROP_PX - margin, CROP_PX / 2]])
        matrices = [
            {name: similarity(vertices[list(pair), :2], target) for name, pair in CORNERS.items()}
            for vertices in vertices_px
        ]
        crops = np.empty((len(matrices), 2, 3, CROP_PX, CROP_PX), np.float32)
        for pair, of_face in zip(crops, matrices, strict=True):
            for crop, matrix in zip(pair, of_face.values(), strict=True):
                crop[:] = warp(rgb, matrix, (CROP_PX, CROP_PX)).transpose(2, 0, 1)
        # The network knows the eye whose outer corner is on the left; the other one is shown to it mirrored.
        crops[:, 1] = crops[:, 1, :, :, ::-1].copy()
        points = self.points(crops.reshape(-1, 3, CROP_PX, CROP_PX)).reshape(len(matrices), 2, _POINTS, 2)
        openings = opening(points)
        odds = self._lids.open_odds(crops.reshape(-1, 3, CROP_PX, CROP_PX), openings.ravel()).reshape(-1, 2)
        points[:, 1, :, 0] = CROP_PX - 1 - points[:, 1, :, 0]
        return [
            {
                name: _eye(found, (float(gap), float(even)), matrix)
                for (name, matrix), found, gap, even in zip(of_face.items(), *both, strict=True)
            }
            for of_face, *both in zip(matrices, points, openings, odds, strict=True)
        ]

    def points(self, crops: FloatArray) -> FloatArray:
        """(N, 76, 2) points of the network in pixels of ``crops`` (N, 3, 64, 64), outer corners on the left."""
        said = self._network.run({"rgb": crops}, ("points",))["points"]
        return said.reshape(len(crops), _POINTS, 3)[..., :2].copy()


def opening(points: FloatArray) -> FloatArray:
    """(...,) lids' opening over the eye's width, of the network's ``points`` (..., 76, 2)."""
    gap = np.linalg.norm(points[..., _UPPER, :] - points[..., _LOWER, :], axis=-1)
    return np.asarray(gap / np.maximum(1e-3, np.linalg.norm(points[..., _INNER, :] - points[..., _OUTER, :], axis=-1)))


def _eye(points: FloatArray, lids: tuple[float, float], matrix: NDArray[np.float64]) -> Eye:
    outer, inner = points[_OUTER], points[_INNER]
    width = max(1e-3, float(np.hypot(*(inner - outer))))
    middle = (outer + inner) / 2
    return Eye(
        pupil_px=np.asarray(inverse(matrix, points[_IRIS : _IRIS + 1])[0], np.float32),
        opening=lids[0],
        open_odds=lids[1],
        shift=(float(points[_IRIS, 0] - middle[0]) / width, float(points[_IRIS, 1] - middle[1]) / width),
        width_px=width / float(np.hypot(matrix[0, 0], matrix[1, 0])),
    )


def eyes_open(eyes: Mapping[str, Eye]) -> Judgement:
    """Whether the eyes are open: the mean of both eyes' log odds decides, by their widths, as the nearer one is seen
    better. An open eye is surer than a closed one, so a wink is open, with little confidence."""
    total = sum(eye.width_px for eye in eyes.values())
    return judge(sum(eye.open_odds * eye.width_px for eye in eyes.values()) / total, 0.0, 1.0)


def mouth_open(vertices_px: FloatArray) -> Judgement:
    """Whether the lips are apart."""
    return judge(mouth_gap(vertices_px), _MOUTH_OPEN_AT, _MOUTH_SPREAD)


def mouth_gap(vertices_px: FloatArray) -> float:
    """The inner lips' gap (13, 14) over the inner mouth's width (78, 308)."""
    gap = float(np.hypot(*(vertices_px[13, :2] - vertices_px[14, :2])))
    return gap / max(1e-3, float(np.hypot(*(vertices_px[78, :2] - vertices_px[308, :2]))))


def gaze(eyes: Mapping[str, Eye], pose: Pose, open_eyes: Judgement) -> Gaze:
    """Where the eyes look, relative to the camera: the head's pose plus the turn of the eyeballs.

    The iris centre sits on a ball of known size, so its shift from the middle of the eye gives the angle. Confidence
    falls with closing lids, a turned head and eyes that disagree.
    """
    x = float(np.mean([eye.shift[0] for eye in eyes.values()]))
    y = float(np.mean([eye.shift[1] for eye in eyes.values()]))
    apart = abs(eyes["leftPupil"].shift[0] - eyes["rightPupil"].shift[0])
    lids = open_eyes.confidence_pct if open_eyes.value else 100.0 - open_eyes.confidence_pct
    frontal = max(0.0, math.cos(math.radians(pose.yaw_deg)) * math.cos(math.radians(pose.pitch_deg)))
    return Gaze(
        yaw_deg=pose.yaw_deg + math.degrees(math.asin(max(-1.0, min(1.0, x / _EYEBALL_RADIUS)))),
        pitch_deg=pose.pitch_deg - math.degrees(math.asin(max(-1.0, min(1.0, y / _EYEBALL_RADIUS)))),
        confidence_pct=lids * frontal * max(0.0, 1.0 - 2.0 * apart),
    )
