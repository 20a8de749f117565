"""A bounded run of vectors in one array, scanned in one go.

In: rows and vectors. Out: the arrays themselves; the first ``count`` places are in use, in no particular order. It
grows by doubling up to its capacity, so a small collection stays small. It does not search and takes no locks.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from custodes.gallery.ports import FloatArray
from custodes.storage.vectors.codes import Codes

CAPACITY = 262_144
"""Vectors in a full segment: 160 MiB at 128 dimensions, so a scan's fixed cost does not show, and growing or joining
segments moves little beside millions."""

_FIRST = 64


class VectorSegment:
    """Vectors (N, D) float32, their rows (N,) int64 and their codes; only ``count`` of N places are in use."""

    def __init__(self, dimension: int, capacity: int = CAPACITY) -> None:
        """Empty, for at most ``capacity`` vectors of ``dimension``."""
        self._capacity = capacity
        self.count = 0
        self.rows: NDArray[np.int64] = np.empty(0, np.int64)
        self.vectors: FloatArray = np.empty((0, dimension), np.float32)
        self.codes = Codes(dimension)
        self._lowest, self._highest = 0, -1

    @property
    def is_full(self) -> bool:
        """Whether no place is left."""
        return self.count >= self._capacity

    def takes_half(self, other: VectorSegment) -> bool:
        """Whether both together fill at most half a segment."""
        return self.count + other.count <= self._capacity // 2

    def append(self, rows: NDArray[np.int64], vectors: FloatArray) -> int:
        """Take as many as fit; returns how many that were."""
        taken = min(len(rows), self._capacity - self.count)
        if not taken:
            return 0
        end = self.count + taken
        self._reserve(end)
        self.rows[self.count : end] = rows[:taken]
        self.vectors[self.count : end] = vectors[:taken]
        self.codes.append(self.vectors[self.count : end])
        lowest, highest = int(rows[:taken].min()), int(rows[:taken].max())
        self._lowest = min(self._lowest, lowest) if self.count else lowest
        self._highest = max(self._highest, highest) if self.count else highest
        self.count = end
        return taken

    def remove(self, rows: NDArray[np.int64]) -> None:
        """Forget those of ``rows`` (sorted) that are here; the last vectors move into the holes."""
        start, end = np.searchsorted(rows, [self._lowest, self._highest + 1])
        if start >= end or not self.count:
            return
        dead = np.isin(self.rows[: self.count], rows[start:end])
        left = self.count - int(np.count_nonzero(dead))
        if left == self.count:
            return
        holes = np.flatnonzero(dead[:left])
        movers = left + np.flatnonzero(~dead[left:])
        self.rows[holes] = self.rows[movers]
        self.vectors[holes] = self.vectors[movers]
        self.codes.move(movers, holes, left)
        self.count = left

    def _reserve(self, needed: int) -> None:
        if needed <= len(self.rows):
            return
        size = min(max(_FIRST, needed, 2 * len(self.rows)), self._capacity)
        rows, vectors = np.empty(size, np.int64), np.empty((size, self.vectors.shape[1]), np.float32)
        rows[: self.count], vectors[: self.count] = self.rows[: self.count], self.vectors[: self.count]
        self.rows, self.vectors = rows, vectors
