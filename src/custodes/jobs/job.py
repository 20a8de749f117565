"""A job: what was asked, how far it is, and which change of state may follow which.

In: a job as it stands, what happens to it, the time. Out: the job afterwards, or ``TransitionError`` where the change
is not allowed. Pure rules: where jobs are kept is a matter of ``ports``, who works on them of ``worker``.

A job is worked on under a lease. Its owner renews the lease while it works; when the owner dies, the lease runs out and
another may claim the job, which goes on at the cursor of the last checkpoint. Every claim has a higher fence, and every
change by an owner names its fence, so that an owner who was thought dead cannot write over its successor.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NewType

from custodes.core.ids import AccountId

JobId = NewType("JobId", str)
"""64 lower-case hexadecimal digits."""

DAY_MS = 86_400_000
ABANDONED = "The work stopped several times without getting further."
OUTDATED = "The work was not done in time."


class TransitionError(Exception):
    """A change that the state of a job does not allow: a defect of the caller."""


class JobState(StrEnum):
    """Where a job stands. The first two are open, the others final."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


OPEN = (JobState.QUEUED, JobState.RUNNING)


@dataclass(frozen=True, slots=True)
class JobLimits:
    """What holds for every job of a store.

    Attributes:
        open_per_account: jobs of one account that may be open at the same time. Rekognition's limit for stored video.
        lease_ms: for how long a claim, a renewal or a checkpoint keeps others away.
        attempts: how often the way from one checkpoint to the next is begun before the job fails.
        retry_ms: wait before the second attempt; doubles with each.
        kept_ms: for how long a finished job with its results is kept, and a token is remembered.
    """

    open_per_account: int = 20
    lease_ms: int = 30_000
    attempts: int = 3
    retry_ms: int = 2_000
    kept_ms: int = 7 * DAY_MS


@dataclass(frozen=True, slots=True)
class JobRequest:
    """What was asked for.

    Attributes:
        job_id: of the job to be made of it.
        account_id: whose job it is.
        operation: which handler carries it out, like ``StartLabelDetection``.
        input: the operation's own encoding of what it was asked; stored sealed.
        token: the client's: a second request with the same one is the same request.
        channel: where to tell that the job is over, in words of whoever sends notices: empty for whomever they are sent
            to anyway, None for nowhere.
    """

    job_id: JobId
    account_id: AccountId
    operation: str
    input: bytes = field(repr=False)
    token: str | None = None
    channel: str | None = None

    def repeats(self, earlier: JobRequest) -> bool:
        """Whether this asks for the same thing as ``earlier``; ids are made anew for each request."""
        return replace(self, job_id=earlier.job_id) == earlier


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a job is.

    Attributes:
        position: units of work done, in the operation's own unit; never falls.
        total: units altogether, None while unknown.
        state: whatever the handler needs to go on; stored sealed.
    """

    position: int = 0
    total: int | None = None
    state: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class JobCheckpoint:
    """What becomes durable at once: the new cursor, and the pages of results on the way to it.

    ``last``: with it the job has succeeded. Said apart, a death in between would have the end done and recorded again.
    """

    cursor: Cursor
    pages: tuple[bytes, ...] = field(default=(), repr=False)
    last: bool = False


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to change one job, until somebody else claims it."""

    account_id: AccountId
    job_id: JobId
    fence: int


