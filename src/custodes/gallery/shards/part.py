"""The part of one collection's faces that this server has in memory, and what keeps it equal to the store.

In: which shards are asked for, the version that they must have at least. Out: hits among exactly the faces of these
shards, and maybe of others that are here, none of which is older than that version. Shards that are missing are read
beside, while those there are go on answering. It asks nobody else.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from custodes.core.errors import NotReadyError, UnavailableError
from custodes.gallery.entities import CollectionKey, Hit
from custodes.gallery.following import CollectionVersion, VectorChanges
from custodes.gallery.kernel import best
from custodes.gallery.lock import ReadWriteLock
from custodes.gallery.ports import VectorIndex
from custodes.gallery.shards.plan import Shards
from custodes.gallery.shards.ports import ShardStore, VectorSearch
from custodes.gallery.shelf import VectorKind

Mine = Callable[[Iterable[int]], frozenset[int]]
"""Of shards those that this server is asked for."""


@dataclass(frozen=True, slots=True)
class PartMaking:
    """What a part is made with.

    Attributes:
        store: the truth.
        new_index: makes an empty index for vectors of a dimension.
        width: rows of a shard.
        go_on: whether reading is still wanted.
    """

    store: ShardStore
    new_index: Callable[[int], VectorIndex]
    width: int
    go_on: Callable[[], bool]


@dataclass(slots=True)
class _Piece:
    """Shards that were read together, and those of new faces since."""

    index: VectorIndex
    shards: frozenset[int]


class CollectionPart:
    """Thread-safe. ``row`` and ``model`` say which collection it is; another one is another part."""

    def __init__(self, key: CollectionKey, version: CollectionVersion, making: PartMaking) -> None:
        """Nothing in memory yet."""
        self._key = key
        self.row, self.model = version.row, version.model
        self._making = making
        # Held for as long as pieces are searched, so that none is taken away meanwhile.
        self._shape = ReadWriteLock()
        # Guards all below; whoever holds it may take _shape, not the other way round.
        self._lock = threading.Lock()
        self._pieces: tuple[_Piece, ...] = ()
        self._version: CollectionVersion | None = None
        self._after = 0
        self._reading: Future[None] | None = None
        self._closed = False

    def __len__(self) -> int:
        """Vectors in memory."""
        return sum(len(piece.index) for piece in self._pieces)

    @property
    def changes(self) -> int:
        """How far it has come; -1 before anything was read."""
        return -1 if self._version is None else self._version.changes

    def search(
        self, sought: VectorSearch, mine: Mine, wanted: CollectionVersion, wait_s: float | None
    ) -> tuple[Hit, ...]:
        """Hits among the faces of the shards that are ``mine``, as of ``wanted`` or later.

        Raises:
            NotFoundError: the collection is gone.
            NotReadyError: shards are being read for longer than ``wait_s``.
            UnavailableError: the store cannot be read.
        """
        end = None if wait_s is None else time.monotonic() + wait_s
        while True:
            self._bring_up(mine, wanted)
            with self._shape.read():
                # It may have been forgotten meanwhile.
                missing = self._missing(mine) if self.changes >= wanted.changes else None
                if missing is not None and not missing:
                    return _found(self._pieces, sought)
            if missing:
                self._wait(self.read(missing), end)

    def follow(self, mine: Mine) -> None:
        """Take in what changed, without a search that needs it. Raises as ``search``."""
        self._bring_up(mine, self._making.store.version(self._key))

    def have(self, mine: Mine) -> Future[None] | None:
        """Begin to read what is ``mine`` and missing; what to wait for, None where nothing is missing."""
        self._begin()
        missing = self._missing(mine)
        return self.read(missing) if missing else None

    def keep_only(self, mine: Mine) -> None:
        """Give back the memory of shards that are not ``mine``."""
        with self._lock, self._shape.write():
            kept = []
            for piece in self._pieces:
                shards = mine(piece.shards)
                if shards and shards != piece.shards:
                    rows = piece.index.rows()
                    piece.index.remove(rows[~Shards(shards, self._making.width).has(rows)])
                if shards:
                    kept.append(_Piece(piece.index, shards))
            self._pieces = tuple(kept)

    def close(self) -> None:
        """Nobody asks for it any more."""
        self._closed = True
        with self._lock:
            self._start_over()

    def read(self, missing: frozenset[int]) -> Future[None]:
        """Read shards beside; what others read now is waited for first."""
        with self._lock:
            reading = self._reading
            if reading is None:
                reading = self._reading = Future()
                arguments = (missing, reading)
                threading.Thread(target=self._read_for, args=arguments, name="gallery", daemon=True).start()
            return reading

    def _read_for(self, missing: frozenset[int], reading: Future[None]) -> None:
        """On a thread of its own, for all who wait."""
        try:
            while not self._read(missing):
                pass
        except Exception as error:  # noqa: BLE001 - the thread's border: the error goes to whoever waits
            self._reading = None
            reading.set_exception(error)
        else:
            self._reading = None
            reading.set_result(None)

    def _read(self, missing: frozenset[int]) -> bool:
        """Whether ``missing`` is in memory now; not where too much changed meanwhile."""
        store, shards = self._making.store, Shards(missing, self._making.width)
        since, after = self._begin()
        index = self._making.new_index(store.collection(self._key).dimension)
        for rows, vectors in store.face_vectors_within(self._key, shards.ranges()):
            if self._closed or not self._making.go_on():
                raise UnavailableError("the gallery is closed")
            inside = shards.has(rows)
            if inside.any():
                index.add(rows[inside], vectors[inside])
        with self._lock:
            changes = store.changes(self._key, VectorKind.FACES, since, after)
            if self._closed:
                raise NotReadyError("The collection changed; try again")
            if changes is None:
                if self._version == since:
                    self._start_over()
                return False
            _apply(index, shards, changes)
            with self._shape.write():
                self._pieces = (*self._pieces, _Piece(index, missing))
        return True

    def _begin(self) -> tuple[CollectionVersion, int]:
        """How far the part has come, which is as far as the store where nothing was read yet."""
        with self._lock:
            if self._version is None:
                version, self._after = self._making.store.beginning(self._key)
                if (version.row, version.model) != (self.row, self.model):
                    raise NotReadyError("The collection was made anew; try again")
                self._version = version
            return self._version, self._after

    def _bring_up(self, mine: Mine, wanted: CollectionVersion) -> None:
        self._begin()
        if self.changes >= wanted.changes:
            return
        with self._lock:
            if self._version is None or self._version.changes >= wanted.changes:
                return
            changes = self._making.store.changes(self._key, VectorKind.FACES, self._version, self._after)
            if changes is None:
                self._start_over()
                return
            self._grow(mine, int(changes.rows[-1]) if len(changes.rows) else 0)
            for piece in self._pieces:
                _apply(piece.index, Shards(piece.shards, self._making.width), changes)
            self._after = max(self._after, int(changes.rows[-1])) if len(changes.rows) else self._after
            self._version = changes.version

    def _grow(self, mine: Mine, last: int) -> None:
        """Take up shards that begin with the new faces up to row ``last``: all that is in them is new."""
        fresh = mine(range(self._top + 1, last // self._making.width + 1))
        if not fresh:
            return
        if not self._pieces:
            dimension = self._making.store.collection(self._key).dimension
            self._pieces = (_Piece(self._making.new_index(dimension), fresh),)
            return
        first = self._pieces[0]
        self._pieces = (_Piece(first.index, first.shards | fresh), *self._pieces[1:])

    def _missing(self, mine: Mine) -> frozenset[int]:
        held = frozenset[int]().union(*(piece.shards for piece in self._pieces))
        return mine(range(self._top + 1)) - held

    @property
    def _top(self) -> int:
        """The last shard with a face; -1 where there is none."""
        return self._after // self._making.width if self._after else -1

    def _start_over(self) -> None:
        """Forget everything: too much changed to be followed."""
        with self._shape.write():
            self._pieces, self._version, self._after = (), None, 0

    def _wait(self, reading: Future[None], end: float | None) -> None:
        try:
            reading.result(None if end is None else max(end - time.monotonic(), 0))
        except TimeoutError:
            raise NotReadyError("The collection is being read into memory; try again soon") from None


def _apply(index: VectorIndex, shards: Shards, changes: VectorChanges) -> None:
    """What replaces a vector comes before what removes one, and each is one step of the index."""
    inside = shards.has(changes.rows)
    if inside.any():
        index.add(changes.rows[inside], changes.vectors[inside])
    if len(changes.gone):
        index.remove(changes.gone)


def _found(pieces: Sequence[_Piece], sought: VectorSearch) -> tuple[Hit, ...]:
    """The best of all pieces. Once there are enough, others have to reach the last of these."""
    least, found = sought.min_cosine, list[Hit]()
    for piece in pieces:
        hits = piece.index.search(sought.vector, sought.limit, least)
        found = [*merged([found, hits], sought.limit)] if found else [*hits]
        if len(found) == sought.limit:
            least = max(least, found[-1].cosine)
    return tuple(found)


def merged(lists: Sequence[Sequence[Hit]], limit: int) -> tuple[Hit, ...]:
    """The best ``limit`` hits of ``lists``, in the order of an index over all; what is in several counts once."""
    filled = [hits for hits in lists if hits]
    if len(filled) < 2:
        return tuple(filled[0][:limit]) if filled else ()
    rows = np.array([hit.row for hits in lists for hit in hits], np.int64)
    scores = np.array([hit.cosine for hits in lists for hit in hits], np.float32)
    _, first = np.unique(rows, return_index=True)
    chosen: NDArray[np.intp] = first
    return best(rows[chosen], scores[chosen], limit, -np.inf)
