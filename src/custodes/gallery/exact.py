"""Brute-force index: scores every row with the kernel. Small and obviously right.

In: rows and unit vectors. Out: hits. It is the oracle for faster indexes and enough for a few thousand rows; it makes
no promise on speed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from custodes.gallery.entities import Hit
from custodes.gallery.kernel import best, by_row, cosines, require_unit_query
from custodes.gallery.lock import ReadWriteLock
from custodes.gallery.ports import FloatArray


class BruteForceIndex:
    """A VectorIndex of numpy arrays, copied on every change."""

    def __init__(self, dimension: int) -> None:
        """Empty, for vectors of ``dimension``."""
        self._dimension = dimension
        self._lock = ReadWriteLock()
        self._rows: NDArray[np.int64] = np.empty(0, np.int64)
        self._vectors: FloatArray = np.empty((0, dimension), np.float32)

    def __len__(self) -> int:
        """Number of vectors."""
        with self._lock.read():
            return len(self._rows)

    def rows(self) -> NDArray[np.int64]:
        """See VectorIndex."""
        with self._lock.read():
            return np.sort(self._rows)

    def add(self, rows: NDArray[np.int64], vectors: FloatArray) -> None:
        """See VectorIndex. Raises ValueError for vectors that are not of this dimension and unit length."""
        fresh = by_row(rows, vectors, self._dimension)
        with self._lock.write():
            self._drop(rows)
            self._rows = np.concatenate([self._rows, np.fromiter(fresh, np.int64, len(fresh))])
            self._vectors = np.concatenate([self._vectors, *(vector[None] for vector in fresh.values())])

    def remove(self, rows: NDArray[np.int64]) -> None:
        """See VectorIndex."""
        with self._lock.write():
            self._drop(rows)

    def search(self, query: FloatArray, limit: int, min_cosine: float) -> tuple[Hit, ...]:
        """See VectorIndex. Raises ValueError for a query that is not of this dimension and unit length."""
        unit = require_unit_query(query, self._dimension)
        with self._lock.read():
            rows, vectors = self._rows, self._vectors
        return best(rows, cosines(vectors, unit), limit, min_cosine)

    def close(self) -> None:
        """See VectorIndex. All of it is in this process."""

    def erase(self) -> None:
        """See VectorIndex. All of it is in this process."""

    def _drop(self, rows: NDArray[np.int64]) -> None:
        keep = ~np.isin(self._rows, rows)
        self._rows, self._vectors = self._rows[keep], self._vectors[keep]
