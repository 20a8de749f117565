"""A gallery whose store other processes change, too: no search answers from before a change that was acknowledged.

In: the calls of ``IndexedGallery``, a store that counts changes. Out: the same answers. Each search asks the store for
the number of the collection's last change, and brings its index up to it first: faces that came since are those with
higher rows, and what went or changed is listed by the store. Where the store has forgotten what an old index lacks,
the index is filled anew.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from custodes.core.errors import NotFoundError
from custodes.gallery.entities import Collection, CollectionKey
from custodes.gallery.gallery import IndexedGallery
from custodes.gallery.ports import FloatArray, GalleryStore, NewFaceIndex, VectorIndex
from custodes.gallery.shelf import Cache, Filling, VectorKind


@dataclass(frozen=True, slots=True)
class CollectionVersion:
    """How far a collection has come.

    Attributes:
        row: which collection it is; another one of the same id has another row.
        changes: how many changes there were.
        model: version of the face model of its vectors.
        faces: how many there are.
    """

    row: int
    changes: int
    model: str = ""
    faces: int = 0


@dataclass(frozen=True, slots=True)
class VectorChanges:
    """What an index lacks.

    Attributes:
        version: what it is up to date with afterwards.
        gone: rows (N,) without a vector any more.
        rows: rows (M,) that have a new vector, the highest of them all at the end.
        vectors: these, (M, D).
    """

    version: CollectionVersion
    gone: NDArray[np.int64]
    rows: NDArray[np.int64]
    vectors: FloatArray


class CountingStore(GalleryStore, Protocol):
    """A GalleryStore that counts changes and knows the last ones."""

    def version(self, key: CollectionKey) -> CollectionVersion:
        """How far a collection has come now. Raises NotFoundError."""
        ...

    def beginning(self, key: CollectionKey) -> tuple[CollectionVersion, int]:
        """The same, and the highest row of a face in it. Raises NotFoundError."""
        ...

    def changes(
        self, key: CollectionKey, kind: VectorKind, since: CollectionVersion, after: int
    ) -> VectorChanges | None:
        """What changed behind ``since``, and faces behind row ``after``; None where that is not known any more.

        Raises:
            NotFoundError: no such collection.
        """
        ...


@dataclass(slots=True)
class _Followed:
    """How far an index has come; ``after`` is the highest row of a face in it."""

    version: CollectionVersion | None = None
    after: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


class FollowingGallery(IndexedGallery):
    """An IndexedGallery that is one of several writers of its store."""

    def __init__(
        self,
        store: CountingStore,
        new_index: Callable[[int], VectorIndex],
        search_wait_s: float | None = None,
        new_face_index: NewFaceIndex | None = None,
    ) -> None:
        """See IndexedGallery."""
        super().__init__(store, new_index, search_wait_s, new_face_index)
        self._counting = store
        self._followed: dict[tuple[CollectionKey, VectorKind, int], _Followed] = {}
        self._seen: dict[CollectionKey, CollectionVersion] = {}

    def outline(self, key: CollectionKey) -> Collection:
        """See IndexedGallery. The store is asked each time."""
        return self._counting.collection(key)

    def _version_now(self, key: CollectionKey) -> str:
        return self._counting.version(key).model

    def _searched(self, key: CollectionKey, kind: VectorKind) -> VectorIndex:
        now = self._now(key)
        index = super()._searched(key, kind)
        followed = self._follower(key, kind, now.row)
        while followed.version is None or followed.version.changes < now.changes:
            with followed.lock:
                index = self._brought_up(key, kind, followed, now)
        return index

    def _now(self, key: CollectionKey) -> CollectionVersion:
        """How far the collection has come; whatever was known of a former one, or of former faces, is forgotten."""
        try:
            now = self._counting.version(key)
        except NotFoundError:
            self._forget(key)
            raise
        seen = self._seen.get(key)
        if seen is not None and (seen.row, seen.model) != (now.row, now.model):
            self._forget(key)
        if seen != now:
            self._seen[key] = now
            self._shelf(key).known.forget()
        return now

    def _brought_up(
        self, key: CollectionKey, kind: VectorKind, followed: _Followed, wanted: CollectionVersion
    ) -> VectorIndex:
        """The index, up to ``wanted`` at least; alone."""
        cache = self._shelf(key).cache(kind)
        index = cache.filled(self._filling(key, kind), self._search_wait_s)
        since = followed.version
        if since is None or since.changes >= wanted.changes:
            return index
        found = self._counting.changes(key, kind, since, followed.after)
        if found is None:
            cache.doubt()
            return cache.filled(self._filling(key, kind), self._search_wait_s)
        # What replaces a vector comes before what removes one, and each is one step of the index.
        if len(found.rows):
            index.add(found.rows, found.vectors)
            followed.after = max(followed.after, int(found.rows[-1]))
        if len(found.gone):
            index.remove(found.gone)
        followed.version = found.version
        return index

    def _follower(self, key: CollectionKey, kind: VectorKind, row: int) -> _Followed:
        return self._followed.setdefault((key, kind, row), _Followed())

    def _filling(self, key: CollectionKey, kind: VectorKind) -> Filling:
        """As without other writers; where reading begins is written down, and what comes behind it is followed."""
        filling = super()._filling(key, kind)

        def make() -> VectorIndex:
            version, after = self._counting.beginning(key)
            index = filling.make()
            followed = self._follower(key, kind, version.row)
            followed.version, followed.after = version, after
            return index

        return Filling(make, filling.batches, filling.go_on)

    @contextmanager
    def _changing(self, key: CollectionKey, kind: VectorKind, *, alone: bool) -> Iterator[Cache]:  # noqa: ARG002
        """Nothing is kept in step here: the next search finds the change in the store, as everybody else's."""
        yield Cache()

    def _forget(self, key: CollectionKey) -> None:
        self._put_away(key)
        self._seen.pop(key, None)
        for kept in [kept for kept in self._followed if kept[0] == key]:
            self._followed.pop(kept, None)
