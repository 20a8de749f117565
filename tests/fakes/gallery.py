"""A GalleryStore in memory: the same promises as the database, none of the durability. One lock, plain dictionaries."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from custodes.core.errors import AlreadyExistsError, ConflictError, NotFoundError, QuotaError
from custodes.core.ids import AccountId, FaceId, ImageId, ModelVersion, UserId
from custodes.gallery.entities import (
    Collection,
    CollectionKey,
    Face,
    GalleryUser,
    IdempotentReply,
    NewFace,
    OutdatedError,
    Page,
    Quotas,
    RetentionRule,
    UserSeen,
    UserStatus,
)
from custodes.gallery.kernel import require_unit
from custodes.gallery.ports import FloatArray

DAY_MS = 86_400_000


@dataclass
class _Shelf:
    collection: Collection
    tags: dict[str, str]
    faces: dict[FaceId, Face] = field(default_factory=dict)
    face_vectors: dict[int, FloatArray] = field(default_factory=dict)
    staged: dict[FaceId, tuple[ModelVersion, FloatArray]] = field(default_factory=dict)
    pictures: dict[FaceId, bytes] = field(default_factory=dict)
    users: dict[UserId, GalleryUser] = field(default_factory=dict)
    user_vectors: dict[int, FloatArray] = field(default_factory=dict)


class MemoryGalleryStore:
    """Everything in dictionaries; row numbers rise over all collections and are never reused."""

    def __init__(self, quotas: Quotas | None = None) -> None:
        self._quotas = quotas or Quotas()
        self._lock = threading.RLock()
        self._shelves: dict[CollectionKey, _Shelf] = {}
        self._replies: dict[tuple[AccountId, str, str], tuple[IdempotentReply, int]] = {}
        self._retention: dict[CollectionKey, int] = {}
        self._last_row = 0

    # collections
    def create_collection(self, collection: Collection, tags: Mapping[str, str]) -> None:
        with self._lock:
            if collection.key in self._shelves:
                raise AlreadyExistsError(f"The collection id: {collection.key.collection_id} already exists")
            if sum(key.account_id == collection.key.account_id for key in self._shelves) >= self._quotas.collections:
                raise QuotaError("The account has no room for more collections")
            self._check_tags(len(tags))
            self._shelves[collection.key] = _Shelf(collection, dict(tags))

    def collection(self, key: CollectionKey) -> Collection:
        with self._lock:
            shelf = self._shelf(key)
            return replace(shelf.collection, face_count=len(shelf.faces), user_count=len(shelf.users))

    def collections(self, account_id: AccountId, after: str | None, limit: int) -> Page[Collection]:
        with self._lock:
            keys = sorted(
                (key for key in self._shelves if key.account_id == account_id and (after or "") < key.collection_id),
                key=lambda key: key.collection_id,
            )
            found = tuple(self.collection(key) for key in keys[:limit])
            return Page(found, found[-1].key.collection_id if len(keys) > len(found) > 0 else None)

    def delete_collection(self, key: CollectionKey) -> None:
        with self._lock:
            self._shelf(key)
            del self._shelves[key]
            self._retention.pop(key, None)

    # faces
    def add_faces(
        self, key: CollectionKey, faces: Sequence[NewFace], known: Sequence[FaceId] | None = None
    ) -> tuple[Face, ...]:
        with self._lock:
            shelf = self._shelf(key)
            for face in faces:
                require_unit(face.vector[None], shelf.collection.dimension)
            if len(shelf.faces) + len(faces) > self._quotas.faces_per_collection:
                raise QuotaError("The collection has no room for more faces")
            ids = [face.face_id for face in faces]
            if len(set(ids)) < len(ids) or not shelf.faces.keys().isdisjoint(ids):
                raise ConflictError("A face of this id exists already")
            if any(face.model_version not in (None, shelf.collection.model_version) for face in faces):
                raise ConflictError("The collection was switched to another face model")
            if known is not None and faces:
                there = {face.face_id for face in self.faces_of_image(key, faces[0].image_id)}
                if there != set(known):
                    raise OutdatedError("Another request enrolled or erased faces of this picture")
            return tuple(self._enrol(shelf, face) for face in faces)

    def faces_of_image(self, key: CollectionKey, image_id: ImageId) -> tuple[Face, ...]:
        with self._lock:
            return tuple(face for face in self._shelf(key).faces.values() if face.image_id == image_id)

    def faces(
        self,
        key: CollectionKey,
        after: int | None,
        limit: int,
        user_id: UserId | None = None,
        face_ids: Sequence[FaceId] | None = None,
    ) -> Page[Face]:
        with self._lock:
            wanted = None if face_ids is None else set(face_ids)
            rest = [
                face
                for face in self._shelf(key).faces.values()
                if face.row > (after or 0)
                and (user_id is None or face.user_id == user_id)
                and (wanted is None or face.face_id in wanted)
            ]
            found = tuple(rest[:limit])
            return Page(found, found[-1].row if len(rest) > len(found) > 0 else None)

    def faces_by_id(self, key: CollectionKey, face_ids: Sequence[FaceId]) -> dict[FaceId, Face]:
        with self._lock:
            faces = self._shelf(key).faces
            return {face_id: faces[face_id] for face_id in face_ids if face_id in faces}

    def faces_by_row(self, key: CollectionKey, rows: Sequence[int]) -> dict[int, Face]:
        with self._lock:
            by_row = {face.row: face for face in self._shelf(key).faces.values()}
            return {row: by_row[row] for row in rows if row in by_row}

    def faces_enrolled_before(self, key: CollectionKey, ts_ms: int, limit: int) -> tuple[Face, ...]:
        with self._lock:
            found = [face for face in self._shelf(key).faces.values() if face.enrolled_ts_ms < ts_ms]
            return tuple(sorted(found, key=lambda face: (face.enrolled_ts_ms, face.row))[:limit])

    def delete_faces(self, key: CollectionKey, face_ids: Sequence[FaceId]) -> tuple[Face, ...]:
        with self._lock:
            shelf = self._shelf(key)
            gone = tuple(face for face in self.faces_by_id(key, face_ids).values() if face.user_id is None)
            for face in gone:
                del shelf.faces[face.face_id]
                del shelf.face_vectors[face.row]
                shelf.pictures.pop(face.face_id, None)
                shelf.staged.pop(face.face_id, None)
            return tuple(sorted(gone, key=lambda face: face.row))

    def put_thumbnails(self, key: CollectionKey, pictures: Mapping[FaceId, bytes]) -> None:
        with self._lock:
            shelf = self._shelf(key)
            shelf.pictures |= {face_id: picture for face_id, picture in pictures.items() if face_id in shelf.faces}

    def thumbnails(self, key: CollectionKey, face_ids: Sequence[FaceId]) -> dict[FaceId, bytes]:
        with self._lock:
            pictures = self._shelf(key).pictures
            return {face_id: pictures[face_id] for face_id in face_ids if face_id in pictures}

    def vectors(self, key: CollectionKey, rows: Sequence[int]) -> FloatArray:
        with self._lock:
            shelf = self._shelf(key)
            if any(row not in shelf.face_vectors for row in rows):
                raise NotFoundError("A face does not exist any more")
            empty = np.empty((0, shelf.collection.dimension), np.float32)
            return np.concatenate([empty, *(shelf.face_vectors[row][None] for row in rows)])

    def face_vectors(self, key: CollectionKey) -> Iterator[tuple[NDArray[np.int64], FloatArray]]:
        with self._lock:
            batches = list(_batches(self._shelf(key).face_vectors))
        yield from batches

    # another model version
    def stage_vectors(self, key: CollectionKey, version: ModelVersion, vectors: Mapping[FaceId, FloatArray]) -> int:
        with self._lock:
            shelf = self._shelf(key)
            kept = {
                face_id: (version, require_unit(vector[None], vector.shape[-1])[0].copy())
                for face_id, vector in vectors.items()
                if face_id in shelf.faces
            }
            shelf.staged |= kept
            return len(kept)

    def unstaged(self, key: CollectionKey, version: ModelVersion, after: int | None, limit: int) -> Page[Face]:
        with self._lock:
            rest = [face for face in self._unstaged(key, version) if face.row > (after or 0)]
            found = tuple(rest[:limit])
            return Page(found, found[-1].row if len(rest) > len(found) > 0 else None)

    def unstaged_count(self, key: CollectionKey, version: ModelVersion) -> int:
        with self._lock:
            return len(self._unstaged(key, version))

    def staged_vectors(self, key: CollectionKey, version: ModelVersion, rows: Sequence[int]) -> FloatArray:
        with self._lock:
            shelf = self._shelf(key)
            names = {face.row: face.face_id for face in shelf.faces.values()}
            found = [shelf.staged.get(names[row]) if row in names else None for row in rows]
            kept = [one[1] for one in found if one is not None and one[0] == version]
            if len(kept) < len(rows):
                raise NotFoundError("A face has no vector of the other model")
            return np.stack(kept) if kept else np.empty((0, 0), np.float32)

    def switch_vectors(
        self, key: CollectionKey, version: ModelVersion, dimension: int, users: Sequence[UserSeen]
    ) -> None:
        with self._lock:
            shelf = self._shelf(key)
            seen = {one.user.user_id: one.user.revision for one in users}
            if seen != {user.user_id: user.revision for user in shelf.users.values()}:
                raise ConflictError("Users of the collection changed meanwhile")
            if self._unstaged(key, version):
                raise ConflictError("Some faces have no vector of the other model yet")
            if any(bool(one.user.face_count) != (one.vector is not None) for one in users):
                raise ConflictError("A vector of a user is missing or left over")
            for face in list(shelf.faces.values()):
                shelf.face_vectors[face.row] = shelf.staged.pop(face.face_id)[1]
                shelf.faces[face.face_id] = replace(face, model_version=version)
            for one in users:
                shelf.users[one.user.user_id] = replace(one.user, revision=one.user.revision + 1)
                if one.vector is not None:
                    shelf.user_vectors[one.user.row] = require_unit(one.vector[None], dimension)[0].copy()
            first = shelf.collection.picture_version
            shelf.collection = replace(
                shelf.collection, model_version=version, dimension=dimension, first_version=first
            )

    def _unstaged(self, key: CollectionKey, version: ModelVersion) -> list[Face]:
        shelf = self._shelf(key)
        return [
            face
            for face in shelf.faces.values()
            if face.face_id not in shelf.staged or shelf.staged[face.face_id][0] != version
        ]

    # users
    def create_user(self, key: CollectionKey, user_id: UserId) -> None:
        with self._lock:
            shelf = self._shelf(key)
            if user_id in shelf.users:
                raise ConflictError(f"The user {user_id} exists already")
            if len(shelf.users) >= self._quotas.users_per_collection:
                raise QuotaError("The collection has no room for more users")
            self._last_row += 1
            shelf.users[user_id] = GalleryUser(self._last_row, user_id, UserStatus.CREATED)

    def user(self, key: CollectionKey, user_id: UserId) -> GalleryUser:
        with self._lock:
            users = self._shelf(key).users
            if user_id not in users:
                raise NotFoundError(f"The user id: {user_id} does not exist")
            return users[user_id]

    def users_by_row(self, key: CollectionKey, rows: Sequence[int]) -> dict[int, GalleryUser]:
        with self._lock:
            by_row = {user.row: user for user in self._shelf(key).users.values()}
            return {row: by_row[row] for row in rows if row in by_row}

    def users(self, key: CollectionKey, after: str | None, limit: int) -> Page[GalleryUser]:
        with self._lock:
            users = self._shelf(key).users
            ids = sorted(user_id for user_id in users if user_id > (after or ""))
            found = tuple(users[user_id] for user_id in ids[:limit])
            return Page(found, found[-1].user_id if len(ids) > len(found) > 0 else None)

    def delete_user(self, key: CollectionKey, user_id: UserId) -> None:
        with self._lock:
            shelf, user = self._shelf(key), self.user(key, user_id)
            for face in [face for face in shelf.faces.values() if face.user_id == user_id]:
                shelf.faces[face.face_id] = replace(face, user_id=None)
            shelf.user_vectors.pop(user.row, None)
            del shelf.users[user_id]

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
        with self._lock:
            shelf, user = self._shelf(key), self.user(key, user_id)
            if vector is not None:
                vector = require_unit(vector[None], shelf.collection.dimension)[0].copy()
            if seen is not None and (seen.row, seen.revision) != (user.row, user.revision):
                raise ConflictError("The user changed meanwhile")
            held = {face.face_id for face in shelf.faces.values() if face.user_id == user_id}
            for face_id in add:
                if face_id not in shelf.faces or shelf.faces[face_id].user_id not in (None, user_id):
                    raise ConflictError("A face is gone or belongs to another user")
            if not held.issuperset(remove):
                raise ConflictError("The user's faces changed meanwhile")
            after = (held | set(add)) - set(remove)
            if len(after) > self._quotas.faces_per_user:
                raise QuotaError("The user has no room for more faces")
            if bool(after) != (vector is not None):
                raise ConflictError("The user's faces changed meanwhile")
            for face_id in held ^ after:
                owner = user_id if face_id in after else None
                shelf.faces[face_id] = replace(shelf.faces[face_id], user_id=owner)
            status = UserStatus.CREATED if vector is None else UserStatus.ACTIVE
            changed = replace(user, status=status, face_count=len(after), revision=user.revision + 1)
            shelf.users[user_id] = changed
            shelf.user_vectors.pop(user.row, None)
            if vector is not None:
                shelf.user_vectors[user.row] = vector
            return changed

    def user_vectors(self, key: CollectionKey) -> Iterator[tuple[NDArray[np.int64], FloatArray]]:
        with self._lock:
            batches = list(_batches(self._shelf(key).user_vectors))
        yield from batches

    def user_vector(self, key: CollectionKey, user_id: UserId) -> FloatArray | None:
        with self._lock:
            return self._shelf(key).user_vectors.get(self.user(key, user_id).row)

    # retention
    def retention_rules(self) -> tuple[RetentionRule, ...]:
        with self._lock:
            keys = sorted(self._retention, key=lambda key: (key.account_id, key.collection_id))
            return tuple(RetentionRule(key, self._retention[key]) for key in keys)

    def set_retention_rule(self, key: CollectionKey, days: int | None) -> None:
        if days is not None and days < 1:
            raise ValueError("faces are kept for at least one day")
        with self._lock:
            self._shelf(key)
            self._retention.pop(key, None)
            if days is not None:
                self._retention[key] = days

    # tags
    def tags(self, key: CollectionKey) -> dict[str, str]:
        with self._lock:
            return dict(sorted(self._shelf(key).tags.items()))

    def put_tags(self, key: CollectionKey, tags: Mapping[str, str]) -> None:
        with self._lock:
            merged = self._shelf(key).tags | dict(tags)
            self._check_tags(len(merged))
            self._shelf(key).tags = merged

    def drop_tags(self, key: CollectionKey, tag_keys: Sequence[str]) -> None:
        with self._lock:
            for tag_key in tag_keys:
                self._shelf(key).tags.pop(tag_key, None)

    # idempotency
    def reply(self, account_id: AccountId, operation: str, token: str) -> IdempotentReply | None:
        with self._lock:
            kept = self._replies.get((account_id, operation, token))
            return kept[0] if kept else None

    def keep_reply(self, account_id: AccountId, operation: str, token: str, reply: IdempotentReply, ts_ms: int) -> None:
        with self._lock:
            fresh = {name: kept for name, kept in self._replies.items() if kept[1] >= ts_ms - DAY_MS}
            self._replies = fresh | {(account_id, operation, token): (reply, ts_ms)}

    def _shelf(self, key: CollectionKey) -> _Shelf:
        if key not in self._shelves:
            raise NotFoundError(f"The collection id: {key.collection_id} does not exist")
        return self._shelves[key]

    def _enrol(self, shelf: _Shelf, new: NewFace) -> Face:
        self._last_row += 1
        face = Face(
            row=self._last_row,
            face_id=new.face_id,
            image_id=new.image_id,
            external_image_id=new.external_image_id,
            box_ratio=new.box_ratio,
            confidence_pct=new.confidence_pct,
            model_version=shelf.collection.model_version,
            enrolled_ts_ms=new.enrolled_ts_ms,
        )
        shelf.faces[face.face_id] = face
        shelf.face_vectors[face.row] = np.array(new.vector, np.float32)
        return face

    def _check_tags(self, count: int) -> None:
        if count > self._quotas.tags_per_collection:
            raise QuotaError("The collection has no room for more tags")


def _batches(vectors: Mapping[int, FloatArray], size: int = 1000) -> Iterator[tuple[NDArray[np.int64], FloatArray]]:
    rows = sorted(vectors)
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        yield np.array(part, np.int64), np.stack([vectors[row] for row in part])
