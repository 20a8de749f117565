"""What an inspection of a portrait says: one line per check, each with its value, its limits and whether it passes.

Plain values. Which checks there are, their limits and where these come from: docs/quality.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from custodes.core.box import BoxPx, Size
from custodes.engine.results.face import DetectedFace


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
