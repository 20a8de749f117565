"""Servers of one process that share collections over one store, without a network between them.

In: a store's directory, names. Out: galleries; servers that are away, slow, or answer late.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from custodes.core.errors import UnavailableError
from custodes.gallery.entities import Hit
from custodes.gallery.exact import BruteForceIndex
from custodes.gallery.ports import FloatArray, VectorIndex
from custodes.gallery.shards.gallery import ShardedGallery, ShardSharing
from custodes.gallery.shards.part import merged
from custodes.gallery.shards.plan import ShardPlan
from custodes.gallery.shards.ports import ShardQuestion, ShardStore
from custodes.storage.vectors.choice import exact_index

WIDTH = 8


@dataclass
class Cluster:
    """The servers by name; ``listed`` are those that say that they live, ``away`` do not answer."""

    galleries: dict[str, ShardedGallery] = field(default_factory=dict)
    listed: list[str] = field(default_factory=list)
    away: set[str] = field(default_factory=set)
    held_up: dict[str, threading.Event] = field(default_factory=dict)
    asked: int = 0

    def start(
        self,
        name: str,
        store: ShardStore,
        wait_s: float | None = 5.0,
        width: int = WIDTH,
        new_index: Callable[[int], VectorIndex] = BruteForceIndex,
    ) -> ShardedGallery:
        """A server that is listed at once."""
        sharing = ShardSharing(Peers(self, name), width, settled_s=0.0)
        self.galleries[name] = ShardedGallery(store, new_index, wait_s, sharing)
        self.listed.append(name)
        return self.galleries[name]

    def close(self) -> None:
        for gallery in self.galleries.values():
            gallery.close()


class Peers:
    """What one server knows of the others."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        self._cluster = cluster
        self._name = name

    @property
    def name(self) -> str:
        return self._name

    def names(self) -> tuple[str, ...]:
        return tuple(sorted({*self._cluster.listed, self._name}))

    def ask(self, name: str, question: ShardQuestion) -> tuple[Hit, ...]:
        self._cluster.asked += 1
        if name in self._cluster.away:
            raise UnavailableError(f"{name} is away")
        answer = self._cluster.galleries[name].answer(question)
        if (held_up := self._cluster.held_up.get(name)) is not None:
            held_up.wait(10)
        return answer


class SpreadIndex:
    """A VectorIndex whose vectors three servers have, each in shards of 8 rows, without stores or a network."""

    def __init__(self, dimension: int) -> None:
        self._plan = ShardPlan(("one", "two", "three"))
        self._parts = {name: exact_index()(dimension) for name in self._plan.names}
        self._whole = BruteForceIndex(dimension)

    def __len__(self) -> int:
        return sum(map(len, self._parts.values()))

    def rows(self) -> NDArray[np.int64]:
        return np.sort(np.concatenate([part.rows() for part in self._parts.values()]))

    def add(self, rows: NDArray[np.int64], vectors: FloatArray) -> None:
        self._whole.add(rows, vectors)  # raises as an index does
        owners = np.array([self._plan.owner(row // WIDTH) for row in rows.tolist()], object)
        for name, part in self._parts.items():
            part.add(rows[owners == name], vectors[owners == name])

    def remove(self, rows: NDArray[np.int64]) -> None:
        for part in self._parts.values():
            part.remove(rows)

    def search(self, query: FloatArray, limit: int, min_cosine: float) -> tuple[Hit, ...]:
        return merged([part.search(query, limit, min_cosine) for part in self._parts.values()], limit)

    def close(self) -> None:
        for part in self._parts.values():
            part.close()

    def erase(self) -> None:
        self.close()
