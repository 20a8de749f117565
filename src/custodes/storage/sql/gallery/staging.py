"""Collections that are turned into vectors of another model: what waits beside, and the moment when it takes the place.

In: an open database, keys. Out: the part of a GalleryStore that re-embedding needs, on which the whole one stands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from sqlalchemy import Connection

from custodes.core.errors import ConflictError, NotFoundError
from custodes.core.ids import FaceId, ModelVersion
from custodes.gallery.entities import CollectionKey, Face, Page, UserSeen
from custodes.gallery.kernel import require_unit
from custodes.gallery.ports import FloatArray
from custodes.storage.files.seal import KeyBox, Randomness
from custodes.storage.files.segment_files import SegmentFiles
from custodes.storage.sql.database import Database
from custodes.storage.sql.gallery import collection_rows, face_rows, segment_rows, staged_rows, user_rows
from custodes.storage.sql.gallery.collection_rows import CollectionRow
from custodes.storage.sql.gallery.sealed_segments import SealedSegments
from custodes.storage.sql.gallery.vectors import open_all

T = TypeVar("T")


class StagingStore:
    """Reads and writes collections, and what waits beside their vectors."""

    def __init__(self, database: Database, master: KeyBox, randomness: Randomness, files: SegmentFiles | None) -> None:
        """Keep the parts."""
        self._database = database
        self._master = master
        self._randomness = randomness
        self._segments = SealedSegments(database, files, randomness)

    def stage_vectors(self, key: CollectionKey, version: ModelVersion, vectors: Mapping[FaceId, FloatArray]) -> int:
        """See GalleryStore."""
        place = self._place(key)
        box = self._box(place)
        sealed = {
            face_id: box.seal(require_unit(vector[None], vector.shape[-1])[0], _face_names(place, face_id, version))
            for face_id, vector in vectors.items()
        }
        return self._database.write(
            lambda connection: staged_rows.put(
                connection, collection_rows.find_same(connection, place), version, sealed
            )
        )

    def unstaged(self, key: CollectionKey, version: ModelVersion, after: int | None, limit: int) -> Page[Face]:
        """See GalleryStore."""
        return self._read(
            key,
            lambda connection, place: face_rows.listing_of(
                connection, place, after, limit, staged_rows.missing(place, version)
            ),
        )

    def unstaged_count(self, key: CollectionKey, version: ModelVersion) -> int:
        """See GalleryStore."""
        return self._read(key, lambda connection, place: staged_rows.missing_count(connection, place, version))

    def staged_vectors(self, key: CollectionKey, version: ModelVersion, rows: Sequence[int]) -> FloatArray:
        """See GalleryStore. Raises UnavailableError naming a face whose vector is damaged."""
        with self._database.read() as connection:
            place = collection_rows.find(connection, key)
            found = staged_rows.sealed_by_row(connection, place, version, rows)
        if any(row not in found for row in rows):
            raise NotFoundError("A face has no vector of the other model")
        return open_all(place, self._box(place), "face", [found[row] for row in rows], None)

    def switch_vectors(
        self, key: CollectionKey, version: ModelVersion, dimension: int, users: Sequence[UserSeen]
    ) -> None:
        """See GalleryStore."""
        place = self._place(key)
        box = self._box(place)
        sealed = [
            None
            if one.vector is None
            else box.seal(
                require_unit(one.vector[None], dimension)[0], place.vector_names("user", one.user.user_id, version)
            )
            for one in users
        ]

        def change(connection: Connection) -> list[str]:
            now = collection_rows.find_same(connection, place)
            staged_rows.require_users(connection, now, {one.user.row: one.user.revision for one in users})
            staged_rows.take_their_place(connection, now, version)
            for one, vector in zip(users, sealed, strict=True):
                if bool(one.user.face_count) != (vector is not None):
                    raise ConflictError("A vector of a user is missing or left over")
                user_rows.set_vector(connection, now, one.user, one.user.face_count, vector)
            files = segment_rows.forget_all(connection, now)
            collection_rows.switch(connection, now, version, dimension)
            return files

        self._segments.remove(self._database.write(change, erases=True))

    def _read(self, key: CollectionKey, question: Callable[[Connection, CollectionRow], T]) -> T:
        with self._database.read() as connection:
            return question(connection, collection_rows.find(connection, key))

    def _write(
        self, key: CollectionKey, change: Callable[[Connection, CollectionRow], T], *, erases: bool = False
    ) -> T:
        return self._database.write(
            lambda connection: change(connection, collection_rows.find(connection, key)), erases=erases
        )

    def _place(self, key: CollectionKey) -> CollectionRow:
        return self._read(key, lambda _, place: place)

    def _box(self, place: CollectionRow) -> KeyBox:
        return place.box(self._master, self._randomness)


def _face_names(place: CollectionRow, face_id: FaceId, version: ModelVersion) -> bytes:
    return place.vector_names("face", face_id, version)
