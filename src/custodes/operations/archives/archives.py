"""ExportFaces and ImportFaces: a collection a page at a time, with its vectors, so that it can move.

In: a collection; faces as an export gave them. Out: faces with vectors; how many were put in, and which were not.
Whoever has vectors can compare faces outside of the gate, so an export counts as an identification. An import brings no
face back that was erased on this server: it says which they are. Users come with their faces; pictures do not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from custodes.core.box import BoxRatio
from custodes.core.errors import ConflictError, DeniedError, InvalidParameterError
from custodes.core.ids import ExternalImageId, FaceId, ImageId, ModelVersion, UserId
from custodes.core.pages import PageTokens
from custodes.engine.ports import FaceEngine
from custodes.gallery.entities import CollectionKey, Face, NewFace
from custodes.gallery.kernel import UNIT_TOLERANCE
from custodes.gallery.ports import FloatArray
from custodes.gallery.rules import user_vector
from custodes.operations.collections.erasure import Erasures
from custodes.operations.collections.ports import Gallery
from custodes.operations.images.scale import require_same_model
from custodes.operations.requests.command import CollectionCommand
from custodes.operations.requests.gate import Permit
from custodes.operations.requests.properties import Properties, Reveals
from custodes.operations.reviews.redaction import is_held

MAX_ARCHIVED = 500
"""Faces of a page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportFaces(CollectionCommand):
    """Read a page of faces with their vectors, in order of enrolment."""

    operation: ClassVar[str] = "ExportFaces"
    properties: ClassVar[Properties] = Properties(Reveals.IDENTITY, changes=False)
    max_results: int | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ArchivedFace:
    """A face as an archive has it.

    Attributes:
        box_ratio: where it was in its picture.
        vector: little-endian float32, of unit length.
        enrolled_ts_ms: when it was enrolled first, which retention goes by.
    """

    face_id: FaceId
    image_id: ImageId
    external_image_id: ExternalImageId | None
    user_id: UserId | None
    box_ratio: BoxRatio
    confidence_pct: float
    enrolled_ts_ms: int
    vector: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class FacesExported:
    """One page; ``next_token`` is None on the last one."""

    model_version: ModelVersion
    faces: tuple[ArchivedFace, ...]
    next_token: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportFaces(CollectionCommand):
    """Put faces of an export into a collection, under their ids. Doing it again adds nothing."""

    operation: ClassVar[str] = "ImportFaces"
    properties: ClassVar[Properties] = Properties(Reveals.RECORDS, changes=True, enrols=True)
    model_version: ModelVersion
    faces: tuple[ArchivedFace, ...] = field(repr=False)

    def check(self) -> None:
        """Each face once, and no more than a page."""
        if len(self.faces) > MAX_ARCHIVED:
            raise InvalidParameterError(f"Request has invalid parameters: at most {MAX_ARCHIVED} faces at a time.")
        if len({face.face_id for face in self.faces}) < len(self.faces):
            raise InvalidParameterError("Request has invalid parameters: a face is there twice.")


@dataclass(frozen=True, slots=True)
class FacesImported:
    """What came of a page.

    Attributes:
        added: faces that are in the collection now and were not before.
        present: faces that were there.
        erased: faces that were erased on this server and stay so.
        joined: faces that belong to a user now and did not before.
    """

    added: int
    present: int
    erased: tuple[FaceId, ...]
    joined: int


