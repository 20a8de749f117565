"""Engines that are opened when they are first needed: not every server is asked everything, and opening takes memory.

In: a function that opens. Out: what it opened, the same for all callers and threads. An opening that failed is tried
again by the next caller.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Once(Generic[T]):
    """Calls ``opening`` at the first use, and never again once it succeeded."""

    def __init__(self, opening: Callable[[], T]) -> None:
        """Keep ``opening``; it is not called yet."""
        self._opening = opening
        self._lock = threading.Lock()
        self._opened: list[T] = []

    def __call__(self) -> T:
        """What was opened. Raises whatever ``opening`` raises."""
        if not self._opened:
            with self._lock:
                if not self._opened:
                    self._opened.append(self._opening())
        return self._opened[0]
