"""VerifyUser: are these photos of this person? One user of a collection, and nobody else, is compared with.

In: one to five photos and a user. Out: for each photo how alike its largest face is to the user, and the false match
rate of that similarity among photos of different people; the person passes where every photo does. What all photos
reach, the weakest reaches: its rate bounds that of the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from custodes.core.box import Size
from custodes.core.errors import DeniedError, InvalidParameterError
from custodes.core.ids import UserId
from custodes.engine.ports import FaceEngine
from custodes.engine.results.face import MAX_FACES, DetectedFace, QualityFilter, VectorUse
from custodes.gallery.ports import FloatArray
from custodes.operations.collections.ports import Gallery
from custodes.operations.collections.search import DEFAULT_THRESHOLD_PCT
from custodes.operations.images.children import require_grown
from custodes.operations.images.scale import require_same_model, similarity_pct
from custodes.operations.images.selection import largest
from custodes.operations.images.sources import ImageInput, Pictures
from custodes.operations.requests.command import CollectionCommand
from custodes.operations.requests.gate import Permit
from custodes.operations.requests.properties import Properties, Reveals, Unit
from custodes.operations.reviews.redaction import is_held

MAX_PHOTOS = 5
FalseMatchRate = Callable[[float], float | None]
"""From percent to the share of pairs of different people that reach it; None below what was measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyUser(CollectionCommand):
    """Compare photos with one user; the threshold is inclusive."""

    operation: ClassVar[str] = "VerifyUser"
    properties: ClassVar[Properties] = Properties(Reveals.SIMILARITY, changes=False, unit=Unit.IMAGE)
    user_id: UserId
    images: tuple[ImageInput, ...]
    threshold_pct: float = DEFAULT_THRESHOLD_PCT
    quality_filter: QualityFilter = QualityFilter.NONE

    def facts(self) -> Mapping[str, object]:
        """The threshold."""
        return {"threshold_pct": self.threshold_pct}

    def check(self) -> None:
        """One to five pictures, each with exactly one source."""
        if not 1 <= len(self.images) <= MAX_PHOTOS:
            raise InvalidParameterError(f"Request has invalid parameters: 1 to {MAX_PHOTOS} images are verified.")
        for image in self.images:
            image.check()


@dataclass(frozen=True, slots=True)
class PhotoVerified:
    """One photo: its face, where one passed the filter, how alike it is to the user, and the rate of that."""

    passed: bool
    size: Size
    face: DetectedFace | None = None
    similarity_pct: float | None = None
    false_match_rate: float | None = None


@dataclass(frozen=True, slots=True)
class UserVerified:
    """All photos, in the order asked for."""

    photos: tuple[PhotoVerified, ...]

    @property
    def passed(self) -> bool:
        """Whether every photo passed."""
        return all(photo.passed for photo in self.photos)

    @property
    def weakest(self) -> PhotoVerified | None:
        """The photo that is least alike; None where one has no face."""
        told = [(photo.similarity_pct, at) for at, photo in enumerate(self.photos) if photo.similarity_pct is not None]
        return self.photos[min(told)[1]] if len(told) == len(self.photos) else None


class Verification:
    """Handles the operation."""

    def __init__(self, engine: FaceEngine, gallery: Gallery, pictures: Pictures, rate: FalseMatchRate) -> None:
        """Compare by ``engine`` with users of ``gallery``; ``rate`` says what a similarity stands for."""
        self._engine = engine
        self._gallery = gallery
        self._pictures = pictures
        self._rate = rate

    def verify(self, permit: Permit, command: VerifyUser) -> UserVerified:
        """How alike.

        Raises:
            NotFoundError: no such collection or user.
            InvalidParameterError: the user has no faces.
        """
        key = command.key(permit.context.caller)
        collection = self._gallery.outline(key)
        permit.tally.looked_in(collection)
        require_same_model(self._engine, collection)
        if is_held(permit):
            raise DeniedError("what a verification finds cannot be held back until two persons have confirmed it")
        vector = self._gallery.user_vector(key, command.user_id)
        if vector is None:
            raise InvalidParameterError("Request has invalid parameters: the user has no faces to compare with.")
        return UserVerified(tuple(self._photo(permit, command, image, vector) for image in command.images))

    def _photo(self, permit: Permit, command: VerifyUser, source: ImageInput, user: FloatArray) -> PhotoVerified:
        image = self._pictures.load(source)
        permit.tally.images += 1
        unfiltered = command.quality_filter is QualityFilter.NONE
        found = self._engine.detect(permit.slot, image, at_most=1 if unfiltered else MAX_FACES)
        permit.tally.add(faces_detected=len(found.faces))
        face, _ = largest(self._engine, found, command.quality_filter)
        if face is None:
            return PhotoVerified(passed=False, size=found.size)
        require_grown(self._engine, permit, image, [face])
        vector = self._engine.embed(permit.slot, image, [face], VectorUse.ENROL)[0]
        pct = similarity_pct(self._engine.scale(vector, user), float(vector @ user))
        return PhotoVerified(pct >= command.threshold_pct, found.size, face, pct, self._rate(pct))
