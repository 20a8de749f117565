"""Run by the kill tests as a process of its own: carries out counting jobs until it is killed or all are done.

Arguments: data directory. A job counts to the number in its input, in steps; each checkpoint has a page that names the
numbers of its step, and the cursor's state has their sum so far. It prints ``READY`` first and ``DONE`` when no job is
open any more.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from custodes.core.clock import SystemClock
from custodes.jobs.job import Cursor, Job, JobCheckpoint, JobLimits
from custodes.jobs.worker import JobWorkers, WorkerSettings
from custodes.storage.sql.jobs import SqlJobStore
from custodes.storage.sql.master import open_master
from custodes.storage.sql.sqlite_database import SqliteDatabase

LIMITS = JobLimits(attempts=1000)
STEP = 5


class Counting:
    """A handler whose results follow from what was asked."""

    def __init__(self, pause_s: float) -> None:
        self._pause_s = pause_s

    def run(self, job: Job) -> Iterator[JobCheckpoint]:
        total = int(job.request.input)
        position, so_far = job.cursor.position, int(job.cursor.state or b"0")
        while position < total:
            numbers = range(position, min(position + STEP, total))
            time.sleep(self._pause_s)
            position, so_far = numbers.stop, so_far + sum(numbers)
            page = f"{numbers.start}-{numbers.stop}:{so_far}".encode()
            yield JobCheckpoint(Cursor(position, total, str(so_far).encode()), (page,))


def main() -> None:
    directory = Path(sys.argv[1])
    database = SqliteDatabase.open(directory)
    clock = SystemClock()
    store = SqlJobStore.open(database, open_master(database, directory, os.urandom), LIMITS, clock)
    workers = JobWorkers(store, {"Count": Counting(0.002)}, clock, WorkerSettings("child", threads=3, poll_s=0.02))
    os.write(1, b"READY\n")
    workers.start()
    while store.listing(None, open_only=True, limit=1):
        time.sleep(0.01)
    workers.close()
    database.close()
    os.write(1, b"DONE\n")


if __name__ == "__main__":
    main()
