"""Exact index that lets faiss propose and the kernel decide, for machines on which ``scanned_index`` was not built.

In: rows and unit vectors. Out: hits with the kernel's scores. Vectors lie in segments of plain arrays, with a copy in
one byte per component, which is what a search reads: memory traffic decides its time. What comes out does not depend
on any of it: candidates are taken with a margin that covers every possible difference between a rough score and the
kernel's, then scored, cut and ordered by the kernel. Where the bytes say too little (vectors with few large components,
or thousands of near ties), the float32 vectors are scanned instead.

Threads: each search runs on the thread that asked (the GIL is free during the scan). faiss parallelizes over queries,
and a scan of float32 has one; for bytes see ``codes``. Nor does one query ever reach
``distance_compute_blas_threshold``, above which faiss would call BLAS.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import faiss
import numpy as np
from numpy.typing import NDArray

from custodes.gallery.entities import Hit
from custodes.gallery.kernel import best, cosines, error_bound, require_unit_query
from custodes.gallery.ports import FloatArray
from custodes.storage.vectors.codes import Codes
from custodes.storage.vectors.segment import CAPACITY, VectorSegment
from custodes.storage.vectors.segmented_index import SegmentedIndex

_SLACKS = (24, 512)
"""Candidates beyond one and a half times the limit, tried in turn. Within the margin of the last place there are
usually a dozen rows among a million faces; the second try serves crowded neighbourhoods."""
_PROBE = 64
"""Candidates of the first try when many matches are allowed above a threshold."""


@dataclass(frozen=True, slots=True)
class _Candidates:
    rows: NDArray[np.int64]
    scores: FloatArray
    """By the kernel."""
    unseen_below: float
    """Rows that are not among these have a kernel score below this."""


class FaissIndex(SegmentedIndex[Codes]):
    """A VectorIndex for up to many millions of rows: 5 D + 8 bytes a row."""

    def __init__(self, dimension: int, segment_rows: int = CAPACITY) -> None:
        """Empty, for vectors of ``dimension``; a segment holds at most ``segment_rows``."""
        self._margin = error_bound(dimension)
        super().__init__(dimension, segment_rows, lambda: Codes(dimension))

    def search(self, query: FloatArray, limit: int, min_cosine: float) -> tuple[Hit, ...]:
        """See VectorIndex. Raises ValueError for a query that is not of this dimension and unit length."""
        unit = require_unit_query(query, self._dimension)
        if limit < 1:
            return ()
        with self._lock.read():
            found = self._candidates(unit, limit, min_cosine)
        return best(found.rows, found.scores, limit, min_cosine)

    def _candidates(self, query: FloatArray, limit: int, min_cosine: float) -> _Candidates:
        """Rows among which the answer is for certain."""
        needed = floor = min(max(min_cosine, -2.0), 2.0)  # no score lies beyond
        # Most searches allow thousands of matches and few rows reach their threshold: a short list first shows that.
        probe = (_PROBE,) if min_cosine > -1.0 and limit > _PROBE else ()
        for count in (*probe, *(limit + limit // 2 + slack for slack in _SLACKS)):
            found = self._nearest(query, count, floor)
            # The answer's last score is at least this.
            needed = max(_last(found.scores, limit), floor)
            if found.unseen_below <= needed:
                return found
        return self._above(query, needed)

    def _nearest(self, query: FloatArray, count: int, floor: float) -> _Candidates:
        """The ``count`` best by faiss of all segments, of which those that may reach ``floor`` are scored."""
        scans = [_scan(segment, query, min(count, segment.count)) for segment in self._segments.all]
        if not scans:
            return _Candidates(np.empty(0, np.int64), np.empty(0, np.float32), -np.inf)
        worst, bound = -np.inf, -np.inf
        if len(self._segments) > count:
            # A row outside has a rough score of at most the worst one inside, hence a true one of a margin more.
            worst = _last(np.concatenate([scores for scores, _ in scans]), count)
            margin = max(
                [self._margin, *(segment.codes.margin for segment in self._segments.all if segment.codes.is_usable)]
            )
            bound = max(math.nextafter(worst + margin, math.inf), floor)
            # Looking at vectors that cannot reach the floor anyway would only wait for memory.
            worst = max(worst, math.nextafter(floor - margin, -math.inf))
        rows, vectors = [], []
        for segment, (scores, places) in zip(self._segments.all, scans, strict=True):
            here = places[scores.astype(np.float64) >= worst]
            rows.append(segment.rows[here])
            vectors.append(segment.vectors[here])
        scored = cosines(np.concatenate(vectors), query)
        return _Candidates(np.concatenate(rows), scored, bound)

    def _above(self, query: FloatArray, needed: float) -> _Candidates:
        """Every row whose score can reach ``needed``: the way of many near ties at the last place."""
        radius = np.nextafter(np.float32(needed - self._margin), np.float32(-np.inf))
        rows, scores = [np.empty(0, np.int64)], [np.empty(0, np.float32)]
        for segment in self._segments.all:
            places = _scan_above(segment, query, float(np.nextafter(radius, np.float32(-np.inf))))
            rows.append(segment.rows[places])
            scores.append(cosines(segment.vectors[places], query))
        return _Candidates(np.concatenate(rows), np.concatenate(scores), needed)


def _last(scores: FloatArray, limit: int) -> float:
    """The ``limit``-th best score, or minus infinity when there are fewer."""
    if len(scores) < limit:
        return -np.inf
    return float(np.partition(scores, len(scores) - limit)[len(scores) - limit])


def _scan(segment: VectorSegment[Codes], query: FloatArray, count: int) -> tuple[FloatArray, NDArray[np.int64]]:
    if segment.codes.is_usable:
        return segment.codes.scan(query, count)
    scores, places = np.empty(count, np.float32), np.empty(count, np.int64)
    faiss.knn_inner_product(
        faiss.swig_ptr(query),
        faiss.swig_ptr(segment.vectors),
        query.size,
        1,
        segment.count,
        count,
        faiss.swig_ptr(scores),
        faiss.swig_ptr(places),
    )
    return scores, places


def _scan_above(segment: VectorSegment[Codes], query: FloatArray, radius: float) -> NDArray[np.int64]:
    result = faiss.RangeSearchResult(1)
    faiss.range_search_inner_product(
        faiss.swig_ptr(query), faiss.swig_ptr(segment.vectors), query.size, 1, segment.count, radius, result
    )
    count = int(faiss.rev_swig_ptr(result.lims, 2)[1])
    if not count:
        return np.empty(0, np.int64)
    return np.array(faiss.rev_swig_ptr(result.labels, count), np.int64)
