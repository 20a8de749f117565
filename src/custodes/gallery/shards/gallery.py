"""A gallery that several servers have in memory together: each a part of the faces of large collections.

In: the calls of ``FollowingGallery``, the other servers. Out: the same answers. A search asks every server for its
part, as of what was acknowledged before it began, and puts the best together, in the order and with the bits of one
index. Where one does not answer, its shards are taken over by the others once it is off the list of those that live;
until then a search waits, for so long as a search may, or is refused. It is never answered from fewer than all faces.

Smaller collections, and users, every server has whole.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass

from custodes.core.errors import CustodesError, NotFoundError, NotReadyError, UnavailableError
from custodes.gallery.entities import CollectionKey, Hit
from custodes.gallery.following import CollectionVersion, FollowingGallery
from custodes.gallery.ports import FloatArray, VectorIndex
from custodes.gallery.shards.part import CollectionPart, Mine, PartMaking, merged
from custodes.gallery.shards.plan import ShardPlan
from custodes.gallery.shards.ports import ShardPeers, ShardQuestion, ShardStore, VectorSearch
from custodes.gallery.shelf import VectorKind

WIDTH = 262_144
"""Rows of a shard, and faces from which on a collection is spread."""
_ASKED_WAIT_S = 1.0
"""Whoever is asked says soon that it is not ready; whoever asks tries again."""
_LOOK_S, _PAUSE_S = 0.2, 0.1
_ASKING = 32
_SETTLED_S = 30.0
"""A server that was away for a moment finds its shards where they were."""


@dataclass(frozen=True, slots=True)
class ShardSharing:
    """How collections are shared.

    Attributes:
        peers: the servers.
        width: rows of a shard, and faces from which on a collection is spread.
        settled_s: for how long the list of servers has to be the same before memory is given back.
    """

    peers: ShardPeers
    width: int = WIDTH
    settled_s: float = _SETTLED_S


class ShardedGallery(FollowingGallery):
    """A FollowingGallery whose faces are searched by several servers together."""

    def __init__(
        self,
        store: ShardStore,
        new_index: Callable[[int], VectorIndex],
        search_wait_s: float | None,
        sharing: ShardSharing,
    ) -> None:
        """See IndexedGallery; ``sharing`` says with whom."""
        super().__init__(store, new_index, search_wait_s)
        self._sharing = sharing
        self._making = PartMaking(store, new_index, sharing.width, lambda: not self._closing.is_set())
        self._parts: dict[CollectionKey, CollectionPart] = {}
        self._parts_lock = threading.Lock()
        self._spread: set[CollectionKey] = set()
        self._threads = ThreadPoolExecutor(_ASKING, "shards")
        self._listed: tuple[tuple[str, ...], float] = ((), 0.0)

    def answer(self, question: ShardQuestion) -> tuple[Hit, ...]:
        """Hits among this server's part, for another one.

        Raises:
            NotFoundError: the collection is gone.
            NotReadyError: not now; ask again.
            UnavailableError: the store cannot be read, or shards are cut otherwise here.
        """
        if question.width != self._sharing.width:
            raise UnavailableError("servers disagree on the setting shard_faces")
        part = self._part(question.key, question.version)
        return part.search(question.sought, self._mine(question.names), question.version, _ASKED_WAIT_S)

    def tend(self) -> None:
        """Follow changes, take over what nobody has, give back what others have. To be called every second or so."""
        names = self._sharing.peers.names()
        if names != self._listed[0]:
            self._listed = (names, time.monotonic())
        settled = time.monotonic() - self._listed[1] >= self._sharing.settled_s
        with self._parts_lock:
            parts = list(self._parts.items())
        for key, part in parts:
            try:
                mine = self._mine(self._names(key, self._now(key)))
                part.follow(mine)
                reading = part.have(mine)
                if settled and reading is None:
                    part.keep_only(mine)
            except CustodesError:
                continue  # a search says what it is

    def warm(self, key: CollectionKey) -> None:
        """See IndexedGallery: what is this server's part."""
        now = self._now(key)
        reading = self._part(key, now).have(self._mine(self._names(key, now)))
        if reading is not None:
            reading.result()
        self._shelf(key).cache(VectorKind.USERS).filled(self._filling(key, VectorKind.USERS))

    def warmed(self) -> tuple[CollectionKey, ...]:
        """See IndexedGallery."""
        with self._parts_lock:
            return tuple(self._parts)

    def held(self) -> int:
        """Faces in memory."""
        with self._parts_lock:
            return sum(map(len, self._parts.values()))

    def state(self) -> dict[str, int]:
        """Servers that share collections, and faces that this one has in memory."""
        return {"servers": len(self._sharing.peers.names()), "faces": self.held()}

    def close(self) -> None:
        """See IndexedGallery."""
        super().close()
        with self._parts_lock:
            parts, self._parts = list(self._parts.values()), {}
        for part in parts:
            part.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _found(self, key: CollectionKey, kind: VectorKind, sought: tuple[FloatArray, int, float]) -> tuple[Hit, ...]:
        if kind is not VectorKind.FACES:
            return super()._found(key, kind, sought)
        now = self._now(key)
        self._shelf(key).searches += 1
        end = None if self._search_wait_s is None else time.monotonic() + self._search_wait_s
        while True:
            try:
                return self._asked(key, now, VectorSearch(*sought), end)
            except NotReadyError:
                if end is not None and time.monotonic() + _PAUSE_S > end:
                    raise
            time.sleep(_PAUSE_S)

    def _asked(
        self, key: CollectionKey, now: CollectionVersion, sought: VectorSearch, end: float | None
    ) -> tuple[Hit, ...]:
        """What all servers of the list now have; NotReadyError where one of them does not answer."""
        if self._closing.is_set():
            raise UnavailableError("the gallery is closed")
        peers, names = self._sharing.peers, self._names(key, now)
        question = ShardQuestion(key, now, names, self._sharing.width, sought)
        asked = [self._threads.submit(peers.ask, name, question) for name in names if name != peers.name]
        left = None if end is None else max(end - time.monotonic(), 0)
        if len(names) > 1:
            left = _ASKED_WAIT_S if left is None else min(left, _ASKED_WAIT_S)
        try:
            own = self._part(key, now).search(sought, self._mine(names), now, left)
            return merged([own, *(self._told(one, key, now, end) for one in asked)], sought.limit)
        finally:
            for one in asked:
                one.cancel()  # what has not been sent yet

    def _told(
        self, asked: Future[tuple[Hit, ...]], key: CollectionKey, now: CollectionVersion, end: float | None
    ) -> tuple[Hit, ...]:
        """The answer of another server; not waited for any more once the list is another one."""
        names = self._names(key, now)
        while True:
            wait([asked], _LOOK_S)
            if asked.done():
                break
            if self._names(key, now) != names or (end is not None and time.monotonic() > end):
                raise NotReadyError("A server that has a part of the collection does not answer; try again soon")
        try:
            return asked.result()
        except NotFoundError:
            raise
        except UnavailableError as error:
            raise NotReadyError("A part of the collection cannot be searched now; try again soon") from error

    def _names(self, key: CollectionKey, now: CollectionVersion) -> tuple[str, ...]:
        """Whom a collection is spread over; it stays so while it shrinks a little."""
        least = self._sharing.width // 2 if key in self._spread else self._sharing.width
        if now.faces < least:
            self._spread.discard(key)
            return (self._sharing.peers.name,)
        self._spread.add(key)
        return self._sharing.peers.names()

    def _mine(self, names: Sequence[str]) -> Mine:
        plan, name = ShardPlan(tuple(names)), self._sharing.peers.name

        def mine(shards: Iterable[int]) -> frozenset[int]:
            return plan.of(name, shards)

        return mine

    def _part(self, key: CollectionKey, version: CollectionVersion) -> CollectionPart:
        """The part of the collection of ``version``, in place of one of a former collection."""
        former = None
        with self._parts_lock:
            part = self._parts.get(key)
            if part is None or (part.row, part.model) != (version.row, version.model):
                if part is not None and part.changes > version.changes and part.row == version.row:
                    raise NotReadyError("The collection was switched to another face model; try again")
                former, part = part, CollectionPart(key, version, self._making)
                self._parts[key] = part
        if former is not None:
            former.close()
        return part

    def _forget(self, key: CollectionKey) -> None:
        super()._forget(key)
        with self._parts_lock:
            part = self._parts.pop(key, None)
        if part is not None:
            with suppress(UnavailableError):
                part.close()
