"""Whether a face can be called covered at all, and how sure one may be of it.

In: log odds of the occlusion head for one face, and the face. Out: a ``Judgement``. Of the faces that the head was
fitted on a quarter are covered; in photographs covered faces are rarer. So rarity is counted in, and of faces that are
too small, dark or blurred to tell covered from unclear the answer is no, with the least confidence there is.
"""

from __future__ import annotations

import math

from custodes.engine.faces.traits.heads import judged
from custodes.engine.results.face import DetectedFace, Judgement

_FITTED_ODDS, _ODDS = 1.0 / 3.0, 1.0 / 8.0
_RARE = math.log(_FITTED_ODDS / _ODDS)
"""Of faces in photographs about one in nine is taken to be covered: 1 of 120 in LFW, more in streets and hospitals."""
LEAST_SIDE_PX, LEAST_BRIGHTNESS_PCT, LEAST_SHARPNESS_PCT = 24.0, 6.0, 13.0
"""Uncovered faces below are called covered more often than covered ones (BENCHMARKS.md, facial attributes)."""
_UNKNOWN = Judgement(value=False, confidence_pct=50.0)


def occluded(log_odds: float, face: DetectedFace) -> Judgement:
    """What to say of ``face``, of which the head says ``log_odds``."""
    return judged(log_odds - _RARE) if is_clear(face) else _UNKNOWN


def is_clear(face: DetectedFace) -> bool:
    """Whether ``face`` is large, bright and sharp enough to tell a cover from a bad picture."""
    return (
        min(face.box_px.width, face.box_px.height) >= LEAST_SIDE_PX
        and face.quality.brightness_pct >= LEAST_BRIGHTNESS_PCT
        and face.quality.sharpness_pct >= LEAST_SHARPNESS_PCT
    )