@dataclass(frozen=True, slots=True)
class Job:
    """One job.

    Attributes:
        request: what was asked for.
        state: where it stands.
        created_ts_ms: when it was asked for.
        ready_ts_ms: when it may be claimed: queued, the end of a wait; running, the end of the lease.
        expires_ts_ms: when it is forgotten, or fails if it is still open.
        cursor: as of the last checkpoint.
        attempt: how often work was begun since the last checkpoint, the present attempt included.
        fence: number of the last claim; 0 before the first.
        owner: who claimed it last.
        claimed_ts_ms: when, None before the first claim.
        claimed_position: the cursor's position then.
        updated_ts_ms: when the state or the cursor changed last.
        finished_ts_ms: when it succeeded or failed.
        error: why it failed; safe to show to the caller.
    """

    request: JobRequest
    state: JobState
    created_ts_ms: int
    ready_ts_ms: int
    expires_ts_ms: int
    updated_ts_ms: int
    cursor: Cursor = Cursor()
    attempt: int = 0
    fence: int = 0
    owner: str | None = None
    claimed_ts_ms: int | None = None
    claimed_position: int = 0
    finished_ts_ms: int | None = None
    error: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether there is still something to do."""
        return self.state in OPEN

    @property
    def lease(self) -> Lease:
        """The right of its last owner."""
        return Lease(self.request.account_id, self.request.job_id, self.fence)

    @property
    def percent(self) -> float | None:
        """Share of the work that is done, 0 to 100; None while the total is unknown."""
        if self.state is JobState.SUCCEEDED:
            return 100.0
        if not self.cursor.total:
            return None
        return min(100.0, 100.0 * self.cursor.position / self.cursor.total)

    @property
    def units_per_second(self) -> float | None:
        """Speed since the last claim, up to the last checkpoint; None before one."""
        done = self.cursor.position - self.claimed_position
        if self.claimed_ts_ms is None or done <= 0 or self.updated_ts_ms <= self.claimed_ts_ms:
            return None
        return 1000.0 * done / (self.updated_ts_ms - self.claimed_ts_ms)


def queued(request: JobRequest, now_ms: int, limits: JobLimits) -> Job:
    """A new job."""
    return Job(request, JobState.QUEUED, now_ms, now_ms, now_ms + limits.kept_ms, now_ms)


def claimable(job: Job, now_ms: int, limits: JobLimits) -> bool:
    """Whether somebody may begin, or go on, to work on ``job``."""
    return job.is_open and job.ready_ts_ms <= now_ms < job.expires_ts_ms and job.attempt < limits.attempts


def claimed(job: Job, fence: int, owner: str, now_ms: int, limits: JobLimits) -> Job:
    """``owner`` works on ``job`` from now on; ``fence`` is higher than any before.

    Raises:
        TransitionError: it is not claimable, or the fence is not higher.
    """
    if not claimable(job, now_ms, limits) or fence <= job.fence:
        raise TransitionError(f"a {job.state} job cannot be claimed")
    return replace(
        job,
        state=JobState.RUNNING,
        ready_ts_ms=now_ms + limits.lease_ms,
        updated_ts_ms=now_ms,
        attempt=job.attempt + 1,
        fence=fence,
        owner=owner,
        claimed_ts_ms=now_ms,
        claimed_position=job.cursor.position,
    )


def renewed(job: Job, now_ms: int, limits: JobLimits) -> Job:
    """The owner is alive. Raises TransitionError where nobody works on it."""
    _require_running(job)
    return replace(job, ready_ts_ms=now_ms + limits.lease_ms)


def advanced(job: Job, cursor: Cursor, now_ms: int, limits: JobLimits) -> Job:
    """A checkpoint was reached. Raises TransitionError where nobody works on it, or the cursor went back."""
    _require_running(job)
    if cursor.position < job.cursor.position:
        raise TransitionError("a cursor does not go back")
    return replace(job, cursor=cursor, attempt=1, ready_ts_ms=now_ms + limits.lease_ms, updated_ts_ms=now_ms)


def reached(job: Job, checkpoint: JobCheckpoint, now_ms: int, limits: JobLimits) -> Job:
    """``checkpoint`` was reached, and with the last one the end. Raises TransitionError as ``advanced``."""
    after = advanced(job, checkpoint.cursor, now_ms, limits)
    return finished(after, None, now_ms, limits) if checkpoint.last else after


def interrupted(job: Job, now_ms: int) -> Job:
    """The owner stops without a failure, as at the end of a server; the attempt does not count.

    Raises:
        TransitionError: nobody works on it.
    """
    _require_running(job)
    return replace(job, state=JobState.QUEUED, ready_ts_ms=now_ms, updated_ts_ms=now_ms, attempt=job.attempt - 1)


def postponed(job: Job, error: str, now_ms: int, limits: JobLimits) -> Job:
    """The attempt failed for a reason that may pass: again later, or failed with ``error`` after the last attempt.

    Raises:
        TransitionError: nobody works on it.
    """
    _require_running(job)
    if job.attempt >= limits.attempts:
        return finished(job, error, now_ms, limits)
    wait_ms = limits.retry_ms << (job.attempt - 1)
    return replace(job, state=JobState.QUEUED, ready_ts_ms=now_ms + wait_ms, updated_ts_ms=now_ms)


def finished(job: Job, error: str | None, now_ms: int, limits: JobLimits) -> Job:
    """Succeeded, or failed with ``error``; also how an operator cancels. What the handler kept to go on is dropped.

    Raises:
        TransitionError: it is over already, or never ran and is said to have succeeded.
    """
    if not job.is_open or (error is None and job.state is not JobState.RUNNING):
        raise TransitionError(f"a {job.state} job cannot be finished")
    return replace(
        job,
        state=JobState.SUCCEEDED if error is None else JobState.FAILED,
        finished_ts_ms=now_ms,
        updated_ts_ms=now_ms,
        expires_ts_ms=now_ms + limits.kept_ms,
        cursor=replace(job.cursor, state=b""),
        error=error,
    )


def swept(job: Job, now_ms: int, limits: JobLimits) -> Job | None:
    """What time makes of ``job``: failed where its attempts or its days are used up, None where it is forgotten."""
    if not job.is_open:
        return job if now_ms < job.expires_ts_ms else None
    if job.ready_ts_ms > now_ms:
        return job
    if now_ms >= job.expires_ts_ms:
        return finished(job, OUTDATED, now_ms, limits)
    if job.attempt >= limits.attempts:
        return finished(job, ABANDONED, now_ms, limits)
    return job


def _require_running(job: Job) -> None:
    if job.state is not JobState.RUNNING:
        raise TransitionError(f"nobody works on a {job.state} job")
