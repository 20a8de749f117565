"""How good a face is for recognition: brightness, sharpness, and the reasons of the quality filter.

In: an aligned crop, or a detected face with its measures. Out: percentages, or the reasons why a face fails a level. It
measures appearance only and says nothing about whose face it is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from cv2.typing import MatLike

from custodes.core.box import Size
from custodes.engine.faces.geometry.align import RgbArray
from custodes.engine.results.face import DetectedFace, PoorReason, Quality, QualityFilter

_SHARPNESS_HALF = 0.0040
"""Relative edge energy that shows as 50 %. Press portraits of 100 px (LFW) have a median of 30 %, photos in focus at
full size 60 % and more."""
_MARGIN = 0.24
"""Share of the crop left out on each side, so that hair and background do not count."""
_BRIGHT_QUANTILE, _DARK_OF_BRIGHT = 0.95, 0.25
"""What of a face is bright, and which part of that brightness is dark: relative, so that no colour of skin is."""


def measure(crop: RgbArray) -> Quality:
    """Brightness and sharpness of the upright (S, S, 3) uint8 crop that the mesh network sees.

    Brightness is the mean luma (BT.601) of the middle of the face as a percentage of white. Sharpness is the variance
    of the Laplacian relative to the variance of the luma, so that exposure and contrast cancel, mapped to 0..100 by
    ``100 (1 - 2^(-v / half))``. In shadow is what has less than a quarter of the luma that the brightest twentieth
    has.

    Source: variance of the Laplacian as a focus measure: Pech-Pacheco et al., Diatom autofocusing in brightfield
    microscopy, ICPR 2000.
    """
    side = crop.shape[0]
    margin = round(side * _MARGIN)
    luma = cv2.cvtColor(crop[margin : side - margin, margin : side - margin], cv2.COLOR_RGB2GRAY)
    mean, spread = (float(value[0, 0]) for value in cv2.meanStdDev(luma))
    _, edge_spread = (float(value[0, 0]) for value in cv2.meanStdDev(cv2.Laplacian(luma, cv2.CV_32F)))
    ratio = edge_spread**2 / (spread**2 + 1.0) / 16.0
    return Quality(
        brightness_pct=mean / 2.55,
        sharpness_pct=100.0 * (1.0 - math.pow(2.0, -ratio / _SHARPNESS_HALF)),
        shadow_share=_shadow_share(luma),
    )


def _shadow_share(luma: MatLike) -> float:
    below = np.cumsum(np.bincount(luma.ravel(), minlength=256)) / luma.size
    bright = int(np.searchsorted(below, _BRIGHT_QUANTILE))
    return float(below[max(0, math.ceil(_DARK_OF_BRIGHT * bright) - 1)]) if bright else 0.0


@dataclass(frozen=True, slots=True)
class QualityLimits:
    """One level of the filter. A face fails where it is below a minimum or beyond a maximum.

    Attributes:
        min_side_px: shorter side of the box, for pictures up to 1920 px; proportionally more above.
        min_confidence_pct: detector's confidence.
        max_yaw_deg, max_pitch_deg: absolute head pose.
        min_brightness_pct, max_shadow_share, min_sharpness_pct: see ``measure``. Faces that one hard light leaves
            half in the dark look alike to the embedding network, whoever they are (BENCHMARKS.md, *Hard light*).
        min_overall_pct: geometric mean of confidence, pose, brightness and sharpness, each relative to what is good.
    """

    min_side_px: float
    min_confidence_pct: float
    max_yaw_deg: float
    max_pitch_deg: float
    min_brightness_pct: float
    max_shadow_share: float
    min_sharpness_pct: float
    min_overall_pct: float


_LIMITS: dict[QualityFilter, QualityLimits] = {
    QualityFilter.LOW: QualityLimits(20, 88, 80, 70, 6, 0.35, 2, 8),
    QualityFilter.AUTO: QualityLimits(24, 90, 65, 55, 10, 0.25, 4, 14),
    QualityFilter.MEDIUM: QualityLimits(32, 92, 50, 40, 15, 0.2, 8, 22),
    QualityFilter.HIGH: QualityLimits(48, 94, 30, 28, 22, 0.15, 15, 34),
}

_REFERENCE_LONG_SIDE_PX = 1920
"""Up to this size the API promises faces of 40 px; beyond, the smallest face grows with the picture."""


def overall_pct(face: DetectedFace) -> float:
    """One figure for ranking faces, 0 to 100: the geometric mean of four measures relative to a good portrait."""
    frontal = max(0.0, math.cos(math.radians(face.pose.yaw_deg))) * max(
        0.0, math.cos(math.radians(face.pose.pitch_deg))
    )
    bright = min(1.0, face.quality.brightness_pct / 40.0) * min(1.0, (100.0 - face.quality.brightness_pct) / 15.0)
    sharp = min(1.0, face.quality.sharpness_pct / 50.0)
    sure = face.confidence_pct / 100.0
    return 100.0 * math.pow(max(0.0, frontal * bright * sharp * sure), 0.25)


def poor_reasons(face: DetectedFace, size: Size, level: QualityFilter) -> tuple[PoorReason, ...]:
    """Why ``face`` of a picture of ``size`` fails ``level``; empty when it passes, always empty for NONE."""
    if level is QualityFilter.NONE:
        return ()
    limits = _LIMITS[level]
    enlarged = max(1.0, max(size.width, size.height) / _REFERENCE_LONG_SIDE_PX)
    side_px = min(face.box_px.width, face.box_px.height)
    failed = {
        PoorReason.SMALL_BOUNDING_BOX: side_px < limits.min_side_px * enlarged,
        PoorReason.LOW_CONFIDENCE: face.confidence_pct < limits.min_confidence_pct,
        PoorReason.EXTREME_POSE: abs(face.pose.yaw_deg) > limits.max_yaw_deg
        or abs(face.pose.pitch_deg) > limits.max_pitch_deg,
        PoorReason.LOW_BRIGHTNESS: face.quality.brightness_pct < limits.min_brightness_pct
        or face.quality.shadow_share > limits.max_shadow_share,
        PoorReason.LOW_SHARPNESS: face.quality.sharpness_pct < limits.min_sharpness_pct,
        PoorReason.LOW_FACE_QUALITY: overall_pct(face) < limits.min_overall_pct,
    }
    return tuple(reason for reason, fails in failed.items() if fails)
