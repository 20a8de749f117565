"""What an inspection of a portrait says: one line per check, each with its value, its limits and whether it passes.

Plain values. Which checks there are, their limits and where these come from: docs/quality.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from custodes.core.box import BoxPx, Size
from custodes.engine.results.face import DetectedFace

LIMITS: Mapping[str, tuple[float | None, float | None]] = MappingProxyType(
    {
        "faces_in_picture": (1.0, 1.0),
        "eye_distance_px": (90.0, None),
        "head_height_share": (0.60, 0.90),
        "head_width_share": (0.50, 0.75),
        "eyes_from_left_share": (0.45, 0.55),
        "eyes_from_top_share": (0.30, 0.50),
        "width_to_height": (0.74, 0.80),
        "yaw_deg": (-5.0, 5.0),
        "pitch_deg": (-5.0, 5.0),
        "roll_deg": (-8.0, 8.0),
        "gaze_off_camera_deg": (None, 15.0),
        "eye_opening_ratio": (0.18, None),
        "mouth_opening_ratio": (None, 0.10),
        "smile_chance_pct": (None, 50.0),
        "eyeglasses_chance_pct": (None, 50.0),
        "sunglasses_chance_pct": (None, 50.0),
        "occlusion_chance_pct": (None, 50.0),
        "sharpness_pct": (30.0, None),
        "brightness_pct": (25.0, 80.0),
        "dynamic_range_levels": (128.0, None),
        "overexposed_share": (None, 0.02),
        "underexposed_share": (None, 0.10),
        "even_light_ratio": (0.50, None),
        "highlight_share": (None, 0.02),
        "colour_spread_levels": (10.0, None),
        "red_eye_share": (None, 0.25),
        "background_deviation_pct": (None, 10.0),
        "background_lightness_pct": (50.0, None),
        "skin_hue_deg": (20.0, 75.0),
        "noise_levels": (None, 4.0),
        "block_edge_ratio": (None, 1.45),
        "frame_share": (None, 0.0),
        "head_cover_chance_pct": (None, 50.0),
        "mask_chance_pct": (None, 50.0),
        "shoulders_roll_deg": (-10.0, 10.0),
    }
)
"""Of every check, in the order of docs/quality.md, which says where they come from: lowest and highest that pass."""


@dataclass(frozen=True, slots=True)
class Check:
    """One property of a portrait.

    Attributes:
        name: stable name, snake_case with its unit.
        value: what was measured; None where it could not be.
        low, high: limits, both included; None where there is none on that side.
    """

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None

    @property
    def passed(self) -> bool | None:
        """Whether the value lies within the limits; None when nothing was measured."""
        if self.value is None:
            return None
        return (self.low is None or self.value >= self.low) and (self.high is None or self.value <= self.high)


def check(name: str, value: float | None) -> Check:
    """The check ``name`` of ``LIMITS`` with what was measured."""
    low, high = LIMITS[name]
    return Check(name, value, low, high)


@dataclass(frozen=True, slots=True)
class Inspection:
    """All checks of one face; it passes when none fails and none is unmeasured."""

    face: DetectedFace
    checks: tuple[Check, ...]

    @property
    def box_px(self) -> BoxPx:
        """Where the face is."""
        return self.face.box_px

    @property
    def confidence_pct(self) -> float:
        """Of its detection."""
        return self.face.confidence_pct

    @property
    def passed(self) -> bool:
        """Whether every check passes."""
        return all(check.passed for check in self.checks)


@dataclass(frozen=True, slots=True)
class Inspections:
    """All faces of a picture, largest first, and the size that boxes refer to."""

    size: Size
    faces: tuple[Inspection, ...]
