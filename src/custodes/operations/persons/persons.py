"""DescribePersons: how many persons a picture shows, where, and the colours that they wear. Nothing is kept.

An operation of our own: the API has none that says this of one picture.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from custodes.engine.ports import EquipmentEngine
from custodes.engine.results.person import PersonsSeen
from custodes.operations.images.sources import EQUIPMENT_RULES, ImageInput, Pictures
from custodes.operations.requests.command import Command
from custodes.operations.requests.gate import Permit
from custodes.operations.requests.properties import Properties, Reveals, Unit

DEFAULT_PERSONS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribePersons(Command):
    """Look at one picture; colours are told of the ``max_persons`` surest persons."""

    operation: ClassVar[str] = "DescribePersons"
    properties: ClassVar[Properties] = Properties(Reveals.ATTRIBUTES, changes=False, unit=Unit.IMAGE)
    image: ImageInput
    max_persons: int = DEFAULT_PERSONS

    def check(self) -> None:
        """The picture has exactly one source."""
        self.image.check()


class PersonDescription:
    """Handles DescribePersons."""

    def __init__(self, engine: Callable[[], EquipmentEngine], pictures: Pictures) -> None:
        """Look at what ``pictures`` loads with what ``engine`` opens."""
        self._engine = engine
        self._pictures = pictures

    def describe(self, permit: Permit, command: DescribePersons) -> PersonsSeen:
        """All that are counted; none is an answer, not an error."""
        image = self._pictures.load(command.image, EQUIPMENT_RULES)
        permit.tally.images += 1
        found = self._engine().bodies(permit.slot, image, command.max_persons)
        permit.tally.add(persons_detected=found.count)
        return found
