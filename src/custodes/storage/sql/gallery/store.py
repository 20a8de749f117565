"""The GalleryStore over the embedded database: one transaction per call, vectors sealed outside of it.

In: calls of the port. Out: entities. SQL is in the files beside this one, keys in ``seal``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from custodes.core.errors import ConflictError, NotFoundError
from custodes.core.ids import AccountId, FaceId, ImageId, UserId
from custodes.gallery.entities import (
    Collection,
    CollectionKey,
    Face,
    GalleryUser,
    IdempotentReply,
    NewFace,
    Page,
    Quotas,
    RetentionRule,
)
from custodes.gallery.following import CollectionVersion, VectorChanges
from custodes.gallery.kernel import require_unit
from custodes.gallery.ports import FloatArray
from custodes.gallery.shelf import VectorKind
from custodes.storage.files.seal import KeyBox, Randomness
from custodes.storage.files.segment_files import SegmentFiles
from custodes.storage.sql.database import Database
from custodes.storage.sql.gallery import (
    change_rows,
    collection_rows,
    face_rows,
    note_rows,
    retention_rows,
    segment_rows,
    thumbnail_rows,
    user_rows,
)
from custodes.storage.sql.gallery.collection_rows import CollectionRow
from custodes.storage.sql.gallery.sealed_segments import ALL_ROWS, FACES, USERS, VectorRows
from custodes.storage.sql.gallery.staging import StagingStore
from custodes.storage.sql.gallery.vectors import open_all
from custodes.storage.sql.master import open_master

T = TypeVar("T")

QuotasOf = Callable[[AccountId], Quotas]
"""The lasting limits of an account; answers from memory."""


class SqlGalleryStore(StagingStore):
    """A durable GalleryStore."""

    def __init__(
        self, database: Database, master: KeyBox, randomness: Randomness, quotas: QuotasOf, files: SegmentFiles | None
    ) -> None:
        """Keep the parts; use ``open``."""
        super().__init__(database, master, randomness, files)
        self._kept = 0
        self._quotas = quotas

    @classmethod
    def open(
        cls,
        database: Database,
        directory: Path,
        randomness: Randomness,
        quotas: QuotasOf = lambda _: Quotas(),
        files: SegmentFiles | None = None,
        *,
        changes_kept: int = 0,
    ) -> SqlGalleryStore:
        """The store of an open ``database`` with the master key in ``directory``, which is created with the database.

        Args:
            database: stays the caller's to close.
            directory: the data directory.
            randomness: for keys and nonces; ``os.urandom`` outside tests.
            quotas: lasting limits by account.
            files: where sealed copies of vectors are kept, so that the next start need not open them one by one.
            changes_kept: how many changes back other processes may be that have the same database; 0 where none has.

        Raises:
            UnavailableError: the master key is missing or wrong.
        """
        master = open_master(database, directory, randomness)
        store = cls(database, master, randomness, quotas, files)
        store._kept = changes_kept
        store._segments.begin()
        return store

    # collections
    def create_collection(self, collection: Collection, tags: Mapping[str, str]) -> None:
        """See GalleryStore."""
        quotas = self._quotas(collection.key.account_id)

        def change(connection: Connection) -> None:
            collection_rows.create(connection, collection, self._master, self._randomness, quotas.collections)
            note_rows.put_tags(
                connection, collection_rows.find(connection, collection.key), tags, quotas.tags_per_collection
            )

        self._database.write(change)

    def collection(self, key: CollectionKey) -> Collection:
        """See GalleryStore."""
        return self._place(key).collection

    def collections(self, account_id: AccountId, after: str | None, limit: int) -> Page[Collection]:
        """See GalleryStore."""
        with self._database.read() as connection:
            return collection_rows.listing(connection, account_id, after, limit)

    def delete_collection(self, key: CollectionKey) -> None:
        """See GalleryStore."""

        def change(connection: Connection, place: CollectionRow) -> list[str]:
            files = segment_rows.of_collection(connection, place)
            collection_rows.remove(connection, place)
            return files

        self._segments.remove(self._write(key, change, erases=True))

    # faces
    def add_faces(
        self, key: CollectionKey, faces: Sequence[NewFace], known: Sequence[FaceId] | None = None
    ) -> tuple[Face, ...]:
        """See GalleryStore."""
        place = self._place(key)
        for face in faces:
            require_unit(face.vector[None], place.collection.dimension)
        if not faces:
            return ()
        sealed, quota = face_rows.seal(place, self._box(place), faces), self._quotas(key.account_id)
        most = quota.faces_per_collection
        return self._database.write(lambda connection: face_rows.enrol(connection, place, faces, sealed, most, known))

    def faces_of_image(self, key: CollectionKey, image_id: ImageId) -> tuple[Face, ...]:
        """See GalleryStore."""
        return self._read(key, lambda connection, place: face_rows.of_image(connection, place, image_id))

    def faces(
        self,
        key: CollectionKey,
        after: int | None,
        limit: int,
        user_id: UserId | None = None,
        face_ids: Sequence[FaceId] | None = None,
    ) -> Page[Face]:
        """See GalleryStore."""
        return self._read(
            key, lambda connection, place: face_rows.listing(connection, place, after, limit, user_id, face_ids)
        )

    def faces_by_id(self, key: CollectionKey, face_ids: Sequence[FaceId]) -> dict[FaceId, Face]:
        """See GalleryStore."""
        return self._read(key, lambda connection, place: face_rows.by_id(connection, place, face_ids))

    def faces_by_row(self, key: CollectionKey, rows: Sequence[int]) -> dict[int, Face]:
        """See GalleryStore."""
        found = face_rows.by_row(self._database, key, rows)
        if not found:
            self._place(key)  # raises where there is no such collection
        return found

    def faces_enrolled_before(self, key: CollectionKey, ts_ms: int, limit: int) -> tuple[Face, ...]:
        """See GalleryStore."""
        return self._read(key, lambda connection, place: face_rows.enrolled_before(connection, place, ts_ms, limit))

    def delete_faces(self, key: CollectionKey, face_ids: Sequence[FaceId]) -> tuple[Face, ...]:
        """See GalleryStore."""

        def change(connection: Connection, place: CollectionRow) -> tuple[tuple[Face, ...], list[str]]:
            gone = face_rows.remove(connection, place, face_ids)
            self._changed(connection, place, FACES, [face.row for face in gone])
            return gone, segment_rows.forget(connection, place, FACES.kind, [face.row for face in gone])

        faces, files = self._write(key, change, erases=True)
        self._segments.remove(files)
        return faces

    def put_thumbnails(self, key: CollectionKey, pictures: Mapping[FaceId, bytes]) -> None:
        """See GalleryStore."""
        place = self._place(key)
        sealed = thumbnail_rows.seal(place, self._box(place), pictures)
        self._database.write(
            lambda connection: thumbnail_rows.put(connection, collection_rows.find_same(connection, place), sealed)
        )

    def thumbnails(self, key: CollectionKey, face_ids: Sequence[FaceId]) -> dict[FaceId, bytes]:
        """See GalleryStore."""
        place = self._place(key)
        found = self._read(key, lambda connection, now: thumbnail_rows.find(connection, now, face_ids))
        return thumbnail_rows.unseal(place, self._box(place), found)

    def vectors(self, key: CollectionKey, rows: Sequence[int]) -> FloatArray:
        """See GalleryStore. Raises UnavailableError naming a face whose vector is damaged."""
        with self._database.read() as connection:
            place = collection_rows.find(connection, key)
            found = face_rows.sealed_by_row(connection, place, rows)
        if any(row not in found for row in rows):
            raise NotFoundError("A face does not exist any more")
        return open_all(place, self._box(place), "face", [found[row] for row in rows])

    def face_vectors(self, key: CollectionKey) -> Iterator[tuple[NDArray[np.int64], FloatArray]]:
        """See GalleryStore. Raises UnavailableError naming a face whose vector is damaged."""
        return self._batches(key, FACES)

    def face_vectors_within(
        self, key: CollectionKey, ranges: Sequence[tuple[int, int]]
    ) -> Iterator[tuple[NDArray[np.int64], FloatArray]]:
        """See ShardStore. Raises UnavailableError naming a face whose vector is damaged."""
        return self._batches(key, FACES, ranges)

    # users
    def create_user(self, key: CollectionKey, user_id: UserId) -> None:
        """See GalleryStore."""
        quota = self._quotas(key.account_id).users_per_collection
        self._write(key, lambda connection, place: user_rows.create(connection, place, user_id, quota))

    def user(self, key: CollectionKey, user_id: UserId) -> GalleryUser:
        """See GalleryStore."""
        return self._read(key, lambda connection, place: user_rows.find(connection, place, user_id))

    def users_by_row(self, key: CollectionKey, rows: Sequence[int]) -> dict[int, GalleryUser]:
        """See GalleryStore."""
        return self._read(key, lambda connection, place: user_rows.by_row(connection, place, rows))

    def users(self, key: CollectionKey, after: str | None, limit: int) -> Page[GalleryUser]:
        """See GalleryStore."""
        return self._read(key, lambda connection, place: user_rows.listing(connection, place, after, limit))

    def delete_user(self, key: CollectionKey, user_id: UserId) -> None:
        """See GalleryStore."""

        def change(connection: Connection, place: CollectionRow) -> list[str]:
            row = user_rows.remove(connection, place, user_id)
            self._changed(connection, place, USERS, [row])
            return segment_rows.forget(connection, place, USERS.kind, [row])

        self._segments.remove(self._write(key, change, erases=True))

    def set_user_faces(
        self,
        key: CollectionKey,
        user_id: UserId,
        *,
        add: Sequence[FaceId],
        remove: Sequence[FaceId],
        vector: FloatArray | None,
        seen: GalleryUser | None = None,
    ) -> GalleryUser:
        """See GalleryStore."""
        place = self._place(key)
        sealed = None
        if vector is not None:
            require_unit(vector[None], place.collection.dimension)
            names = place.vector_names("user", user_id, place.collection.model_version)
            sealed = self._box(place).seal(vector, names)

        def change(connection: Connection) -> tuple[GalleryUser, list[str]]:
            now = collection_rows.find_same(connection, place)
            user = user_rows.find(connection, now, user_id)
            user_rows.require_unchanged(user, seen)
            count = user_rows.set_faces(connection, now, user, add, remove, self._quotas(key.account_id).faces_per_user)
            if bool(count) != (sealed is not None):
                raise ConflictError("The user's faces changed meanwhile")
            files = segment_rows.forget(connection, now, USERS.kind, [user.row])
            collection_rows.count(connection, now)
            self._changed(connection, now, USERS, [user.row])
            return user_rows.set_vector(connection, now, user, count, sealed), files

        changed, files = self._database.write(change, erases=True)
        self._segments.remove(files)
        return changed

    def user_vectors(self, key: CollectionKey) -> Iterator[tuple[NDArray[np.int64], FloatArray]]:
        """See GalleryStore. Raises UnavailableError naming a user whose vector is damaged."""
        return self._batches(key, USERS)

    def user_vector(self, key: CollectionKey, user_id: UserId) -> FloatArray | None:
        """See GalleryStore. Raises UnavailableError when the vector is damaged."""
        with self._database.read() as connection:
            place = collection_rows.find(connection, key)
            sealed = user_rows.sealed_of(connection, place, user_id)
        return None if sealed is None else open_all(place, self._box(place), "user", [sealed])[0]

    # the next start
    def keys_by_size(self) -> list[CollectionKey]:
        """All collections with faces, the largest first. Raises UnavailableError."""
        with self._database.read() as connection:
            return collection_rows.by_size(connection)

    def every_collection(self) -> list[Collection]:
        """All collections of all accounts. Raises UnavailableError."""
        with self._database.read() as connection:
            return collection_rows.every(connection)

    def seal_vectors(self, key: CollectionKey) -> int:
        """Keep sealed copies of vectors that have none, where they are many; returns how many files were written.

        Raises:
            NotFoundError: no such collection.
            UnavailableError: the database cannot be read or written, or a vector is damaged.
        """
        place = self._place(key)
        box = self._box(place)
        return sum(self._segments.seal(place, box, source) for source in (FACES, USERS))

    def tidy_copies(self) -> None:
        """Remove copies whose keys were destroyed, here or by another server. Raises UnavailableError."""
        self._segments.tidy()

    # retention
    def retention_rules(self) -> tuple[RetentionRule, ...]:
        """See GalleryStore."""
        with self._database.read() as connection:
            return retention_rows.listing(connection)

    def set_retention_rule(self, key: CollectionKey, days: int | None) -> None:
        """See GalleryStore."""
        retention_rows.require_days(days)
        self._write(key, lambda connection, place: retention_rows.put(connection, place, days))

    # tags and idempotency
    def tags(self, key: CollectionKey) -> dict[str, str]:
        """See GalleryStore."""
        return self._read(key, note_rows.tags)

    def put_tags(self, key: CollectionKey, tags: Mapping[str, str]) -> None:
        """See GalleryStore."""
        quota = self._quotas(key.account_id).tags_per_collection
        self._write(key, lambda connection, place: note_rows.put_tags(connection, place, tags, quota))

    def drop_tags(self, key: CollectionKey, tag_keys: Sequence[str]) -> None:
        """See GalleryStore."""
        self._write(key, lambda connection, place: note_rows.drop_tags(connection, place, tag_keys))

    def reply(self, account_id: AccountId, operation: str, token: str) -> IdempotentReply | None:
        """See GalleryStore."""
        with self._database.read() as connection:
            return note_rows.reply(connection, account_id, operation, token)

    def keep_reply(self, account_id: AccountId, operation: str, token: str, reply: IdempotentReply, ts_ms: int) -> None:
        """See GalleryStore."""
        self._database.write(
            lambda connection: note_rows.keep_reply(connection, account_id, operation, token, reply, ts_ms)
        )

    # other processes
    def version(self, key: CollectionKey) -> CollectionVersion:
        """See CountingStore."""
        return change_rows.version(self._database, key)

    def beginning(self, key: CollectionKey) -> tuple[CollectionVersion, int]:
        """See CountingStore."""
        return self._read(
            key,
            lambda connection, place: (place.changed, change_rows.highest_face(connection, place)),
        )

    def changes(
        self, key: CollectionKey, kind: VectorKind, since: CollectionVersion, after: int
    ) -> VectorChanges | None:
        """See CountingStore."""
        source = FACES if kind is VectorKind.FACES else USERS
        with self._database.read() as connection:
            place = collection_rows.find(connection, key)
            if place.row != since.row:
                return None
            found = change_rows.changes(connection, place, source, since.changes, after)
        if found is None:
            return None
        return change_rows.changed(place, found, lambda sealed: open_all(place, self._box(place), source.kind, sealed))

    def _changed(self, connection: Connection, place: CollectionRow, source: VectorRows, rows: Sequence[int]) -> None:
        if self._kept:
            change_rows.record(connection, place, source, rows, self._kept)

    def _batches(
        self, key: CollectionKey, source: VectorRows, within: Sequence[tuple[int, int]] = ALL_ROWS
    ) -> Iterator[tuple[NDArray[np.int64], FloatArray]]:
        place = self._place(key)
        yield from self._segments.batches(place, self._box(place), source, within)
