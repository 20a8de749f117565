"""All pairs of vectors that are alike, exactly, without a matrix of all pairs in memory.

In: unit vectors (N, D) float32, and for each the cosine that counts as alike. Out: pairs, block by block. A pair is
alike when its cosine reaches the limits of both.

How: something cheap rules most pairs out for certain, and what is left is computed in full, in float32, summed in one
fixed order. Where somebody multiplies bytes, vectors are rounded to 7 bits a component: what a product of these is
wrong by is at most what the lengths of the rounding errors say (Cauchy-Schwarz), so few pairs are left. Else, or where
the components differ so much in size that many would be, the vectors are turned so that the directions in which they
differ most come first: a cosine is at most the product of the first components plus the product of the lengths of the
rest. Memory: the vectors, what they are ruled out by, and a few blocks. Each thread multiplies by itself: of floats,
blocks are stacks of tiles that are too small for BLAS to spread over threads of its own, which wait for one another.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue

import numpy as np
from numpy.typing import NDArray

from custodes.gallery.ports import FloatArray

ROWS, COLUMNS = 512, 2048
"""Of a block: its bounds (4 MiB) stay in the caches of common processors."""
_TILE = 64
"""Columns of a tile, and its most rows."""
_ALONE = 262_144
"""Multiplications up to which OpenBLAS stays on the thread that asked (interface/gemm.c)."""
_HEADS = (16, 24, 32, 48, 64, 96)
_SAMPLED = 1024
_FEW = 2e-4
"""Share of pairs that may be left to be computed in full."""
_PIECE = 65_536
_LEVELS, _SHIFT = 63, 128
"""Numbers of 7 bits: sums of two products fit into 16 bits, as some processors need."""
_LONGEST = 1.001
"""Of unit vectors as they are kept, float32 and all; see UNIT_TOLERANCE."""
_SLACK = 2e-5
"""More than float32 can be wrong by in a product of unit vectors of some hundred components."""


@dataclass(frozen=True, slots=True)
class AlikePairs:
    """Some pairs: row numbers ``first`` < ``second`` and their cosines, three arrays of one length."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    cosine: NDArray[np.float32]


_Sieve = Callable[[int, int], tuple[NDArray[np.int64], NDArray[np.int64]]]
"""Rows of the block that begins there whose cosines may reach what is sought; none that does is left out."""


def _nobody(_: float) -> None:
    """Nobody is told."""


Products = Callable[[NDArray[np.uint8], NDArray[np.int8]], NDArray[np.int32]]
"""Of rows (N, D), shifted by 128, and columns (D, M): exact sums, for numbers of 7 bits at least."""


@dataclass(frozen=True, slots=True)
class PairWork:
    """How pairs are looked at: by how many threads, who is told the share that is over, what ends it early.

    ``products`` multiplies bytes, where there is something that does so faster than floats are multiplied.
    """

    threads: int = 2
    stopped: Callable[[], bool] = lambda: False
    done: Callable[[float], None] = _nobody
    products: Products | None = None


DEFAULT_WORK = PairWork()


def alike_pairs(vectors: FloatArray, least: FloatArray, work: PairWork = DEFAULT_WORK) -> Iterator[AlikePairs]:
    """Every pair of rows of ``vectors`` whose cosine reaches ``least`` (N,) of both, each once, in no fixed order."""
    yield from _between((vectors, vectors), (least, least), work, symmetric=True)


def alike_between(
    sides: tuple[FloatArray, FloatArray], limits: tuple[FloatArray, FloatArray], work: PairWork = DEFAULT_WORK
) -> Iterator[AlikePairs]:
    """The same between two sets: ``first`` are rows of the one, ``second`` of the other; limits are (N,) of each."""
    yield from _between(sides, limits, work, symmetric=False)


