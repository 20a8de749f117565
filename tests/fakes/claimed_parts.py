"""``python -m tests.fakes.claimed_parts URL FOLDER``: a server's workers for jobs, to be killed and stopped.

In: the URL of a database with the schema, a folder that all such processes share. Out: ``READY`` once it works. A job
"Count" has ``PARTS`` parts; each is charged by an entry of the shared log, and passed in the store of jobs after it.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

from custodes.core.clock import FixedClock
from custodes.core.errors import UnavailableError
from custodes.deployment.record.claims import recorded_under_claims
from custodes.deployment.video import LedgerCharges
from custodes.jobs.job import Cursor, Job, JobCheckpoint, JobLimits
from custodes.jobs.worker import JobWorkers, WorkerSettings
from custodes.ledger.tlog.tiles import LedgerUnavailableError
from custodes.storage.sql.jobs import SqlJobStore
from custodes.storage.sql.master import open_master
from custodes.storage.sql.nodes.time import DatabaseTime
from custodes.storage.sql.postgres_database import PostgresDatabase
from tests.fakes.shared_log import Node, node

PARTS = 100
LIMITS = JobLimits(lease_ms=400, attempts=1_000, retry_ms=1)


class Parts:
    """Implements ``JobHandler``: charges each part once."""

    def __init__(self, one: Node) -> None:
        """Charge in the log of ``one``."""
        self._log, self._charges = one.log, LedgerCharges(one.log)

    def run(self, job: Job) -> Iterator[JobCheckpoint]:
        """See JobHandler."""
        for part in range(job.cursor.position, PARTS):
            again = part == job.cursor.position and job.fence > 1
            try:
                if not (again and self._charges.charged(job.request.job_id, part, job.created_ts_ms)):
                    time.sleep(0.1)  # the work, and a moment to be stopped at
                    body = {"job": job.request.job_id, "part": part, "code": "Done"}
                    permission = self._log.append("auth", fields={"d": "allow"})
                    self._log.commit("use", units=1, body=body, settles=permission)
            except LedgerUnavailableError as error:
                raise UnavailableError(str(error)) from error
            yield JobCheckpoint(Cursor(part + 1, PARTS), (b"%d" % part,), last=part + 1 == PARTS)


def main(url: str, folder: Path) -> None:
    """Work until SIGTERM."""
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    (folder / str(os.getpid())).mkdir()
    one = node(url, folder)
    one.log.start()
    one.publisher.start()
    with closing(one), closing(PostgresDatabase.joined(folder / str(os.getpid()), url)) as database:
        store = SqlJobStore(
            database, open_master(database, folder / "data", os.urandom), LIMITS, DatabaseTime(database)
        )
        # Every clock is another one: what counts is the database's.
        clock = FixedClock(os.getpid() * 86_400_000)
        handlers = recorded_under_claims({"Count": Parts(one)})
        settings = WorkerSettings(str(os.getpid()), threads=2, poll_s=0.05, renew_s=0.1)
        with closing(JobWorkers(store, handlers, clock, settings)) as workers:
            workers.start()
            with suppress(BrokenPipeError):
                print("READY", flush=True)
            stopping.wait()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
