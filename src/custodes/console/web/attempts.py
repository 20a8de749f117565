"""How often somebody may try to sign in. In: where from, and where from with which key. Out: whether to look at all.

Secrets are too long to be guessed; this keeps guessing from being a load. A key is counted together with the address,
so that nobody locks its owner out; an address, which many may share behind a proxy, has more tries than one key.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

from custodes.core.clock import Clock

MAX_FAILURES = 10
MAX_OF_ADDRESS = 200
WINDOW_MS = 5 * 60_000
_MAX_NAMES = 10_000


class Attempts:
    """Failures of the last minutes, by address and by key. Any thread."""

    def __init__(self, clock: Clock) -> None:
        """None yet."""
        self._clock = clock
        self._lock = threading.Lock()
        self._failures: OrderedDict[str, list[int]] = OrderedDict()

    def may_try(self, address: str, pair: str) -> bool:
        """Whether neither ``address`` nor ``pair`` (of address and key) failed too often."""
        with self._lock:
            return self._lately(address) < MAX_OF_ADDRESS and self._lately(pair) < MAX_FAILURES

    def failed(self, *names: str) -> None:
        """Remember a failure of each of ``names``."""
        now = self._clock.now_ms()
        with self._lock:
            for name in names:
                kept = [when for when in self._failures.pop(name, []) if when > now - WINDOW_MS]
                self._failures[name] = [*kept[-MAX_OF_ADDRESS:], now]
            while len(self._failures) > _MAX_NAMES:
                self._failures.popitem(last=False)

    def _lately(self, name: str) -> int:
        since = self._clock.now_ms() - WINDOW_MS
        return sum(when > since for when in self._failures.get(name, ()))
