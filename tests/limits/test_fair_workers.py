"""Threads shared between accounts: how many, in which order, and that a flood of one does not hold up another."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable

import pytest

from custodes.edge.http.workers import Workers


def run(scene: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(scene(), 30))


def test_results_and_errors_come_back() -> None:
    async def scene() -> None:
        workers = Workers(2)
        assert await workers.run("ann", lambda a, b: a + b, 1, 2) == 3
        with pytest.raises(ZeroDivisionError):
            await workers.run("ann", lambda: 1 // 0)
        names = await asyncio.gather(*(workers.run("ann", lambda: threading.current_thread().name) for _ in range(20)))
        assert threading.current_thread().name not in names

    run(scene)


def test_as_many_run_at_a_time_as_there_may_and_no_more() -> None:
    async def scene() -> None:
        workers, together, most, lock = Workers(3), 0, 0, threading.Lock()
        meeting = threading.Barrier(3, timeout=10)

        def work() -> None:
            nonlocal together, most
            with lock:
                together += 1
                most = max(most, together)
            meeting.wait()  # only three at a time get past
            with lock:
                together -= 1

        await asyncio.gather(*(workers.run(str(number % 2), work) for number in range(12)))
        assert most == 3

    run(scene)


@pytest.mark.parametrize("threads", [1, 3])
def test_whoever_asks_for_little_waits_for_one_to_end_at_most(threads: int) -> None:
    async def scene() -> None:
        workers, ended = Workers(threads), []

        def work(who: str) -> None:
            time.sleep(0.002)
            ended.append(who)

        flood = [asyncio.ensure_future(workers.run("flood", work, "flood")) for _ in range(60)]
        await asyncio.sleep(0.01)
        for _ in range(5):
            before = len(ended)
            await workers.run("ann", work, "ann")
            # Those that ran already, and one that a thread may have taken meanwhile. What ends later does not count.
            assert ended[before : ended.index("ann", before)].count("flood") <= 2 * threads
        await asyncio.gather(*flood)
        assert ended.count("flood") == 60

    run(scene)


def test_among_many_who_wait_nobody_is_passed_over() -> None:
    async def scene() -> None:
        workers, order = Workers(1), []
        blocked = threading.Event()
        first = asyncio.ensure_future(workers.run("flood", blocked.wait, 10))
        await asyncio.sleep(0.01)
        jobs = [
            asyncio.ensure_future(workers.run(who, order.append, who))
            for who in ["flood"] * 4 + ["ann"] * 4 + ["bob"] * 4
        ]
        await asyncio.sleep(0.01)
        blocked.set()
        await asyncio.gather(first, *jobs)
        rounds = [set(order[at : at + 3]) for at in range(0, 12, 3)]
        assert rounds == [{"flood", "ann", "bob"}] * 4

    run(scene)


def test_what_is_cancelled_while_it_waits_never_runs() -> None:
    async def scene() -> None:
        workers, ran = Workers(1), []
        blocked = threading.Event()
        first = asyncio.ensure_future(workers.run("ann", blocked.wait, 10))
        second = asyncio.ensure_future(workers.run("ann", ran.append, 1))
        await asyncio.sleep(0.01)
        second.cancel()
        await asyncio.sleep(0)
        blocked.set()
        await first
        await workers.run("ann", lambda: None)
        assert ran == []

    run(scene)
