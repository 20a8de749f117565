"""Vectors as one byte per component, scanned by faiss at a quarter of the memory traffic, with a certificate.

In: unit vectors. Out: rough scores, and how far each may be from the true one. All components share one scale, so rough
scores compare without further data; ``worst`` is the largest distance between a vector and what its bytes stand for,
measured when it was coded. It decides nothing: whoever asks re-scores what the certificate cannot rule out.

Threads: faiss starts a team of threads even for one query, unless the calling thread's own OpenMP setting says one.
That setting belongs to the calling thread (OpenMP 5.2, nthreads-var is per data environment), so setting it here
touches no other thread.
"""

from __future__ import annotations

import math

import faiss
import numpy as np
from numpy.typing import NDArray

from custodes.gallery.kernel import UNIT_TOLERANCE, error_bound
from custodes.gallery.ports import FloatArray
from custodes.storage.vectors.huge_pages import advise

USABLE_WORST = 0.03
"""Beyond this the certificate rules out too little to pay; components of faces leave 0.014 at 128 dimensions."""

_SPREADS = 5.5
"""Components up to that many standard deviations of a random unit vector's, 1 / sqrt(D), fit into the scale."""


class Codes:
    """Coded vectors of a segment, place by place."""

    def __init__(self, dimension: int) -> None:
        """Empty, for vectors of ``dimension``."""
        reach = min(1.0, _SPREADS / math.sqrt(dimension))
        kind = faiss.ScalarQuantizer.QT_8bit_uniform
        self._index = faiss.IndexScalarQuantizer(dimension, kind, faiss.METRIC_INNER_PRODUCT)
        # Training is only this: the smallest and the largest value that a byte can stand for.
        self._index.train(np.array([[-reach] * dimension, [reach] * dimension], np.float32))
        self._dimension = dimension
        self._rounding = error_bound(dimension) * (2 + 4 * reach * math.sqrt(dimension))
        self._advised = 0
        self.worst = 0.0

    @property
    def margin(self) -> float:
        """How far a rough score may be from the kernel's.

        By Cauchy-Schwarz the bytes account for |x - x'| |q|. Rounding: x' = low + step (c + 1/2) may be summed
        component by component or as low * sum q_i + step * sum (c_i + 1/2) q_i; either way the terms' absolute values
        add up to at most 3 reach sqrt(D) |q|, times the bound of a float32 sum of D terms; the kernel's own rounding
        comes on top.
        """
        return self.worst * (1 + UNIT_TOLERANCE) + self._rounding

    @property
    def is_usable(self) -> bool:
        """Whether a scan rules out enough."""
        return self.worst <= USABLE_WORST

    def append(self, vectors: FloatArray) -> None:
        """Code ``vectors`` (N, D) behind those there are."""
        coded = self._index.sa_decode(self._index.sa_encode(vectors))
        rest = vectors - coded  # float32: the differences are exact to 1e-7 of what is measured here
        squares = np.einsum("nd,nd->n", rest, rest, dtype=np.float64)
        self.worst = max(self.worst, float(np.sqrt(squares.max(initial=0.0))) * (1 + 1e-5))
        self._index.add(vectors)
        held = self._held()
        if held.ctypes.data != self._advised:  # it grew into another place, at most once per doubling
            self._advised = held.ctypes.data
            advise(held)

    def move(self, sources: NDArray[np.intp], targets: NDArray[np.intp], left: int) -> None:
        """Copy places ``sources`` over ``targets`` and keep the first ``left`` places."""
        places = self._held().reshape(self._index.ntotal, self._dimension)
        places[targets] = places[sources]
        self._index.codes.resize(left * self._dimension)
        self._index.ntotal = left
        if not left:
            self.worst = 0.0

    def scan(self, query: FloatArray, count: int) -> tuple[FloatArray, NDArray[np.int64]]:
        """The ``count`` best rough scores for ``query`` (D,) and their places."""
        faiss.omp_set_num_threads(1)
        scores, places = self._index.search(query[None], count)
        return scores[0], places[0]

    def _held(self) -> NDArray[np.uint8]:
        """faiss's own bytes, for reading and writing; valid until the next append."""
        size = self._index.ntotal * self._dimension
        return np.asarray(faiss.rev_swig_ptr(self._index.codes.data(), size), np.uint8)
