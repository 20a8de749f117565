"""Batches on their way to the disk settle in the order in which they were staged.

In: turns, taken when a batch is staged. Out: the right to settle it, once every batch in front is settled. It knows no
batches and no disk.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class CommitOrder:
    """Numbers 1, 2, 3, taken by one thread at a time, come to their turn in this order on any thread."""

    def __init__(self) -> None:
        """None is taken."""
        self._changed = threading.Condition(threading.Lock())
        self._taken = 0
        self._settled = 0

    def take(self) -> int:
        """The next number. The caller sees to it that no two threads take one at the same time."""
        self._taken += 1
        return self._taken

    @property
    def none_out(self) -> bool:
        """Whether every turn that was taken is settled; for whoever may take the next."""
        return self._settled == self._taken

    def wait_none_out(self) -> None:
        """Wait until ``none_out``; for whoever may take the next."""
        with self._changed:
            self._changed.wait_for(lambda: self.none_out)

    @contextmanager
    def turn(self, number: int) -> Iterator[None]:
        """Wait for the turn of ``number``; it is settled when the block ends, however it ends."""
        with self._changed:
            self._changed.wait_for(lambda: self._settled == number - 1)
        try:
            yield
        finally:
            with self._changed:
                self._settled = number
                self._changed.notify_all()
