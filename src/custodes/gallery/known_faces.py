"""Faces of one collection that searches found lately, so that the next search need not ask the store for them.

In: rows, and a way to look up those that are not here. Out: faces as the store has them. Whoever changes or deletes
faces calls ``forget`` once the store has the change and before anybody is told of it; then no later answer is older
than the change. It holds at most so many faces and no vectors.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from custodes.gallery.entities import Face

_LIMIT = 1024
"""Faces kept per collection: below a megabyte, beside the vectors that the collection's index holds anyway."""


class KnownFaces:
    """Least recently asked faces go first."""

    def __init__(self, limit: int = _LIMIT) -> None:
        """Keep at most ``limit`` faces."""
        self._limit = limit
        self._lock = threading.Lock()
        self._faces: dict[int, Face] = {}  # in the order in which they were last asked for
        self._forgotten = 0

    def of(self, rows: Sequence[int], look_up: Callable[[Sequence[int]], dict[int, Face]]) -> dict[int, Face]:
        """Those of ``rows`` that exist, in that order; what is not here comes from ``look_up``, which may raise."""
        with self._lock:
            forgotten = self._forgotten
            found = self._taken(rows)
        missing = [row for row in rows if row not in found]
        if not missing:
            return found
        found |= look_up(missing)
        with self._lock:
            # What was looked up before a change must not be kept after it.
            if forgotten == self._forgotten:
                self._faces |= {row: found[row] for row in missing[-self._limit :] if row in found}
                for row in list(self._faces)[: max(0, len(self._faces) - self._limit)]:
                    del self._faces[row]
        return {row: found[row] for row in rows if row in found}

    def forget(self) -> None:
        """Keep none of the faces that were here or are being looked up."""
        with self._lock:
            self._forgotten += 1
            self._faces.clear()

    def _taken(self, rows: Sequence[int]) -> dict[int, Face]:
        """Those of ``rows`` that are here, which makes them the last to go; with the lock."""
        found: dict[int, Face] = {}
        for row in rows:
            face = self._faces.pop(row, None)
            if face is not None:
                found[row] = self._faces[row] = face
        return found
