"""Ports of the gallery: a durable store and an exact index, with the promises that every adapter keeps.

Durability: a method that changes something returns only after the change would survive a power cut. Atomicity: each
call is all or nothing. Thread safety: every method may be called from any thread. Every method scoped by a
CollectionKey raises NotFoundError when the collection does not exist for that account.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

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
)

FloatArray = NDArray[np.float32]
OwnVectors: TypeAlias = Callable[[NDArray[np.int64]], tuple[NDArray[np.int64], FloatArray]]
"""Of rows (N,) those that the store has still, in their order, (M,), with their vectors (M, D)."""


class VectorIndex(Protocol):
    """Exact nearest neighbours of one collection, a cache of the store: in memory, or elsewhere where said so."""

    def __len__(self) -> int:
        """Number of vectors."""
        ...

    def rows(self) -> NDArray[np.int64]:
        """The rows (N,) of all vectors, rising."""
        ...

    def add(self, rows: NDArray[np.int64], vectors: FloatArray) -> None:
        """Add ``vectors`` (N, D) float32 unit length under ``rows`` (N,) int64. A row present already is replaced."""
        ...

    def remove(self, rows: NDArray[np.int64]) -> None:
        """Forget ``rows``; unknown rows are ignored. Gone from the next search on."""
        ...

    def search(self, query: FloatArray, limit: int, min_cosine: float) -> tuple[Hit, ...]:
        """At most ``limit`` rows with cosine >= ``min_cosine`` to ``query`` (D,), best first, ties by rising row.

        Exact: the cosine of every hit comes from one fixed float32 kernel and does not depend on the index's layout,
        so the same vectors always give the same order and the same side of a threshold.
        """
        ...

    def close(self) -> None:
        """This process searches it no more. What is elsewhere may stay, for the next one to go on with."""
        ...

    def erase(self) -> None:
        """Nobody searches it any more: nothing of it stays anywhere. Raises UnavailableError."""
        ...


NewFaceIndex: TypeAlias = Callable[[Collection, OwnVectors], VectorIndex]
"""Makes an index for faces of a collection, with what gives those that the store has. It may have vectors already that
an earlier process put there: what is added and differs replaces them, and ``rows`` says which there are."""


class GalleryStore(Protocol):
    """The truth about collections, faces and users."""

    # collections
    def create_collection(self, collection: Collection, tags: Mapping[str, str]) -> None:
        """Raises AlreadyExistsError, or QuotaError when the account has as many as it may."""
        ...

    def collection(self, key: CollectionKey) -> Collection:
        """With current face_count and user_count."""
        ...

    def collections(self, account_id: AccountId, after: str | None, limit: int) -> Page[Collection]:
        """Ordered by collection id."""
        ...

    def delete_collection(self, key: CollectionKey) -> None:
        """Remove it with all faces, users, tags; destroys its keys."""
        ...

    # faces
    def add_faces(
        self, key: CollectionKey, faces: Sequence[NewFace], known: Sequence[FaceId] | None = None
    ) -> tuple[Face, ...]:
        """Enrol ``faces`` in one transaction, in order.

        Args:
            key: where.
            faces: new ones.
            known: faces that are there of the picture of ``faces``, as the caller saw; None where that is no matter.

        Raises:
            OutdatedError: of that picture there are others.
            QuotaError: beyond the collection's limit.
            ConflictError: the collection has a face of one of the ids already, or is of another model version.
            ValueError: a vector has not the collection's dimension, or not unit length.
        """
        ...

    def faces_of_image(self, key: CollectionKey, image_id: ImageId) -> tuple[Face, ...]:
        """Faces already enrolled from this picture (for idempotent indexing), in order of enrolment."""
        ...

    def faces(
        self,
        key: CollectionKey,
        after: int | None,
        limit: int,
        user_id: UserId | None = None,
        face_ids: Sequence[FaceId] | None = None,
    ) -> Page[Face]:
        """Ordered by row; filtered by user and by ids when given."""
        ...

    def faces_by_id(self, key: CollectionKey, face_ids: Sequence[FaceId]) -> dict[FaceId, Face]:
        """Those of ``face_ids`` that exist."""
        ...

    def faces_by_row(self, key: CollectionKey, rows: Sequence[int]) -> dict[int, Face]:
        """Those of ``rows`` that exist."""
        ...

    def faces_enrolled_before(self, key: CollectionKey, ts_ms: int, limit: int) -> tuple[Face, ...]:
        """At most ``limit`` faces enrolled before ``ts_ms``, oldest first, then by row."""
        ...

    def delete_faces(self, key: CollectionKey, face_ids: Sequence[FaceId]) -> tuple[Face, ...]:
        """Delete those of ``face_ids`` that exist and belong to no user, destroying their keys; returns these."""
        ...

    def put_thumbnails(self, key: CollectionKey, pictures: Mapping[FaceId, bytes]) -> None:
        """Keep a small picture of each face, encrypted; it goes with its face. Unknown faces are left out."""
        ...

    def thumbnails(self, key: CollectionKey, face_ids: Sequence[FaceId]) -> dict[FaceId, bytes]:
        """Pictures of those of ``face_ids`` that have one, in that order."""
        ...

    def vectors(self, key: CollectionKey, rows: Sequence[int]) -> FloatArray:
        """Decrypted vectors (N, D) of ``rows``, in that order. Raises NotFoundError when one is missing."""
        ...

    def face_vectors(self, key: CollectionKey) -> Iterator[tuple[NDArray[np.int64], FloatArray]]:
        """All (rows, vectors) of a collection in batches, to fill an index."""
        ...

    # another model version
    def stage_vectors(self, key: CollectionKey, version: ModelVersion, vectors: Mapping[FaceId, FloatArray]) -> int:
        """Keep unit vectors of model ``version`` beside those that are searched, in place of former ones.

        Each goes with its face; unknown faces are left out. Returns how many are kept.
        """
        ...

    def unstaged(self, key: CollectionKey, version: ModelVersion, after: int | None, limit: int) -> Page[Face]:
        """Faces that have no vector of model ``version`` beside theirs, by row."""
        ...

    def unstaged_count(self, key: CollectionKey, version: ModelVersion) -> int:
        """How many these are."""
        ...

    def staged_vectors(self, key: CollectionKey, version: ModelVersion, rows: Sequence[int]) -> FloatArray:
        """Vectors (N, D) of ``rows`` that were kept beside. Raises NotFoundError when one is missing."""
        ...

    def switch_vectors(
        self, key: CollectionKey, version: ModelVersion, dimension: int, users: Sequence[UserSeen]
    ) -> None:
        """Make the vectors of ``version`` kept beside those that are searched, all at once; the former ones are gone.

        Args:
            key: the collection.
            version: of what is kept beside.
            dimension: of these vectors.
            users: all users of the collection with their new vectors.

        Raises:
            ConflictError: a face has none, or a user changed since it was seen, or is missing.
        """
        ...

    # users
    def create_user(self, key: CollectionKey, user_id: UserId) -> None:
        """Raises ConflictError when it exists, QuotaError when the collection has as many as it may."""
        ...

    def user(self, key: CollectionKey, user_id: UserId) -> GalleryUser:
        """Raises NotFoundError."""
        ...

    def users_by_row(self, key: CollectionKey, rows: Sequence[int]) -> dict[int, GalleryUser]:
        """Those of ``rows`` that exist."""
        ...

    def users(self, key: CollectionKey, after: str | None, limit: int) -> Page[GalleryUser]:
        """Ordered by user id."""
        ...

    def delete_user(self, key: CollectionKey, user_id: UserId) -> None:
        """Faces stay and lose their user. Raises NotFoundError."""
        ...

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
        """Associate and disassociate faces and store the new user vector (None when no face is left), atomically.

        The status becomes ACTIVE with a vector, CREATED without.

        Args:
            key: the collection.
            user_id: the user.
            add: faces to associate; those that the user has already are ignored.
            remove: faces to disassociate.
            vector: (D,) float32 unit vector of the faces the user has afterwards.
            seen: the user as read *before* its faces were read to compute ``vector``. Without it a change in between
                is noticed only where it touches ``add`` or ``remove``.

        Raises:
            NotFoundError: no such user.
            ConflictError: a face of ``add`` is gone or belongs to another user by now, a face of ``remove`` is not
                the user's, a vector is missing or left over, or the user changed since it was ``seen``.
            QuotaError: more faces than a user may have.
        """
        ...

    def user_vectors(self, key: CollectionKey) -> Iterator[tuple[NDArray[np.int64], FloatArray]]:
        """All (user rows, user vectors) of a collection in batches, to fill an index."""
        ...

    def user_vector(self, key: CollectionKey, user_id: UserId) -> FloatArray | None:
        """(D,) vector of a user, or None when it has no faces."""
        ...

    # retention
    def retention_rules(self) -> tuple[RetentionRule, ...]:
        """The rules of all accounts, ordered by account and collection id."""
        ...

    def set_retention_rule(self, key: CollectionKey, days: int | None) -> None:
        """Set the rule of a collection, replacing one; None leaves it without. A rule goes with its collection.

        Raises:
            ValueError: less than one day.
        """
        ...

    # tags, by collection
    def tags(self, key: CollectionKey) -> dict[str, str]:
        """All tags."""
        ...

    def put_tags(self, key: CollectionKey, tags: Mapping[str, str]) -> None:
        """Add or overwrite. Raises QuotaError beyond 200 tags."""
        ...

    def drop_tags(self, key: CollectionKey, tag_keys: Sequence[str]) -> None:
        """Remove; unknown keys are ignored."""
        ...

    # idempotency
    def reply(self, account_id: AccountId, operation: str, token: str) -> IdempotentReply | None:
        """What was answered to this token before, if anything."""
        ...

    def keep_reply(self, account_id: AccountId, operation: str, token: str, reply: IdempotentReply, ts_ms: int) -> None:
        """Remember an answer, replacing one of the same token; those 24 hours older than ``ts_ms`` may be dropped."""
        ...
