"""Threads that claim jobs and carry them out, and one that keeps their leases alive.

In: a store, a handler for each operation, how many at a time. Out: checkpoints and ends in the store. A job that was
cancelled or claimed by somebody else is left at its next checkpoint. ``close`` lets each thread reach its next
checkpoint and gives the job back. It decides nothing: which job is next is the store's rule, what may be done the
handler's.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass

import structlog

from custodes.core.clock import Clock
from custodes.core.errors import CustodesError, UnavailableError
from custodes.jobs.job import Job, JobCheckpoint, Lease
from custodes.jobs.ports import JobHandler, JobStore

DEFECT = "Internal server error"


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """How jobs are worked on.

    Attributes:
        name: who claims, in the store; tells processes apart.
        threads: jobs at the same time.
        poll_s: how long an idle thread waits before it looks again for jobs that another process added.
        renew_s: between renewals of leases; a third of the store's lease or less.
    """

    name: str
    threads: int = 1
    poll_s: float = 1.0
    renew_s: float = 10.0


class JobWorkers:
    """Threads over one store."""

    def __init__(
        self, store: JobStore, handlers: Mapping[str, JobHandler], clock: Clock, settings: WorkerSettings
    ) -> None:
        """Nothing runs before ``start``."""
        self._store = store
        self._handlers = handlers
        self._clock = clock
        self._settings = settings
        self._changed = threading.Condition()
        # Guarded by _changed:
        self._stopping = False
        self._additions = 0
        self._leases: set[Lease] = set()
        self._threads: list[threading.Thread] = []
        self._logger = structlog.get_logger("custodes.jobs")

    def start(self) -> None:
        """Begin to work."""
        for number in range(self._settings.threads):
            name = f"{self._settings.name}/{number}"
            self._threads.append(threading.Thread(target=self._work, args=(name,), name=f"job {name}", daemon=True))
        self._threads.append(threading.Thread(target=self._renew, name="job leases", daemon=True))
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """A job was added: look at once."""
        with self._changed:
            self._additions += 1
            self._changed.notify_all()

    def close(self) -> None:
        """Stop at the next checkpoint of each job. Harmless when called again."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def _work(self, owner: str) -> None:
        while True:
            with self._changed:
                if self._stopping:
                    return
                additions = self._additions
            if not self._next(owner):
                self._wait(additions)

    def _wait(self, additions: int) -> None:
        """Until the number of additions is another than ``additions``, but not for long."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopping or self._additions != additions, self._settings.poll_s)

    def _next(self, owner: str) -> bool:
        """Claim a job and carry it out; False where there was none."""
        try:
            job = self._store.claim(tuple(self._handlers), owner, self._clock.now_ms())
        except (CustodesError, OSError) as error:
            self._logger.error("no job could be claimed", error=type(error).__name__, reason=str(error))
            return False
        if job is None:
            return False
        with self._changed:
            self._leases.add(job.lease)
        try:
            self._attempt(job)
        finally:
            with self._changed:
                self._leases.discard(job.lease)
        return True

    def _attempt(self, job: Job) -> None:
        """Carry out ``job``; whatever goes wrong ends it or has it tried again."""
        try:
            try:
                self._carry_out(job)
            except (UnavailableError, OSError) as error:
                self._store.postpone(job.lease, _message(error), self._clock.now_ms())
            except CustodesError as error:
                self._store.finish(job.lease, error.message, self._clock.now_ms())
        except (CustodesError, OSError) as error:
            # The store itself: the lease runs out, and the job goes on from its last checkpoint.
            self._logger.error("a job could not be stored", job=job.request.job_id, reason=str(error))
        except Exception:
            # The border of a worker thread: a defect of one handler must not end the work on all other jobs.
            self._logger.exception("a job met a defect", job=job.request.job_id, operation=job.request.operation)
            self._fail(job)

    def _carry_out(self, job: Job) -> None:
        checkpoints, over = self._handlers[job.request.operation].run(job), False
        try:
            for checkpoint in checkpoints:
                if not self._store.advance(job.lease, checkpoint, self._clock.now_ms()):
                    return  # cancelled, or another has it
                over = checkpoint.last
                if over:
                    continue  # what is left to do is to put away
                with self._changed:
                    stopping = self._stopping
                if stopping:
                    self._store.interrupt(job.lease, self._clock.now_ms())
                    return
        finally:
            _close(checkpoints)
        if not over:
            self._store.finish(job.lease, None, self._clock.now_ms())

    def _fail(self, job: Job) -> None:
        try:
            self._store.finish(job.lease, DEFECT, self._clock.now_ms())
        except (CustodesError, OSError) as error:
            self._logger.error("a job could not be stored", job=job.request.job_id, reason=str(error))

    def _renew(self) -> None:
        while True:
            with self._changed:
                if self._changed.wait_for(lambda: self._stopping and not self._leases, self._settings.renew_s):
                    return
                leases = tuple(self._leases)
            for lease in leases:
                try:
                    self._store.renew(lease, self._clock.now_ms())
                except (CustodesError, OSError) as error:
                    self._logger.error("a lease could not be renewed", job=lease.job_id, reason=str(error))


def _close(checkpoints: Iterator[JobCheckpoint]) -> None:
    """A generator's ``finally`` blocks run now and not at some collection of garbage."""
    if isinstance(checkpoints, Generator):
        checkpoints.close()


def _message(error: Exception) -> str:
    """What a client may read of ``error``; an OSError names paths of this machine."""
    return error.message if isinstance(error, CustodesError) else "A resource was not available."
