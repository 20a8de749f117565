"""Exposed and covered parts of bodies, found by NudeNet. An opt-in: its licence binds whoever serves it to others.

In: an upright RGB picture. Out: the best score of each kind of part. It judges nothing.

Source of the decoding: YOLOv8 as exported by its makers: per cell a box by centre and size, then a score per class.
"""

from __future__ import annotations

from collections.abc import Mapping

from custodes.engine.labels.letterbox import RgbArray, letterbox
from custodes.engine.labels.objects import ObjectNetwork

_SIDE_PX = 320
KINDS = (
    "FEMALE_GENITALIA_COVERED", "FACE_FEMALE", "BUTTOCKS_EXPOSED", "FEMALE_BREAST_EXPOSED", "FEMALE_GENITALIA_EXPOSED",
    "MALE_BREAST_EXPOSED", "ANUS_EXPOSED", "FEET_EXPOSED", "BELLY_COVERED", "FEET_COVERED", "ARMPITS_COVERED",
    "ARMPITS_EXPOSED", "FACE_MALE", "BELLY_EXPOSED", "MALE_GENITALIA_EXPOSED", "ANUS_COVERED", "FEMALE_BREAST_COVERED",
    "BUTTOCKS_COVERED",
)  # fmt: skip
"""In the order of the network's classes; the names stand in the shipped file."""


class BodyPartDetector:
    """Detection as a step: pre (square, picture at the top left), run, post (best score per kind)."""

    def __init__(self, network: ObjectNetwork) -> None:
        """Keep the opened network."""
        self._network = network

    def best(self, rgb: RgbArray) -> Mapping[str, float]:
        """Best score of each kind, 0 to 1."""
        planes, _ = letterbox(rgb, _SIDE_PX, centred=False)
        scores = self._network.run({"rgb": planes})["found"][0, 4:].max(axis=1)
        return {kind: float(score) for kind, score in zip(KINDS, scores, strict=True)}
