"""From what a video showed to one confidence, and to words about what made it less sure.

In: evidence. Out: 0 to 100, and feedback. The weights were fitted on material made for it
(scripts/fit_face_liveness.py): portraits with rendered reflections against attacks; docs/liveness.md says how far that
reaches.

Conditions and signs are multiplied, so none makes up for another. Conditions: the face came into the oval, alone,
without a jump, and was one and the same all the while. Signs of life: a change of shape as depth makes it, with a
passive network as one small voice beside it, and, where colours were asked for, their reflection.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from custodes.liveness.approach import Approach
from custodes.liveness.reflection import ORDERS, Reflection
from custodes.liveness.session import FeedbackCode

# Centre and width of each condition's slope: far from where films of heads and of attacks lie (docs/liveness.md).
_OVERLAP, _GROWTH, _ALONE, _JUMP, _SAME = (0.42, 0.04), (1.25, 0.03), (0.85, 0.03), (0.55, -0.05), (60.0, 4.0)
_FULL_GROWTH, _FULL_SURENESS = 0.08, 8.0
"""Of the parallax of a head that comes from arm's length into the oval, as the mesh network lets it be seen."""
_FAINT = 0.006
"""Strength below which hardly any light of the screen came back: a bright room, or a dark screen."""
_DIM_PCT, _BRIGHT_PCT, _BLURRED_PCT, _FEW_FRAMES_PER_S = 20.0, 88.0, 15.0, 8.0
_CLOSED_SHARE, _COVERED_SHARE = 0.5, 0.5
_BRIEF_S = 1.2
"""A face that was seen for less is no approach that anything can be told of."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Of a logistic each: bias, then a weight for each of ``colour_features`` and ``depth_features``."""

    colours: tuple[float, ...]
    depth: tuple[float, ...]


WEIGHTS = Weights((-25.63, 14.2, 17.75), (-4.44, 8.11, 2.6, 0.32))
"""Written by scripts/fit_face_liveness.py, from the half of the people that it fits on."""


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
        covered: share of looks in which something covers the face.
        frames_per_s: of the video.
    """

    approach: Approach | None
    same_pct: float = 0.0
    passive_pct: float = 50.0
    reflection: Reflection | None = None
    brightness_pct: float = 50.0
    sharpness_pct: float = 50.0
    eyes_closed: float = 0.0
    covered: float = 0.0
    frames_per_s: float = 15.0


def confidence_pct(evidence: LivenessEvidence, weights: Weights = WEIGHTS) -> float:
    """How sure one may be, by these signals, that somebody stood before the camera: 0 to 100."""
    if evidence.approach is None:
        return 0.0
    signs = [_logistic(_weighted(weights.depth, depth_features(evidence, evidence.approach)))]
    if evidence.reflection is not None:
        signs.append(_logistic(_weighted(weights.colours, colour_features(evidence.reflection))))
    return 100.0 * conditions(evidence) * math.prod(signs)


def conditions(evidence: LivenessEvidence) -> float:
    """Whether the face did what was asked, alone and as one and the same: 0 to 1."""
    seen = evidence.approach
    if seen is None:
        return 0.0
    values = ((seen.overlap, _OVERLAP), (seen.growth, _GROWTH), (seen.alone, _ALONE), (seen.jump, _JUMP))
    held = [*values, (evidence.same_pct, _SAME)]
    return math.prod(_logistic((value - centre) / width) for value, (centre, width) in held)


def colour_features(found: Reflection) -> tuple[float, ...]:
    """Correlation of colours, and how few other orders fit as well (1 for none): each from 0 to 1."""
    return found.correlation, -math.log(found.chance) / math.log(ORDERS + 1)


def depth_features(evidence: LivenessEvidence, seen: Approach) -> tuple[float, ...]:
    """Growth of parallax and sureness of it, from 0 to 1 at a head's; and what the passive network says, -1 to 1."""
    growth = max(0.0, min(1.0, seen.parallax.growth / _FULL_GROWTH))
    sureness = max(0.0, min(1.0, seen.parallax.sureness / _FULL_SURENESS))
    return growth, sureness, evidence.passive_pct / 50.0 - 1.0


def feedback(evidence: LivenessEvidence) -> tuple[FeedbackCode, ...]:
    """What made it less sure; empty where nothing did."""
    seen = evidence.approach
    if seen is None:
        return (FeedbackCode.FACE_NOT_VISIBLE,)
    found = evidence.reflection
    blurred = evidence.sharpness_pct < _BLURRED_PCT or evidence.frames_per_s < _FEW_FRAMES_PER_S
    washed_out = found is not None and found.strength < _FAINT
    told = {
        FeedbackCode.FACE_NOT_VISIBLE: seen.seconds < _BRIEF_S,
        FeedbackCode.FACE_OBSTRUCTION_DETECTED: evidence.covered > _COVERED_SHARE,
        FeedbackCode.FACE_NOT_ALIGNED: seen.overlap < _OVERLAP[0] or seen.growth < _GROWTH[0],
        FeedbackCode.EYES_CLOSED_DETECTED: evidence.eyes_closed > _CLOSED_SHARE,
        FeedbackCode.LOW_VIDEO_QUALITY_DETECTED: blurred,
        FeedbackCode.LOW_LIGHTING_DETECTED: evidence.brightness_pct < _DIM_PCT,
        FeedbackCode.HIGH_LIGHTING_DETECTED: evidence.brightness_pct > _BRIGHT_PCT or washed_out,
    }
    return tuple(code for code, holds in told.items() if holds)


def _weighted(weights: Sequence[float], features: Sequence[float]) -> float:
    bias, *slopes = weights
    return bias + sum(slope * value for slope, value in zip(slopes, features, strict=True))


def _logistic(value: float) -> float:
    return 1.0 / (1.0 + math.exp(-max(-40.0, min(40.0, value))))
