"""Who computes what a job consists of: threads of this process, or workers elsewhere, behind one port.

In: units of work as bytes, with the name of the kind of work. Out: their results as bytes. A unit changes nothing, so
it may be carried out twice; all that is durable is done by whoever asked. Every adapter passes the same contract suite.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol, TypeAlias

Workshop: TypeAlias = Callable[[str, bytes], bytes]
"""Carries out one unit: kind of work, unit, result. Raises CustodesError for what is no defect."""


class Executor(Protocol):
    """Carries out units, several at a time."""

    @property
    def at_once(self) -> int:
        """How many are under way at the same time."""
        ...

    def submit(self, work: str, unit: bytes) -> Future[bytes]:
        """Begin a unit. Its result raises what the workshop raises, and UnavailableError where a worker was lost.

        Raises:
            UnavailableError: there are no workers.
        """
        ...

    def close(self) -> None:
        """Let go of the workers; harmless when called again. What is under way may be given up."""
        ...


class ThreadExecutor:
    """An Executor of threads."""

    def __init__(self, workshop: Workshop, at_once: int) -> None:
        """Carry out units by ``workshop``, ``at_once`` of them at a time."""
        self._workshop = workshop
        self._at_once = at_once
        self._pool = ThreadPoolExecutor(at_once, "unit")

    @property
    def at_once(self) -> int:
        """See Executor."""
        return self._at_once

    def submit(self, work: str, unit: bytes) -> Future[bytes]:
        """See Executor."""
        return self._pool.submit(self._workshop, work, unit)

    def close(self) -> None:
        """See Executor."""
        self._pool.shutdown(cancel_futures=True)


def in_order(executor: Executor, work: str, units: Iterable[bytes]) -> Iterator[bytes]:
    """Results of ``units`` in their order; a few units are begun ahead, so that memory stays bounded.

    Raises as ``Executor.submit``, and what a unit raised.
    """
    ahead, running = 2 * executor.at_once, list[Future[bytes]]()
    try:
        for unit in units:
            running.append(executor.submit(work, unit))
            if len(running) > ahead:
                yield running.pop(0).result()
        while running:
            yield running.pop(0).result()
    finally:
        for future in running:
            future.cancel()
