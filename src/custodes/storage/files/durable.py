"""Durable writing of small files for the ledger's adapters: temporary file, fsync, rename, fsync of the folder.

In: a path and bytes. Out: a file that is there whole, or not at all, also after a power cut. After a failed fsync
nothing is retried or read back: the kernel may have dropped the pages and report them as clean.
"""

from __future__ import annotations

import os
from pathlib import Path


def sync_directory(path: Path) -> None:
    """Make names in ``path`` durable."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_whole(path: Path, data: bytes, temporary: Path, mode: int) -> None:
    """Put ``data`` in place of ``path`` by renaming ``temporary``; readers see old or new. Not durable yet."""
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
        temporary.rename(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def write_durably(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Put ``data`` in place of ``path``; durable when this returns."""
    temporary = path.with_name(f".{path.name}.tmp")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)
