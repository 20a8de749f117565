"""AssessFaceQuality and AssessLiveness: does a portrait suit a document, and is it one of a person. Nothing is kept.

Operations of our own: the API has none that say this of one picture.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from custodes.engine.ports import FaceEngine, PortraitEngine
from custodes.engine.results.liveness import LivenessFound
from custodes.engine.results.portrait import Inspections
from custodes.operations.images.sources import ImageInput, Pictures
from custodes.operations.requests.command import Command
from custodes.operations.requests.gate import Permit
from custodes.operations.requests.properties import Properties, Reveals, Unit

DEFAULT_MAX_FACES = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _LargestFaces(Command):
    """A question about the ``max_faces`` largest faces of one picture."""

    image: ImageInput
    max_faces: int = DEFAULT_MAX_FACES

    def check(self) -> None:
        """The picture has exactly one source."""
        self.image.check()


@dataclass(frozen=True, slots=True, kw_only=True)
class AssessFaceQuality(_LargestFaces):
    """Check portraits against the limits of documents."""

    operation: ClassVar[str] = "AssessFaceQuality"
    properties: ClassVar[Properties] = Properties(Reveals.ATTRIBUTES, changes=False, unit=Unit.IMAGE)


@dataclass(frozen=True, slots=True, kw_only=True)
class AssessLiveness(_LargestFaces):
    """Look for traces of prints and screens."""

    operation: ClassVar[str] = "AssessLiveness"
    properties: ClassVar[Properties] = Properties(Reveals.ATTRIBUTES, changes=False, unit=Unit.IMAGE)


class PortraitAssessment:
    """Handles both operations."""

    def __init__(self, engine: FaceEngine, portraits: Callable[[], PortraitEngine], pictures: Pictures) -> None:
        """Look with ``engine``, and what ``portraits`` opens, at what ``pictures`` loads."""
        self._engine = engine
        self._portraits = portraits
        self._pictures = pictures

    def quality(self, permit: Permit, command: AssessFaceQuality) -> Inspections:
        """The faces with their checks; none is an empty answer."""
        image = self._pictures.load(command.image)
        permit.tally.images += 1
        found = self._portraits().inspect(permit.slot, image, command.max_faces)
        permit.tally.add(faces_detected=len(found.faces))
        return found

    def liveness(self, permit: Permit, command: AssessLiveness) -> LivenessFound:
        """The faces with their scores; none is an empty answer."""
        image = self._pictures.load(command.image)
        permit.tally.images += 1
        found = self._engine.liveness(permit.slot, image, command.max_faces)
        permit.tally.add(faces_detected=len(found.faces))
        return found
