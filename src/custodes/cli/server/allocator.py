"""Asks the C library to give freed memory back to the system instead of keeping it for the thread that freed it.

In: nothing. Out: nothing; where the C library is not glibc, nothing happens. Call it before threads are started. A
server holds whole pictures and networks' intermediate values for moments: by default glibc keeps a heap for every
thread, and learns from each large block that was freed to keep even larger ones.
"""

from __future__ import annotations

import ctypes
import sys

# Source: glibc, malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_HEAPS = 2
_MAPPED_BYTES = 1 << 20
"""Blocks from this size on come from the system and return to it. Setting it also stops glibc from raising it."""
_TRIMMED_BYTES = 4 << 20


def give_memory_back() -> None:
    """Set the limits of this process."""
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return
    mallopt(_M_ARENA_MAX, _HEAPS)
    mallopt(_M_MMAP_THRESHOLD, _MAPPED_BYTES)
    mallopt(_M_TRIM_THRESHOLD, _TRIMMED_BYTES)
