"""One network, many threads: requests that wait at the same time share one run.

In: arrays of samples from any thread. Out: the network's rows for exactly those samples. A lone request runs at once;
while a run is under way the others gather, and one of them runs the next batch for all. No timer, no extra thread, no
added wait. It does not change values: each row is computed independently of its neighbours, up to float rounding.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from custodes.engine.results.face import FloatArray

Run = Callable[[NDArray[np.generic]], FloatArray]


class _Ticket:
    """One caller's samples and, later, their rows or the error that prevented them."""

    __slots__ = ("done", "error", "rows", "samples")

    def __init__(self, samples: NDArray[np.generic]) -> None:
        self.samples = samples
        self.rows: FloatArray | None = None
        self.error: BaseException | None = None
        self.done = False


class Batcher:
    """Gathers concurrent calls of ``run`` into batches of at most ``max_batch`` samples."""

    def __init__(self, run: Run, max_batch: int = 16) -> None:
        """Wrap ``run``, which maps (N, ...) samples to (N, D) rows."""
        self._run = run
        self._max_batch = max_batch
        self._turn = threading.Condition()
        self._waiting: list[_Ticket] = []
        self._busy = False

    def __call__(self, samples: NDArray[np.generic]) -> FloatArray:
        """Rows for ``samples`` (N, ...); blocks until they are computed.

        Raises:
            Whatever ``run`` raises, in every caller whose samples were in that run.
        """
        ticket = _Ticket(samples)
        with self._turn:
            self._waiting.append(ticket)
        while not ticket.done:
            tickets = self._next_batch(ticket)
            if tickets:
                self._compute(tickets)
        if ticket.error is not None:
            raise ticket.error
        if ticket.rows is None:
            raise RuntimeError("a finished batch left no rows")
        return ticket.rows

    def _next_batch(self, ticket: _Ticket) -> list[_Ticket]:
        """Wait for ``ticket`` to be done (empty list) or for the turn to run (the tickets of the next batch)."""
        with self._turn:
            self._turn.wait_for(lambda: ticket.done or not self._busy)
            if ticket.done:
                return []
            self._busy = True
            taken = [self._waiting.pop(0)]
            count = len(taken[0].samples)
            # Only like shapes share a run; the first in line is never passed over.
            while self._waiting and count + len(self._waiting[0].samples) <= self._max_batch:
                if self._waiting[0].samples.shape[1:] != taken[0].samples.shape[1:]:
                    break
                taken.append(self._waiting.pop(0))
                count += len(taken[-1].samples)
            return taken

    def _compute(self, tickets: list[_Ticket]) -> None:
        """Run ``tickets`` together, hand out rows or the error, and give the turn away."""
        try:
            samples = tickets[0].samples if len(tickets) == 1 else np.concatenate([t.samples for t in tickets])
            rows = self._run(samples)
            start = 0
            for t in tickets:
                t.rows = rows[start : start + len(t.samples)]
                start += len(t.samples)
        except BaseException as error:
            for t in tickets:
                t.error = error
            if not isinstance(error, Exception):
                raise
        finally:
            with self._turn:
                for t in tickets:
                    t.done = True
                self._busy = False
                self._turn.notify_all()
