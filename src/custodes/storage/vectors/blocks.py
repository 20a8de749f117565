"""Coded vectors of a segment as the own scan reads them: blocks of sixteen, each vector with a scale and an error.

In: unit vectors. Out: places that may hold answers, never fewer. It decides nothing: whoever asks re-scores them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from custodes.gallery.kernel import error_bound
from custodes.gallery.ports import FloatArray
from custodes.storage.vectors.huge_pages import advise
from custodes.storage.vectors.scan_library import LANES, ScanLibrary, block_bytes

_ALIGNED = 64
"""A register that lies in two lines of the cache is read twice."""
_ROOM = 1024
"""Candidates of a first pass, beyond four times the limit; among a million faces there are a few dozen."""
_ROUNDING = 2e-6
"""Of bounds: four roundings of values below 2, and of the errors, which are below 1."""


class BlockCodes:
    """Coded vectors, place by place."""

    def __init__(self, dimension: int, capacity: int, library: ScanLibrary) -> None:
        """Empty, for at most ``capacity`` vectors of ``dimension``."""
        self._library = library
        self._most = -(-capacity // LANES)
        self._dimension = dimension
        self._slack = error_bound(dimension) + _ROUNDING
        self._size = block_bytes(dimension)
        self._blocks = _aligned(0, self._size)
        self._count = 0

    def append(self, vectors: FloatArray) -> None:
        """Code ``vectors`` (N, D) behind those there are."""
        needed = -(-(self._count + len(vectors)) // LANES)
        if needed > len(self._blocks):
            grown = _aligned(min(max(needed, 2 * len(self._blocks)), self._most), self._size)
            grown[: len(self._blocks)] = self._blocks
            self._blocks = grown
        self._library.encode(self._blocks, self._count, np.ascontiguousarray(vectors))
        self._count += len(vectors)

    def move(self, sources: NDArray[np.intp], targets: NDArray[np.intp], left: int) -> None:
        """Copy places ``sources`` over ``targets`` and keep the first ``left`` places."""
        to_block, to_lane = np.divmod(targets, LANES)
        from_block, from_lane = np.divmod(sources, LANES)
        # Codes, scales and errors lie alike: rows of sixteen times four bytes.
        quads = self._blocks.reshape(len(self._blocks), -1, LANES, 4)
        quads[to_block, :, to_lane] = quads[from_block, :, from_lane]
        self._count = left

    def candidates(
        self, vectors: FloatArray, queries: FloatArray, limits: NDArray[np.int64], least: FloatArray
    ) -> list[NDArray[np.int32]]:
        """For each of ``queries`` (Q, D) the places that may be among its best ``limits`` (Q,) and reach ``least``.

        ``vectors`` (N, D) are those that were coded, contiguous, in their places.
        ``least`` (Q,) is raised in place to what the last score of the answer reaches for certain.
        """
        room = min(self._count, _ROOM + 4 * int(limits.max(initial=0)))
        places, found = self._library.scan(self._blocks, vectors, queries, limits, least, self._slack, room)
        return [
            row[:number]
            if number >= 0
            else self._crowded(vectors, queries[n : n + 1], limits[n : n + 1], least[n : n + 1])
            for n, (row, number) in enumerate(zip(places, found.tolist(), strict=True))
        ]

    def _crowded(
        self, vectors: FloatArray, query: FloatArray, limit: NDArray[np.int64], least: FloatArray
    ) -> NDArray[np.int32]:
        """More near ties than there was room for: once more with room for everything."""
        places, found = self._library.scan(self._blocks, vectors, query, limit, least, self._slack, self._count)
        return places[0, : int(found[0])]


def _aligned(blocks: int, size: int) -> NDArray[np.uint8]:
    """(blocks, size) uint8 that begin a line of the cache."""
    raw = np.empty(blocks * size + _ALIGNED, np.uint8)
    start = -raw.ctypes.data % _ALIGNED
    made = raw[start : start + blocks * size]
    advise(made)
    return made.reshape(blocks, size)
