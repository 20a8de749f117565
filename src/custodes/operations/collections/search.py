"""SearchFaces, SearchFacesByImage, SearchUsers, SearchUsersByImage: who in a collection looks like this.

Results are exact, best first, ties in order of enrolment; thresholds are inclusive percentages. A collection of another
model version is never searched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from custodes.core.box import Size
from custodes.core.errors import InvalidParameterError, NotFoundError
from custodes.core.ids import FaceId, ModelVersion, UserId
from custodes.engine.ports import FaceEngine, SimilarityScale
from custodes.engine.results.face import MAX_FACES, DetectedFace, FacesFound, QualityFilter, VectorUse
from custodes.gallery.entities import CollectionKey, Face, GalleryUser, Hit
from custodes.gallery.ports import FloatArray
from custodes.imaging.image import Image
from custodes.operations.collections.ports import Gallery
from custodes.operations.images.children import require_grown
from custodes.operations.images.scale import min_cosine, require_same_model, similarity_pct
from custodes.operations.images.selection import FaceRefused, largest
from custodes.operations.images.sources import ImageInput, Pictures
from custodes.operations.requests.command import CollectionCommand
from custodes.operations.requests.gate import Permit
from custodes.operations.requests.properties import Properties, Reveals, Unit
from custodes.operations.reviews.redaction import SealedMatch, Sought, is_held, seal_faces, seal_users
from custodes.operations.reviews.reviews import Holding

DEFAULT_THRESHOLD_PCT = 80.0
MAX_FACE_MATCHES = 4096
"""Ceiling and, where the request names none, default: the API documents no default."""
MAX_USER_MATCHES = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchFaces(CollectionCommand):
    """Faces like an enrolled one."""

    operation: ClassVar[str] = "SearchFaces"
    properties: ClassVar[Properties] = Properties(Reveals.IDENTITY, changes=False, unit=Unit.CALL, searches=True)
    face_id: FaceId
    max_faces: int = MAX_FACE_MATCHES
    threshold_pct: float = DEFAULT_THRESHOLD_PCT

    def facts(self) -> Mapping[str, object]:
        """The threshold."""
        return {"threshold_pct": self.threshold_pct}


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchFacesByImage(CollectionCommand):
    """Faces like the largest one of a picture."""

    operation: ClassVar[str] = "SearchFacesByImage"
    properties: ClassVar[Properties] = Properties(Reveals.IDENTITY, changes=False, unit=Unit.IMAGE, searches=True)
    image: ImageInput
    max_faces: int = MAX_FACE_MATCHES
    threshold_pct: float = DEFAULT_THRESHOLD_PCT
    quality_filter: QualityFilter = QualityFilter.NONE

    def facts(self) -> Mapping[str, object]:
        """The threshold."""
        return {"threshold_pct": self.threshold_pct}

    def check(self) -> None:
        """The picture has exactly one source."""
        self.image.check()


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchUsers(CollectionCommand):
    """Users like an enrolled face or like another user."""

    operation: ClassVar[str] = "SearchUsers"
    properties: ClassVar[Properties] = Properties(Reveals.IDENTITY, changes=False, unit=Unit.CALL)
    user_id: UserId | None = None
    face_id: FaceId | None = None
    max_users: int = MAX_USER_MATCHES
    threshold_pct: float = DEFAULT_THRESHOLD_PCT

    def facts(self) -> Mapping[str, object]:
        """The threshold."""
        return {"threshold_pct": self.threshold_pct}

    def check(self) -> None:
        """Exactly one of user and face."""
        if (self.user_id is None) == (self.face_id is None):
            raise InvalidParameterError("Request has invalid parameters: exactly one of UserId and FaceId is needed.")


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchUsersByImage(CollectionCommand):
    """Users like the largest face of a picture."""

    operation: ClassVar[str] = "SearchUsersByImage"
    properties: ClassVar[Properties] = Properties(Reveals.IDENTITY, changes=False, unit=Unit.IMAGE)
    image: ImageInput
    max_users: int = MAX_USER_MATCHES
    threshold_pct: float = DEFAULT_THRESHOLD_PCT
    quality_filter: QualityFilter = QualityFilter.NONE

    def facts(self) -> Mapping[str, object]:
        """The threshold."""
        return {"threshold_pct": self.threshold_pct}

    def check(self) -> None:
        """The picture has exactly one source."""
        self.image.check()


@dataclass(frozen=True, slots=True)
class FaceMatch:
    """An enrolled face and its similarity to the one asked for, 0 to 100."""

    face: Face
    similarity_pct: float


@dataclass(frozen=True, slots=True)
class UserMatch:
    """A user and its similarity to what was asked for, 0 to 100."""

    user: GalleryUser
    similarity_pct: float


@dataclass(frozen=True, slots=True)
class FacesMatched:
    """Matches by falling similarity, and which face they are matches of: enrolled, or of a picture of ``size``."""

    matches: tuple[FaceMatch | SealedMatch, ...]
    model_version: ModelVersion
    face_id: FaceId | None = None
    detected: DetectedFace | None = None
    size: Size | None = None


@dataclass(frozen=True, slots=True)
class UsersMatched:
    """Matches by falling similarity; what was searched for; and the picture's other faces with reasons."""

    matches: tuple[UserMatch, ...]
    model_version: ModelVersion
    user_id: UserId | None = None
    face_id: FaceId | None = None
    detected: DetectedFace | None = None
    size: Size | None = None
    unsearched: tuple[FaceRefused, ...] = ()


