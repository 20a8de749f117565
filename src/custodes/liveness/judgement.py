"""From what a video showed to one confidence, and to words about what made it less sure.

In: evidence. Out: 0 to 100, and feedback. The weights were fitted on material made for it
(scripts/fit_face_liveness.py): portraits with rendered reflections against attacks; docs/liveness.md says how far that
reaches.

Two things are joined. Conditions: the face came into the oval, alone, without a jump, and was one and the same all the
while; a condition that fails takes the confidence away, whatever else holds. Signs of life: reflected colours, a change
of shape as depth makes it, and what a passive network says.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from custodes.liveness.approach import Approach
from custodes.liveness.reflection import ORDERS, Reflection
from custodes.liveness.session import FeedbackCode

# Centre and width of each condition's slope, fitted by hand to genuine-like runs (docs/liveness.md).
_OVERLAP, _GROWTH, _ALONE, _JUMP, _SAME = (0.42, 0.04), (1.25, 0.03), (0.85, 0.03), (0.55, -0.05), (60.0, 4.0)
_LIGHT_BIAS, _LIGHT_CORRELATION, _LIGHT_CHANCE = -21.0, 14.0, 4.0
_LIGHT_DEPTH, _LIGHT_PASSIVE = 300.0, 0.1
_MOVEMENT_BIAS, _MOVEMENT_DEPTH, _MOVEMENT_PASSIVE = -5.8, 350.0, 0.1
_MAX_DEPTH = 0.03
"""More says no more: no depth makes up for colours that are not there."""
_FAINT = 0.006
"""Strength below which hardly any light of the screen came back: a bright room, or a dark screen."""
_DIM_PCT, _BRIGHT_PCT, _BLURRED_PCT = 20.0, 88.0, 15.0
_CLOSED_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class LivenessEvidence:
    """What was found.

    Attributes:
        approach: None where no face could be followed.
        same_pct: the least similarity of the face to itself along the video, on the published scale.
        passive_pct: mean score of passive liveness on the best frames.
        reflection: None for a challenge without colours.
        brightness_pct, sharpness_pct: medians over the face.
        eyes_closed: share of looks in which the eyes are closed.
    """

    approach: Approach | None
    same_pct: float = 0.0
    passive_pct: float = 50.0
    reflection: Reflection | None = None
    brightness_pct: float = 50.0
    sharpness_pct: float = 50.0
    eyes_closed: float = 0.0


def confidence_pct(evidence: LivenessEvidence) -> float:
    """How sure one may be, by these signals, that somebody stood before the camera: 0 to 100."""
    if evidence.approach is None:
        return 0.0
    return 100.0 * conditions(evidence) * _logistic(_life(evidence, evidence.approach))


def conditions(evidence: LivenessEvidence) -> float:
    """Whether the face did what was asked, alone and as one and the same: 0 to 1."""
    seen = evidence.approach
    if seen is None:
        return 0.0
    values = ((seen.overlap, _OVERLAP), (seen.growth, _GROWTH), (seen.alone, _ALONE), (seen.jump, _JUMP))
    held = [*values, (evidence.same_pct, _SAME)]
    return math.prod(_logistic((value - centre) / width) for value, (centre, width) in held)


def features(evidence: LivenessEvidence, seen: Approach) -> tuple[float, float, float, float]:
    """What the weights are for: correlation of colours, chance of it, depth, passive score; each about -1 to 1."""
    depth = max(0.0, min(_MAX_DEPTH, seen.depth))
    passive = evidence.passive_pct / 50.0 - 1.0
    found = evidence.reflection
    if found is None:
        return 0.0, 0.0, depth, passive
    return found.correlation, -math.log(found.chance) / math.log(ORDERS + 1), depth, passive


def feedback(evidence: LivenessEvidence) -> tuple[FeedbackCode, ...]:
    """What made it less sure; empty where nothing did."""
    seen = evidence.approach
    if seen is None:
        return (FeedbackCode.FACE_NOT_VISIBLE,)
    found = evidence.reflection
    washed_out = found is not None and found.strength < _FAINT
    told = {
        FeedbackCode.FACE_NOT_ALIGNED: seen.overlap < _OVERLAP[0],
        FeedbackCode.EYES_CLOSED_DETECTED: evidence.eyes_closed > _CLOSED_SHARE,
        FeedbackCode.LOW_VIDEO_QUALITY_DETECTED: evidence.sharpness_pct < _BLURRED_PCT,
        FeedbackCode.LOW_LIGHTING_DETECTED: evidence.brightness_pct < _DIM_PCT,
        FeedbackCode.HIGH_LIGHTING_DETECTED: evidence.brightness_pct > _BRIGHT_PCT or washed_out,
    }
    return tuple(code for code, holds in told.items() if holds)


def _life(evidence: LivenessEvidence, seen: Approach) -> float:
    correlation, chance, depth, passive = features(evidence, seen)
    if evidence.reflection is None:
        return _MOVEMENT_BIAS + _MOVEMENT_DEPTH * depth + _MOVEMENT_PASSIVE * passive
    colours = _LIGHT_CORRELATION * correlation + _LIGHT_CHANCE * chance
    return _LIGHT_BIAS + colours + _LIGHT_DEPTH * depth + _LIGHT_PASSIVE * passive


def _logistic(value: float) -> float:
    return 1.0 / (1.0 + math.exp(-max(-40.0, min(40.0, value))))
