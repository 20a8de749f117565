"""A readers/writer lock that starves neither side.

In: nothing. Out: two context managers. Many readers or one writer hold it. It is phase-fair: a waiting writer stops new
readers from entering, and a leaving writer lets in every reader that waited before the next writer has its turn. So a
writer waits for at most one round of readers and a reader for at most one writer. It is not reentrant.

Source: B. Brandenburg, J. Anderson, Spin-based reader-writer synchronization for multiprocessor real-time systems,
Real-Time Systems 46(1), 2010 (the phase-fair property; this is a plain blocking version of it).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class ReadWriteLock:
    """Shared and exclusive access to one thing."""

    def __init__(self) -> None:
        """Make a free lock."""
        self._changed = threading.Condition(threading.Lock())
        self._readers = 0
        self._writing = False
        self._writers_waiting = 0
        self._admitted = 0
        """Waiting readers that the last writer let in ahead of the next writer."""
        self._readers_waiting = 0

    @contextmanager
    def read(self) -> Iterator[None]:
        """Hold it together with other readers."""
        with self._changed:
            self._enter_reading()
        try:
            yield
        finally:
            with self._changed:
                self._readers -= 1
                if not self._readers:
                    self._changed.notify_all()

    @contextmanager
    def write(self) -> Iterator[None]:
        """Hold it alone."""
        with self._changed:
            self._writers_waiting += 1
            while self._writing or self._readers or self._admitted:
                self._changed.wait()
            self._writers_waiting -= 1
            self._writing = True
        try:
            yield
        finally:
            with self._changed:
                self._writing = False
                self._admitted = self._readers_waiting
                self._changed.notify_all()

    def _enter_reading(self) -> None:
        if self._writing or self._writers_waiting or self._admitted:
            self._readers_waiting += 1
            while self._writing or (self._writers_waiting and not self._admitted):
                self._changed.wait()
            self._readers_waiting -= 1
            self._admitted = max(0, self._admitted - 1)
        self._readers += 1
