"""How often somebody may try to sign in. In: where from, with which key. Out: whether to look at the secret at all."""

from __future__ import annotations

import threading
from collections import OrderedDict

from custodes.core.clock import Clock

MAX_FAILURES = 10
WINDOW_MS = 5 * 60_000
_MAX_NAMES = 10_000


class Attempts:
    """Failures of the last minutes, by address and by key. Any thread."""

    def __init__(self, clock: Clock) -> None:
        """None yet."""
        self._clock = clock
        self._lock = threading.Lock()
        self._failures: OrderedDict[str, list[int]] = OrderedDict()

    def may_try(self, *names: str) -> bool:
        """Whether none of ``names`` failed too often."""
        since = self._clock.now_ms() - WINDOW_MS
        with self._lock:
            return all(sum(when > since for when in self._failures.get(name, ())) < MAX_FAILURES for name in names)

    def failed(self, *names: str) -> None:
        """Remember a failure of each of ``names``."""
        now = self._clock.now_ms()
        with self._lock:
            for name in names:
                kept = [when for when in self._failures.pop(name, []) if when > now - WINDOW_MS]
                self._failures[name] = [*kept[-MAX_FAILURES:], now]
            while len(self._failures) > _MAX_NAMES:
                self._failures.popitem(last=False)
