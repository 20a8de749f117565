"""The last published checkpoint in a file in a second place, to notice that a ledger was set back to an older state.

In and out: signed checkpoints. Put it on another disk or machine than the ledger: beside it, it only notices a ledger
folder that was restored alone. Two servers on copies of one ledger notice each other here, too.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from custodes.durable import write_durably
from custodes.ledger.writer.ports import HeadConflictError


class FileAnchor:
    """``ledger.ports.Anchor`` in a file."""

    def __init__(self, path: Path) -> None:
        """Keep the checkpoint in ``path``."""
        self._path = path

    def fetch(self) -> bytes | None:
        """The checkpoint kept, or None."""
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            return None

    def replace(self, old: bytes | None, new: bytes) -> None:
        """Compare and swap under a lock."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(self._path.with_name(f"{self._path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if self.fetch() != old:
                raise HeadConflictError("another server moved this ledger's head")
            write_durably(self._path, new)
        finally:
            os.close(lock)
