"""IndexFaces, ListFaces, DeleteFaces: faces of pictures into a collection, and out of it.

Indexing the same bytes with the same ExternalImageId into the same collection again adds nothing and answers with the
faces that are there. A face is recognised as the one enrolled before by its box: detection is deterministic.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from custodes.core.box import BoxRatio, Size
from custodes.core.ids import ExternalImageId, FaceId, ImageId, ModelVersion, UserId, image_id
from custodes.core.pages import PageTokens
from custodes.engine.ports import FaceEngine
from custodes.engine.results.face import DetectedFace, FacesFound, FloatArray, QualityFilter, VectorUse
from custodes.gallery.entities import CollectionKey, Face, NewFace, OutdatedError
from custodes.gallery.rules import Refusal, plan_deletion
from custodes.imaging.image import Image
from custodes.operations.collections.erasure import Erasures
from custodes.operations.collections.ports import Gallery
from custodes.operations.collections.same_face import by_box
from custodes.operations.collections.thumbnails import Thumbnails
from custodes.operations.images.attributes import (
    DEFAULT_ATTRIBUTES,
    Attribute,
    Attributes,
    detail_for,
    shows,
    traits_for,
    without,
)
from custodes.operations.images.scale import require_same_model
from custodes.operations.images.selection import FaceRefused, select
from custodes.operations.images.sources import ImageInput, Pictures
from custodes.operations.requests.command import CollectionCommand
from custodes.operations.requests.gate import Permit
from custodes.operations.requests.properties import Properties, Reveals, Unit

MAX_FACES_PER_IMAGE = 100
DEFAULT_PAGE = 4096
"""Faces per page when the request names no MaxResults; the API documents none, this is its maximum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexFaces(CollectionCommand):
    """Enrol the faces of a picture."""

    operation: ClassVar[str] = "IndexFaces"
    properties: ClassVar[Properties] = Properties(Reveals.RECORDS, True, Unit.IMAGE, enrols=True, waits=True)
    image: ImageInput
    external_image_id: ExternalImageId | None = None
    attributes: Attributes = DEFAULT_ATTRIBUTES
    max_faces: int = MAX_FACES_PER_IMAGE
    quality_filter: QualityFilter = QualityFilter.AUTO

    def facts(self) -> Mapping[str, object]:
        """Whether emotions are asked for."""
        return {"emotions": shows(self.attributes, Attribute.EMOTIONS)}

    def check(self) -> None:
        """The picture has exactly one source."""
        self.image.check()


@dataclass(frozen=True, slots=True)
class Indexed:
    """An enrolled face together with what was found out about it now."""

    face: Face
    detected: DetectedFace


@dataclass(frozen=True, slots=True)
class FacesIndexed:
    """Enrolled and refused faces, each largest first; boxes of detected faces refer to ``size``."""

    indexed: tuple[Indexed, ...]
    refused: tuple[FaceRefused, ...]
    size: Size
    attributes: Attributes
    model_version: ModelVersion


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddedFace:
    """A face that was found and embedded, here or elsewhere by the same networks; ``vector`` (D,) of unit length."""

    box_ratio: BoxRatio
    confidence_pct: float
    vector: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFaces(CollectionCommand):
    """List faces in order of enrolment, only those of a user or of given ids when asked for."""

    operation: ClassVar[str] = "ListFaces"
    properties: ClassVar[Properties] = Properties(Reveals.RECORDS, changes=False)
    max_results: int | None = None
    next_token: str | None = None
    user_id: UserId | None = None
    face_ids: tuple[FaceId, ...] | None = None


@dataclass(frozen=True, slots=True)
class FacesListed:
    """One page; ``next_token`` is None on the last one."""

    faces: tuple[Face, ...]
    next_token: str | None
    model_version: ModelVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteFaces(CollectionCommand):
    """Delete faces."""

    operation: ClassVar[str] = "DeleteFaces"
    properties: ClassVar[Properties] = Properties(Reveals.RECORDS, changes=True)
    face_ids: tuple[FaceId, ...]


