"""Reads collections into memory in the background, the most searched first.

In: which collections, in order. Out: their indexes, filled by the gallery; how far it is. One that cannot be read is
logged and left to its first search. It decides nothing about what is searched, and keeps nothing.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Protocol

import structlog

from custodes.core.errors import CustodesError
from custodes.gallery.entities import CollectionKey


class WarmGallery(Protocol):
    """What is warmed."""

    def warm(self, key: CollectionKey) -> None:
        """Fill the indexes of a collection. Raises NotFoundError, UnavailableError."""
        ...

    def close(self) -> None:
        """Have ``warm`` end early."""
        ...


def warming_order(searches: Mapping[CollectionKey, float], others: Sequence[CollectionKey]) -> list[CollectionKey]:
    """Collections by falling number of searches, then ``others`` that were not searched, as they come."""
    ranked = sorted(searches, key=lambda key: (-searches[key], key.account_id, key.collection_id))
    return [*ranked, *(key for key in others if key not in searches)]


class Warming:
    """Warms a gallery on threads of its own. ``start`` once, ``close`` after."""

    def __init__(self, gallery: WarmGallery, keys: Sequence[CollectionKey], threads: int) -> None:
        """Warm ``keys`` in order, so many at a time."""
        self._gallery = gallery
        self._lock = threading.Lock()
        self._waiting = deque(keys)
        self._total = len(keys)
        self._ended = 0
        self._threads = [
            threading.Thread(target=self._work, name="gallery-warming", daemon=True)
            for _ in range(min(threads, len(keys)))
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop; what is being read is given up."""
        with self._lock:
            self._waiting.clear()
        self._gallery.close()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    def state(self) -> dict[str, int]:
        """Collections to be warmed, and how many of them were (or could not be)."""
        with self._lock:
            return {"to_warm": self._total, "warmed": self._ended}

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    return
                key = self._waiting.popleft()
            try:
                self._gallery.warm(key)
            except CustodesError as error:
                structlog.get_logger("custodes.gallery").warning(
                    "a collection could not be read into memory", collection=key.collection_id, error=error.message
                )
            with self._lock:
                self._ended += 1
