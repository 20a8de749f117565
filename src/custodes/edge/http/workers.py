"""Threads that handlers run on, shared fairly between accounts.

In: functions, each on behalf of somebody. Out: their results, awaited on the event loop. A free thread takes the next
function of whoever has the fewest running, and among equals of whoever was served longest ago; so one account that
sends a thousand requests waits for itself, and another waits for one function to end at most. It is also the shortest
way to a thread and back that the event loop has, which matters more after the networks have emptied the caches.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")

_IDLE_S = 10.0
"""Threads without work for that long end; the next request starts new ones."""


@dataclass(slots=True)
class _Job:
    work: Callable[..., Any]
    arguments: tuple[Any, ...]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]


@dataclass(slots=True)
class _Line:
    """What waits on behalf of somebody, and the turn in which it was last served."""

    served: int
    jobs: deque[_Job] = field(default_factory=deque)


class Workers:
    """At most ``count`` functions at a time."""

    def __init__(self, count: int) -> None:
        """Use ``count`` threads, started when they are needed."""
        self._count = count
        self._changed = threading.Condition(threading.Lock())
        self._lines: dict[str, _Line] = {}
        self._running: Counter[str] = Counter()
        self._turn = 0
        self._threads = 0
        self._busy = 0
        self._queued = 0

    async def run(self, behalf: str, work: Callable[..., T], *arguments: Any) -> T:
        """What ``work(*arguments)`` returns or raises, on a thread. Cancelled before it began, it never runs."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        with self._changed:
            line = self._lines.get(behalf)
            if line is None:
                # Before whoever is being served now, behind all who have waited since.
                line = self._lines[behalf] = _Line(self._turn - 1)
            line.jobs.append(_Job(work, arguments, loop, future))
            self._queued += 1
            if self._queued > self._threads - self._busy and self._threads < self._count:
                self._threads += 1
                threading.Thread(target=self._work, name="handler", daemon=True).start()
            else:
                self._changed.notify()
        return await future

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._lines:
                    if not self._changed.wait(_IDLE_S) and not self._lines:
                        self._threads -= 1
                        return
                behalf, job = self._next()
            if not job.future.cancelled():
                _carry_out(job)
            with self._changed:
                self._busy -= 1
                self._running[behalf] -= 1
                if not self._running[behalf]:
                    del self._running[behalf]

    def _next(self) -> tuple[str, _Job]:
        """The job whose turn it is; with the lock held and a line there."""
        behalf = min(self._lines, key=lambda name: (self._running[name], self._lines[name].served))
        line = self._lines[behalf]
        job = line.jobs.popleft()
        self._turn += 1
        line.served = self._turn
        if not line.jobs:
            del self._lines[behalf]
        self._queued -= 1
        self._busy += 1
        self._running[behalf] += 1
        return behalf, job


def _carry_out(job: _Job) -> None:
    result, error = None, None
    try:
        result = job.work(*job.arguments)
    except BaseException as raised:  # noqa: BLE001 - the thread's outer border: the error goes to whoever awaits
        error = raised
    try:
        job.loop.call_soon_threadsafe(_settle, job.future, result, error)
    except RuntimeError:
        return  # the loop is closed; nobody awaits any more


def _settle(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
