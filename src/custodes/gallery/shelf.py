"""The live indexes of one collection, and the discipline that keeps them equal to the store.

In: changes of one collection. Out: its two indexes, faces and users. Row numbers are never reused, so additions may
overlap each other (and share the store's group commit); whatever removes or replaces a row runs alone. Without that, a
face deleted right after its enrolment could be put back into the index by the enrolling thread.

It knows no database: filling is a callable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum, auto

import numpy as np
from numpy.typing import NDArray

from custodes.gallery.entities import Collection
from custodes.gallery.known_faces import KnownFaces
from custodes.gallery.lock import ReadWriteLock
from custodes.gallery.ports import FloatArray, VectorIndex

Batches = Iterator[tuple[NDArray[np.int64], FloatArray]]


class VectorKind(Enum):
    """Which vectors of a collection."""

    FACES = auto()
    USERS = auto()


@dataclass(slots=True)
class Cache:
    """One index of a collection; ``index`` is None until the first search, and again when its truth is in doubt."""

    lock: ReadWriteLock = field(default_factory=ReadWriteLock)
    """Read side: changes that only add rows. Write side: filling, and changes that remove or replace rows."""
    index: VectorIndex | None = None

    def filled(self, make: Callable[[], VectorIndex], batches: Callable[[], Batches]) -> VectorIndex:
        """The index, filled from the store if need be; searches of other collections go on meanwhile."""
        index = self.index
        if index is not None:
            return index
        with self.lock.write():
            if self.index is None:
                fresh = make()
                for rows, vectors in batches():
                    fresh.add(rows, vectors)
                self.index = fresh
            return self.index

    def add(self, rows: NDArray[np.int64], vectors: FloatArray) -> None:
        """Keep up with an addition or replacement that the store made. An index not filled yet will read it there."""
        index = self.index  # another addition may forget the index meanwhile
        if index is not None and len(rows):
            index.add(rows, vectors)

    def remove(self, rows: NDArray[np.int64]) -> None:
        """Keep up with a removal that the store made."""
        index = self.index
        if index is not None and len(rows):
            index.remove(rows)


@dataclass(slots=True)
class CollectionCache:
    """Both caches of one collection. ``closed`` once the collection is deleted: whoever waited must look again.

    ``outline`` is the collection as the store had it at some time since the shelf stands; only counts change later.
    """

    outline: Collection | None = None
    faces: Cache = field(default_factory=Cache)
    users: Cache = field(default_factory=Cache)
    known: KnownFaces = field(default_factory=KnownFaces)
    closed: bool = False

    def cache(self, kind: VectorKind) -> Cache:
        """The cache of ``kind``."""
        return self.faces if kind is VectorKind.FACES else self.users
