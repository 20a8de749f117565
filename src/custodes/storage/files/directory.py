"""The data directory: who may write it, and how secrets get into it.

In: a path. Out: a held lock, or a durable file that only its owner may read. One process owns a directory at a time;
the operating system frees the lock when that process ends, however it ends.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from custodes.core.errors import UnavailableError
from custodes.durable import write_durably


class DirectoryLock:
    """Exclusive ownership of a data directory until ``release``."""

    def __init__(self, descriptor: int) -> None:
        """Keep the locked ``descriptor``; use ``acquire``."""
        self._descriptor = descriptor

    @classmethod
    def acquire(cls, directory: Path) -> DirectoryLock:
        """Own ``directory``, creating it (mode 0700) if need be.

        Raises:
            UnavailableError: another process owns it, or it cannot be written.
        """
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(directory / "custodes.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            reason = f"the data directory {directory} cannot be written: {error.strerror}"
            raise UnavailableError(f"{reason}; --data or CUSTODES_DATA names another") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            raise UnavailableError(
                f"the data directory {directory} is in use by another process: stop it, or wait where it just starts"
            ) from error
        return cls(descriptor)

    def release(self) -> None:
        """Give the directory up; harmless when called again."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


@contextmanager
def alone_in(directory: Path) -> Iterator[None]:
    """Wait for other processes that are in the same block with ``directory``, which is made if need be.

    Raises:
        UnavailableError: it cannot be written.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(directory / "opening.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise UnavailableError(f"the folder {directory} cannot be written: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def write_secret(path: Path, content: bytes) -> None:
    """Create ``path`` with ``content`` and mode 0600, whole or not at all, durably.

    Raises:
        OSError: it cannot be written.
    """
    write_durably(path, content)