@dataclass(frozen=True, slots=True)
class FacesDeleted:
    """Ids of faces that are gone and those that stay, with the reason."""

    face_ids: tuple[FaceId, ...]
    refused: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True)
class FaceIds:
    """Where ids come from and where it is said that they go: ``new`` gives fresh random ones."""

    new: Callable[[], FaceId]
    erasures: Erasures


class FaceOperations:
    """Handles the operations on faces. All raise NotFoundError for an unknown collection."""

    def __init__(
        self,
        engine: FaceEngine,
        gallery: Gallery,
        pictures: Pictures,
        pages: PageTokens,
        ids: FaceIds,
    ) -> None:
        """Embed with ``engine``, keep in ``gallery``."""
        self._engine = engine
        self._gallery = gallery
        self._pictures = pictures
        self._pages = pages
        self._new_face_id = ids.new
        self._erasures = ids.erasures
        self._thumbnails = Thumbnails(gallery)

    def index_faces(self, permit: Permit, command: IndexFaces) -> FacesIndexed:
        """No face is an empty answer. Raises QuotaError, and InvalidParameterError for another model version."""
        key = command.key(permit.context.caller)
        collection = self._gallery.outline(key)
        require_same_model(self._engine, collection)
        image = self._pictures.load(command.image)
        permit.tally.images += 1
        attributes = without(command.attributes, permit.withheld)
        found = self._engine.detect(permit.slot, image, detail_for(attributes))
        faces_told = self._engine.describe(permit.slot, image, found.faces, traits_for(attributes))
        found = FacesFound(found.size, faces_told)
        limit = min(command.max_faces, MAX_FACES_PER_IMAGE)
        selection = select(self._engine, found, command.quality_filter, limit)
        faces = self._enrol(permit, key, image, command.external_image_id, selection.taken)
        self._thumbnails.keep(key, image, list(zip(faces, selection.taken, strict=True)))
        permit.tally.add(faces_detected=len(found.faces))
        return FacesIndexed(
            indexed=tuple(Indexed(face, seen) for face, seen in zip(faces, selection.taken, strict=True)),
            refused=selection.refused,
            size=found.size,
            attributes=attributes,
            model_version=collection.model_version,
        )

    def enrol_seen(
        self, permit: Permit, command: IndexFaces, image: Image, faces: Sequence[DetectedFace]
    ) -> Sequence[Face]:
        """Enrol ``faces`` that were found in ``image`` before; as ``index_faces``, in their order."""
        key = command.key(permit.context.caller)
        require_same_model(self._engine, self._gallery.outline(key))
        permit.tally.images += 1
        found = self._enrol(permit, key, image, command.external_image_id, faces)
        self._thumbnails.keep(key, image, list(zip(found, faces, strict=True)))
        return found

    def enrol_embedded(
        self,
        permit: Permit,
        key: CollectionKey,
        picture: ImageId,
        name: ExternalImageId | None,
        faces: list[EmbeddedFace],
    ) -> list[Face]:
        """The gallery's faces for ``faces`` of one picture, in their order; those not there yet are added."""
        if not faces:
            return []
        new = {index: self._new(permit, picture, name, face) for index, face in enumerate(faces)}
        there = self._gallery.faces_of_image(key, picture)
        present = self._add(permit, key, there, [face.box_ratio for face in faces], new)
        return [present[index] for index in range(len(faces))]

    def _enrol(
        self,
        permit: Permit,
        key: CollectionKey,
        image: Image,
        external_id: ExternalImageId | None,
        taken: Sequence[DetectedFace],
    ) -> list[Face]:
        """The gallery's faces for ``taken``, in that order; those not there yet are embedded and added."""
        if not taken:
            return []
        picture = image_id(image.sha256, external_id, self._gallery.outline(key).picture_version)
        boxes = [face.box_px.to_ratio(image.size) for face in taken]
        there = self._gallery.faces_of_image(key, picture)
        present = by_box(boxes, there)
        missing = [index for index in range(len(taken)) if index not in present]
        if missing:
            vectors = self._engine.embed(permit.slot, image, [taken[i] for i in missing], VectorUse.ENROL)
            embedded = {
                index: EmbeddedFace(boxes[index], taken[index].confidence_pct, vector)
                for index, vector in zip(missing, vectors, strict=True)
            }
            new = {index: self._new(permit, picture, external_id, face) for index, face in embedded.items()}
            present = self._add(permit, key, there, boxes, new)
        permit.slot.wait()  # callers go on to keep pictures
        return [present[index] for index in range(len(taken))]

    def _new(self, permit: Permit, picture: ImageId, name: ExternalImageId | None, face: EmbeddedFace) -> NewFace:
        return NewFace(
            face_id=self._new_face_id(),
            image_id=picture,
            external_image_id=name,
            box_ratio=face.box_ratio,
            confidence_pct=face.confidence_pct,
            vector=face.vector,
            enrolled_ts_ms=permit.context.ts_ms,
            model_version=self._engine.model_version,
        )

    def _add(
        self,
        permit: Permit,
        key: CollectionKey,
        there: Sequence[Face],
        boxes: list[BoxRatio],
        new: Mapping[int, NewFace],
    ) -> dict[int, Face]:
        """Add what is missing beside ``there``; the same picture may come twice at a time, here or at other servers."""
        permit.slot.wait()
        picture = next(iter(new.values())).image_id
        while True:
            present = by_box(boxes, there)
            missing = [index for index in new if index not in present]
            if not missing:
                return present
            try:
                known = [face.face_id for face in there]
                added = self._gallery.add_faces(key, [new[index] for index in missing], known)
            except OutdatedError:
                there = self._gallery.faces_of_image(key, picture)
                continue
            permit.tally.add(faces_enrolled=len(added))
            return present | dict(zip(missing, added, strict=True))

    def list_faces(self, permit: Permit, command: ListFaces) -> FacesListed:
        """Raises PaginationTokenError."""
        key = command.key(permit.context.caller)
        version = self._gallery.collection(key).model_version
        scope = (command.operation, key.account_id, key.collection_id, _filter_digest(command))
        after = None if command.next_token is None else self._pages.read_row(scope, command.next_token)
        limit = command.max_results or DEFAULT_PAGE
        page = self._gallery.faces(key, after, limit, user_id=command.user_id, face_ids=command.face_ids)
        token = None if page.last is None else self._pages.issue(scope, page.last)
        return FacesListed(page.items, token, version)

    def delete_faces(self, permit: Permit, command: DeleteFaces) -> FacesDeleted:
        """Unknown faces and faces of users are refused one by one; the others go."""
        key = command.key(permit.context.caller)
        plan = plan_deletion(command.face_ids, self._gallery.faces_by_id(key, command.face_ids))
        ids = [face.face_id for face in plan.accepted]
        if not ids:
            return FacesDeleted((), plan.refused)
        self._erasures.erase(key, ids)
        gone = tuple(face.face_id for face in self._gallery.delete_faces(key, ids))
        permit.tally.add(faces_erased=len(gone))
        late = [face_id for face_id in ids if face_id not in set(gone)]
        if not late:
            return FacesDeleted(tuple(ids), plan.refused)
        # Somebody gave these to a user, or deleted them, after the plan was made.
        present = self._gallery.faces_by_id(key, late)
        self._erasures.stayed(key, list(present))
        again = plan_deletion(late, present)
        return FacesDeleted(gone, (*plan.refused, *again.refused))


def _filter_digest(command: ListFaces) -> str:
    """Names the filters of a listing in a few characters; 4,096 ids would not fit into a token's scope comfortably."""
    parts = ("" if command.user_id is None else f"u{command.user_id}", *(command.face_ids or ()))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
