"""Private documents as files below a folder, readable for their owner only.

In: names like ``bills/2026-11.json`` and bytes. Out: the same after any crash. What they are is not known here.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from custodes.durable import sync_directory, write_durably


class FolderDocuments:
    """Implements ``ledger.prover.ports.Documents`` in a folder, which must exist. Names never come from outside."""

    def __init__(self, folder: Path) -> None:
        """Keep files below ``folder``."""
        self._folder = folder

    def get(self, name: str) -> bytes | None:
        """See Documents."""
        try:
            return (self._folder / name).read_bytes()
        except FileNotFoundError:
            return None

    def put(self, name: str, data: bytes) -> None:
        """See Documents."""
        write_durably(self._made(name), data)

    def remove(self, name: str) -> None:
        """See Documents."""
        path = self._folder / name
        if path.exists():
            path.unlink()
            sync_directory(path.parent)

    def names(self, folder: str) -> Sequence[str]:
        """See Documents."""
        path = self._folder / folder
        if not path.is_dir():
            return ()
        return sorted(each.name for each in path.iterdir() if each.is_file() and not each.name.endswith(".tmp"))

    def size(self, name: str) -> int:
        """See Documents."""
        try:
            return (self._folder / name).stat().st_size
        except FileNotFoundError:
            return 0

    def read(self, name: str, begin: int, length: int) -> bytes:
        """See Documents."""
        try:
            with (self._folder / name).open("rb") as file:
                file.seek(begin)
                return file.read(length)
        except FileNotFoundError:
            return b""

    def extend(self, name: str, end: int, data: bytes) -> None:
        """See Documents."""
        path = self._made(name)
        new = not path.exists()
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            if os.fstat(descriptor).st_size < end:
                raise OSError(f"{path} is cut off: it has fewer than {end} bytes")
            file.truncate(end)
            try:
                file.seek(end)
                file.write(data)
                file.flush()
                os.fsync(descriptor)
            except OSError:
                os.ftruncate(descriptor, end)  # a torn end in front of what comes later would be taken for content
                raise
        if new:
            sync_directory(path.parent)

    def _made(self, name: str) -> Path:
        """Where a document stands; folders on the way are made."""
        path = self._folder / name
        missing = [each for each in path.parents if each.is_relative_to(self._folder) and not each.is_dir()]
        for each in reversed(missing):
            each.mkdir(mode=0o700, exist_ok=True)
            sync_directory(each.parent)
        return path
