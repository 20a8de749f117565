"""The one thread that writes, with group commit.

In: functions that change the database through a connection. Out: their results, once durable. All functions that wait
while a commit is under way share the next one, so a slow disk costs each of them one flush and not one each. Within a
group every function has its savepoint: one that refuses leaves the others alone. It knows no tables.

If the process dies before a commit is durable, nobody was told that it succeeded; the database rolls it back whole.
"""

from __future__ import annotations

import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from custodes.core.errors import UnavailableError

T = TypeVar("T")

_GROUP_LIMIT = 256
_SCRUB_RETRY_S = 0.2


@dataclass(slots=True)
class _Job(Generic[T]):
    change: Callable[[Connection], T]
    future: Future[T]
    erases: bool
    result: T | None = None
    error: Exception | None = None


class Writer:
    """Runs changes one group after the other."""

    def __init__(
        self,
        engine: Engine,
        begin: Callable[[Connection], object] = lambda _: None,
        scrub: Callable[[Connection], bool] = lambda _: True,
    ) -> None:
        """Write through ``engine``.

        Args:
            engine: its transactions take the write lock at their beginning, unless ``begin`` does.
            begin: the first thing in every transaction.
            scrub: makes deleted content unreadable where the engine keeps it; False when it has to be tried again.
        """
        self._engine = engine
        self._begin = begin
        self._scrubbed = scrub
        self._jobs: queue.SimpleQueue[_Job[Any] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="storage-writer", daemon=True)
        self._gate = threading.Lock()
        self._closed = False
        self._scrub_due = False

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def run(self, change: Callable[[Connection], T], *, erases: bool = False) -> T:
        """Run ``change`` in a transaction and return its result once that is durable.

        Args:
            change: may be run again after a failed group; touches nothing but the connection.
            erases: what it deletes must not linger in the write-ahead log.

        Raises:
            UnavailableError: the database cannot be written, or the writer is closed. Any error of ``change`` itself.
        """
        job = _Job(change, Future[T](), erases)
        with self._gate:
            if self._closed:
                raise UnavailableError("the database is closed")
            self._jobs.put(job)
        return job.future.result()

    def close(self) -> None:
        """Finish what was handed in, then stop. Harmless when called again."""
        with self._gate:
            if not self._closed:
                self._closed = True
                self._jobs.put(None)
        if self._thread.ident is not None:
            self._thread.join()

    def _work(self) -> None:
        while True:
            group, last = self._next_group()
            if group:
                self._commit(group)
            if self._scrub_due:
                self._scrub()
            if last:
                return

    def _next_group(self) -> tuple[list[_Job[Any]], bool]:
        """Everything that waits now, at least one job; empty when only a scrub is due. True: no more will come."""
        group: list[_Job[Any]] = []
        try:
            job = self._jobs.get(timeout=_SCRUB_RETRY_S if self._scrub_due else None)
            while job is not None:
                group.append(job)
                if len(group) == _GROUP_LIMIT:
                    return group, False
                job = self._jobs.get_nowait()
        except queue.Empty:
            return group, False
        return group, True

    def _commit(self, group: list[_Job[Any]]) -> None:
        """Commit ``group``; where the database fails in the middle, each alone, so that one cannot fail the others."""
        failure = self._try(group)
        if failure is not None and len(group) > 1:
            for job in group:
                self._commit([job])
            return
        for job in group:
            self._scrub_due = self._scrub_due or job.erases
            error = failure or job.error
            if error is not None:
                job.future.set_exception(error)
            else:
                job.future.set_result(job.result)

    def _try(self, group: list[_Job[Any]]) -> Exception | None:
        try:
            with self._engine.begin() as connection:
                self._begin(connection)
                for job in group:
                    self._run(connection, job)
        except SQLAlchemyError as error:
            failure = UnavailableError("the database could not be written; nothing was changed")
            failure.__cause__ = error
            return failure
        except UnavailableError as error:
            return error  # it cannot begin; what a change says itself is kept with the change
        return None

    def _run(self, connection: Connection, job: _Job[Any]) -> None:
        job.result, job.error = None, None
        savepoint = connection.begin_nested()
        try:
            job.result = job.change(connection)
        except SQLAlchemyError:
            raise
        except Exception as error:  # noqa: BLE001 - the worker loop's border: the error goes to whoever asked
            savepoint.rollback()
            job.error = error
        else:
            savepoint.commit()

    def _scrub(self) -> None:
        """Have deleted content made unreadable; again later where that is not possible now."""
        try:
            with self._engine.connect() as connection:
                self._scrub_due = not self._scrubbed(connection)
        except (SQLAlchemyError, sqlite3.Error):
            return  # it stays due
