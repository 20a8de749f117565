"""Explicit content is reported only when more than one look says so, of a person, and never where a face fills all.

In: an upright RGB picture and the share that the classifier's first look gives. Out: the share that stays. The
classifier (nsfwjs) takes bare skin close up for explicit content, of small children's faces most of all; it does so in
one framing of a picture and not in the next; and elephants, cats, pizza and bananas, in all framings. It says nothing
about whose face it is, or how old.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from custodes.engine.faces.detection.detect import FaceDetector
from custodes.engine.labels.boxes import Boxes
from custodes.engine.labels.letterbox import RgbArray, stretched
from custodes.engine.results.face import FloatArray

FACE_SHARE = 0.15
"""A face that takes this share of the picture fills it: a portrait of head and shoulders has about a fifth."""
LEAST_SHARE = 0.25
"""Below, a first look is not worth a second: nothing under it is reported by default."""
_INSET = 0.15
"""How much is cut from either side of the closer framings."""
_NO_CLASS = 1e-4
_DOUBT = 1.5
"""Taken from the log odds of all looks together: what is explicit has 95 % and more in each, what is not seldom has."""
PERSON_SCORE, PERSON_SHARE = 0.45, 0.1
"""Score of the object detectors, and share of the picture, from which there is a person whom explicit content could be
of. Chosen, like ``_DOUBT``, on 1,440 parts of COCO photos: of 52 that were called explicit 47 are not any more."""
_PERSON = 0
"""Of COCO's classes."""

Shares = Callable[[NDArray[np.generic]], FloatArray]
Objects = Callable[[RgbArray], Boxes]


class SecondLook:
    """Asks the same classifier about other framings, and detectors for a person and for a face that fills all."""

    def __init__(self, shares: Shares, faces: FaceDetector, objects: Objects, side_px: int) -> None:
        """Keep the opened networks.

        Args:
            shares: maps (N, 3, side, side) to (N, classes), shares that sum to 1.
            faces: finds faces.
            objects: finds objects; asked only where a first look calls for it.
            side_px: of the classifier's input.
        """
        self._shares, self._faces, self._objects, self._side_px = shares, faces, objects, side_px

    def confirmed(self, rgb: RgbArray, first: float, classes: Sequence[int]) -> float:
        """``first``, the share of ``classes`` in the whole picture, or less where other looks do not bear it out.

        Returns:
            0 to 1: the lesser of the first look and the mean odds of all looks less a doubt; 0 where a face fills the
            picture or no person is in it.
        """
        if first < LEAST_SHARE:
            return first
        if self._face_fills(rgb) or not self._shows_a_person(rgb):
            return 0.0
        looks = [first, *(float(self._shares(stretched(v, self._side_px))[0, list(classes)].sum()) for v in views(rgb))]
        chances = np.clip(np.array(looks), _NO_CLASS, 1.0 - _NO_CLASS)
        joint = 1.0 / (1.0 + np.exp(_DOUBT - np.log(chances / (1.0 - chances)).mean()))
        return min(first, float(joint))

    def _face_fills(self, rgb: RgbArray) -> bool:
        found = self._faces.detect(rgb)
        return bool(found.areas.max(initial=0.0) >= FACE_SHARE * rgb.shape[0] * rgb.shape[1])

    def _shows_a_person(self, rgb: RgbArray) -> bool:
        found = self._objects(rgb)
        large = _areas(found) >= PERSON_SHARE * rgb.shape[0] * rgb.shape[1]
        return bool(np.any((found.classes == _PERSON) & (found.scores >= PERSON_SCORE) & large))


def _areas(boxes: Boxes) -> FloatArray:
    return np.asarray(np.prod(boxes.places[:, 2:] - boxes.places[:, :2], axis=1), np.float32)


def views(rgb: RgbArray) -> list[RgbArray]:
    """Other framings of one picture: its mirror image, its middle, and all of it with its edge continued around it."""
    height, width = rgb.shape[:2]
    inset_y, inset_x = round(height * _INSET), round(width * _INSET)
    framed = cv2.copyMakeBorder(rgb, inset_y, inset_y, inset_x, inset_x, cv2.BORDER_REPLICATE)
    middle = rgb[inset_y : height - inset_y, inset_x : width - inset_x]
    return [np.ascontiguousarray(rgb[:, ::-1]), np.ascontiguousarray(middle), np.asarray(framed, np.uint8)]
