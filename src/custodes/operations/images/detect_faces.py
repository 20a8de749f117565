"""DetectFaces: what is known about every face of a picture. Nothing is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from custodes.engine.ports import FaceEngine
from custodes.engine.results.face import FacesFound
from custodes.operations.images.attributes import (
    DEFAULT_ATTRIBUTES,
    Attribute,
    Attributes,
    detail_for,
    shows,
    traits_for,
    without,
)
from custodes.operations.images.sources import ImageInput, Pictures
from custodes.operations.requests.command import Command
from custodes.operations.requests.gate import Permit
from custodes.operations.requests.properties import Properties, Reveals, Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectFaces(Command):
    """Find the faces of one picture."""

    operation: ClassVar[str] = "DetectFaces"
    properties: ClassVar[Properties] = Properties(Reveals.ATTRIBUTES, changes=False, unit=Unit.IMAGE)
    image: ImageInput
    attributes: Attributes = DEFAULT_ATTRIBUTES

    def facts(self) -> Mapping[str, object]:
        """Whether emotions are asked for."""
        return {"emotions": shows(self.attributes, Attribute.EMOTIONS)}

    def check(self) -> None:
        """The picture has exactly one source."""
        self.image.check()


@dataclass(frozen=True, slots=True)
class FacesDetected:
    """The faces, largest first, and which attributes to tell of them."""

    found: FacesFound
    attributes: Attributes


class Detection:
    """Handles DetectFaces."""

    def __init__(self, engine: FaceEngine, pictures: Pictures) -> None:
        """Detect with ``engine`` in what ``pictures`` loads."""
        self._engine = engine
        self._pictures = pictures

    def detect_faces(self, permit: Permit, command: DetectFaces) -> FacesDetected:
        """Up to 100 largest faces; none is an empty answer."""
        image = self._pictures.load(command.image)
        permit.tally.images += 1
        attributes = without(command.attributes, permit.withheld)
        found = self._engine.detect(permit.slot, image, detail_for(attributes))
        faces = self._engine.describe(permit.slot, image, found.faces, traits_for(attributes))
        permit.tally.add(faces_detected=len(faces))
        return FacesDetected(FacesFound(found.size, faces), attributes)
