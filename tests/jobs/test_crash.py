"""Death at any moment: in the end the results are those of an undisturbed run, each page once.

``CUSTODES_TEST_KILLS`` sets how often the process is killed; the default keeps the suite short.
"""

from __future__ import annotations

import importlib.util
import os
import random
import signal
import threading
from pathlib import Path

from custodes.core.clock import SystemClock
from custodes.core.ids import AccountId
from custodes.jobs.job import JobId, JobRequest, JobState, queued
from custodes.storage.sql.database import Database
from custodes.storage.sql.jobs import SqlJobStore
from custodes.storage.sql.master import open_master
from custodes.storage.sql.sqlite_database import SqliteDatabase
from tests.fakes.process import Forked

CHILD = Path(__file__).with_name("counting_child.py")
KILLS = int(os.environ.get("CUSTODES_TEST_KILLS", "6"))

_spec = importlib.util.spec_from_file_location("counting_child", CHILD)
assert _spec is not None
assert _spec.loader is not None
child = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(child)

REQUESTS = [
    JobRequest(JobId(f"{number:064x}"), AccountId(f"{number % 3:012d}"), "Count", str(150 + number).encode())
    for number in range(6)
]


def opened(directory: Path) -> tuple[Database, SqlJobStore]:
    database = SqliteDatabase.open(directory)
    master = open_master(database, directory, os.urandom)
    return database, SqlJobStore(database, master, child.LIMITS)


def live(directory: Path, seconds: float | None) -> bool:
    """Run the child, killed after ``seconds``; whether it finished."""
    process = Forked(CHILD, str(directory))
    assert process.stdout is not None
    assert process.stdout.readline() == "READY\n"
    timer = threading.Timer(seconds or 60, process.send_signal, [signal.SIGKILL])
    timer.start()
    output = process.stdout.read()
    process.stdout.close()
    process.wait(30)
    timer.cancel()
    return "DONE" in output


def test_killed_work_ends_as_undisturbed_work_does(tmp_path: Path) -> None:
    directory, chance, clock = tmp_path / "data", random.Random(7), SystemClock()
    database, store = opened(directory)
    for request in REQUESTS:
        store.add(request, clock.now_ms())
    database.close()
    killed = 0
    for _ in range(KILLS):
        killed += not live(directory, chance.uniform(0.0, 0.15))
    assert killed, "it was never killed: the test showed nothing"
    assert live(directory, None)
    database, store = opened(directory)
    try:
        for request in REQUESTS:
            job = store.find(request.account_id, request.job_id)
            assert job is not None
            assert (job.state, job.cursor.position) == (JobState.SUCCEEDED, int(request.input))
            undisturbed = child.Counting(0).run(queued(request, 0, child.LIMITS))
            expected = tuple(page for checkpoint in undisturbed for page in checkpoint.pages)
            assert store.pages(request.account_id, request.job_id) == expected
    finally:
        database.close()
