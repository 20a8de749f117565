"""What jobs need from outside: a store with leases and an outbox, somebody who does the work, somebody who sends.

Every adapter of ``JobStore`` passes the same contract suite. Its methods return once the change would survive a power
cut, and raise UnavailableError where nothing was changed. A method that takes a lease returns False, and changes
nothing, where somebody else has claimed the job since, or it is over.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from custodes.core.ids import AccountId
from custodes.jobs.job import Job, JobCheckpoint, JobId, JobRequest, Lease


class JobStore(Protocol):
    """Durable jobs with their results."""

    def add(self, request: JobRequest, now_ms: int) -> Job:
        """A new queued job, or the one that the same token made before.

        Raises:
            IdempotencyError: the token came with another request.
            OpenJobsError: the account has too many open jobs.
        """
        ...

    def find(self, account_id: AccountId | None, job_id: JobId) -> Job | None:
        """The job, or None where the account has none of this id; an account of None stands for all of them."""
        ...

    def listing(
        self, account_id: AccountId | None, *, open_only: bool, limit: int, operations: Collection[str] | None = None
    ) -> Sequence[Job]:
        """At most ``limit`` jobs, of one account or of all, of ``operations`` or of all, newest first."""
        ...

    def pages(self, account_id: AccountId, job_id: JobId, first: int = 0, count: int | None = None) -> Sequence[bytes]:
        """Pages of results in the order in which they were made, ``count`` of them from number ``first`` on."""
        ...

    def last_page(self, account_id: AccountId, job_id: JobId) -> bytes | None:
        """The page that was made last, or None where there is none."""
        ...

    def claim(self, operations: Collection[str], owner: str, now_ms: int) -> Job | None:
        """Claim the next job of one of ``operations``, or None where none is claimable.

        Next is a job of the account with the fewest running jobs; of those, of the account that was served longest
        ago; of its jobs, the oldest.
        """
        ...

    def renew(self, lease: Lease, now_ms: int) -> bool:
        """Keep others away for another while."""
        ...

    def advance(self, lease: Lease, checkpoint: JobCheckpoint, now_ms: int) -> bool:
        """Keep the cursor, the pages of results and, with the last of them, the end: all or nothing."""
        ...

    def finish(self, lease: Lease, error: str | None, now_ms: int) -> bool:
        """End the job: succeeded, or failed with ``error``. Puts a notice into the outbox where it has a channel."""
        ...

    def postpone(self, lease: Lease, error: str, now_ms: int) -> bool:
        """The attempt failed: have the job tried again later, or end it with ``error`` after the last attempt."""
        ...

    def interrupt(self, lease: Lease, now_ms: int) -> bool:
        """Give the job back to the queue; the attempt does not count."""
        ...

    def cancel(self, account_id: AccountId, job_id: JobId, error: str, now_ms: int) -> bool:
        """End an open job with ``error``, whoever works on it; False where there is no such open job."""
        ...

    def sweep(self, now_ms: int) -> int:
        """Fail what used up its attempts or its days, destroy what expired; returns how many jobs changed."""
        ...


@dataclass(frozen=True, slots=True)
class Notice:
    """That a job is over, still to be told.

    Attributes:
        account_id: whose job.
        job_id: which.
        created_ts_ms: when the job was over.
        attempt: how often sending has failed.
    """

    account_id: AccountId
    job_id: JobId
    created_ts_ms: int
    attempt: int


class NoticeStore(Protocol):
    """The outbox: notices are put in by the change that ends a job, in the same transaction."""

    def notices(self, now_ms: int, limit: int) -> Sequence[Notice]:
        """Notices that are due, oldest first."""
        ...

    def delay_notice(self, notice: Notice, until_ms: int) -> None:
        """Sending failed: it is due again at ``until_ms``."""
        ...

    def drop_notice(self, notice: Notice) -> None:
        """It was sent, or is given up."""
        ...


class JobHandler(Protocol):
    """Carries out the jobs of one operation."""

    def run(self, job: Job) -> Iterator[JobCheckpoint]:
        """Work from ``job.cursor`` on. Each checkpoint is durable before the next is asked for; the end is success.

        What was done after the last checkpoint is done again after a crash. The iterator may be closed at any
        checkpoint.

        Raises:
            UnavailableError or OSError: the reason may pass, so it is tried again. Any other CustodesError: the job
                fails, with the error's message.
        """
        ...


class NoticeSender(Protocol):
    """Tells somebody outside that a job is over."""

    def send(self, job: Job) -> None:
        """Send it over ``job.request.channel``. It may arrive twice, after a crash at the wrong moment.

        Raises:
            CustodesError or OSError: it was not sent, and is tried again later.
        """
        ...
