"""The nouns of a gallery. Frozen values; states change by storing another value.

A face belongs to one collection of one account. Its vector is bound to the collection's model version.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from custodes.core.box import BoxRatio
from custodes.core.errors import ConflictError
from custodes.core.ids import AccountId, CollectionId, ExternalImageId, FaceId, ImageId, ModelVersion, UserId

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CollectionKey:
    """Names a collection: ids are unique per account and region only, so tenants never meet."""

    account_id: AccountId
    collection_id: CollectionId


@dataclass(frozen=True, slots=True)
class Collection:
    """A set of faces of one model version.

    ``first_version`` is the one that it was made with, if its faces were re-embedded since: ids of pictures go by it.
    """

    key: CollectionKey
    model_version: ModelVersion
    dimension: int
    created_ts_ms: int
    face_count: int = 0
    user_count: int = 0
    first_version: ModelVersion | None = None

    @property
    def picture_version(self) -> ModelVersion:
        """What ids of its pictures are made with: the same picture has the same id after a re-embedding."""
        return self.first_version or self.model_version


@dataclass(frozen=True, slots=True)
class Face:
    """An enrolled face as listings show it. ``row`` is the store's own number, rising with enrolment, never reused.

    ``enrolled_ts_ms`` is what retention goes by; for a face of a database without such times, when that was upgraded.
    """

    row: int
    face_id: FaceId
    image_id: ImageId
    external_image_id: ExternalImageId | None
    box_ratio: BoxRatio
    confidence_pct: float
    model_version: ModelVersion
    user_id: UserId | None = None
    enrolled_ts_ms: int = field(kw_only=True)


def rows_of(faces: Sequence[Face]) -> NDArray[np.int64]:
    """Row numbers (N,) of ``faces``, in that order."""
    return np.array([face.row for face in faces], np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class NewFace:
    """A face about to be enrolled, with its (D,) float32 unit vector; ``model_version`` is of what computed that."""

    face_id: FaceId
    image_id: ImageId
    external_image_id: ExternalImageId | None
    box_ratio: BoxRatio
    confidence_pct: float
    vector: NDArray[np.float32]
    enrolled_ts_ms: int = field(kw_only=True)
    model_version: ModelVersion | None = field(default=None, kw_only=True)


class UserStatus(StrEnum):
    """State of a user's vector (API enum)."""

    CREATED = "CREATED"
    """No faces yet."""
    UPDATING = "UPDATING"
    ACTIVE = "ACTIVE"
    CREATING = "CREATING"


@dataclass(frozen=True, slots=True)
class GalleryUser:
    """A person: up to 100 faces of one collection, searched by one aggregated vector.

    ``revision`` rises with every change of its faces, so that a vector computed from outdated faces is refused.
    """

    row: int
    user_id: UserId
    status: UserStatus
    face_count: int = 0
    revision: int = 0


@dataclass(frozen=True, slots=True)
class RetentionRule:
    """Faces of a collection are erased ``days`` (at least 1) of 24 hours after their enrolment."""

    key: CollectionKey
    days: int


@dataclass(frozen=True, slots=True, eq=False)
class UserSeen:
    """A user as it was read before its faces were, and its (D,) unit vector of another model version; None without."""

    user: GalleryUser
    vector: NDArray[np.float32] | None


class OutdatedError(ConflictError):
    """What a change rests on is another by now; look again."""


@dataclass(frozen=True, slots=True)
class Quotas:
    """Lasting limits of an account's gallery. Source, but for the first: Rekognition's guidelines and quotas."""

    collections: int = 10_000
    faces_per_collection: int = 20_000_000
    users_per_collection: int = 10_000_000
    faces_per_user: int = 100
    tags_per_collection: int = 200


@dataclass(frozen=True, slots=True)
class Hit:
    """One search result: the store's row number and the exact float32 cosine."""

    row: int
    cosine: float


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a listing; ``last`` is where the next page starts after, or None when there is no more."""

    items: tuple[T, ...]
    last: str | int | None = None


@dataclass(frozen=True, slots=True)
class IdempotentReply:
    """What an idempotent operation answered: a digest of its inputs and the answer as plain JSON values."""

    input_sha256: bytes
    answer: Mapping[str, object] = field(default_factory=dict)
