"""A gallery store whose vectors can be searched: the store is the truth, the indexes are caches kept in step with it.

In: the calls of GalleryStore, and searches. Out: the store's answers, and exact hits. A change is acknowledged only
after the store has it durably *and* the index shows it, so every later search finds an added face and no later search
finds a deleted one. It scores nothing and stores nothing itself.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

import numpy as np
from numpy.typing import NDArray

from custodes.core.errors import CustodesError, NotFoundError, NotReadyError, UnavailableError
from custodes.core.ids import AccountId, FaceId, ImageId, ModelVersion, UserId
from custodes.gallery.entities import (
    Collection,
    CollectionKey,
    Face,
    GalleryUser,
    Hit,
    IdempotentReply,
    NewFace,
    Page,
    RetentionRule,
    UserSeen,
    rows_of,
)
from custodes.gallery.ports import FloatArray, GalleryStore, NewFaceIndex, VectorIndex
from custodes.gallery.shelf import Cache, CollectionCache, Filling, VectorKind


class IndexedGallery:
    """A GalleryStore with ``search_faces`` and ``search_users``. It must be the only writer of its store."""

    def __init__(
        self,
        store: GalleryStore,
        new_index: Callable[[int], VectorIndex],
        search_wait_s: float | None = None,
        new_face_index: NewFaceIndex | None = None,
    ) -> None:
        """Keep the parts.

        Args:
            store: the truth.
            new_index: makes an empty index for vectors of a dimension.
            new_face_index: makes those of faces instead.
            search_wait_s: how long a search waits for an index that is not filled yet; None for as long as it takes.
        """
        self._store = store
        self._new_index = new_index
        self._new_face_index = new_face_index
        self._search_wait_s = search_wait_s
        self._closing = threading.Event()
        self._shelves: dict[CollectionKey, CollectionCache] = {}
        self._shelves_lock = threading.Lock()

    # searches
    def search_faces(
        self, key: CollectionKey, vector: FloatArray, limit: int, min_cosine: float, model: ModelVersion | None = None
    ) -> tuple[Hit, ...]:
        """At most ``limit`` faces with cosine >= ``min_cosine`` to the unit ``vector`` (D,), best first, then by row.

        ``model`` is the version of ``vector``, where the collection may be switched to another one meanwhile.

        Raises:
            NotFoundError: no such collection.
            NotReadyError: vectors are being read for longer than a search may wait, or were switched meanwhile.
            UnavailableError: the store cannot be read, or a stored vector is damaged.
        """
        return self._hits(key, VectorKind.FACES, (vector, limit, min_cosine), model)

    def search_users(
        self, key: CollectionKey, vector: FloatArray, limit: int, min_cosine: float, model: ModelVersion | None = None
    ) -> tuple[Hit, ...]:
        """The same over the vectors of users; a user without faces has none."""
        return self._hits(key, VectorKind.USERS, (vector, limit, min_cosine), model)

    def _hits(
        self, key: CollectionKey, kind: VectorKind, sought: tuple[FloatArray, int, float], model: ModelVersion | None
    ) -> tuple[Hit, ...]:
        """What is found. Looked at afterwards: the version now was that of the whole search, no version comes back."""
        found = self._found(key, kind, sought)
        if model is not None and self._version_now(key) != model:
            raise NotReadyError("The collection was switched to another face model; try again")
        return found

    def _found(self, key: CollectionKey, kind: VectorKind, sought: tuple[FloatArray, int, float]) -> tuple[Hit, ...]:
        return self._searched(key, kind).search(*sought)

    def _version_now(self, key: CollectionKey) -> str:
        return self.outline(key).model_version

    def warm(self, key: CollectionKey) -> None:
        """Fill both indexes now, so that the first search does not pay for it. Raises as ``search_faces``."""
        for kind in VectorKind:
            self._shelf(key).cache(kind).filled(self._filling(key, kind))

    def warmed(self) -> tuple[CollectionKey, ...]:
        """Collections whose faces are in memory."""
        with self._shelves_lock:
            return tuple(key for key, shelf in self._shelves.items() if shelf.faces.index is not None)

    def take_searches(self) -> dict[CollectionKey, int]:
        """How often each collection was searched since this was last asked."""
        with self._shelves_lock:
            counted = {key: shelf.searches for key, shelf in self._shelves.items() if shelf.searches}
            for key in counted:
                self._shelves[key].searches = 0
        return counted

    def close(self) -> None:
        """Stop reading vectors, and let go of what is held outside of this process. Harmless when called again."""
        self._closing.set()
        with self._shelves_lock:
            shelves = list(self._shelves.values())
        for shelf in shelves:
            shelf.let_go()

    # collections
    def create_collection(self, collection: Collection, tags: Mapping[str, str]) -> None:
        """See GalleryStore."""
        self._store.create_collection(collection, tags)

    def collection(self, key: CollectionKey) -> Collection:
        """See GalleryStore."""
        return self._store.collection(key)

    def outline(self, key: CollectionKey) -> Collection:
        """The collection with counts that may be outdated, without a look into the store but the first time.

        Raises:
            NotFoundError: no such collection. Certain once a deletion was acknowledged.
        """
        shelf = self._shelf(key)
        if shelf.outline is None:
            # The shelf stands already, so a deletion after this look takes it away together with what was seen.
            shelf.outline = self._store.collection(key)
        return shelf.outline

    def collections(self, account_id: AccountId, after: str | None, limit: int) -> Page[Collection]:
        """See GalleryStore."""
        return self._store.collections(account_id, after, limit)

    def delete_collection(self, key: CollectionKey) -> None:
        """See GalleryStore. A collection of the same id created afterwards starts with empty indexes."""
        with self._changing(key, VectorKind.FACES, alone=True), self._changing(key, VectorKind.USERS, alone=True):
            try:
                self._store.delete_collection(key)
            finally:  # after a failure, too: the collection may be gone all the same
                self._put_away(key)

    # faces
    def add_faces(
        self, key: CollectionKey, faces: Sequence[NewFace], known: Sequence[FaceId] | None = None
    ) -> tuple[Face, ...]:
        """See GalleryStore. Found by every search that starts after this returned."""
        with self._changing(key, VectorKind.FACES, alone=False) as cache:
            added = self._store.add_faces(key, faces, known)
            if added:
                cache.add(rows_of(added), np.stack([face.vector for face in faces]))
            return added

    def faces_of_image(self, key: CollectionKey, image_id: ImageId) -> tuple[Face, ...]:
        """See GalleryStore."""
        return self._store.faces_of_image(key, image_id)

    def faces(
        self,
        key: CollectionKey,
        after: int | None,
        limit: int,
        user_id: UserId | None = None,
        face_ids: Sequence[FaceId] | None = None,
    ) -> Page[Face]:
        """See GalleryStore."""
        return self._store.faces(key, after, limit, user_id, face_ids)

    def faces_by_id(self, key: CollectionKey, face_ids: Sequence[FaceId]) -> dict[FaceId, Face]:
        """See GalleryStore."""
        return self._store.faces_by_id(key, face_ids)

    def faces_by_row(self, key: CollectionKey, rows: Sequence[int]) -> dict[int, Face]:
        """See GalleryStore. A face deleted since a search is missing."""
        return self._shelf(key).known.of(rows, lambda missing: self._store.faces_by_row(key, missing))

    def faces_enrolled_before(self, key: CollectionKey, ts_ms: int, limit: int) -> tuple[Face, ...]:
        """See GalleryStore."""
        return self._store.faces_enrolled_before(key, ts_ms, limit)

    def delete_faces(self, key: CollectionKey, face_ids: Sequence[FaceId]) -> tuple[Face, ...]:
        """See GalleryStore. Found by no search that starts after this returned."""
        with self._changing(key, VectorKind.FACES, alone=True) as cache:
            gone = self._store.delete_faces(key, face_ids)
            cache.remove(rows_of(gone))
            return gone

    def put_thumbnails(self, key: CollectionKey, pictures: Mapping[FaceId, bytes]) -> None:
        """See GalleryStore."""
        self._store.put_thumbnails(key, pictures)

    def thumbnails(self, key: CollectionKey, face_ids: Sequence[FaceId]) -> dict[FaceId, bytes]:
        """See GalleryStore."""
        return self._store.thumbnails(key, face_ids)

    def vectors(self, key: CollectionKey, rows: Sequence[int]) -> FloatArray:
        """See GalleryStore."""
        return self._store.vectors(key, rows)

    def face_vectors(self, key: CollectionKey) -> Iterator[tuple[NDArray[np.int64], FloatArray]]:
        """See GalleryStore."""
        return self._store.face_vectors(key)

    # another model version
    def stage_vectors(self, key: CollectionKey, version: ModelVersion, vectors: Mapping[FaceId, FloatArray]) -> int:
        """See GalleryStore. Nobody searches them."""
        return self._store.stage_vectors(key, version, vectors)

    def unstaged(self, key: CollectionKey, version: ModelVersion, after: int | None, limit: int) -> Page[Face]:
        """See GalleryStore."""
        return self._store.unstaged(key, version, after, limit)

    def unstaged_count(self, key: CollectionKey, version: ModelVersion) -> int:
        """See GalleryStore."""
        return self._store.unstaged_count(key, version)

    def staged_vectors(self, key: CollectionKey, version: ModelVersion, rows: Sequence[int]) -> FloatArray:
        """See GalleryStore."""
        return self._store.staged_vectors(key, version, rows)

    def switch_vectors(
        self, key: CollectionKey, version: ModelVersion, dimension: int, users: Sequence[UserSeen]
    ) -> None:
        """See GalleryStore. Searches that start after this returned see the new vectors only."""
        with self._changing(key, VectorKind.FACES, alone=True), self._changing(key, VectorKind.USERS, alone=True):
            try:
                self._store.switch_vectors(key, version, dimension, users)
            finally:  # after a failure, too: it may have happened all the same
                self._put_away(key)

    # users
    def create_user(self, key: CollectionKey, user_id: UserId) -> None:
        """See GalleryStore."""
        self._store.create_user(key, user_id)

    def user(self, key: CollectionKey, user_id: UserId) -> GalleryUser:
        """See GalleryStore."""
        return self._store.user(key, user_id)

    def users_by_row(self, key: CollectionKey, rows: Sequence[int]) -> dict[int, GalleryUser]:
        """See GalleryStore. A user deleted since a search is missing."""
        return self._store.users_by_row(key, rows)

    def users(self, key: CollectionKey, after: str | None, limit: int) -> Page[GalleryUser]:
        """See GalleryStore."""
        return self._store.users(key, after, limit)

    def delete_user(self, key: CollectionKey, user_id: UserId) -> None:
        """See GalleryStore. Found by no search that starts after this returned."""
        with self._changing(key, VectorKind.USERS, alone=True) as cache:
            row = self._store.user(key, user_id).row
            self._store.delete_user(key, user_id)
            cache.remove(np.array([row], np.int64))

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
        """See GalleryStore. Searches that start after this returned see the new vector only."""
        with self._changing(key, VectorKind.USERS, alone=True) as cache:
            user = self._store.set_user_faces(key, user_id, add=add, remove=remove, vector=vector, seen=seen)
            row = np.array([user.row], np.int64)
            if vector is None:
                cache.remove(row)
            else:
                cache.add(row, vector[None])
            return user

    def user_vectors(self, key: CollectionKey) -> Iterator[tuple[NDArray[np.int64], FloatArray]]:
        """See GalleryStore."""
        return self._store.user_vectors(key)

    def user_vector(self, key: CollectionKey, user_id: UserId) -> FloatArray | None:
        """See GalleryStore."""
        return self._store.user_vector(key, user_id)

    # retention
    def retention_rules(self) -> tuple[RetentionRule, ...]:
        """See GalleryStore."""
        return self._store.retention_rules()

    def set_retention_rule(self, key: CollectionKey, days: int | None) -> None:
        """See GalleryStore."""
        self._store.set_retention_rule(key, days)

    # tags and idempotency
    def tags(self, key: CollectionKey) -> dict[str, str]:
        """See GalleryStore."""
        return self._store.tags(key)

    def put_tags(self, key: CollectionKey, tags: Mapping[str, str]) -> None:
        """See GalleryStore."""
        self._store.put_tags(key, tags)

    def drop_tags(self, key: CollectionKey, tag_keys: Sequence[str]) -> None:
        """See GalleryStore."""
        self._store.drop_tags(key, tag_keys)

    def reply(self, account_id: AccountId, operation: str, token: str) -> IdempotentReply | None:
        """See GalleryStore."""
        return self._store.reply(account_id, operation, token)

    def keep_reply(self, account_id: AccountId, operation: str, token: str, reply: IdempotentReply, ts_ms: int) -> None:
        """See GalleryStore."""
        self._store.keep_reply(account_id, operation, token, reply, ts_ms)

    # indexes
    def _put_away(self, key: CollectionKey) -> None:
        """Forget all that is known of a collection; whoever waits for it looks again."""
        with self._shelves_lock:
            shelf = self._shelves.pop(key, None)
        if shelf is not None:
            shelf.close()

    def _shelf(self, key: CollectionKey) -> CollectionCache:
        shelf = self._shelves.get(key)
        if shelf is None:
            self._store.collection(key)  # ids that do not exist must not fill the memory
            with self._shelves_lock:
                shelf = self._shelves.setdefault(key, CollectionCache())
        return shelf

    @contextmanager
    def _changing(self, key: CollectionKey, kind: VectorKind, *, alone: bool) -> Iterator[Cache]:
        """Hold the right side of the cache's lock around a change of store and index.

        All changes but additions touch faces that searches may have found lately, so these are forgotten. Where the
        change failed in a way that leaves open whether the store has it, the index is forgotten, too, and the next
        search fills it anew.
        """
        while True:
            shelf = self._shelf(key)
            cache = shelf.cache(kind)
            with cache.lock.write() if alone else cache.lock.read():
                if shelf.closed:
                    continue
                try:
                    yield cache
                except CustodesError as error:
                    if isinstance(error, UnavailableError):
                        cache.doubt()
                    raise
                except BaseException:
                    cache.doubt()
                    raise
                finally:
                    if alone:
                        shelf.known.forget()
                return

    def _searched(self, key: CollectionKey, kind: VectorKind) -> VectorIndex:
        shelf = self._shelf(key)
        shelf.searches += 1  # an estimate: threads may count one search for two
        return shelf.cache(kind).filled(self._filling(key, kind), self._search_wait_s)

    def _filling(self, key: CollectionKey, kind: VectorKind) -> Filling:
        batches = self._store.face_vectors if kind is VectorKind.FACES else self._store.user_vectors
        return Filling(
            lambda: self._empty(key, kind),
            lambda: batches(key),
            lambda: not self._closing.is_set(),
        )

    def _empty(self, key: CollectionKey, kind: VectorKind) -> VectorIndex:
        collection = self._store.collection(key)
        if kind is VectorKind.FACES and self._new_face_index is not None:
            return self._new_face_index(collection, partial(self._own, key))
        return self._new_index(collection.dimension)

    def _own(self, key: CollectionKey, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], FloatArray]:
        """See OwnVectors. A face may be deleted between any two looks."""
        there = rows
        while len(there):
            try:
                return there, self._store.vectors(key, there.tolist())
            except NotFoundError:
                known = self._store.faces_by_row(key, there.tolist())
                there = there[[row in known for row in there.tolist()]]
        return there, np.empty((0, self._store.collection(key).dimension), np.float32)
