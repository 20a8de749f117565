"""Commands of the operator about jobs of all accounts: which there are, how far each is, and to end one.

In: typed commands. Out: facts of jobs: state, percent, frames a second, why one failed. What was asked and what was
found stay with their account.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from custodes.core.clock import Clock
from custodes.core.errors import InvalidParameterError, NotFoundError
from custodes.core.ids import AccountId
from custodes.jobs.job import Job, JobId, JobState
from custodes.jobs.ports import JobStore
from custodes.operations.requests.admin import AccountAdminCommand, AdminCommand, AdminHandlers
from custodes.operations.requests.properties import READS, Properties

MAX_LISTED = 1000
CANCELLED = "The operator of the server has cancelled the job."


@dataclass(frozen=True, slots=True, kw_only=True)
class ListJobs(AccountAdminCommand):
    """Jobs, newest first; of all accounts where none is named, of all operations without ``operations``."""

    operation: ClassVar[str] = "job list"
    properties: ClassVar[Properties] = READS
    operations: tuple[str, ...] = ()
    open_only: bool = False
    limit: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowJob(AdminCommand):
    """One job."""

    operation: ClassVar[str] = "job show"
    properties: ClassVar[Properties] = READS
    job_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelJob(AdminCommand):
    """End an open job: it fails, and its account reads why."""

    operation: ClassVar[str] = "job cancel"
    job_id: str
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFacts:
    """What the operator reads of a job. Times are milliseconds since the epoch."""

    job_id: str
    account: str
    operation: str
    state: JobState
    percent: float | None
    frames_per_second: float | None
    frames: int
    frames_total: int | None
    attempt: int
    created_ts_ms: int
    updated_ts_ms: int
    finished_ts_ms: int | None
    error: str | None


@dataclass(frozen=True, slots=True)
class JobList:
    """Jobs, newest first."""

    jobs: tuple[JobFacts, ...]


def job_handlers(jobs: JobStore, clock: Clock) -> AdminHandlers:
    """What carries these commands out on ``jobs``.

    They raise NotFoundError for no such job, InvalidParameterError for a job that is over already.
    """

    def listed(command: ListJobs) -> JobList:
        if not 1 <= command.limit <= MAX_LISTED:
            raise InvalidParameterError(f"at most {MAX_LISTED} jobs can be listed")
        account = None if command.account is None else AccountId(command.account)
        found = jobs.listing(
            account, open_only=command.open_only, limit=command.limit, operations=command.operations or None
        )
        return JobList(tuple(job_facts(job) for job in found))

    def shown(command: ShowJob) -> JobFacts:
        return job_facts(_found(jobs, command.job_id))

    def cancelled(command: CancelJob) -> JobFacts:
        job = _found(jobs, command.job_id)
        reason = f"{CANCELLED} {command.reason}" if command.reason else CANCELLED
        if not jobs.cancel(job.request.account_id, job.request.job_id, reason, clock.now_ms()):
            raise InvalidParameterError("this job is over already")
        return job_facts(_found(jobs, command.job_id))

    return {ListJobs: listed, ShowJob: shown, CancelJob: cancelled}


def job_facts(job: Job) -> JobFacts:
    """What the operator reads of a job."""
    return JobFacts(
        job_id=job.request.job_id,
        account=job.request.account_id,
        operation=job.request.operation,
        state=job.state,
        percent=job.percent,
        frames_per_second=job.units_per_second,
        frames=job.cursor.position,
        frames_total=job.cursor.total,
        attempt=job.attempt,
        created_ts_ms=job.created_ts_ms,
        updated_ts_ms=job.updated_ts_ms,
        finished_ts_ms=job.finished_ts_ms,
        error=job.error,
    )


def _found(jobs: JobStore, job_id: str) -> Job:
    job = jobs.find(None, JobId(job_id))
    if job is None:
        raise NotFoundError("there is no such job")
    return job
