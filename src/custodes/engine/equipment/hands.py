"""Where the hands of a person are. In: the points of a body. Out: at most a left and a right hand, each with a box.

A hand continues the line from the elbow through the wrist. Left and right are the person's own. What a hand wears is
not told: nothing here can tell a glove from a hand.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from custodes.core.box import BoxPx
from custodes.engine.equipment.body_points import LEFT_ELBOW, LEFT_WRIST, RIGHT_ELBOW, RIGHT_WRIST, BodyPoints
from custodes.engine.results.equipment import Part

_ARMS = ((Part.LEFT_HAND, LEFT_ELBOW, LEFT_WRIST), (Part.RIGHT_HAND, RIGHT_ELBOW, RIGHT_WRIST))
_EVEN_AT, _STEEPNESS = 0.29, 12.3
"""From the wrist's score to the share of boxes that hold a hand, laid through 79 boxes on COCO photos that we looked
at: two of three between 0.3 and 0.4, nine of ten above."""
_ELBOW_SEEN = 0.2
_BEYOND_WRIST = 0.35
"""Middle of the hand beyond the wrist, in lengths of the forearm."""
_HALF_SIDE, _LEAST_HALF_SIDE = 0.45, 0.05
"""Half a box's side in lengths of the forearm, and at least in sides of the person: arms may point at the camera."""
_SAME_HAND = 0.4
"""Overlap from which two boxes show one hand."""


@dataclass(frozen=True, slots=True)
class Hand:
    """One hand: which, where, and how surely (0 to 100)."""

    part: Part
    box_px: BoxPx
    confidence_pct: float


def hands(body: BodyPoints, person: BoxPx, least_pct: float) -> tuple[Hand, ...]:
    """Hands of ``person`` at or above ``least_pct``, the left one first; of two on one place the surer one."""
    found = [hand for arm in _ARMS if (hand := _hand(body, person, *arm)).confidence_pct >= least_pct]
    if len(found) == 2 and _overlap(found[0].box_px, found[1].box_px) >= _SAME_HAND:
        return (max(found, key=lambda hand: hand.confidence_pct),)
    return tuple(found)


def _hand(body: BodyPoints, person: BoxPx, part: Part, elbow: int, wrist: int) -> Hand:
    at, forearm = body.points_px[wrist], body.points_px[wrist] - body.points_px[elbow]
    half = max(_HALF_SIDE * float(np.hypot(*forearm)), _LEAST_HALF_SIDE * max(person.width, person.height))
    middle = at + _BEYOND_WRIST * forearm if body.scores[elbow] >= _ELBOW_SEEN else at
    x, y = (float(v) for v in middle)
    sure = 100.0 / (1.0 + math.exp(-_STEEPNESS * (float(body.scores[wrist]) - _EVEN_AT)))
    return Hand(part, BoxPx(x - half, y - half, x + half, y + half), sure)


def _overlap(one: BoxPx, other: BoxPx) -> float:
    wide = min(one.x2, other.x2) - max(one.x1, other.x1)
    tall = min(one.y2, other.y2) - max(one.y1, other.y1)
    shared = max(0.0, wide) * max(0.0, tall)
    return shared / max(1e-9, one.area + other.area - shared)
