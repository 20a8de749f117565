"""Which exact index this machine gets: the own scan where it was compiled, faiss elsewhere. Both give the same bits.

In: nothing. Out: a maker of empty indexes. It searches nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from custodes.gallery.ports import VectorIndex
from custodes.storage.vectors.scan_library import open_library
from custodes.storage.vectors.scanned_index import ScannedIndex


def exact_index() -> Callable[[int], VectorIndex]:
    """Makes an empty index for vectors of a dimension."""
    library = open_library()
    if library is not None:
        return partial(ScannedIndex, library=library)
    # faiss takes its time and memory to import.
    from custodes.storage.vectors.faiss_index import FaissIndex

    return FaissIndex
