"""Asks Linux to keep large arrays in 2 MiB pages, so that a scan misses the translation cache less.

In: an array. Out: nothing; it is advice, and without it everything is the same but slower. Elsewhere it does nothing.
"""

from __future__ import annotations

import ctypes
import sys

import numpy as np
from numpy.typing import NDArray

WORTH_BYTES = 4 << 20
"""Smaller arrays hold too few whole huge pages."""

_PAGE = 4096
# Source: Linux, include/uapi/asm-generic/mman-common.h. Collapsing (Linux 6.1) acts on what is in memory already.
_MADV_HUGEPAGE = 14
_MADV_COLLAPSE = 25


def advise(array: NDArray[np.uint8]) -> None:
    """Ask for ``array``'s whole pages, if it is large enough to matter."""
    if sys.platform != "linux" or array.nbytes < WORTH_BYTES:
        return
    start = -(-array.ctypes.data // _PAGE) * _PAGE
    length = (array.ctypes.data + array.nbytes - start) // _PAGE * _PAGE
    madvise = ctypes.CDLL(None).madvise
    for advice in (_MADV_HUGEPAGE, _MADV_COLLAPSE):
        madvise(ctypes.c_void_p(start), ctypes.c_size_t(length), advice)
