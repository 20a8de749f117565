"""Entries that wait for a batch, and how long they may.

In: entries with a place in the log. Out: all of them at once, when it is time. A permission waits for what settles it,
so that one write and one signature do for both; anything else is due at once. It takes no locks: its owner has one.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from custodes.ledger.writer.pending import Pending


class EntryQueue:
    """The entries in the order of their places."""

    def __init__(self, permission_wait_s: float, now_s: Callable[[], float] = time.monotonic) -> None:
        """What is not urgent waits for at most ``permission_wait_s``, by the clock ``now_s``."""
        self._permission_wait_s = permission_wait_s
        self._now_s = now_s
        self._entries: list[Pending] = []
        self._due_s = math.inf

    def __len__(self) -> int:
        """How many wait."""
        return len(self._entries)

    def add(self, pending: Pending, *, urgent: bool) -> bool:
        """Put ``pending`` at the end; True when whoever waits for ``left_s`` has to look again."""
        self._entries.append(pending)
        if urgent:
            return self.hurry()
        if len(self._entries) == 1:
            self._due_s = self._now_s() + self._permission_wait_s
        return len(self._entries) == 1

    def hurry(self) -> bool:
        """Make all that wait due now; True when that changed anything."""
        if not self._entries or self._due_s == 0.0:
            return False
        self._due_s = 0.0
        return True

    @property
    def left_s(self) -> float | None:
        """Seconds until what waits is due, 0 when it is; None when nothing waits."""
        if not self._entries:
            return None
        return max(0.0, self._due_s - self._now_s())

    def take(self) -> list[Pending]:
        """All that wait; then none do."""
        entries, self._entries, self._due_s = self._entries, [], math.inf
        return entries
