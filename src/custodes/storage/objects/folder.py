"""A folder that stands for a bucket: key ``a/b.jpg`` is the file ``a/b.jpg`` under it.

In: a request's key, which is hostile until proven otherwise. Out: the file's bytes. Only regular files whose real place
is inside the folder are read: no ``..``, no absolute keys, no links that lead out, no devices or pipes. There are no
versions.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, ClassVar

from custodes.core.errors import ObjectStoreError
from custodes.durable import write_durably
from custodes.operations.images.ports import S3Object
from custodes.operations.video.ports import ObjectVersion
from custodes.storage.objects.buckets import CHANGED, UNREADABLE, UNWRITABLE, too_large

_PIECE_BYTES = 1 << 20


class FolderObjects:
    """Reads objects from one folder, and writes where that is allowed."""

    encrypts: ClassVar[bool] = False

    def __init__(self, root: Path, *, writable: bool = False) -> None:
        """Read under ``root``, which may appear later; write only where that was said to be allowed."""
        self._root = root
        self._writable = writable

    def read(self, source: S3Object, max_bytes: int) -> bytes:
        """All bytes of the file that the key names.

        Raises:
            ObjectStoreError: not there or not readable, outside the folder, not a regular file, or a version asked for.
            ImageTooLargeError: longer than ``max_bytes``.
        """
        if source.version is not None:
            raise ObjectStoreError(UNREADABLE)
        try:
            return self._read(self._place(source.name), max_bytes)
        except (OSError, ValueError, RuntimeError) as error:  # ValueError: NUL in a key; RuntimeError: a ring of links
            raise ObjectStoreError(UNREADABLE) from error

    def write(self, place: S3Object, data: bytes, kms_key: str | None = None) -> None:
        """Put ``data`` into the file that the key names.

        Raises:
            ObjectStoreError: also where writing is not allowed, or a key of KMS was named: files are not encrypted.
        """
        parts = place.name.split("/")
        if (
            not self._writable
            or kms_key is not None
            or any(part in ("", ".", "..") for part in parts)
            or "\\" in place.name
        ):
            raise ObjectStoreError(UNWRITABLE)
        try:
            self._root.mkdir(mode=0o700, exist_ok=True)
            root = self._root.resolve(strict=True)
            folder = root.joinpath(*parts[:-1])
            folder.mkdir(parents=True, exist_ok=True)
            # Resolved after it was made: a link that leads out of the folder is found here.
            if not folder.resolve(strict=True).is_relative_to(root):
                raise ObjectStoreError(UNWRITABLE)
            write_durably(folder / parts[-1], data)
        except (OSError, ValueError, RuntimeError) as error:
            raise ObjectStoreError(UNWRITABLE) from error

    def version(self, source: S3Object) -> ObjectVersion:
        """Length and tag of the file that the key names. Raises ObjectStoreError, as ``read`` does."""
        with self._opened(source) as file:
            return _version(file)

    def copy(self, source: S3Object, version: ObjectVersion, out: BinaryIO) -> None:
        """Write the file to ``out``. Raises ObjectStoreError, also when it is not ``version`` before or after."""
        with self._opened(source) as file:
            if _version(file) != version:
                raise ObjectStoreError(CHANGED)
            shutil.copyfileobj(file, out, _PIECE_BYTES)
            if _version(file) != version:
                raise ObjectStoreError(CHANGED)

    @contextmanager
    def _opened(self, source: S3Object) -> Iterator[BinaryIO]:
        if source.version is not None:
            raise ObjectStoreError(UNREADABLE)
        try:
            file = _open(self._place(source.name))
        except (OSError, ValueError, RuntimeError) as error:
            raise ObjectStoreError(UNREADABLE) from error
        with file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ObjectStoreError(UNREADABLE)
            yield file

    def _place(self, name: str) -> Path:
        """The real path of a key, with all links followed."""
        parts = name.split("/")
        # S3 keeps such keys apart from each other; a file system does not, so they name nothing here.
        if any(part in ("", ".", "..") for part in parts) or "\\" in name:
            raise ObjectStoreError(UNREADABLE)
        root = self._root.resolve(strict=True)
        place = root.joinpath(*parts).resolve(strict=True)
        if not place.is_relative_to(root):
            raise ObjectStoreError(UNREADABLE)
        return place

    @staticmethod
    def _read(place: Path, max_bytes: int) -> bytes:
        with _open(place) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise ObjectStoreError(UNREADABLE)
            if status.st_size > max_bytes:
                raise too_large()
            data = file.read(max_bytes + 1)  # it may have grown since
        if len(data) > max_bytes:
            raise too_large()
        return data


def _open(place: Path) -> BinaryIO:
    # The path was resolved: a link in the last place now was put there since. O_NONBLOCK: a pipe must not hang us.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
    return os.fdopen(os.open(place, flags), "rb")


def _version(file: BinaryIO) -> ObjectVersion:
    status = os.fstat(file.fileno())
    return ObjectVersion(status.st_size, f"{status.st_ino:x}-{status.st_mtime_ns:x}")
