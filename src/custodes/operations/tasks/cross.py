"""A block of a match of two collections as a unit of work: vectors of both sides in, pairs that are alike out.

In: at most ``ROWS`` vectors of each side with the cosine that counts as alike for each of them. Out: pairs. Which pairs
are told, and with which cosine, does not depend on how a collection is cut into blocks. A worker keeps nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec
import numpy as np
from numpy.typing import NDArray

from custodes.gallery.neighbours import AlikePairs, PairWork, alike_between
from custodes.gallery.ports import FloatArray
from custodes.jobs.executor import Executor, in_order

CROSS = "cross"
ROWS = 32_768
"""Of a block's side: 16 MiB at 128 dimensions, seconds of work."""


class CrossUnit(msgspec.Struct, frozen=True):
    """One block: per side its vectors (N, ``dimension``) and limits (N,), float32."""

    dimension: int
    one: bytes
    one_limits: bytes
    other: bytes
    other_limits: bytes


class CrossResult(msgspec.Struct, frozen=True):
    """Rows within the block, int64, and cosines, float32."""

    first: bytes
    second: bytes
    cosine: bytes


def matched(unit: bytes) -> bytes:
    """Carry out a ``CrossUnit``; the result is a ``CrossResult``."""
    asked = msgspec.msgpack.decode(unit, type=CrossUnit)
    sides = (_vectors(asked.one, asked.dimension), _vectors(asked.other, asked.dimension))
    limits = (np.frombuffer(asked.one_limits, np.float32), np.frombuffer(asked.other_limits, np.float32))
    found = list(alike_between(sides, limits, PairWork(threads=1)))
    return msgspec.msgpack.encode(
        CrossResult(
            np.concatenate([np.empty(0, np.int64), *(one.first for one in found)]).tobytes(),
            np.concatenate([np.empty(0, np.int64), *(one.second for one in found)]).tobytes(),
            np.concatenate([np.empty(0, np.float32), *(one.cosine for one in found)]).tobytes(),
        )
    )


def alike_by_workers(
    executor: Executor,
    sides: tuple[FloatArray, FloatArray],
    limits: tuple[FloatArray, FloatArray],
    stopped: Callable[[], bool],
    done: Callable[[float], None],
) -> Iterator[AlikePairs]:
    """As ``alike_between``, block by block on ``executor``. Raises UnavailableError."""
    places = [(row, column) for row in range(0, len(sides[0]), ROWS) for column in range(0, len(sides[1]), ROWS)]

    def units() -> Iterator[bytes]:
        for row, column in places:
            if stopped():
                return
            yield msgspec.msgpack.encode(
                CrossUnit(
                    sides[0].shape[1],
                    sides[0][row : row + ROWS].tobytes(),
                    limits[0][row : row + ROWS].tobytes(),
                    sides[1][column : column + ROWS].tobytes(),
                    limits[1][column : column + ROWS].tobytes(),
                )
            )

    for number, data in enumerate(in_order(executor, CROSS, units())):
        found, (row, column) = msgspec.msgpack.decode(data, type=CrossResult), places[number]
        first, second = _rows(found.first) + row, _rows(found.second) + column
        if len(first):
            yield AlikePairs(first, second, np.frombuffer(found.cosine, np.float32))
        done((number + 1) / len(places))


def _vectors(data: bytes, dimension: int) -> FloatArray:
    return np.frombuffer(data, np.float32).reshape(-1, dimension)


def _rows(data: bytes) -> NDArray[np.int64]:
    return np.frombuffer(data, np.int64)