class Search:
    """Handles the four searches. All raise NotFoundError for an unknown collection."""

    def __init__(self, engine: FaceEngine, gallery: Gallery, pictures: Pictures, holding: Holding) -> None:
        """Embed queries with ``engine``, search in ``gallery``, leave with ``holding`` what must not be told yet."""
        self._holding = holding
        self._engine = engine
        self._gallery = gallery
        self._pictures = pictures

    def search_faces(self, permit: Permit, command: SearchFaces) -> FacesMatched:
        """The face asked for is not among the matches. Raises InvalidParameterError when it is not enrolled."""
        key = command.key(permit.context.caller)
        version = self._version(permit, key)
        face, vector = self._enrolled(key, command.face_id)
        scale = self._engine.scale(vector)
        least = min_cosine(scale, command.threshold_pct)
        hits = self._gallery.search_faces(key, vector, command.max_faces + 1, least, version)
        others = [hit for hit in hits if hit.row != face.row][: command.max_faces]
        matches = self._face_matches(permit, Sought(command.operation, key), scale, others)
        return FacesMatched(matches, version, face_id=face.face_id)

    def search_faces_by_image(self, permit: Permit, command: SearchFacesByImage) -> FacesMatched:
        """Raises InvalidParameterError when the picture has no face that passes the filter."""
        key = command.key(permit.context.caller)
        version = self._version(permit, key)
        # Without a filter the largest face is the one, whatever the others are like.
        unfiltered = command.quality_filter is QualityFilter.NONE
        image, found = self._look(permit, command.image, at_most=1 if unfiltered else MAX_FACES)
        asked, _ = largest(self._engine, found, command.quality_filter)
        if asked is None:
            raise InvalidParameterError("There are no faces in the image. Should be at least 1.")
        require_grown(self._engine, permit, image, [asked])
        vector = self._engine.embed(permit.slot, image, [asked], VectorUse.QUERY)[0]
        scale = self._engine.scale(vector)
        least = min_cosine(scale, command.threshold_pct)
        hits = self._gallery.search_faces(key, vector, command.max_faces, least, version)
        matches = self._face_matches(permit, Sought(command.operation, key, image, asked), scale, hits)
        return FacesMatched(matches, version, detected=asked, size=found.size)

    def search_users(self, permit: Permit, command: SearchUsers) -> UsersMatched:
        """The user asked for is not among the matches; a user without faces matches nobody.

        Raises InvalidParameterError for an unknown face, NotFoundError for an unknown user.
        """
        key = command.key(permit.context.caller)
        version = self._version(permit, key)
        limit, own_row = command.max_users, None
        vector: FloatArray | None
        if command.user_id is not None:
            own_row = self._gallery.user(key, command.user_id).row
            vector, limit = self._gallery.user_vector(key, command.user_id), limit + 1
        else:
            assert command.face_id is not None  # by check()
            _, vector = self._enrolled(key, command.face_id)
        if vector is None:
            return UsersMatched((), version, user_id=command.user_id)
        scale = self._engine.scale(vector)
        hits = self._gallery.search_users(key, vector, limit, min_cosine(scale, command.threshold_pct), version)
        others = [hit for hit in hits if hit.row != own_row][: command.max_users]
        matches = self._user_matches(permit, Sought(command.operation, key), scale, others)
        return UsersMatched(matches, version, user_id=command.user_id, face_id=command.face_id)

    def search_users_by_image(self, permit: Permit, command: SearchUsersByImage) -> UsersMatched:
        """A picture without a face that passes the filter is an answer without matches, not an error."""
        key = command.key(permit.context.caller)
        version = self._version(permit, key)
        image, found = self._look(permit, command.image, at_most=MAX_FACES)
        asked, unsearched = largest(self._engine, found, command.quality_filter)
        if asked is None:
            return UsersMatched((), version, size=found.size, unsearched=unsearched)
        require_grown(self._engine, permit, image, [asked])
        vector = self._engine.embed(permit.slot, image, [asked], VectorUse.QUERY)[0]
        scale = self._engine.scale(vector)
        least = min_cosine(scale, command.threshold_pct)
        hits = self._gallery.search_users(key, vector, command.max_users, least, version)
        matches = self._user_matches(permit, Sought(command.operation, key, image, asked), scale, hits)
        return UsersMatched(matches, version, detected=asked, size=found.size, unsearched=unsearched)

    def _version(self, permit: Permit, key: CollectionKey) -> ModelVersion:
        collection = self._gallery.outline(key)
        permit.tally.looked_in(collection)
        require_same_model(self._engine, collection)
        return collection.model_version

    def _look(self, permit: Permit, source: ImageInput, at_most: int) -> tuple[Image, FacesFound]:
        image = self._pictures.load(source)
        permit.tally.images += 1
        found = self._engine.detect(permit.slot, image, at_most=at_most)
        permit.tally.add(faces_detected=len(found.faces))
        return image, found

    def _enrolled(self, key: CollectionKey, face_id: FaceId) -> tuple[Face, FloatArray]:
        face = self._gallery.faces_by_id(key, [face_id]).get(face_id)
        if face is not None:
            try:
                return face, self._gallery.vectors(key, [face.row])[0]
            except NotFoundError:
                self._gallery.collection(key)  # deleted meanwhile: the collection (raises again) or only the face
        raise InvalidParameterError("faceId was not found in the collection.")

    def _face_matches(
        self, permit: Permit, sought: Sought, scale: SimilarityScale, hits: Sequence[Hit]
    ) -> tuple[FaceMatch | SealedMatch, ...]:
        faces = self._gallery.faces_by_row(sought.key, [hit.row for hit in hits]) if hits else {}
        _count_matches(permit, sought, hits)
        # A face deleted between the search and this look-up is left out.
        present = [(faces[hit.row], similarity_pct(scale, hit.cosine)) for hit in hits if hit.row in faces]
        if present and is_held(permit):
            return seal_faces(self._holding, permit, sought, present)
        return tuple(FaceMatch(face, pct) for face, pct in present)

    def _user_matches(
        self, permit: Permit, sought: Sought, scale: SimilarityScale, hits: Sequence[Hit]
    ) -> tuple[UserMatch, ...]:
        users = self._gallery.users_by_row(sought.key, [hit.row for hit in hits]) if hits else {}
        _count_matches(permit, sought, hits)
        present = [(users[hit.row], similarity_pct(scale, hit.cosine)) for hit in hits if hit.row in users]
        value = seal_users(self._holding, permit, sought, present) if present and is_held(permit) else present
        return tuple(UserMatch(user, pct) for user, pct in value)


def _count_matches(permit: Permit, sought: Sought, hits: Sequence[Hit]) -> None:
    """Count them; where there are any, the picture that led to them is on record by its digest."""
    permit.tally.add(matches=len(hits))
    if hits and sought.image is not None:
        permit.tally.facts["picture_sha256"] = sought.image.sha256.hex()
