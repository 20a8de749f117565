"""How the last minutes went: requests a second, how long they took, how many failed.

In: finished requests. Out: a ``RequestPace`` for a person who looks. Figures for machines over all time are
``/metrics``. The memory is bounded: under many requests the time that is told about is shorter, and it says so.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

WINDOW_S = 300.0
_MAX_REQUESTS = 10_000


@dataclass(frozen=True, slots=True)
class OperationPace:
    """Requests of one operation: how many, how many of them were refused or failed, and times in milliseconds."""

    operation: str
    count: int
    failed: int
    median_ms: float
    p95_ms: float


@dataclass(frozen=True, slots=True)
class RequestPace:
    """The last ``span_s`` seconds: requests a second over all operations, and each operation, the most asked first."""

    span_s: float
    per_second: float
    operations: tuple[OperationPace, ...]


@dataclass(frozen=True, slots=True)
class _Finished:
    at_s: float
    operation: str
    failed: bool
    seconds: float


class RecentRequests:
    """Remembers what was just finished. Any thread."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        """Nothing yet; ``now_s`` is a clock that never goes back."""
        self._now_s = now_s
        self._lock = threading.Lock()
        self._begun_s = now_s()
        self._finished: deque[_Finished] = deque(maxlen=_MAX_REQUESTS)

    def add(self, operation: str, seconds: float, *, failed: bool) -> None:
        """A request for ``operation`` is done after ``seconds``."""
        with self._lock:
            self._finished.append(_Finished(self._now_s(), operation, failed, seconds))

    def pace(self) -> RequestPace:
        """Of the last five minutes, or since the start, or as far as it is remembered: the shortest of these."""
        with self._lock:
            now_s, finished = self._now_s(), list(self._finished)
        since_s = max(now_s - WINDOW_S, self._begun_s)
        if len(finished) == _MAX_REQUESTS:
            since_s = max(since_s, finished[0].at_s)
        by_operation: dict[str, list[_Finished]] = defaultdict(list)
        for one in finished:
            if one.at_s >= since_s:
                by_operation[one.operation].append(one)
        span_s = max(1.0, now_s - since_s)
        told = (_told(operation, done) for operation, done in by_operation.items())
        operations = tuple(sorted(told, key=lambda one: (-one.count, one.operation)))
        return RequestPace(span_s, sum(one.count for one in operations) / span_s, operations)


def _told(operation: str, done: Sequence[_Finished]) -> OperationPace:
    times_ms = sorted(one.seconds * 1000 for one in done)
    middle, late = times_ms[len(times_ms) // 2], times_ms[min(len(times_ms) - 1, int(0.95 * len(times_ms)))]
    return OperationPace(operation, len(done), sum(one.failed for one in done), middle, late)
