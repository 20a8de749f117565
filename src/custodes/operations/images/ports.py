"""Where pictures that are not in the request come from. In: bucket and key. Out: bytes within a limit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class S3Object:
    """An object in a bucket, optionally one of its versions."""

    bucket: str
    name: str
    version: str | None = None


class ObjectStore(Protocol):
    """Reads objects that requests name by bucket and key."""

    def read(self, source: S3Object, max_bytes: int) -> bytes:
        """All bytes of ``source``.

        Raises:
            ObjectStoreError: missing bucket, key or version, or no permission.
            ImageTooLargeError: longer than ``max_bytes``; found out before that much memory is taken.
        """
        ...


class ObjectWriter(Protocol):
    """Writes objects that requests want results in."""

    def write(self, place: S3Object, data: bytes) -> None:
        """Put ``data`` at ``place``, in place of what was there.

        Raises:
            ObjectStoreError: no such bucket, or no permission to write to it.
        """
        ...
