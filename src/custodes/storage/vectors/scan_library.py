"""The door to ``scan.c``: a small library that a C compiler made while Custodes was installed, where there was one.

In: arrays. Out: coded blocks and places of candidates. What they mean stands in the C file. Without the library, or
with one of another format, ``open_library`` gives None and whoever asks does without. The GIL is free during a call.
"""

from __future__ import annotations

import ctypes
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from custodes.gallery.ports import FloatArray

LANES = 16
"""Vectors of a block."""
_FORMAT = 1
_PATH = Path(__file__).with_name("scan.so")


class ScanVariant(IntEnum):
    """Instructions that a scan is made of, slower ones first."""

    PLAIN = 0
    AVX2 = 1
    AVX512_VNNI = 2
    NEON_DOTPROD = 3


def block_bytes(dimension: int) -> int:
    """Size of a block of vectors of ``dimension``: four components at a time, scales, errors."""
    return -(-dimension // 4) * 4 * LANES + 2 * 4 * LANES


class ScanLibrary:
    """An opened library and the instructions it uses."""

    def __init__(self, library: ctypes.CDLL, variant: ScanVariant) -> None:
        """Keep ``library``, whose format is ours, on a processor that has ``variant``."""
        self._library = library
        self.variant = variant

    def encode(self, blocks: NDArray[np.uint8], first: int, vectors: FloatArray) -> None:
        """Code ``vectors`` (N, D), contiguous, into places from ``first`` on of ``blocks``, which has room for them."""
        count, dimension = vectors.shape
        status = self._library.custodes_scan_encode(_address(blocks), first, _address(vectors), count, dimension)
        if status:
            raise MemoryError

    def scan(
        self,
        blocks: NDArray[np.uint8],
        vectors: FloatArray,
        queries: FloatArray,
        limits: NDArray[np.int64],
        least: FloatArray,
        slack: float,
        capacity: int,
    ) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Places that may hold answers.

        Args:
            blocks: coded vectors, contiguous.
            vectors: (N, D) what its first N places stand for, contiguous.
            queries: (Q, D) float32 of unit length, contiguous.
            limits: (Q,) wanted of each, at least 1.
            least: (Q,) float32, no row below it counts; raised in place to what the last score will reach.
            slack: how far float32 may be off, here and in the kernel.
            capacity: room for candidates of each query.

        Returns:
            (Q, capacity) places, and (Q,) how many of them count; -1 where the room did not do.
        """
        asked, dimension = queries.shape
        places, found = np.empty((asked, capacity), np.int32), np.empty(asked, np.int64)
        status = self._library.custodes_scan(
            int(self.variant),
            _address(blocks),
            len(vectors),
            dimension,
            _address(vectors),
            _address(queries),
            asked,
            _address(limits),
            _address(least),
            slack,
            capacity,
            _address(places),
            _address(found),
        )
        if status:
            raise MemoryError
        return places, found


def open_library(path: Path = _PATH, variant: ScanVariant | None = None) -> ScanLibrary | None:
    """The library at ``path`` with ``variant``, or the fastest that this processor has; None without either."""
    if not path.is_file():
        return None
    try:
        library = ctypes.CDLL(str(path))
    except OSError:  # made for another processor or system
        return None
    if library.custodes_scan_format() != _FORMAT:
        return None
    _declare(library)
    there = [each for each in ScanVariant if library.custodes_scan_has(int(each))]
    if variant is not None and variant not in there:
        return None
    return ScanLibrary(library, variant if variant is not None else there[-1])


def _declare(library: ctypes.CDLL) -> None:
    """The signatures of ``scan.c``."""
    number, many, place, real = ctypes.c_int, ctypes.c_int64, ctypes.c_void_p, ctypes.c_float
    library.custodes_scan_has.argtypes = [number]
    library.custodes_scan_encode.argtypes = [place, many, place, many, number]
    library.custodes_scan.argtypes = [
        *(number, place, many, number, place, place, number),
        *(place, place, real, many, place, place),
    ]


def _address(array: NDArray[Any]) -> int:
    if not array.flags.c_contiguous:
        raise ValueError("the scan reads contiguous arrays")
    return int(array.ctypes.data)
