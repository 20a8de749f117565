"""The ledger's public files in a folder that several servers write: the checkpoint only ever goes forward.

In and out: as ``tiles``. A server that was paused after it moved the head, and wakes up behind the next publisher,
would put an older checkpoint in the place of a newer one; under a lock of the file it finds that it is late.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from custodes.ledger.tlog.tiles import CHECKPOINT_PATH
from custodes.ledger.tree.tiles import claimed_size
from custodes.storage.ledger.tiles import FileTiles

_LOCK = "checkpoint.lock"


class SharedTiles(FileTiles):
    """``TileStore`` in a folder of several writers, each with a scratch folder of its own on the same file system."""

    def __init__(self, root: Path, scratch: Path) -> None:
        """Publish below ``root``."""
        super().__init__(root, scratch)
        self._locks = scratch.parent

    def replace(self, path: str, data: bytes) -> None:
        """Publish a file that changes; a checkpoint that is not larger than the public one stays out."""
        if path != CHECKPOINT_PATH:
            super().replace(path, data)
            return
        lock = os.open(self._locks / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            public = self.get(path)
            if public is None or claimed_size(public) < claimed_size(data):
                super().replace(path, data)
        finally:
            os.close(lock)
