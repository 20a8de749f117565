"""Time as a port, so that tests decide what time it is."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Gives the current time."""

    def now_ms(self) -> int:
        """Milliseconds since the Unix epoch, UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        """Milliseconds since the Unix epoch, UTC."""
        return time.time_ns() // 1_000_000


class FixedClock:
    """A clock that stands still until moved; for tests."""

    def __init__(self, ts_ms: int = 1_700_000_000_000) -> None:
        """Start at ``ts_ms``."""
        self.ts_ms = ts_ms

    def now_ms(self) -> int:
        """Return the set time in milliseconds."""
        return self.ts_ms

    def advance(self, by_ms: int) -> None:
        """Move forward by ``by_ms`` milliseconds."""
        self.ts_ms += by_ms
