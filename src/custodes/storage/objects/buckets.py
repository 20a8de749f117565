"""Where S3Object pictures come from: each bucket from the store that holds it.

In: a request's bucket, key and version. Out: bytes, never more than the limit. Adapters beside this one read S3
endpoints (``objects_s3``) and folders (``objects_folder``). A bucket that nobody configured is missing, as far as a
client can tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import BinaryIO, ClassVar, Protocol

from custodes.core.errors import ImageTooLargeError, ObjectStoreError
from custodes.operations.images.ports import ObjectStore, S3Object
from custodes.operations.video.ports import LargeObjects, ObjectVersion

# Source: the texts the service answers with, for every cause alike: they do not tell what exists.
UNREADABLE = "Unable to get object metadata from S3. Check object key, region and/or access permissions."
TOO_LARGE = "Image size is too large"


UNWRITABLE = "Unable to write to the S3 bucket. Check that it exists, and that results may be written to it."
CHANGED = "The object has changed since the job was started."


class BucketStore(ObjectStore, LargeObjects, Protocol):
    """What holds a bucket: objects of any size. ``encrypts`` says whether it does so under keys that are named."""

    encrypts: ClassVar[bool]

    def write(self, place: S3Object, data: bytes, kms_key: str | None = None) -> None:
        """Put ``data`` at ``place``, encrypted under ``kms_key`` where one is named. Raises ObjectStoreError."""
        ...


class BucketObjects:
    """Sends each bucket to its own store, and the others to a default one."""

    def __init__(self, by_bucket: Mapping[str, BucketStore], default: BucketStore | None = None) -> None:
        """Read bucket ``name`` from ``by_bucket[name]``, or from ``default`` when given."""
        self._by_bucket = dict(by_bucket)
        self._default = default

    def read(self, source: S3Object, max_bytes: int) -> bytes:
        """All bytes of ``source``.

        Raises:
            ObjectStoreError: no store has the bucket, or the store cannot read the object.
            ImageTooLargeError: longer than ``max_bytes``.
        """
        return self._store(source).read(source, max_bytes)

    def write(self, place: S3Object, data: bytes, kms_key: str | None = None) -> None:
        """Put ``data`` at ``place``. Raises ObjectStoreError. Who may is said by ``outputs``."""
        self._store(place).write(place, data, kms_key)

    def encrypts(self, bucket: str) -> bool:
        """Whether objects of ``bucket`` can be encrypted under a key that is named."""
        store = self._by_bucket.get(bucket, self._default)
        return store is not None and store.encrypts

    def version(self, source: S3Object) -> ObjectVersion:
        """Length and tag of ``source``. Raises ObjectStoreError."""
        return self._store(source).version(source)

    def copy(self, source: S3Object, version: ObjectVersion, out: BinaryIO) -> None:
        """Write the bytes of ``version`` to ``out``. Raises ObjectStoreError, also when the object has changed."""
        self._store(source).copy(source, version, out)

    def _store(self, source: S3Object) -> BucketStore:
        store = self._by_bucket.get(source.bucket, self._default)
        if store is None:
            raise ObjectStoreError(UNREADABLE)
        return store


def too_large() -> ImageTooLargeError:
    """The refusal of an object over the limit."""
    return ImageTooLargeError(TOO_LARGE)
