"""Work on a job is recorded under its claim: what a former owner adds gets no place, whatever its clock says."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from custodes.core.ids import AccountId
from custodes.jobs.job import Cursor, Job, JobCheckpoint, JobId, JobLimits, JobRequest
from custodes.ledger.sequence.claim import WorkClaim, under_claim
from custodes.ledger.tlog.entry import decode
from custodes.ledger.tlog.tiles import LedgerUnavailableError
from custodes.ledger.tree.tiles import Tree
from custodes.storage.sql.jobs import SqlJobStore
from custodes.storage.sql.master import open_master
from custodes.storage.sql.nodes.time import DatabaseTime
from tests.fakes.directories import opened_database
from tests.fakes.postgres import PostgresServer
from tests.fakes.shared_log import Node, node

ANN = AccountId("111111111111")
LIMITS = JobLimits(lease_ms=300)
YEAR_MS = 366 * 86_400_000


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    return postgres.database()


@pytest.fixture
def store(url: str, tmp_path: Path) -> Iterator[SqlJobStore]:
    with closing(opened_database(tmp_path / "data", url)) as database:
        master = open_master(database, tmp_path / "data", os.urandom)
        yield SqlJobStore(database, master, LIMITS, DatabaseTime(database))


@pytest.fixture
def nodes(url: str, store: SqlJobStore, tmp_path: Path) -> Iterator[tuple[Node, Node]]:
    both = node(url, tmp_path), node(url, tmp_path)
    for one in both:
        one.log.start()
        one.publisher.start()
    yield both
    for one in both:
        one.close()


def added(store: SqlJobStore, number: int = 1, now_ms: int = 0) -> Job:
    return store.add(JobRequest(JobId(f"{number:064x}"), ANN, "Count", b"x"), now_ms)


def claimed(store: SqlJobStore, now_ms: int = 0) -> Job:
    end = time.monotonic() + 10
    while (job := store.claim(("Count",), "w", now_ms)) is None:
        assert time.monotonic() < end, "the lease does not run out"
        time.sleep(0.02)
    return job


def claim_of(job: Job) -> WorkClaim:
    return WorkClaim(job.request.account_id, job.request.job_id, job.fence)


def kinds(one: Node) -> list[str]:
    size = one.log.flush().size
    return [decode(Tree(one.tiles, size).entry(index)).kind for index in range(size)]


def test_a_part_is_recorded_by_the_newest_claim_only(nodes: tuple[Node, Node], store: SqlJobStore) -> None:
    added(store)
    early = claimed(store)
    with under_claim(claim_of(early)):
        permission = nodes[0].log.commit("auth", fields={"d": "allow"})
    late = claimed(store)
    assert late.fence > early.fence
    with under_claim(claim_of(early)):
        with pytest.raises(LedgerUnavailableError):
            nodes[0].log.commit("use", units=1, settles=permission)
        with pytest.raises(LedgerUnavailableError):
            nodes[0].log.commit("inc")
    with under_claim(claim_of(late)):
        permission = nodes[1].log.append("auth", fields={"d": "allow"})
        nodes[1].log.commit("use", units=1, settles=permission)
    nodes[0].log.commit("inc")
    assert sorted(kinds(nodes[0])) == ["auth", "auth", "inc", "use", "void"], "the lost permission is given up"


def test_nobody_claims_a_job_while_a_part_of_it_gets_its_place(
    nodes: tuple[Node, Node], store: SqlJobStore, url: str
) -> None:
    """A turn that was held up with the row in its hand comes first, and whoever claims next sees what it added."""
    added(store)
    early = claimed(store)
    time.sleep(LIMITS.lease_ms / 1000)
    with nodes[0].sequence.turn() as turn:
        assert turn.works({claim_of(early)}) == {claim_of(early)}
        thread = threading.Thread(target=claimed, args=(store,))
        thread.start()
        thread.join(0.5)
        with psycopg.connect(make_url(url).set(drivername="postgresql").render_as_string(False)) as connection:
            row = connection.execute("SELECT fence FROM jobs").fetchone()
        assert row == (early.fence,)
    thread.join(10)
    with nodes[0].sequence.turn() as turn:
        assert turn.works({claim_of(early)}) == frozenset()


def test_several_jobs_are_worked_on_by_several_servers_at_once(nodes: tuple[Node, Node], store: SqlJobStore) -> None:
    """Checkpoints of jobs and places of their parts do not keep each other waiting for ever."""
    jobs = [added(store, number) and claimed(store) for number in range(1, 7)]

    def work(job: Job, one: Node) -> None:
        for part in range(1, 21):
            with under_claim(claim_of(job)):
                permission = one.log.append("auth", fields={"d": "allow"})
                one.log.commit("use", units=1, settles=permission)
            assert store.advance(job.lease, JobCheckpoint(Cursor(part, 20)), 0)
            done.append(part)

    done: list[int] = []
    threads = [threading.Thread(target=work, args=(job, nodes[n % 2])) for n, job in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(done) == 120
    assert kinds(nodes[0]).count("use") == 120


def test_a_clock_that_jumps_takes_no_job_from_its_owner(store: SqlJobStore) -> None:
    added(store, now_ms=YEAR_MS)
    job = claimed(store)
    assert store.claim(("Count",), "other", time.time_ns() // 1_000_000 + YEAR_MS) is None
    assert store.sweep(time.time_ns() // 1_000_000 + YEAR_MS) == 0
    assert store.renew(job.lease, 0), "a clock that is behind does not end the own lease"
    assert store.claim(("Count",), "other", time.time_ns() // 1_000_000) is None
    time.sleep(LIMITS.lease_ms / 1000)
    assert claimed(store, now_ms=-YEAR_MS).fence > job.fence
