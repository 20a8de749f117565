"""Several processes work on the same jobs, killed and stopped at random: each part is charged once.

``CUSTODES_TEST_CLAIM_FAULTS=100`` disturbs as often.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import orjson
import pytest

from custodes.core.ids import AccountId
from custodes.jobs.job import JobId, JobRequest, JobState
from custodes.ledger.tlog.entry import decode
from custodes.ledger.tree.tiles import Tree
from custodes.storage.sql.jobs import SqlJobStore
from custodes.storage.sql.master import open_master
from custodes.storage.sql.nodes.time import DatabaseTime
from custodes.storage.sql.postgres_database import PostgresDatabase
from tests.fakes.claimed_parts import LIMITS, PARTS
from tests.fakes.postgres import PostgresServer
from tests.fakes.shared_log import node

pytestmark = pytest.mark.slow

FAULTS = int(os.environ.get("CUSTODES_TEST_CLAIM_FAULTS", "9"))
PROCESSES, JOBS = 3, 3  # fewer than threads, so that somebody is free for what another lost
ANN = AccountId("111111111111")


def started(url: str, folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.fakes.claimed_parts", url, str(folder)]
    return subprocess.Popen(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True)


def ready(process: subprocess.Popen[str]) -> subprocess.Popen[str]:
    assert process.stdout is not None
    assert process.stdout.readline() == "READY\n"
    return process


@pytest.mark.timeout(280)
def test_each_part_is_charged_once(tmp_path: Path, postgres: PostgresServer) -> None:
    url, chance = postgres.database(), random.Random(17)
    (tmp_path / "own").mkdir()
    (tmp_path / "data").mkdir()
    with closing(PostgresDatabase.joined(tmp_path / "own", url)) as database:
        store = SqlJobStore(
            database, open_master(database, tmp_path / "data", os.urandom), LIMITS, DatabaseTime(database)
        )
        begun = [started(url, tmp_path) for _ in range(PROCESSES)]
        try:
            running = [ready(process) for process in begun]
            for number in range(JOBS):
                store.add(JobRequest(JobId(f"{number:064x}"), ANN, "Count", b""), 0)
            for number in range(FAULTS):
                time.sleep(chance.uniform(0.05, 0.4))
                one = chance.choice(running)
                if number % 4:
                    one.send_signal(signal.SIGSTOP)
                    time.sleep(chance.uniform(0.5, 1.2))  # longer than a lease
                    one.send_signal(signal.SIGCONT)
                    continue
                running.remove(one)
                one.kill()
                begun.append(started(url, tmp_path))
                running.append(ready(begun[-1]))
            end = time.monotonic() + 120
            while store.listing(ANN, open_only=True, limit=1):
                assert time.monotonic() < end, "some job does not end"
                time.sleep(0.1)
        finally:
            for process in begun:
                process.terminate()
            for process in begun:
                process.wait(30)
                assert process.stdout is not None
                process.stdout.close()
        jobs = store.listing(ANN, open_only=False, limit=JOBS)
        assert [job.state for job in jobs] == [JobState.SUCCEEDED] * JOBS
        for job in jobs:
            assert store.pages(ANN, job.request.job_id) == tuple(b"%d" % part for part in range(PARTS))
    assert sum(job.fence for job in jobs) > JOBS, "nobody took over anything: the test showed nothing"
    assert charged(url, tmp_path) == {(f"{number:064x}", part): 1 for number in range(JOBS) for part in range(PARTS)}


def charged(url: str, folder: Path) -> Counter[tuple[str, int]]:
    """Units in the ledger by job and part."""
    found: Counter[tuple[str, int]] = Counter()
    with closing(node(url, folder)) as one:
        one.log.start()
        one.publisher.start()
        size = one.log.flush().size
        for index in range(size):
            entry, body = decode(Tree(one.tiles, size).entry(index)), one.log.body(index)
            if entry.kind == "use" and body is not None:
                facts = orjson.loads(body)
                found[facts["job"], facts["part"]] += entry.units or 0
    return found
