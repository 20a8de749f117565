"""The one float32 kernel that decides every score, and the one order of hits.

In: unit vectors. Out: cosines and hits. Products and sums are separate IEEE 754 single-precision operations in an order
that depends on the dimension alone, so a score has the same bits on every machine, for every number and every place of
the rows. An index may propose rows by any arithmetic; what it returns was scored here. It searches nothing itself.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from custodes.gallery.entities import Hit
from custodes.gallery.ports import FloatArray

UNIT_TOLERANCE = 1e-3
"""How far a length may be from 1. float32 rounding of a unit vector stays below 1e-6; a forgotten normalization does
not."""

_UNIT_ROUNDOFF = 2.0**-24
_BLOCK_ROWS = 8192
_FEW = 64
"""Up to so many scores are ordered without numpy, whose first calls cost more than the work itself."""


def cosines(vectors: FloatArray, query: FloatArray) -> FloatArray:
    """Scores (N,) float32 of ``vectors`` (N, D) against ``query`` (D,), summed by halves in a fixed tree.

    Column j is added to column j + ceil(w / 2) until one is left. Each step is an elementwise addition, which no
    library may reorder, so the result is the same for one row as for a million.
    """
    scores = np.empty(len(vectors), np.float32)
    for start in range(0, len(vectors), _BLOCK_ROWS):
        part = vectors[start : start + _BLOCK_ROWS] * query
        width = part.shape[1]
        while width > 1:
            half = (width + 1) // 2
            part[:, : width - half] += part[:, half:width]
            width = half
        scores[start : start + len(part)] = part[:, 0]
    return scores


def error_bound(dimension: int) -> float:
    """How far any float32 inner product of two unit vectors can be from the score of ``cosines``.

    With u = 2^-24 and gamma(n) = n u / (1 - n u), a sum of D products in *any* order, with or without fused
    multiply-add, is within gamma(D) * sum |x_i q_i| of the true value; the tree of ``cosines`` is within
    gamma(1 + ceil(log2 D)) of it. By Cauchy-Schwarz sum |x_i q_i| <= |x| |q| <= (1 + UNIT_TOLERANCE)^2. Underflow adds
    less than D * 2^-126, even where denormals are flushed to zero.

    Source: N. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed. 2002, section 3.1 and eq. (4.4).
    """
    depth = 1 + max(dimension - 1, 0).bit_length()
    bound = (_gamma(dimension) + _gamma(depth)) * (1 + UNIT_TOLERANCE) ** 2
    return bound * (1 + 1e-6) + 2 * dimension * 2.0**-126


def _gamma(count: int) -> float:
    return count * _UNIT_ROUNDOFF / (1 - count * _UNIT_ROUNDOFF)


def best(rows: NDArray[np.int64], scores: FloatArray, limit: int, min_cosine: float) -> tuple[Hit, ...]:
    """At most ``limit`` hits with score >= ``min_cosine``, best first, ties by rising row."""
    if len(scores) <= _FEW:
        found = zip(scores.tolist(), rows.tolist(), strict=True)
        ordered = sorted((-score, row) for score, row in found if score >= min_cosine)
        return tuple(Hit(row, -negated) for negated, row in ordered[: max(limit, 0)])
    kept = np.flatnonzero(scores.astype(np.float64) >= min_cosine)
    if len(kept) > max(limit, 0):
        kept = _cut(kept, scores, limit)
    order = np.lexsort((rows[kept], -scores[kept]))[: max(limit, 0)]
    pairs = zip(rows[kept][order].tolist(), scores[kept][order].tolist(), strict=True)
    return tuple(Hit(row, cosine) for row, cosine in pairs)


def _cut(kept: NDArray[np.intp], scores: FloatArray, limit: int) -> NDArray[np.intp]:
    """Drop what is certainly below the best ``limit``; all ties of the last place stay for the order to decide."""
    if limit < 1:
        return kept[:0]
    found = scores[kept]
    last = np.partition(found, len(found) - limit)[len(found) - limit]
    return np.asarray(kept[found >= last])


def require_unit_query(query: FloatArray, dimension: int) -> FloatArray:
    """``query`` (D,) as contiguous float32; the same as ``require_unit`` does for many, in fewer steps.

    Raises:
        ValueError: another dimension, not finite, or not of unit length.
    """
    clean = np.ascontiguousarray(query, np.float32)
    if clean.shape != (dimension,):
        raise ValueError(f"a query of shape {clean.shape} where ({dimension},) is needed")
    # float32 is exact enough: the tolerance is a thousand times its rounding.
    if not abs(math.sqrt(np.dot(clean, clean)) - 1.0) <= UNIT_TOLERANCE:
        raise ValueError("a query is not of unit length")
    return clean


def by_row(rows: NDArray[np.int64], vectors: FloatArray, dimension: int) -> dict[int, FloatArray]:
    """``vectors`` (N, D) by their ``rows`` (N,); of equal rows the last counts.

    Raises:
        ValueError: not as many rows as vectors, or as ``require_unit``.
    """
    clean = require_unit(vectors, dimension)
    if len(rows) != len(clean):
        raise ValueError("as many rows as vectors are needed")
    return dict(zip(np.asarray(rows).tolist(), clean, strict=True))


def require_unit(vectors: FloatArray, dimension: int) -> FloatArray:
    """``vectors`` (N, D) as contiguous float32.

    Raises:
        ValueError: another dimension, not finite, or not of unit length.
    """
    clean = np.ascontiguousarray(vectors, np.float32)
    if clean.ndim != 2 or clean.shape[1] != dimension:
        raise ValueError(f"vectors of shape {clean.shape} where (N, {dimension}) is needed")
    lengths = np.sqrt(np.einsum("nd,nd->n", clean, clean, dtype=np.float64))
    # Written so that NaN fails too.
    if not bool(np.all(np.abs(lengths - 1.0) <= UNIT_TOLERANCE)):
        raise ValueError("a vector is not of unit length")
    return clean
