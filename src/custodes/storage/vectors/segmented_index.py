"""What indexes over segments share: rows are added and removed under a lock. How they are searched is theirs.

In: rows and unit vectors. Out: segments.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic

import numpy as np
from numpy.typing import NDArray

from custodes.gallery.kernel import require_unit
from custodes.gallery.lock import ReadWriteLock
from custodes.gallery.ports import FloatArray
from custodes.storage.vectors.segment import CodesT, Segments


class SegmentedIndex(Generic[CodesT]):
    """All of a VectorIndex but its search."""

    def __init__(self, dimension: int, segment_rows: int, new_codes: Callable[[], CodesT]) -> None:
        """Empty, for vectors of ``dimension``; a segment holds at most ``segment_rows``, coded by ``new_codes``."""
        self._dimension = dimension
        self._lock = ReadWriteLock()
        self._segments = Segments(dimension, segment_rows, new_codes)

    def __len__(self) -> int:
        """Number of vectors."""
        with self._lock.read():
            return len(self._segments)

    def rows(self) -> NDArray[np.int64]:
        """See VectorIndex."""
        with self._lock.read():
            parts = [segment.rows[: segment.count] for segment in self._segments.all]
            return np.sort(np.concatenate([np.empty(0, np.int64), *parts]))

    def add(self, rows: NDArray[np.int64], vectors: FloatArray) -> None:
        """See VectorIndex. Raises ValueError for vectors that are not of this dimension and unit length."""
        clean = require_unit(vectors, self._dimension)
        numbers = np.asarray(rows, np.int64)
        if len(numbers) != len(clean):
            raise ValueError("as many rows as vectors are needed")
        with self._lock.write():
            self._segments.add(numbers, clean)

    def remove(self, rows: NDArray[np.int64]) -> None:
        """See VectorIndex."""
        with self._lock.write():
            self._segments.remove(np.unique(np.asarray(rows, np.int64)))

    def close(self) -> None:
        """See VectorIndex. All of it is in this process."""

    def erase(self) -> None:
        """See VectorIndex. All of it is in this process."""
