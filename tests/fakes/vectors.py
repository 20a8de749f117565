"""Faces with chosen or seeded vectors, for tests of galleries and indexes."""

from __future__ import annotations

import uuid

import numpy as np

from custodes.core.box import BoxRatio
from custodes.core.ids import AccountId, CollectionId, ExternalImageId, FaceId, ImageId, ModelVersion
from custodes.gallery.entities import Collection, CollectionKey, NewFace
from custodes.gallery.ports import FloatArray

KEY = CollectionKey(AccountId("111111111111"), CollectionId("people"))


def units(seed: int, count: int, dimension: int = 8) -> FloatArray:
    """``count`` random unit vectors."""
    drawn = np.random.default_rng(seed).standard_normal((count, dimension)).astype(np.float32)
    unit: FloatArray = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return unit


def collection(key: CollectionKey = KEY, dimension: int = 8) -> Collection:
    """An empty collection."""
    return Collection(key, ModelVersion("1.0"), dimension, created_ts_ms=1_700_000_000_000)


def new_face(
    vector: FloatArray, face_id: str | None = None, image: str = "image", name: str | None = None, ts_ms: int = 0
) -> NewFace:
    """A face with ``vector``; its id is random unless given."""
    return NewFace(
        FaceId(face_id or str(uuid.uuid4())),
        ImageId(image),
        ExternalImageId(name) if name else None,
        BoxRatio(0.1, -0.2, 0.3, 1.4),
        99.5,
        vector,
        enrolled_ts_ms=ts_ms,
    )
