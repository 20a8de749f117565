"""How servers that share collections ask each other, and what they need of their store.

In and out: plain values. How questions travel is the adapter's matter; query vectors are biometric data, so it must
keep them secret on their way, and say for certain that an answer is that of the server and question that it is for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from custodes.gallery.entities import CollectionKey, Hit
from custodes.gallery.following import CollectionVersion, CountingStore
from custodes.gallery.ports import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class VectorSearch:
    """A search: a unit vector (D,), how many hits at most, the least cosine."""

    vector: FloatArray
    limit: int
    min_cosine: float


@dataclass(frozen=True, slots=True, eq=False)
class ShardQuestion:
    """What one server asks another one of its part of a collection.

    Attributes:
        key: the collection.
        version: what was acknowledged before the search began; no answer may be from before it.
        names: all servers that the collection is spread over for this search, the one that is asked among them.
        width: rows of a shard.
        sought: what is searched.
    """

    key: CollectionKey
    version: CollectionVersion
    names: tuple[str, ...]
    width: int
    sought: VectorSearch


class ShardPeers(Protocol):
    """The servers that share collections. Thread-safe."""

    @property
    def name(self) -> str:
        """Of this one."""
        ...

    def names(self) -> tuple[str, ...]:
        """Those that said lately that they live, this one among them. Answers from memory."""
        ...

    def ask(self, name: str, question: ShardQuestion) -> tuple[Hit, ...]:
        """Hits among the faces that ``name`` has by the question, in order.

        Raises:
            NotFoundError: no such collection.
            UnavailableError: it cannot be reached, does not answer in time, or not now.
        """
        ...


class ShardStore(CountingStore, Protocol):
    """A CountingStore whose vectors are read in parts."""

    def face_vectors_within(
        self, key: CollectionKey, ranges: Sequence[tuple[int, int]]
    ) -> Iterator[tuple[NDArray[np.int64], FloatArray]]:
        """(rows, vectors) in batches: all with rows behind the first and up to the second number of one of ``ranges``.

        Others may be among them.
        """
        ...
