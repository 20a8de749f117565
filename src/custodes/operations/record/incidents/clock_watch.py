"""A look at the clock: whether it was set, or stands behind what the log has written; an ``inc`` entry says so then.

In: the log, the clock, a count of time that nobody can set. Out: entries ``inc`` with ``x`` = ``clock-set`` or
``clock-behind-log``. Times in the log never fall, so while the clock is behind, entries get the last time again; and
who set the clock ahead for a minute has dated a minute of uses into the future. Each such entry marks a stretch of
``n`` milliseconds on both sides of its own time within which times say nothing more exact. Statements show all of them,
and what was dated within one is not said to be outside a period that meets it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable

from custodes.core.clock import Clock
from custodes.ledger.tlog.entry import Value, decode
from custodes.ledger.writer.published import RunningLog

LIMIT_MS = 5_000
BEHIND, SET = "clock-behind-log", "clock-set"


class SteadyClock:
    """A clock for what must not come early: it runs no faster than time passes, however the machine's clock is set."""

    def __init__(self, clock: Clock, elapsed_ms: Callable[[], int]) -> None:
        """Begin at ``clock``'s time; ``elapsed_ms`` counts on while the machine sleeps."""
        self._clock = clock
        self._elapsed_ms = elapsed_ms
        self._offset = clock.now_ms() - elapsed_ms()

    def now_ms(self) -> int:
        """The earlier of what the clock says and what it would say had nobody set it."""
        return min(self._clock.now_ms(), self._elapsed_ms() + self._offset)


class ClockWatch:
    """Looks at one log's clock. For one thread."""

    def __init__(self, log: RunningLog, clock: Clock, elapsed_ms: Callable[[], int]) -> None:
        """Compare ``clock`` with ``log`` and with ``elapsed_ms``, which counts on while the machine sleeps."""
        self._log = log
        self._clock = clock
        self._elapsed_ms = elapsed_ms
        self._offset = clock.now_ms() - elapsed_ms()
        self._size = 0
        self._last = 0
        self._began: int | None = None
        self._marked = 0

    def look(self) -> None:
        """Write what is wrong now, once; quick when nothing is. What is not published yet waits for the next look.

        Raises:
            LedgerUnavailableError: the log takes no entries now; the next look says it.
        """
        now, last = self._clock.now_ms(), self._newest()
        if self._began is None:
            self._began = min(now, last) if last else now
        moved = now - self._elapsed_ms() - self._offset
        behind = last - now if last > self._marked else 0
        if max(abs(moved), behind) <= LIMIT_MS:
            return
        # Entries dated after now were made between the newest that is not and now.
        begin = self._began if moved > LIMIT_MS else min(self._before(now), now)
        reach = max(max(last, now) - begin, abs(moved), behind) + LIMIT_MS
        fields: dict[str, Value] = {"n": reach, "x": BEHIND if behind > LIMIT_MS else SET}
        self._log.append("inc", fields=fields).wait_durable()
        self._offset += moved if abs(moved) > LIMIT_MS else 0
        self._marked = max(last, now)

    def _newest(self) -> int:
        size = self._log.published.size
        if size != self._size:
            self._size, self._last = size, self._time(size - 1)
        return self._last

    def _before(self, now: int) -> int:
        """Time of the newest entry that is not dated after ``now``; 0 when all are."""
        at = bisect_right(range(self._size), now, key=self._time)
        return self._time(at - 1) if at else 0

    def _time(self, index: int) -> int:
        return decode(self._log.tree().entry(index)).t
