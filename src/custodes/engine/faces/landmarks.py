"""Names for vertices of the mesh: the API's thirty landmarks, and the points that embedding chips are aligned by.

In: mesh vertices in pixels (and pupils where they were found). Out: named points, or the outline for alignment. It
moves
nothing: every landmark is a vertex or, for eyes, the middle of one eye's contour.

Left and right are of the upright picture, as the API has them: ``eyeLeft`` has the smaller x.
Source of vertex numbers: MediaPipe's canonical face model; checked by eye on drawn overlays.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from custodes.engine.results.face import FloatArray, Landmark

LEFT_EYE = (33, 160, 158, 133, 153, 144)
RIGHT_EYE = (362, 385, 387, 263, 373, 380)
"""Six contour points each, outer to inner corner above, then back below (mirrored for the right eye)."""

# Vertex by landmark type. Brows by their upper edge, jaw by the face oval at ear, jaw angle and chin.
_VERTEX = {
    "mouthLeft": 61,
    "mouthRight": 291,
    "nose": 4,
    "leftEyeBrowLeft": 70,
    "leftEyeBrowRight": 107,
    "leftEyeBrowUp": 105,
    "rightEyeBrowLeft": 336,
    "rightEyeBrowRight": 300,
    "rightEyeBrowUp": 334,
    "leftEyeLeft": 33,
    "leftEyeRight": 133,
    "leftEyeUp": 159,
    "leftEyeDown": 145,
    "rightEyeLeft": 362,
    "rightEyeRight": 263,
    "rightEyeUp": 386,
    "rightEyeDown": 374,
    "noseLeft": 129,
    "noseRight": 358,
    "mouthUp": 0,
    "mouthDown": 17,
    "upperJawlineLeft": 127,
    "midJawlineLeft": 172,
    "chinBottom": 152,
    "midJawlineRight": 397,
    "upperJawlineRight": 356,
}

# dlib aligns by points 27..67 of its 68-point shape without the lower lip's outer edge; this is each one's vertex, and
# its place in the mean shape. Source of places: get_face_chip_details in dlib/image_transforms/interpolation.h.
_OUTLINE = (
    (168, 0.490127, 0.203352),
    (197, 0.490127, 0.307009),
    (5, 0.490127, 0.409805),
    (4, 0.490127, 0.515625),
    (75, 0.366880, 0.587326),
    (97, 0.426036, 0.609345),
    (2, 0.490127, 0.628106),
    (326, 0.554217, 0.609345),
    (305, 0.613373, 0.587326),
    (33, 0.121737, 0.216423),
    (160, 0.187122, 0.178758),
    (158, 0.265825, 0.179852),
    (133, 0.334606, 0.231733),
    (153, 0.260918, 0.245099),
    (144, 0.182743, 0.244077),
    (362, 0.645647, 0.231733),
    (385, 0.714428, 0.179852),
    (387, 0.793132, 0.178758),
    (263, 0.858516, 0.216423),
    (373, 0.797510, 0.244077),
    (380, 0.719335, 0.245099),
    (61, 0.254149, 0.780233),
    (39, 0.340985, 0.745405),
    (37, 0.428858, 0.727388),
    (0, 0.490127, 0.742578),
    (267, 0.551395, 0.727388),
    (269, 0.639268, 0.745405),
    (291, 0.726104, 0.780233),
    (78, 0.290379, 0.784792),
    (82, 0.428096, 0.778746),
    (13, 0.490127, 0.785343),
    (312, 0.552157, 0.778746),
    (308, 0.689874, 0.784792),
    (317, 0.553364, 0.824182),
    (14, 0.490127, 0.831803),
    (87, 0.426890, 0.824182),
)

OUTLINE_SHAPE: NDArray[np.float64] = np.array([place[1:] for place in _OUTLINE])
"""(36, 2) places of the outline points in dlib's mean face shape, unit square."""
_OUTLINE_VERTICES = np.array([place[0] for place in _OUTLINE])


def outline(vertices_px: FloatArray) -> FloatArray:
    """(36, 2) pixels: the points that align a chip, in the order of ``OUTLINE_SHAPE``."""
    return vertices_px[_OUTLINE_VERTICES, :2]


def five_points(vertices_px: FloatArray) -> FloatArray:
    """(5, 2) pixels: eye centres, nose tip, mouth corners."""
    xy = vertices_px[:, :2]
    return np.stack([xy[list(LEFT_EYE)].mean(0), xy[list(RIGHT_EYE)].mean(0), xy[4], xy[61], xy[291]])


def default_set(points_px: FloatArray) -> tuple[Landmark, ...]:
    """The API's five default landmarks from (5, 2) points."""
    names = ("eyeLeft", "eyeRight", "nose", "mouthLeft", "mouthRight")
    return tuple(Landmark(name, float(x), float(y)) for name, (x, y) in zip(names, points_px, strict=True))


def full_set(vertices_px: FloatArray, pupils_px: Mapping[str, FloatArray]) -> tuple[Landmark, ...]:
    """The API's landmarks from the mesh; ``pupils_px`` gives leftPupil and rightPupil where they were measured."""
    points = five_points(vertices_px)
    places = {"eyeLeft": points[0], "eyeRight": points[1]}
    places |= {name: vertices_px[vertex, :2] for name, vertex in _VERTEX.items()}
    places |= dict(pupils_px)
    return tuple(Landmark(name, float(xy[0]), float(xy[1])) for name, xy in places.items())