class Archives:
    """Handles both. They raise NotFoundError for an unknown collection, InvalidParameterError for another model."""

    def __init__(self, engine: FaceEngine, gallery: Gallery, pages: PageTokens, erasures: Erasures) -> None:
        """Read and write ``gallery``; ``erasures`` knows what was erased."""
        self._engine = engine
        self._gallery = gallery
        self._pages = pages
        self._erasures = erasures

    def export(self, permit: Permit, command: ExportFaces) -> FacesExported:
        """A page. Raises PaginationTokenError, DeniedError where two persons would have to confirm it."""
        key = command.key(permit.context.caller)
        version = self._version(permit, key)
        scope = (command.operation, key.account_id, key.collection_id)
        after = None if command.next_token is None else self._pages.read_row(scope, command.next_token)
        page = self._gallery.faces(key, after, min(command.max_results or MAX_ARCHIVED, MAX_ARCHIVED))
        vectors = self._gallery.vectors(key, [face.row for face in page.items]) if page.items else ()
        permit.tally.add(faces_exported=len(page.items))
        token = None if page.last is None else self._pages.issue(scope, page.last)
        faces = tuple(_archived(face, vector) for face, vector in zip(page.items, vectors, strict=True))
        return FacesExported(version, faces, token)

    def import_faces(self, permit: Permit, command: ImportFaces) -> FacesImported:
        """Add what is not there and was not erased, then give faces to their users, which are made where needed.

        Raises:
            QuotaError: too many faces or users.
            ConflictError: somebody changed one of the users meanwhile.
        """
        key = command.key(permit.context.caller)
        version = self._version(permit, key)
        if command.model_version != version:
            raise InvalidParameterError(
                f"Request has invalid parameters: these faces are of model {command.model_version}, "
                f"the collection is of {version}."
            )
        now_ms = permit.context.ts_ms
        erased = self._erasures.erased(key.account_id, [face.face_id for face in command.faces])
        wanted = {face.face_id: face for face in command.faces if face.face_id not in erased}
        present = self._gallery.faces_by_id(key, list(wanted))
        new = [self._new(face, now_ms) for face_id, face in wanted.items() if face_id not in present]
        added = self._gallery.add_faces(key, new) if new else ()
        permit.tally.add(faces_enrolled=len(added), faces_left_erased=len(erased))
        joined = self._join(key, wanted)
        permit.tally.add(faces_associated=joined)
        kept = tuple(face.face_id for face in command.faces if face.face_id in erased)
        return FacesImported(len(added), len(present), kept, joined)

    def _version(self, permit: Permit, key: CollectionKey) -> ModelVersion:
        collection = self._gallery.outline(key)
        permit.tally.looked_in(collection)
        require_same_model(self._engine, collection)
        if is_held(permit):
            raise DeniedError("vectors and users cannot be held back until two persons have confirmed them")
        return collection.model_version

    def _new(self, face: ArchivedFace, now_ms: int) -> NewFace:
        return NewFace(
            face_id=face.face_id,
            image_id=face.image_id,
            external_image_id=face.external_image_id,
            box_ratio=face.box_ratio,
            confidence_pct=face.confidence_pct,
            vector=_vector(face.vector, self._engine.dimension),
            enrolled_ts_ms=min(face.enrolled_ts_ms, now_ms),
            model_version=self._engine.model_version,
        )

    def _join(self, key: CollectionKey, wanted: Mapping[FaceId, ArchivedFace]) -> int:
        """Give faces that belong to nobody to the users that they had."""
        by_user: dict[UserId, list[Face]] = {}
        for face_id, face in self._gallery.faces_by_id(key, list(wanted)).items():
            user_id = wanted[face_id].user_id
            if user_id is not None and face.user_id is None:
                by_user.setdefault(user_id, []).append(face)
        for user_id, faces in by_user.items():
            self._give(key, user_id, faces)
        return sum(map(len, by_user.values()))

    def _give(self, key: CollectionKey, user_id: UserId, faces: Sequence[Face]) -> None:
        try:
            self._gallery.create_user(key, user_id)
            self._erasures.created_user(key, self._gallery.user(key, user_id))
        except ConflictError:
            pass  # it is there
        user = self._gallery.user(key, user_id)
        there = self._gallery.faces(key, None, user.face_count, user_id=user_id).items if user.face_count else ()
        rows = [face.row for face in (*there, *faces)]
        vector = user_vector(np.asarray(self._gallery.vectors(key, rows)))
        ids = [face.face_id for face in faces]
        self._gallery.set_user_faces(key, user_id, add=ids, remove=(), vector=vector, seen=user)


def _archived(face: Face, vector: FloatArray) -> ArchivedFace:
    return ArchivedFace(
        face.face_id,
        face.image_id,
        face.external_image_id,
        face.user_id,
        face.box_ratio,
        face.confidence_pct,
        face.enrolled_ts_ms,
        vector.astype("<f4").tobytes(),
    )


def _vector(data: bytes, dimension: int) -> FloatArray:
    """Raises InvalidParameterError for what is no unit vector of ``dimension`` components."""
    found = np.frombuffer(data, "<f4") if len(data) == 4 * dimension else np.zeros(0, np.float32)
    if not found.size or not abs(float(np.linalg.norm(found.astype(np.float64))) - 1) <= UNIT_TOLERANCE:
        raise InvalidParameterError("Request has invalid parameters: a vector is not one of this model.")
    return np.asarray(found, np.float32)
