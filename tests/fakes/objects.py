"""An object store in a dict."""

from __future__ import annotations

from custodes.core.errors import ImageTooLargeError, ObjectStoreError
from custodes.operations.images.ports import S3Object


class MemoryObjects:
    """Implements ObjectStore; ``asked`` lists what was read and with which limit."""

    def __init__(self) -> None:
        self.data: dict[S3Object, bytes] = {}
        self.asked: list[tuple[S3Object, int]] = []

    def read(self, source: S3Object, max_bytes: int) -> bytes:
        """The bytes kept under exactly this source."""
        self.asked.append((source, max_bytes))
        if source not in self.data:
            raise ObjectStoreError("Unable to get object metadata from S3.")
        if len(self.data[source]) > max_bytes:
            raise ImageTooLargeError("Image size is too large")
        return self.data[source]
