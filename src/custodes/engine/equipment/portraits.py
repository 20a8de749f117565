"""Checks of a portrait that need more than its face: what covers head and mouth, and how the shoulders are held.

In: a slot and a picture. Out: ``Inspections``, those of the face engine with more checks. Implements the
``PortraitEngine`` port. Limits and what they are worth: docs/quality.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from custodes.core.box import BoxPx, Size
from custodes.core.slot import Slot
from custodes.engine.equipment.body_points import LEAST_SCORE, LEFT_SHOULDER, RIGHT_SHOULDER, BodyPointReader
from custodes.engine.equipment.head_cover import HeadCoverReader
from custodes.engine.equipment.masks import MaskHeads, covered_chance_pct
from custodes.engine.faces.geometry.align import RgbArray
from custodes.engine.faces.portrait import PortraitReader
from custodes.engine.ports import FaceEngine
from custodes.engine.results.face import MAX_FACES, DetectedFace
from custodes.engine.results.portrait import Check, Inspections, check
from custodes.imaging.image import Image

_WIDE, _ABOVE, _BELOW = 1.5, 0.6, 2.0
"""In sizes of the face: what is shown beside, above and below it, so that a bust is in the middle of its crop."""
_SEEN_BELOW = 1 / 3
"""The same: where a picture ends above, the network puts shoulders into its corners."""


@dataclass(frozen=True, slots=True)
class PortraitSteps:
    """The opened steps in the order in which they run."""

    faces: FaceEngine
    portraits: PortraitReader
    masks: MaskHeads
    heads: HeadCoverReader
    bodies: BodyPointReader


class PortraitInspector:
    """Implements the ``PortraitEngine`` port."""

    def __init__(self, steps: PortraitSteps) -> None:
        """Keep the steps."""
        self._steps = steps

    def inspect(self, slot: Slot, image: Image, at_most: int = MAX_FACES) -> Inspections:
        """See PortraitEngine."""
        found = self._steps.faces.inspect(slot, image, at_most)
        if not found.faces:
            return found
        more = self._more(image.rgb, found.size, [inspection.face for inspection in found.faces])
        return Inspections(
            found.size,
            tuple(
                replace(inspection, checks=(*inspection.checks, *checks))
                for inspection, checks in zip(found.faces, more, strict=True)
            ),
        )

    def _more(self, rgb: RgbArray, size: Size, faces: Sequence[DetectedFace]) -> list[tuple[Check, ...]]:
        covers = self._steps.heads.read(rgb, faces)
        masks = self._steps.masks.judge(self._steps.portraits.read(rgb, faces))
        return [
            (
                check("head_cover_chance_pct", cover.chance_pct),
                check("mask_chance_pct", covered_chance_pct(*mask)),
                check("shoulders_roll_deg", self._shoulders_roll_deg(rgb, size, face)),
            )
            for face, cover, mask in zip(faces, covers, masks, strict=True)
        ]

    def _shoulders_roll_deg(self, rgb: RgbArray, size: Size, face: DetectedFace) -> float | None:
        """By how much the line through both shoulders is turned from level; None where one is not seen."""
        if size.height - face.box_px.y2 < _SEEN_BELOW * face.box_px.height:
            return None
        body = self._steps.bodies.read(rgb, _bust(face.box_px))
        places, scores = body.points_px[[RIGHT_SHOULDER, LEFT_SHOULDER]], body.scores[[RIGHT_SHOULDER, LEFT_SHOULDER]]
        inside = (places >= 0).all() and (places[:, 0] < size.width).all() and (places[:, 1] < size.height).all()
        if not inside or scores.min() < LEAST_SCORE:
            return None
        across, down = (float(step) for step in places[1] - places[0])
        return math.degrees(math.atan2(down, across))


def _bust(face: BoxPx) -> BoxPx:
    """Head and shoulders of the person whose face is in the box ``face``."""
    wide, tall = face.width, face.height
    return BoxPx(face.x1 - _WIDE * wide, face.y1 - _ABOVE * tall, face.x2 + _WIDE * wide, face.y2 + _BELOW * tall)
