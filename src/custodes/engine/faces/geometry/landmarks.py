"""Names for vertices of the mesh: the API's thirty landmarks, and the five points that faces are aligned by.

In: mesh vertices in pixels (and pupils where they were found). Out: named points. It moves nothing: every landmark is a
vertex or, for eyes, the middle of one eye's contour.

Left and right are of the upright picture, as the API has them: ``eyeLeft`` has the smaller x.
Source of vertex numbers: MediaPipe's canonical face model; checked by eye on drawn overlays.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

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
