"""DetectProtectiveEquipment: who in a picture wears what, and who has all that is required. Nothing is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import ClassVar

from custodes.engine.ports import EquipmentEngine
from custodes.engine.results.equipment import BodyPart, Equipment, EquippedPerson, Part, PersonsFound
from custodes.operations.images.sources import EQUIPMENT_RULES, ImageInput, Pictures
from custodes.operations.requests.command import Command
from custodes.operations.requests.gate import Permit
from custodes.operations.requests.properties import Properties, Reveals, Unit

_LEAST_PCT = 50.0
_ON: Mapping[Equipment, frozenset[Part]] = MappingProxyType(
    {
        Equipment.FACE_COVER: frozenset({Part.FACE}),
        Equipment.HEAD_COVER: frozenset({Part.HEAD}),
        Equipment.HAND_COVER: frozenset({Part.LEFT_HAND, Part.RIGHT_HAND}),
    }
)


@dataclass(frozen=True, slots=True)
class Requirement:
    """What everybody should wear, and how sure a finding must be to count; below 50 counts as 50."""

    kinds: frozenset[Equipment]
    min_confidence_pct: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectProtectiveEquipment(Command):
    """Look at one picture; with a requirement, sum up who meets it."""

    operation: ClassVar[str] = "DetectProtectiveEquipment"
    properties: ClassVar[Properties] = Properties(Reveals.NOTHING, changes=False, unit=Unit.IMAGE)
    image: ImageInput
    required: Requirement | None = None

    def check(self) -> None:
        """The picture has exactly one source."""
        self.image.check()


class _State(Enum):
    WORN = 1
    MISSING = 2
    UNKNOWN = 3


@dataclass(frozen=True, slots=True)
class Summary:
    """Indexes of persons, each in exactly one of the three."""

    having: tuple[int, ...]
    lacking: tuple[int, ...]
    unclear: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class EquipmentDetected:
    """The persons, the summary where one was asked for, and the version of the engine."""

    found: PersonsFound
    summary: Summary | None
    model_version: str


class Protection:
    """Handles DetectProtectiveEquipment."""

    def __init__(self, engine: Callable[[], EquipmentEngine], pictures: Pictures) -> None:
        """Look at what ``pictures`` loads with what ``engine`` opens."""
        self._engine = engine
        self._pictures = pictures

    def detect(self, permit: Permit, command: DetectProtectiveEquipment) -> EquipmentDetected:
        """At most 15 persons; none is an empty answer."""
        image = self._pictures.load(command.image, EQUIPMENT_RULES)
        permit.tally.images += 1
        engine = self._engine()
        found = engine.persons(permit.slot, image)
        permit.tally.add(persons_detected=len(found.persons))
        summary = None if command.required is None else summed_up(found.persons, command.required)
        return EquipmentDetected(found, summary, engine.model_version)


def summed_up(persons: tuple[EquippedPerson, ...], required: Requirement) -> Summary:
    """Who surely wears everything required, who surely lacks something, and who can be told neither of."""
    least = max(required.min_confidence_pct, _LEAST_PCT)
    lists: dict[_State, list[int]] = {state: [] for state in _State}
    for index, person in enumerate(persons):
        states = [_state(person, kind, least) for kind in sorted(required.kinds)]
        if person.confidence_pct < least:
            state = _State.UNKNOWN
        elif _State.MISSING in states:
            state = _State.MISSING
        else:
            state = _State.UNKNOWN if _State.UNKNOWN in states else _State.WORN
        lists[state].append(index)
    return Summary(tuple(lists[_State.WORN]), tuple(lists[_State.MISSING]), tuple(lists[_State.UNKNOWN]))


def _state(person: EquippedPerson, kind: Equipment, least_pct: float) -> _State:
    """MISSING when any part that was surely seen is surely bare; WORN when all that were seen are surely covered."""
    states = [_part_state(part, kind, least_pct) for part in person.parts if part.part in _ON[kind]]
    if _State.MISSING in states:
        return _State.MISSING
    return _State.WORN if states and _State.UNKNOWN not in states else _State.UNKNOWN


def _part_state(part: BodyPart, kind: Equipment, least_pct: float) -> _State:
    if part.confidence_pct < least_pct or not (part.worn or part.looked_at):
        return _State.UNKNOWN
    worn = [one for one in part.worn if one.kind is kind]
    if not worn:
        return _State.MISSING
    best = max(worn, key=lambda one: one.confidence_pct)
    if min(best.confidence_pct, best.covers.confidence_pct) < least_pct:
        return _State.UNKNOWN
    return _State.WORN if best.covers.value else _State.MISSING
