"""Identifiers: their types, how each is generated. Patterns and lengths are the edge's business.

Source of formats: AWS API reference, summarised in the behaviour specification (section 0.3).
"""

from __future__ import annotations

import uuid
from typing import NewType

AccountId = NewType("AccountId", str)
"""Twelve decimal digits."""
CollectionId = NewType("CollectionId", str)
FaceId = NewType("FaceId", str)
"""Lower-case UUID."""
ImageId = NewType("ImageId", str)
"""Lower-case UUID, derived from the picture's content."""
UserId = NewType("UserId", str)
ExternalImageId = NewType("ExternalImageId", str)
RequestId = NewType("RequestId", str)
"""Lower-case UUID of one request."""
ModelVersion = NewType("ModelVersion", str)
"""A face recipe: vectors of different versions are never compared. Digits and dots only, like ``1.0``."""

_IMAGE_NAMESPACE = uuid.UUID("6f0d1f0e-8a5b-5c1e-9d3f-2a7c4b90e611")


def image_id(content_sha256: bytes, external_image_id: ExternalImageId | None, version: ModelVersion) -> ImageId:
    """Name-based id of an indexed picture.

    The same bytes with the same ExternalImageId and the same model give the same id; another ExternalImageId gives
    another id, as captured from the real service.
    """
    name = f"{content_sha256.hex()}/{external_image_id or ''}/{version}"
    return ImageId(str(uuid.uuid5(_IMAGE_NAMESPACE, name)))
