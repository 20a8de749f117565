"""Exact index over the own scan: one pass over bytes proposes, certified to miss nothing, and the kernel decides.

In: rows and unit vectors. Out: hits with the kernel's scores, the same bits as every other exact index. Vectors lie in
segments with a copy in one byte per component, which is what a search reads. Memory traffic decides its time, and one
core nearly fills a memory bus: so searches of a large collection that wait at the same time share one pass, and a lone
one runs at once.

Needs the library that ``scan_library`` opens; ``faiss_index`` does the same without.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from custodes.gallery.entities import Hit
from custodes.gallery.kernel import best, cosines, require_unit_query
from custodes.gallery.ports import FloatArray
from custodes.storage.vectors.blocks import BlockCodes
from custodes.storage.vectors.scan_library import ScanLibrary
from custodes.storage.vectors.segment import CAPACITY
from custodes.storage.vectors.segmented_index import SegmentedIndex
from custodes.storage.vectors.shared_pass import SearchAsked, SharedPass

SHARED_FROM = 65_536
"""Vectors from which on searches share a pass; fewer take less time than waiting for one another."""

_ROUNDED = 1e-6


class ScannedIndex(SegmentedIndex[BlockCodes]):
    """A VectorIndex for up to many millions of rows: 5 D + 16 bytes a row."""

    def __init__(self, dimension: int, library: ScanLibrary, segment_rows: int = CAPACITY) -> None:
        """Empty, for vectors of ``dimension``; a segment holds at most ``segment_rows``."""
        super().__init__(dimension, segment_rows, lambda: BlockCodes(dimension, segment_rows, library))
        self._passes = SharedPass(self.searched)

    def search(self, query: FloatArray, limit: int, min_cosine: float) -> tuple[Hit, ...]:
        """See VectorIndex. Raises ValueError for a query that is not of this dimension and unit length."""
        unit = require_unit_query(query, self._dimension)
        if limit < 1:
            return ()
        asked = SearchAsked(unit, limit, min_cosine)
        # Read without the lock: it only decides who runs.
        if len(self._segments) < SHARED_FROM:
            return self.searched([asked])[0]
        return self._passes(asked)

    def searched(self, asked: Sequence[SearchAsked]) -> list[tuple[Hit, ...]]:
        """Hits for each of ``asked`` in one pass; queries were checked, limits are at least 1."""
        # The first call of each numpy function after a pass waits for its own code, so there are few of them.
        queries = asked[0].query[None] if len(asked) == 1 else np.stack([each.query for each in asked])
        limits = np.array([each.limit for each in asked], np.int64)
        # Below by more than float32 can round, so that no score at the floor is missed; no score lies beyond 2.
        least = np.array([min(max(each.min_cosine, -2.0), 2.0) - _ROUNDED for each in asked], np.float32)
        rows = [[np.empty(0, np.int64)] for _ in asked]
        vectors = [[np.empty((0, self._dimension), np.float32)] for _ in asked]
        with self._lock.read():
            for segment in self._segments.all:
                there = segment.vectors[: segment.count]
                for n, places in enumerate(segment.codes.candidates(there, queries, limits, least)):
                    rows[n].append(segment.rows[places])
                    vectors[n].append(segment.vectors[places])
        return [
            best(
                np.concatenate(rows[n]),
                cosines(np.concatenate(vectors[n]), each.query),
                each.limit,
                each.min_cosine,
            )
            for n, each in enumerate(asked)
        ]
