"""What is known of bodies in a picture, as plain values."""

from __future__ import annotations

from dataclasses import dataclass

from custodes.core.box import BoxPx, Size
from custodes.engine.results.label import DominantColour


@dataclass(frozen=True, slots=True)
class SeenPerson:
    """One person: where, how surely (0 to 100), and the colours worn above and below, empty where not seen."""

    box_px: BoxPx
    confidence_pct: float
    upper: tuple[DominantColour, ...] = ()
    lower: tuple[DominantColour, ...] = ()


@dataclass(frozen=True, slots=True)
class PersonsSeen:
    """How many persons there are, those that were looked at, surest first, and the size that boxes refer to."""

    size: Size
    count: int
    persons: tuple[SeenPerson, ...]
