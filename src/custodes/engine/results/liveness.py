"""What passive liveness says of a face: a score from one picture, and what it rests on. Plain values.

A score is a hint for a person who looks, and no proof that somebody stood before a camera: docs/quality.md says on what
it was measured, which is simulations.
"""

from __future__ import annotations

from dataclasses import dataclass

from custodes.core.box import BoxPx, Size


@dataclass(frozen=True, slots=True)
class Liveness:
    """One face.

    Attributes:
        score_pct: 0 to 100; higher is more like a face and less like a picture of a picture.
        network_pct: what the network alone says, 0 to 100.
        brightness_peak, colour_peak: how far a pattern of dots or lines stands out of the picture's spectrum, natural
            logarithm; None where the face is too small to see one.
    """

    box_px: BoxPx
    confidence_pct: float
    score_pct: float
    network_pct: float
    brightness_peak: float | None
    colour_peak: float | None


@dataclass(frozen=True, slots=True)
class LivenessFound:
    """All faces asked for, largest first, and the size that boxes refer to."""

    size: Size
    faces: tuple[Liveness, ...]
