"""Any sequence of calls leaves the database where the rules alone would: a state machine over both stores."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from custodes.core.errors import IdempotencyError, OpenJobsError
from custodes.core.ids import AccountId
from custodes.jobs.job import Cursor, Job, JobCheckpoint, JobId, JobLimits, JobRequest, JobState
from custodes.storage.sql.jobs import SqlJobStore
from custodes.storage.sql.master import open_master
from tests.fakes.jobs import MemoryJobStore
from tests.fakes.schema import open_sqlite

ACCOUNTS = st.sampled_from([AccountId("111111111111"), AccountId("222222222222"), AccountId("333333333333")])
LIMITS = JobLimits(open_per_account=3, lease_ms=50, attempts=2, retry_ms=10, kept_ms=400)


class JobStates(RuleBasedStateMachine):
    """The model is the store in memory, which applies ``jobs.job`` and nothing else."""

    @initialize()
    def start(self) -> None:
        self.directory = Path(tempfile.mkdtemp())
        self.database = open_sqlite(self.directory)
        self.master = open_master(self.database, self.directory, os.urandom)
        self.stored = SqlJobStore(self.database, self.master, LIMITS)
        self.model = MemoryJobStore(LIMITS)
        self.now, self.number = 1000, 0
        self.claims: list[Job] = []

    def teardown(self) -> None:
        if hasattr(self, "database"):
            self.database.close()
            shutil.rmtree(self.directory)

    @rule(account=ACCOUNTS, token=st.sampled_from([None, "a", "b"]), asked=st.sampled_from([b"", b"x"]))
    def add(self, account: AccountId, token: str | None, asked: bytes) -> None:
        self.number += 1
        channel = "arn" if self.number % 2 else None
        request = JobRequest(JobId(f"{self.number:064x}"), account, "Count", asked, token, channel)
        answers: list[object] = []
        for store in (self.model, self.stored):
            try:
                answers.append(store.add(request, self.now))
            except (IdempotencyError, OpenJobsError) as error:
                answers.append(type(error))
        assert answers[0] == answers[1]

    @rule()
    def claim(self) -> None:
        expected = self.model.claim(["Count"], "w", self.now)
        assert self.stored.claim(["Count"], "w", self.now) == expected
        if expected is not None:
            self.claims.append(expected)

    @precondition(lambda self: self.claims)
    @rule(which=st.integers(0, 99), what=st.sampled_from(["renew", "advance", "finish", "fail", "postpone", "stop"]))
    def change(self, which: int, what: str) -> None:
        job = self.claims[-1 - which % len(self.claims)]
        current = self.model.find(job.request.account_id, job.request.job_id)
        position = 0 if current is None else current.cursor.position + 1
        checkpoint = JobCheckpoint(Cursor(position, 9, bytes([which])), (bytes([which]),) * (which % 3))
        answers = []
        for store in (self.model, self.stored):
            answers.append(
                {
                    "renew": lambda s=store: s.renew(job.lease, self.now),
                    "advance": lambda s=store: s.advance(job.lease, checkpoint, self.now),
                    "finish": lambda s=store: s.finish(job.lease, None, self.now),
                    "fail": lambda s=store: s.finish(job.lease, "no", self.now),
                    "postpone": lambda s=store: s.postpone(job.lease, "busy", self.now),
                    "stop": lambda s=store: s.interrupt(job.lease, self.now),
                }[what]()
            )
        assert answers[0] == answers[1]

    @rule(account=ACCOUNTS, number=st.integers(1, 20))
    def cancel(self, account: AccountId, number: int) -> None:
        name = JobId(f"{number:064x}")
        assert self.model.cancel(account, name, "no", self.now) == self.stored.cancel(account, name, "no", self.now)

    @rule(step=st.sampled_from([1, 9, 10, 49, 50, 399]))
    def wait(self, step: int) -> None:
        self.now += step

    @rule()
    def sweep(self) -> None:
        assert self.model.sweep(self.now) == self.stored.sweep(self.now)

    @rule(sent=st.booleans())
    def notify(self, sent: bool) -> None:
        due = self.model.notices(self.now, 2)
        assert self.stored.notices(self.now, 2) == due
        for notice in due:
            for store in (self.model, self.stored):
                if sent:
                    store.drop_notice(notice)
                else:
                    store.delay_notice(notice, self.now + 20)

    @rule()
    def restart(self) -> None:
        self.database.close()
        self.database = open_sqlite(self.directory)
        self.stored = SqlJobStore(self.database, self.master, LIMITS)

    @invariant()
    def agree(self) -> None:
        if not hasattr(self, "stored"):
            return
        expected = self.model.listing(None, open_only=False, limit=999)
        assert self.stored.listing(None, open_only=False, limit=999) == expected
        fences = [job.fence for job in expected if job.fence]
        assert len(set(fences)) == len(fences)
        for job in expected:
            place = job.request.account_id, job.request.job_id
            assert self.stored.pages(*place) == self.model.pages(*place)
            assert job.is_open == (job.finished_ts_ms is None)
            assert (job.state is JobState.FAILED) == (job.error is not None)


JobStates.TestCase.settings = settings(max_examples=12, stateful_step_count=40, deadline=None)
TestJobStates = JobStates.TestCase
