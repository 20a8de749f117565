"""RecognizeCelebrities and GetCelebrityInfo: known people whom the operator imported. Nothing is kept.

A face is named when a stranger's face would seldom be: with similarity s to the nearest of N portraits, the match
confidence is 1 - N f(s), where f is the published false match rate of a pair. So the same similarity says less in a
larger gallery, and every gallery misnames at most one stranger in a hundred, as far as f was measured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from custodes.core.errors import DeniedError, NotFoundError
from custodes.core.ids import AccountId, CollectionId
from custodes.core.slot import Slot
from custodes.engine.ports import FaceEngine
from custodes.engine.results.face import DetectedFace, FacesFound, VectorUse
from custodes.gallery.celebrities import Celebrity, CelebrityBook, EmptyBook
from custodes.gallery.entities import CollectionKey
from custodes.gallery.ports import FloatArray
from custodes.imaging.image import Image
from custodes.operations.collections.ports import Gallery
from custodes.operations.images.attributes import Attribute, Attributes, detail_for, traits_for, without
from custodes.operations.images.scale import min_cosine, require_same_model, similarity_pct
from custodes.operations.images.sources import ImageInput, Pictures
from custodes.operations.requests.command import Command
from custodes.operations.requests.gate import Permit
from custodes.operations.requests.properties import Properties, Reveals, Unit
from custodes.operations.reviews.redaction import is_held

COLLECTION = CollectionId("celebrities")
"""Collection of the operator's account that holds the portraits."""
MAX_CELEBRITY_FACES = 64
"""The API looks at no more faces of a picture: the largest."""
MIN_CONFIDENCE_PCT = 99.0
MIN_SIMILARITY_PCT = 95.0
"""However small the gallery is, a face less alike stays unnamed."""
_STATED: Attributes = frozenset({Attribute.DEFAULT, Attribute.SMILE, Attribute.EMOTIONS})
_NEAREST = 8
"""Portraits looked at per face; more than one, because a person may have been removed a moment ago."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecognizeCelebrities(Command):
    """Name the known people in one picture."""

    operation: ClassVar[str] = "RecognizeCelebrities"
    properties: ClassVar[Properties] = Properties(Reveals.IDENTITY, changes=False, unit=Unit.IMAGE, searches=True)
    image: ImageInput

    def facts(self) -> Mapping[str, object]:
        """Emotions are part of the answer."""
        return {"emotions": True}

    def check(self) -> None:
        """The picture has exactly one source."""
        self.image.check()


@dataclass(frozen=True, slots=True, kw_only=True)
class GetCelebrityInfo(Command):
    """Who is this?"""

    operation: ClassVar[str] = "GetCelebrityInfo"
    properties: ClassVar[Properties] = Properties(Reveals.IDENTITY, changes=False)
    celebrity_id: str


@dataclass(frozen=True, slots=True)
class Named:
    """A face with the person that it shows; ``confidence_pct`` see the module."""

    face: DetectedFace
    person: Celebrity
    confidence_pct: float


@dataclass(frozen=True, slots=True)
class CelebritiesRecognized:
    """Named and unnamed faces, largest first, the size that boxes refer to, and which attributes are told."""

    found: FacesFound
    named: tuple[Named, ...]
    unnamed: tuple[DetectedFace, ...]
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class CelebrityGallery:
    """Where known people are.

    Attributes:
        key: the collection of their portraits, which need not exist.
        book: who they are.
        false_match_rate: share of pairs of different people that reach a similarity; None where it was not measured.
    """

    key: CollectionKey
    book: CelebrityBook
    false_match_rate: Callable[[float], float | None]


NOBODY = CelebrityGallery(CollectionKey(AccountId("000000000000"), COLLECTION), EmptyBook(), lambda _: None)
"""Stands where no gallery was put in: every face stays unnamed."""


class Celebrities:
    """Handles both operations."""

    def __init__(self, engine: FaceEngine, gallery: Gallery, pictures: Pictures, known: CelebrityGallery) -> None:
        """Look for the people of ``known``, whose portraits are in ``gallery``."""
        self._engine = engine
        self._gallery = gallery
        self._pictures = pictures
        self._known = known

    def recognize(self, permit: Permit, command: RecognizeCelebrities) -> CelebritiesRecognized:
        """Up to 64 largest faces; none is an empty answer.

        Raises:
            InvalidParameterError: the portraits' vectors are of another model version.
            DeniedError: two persons would have to confirm the names, and reviews hold members of collections only.
        """
        if is_held(permit):
            raise DeniedError("names of known people cannot be held back until two persons have confirmed them")
        image = self._pictures.load(command.image)
        permit.tally.images += 1
        attributes = without(_STATED, permit.withheld)
        found = self._engine.detect(permit.slot, image, detail_for(attributes), MAX_CELEBRITY_FACES)
        faces = self._engine.describe(permit.slot, image, found.faces, traits_for(attributes))
        permit.tally.add(faces_detected=len(faces))
        named = self.named(permit.slot, image, faces)
        unnamed = [face for face in faces if not any(face is one.face for one in named)]
        permit.tally.add(matches=len(named))
        return CelebritiesRecognized(FacesFound(found.size, faces), named, tuple(unnamed), attributes)

    def named(self, slot: Slot, image: Image, faces: Sequence[DetectedFace]) -> tuple[Named, ...]:
        """Those of ``faces`` whose person is known.

        Raises:
            InvalidParameterError: the portraits' vectors are of another model version.
        """
        portraits = self._portraits()
        if not portraits or not faces:
            return ()
        vectors = self._engine.embed(slot, image, faces, VectorUse.QUERY)
        people = [self._person(vector, portraits) for vector in vectors]
        return tuple(Named(face, *person) for face, person in zip(faces, people, strict=True) if person is not None)

    def info(self, _permit: Permit, command: GetCelebrityInfo) -> Celebrity:
        """Raises NotFoundError for an unknown id."""
        person = self._known.book.people([command.celebrity_id]).get(command.celebrity_id)
        if person is None:
            raise NotFoundError("Celebrity not found")
        return person

    def _portraits(self) -> int:
        """How many there are; 0 when none was ever imported."""
        try:
            collection = self._gallery.collection(self._known.key)
        except NotFoundError:
            return 0
        require_same_model(self._engine, collection)
        return collection.face_count

    def _person(self, vector: FloatArray, portraits: int) -> tuple[Celebrity, float] | None:
        """Who the vector's face shows, and how surely; None when that is not sure enough."""
        scale = self._engine.scale(vector)
        least = min_cosine(scale, MIN_SIMILARITY_PCT)
        try:
            hits = self._gallery.search_faces(self._known.key, vector, _NEAREST, least, self._engine.model_version)
            faces = self._gallery.faces_by_row(self._known.key, [hit.row for hit in hits]) if hits else {}
        except NotFoundError:  # the whole collection was deleted meanwhile
            return None
        ids = {row: face.external_image_id or "" for row, face in faces.items()}
        people = self._known.book.people(sorted(set(ids.values())))
        for hit in hits:
            person = people.get(ids.get(hit.row, ""))
            if person is not None:
                confidence = self._confidence_pct(similarity_pct(scale, hit.cosine), portraits)
                return (person, confidence) if confidence >= MIN_CONFIDENCE_PCT else None
        return None

    def _confidence_pct(self, similarity: float, portraits: int) -> float:
        rate = self._known.false_match_rate(similarity)
        return 0.0 if rate is None else 100 * max(0.0, 1 - portraits * rate)
