"""Vectors of an index in bounded runs, each in one array that is scanned in one go.

In: rows and vectors. Out: the arrays themselves; the first ``count`` places of a segment are in use, in no particular
order. Adding never moves what is there; deleting fills the hole with the segment's last vectors. A segment grows by
doubling up to its capacity, so a small collection stays small. It does not search and takes no locks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from custodes.gallery.ports import FloatArray

CAPACITY = 262_144
"""Vectors in a full segment: 160 MiB at 128 dimensions, so a scan's fixed cost does not show, and growing or joining
segments moves little beside millions."""

_FIRST = 64


class SegmentCodes(Protocol):
    """A short form of a segment's vectors, place by place."""

    def append(self, vectors: FloatArray) -> None:
        """Code ``vectors`` (N, D) behind those there are."""
        ...

    def move(self, sources: NDArray[np.intp], targets: NDArray[np.intp], left: int) -> None:
        """Copy places ``sources`` over ``targets`` and keep the first ``left`` places."""
        ...


CodesT = TypeVar("CodesT", bound=SegmentCodes)


class VectorSegment(Generic[CodesT]):
    """Vectors (N, D) float32, their rows (N,) int64 and their codes; only ``count`` of N places are in use."""

    def __init__(self, dimension: int, capacity: int, codes: CodesT) -> None:
        """Empty, for at most ``capacity`` vectors of ``dimension``; so are ``codes``."""
        self._capacity = capacity
        self.count = 0
        self.rows: NDArray[np.int64] = np.empty(0, np.int64)
        self.vectors: FloatArray = np.empty((0, dimension), np.float32)
        self.codes = codes
        self._lowest, self._highest = 0, -1

    @property
    def is_full(self) -> bool:
        """Whether no place is left."""
        return self.count >= self._capacity

    def takes_half(self, other: VectorSegment[CodesT]) -> bool:
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


class Segments(Generic[CodesT]):
    """All segments of an index; a row has one place in one of them."""

    def __init__(self, dimension: int, capacity: int, codes: Callable[[], CodesT]) -> None:
        """None yet; each will hold at most ``capacity`` vectors of ``dimension`` and what ``codes`` makes."""
        self._dimension, self._capacity, self._codes = dimension, capacity, codes
        self.all: list[VectorSegment[CodesT]] = []

    def __len__(self) -> int:
        """Number of vectors."""
        return sum(segment.count for segment in self.all)

    def add(self, rows: NDArray[np.int64], vectors: FloatArray) -> None:
        """Take ``vectors`` (N, D) under ``rows`` (N,). A row there is replaced; of equal ones the last counts."""
        backwards, first = np.unique(rows[::-1], return_index=True)
        self.remove(backwards)
        self._append(backwards, vectors[len(rows) - 1 - first])

    def remove(self, rows: NDArray[np.int64]) -> None:
        """Forget those of ``rows`` (sorted, each once) that are there."""
        for segment in self.all:
            segment.remove(rows)
        self.all = _merged(self.all)

    def _append(self, rows: NDArray[np.int64], vectors: FloatArray) -> None:
        done = 0
        while done < len(rows):
            if not self.all or self.all[-1].is_full:
                self.all.append(VectorSegment(self._dimension, self._capacity, self._codes()))
            done += self.all[-1].append(rows[done:], vectors[done:])


def _merged(segments: list[VectorSegment[CodesT]]) -> list[VectorSegment[CodesT]]:
    """Drop empty segments and join neighbours that fit into half of one, so that deletions give memory back."""
    kept: list[VectorSegment[CodesT]] = []
    for segment in segments:
        if kept and kept[-1].takes_half(segment):
            kept[-1].append(segment.rows[: segment.count], segment.vectors[: segment.count])
        elif segment.count:
            kept.append(segment)
    return kept
