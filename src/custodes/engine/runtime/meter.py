"""Counts runs of networks, and those that nobody had permission for.

In: permissions that open and close, runs. Out: how many runs there were since the last look, and how many of them while
no permission was open. A run while somebody else's is open is not told apart. It knows no networks and no ledger.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RunReading:
    """Runs since the last reading, and those of them without any permission."""

    runs: int
    unpermitted: int


class RunMeter:
    """One for all networks of a process. Any thread."""

    def __init__(self) -> None:
        """Start at nothing."""
        self._lock = threading.Lock()
        self._open = 0
        self._runs = 0
        self._unpermitted = 0

    def opened(self) -> None:
        """Somebody may compute from now on."""
        with self._lock:
            self._open += 1

    def closed(self) -> None:
        """One permission less."""
        with self._lock:
            self._open -= 1

    def ran(self) -> None:
        """A network runs."""
        with self._lock:
            self._runs += 1
            self._unpermitted += self._open == 0

    def take(self) -> RunReading:
        """What was counted since the last call, which counts no more."""
        with self._lock:
            found = RunReading(self._runs, self._unpermitted)
            self._runs = self._unpermitted = 0
        return found
