"""Periodic work: what is to be done how often, threads that do it, and how fresh each is.

In: schedules, the time. Out: their runs, and a ``ScheduleState`` each for whoever watches. Schedules of one lane run
one after the other, in one thread; lanes do not wait for one another, so that a long screening keeps no rule from
taking force. A run that fails for an expected reason is logged and made again when it is due; anything else is a defect
and logged as such, with its traceback. It keeps no state over restarts: what has to be done since is what a run finds.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import structlog

from custodes.core.clock import Clock
from custodes.core.errors import CustodesError

SECOND_MS, MINUTE_MS, HOUR_MS = 1_000, 60_000, 3_600_000
_MAX_WAIT_S = 1.0
"""The machine's clock may be set while a thread waits, so it looks again this often."""

Run = Callable[[], bool]
"""One run; True where there is more to do at once."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Work that is done again and again.

    Attributes:
        name: in logs and figures.
        every_ms: from the begin of one run to that of the next.
        run: the work. It raises CustodesError, OSError or what the scheduler is told to expect.
        at_start: whether the first run is at once; otherwise it is after ``every_ms``.
        lane: schedules of the same lane never run at the same time; empty for a lane of its own.
    """

    name: str
    every_ms: int
    run: Run
    at_start: bool = False
    lane: str = ""


@dataclass(frozen=True, slots=True)
class ScheduleState:
    """How fresh one schedule is. Times are milliseconds since the epoch, None before the first.

    Attributes:
        name: of the schedule.
        every_ms: how often it is due.
        due_ts_ms: the next run.
        begun_ts_ms: begin of the last run.
        succeeded_ts_ms: end of the last run that did its work.
        succeeded: runs that did their work.
        failed: runs that failed for an expected reason.
        defects: runs that met a defect.
    """

    name: str
    every_ms: int
    due_ts_ms: int
    begun_ts_ms: int | None = None
    succeeded_ts_ms: int | None = None
    succeeded: int = 0
    failed: int = 0
    defects: int = 0


def regularly(work: Callable[[], object]) -> Run:
    """A run that does all there is to do each time."""

    def run() -> bool:
        work()
        return False

    return run


class Scheduler:
    """Runs schedules between ``start`` and ``close``."""

    def __init__(
        self,
        schedules: Sequence[Schedule],
        clock: Clock,
        expected: tuple[type[Exception], ...] = (),
        max_wait_s: float = _MAX_WAIT_S,
    ) -> None:
        """Run ``schedules``, whose names differ; errors in ``expected`` count as a failed run, not as a defect."""
        self._clock = clock
        self._expected: tuple[type[Exception], ...] = (CustodesError, OSError, *expected)
        self._max_wait_s = max_wait_s
        self._lanes: dict[str, list[Schedule]] = defaultdict(list)
        for schedule in schedules:
            self._lanes[schedule.lane or schedule.name].append(schedule)
        self._changed = threading.Condition()
        # Guarded by _changed:
        self._stopping = False
        now_ms = clock.now_ms()
        self._states = {
            one.name: ScheduleState(one.name, one.every_ms, now_ms if one.at_start else now_ms + one.every_ms)
            for one in schedules
        }
        if len(self._states) < len(schedules):
            raise ValueError("two schedules of one name")
        self._threads: list[threading.Thread] = []
        self._logger = structlog.get_logger("custodes.schedule")

    def start(self) -> None:
        """Begin, with one thread for each lane."""
        for lane, schedules in self._lanes.items():
            thread = threading.Thread(target=self._loop, args=(schedules,), name=f"schedule {lane}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def wake(self, name: str) -> None:
        """Make the schedule ``name`` due now."""
        with self._changed:
            self._states[name] = replace(self._states[name], due_ts_ms=self._clock.now_ms())
            self._changed.notify_all()

    def states(self) -> tuple[ScheduleState, ...]:
        """How fresh each schedule is, in the order in which they were given."""
        with self._changed:
            return tuple(self._states.values())

    def close(self) -> None:
        """Finish what runs, and stop. Harmless when called again."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def _loop(self, schedules: Sequence[Schedule]) -> None:
        while (schedule := self._next(schedules)) is not None:
            self._run(schedule)

    def _next(self, schedules: Sequence[Schedule]) -> Schedule | None:
        """Wait until one of ``schedules`` is due, the one that is overdue longest; None at the end."""
        with self._changed:
            while not self._stopping:
                first = min(schedules, key=lambda one: self._states[one.name].due_ts_ms)
                wait_ms = self._states[first.name].due_ts_ms - self._clock.now_ms()
                if wait_ms <= 0:
                    return first
                self._changed.wait(min(wait_ms / 1000, self._max_wait_s))
        return None

    def _run(self, schedule: Schedule) -> None:
        begun_ms = self._clock.now_ms()
        with self._changed:  # a wake during the run makes it due again
            before = replace(self._states[schedule.name], begun_ts_ms=begun_ms, due_ts_ms=begun_ms + schedule.every_ms)
            self._states[schedule.name] = before
        more, outcome = False, "succeeded"
        try:
            more = schedule.run()
        except self._expected as error:
            outcome = "failed"
            self._logger.error(
                "a scheduled run failed", schedule=schedule.name, error=type(error).__name__, reason=str(error)
            )
        except Exception:
            # The border of a thread: a defect of one schedule must not end the others of its lane.
            outcome = "defects"
            self._logger.exception("a scheduled run met a defect", schedule=schedule.name)
        self._ended(schedule.name, outcome, more=more)

    def _ended(self, name: str, outcome: str, *, more: bool) -> None:
        now_ms = self._clock.now_ms()
        with self._changed:
            state = self._states[name]
            self._states[name] = replace(
                state,
                due_ts_ms=now_ms if more else state.due_ts_ms,
                succeeded_ts_ms=now_ms if outcome == "succeeded" else state.succeeded_ts_ms,
                **{outcome: getattr(state, outcome) + 1},
            )
