"""What moderation says about a picture, as plain values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Concern:
    """One name of the moderation taxonomy that holds for the picture.

    Attributes:
        name: from the taxonomy.
        parent: the name above, empty at the first level.
        level: 1 to 3.
        confidence_pct: 0 to 100.
    """

    name: str
    parent: str
    level: int
    confidence_pct: float


@dataclass(frozen=True, slots=True)
class ContentKind:
    """How the picture was made, where that can be told: ``Illustrated``."""

    name: str
    confidence_pct: float


@dataclass(frozen=True, slots=True)
class ConcernsFound:
    """Everything at or above the confidence that was asked for, surest first, and the kind of content."""

    concerns: tuple[Concern, ...]
    kinds: tuple[ContentKind, ...]
