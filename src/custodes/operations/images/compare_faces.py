"""CompareFaces: the largest face of one picture against all faces of another. Nothing is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from custodes.core.box import Size
from custodes.core.errors import InvalidParameterError
from custodes.engine.ports import FaceEngine
from custodes.engine.results.face import DetectedFace, QualityFilter, VectorUse
from custodes.imaging.image import Image
from custodes.operations.images.children import require_grown
from custodes.operations.images.scale import similarity_pct
from custodes.operations.images.selection import select
from custodes.operations.images.sources import ImageInput, Pictures
from custodes.operations.requests.command import Command
from custodes.operations.requests.gate import Permit
from custodes.operations.requests.properties import Properties, Reveals, Unit

COMPARE_USE = VectorUse.ENROL
"""Both sides are seen as well as an enrolled face is: one pair is decided on, so nothing makes up for a poor look."""

DEFAULT_THRESHOLD_PCT = 80.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareFaces(Command):
    """Compare the source picture's largest face with the faces of the target; the threshold is inclusive."""

    operation: ClassVar[str] = "CompareFaces"
    properties: ClassVar[Properties] = Properties(Reveals.SIMILARITY, changes=False, unit=Unit.IMAGE)
    source: ImageInput
    target: ImageInput
    threshold_pct: float = DEFAULT_THRESHOLD_PCT
    quality_filter: QualityFilter = QualityFilter.NONE

    def facts(self) -> Mapping[str, object]:
        """The threshold."""
        return {"threshold_pct": self.threshold_pct}

    def check(self) -> None:
        """Each picture has exactly one source."""
        self.source.check()
        self.target.check()


@dataclass(frozen=True, slots=True)
class Compared:
    """A face of the target with its similarity to the source face, 0 to 100."""

    face: DetectedFace
    similarity_pct: float


@dataclass(frozen=True, slots=True)
class FacesCompared:
    """Matches by falling similarity; faces below the threshold, largest first; the sizes that boxes refer to."""

    source_size: Size
    source_face: DetectedFace
    target_size: Size
    matches: tuple[Compared, ...]
    unmatched: tuple[DetectedFace, ...]


class FaceComparison:
    """Handles CompareFaces."""

    def __init__(self, engine: FaceEngine, pictures: Pictures) -> None:
        """Compare with ``engine`` what ``pictures`` loads."""
        self._engine = engine
        self._pictures = pictures

    def compare_faces(self, permit: Permit, command: CompareFaces) -> FacesCompared:
        """Raises InvalidParameterError when either picture has no face left after the quality filter."""
        source, target = self._pictures.load(command.source), self._pictures.load(command.target)
        permit.tally.images += 1  # one comparison is charged as one image
        source_faces = self._faces(permit, source, command.quality_filter, "source")
        target_faces = self._faces(permit, target, command.quality_filter, "target")
        require_grown(self._engine, permit, source, source_faces[:1])
        require_grown(self._engine, permit, target, target_faces)
        asked = self._engine.embed(permit.slot, source, source_faces[:1], COMPARE_USE)
        others = self._engine.embed(permit.slot, target, target_faces, COMPARE_USE)
        compared = [
            Compared(
                face, similarity_pct(self._engine.scale(asked[0], other), float(np.einsum("d,d->", other, asked[0])))
            )
            for face, other in zip(target_faces, others, strict=True)
        ]
        # sorted() is stable, so equal similarities stay largest first.
        matches = [one for one in compared if one.similarity_pct >= command.threshold_pct]
        return FacesCompared(
            source_size=source.size,
            source_face=source_faces[0],
            target_size=target.size,
            matches=tuple(sorted(matches, key=lambda one: -one.similarity_pct)),
            unmatched=tuple(one.face for one in compared if one.similarity_pct < command.threshold_pct),
        )

    def _faces(self, permit: Permit, image: Image, level: QualityFilter, which: str) -> tuple[DetectedFace, ...]:
        found = self._engine.detect(permit.slot, image)
        permit.tally.add(faces_detected=len(found.faces))
        faces = select(self._engine, found, level).taken
        if not faces:
            raise InvalidParameterError(f"There are no faces in the {which} image. Should be at least 1.")
        return faces
