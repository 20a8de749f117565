"""Two networks at the same time: one on another thread, the other on the caller's.

In: work that needs nothing of what the caller does meanwhile. Out: its result. Two networks beside each other use two
cores better than each after the other on both, since no operator of theirs has to be divided and waited for. Where one
thread is all there may be, work is done when its result is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


class Beside:
    """Threads that several engines share; they begin when they are first needed."""

    def __init__(self, threads: int = 1) -> None:
        """At most ``threads`` pieces of work beside callers; none with 1."""
        self._pool = ThreadPoolExecutor(threads, "beside") if threads > 1 else None

    @contextmanager
    def running(self, work: Callable[[], T]) -> Iterator[Callable[[], T]]:
        """Within the block ``work`` runs; what is given waits for its result, or raises what it raised.

        When the block ends, it does not run any more, whether somebody asked for the result or not: networks run only
        while their request lasts.
        """
        if self._pool is None:
            yield work
            return
        future = self._pool.submit(work)
        try:
            yield future.result
        finally:
            if not future.cancel():
                wait([future])


ALONE = Beside()
"""Everything on the caller's thread."""
