"""Buckets that pictures of liveness sessions may be written to, among those that this server reads.

In: names of buckets that the operator allows, and the stores behind them. Out: pictures in buckets, or a refusal.
"""

from __future__ import annotations

from collections.abc import Collection

from custodes.core.errors import ObjectStoreError
from custodes.operations.images.ports import ObjectWriter, S3Object
from custodes.storage.objects.buckets import UNWRITABLE


class PictureBuckets:
    """Implements ``PictureOutput``."""

    def __init__(self, objects: ObjectWriter, allowed: Collection[str]) -> None:
        """Write to ``allowed`` buckets of ``objects``."""
        self._objects = objects
        self._allowed = frozenset(allowed)

    def check(self, bucket: str) -> None:
        """See PictureOutput."""
        if bucket not in self._allowed:
            raise ObjectStoreError(UNWRITABLE)

    def write(self, bucket: str, key: str, data: bytes) -> None:
        """See PictureOutput."""
        self.check(bucket)
        self._objects.write(S3Object(bucket, key), data)
