"""Schedules: when they run, what they wait for, what their errors are, how fresh they are."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest
import structlog

from custodes.core.clock import FixedClock
from custodes.core.errors import UnavailableError
from custodes.jobs.schedule import Schedule, Scheduler, ScheduleState, regularly
from tests.fakes.waiting import eventually


class Bell:
    """Counts, and lets a test wait for a count."""

    def __init__(self) -> None:
        self.count = 0
        self.changed = threading.Condition()

    def ring(self) -> None:
        with self.changed:
            self.count += 1
            self.changed.notify_all()

    def wait(self, count: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: self.count >= count, 10), f"{self.count} of {count}"


class RoomError(Exception):
    """An error of another room, which the scheduler is told to expect."""


@contextmanager
def scheduled(*schedules: Schedule, clock: FixedClock) -> Iterator[Scheduler]:
    with closing(Scheduler(schedules, clock, (RoomError,), max_wait_s=0.005)) as scheduler:
        scheduler.start()
        yield scheduler


def state(scheduler: Scheduler, holds: Callable[[ScheduleState], bool]) -> ScheduleState:
    """State of the only schedule once ``holds``."""

    def found() -> ScheduleState | None:
        (only,) = scheduler.states()
        return only if holds(only) else None

    return eventually(found)


def test_a_run_is_due_after_its_time_and_again() -> None:
    clock, bell, other = FixedClock(0), Bell(), Bell()
    hourly, sooner = Schedule("hourly", 1000, regularly(bell.ring)), Schedule("often", 10, regularly(other.ring))
    with scheduled(hourly, sooner, clock=clock):
        clock.advance(999)
        other.wait(1)
        assert bell.count == 0
        for count in range(1, 4):
            clock.advance(1000)
            bell.wait(count)


def test_a_run_at_the_start_and_one_that_has_more_to_do() -> None:
    clock, bell = FixedClock(0), Bell()

    def run() -> bool:
        bell.ring()
        return bell.count < 3

    with scheduled(Schedule("all", 1000, run, at_start=True), clock=clock) as scheduler:
        bell.wait(3)
        found = state(scheduler, lambda one: one.succeeded == 3)
    assert bell.count == 3
    assert found.due_ts_ms == 1000


def test_a_run_that_is_woken_is_due_at_once_even_while_it_runs() -> None:
    clock, bell, going, on = FixedClock(0), Bell(), threading.Event(), threading.Event()

    def run() -> bool:
        going.set()
        assert on.wait(10)
        bell.ring()
        return False

    with scheduled(Schedule("woken", 1000, run), clock=clock) as scheduler:
        scheduler.wake("woken")
        assert going.wait(10)
        scheduler.wake("woken")
        on.set()
        bell.wait(2)


def test_a_long_run_keeps_its_lane_waiting_and_no_other() -> None:
    clock, bell, begun, over = FixedClock(0), Bell(), threading.Event(), threading.Event()
    together: list[str] = []

    def long() -> bool:
        together.append("long begins")
        begun.set()
        assert over.wait(10)
        together.append("long ends")
        return False

    schedules = (
        Schedule("long", 10**6, long, at_start=True, lane="maps"),
        Schedule("same lane", 10**6, regularly(lambda: together.append("same lane")), at_start=True, lane="maps"),
        Schedule("policy", 1, regularly(bell.ring), at_start=True),
    )
    with scheduled(*schedules, clock=clock) as scheduler:
        assert begun.wait(10)
        for count in range(2, 5):
            clock.advance(1)
            bell.wait(count)
        over.set()
        eventually(lambda: scheduler.states()[1].succeeded)
    assert together == ["long begins", "long ends", "same lane"]


@pytest.mark.parametrize("error", [UnavailableError("no disk"), OSError("no disk"), RoomError("no disk")])
def test_an_expected_error_is_a_failed_run_and_made_again(error: Exception) -> None:
    clock, bell = FixedClock(5), Bell()

    def run() -> bool:
        bell.ring()
        if bell.count == 1:
            raise error
        return False

    with structlog.testing.capture_logs() as logs, scheduled(Schedule("x", 10, run), clock=clock) as scheduler:
        clock.advance(10)
        found = state(scheduler, lambda one: one.failed == 1)
        assert (found.succeeded, found.succeeded_ts_ms, found.begun_ts_ms, found.due_ts_ms) == (0, None, 15, 25)
        clock.advance(10)
        found = state(scheduler, lambda one: one.succeeded == 1)
        assert (found.failed, found.succeeded_ts_ms) == (1, 25)
    assert [(line["event"], line["reason"]) for line in logs] == [("a scheduled run failed", "no disk")]


@pytest.mark.parametrize("error", [ValueError("x"), KeyError("x"), IndexError("x")])
def test_any_other_error_is_a_defect_and_logged_with_its_traceback(error: Exception) -> None:
    clock = FixedClock(0)

    def run() -> bool:
        raise error

    with structlog.testing.capture_logs() as logs, scheduled(Schedule("x", 10, run), clock=clock) as scheduler:
        clock.advance(10)
        found = state(scheduler, lambda one: one.defects == 1)
    assert (found.failed, found.succeeded) == (0, 0)
    assert [(line["event"], line["exc_info"]) for line in logs] == [("a scheduled run met a defect", True)]


def test_names_differ() -> None:
    with pytest.raises(ValueError, match="one name"):
        Scheduler([Schedule("x", 1, lambda: False), Schedule("x", 2, lambda: False)], FixedClock())
