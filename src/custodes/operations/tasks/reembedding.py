"""Faces of a collection turned into vectors of the network that the server runs now, from pictures that somebody has.

In: a collection of another face model, pictures with the ids of faces that they show. Out: new vectors beside the
former ones; and, once every face has one, all of them in their place at once. Custodes keeps no pictures, so which
faces lack one is told, face by face, and nothing is switched while there is one. A new vector goes with its face:
whoever is erased meanwhile is not in the collection afterwards. What is searched is always of one model: the former one
until the switch (by servers that run that; this one refuses), the new one from then on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from custodes.core.box import BoxRatio
from custodes.core.errors import ConflictError, InvalidParameterError, NotFoundError
from custodes.core.ids import FaceId, ModelVersion, image_id
from custodes.core.pages import PageTokens
from custodes.engine.ports import FaceEngine
from custodes.engine.results.face import DetectedFace, VectorUse
from custodes.gallery.entities import Collection, CollectionKey, Face, GalleryUser, UserSeen
from custodes.gallery.rules import user_vector
from custodes.imaging.image import Image
from custodes.operations.collections.ports import Gallery
from custodes.operations.collections.same_face import overlap
from custodes.operations.images.sources import ImageInput, Pictures
from custodes.operations.requests.command import CollectionCommand
from custodes.operations.requests.gate import Permit
from custodes.operations.requests.properties import Properties, Reveals, Unit

MAX_FACES = 100
"""Of one picture."""
PAGE = 500
_SAME_FACE = 0.5
"""Overlap from which a detection is the enrolled face of its own picture; another network draws another box."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReembedFaces(CollectionCommand):
    """Compute new vectors of ``face_ids`` from a picture that shows them."""

    operation: ClassVar[str] = "ReembedFaces"
    properties: ClassVar[Properties] = Properties(Reveals.RECORDS, True, Unit.IMAGE, enrols=True, waits=True)
    image: ImageInput
    face_ids: tuple[FaceId, ...]

    def check(self) -> None:
        """One picture, and some faces."""
        self.image.check()
        if not 1 <= len(self.face_ids) <= MAX_FACES:
            raise InvalidParameterError(f"Request has invalid parameters: 1 to {MAX_FACES} faces are of one picture.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFacesToReembed(CollectionCommand):
    """How far a collection is, and a page of the faces that have no new vector yet."""

    operation: ClassVar[str] = "ListFacesToReembed"
    properties: ClassVar[Properties] = Properties(Reveals.RECORDS, changes=False)
    max_results: int | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchFaceModel(CollectionCommand):
    """Put the new vectors in the place of the former ones."""

    operation: ClassVar[str] = "SwitchFaceModel"
    properties: ClassVar[Properties] = Properties(Reveals.RECORDS, changes=True, enrols=True)


class Unmatched(StrEnum):
    """Why a picture gave a face no vector."""

    GONE = "GONE"
    """It is not in the collection, or not any more."""
    NOT_IN_PICTURE = "NOT_IN_PICTURE"
    """Where it was enrolled from there is no face now, or there is none at all."""
    AMBIGUOUS = "AMBIGUOUS"
    """The picture is not the one it was enrolled from, and shows several faces, or several were asked for."""


@dataclass(frozen=True, slots=True)
class FacesReembedded:
    """Faces that have a new vector now, and why the others have none."""

    face_ids: tuple[FaceId, ...]
    unmatched: Mapping[FaceId, Unmatched]
    model_version: ModelVersion


@dataclass(frozen=True, slots=True)
class FacesToReembed:
    """``missing`` of ``faces`` lack a vector of ``model_version``; ``page`` are some of these."""

    from_version: ModelVersion
    model_version: ModelVersion
    faces: int
    missing: int
    page: tuple[Face, ...]
    next_token: str | None


class Reembedding:
    """Handles the operations. All raise NotFoundError for an unknown collection."""

    def __init__(self, engine: FaceEngine, gallery: Gallery, pictures: Pictures, pages: PageTokens) -> None:
        """Embed with ``engine``, keep in ``gallery``."""
        self._engine = engine
        self._gallery = gallery
        self._pictures = pictures
        self._pages = pages

    def reembed(self, permit: Permit, command: ReembedFaces) -> FacesReembedded:
        """Raises InvalidParameterError for a collection that is of this server's model already."""
        key = command.key(permit.context.caller)
        collection = self._collection(permit, key)
        image = self._pictures.load(command.image)
        permit.tally.images += 1
        there = self._gallery.faces_by_id(key, command.face_ids)
        seen = self._engine.detect(permit.slot, image).faces
        permit.tally.add(faces_detected=len(seen))
        found, unmatched = _assigned(collection, image, tuple(there.values()), seen)
        unmatched |= {face_id: Unmatched.GONE for face_id in command.face_ids if face_id not in there}
        if found:
            rows = self._engine.embed(permit.slot, image, list(found.values()), VectorUse.ENROL)
            permit.slot.wait()
            vectors = dict(zip(found, rows, strict=True))
            kept = self._gallery.stage_vectors(key, self._engine.model_version, vectors)
            permit.tally.add(faces_reembedded=kept)
        return FacesReembedded(tuple(found), unmatched, self._engine.model_version)

    def listing(self, permit: Permit, command: ListFacesToReembed) -> FacesToReembed:
        """In order of enrolment. Raises PaginationTokenError."""
        key, version = command.key(permit.context.caller), self._engine.model_version
        collection = self._gallery.collection(key)
        scope = (command.operation, key.account_id, key.collection_id)
        if collection.model_version == version:
            return FacesToReembed(version, version, collection.face_count, 0, (), None)
        after = None if command.next_token is None else self._pages.read_row(scope, command.next_token)
        page = self._gallery.unstaged(key, version, after, min(command.max_results or PAGE, PAGE))
        token = None if page.last is None else self._pages.issue(scope, page.last)
        missing = self._gallery.unstaged_count(key, version)
        return FacesToReembed(collection.model_version, version, collection.face_count, missing, page.items, token)

    def switch(self, permit: Permit, command: SwitchFaceModel) -> ModelVersion:
        """The version that is searched from now on; nothing where it is that already.

        Raises:
            ConflictError: a face has no new vector, or somebody changed users meanwhile.
        """
        key, version = command.key(permit.context.caller), self._engine.model_version
        collection = self._gallery.collection(key)
        permit.tally.looked_in(collection)
        if collection.model_version == version:
            return version
        missing = self._gallery.unstaged_count(key, version)
        if missing:
            raise ConflictError(
                f"{missing} of {collection.face_count} faces have no vector of face model {version} yet. "
                "ListFacesToReembed names them; give pictures of them, or delete these faces."
            )
        users = [self._seen(key, version, user) for user in self._users(key)]
        self._gallery.switch_vectors(key, version, self._engine.dimension, users)
        permit.tally.add(faces_switched=collection.face_count)
        return version

    def _collection(self, permit: Permit, key: CollectionKey) -> Collection:
        collection = self._gallery.outline(key)
        permit.tally.looked_in(collection)
        if collection.model_version == self._engine.model_version:
            raise InvalidParameterError(
                f"Request has invalid parameters: {key.collection_id} is of face model {collection.model_version}, "
                "which this server computes: there is nothing to do."
            )
        return collection

    def _users(self, key: CollectionKey) -> Sequence[GalleryUser]:
        found: list[GalleryUser] = []
        after: str | int | None = None
        while True:
            page = self._gallery.users(key, None if after is None else str(after), PAGE)
            found += page.items
            if page.last is None:
                return found
            after = page.last

    def _seen(self, key: CollectionKey, version: ModelVersion, user: GalleryUser) -> UserSeen:
        """The user with its new vector: the mean of those of its faces, as it always is."""
        if not user.face_count:
            return UserSeen(user, None)
        faces = self._gallery.faces(key, None, user.face_count, user_id=user.user_id).items
        try:
            vectors = self._gallery.staged_vectors(key, version, [face.row for face in faces])
        except NotFoundError:
            raise ConflictError("Faces of the collection changed meanwhile; try again.") from None
        if not len(vectors):
            raise ConflictError("Users of the collection changed meanwhile; try again.")
        return UserSeen(user, user_vector(vectors))


def _assigned(
    collection: Collection, image: Image, faces: Sequence[Face], seen: Sequence[DetectedFace]
) -> tuple[dict[FaceId, DetectedFace], dict[FaceId, Unmatched]]:
    """Which face of the picture is which enrolled one, and why the others are none.

    In the picture that a face was enrolled from it is where it was. Of another picture nothing is known but what the
    caller says, so that has to be plain: one face asked for, one there.
    """
    boxes = [one.box_px.to_ratio(image.size) for one in seen]
    own = [face for face in faces if _is_of(collection, image, face)]
    other = [face for face in faces if face not in own]
    found = {face.face_id: seen[at] for face, at in _by_place(own, boxes).items()}
    unmatched = {face.face_id: Unmatched.NOT_IN_PICTURE for face in own if face.face_id not in found}
    if len(other) == 1 and len(seen) == 1 and not own:
        found[other[0].face_id] = seen[0]
        return found, unmatched
    reason = Unmatched.AMBIGUOUS if seen else Unmatched.NOT_IN_PICTURE
    return found, unmatched | {face.face_id: reason for face in other}


def _is_of(collection: Collection, image: Image, face: Face) -> bool:
    return face.image_id == image_id(image.sha256, face.external_image_id, collection.picture_version)


def _by_place(faces: Sequence[Face], boxes: Sequence[BoxRatio]) -> dict[Face, int]:
    """The box of each face that has one, the best overlaps first, each box once."""
    pairs = sorted(
        (
            (overlap(face.box_ratio, box), number, at)
            for number, face in enumerate(faces)
            for at, box in enumerate(boxes)
        ),
        reverse=True,
    )
    found: dict[Face, int] = {}
    for share, number, at in pairs:
        if share >= _SAME_FACE and faces[number] not in found and at not in found.values():
            found[faces[number]] = at
    return found