def _between(
    sides: tuple[FloatArray, FloatArray], limits: tuple[FloatArray, FloatArray], work: PairWork, *, symmetric: bool
) -> Iterator[AlikePairs]:
    one, other = sides
    if not len(one) or not len(other):
        return
    floor = float(max(limits[0].min(), limits[1].min()))
    sieve = _bytes_sieve(sides, floor - _SLACK, work.products) or _floats_sieve(sides, floor, work.threads)

    def block(place: tuple[int, int]) -> AlikePairs:
        first, second = sieve(*place)
        there = (first < len(one)) & (second < len(other))  # the last blocks are filled up
        return _exact(sides, limits, (first[there], second[there]), symmetric=symmetric)

    places = [
        (row, column)
        for row in range(0, len(one), ROWS)
        for column in range(row // COLUMNS * COLUMNS if symmetric else 0, len(other), COLUMNS)
    ]
    yield from _each(block, places, work)


def _bytes_sieve(sides: tuple[FloatArray, FloatArray], least: float, products: Products | None) -> _Sieve | None:
    """Looks by products of bytes; None where nobody multiplies them, or too many pairs would be left."""
    if products is None:
        return None
    one, other = sides
    scale = _LEVELS / max(float(np.abs(side).max()) for side in sides)
    left, wrong = _rounded(one, scale)
    right, also_wrong = (left, wrong) if other is one else _rounded(other, scale)
    # |xy - ab| <= |x - a| |y| + |a| |y - b|, for a and b that stand for x and y.
    bound = scale * scale * (least - (wrong * _LONGEST + (_LONGEST + wrong) * also_wrong))
    if _share(left, right, bound) > _FEW + 1 / _SAMPLED:
        return None
    shifted = (left + np.int16(_SHIFT)).astype(np.uint8)
    columns = [np.ascontiguousarray(right[start : start + COLUMNS].T) for start in range(0, len(right), COLUMNS)]

    def sieve(row: int, column: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        block = columns[column // COLUMNS]
        found = np.flatnonzero(products(shifted[row : row + ROWS], block) >= bound)
        first, second = np.divmod(found, block.shape[1])
        return row + first, column + second

    return sieve


def _rounded(rows: FloatArray, scale: float) -> tuple[NDArray[np.int8], float]:
    """``scale`` times ``rows`` as bytes, and the length of the largest error, in units of the rows, rounded up."""
    found, worst = np.empty(rows.shape, np.int8), 0.0
    for start in range(0, len(rows), _PIECE):
        part = rows[start : start + _PIECE].astype(np.float64)
        near = np.rint(part * scale)
        found[start : start + _PIECE] = near
        worst = max(worst, float(np.linalg.norm(part - near / scale, axis=1).max()))
    return found, worst * (1 + 1e-6)


def _share(left: NDArray[np.int8], right: NDArray[np.int8], bound: float) -> float:
    """Of some pairs those that reach ``bound``."""
    rng = np.random.default_rng(0)  # which rows are tried changes the speed only
    some, others = (
        rows[rng.integers(0, len(rows), min(_SAMPLED, len(rows)))].astype(np.float32) for rows in (left, right)
    )
    return float((some @ others.T >= bound).mean())


def _floats_sieve(sides: tuple[FloatArray, FloatArray], floor: float, threads: int) -> _Sieve:
    """Looks by products of first components and of lengths of the rest."""
    one, other = sides
    turn = _turned(other)
    head = _head(one, other, turn, floor)
    right = _tiles(other, turn, head)
    left = right if other is one else _tiles(one, turn, head)
    rooms: SimpleQueue[FloatArray] = SimpleQueue()  # bounds of blocks, each used by one thread at a time
    for _ in range(threads):
        rooms.put(np.empty(ROWS * COLUMNS, np.float32))

    def sieve(row: int, column: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        room = rooms.get()
        try:
            return _possible((left, row), (right, column), floor - _SLACK, room)
        finally:
            rooms.put(room)

    return sieve


def _tiles(rows: FloatArray, turn: FloatArray, head: int) -> FloatArray:
    """(T, head + 1, 64): first components and lengths of 64 rows in each tile; the last is filled up with zeros.

    Where all components are first, no length is left, and no place for it.
    """
    count, width = -(-len(rows) // _TILE), min(head + 1, rows.shape[1])
    found = np.zeros((count, width, _TILE), np.float32)
    for start in range(0, len(rows), _PIECE):
        part = _headed(rows[start : start + _PIECE], turn, head)[:, :width]
        whole = len(part) // _TILE
        at = start // _TILE
        found[at : at + whole] = part[: whole * _TILE].reshape(whole, _TILE, width).transpose(0, 2, 1)
        if whole * _TILE < len(part):
            found[at + whole, :, : len(part) - whole * _TILE] = part[whole * _TILE :].T
    return found


def _possible(
    left: tuple[FloatArray, int], right: tuple[FloatArray, int], least: float, room: FloatArray
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of a block, from the given rows of tiles on, whose bounds reach ``least``."""
    (tiles, row), (others, column) = left, right
    columns = others[column // _TILE :][: COLUMNS // _TILE]
    part = tiles[row // _TILE :][: ROWS // _TILE]
    count, width, _ = part.shape
    tall = _TILE
    while tall > 1 and tall * _TILE * width > _ALONE:
        tall //= 2
    lying = part.reshape(count, width, _TILE // tall, tall).transpose(0, 2, 3, 1)
    shape = (count, _TILE // tall, len(columns), tall, _TILE)
    bounds = np.matmul(lying[:, :, None], columns[None, None], out=room[: math.prod(shape)].reshape(shape))
    tile, piece, other, first, second = np.unravel_index(np.flatnonzero(bounds >= least), shape)
    return row + tile * _TILE + piece * tall + first, column + other * _TILE + second


def _each(
    block: Callable[[tuple[int, int]], AlikePairs], places: list[tuple[int, int]], work: PairWork
) -> Iterator[AlikePairs]:
    """Blocks by several threads, a few ahead of who takes them, so that results do not pile up."""
    window = 4 * work.threads

    def run(place: tuple[int, int]) -> AlikePairs | None:
        return None if work.stopped() else block(place)

    with ThreadPoolExecutor(work.threads) as pool:
        waiting = [pool.submit(run, place) for place in places[:window]]
        for at in range(len(places)):
            found = waiting[at % window].result()
            if at + window < len(places):
                waiting[at % window] = pool.submit(run, places[at + window])
            if found is None:
                return
            if len(found.first):
                yield found
            if (at + 1) % 64 == 0 or at + 1 == len(places):
                work.done((at + 1) / len(places))


def _exact(
    sides: tuple[FloatArray, FloatArray],
    limits: tuple[FloatArray, FloatArray],
    pairs: tuple[NDArray[np.int64], NDArray[np.int64]],
    *,
    symmetric: bool,
) -> AlikePairs:
    """Of candidates those that are alike, with their cosines."""
    first, second = pairs
    if symmetric:
        upper = first < second
        first, second = first[upper], second[upper]
    cosine = np.einsum("nd,nd->n", sides[0][first], sides[1][second]).astype(np.float32)
    alike = (cosine >= limits[0][first]) & (cosine >= limits[1][second])
    return AlikePairs(first[alike], second[alike], cosine[alike])


def _turned(vectors: FloatArray) -> FloatArray:
    """(D, D) orthonormal columns, the direction of the largest second moment first."""
    moments = np.zeros((vectors.shape[1], vectors.shape[1]))
    for start in range(0, len(vectors), _PIECE):
        part = vectors[start : start + _PIECE].astype(np.float64)
        moments += part.T @ part
    _, directions = np.linalg.eigh(moments)
    return np.ascontiguousarray(directions[:, ::-1], np.float32)


def _head(one: FloatArray, other: FloatArray, turn: FloatArray, floor: float) -> int:
    """The least number of components whose bounds leave few pairs; all where none do."""
    rng = np.random.default_rng(0)  # which rows are tried changes the speed only
    some, others = (rows[rng.integers(0, len(rows), min(_SAMPLED, len(rows)))] for rows in (one, other))
    for head in (head for head in _HEADS if head < one.shape[1]):
        left = _headed(some, turn, head) @ _headed(others, turn, head).T >= floor - _SLACK
        if left.mean() <= _FEW + 1 / len(some):
            return head
    return int(one.shape[1])


def _headed(rows: FloatArray, turn: FloatArray, head: int) -> FloatArray:
    """(N, head + 1): first components of the turned rows, and the length of the others, rounded up."""
    found = np.empty((len(rows), head + 1), np.float32)
    for start in range(0, len(rows), _PIECE):
        turned = rows[start : start + _PIECE] @ turn
        found[start : start + _PIECE, :head] = turned[:, :head]
        rest = np.linalg.norm(turned[:, head:].astype(np.float64), axis=1)
        found[start : start + _PIECE, head] = rest * (1 + 1e-6)
    return found
