"""What is known about protective equipment in a picture, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from custodes.core.box import BoxPx, Size
from custodes.engine.results.face import Judgement

MAX_PERSONS = 15
"""The API looks at no more persons of a picture."""


class Equipment(StrEnum):
    """Kinds of equipment (API enum ``ProtectiveEquipmentType``)."""

    FACE_COVER = "FACE_COVER"
    HAND_COVER = "HAND_COVER"
    HEAD_COVER = "HEAD_COVER"


class Part(StrEnum):
    """Parts of a body (API enum ``BodyPart``)."""

    FACE = "FACE"
    HEAD = "HEAD"
    LEFT_HAND = "LEFT_HAND"
    RIGHT_HAND = "RIGHT_HAND"


@dataclass(frozen=True, slots=True)
class Worn:
    """A piece of equipment: where, how surely it is there (0 to 100), and whether it covers what it should."""

    kind: Equipment
    box_px: BoxPx
    confidence_pct: float
    covers: Judgement


@dataclass(frozen=True, slots=True)
class BodyPart:
    """A part that was seen, and what is worn on it; nothing worn is an empty tuple.

    ``looked_at`` is False where nothing can tell what is worn on it: nothing worn then means nothing.
    """

    part: Part
    confidence_pct: float
    worn: tuple[Worn, ...]
    looked_at: bool = True


@dataclass(frozen=True, slots=True)
class EquippedPerson:
    """One person, and the parts of the body that were seen."""

    box_px: BoxPx
    confidence_pct: float
    parts: tuple[BodyPart, ...]


@dataclass(frozen=True, slots=True)
class PersonsFound:
    """At most 15 persons, surest first, and the size that boxes refer to."""

    size: Size
    persons: tuple[EquippedPerson, ...]
