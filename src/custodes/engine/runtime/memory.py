"""Whether networks keep the memory of a run for the next one, or give it back to the system.

In: blocks in which many like runs follow each other, as over a video. Out: an answer before each run. Asking the system
for the memory of a whole picture again costs up to two fifths of a run; keeping it for ever costs as much memory as the
largest pictures that came at the same time. It knows no networks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

_KEPT_RUNS = 64
"""After so many runs a network gives its memory back in any case: pictures of other sizes may have come between."""


class RunMemory:
    """One for all networks of a process. Any thread."""

    def __init__(self, *, kept: bool = False) -> None:
        """Give memory back after each run; with ``kept``, only after many."""
        self._lock = threading.Lock()
        self._series = int(kept)

    @contextmanager
    def series(self) -> Iterator[None]:
        """Within the block runs follow each other that need the same memory."""
        with self._lock:
            self._series += 1
        try:
            yield
        finally:
            with self._lock:
                self._series -= 1

    def is_kept(self, runs: int) -> bool:
        """Whether the network keeps what it took, after ``runs`` of its own."""
        with self._lock:
            return self._series > 0 and runs % _KEPT_RUNS != 0


def _nobody() -> None:
    """Nobody is told."""


@dataclass(frozen=True, slots=True)
class Runs:
    """What the networks of a process share.

    Attributes:
        ran: told of every run, before it.
        memory: whether the memory of a run is kept.
    """

    ran: Callable[[], None] = _nobody
    memory: RunMemory = field(default_factory=RunMemory)
