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
from custodes.gallery.kernel import require_unit
from custodes.gallery.ports import FloatArray
from custodes.storage.files.seal import KeyBox, Randomness
from custodes.storage.sql.database import Database
from custodes.storage.sql.gallery import (
    collection_rows,
    face_rows,
    note_rows,
    retention_rows,
    thumbnail_rows,
    user_rows,
)
from custodes.storage.sql.gallery.collection_rows import CollectionRow
from custodes.storage.sql.gallery.vectors import SealedRow, open_all
from custodes.storage.sql.master import open_master

T = TypeVar("T")

_BATCH_ROWS = 4096

QuotasOf = Callable[[AccountId], Quotas]
"""The lasting limits of an account; answers from memory."""

SealedBatch = Callable[[Connection, CollectionRow, int, int], list[SealedRow]]


class SqlGalleryStore:
    """A durable GalleryStore."""

    def __init__(self, database: Database, master: KeyBox, randomness: Randomness, quotas: QuotasOf) -> None:
        """Keep the parts; use ``open``."""
        self._database = database
        self._master = master
        self._randomness = randomness
        self._quotas = quotas

    @classmethod
    def open(
        cls, database: Database, directory: Path, randomness: Randomness, quotas: QuotasOf = lambda _: Quotas()
    ) -> SqlGalleryStore:
        """The store of an open ``database`` with the master key in ``directory``, which is created with the database.

        Args:
            database: stays the caller's to close.
            directory: the data directory.
            randomness: for keys and nonces; ``os.urandom`` outside tests.
            quotas: lasting limits by account.

        Raises:
            UnavailableError: the master key is missing or wrong.
        """
        master = open_master(database, directory, randomness)
        return cls(database, master, randomness, quotas)

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
        self._write(key, collection_rows.remove, erases=True)

    # faces
    def add_faces(self, key: CollectionKey, faces: Sequence[NewFace]) -> tuple[Face, ...]:
        """See GalleryStore."""
        place = self._place(key)
        for face in faces:
            require_unit(face.vector[None], place.collection.dimension)
        if not faces:
            return ()
        sealed = face_rows.seal(place, self._box(place), faces)

        def change(connection: Connection) -> tuple[Face, ...]:
            now = collection_rows.find_same(connection, place)
            return face_rows.enrol(connection, now, faces, sealed, self._quotas(key.account_id).faces_per_collection)

        return self._database.write(change)

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
        found = face_rows.by_row(self._database.fetch, key, rows)
        if not found:
            self._place(key)  # raises where there is no such collection
        return found

    def faces_enrolled_before(self, key: CollectionKey, ts_ms: int, limit: int) -> tuple[Face, ...]:
        """See GalleryStore."""
        return self._read(key, lambda connection, place: face_rows.enrolled_before(connection, place, ts_ms, limit))

    def delete_faces(self, key: CollectionKey, face_ids: Sequence[FaceId]) -> tuple[Face, ...]:
        """See GalleryStore."""
        return self._database.write(
            lambda connection: face_rows.remove(connection, collection_rows.find(connection, key), face_ids),
            erases=True,
        )

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
        return self._batches(key, "face", face_rows.sealed_after)

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
        self._write(key, lambda connection, place: user_rows.remove(connection, place, user_id), erases=True)

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

        def change(connection: Connection) -> GalleryUser:
            now = collection_rows.find_same(connection, place)
            user = user_rows.find(connection, now, user_id)
            user_rows.require_unchanged(user, seen)
            count = user_rows.set_faces(connection, now, user, add, remove, self._quotas(key.account_id).faces_per_user)
            if bool(count) != (sealed is not None):
                raise ConflictError("The user's faces changed meanwhile")
            return user_rows.set_vector(connection, now, user, count, sealed)

        return self._database.write(change, erases=True)

    def user_vectors(self, key: CollectionKey) -> Iterator[tuple[NDArray[np.int64], FloatArray]]:
        """See GalleryStore. Raises UnavailableError naming a user whose vector is damaged."""
        return self._batches(key, "user", user_rows.sealed_after)

    def user_vector(self, key: CollectionKey, user_id: UserId) -> FloatArray | None:
        """See GalleryStore. Raises UnavailableError when the vector is damaged."""
        with self._database.read() as connection:
            place = collection_rows.find(connection, key)
            sealed = user_rows.sealed_of(connection, place, user_id)
        return None if sealed is None else open_all(place, self._box(place), "user", [sealed])[0]

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

    def _batches(
        self, key: CollectionKey, kind: str, sealed_after: SealedBatch
    ) -> Iterator[tuple[NDArray[np.int64], FloatArray]]:
        place = self._place(key)
        box, after = self._box(place), 0
        while True:
            with self._database.read() as connection:
                batch = sealed_after(connection, place, after, _BATCH_ROWS)
            if not batch:
                return
            yield np.array([row.row for row in batch], np.int64), open_all(place, box, kind, batch)
            after = batch[-1].row
