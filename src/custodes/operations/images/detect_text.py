"""DetectText: the words of a picture and the lines they stand in. Nothing is kept.

Which of the words found are told is ``operations.words``'s.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from custodes.core.errors import InvalidParameterError
from custodes.engine.ports import TextEngine
from custodes.engine.results.text import TextFound
from custodes.operations.images.sources import ImageInput, Pictures
from custodes.operations.images.text_filter import EVERY_WORD, Region, WordFilter, reported
from custodes.operations.requests.command import Command
from custodes.operations.requests.gate import Permit
from custodes.operations.requests.properties import Properties, Reveals, Unit

_MAX_CORNERS = 10
"""Of a region. Source: API reference, RegionOfInterest; the service model does not have it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectText(Command):
    """Read one picture; without ``regions`` all of it."""

    operation: ClassVar[str] = "DetectText"
    properties: ClassVar[Properties] = Properties(Reveals.NOTHING, changes=False, unit=Unit.IMAGE)
    image: ImageInput
    word_filter: WordFilter = EVERY_WORD
    regions: tuple[Region, ...] = ()

    def check(self) -> None:
        """The picture has exactly one source, and every region is an area."""
        self.image.check()
        if not all(3 <= len(region) <= _MAX_CORNERS for region in self.regions):
            raise InvalidParameterError("Request has invalid parameters")


@dataclass(frozen=True, slots=True)
class TextDetected:
    """The lines that are told, and the version of the recipe that read them."""

    found: TextFound
    model_version: str


class TextDetection:
    """Handles DetectText."""

    def __init__(self, engine: Callable[[], TextEngine], pictures: Pictures) -> None:
        """Read what ``pictures`` loads with what ``engine`` opens."""
        self._engine = engine
        self._pictures = pictures

    def detect_text(self, permit: Permit, command: DetectText) -> TextDetected:
        """Lines with at most 100 words in all; none is an empty answer."""
        image = self._pictures.load(command.image)
        permit.tally.images += 1
        engine = self._engine()
        found = reported(engine.read(permit.slot, image), command.word_filter, command.regions)
        permit.tally.add(words_detected=sum(len(line.words) for line in found.lines))
        return TextDetected(found, engine.model_version)
