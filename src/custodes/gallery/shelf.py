"""The live indexes of one collection, and the discipline that keeps them equal to the store.

In: changes of one collection. Out: its two indexes, faces and users. Row numbers are never reused, so additions may
overlap each other (and share the store's group commit); whatever removes or replaces a row runs alone. Without that, a
face deleted right after its enrolment could be put back into the index by the enrolling thread.

An index is filled beside its collection's life: changes made meanwhile are kept in order and applied before it is
shown, so neither an enrolment nor a deletion waits for a million vectors to be read.

It knows no database: filling is a callable.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto

import numpy as np
from numpy.typing import NDArray

from custodes.core.errors import NotReadyError, UnavailableError
from custodes.gallery.entities import Collection
from custodes.gallery.known_faces import KnownFaces
from custodes.gallery.lock import ReadWriteLock
from custodes.gallery.ports import FloatArray, VectorIndex

Batches = Iterator[tuple[NDArray[np.int64], FloatArray]]


class VectorKind(Enum):
    """Which vectors of a collection."""

    FACES = auto()
    USERS = auto()


@dataclass(frozen=True, slots=True)
class Filling:
    """How an index is filled: an empty one, what goes into it, and whether to go on."""

    make: Callable[[], VectorIndex]
    batches: Callable[[], Batches]
    go_on: Callable[[], bool]


_Change = tuple[NDArray[np.int64], FloatArray | None]
"""Rows that were added or replaced with their vectors, or removed."""


class Cache:
    """One index of a collection; ``index`` is None until it is filled, and again when its truth is in doubt."""

    def __init__(self) -> None:
        """Not filled yet."""
        self.lock = ReadWriteLock()
        """Read side: changes that only add rows. Write side: changes that remove or replace rows, and showing."""
        self.index: VectorIndex | None = None
        # Held by the one thread that fills.
        self._turn = threading.Lock()
        # Guarded by _changes_lock: all below.
        self._changes_lock = threading.Lock()
        self._changes: list[_Change] | None = None
        """What happened since filling began; None while nobody fills."""
        self._filled: Future[VectorIndex] | None = None
        """What searches wait for that may not wait forever."""
        self._doubts = 0

    def filled(self, filling: Filling, wait_s: float | None = None) -> VectorIndex:
        """The index, filled from the store if need be; searches of other collections go on meanwhile.

        Args:
            filling: how.
            wait_s: how long to wait for it; None waits for as long as it takes, on this thread.

        Raises:
            NotReadyError: it takes longer, and goes on beside.
            Any error of the store.
        """
        index = self.index
        if index is not None:
            return index
        if wait_s is None:
            with self._turn:
                return self.index or self._fill(filling)
        return self._filled_beside(filling, wait_s)

    def add(self, rows: NDArray[np.int64], vectors: FloatArray) -> None:
        """Keep up with an addition or replacement that the store made. An index not filled yet will read it there."""
        self._keep(rows, vectors)
        index = self.index  # another addition may forget the index meanwhile
        if index is not None and len(rows):
            index.add(rows, vectors)

    def remove(self, rows: NDArray[np.int64]) -> None:
        """Keep up with a removal that the store made."""
        self._keep(rows, None)
        index = self.index
        if index is not None and len(rows):
            index.remove(rows)

    def doubt(self) -> None:
        """Forget the index: whether the store has a change is not known. The next search reads it there."""
        _let_go(self._taken())

    def erase(self) -> None:
        """Nothing of the index stays anywhere: what it is of is gone."""
        _erase(self._taken())

    def _taken(self) -> VectorIndex | None:
        with self._changes_lock:
            index, self.index = self.index, None
            self._doubts += 1
        return index

    def _keep(self, rows: NDArray[np.int64], vectors: FloatArray | None) -> None:
        with self._changes_lock:
            if self._changes is not None and len(rows):
                self._changes.append((rows, vectors))

    def _filled_beside(self, filling: Filling, wait_s: float) -> VectorIndex:
        with self._changes_lock:
            filled = self._filled
            if filled is None:
                filled = self._filled = Future()
                threading.Thread(target=self._fill_for, args=(filling, filled), name="gallery", daemon=True).start()
        try:
            return filled.result(wait_s)
        except TimeoutError:
            raise NotReadyError("The collection is being read into memory; try again soon") from None

    def _fill_for(self, filling: Filling, filled: Future[VectorIndex]) -> None:
        """Fill on a thread of its own, for all who wait."""
        try:
            with self._turn:
                index = self.index or self._fill(filling)
        except Exception as error:  # noqa: BLE001 - the thread's border: the error goes to whoever waits
            self._end_filling()
            filled.set_exception(error)
        else:
            self._end_filling()
            filled.set_result(index)

    def _end_filling(self) -> None:
        with self._changes_lock:
            self._filled = None

    def _fill(self, filling: Filling) -> VectorIndex:
        """Read everything, then show it with what changed meanwhile; anew when a change came into doubt."""
        while True:
            # Whoever holds this lock has a change under way that the store may have already and ``_keep`` not yet.
            with self.lock.write(), self._changes_lock:
                self._changes, doubts = [], self._doubts
            fresh: VectorIndex | None = None
            try:
                fresh = filling.make()
                _read_into(fresh, filling)
                with self.lock.write(), self._changes_lock:
                    if self._doubts == doubts:
                        for rows, added in self._changes:
                            if added is None:
                                fresh.remove(rows)
                            else:
                                fresh.add(rows, added)
                        self.index = fresh
                        return fresh
            finally:
                with self._changes_lock:
                    self._changes = None
                if self.index is not fresh:
                    _let_go(fresh)


@dataclass(slots=True)
class CollectionCache:
    """Both caches of one collection. ``closed`` once the collection is deleted: whoever waited must look again.

    ``outline`` is the collection as the store had it at some time since the shelf stands; only counts change later.
    ``searches`` counts those since somebody last asked.
    """

    outline: Collection | None = None
    faces: Cache = field(default_factory=Cache)
    users: Cache = field(default_factory=Cache)
    known: KnownFaces = field(default_factory=KnownFaces)
    closed: bool = False
    searches: int = 0

    def close(self) -> None:
        """The collection is gone."""
        self.closed = True
        self.faces.erase()
        self.users.erase()

    def let_go(self) -> None:
        """Forget both indexes."""
        self.faces.doubt()
        self.users.doubt()

    def cache(self, kind: VectorKind) -> Cache:
        """The cache of ``kind``."""
        return self.faces if kind is VectorKind.FACES else self.users


def _read_into(fresh: VectorIndex, filling: Filling) -> None:
    """Have exactly what the store has in an index, in which there may be something from before."""
    former, seen = fresh.rows(), [np.empty(0, np.int64)]
    for rows, vectors in filling.batches():
        if not filling.go_on():
            raise UnavailableError("the gallery is closed")
        fresh.add(rows, vectors)
        if len(former):
            seen.append(rows)
    gone = np.setdiff1d(former, np.concatenate(seen))
    if len(gone):
        fresh.remove(gone)


def _let_go(index: VectorIndex | None) -> None:
    """Close an index that nobody will search any more."""
    if index is not None:
        with suppress(UnavailableError):
            index.close()


def _erase(index: VectorIndex | None) -> None:
    """Erase an index; what cannot be reached is removed later by whoever opened it."""
    if index is not None:
        with suppress(UnavailableError):
            index.erase()
