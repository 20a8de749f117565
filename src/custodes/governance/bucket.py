"""Token buckets: how many requests of a kind may come, on average and at once.

In: names, paces and the time. Out: whether one more may come now. A bucket holds ``burst`` tokens at most, gains
``rate`` a second, and each request takes one. Times come from outside and only their differences count; one that runs
backwards adds nothing. Safe for many threads. Buckets that are full again are forgotten, so memory is bounded by what
was asked for lately.

Source: ITU-T I.371 (the generic cell rate algorithm, of which this is the token form).
"""

from __future__ import annotations

import threading
from collections.abc import Hashable

from custodes.governance.limits import Pace

_SWEEP_AT = 4096


class Buckets:
    """Buckets by name, made when first asked for."""

    def __init__(self) -> None:
        """None yet."""
        self._lock = threading.Lock()
        self._levels: dict[Hashable, tuple[float, float, Pace]] = {}
        self._sweep_at = _SWEEP_AT

    def __len__(self) -> int:
        """How many are remembered."""
        return len(self._levels)

    def take(self, name: Hashable, pace: Pace, now_s: float) -> bool:
        """Whether bucket ``name`` has a token at ``now_s``, which is then gone. ``pace`` may change between calls."""
        if not pace.rate:
            return True
        with self._lock:
            level, since, _ = self._levels.get(name, (float(pace.burst), now_s, pace))
            level = _level(level, since, pace, now_s)
            taken = level >= 1.0
            self._levels[name] = (level - taken, max(now_s, since), pace)
            if len(self._levels) >= self._sweep_at:
                self._sweep(now_s)
        return taken

    def _sweep(self, now_s: float) -> None:
        """Forget full buckets; a new one would be full, too."""
        self._levels = {
            name: held
            for name, held in self._levels.items()
            if _level(held[0], held[1], held[2], now_s) < held[2].burst
        }
        self._sweep_at = max(_SWEEP_AT, 2 * len(self._levels))


def _level(level: float, since: float, pace: Pace, now_s: float) -> float:
    return min(float(pace.burst), level + max(0.0, now_s - since) * pace.rate)
