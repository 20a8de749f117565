"""Locks by name, of fixed number: work on the same name is done one at a time, without a lock kept per name.

In: any strings. Out: a lock. Two names may share a lock; so never take two locks of the same LockStriping at once.
"""

from __future__ import annotations

import threading
import zlib


class LockStriping:
    """A fixed set of locks."""

    def __init__(self, number: int = 256) -> None:
        """Have ``number`` locks."""
        self._locks = tuple(threading.Lock() for _ in range(number))

    def lock(self, *names: str) -> threading.Lock:
        """The lock of this combination of names."""
        return self._locks[zlib.crc32("\0".join(names).encode()) % len(self._locks)]

    def pass_all(self) -> None:
        """Return once everybody who holds a lock now has let go of it."""
        for lock in self._locks:
            with lock:
                pass
