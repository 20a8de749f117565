"""Jobs in memory, by the rules alone; handlers and senders that do what a test says."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace

from custodes.core.errors import IdempotencyError, OpenJobsError
from custodes.core.ids import AccountId
from custodes.jobs import job as rules
from custodes.jobs.job import Job, JobCheckpoint, JobId, JobLimits, JobRequest, JobState, Lease
from custodes.jobs.ports import Notice

Key = tuple[AccountId, JobId]


class MemoryJobStore:
    """A JobStore and NoticeStore; what a store of any kind must do, in the plainest way."""

    def __init__(self, limits: JobLimits | None = None) -> None:
        self.limits = limits or JobLimits()
        self.jobs: dict[Key, Job] = {}
        self.results: dict[Key, list[bytes]] = {}
        self.outbox: dict[Key, tuple[Notice, int]] = {}

    def add(self, request: JobRequest, now_ms: int) -> Job:
        for job in reversed(self.jobs.values()):
            remembered = job.created_ts_ms > now_ms - self.limits.kept_ms
            if job.request.account_id == request.account_id and job.request.token == request.token and remembered:
                if request.token is None:
                    continue
                if not request.repeats(job.request):
                    raise IdempotencyError("the token is in use")
                return job
        mine = [job for job in self.jobs.values() if job.is_open and job.request.account_id == request.account_id]
        if len(mine) >= self.limits.open_per_account:
            raise OpenJobsError("too many open jobs")
        job = rules.queued(request, now_ms, self.limits)
        self.jobs[request.account_id, request.job_id] = job
        return job

    def find(self, account_id: AccountId | None, job_id: JobId) -> Job | None:
        if account_id is None:
            return next((job for (_, one), job in self.jobs.items() if one == job_id), None)
        return self.jobs.get((account_id, job_id))

    def listing(
        self, account_id: AccountId | None, *, open_only: bool, limit: int, operations: Collection[str] | None = None
    ) -> Sequence[Job]:
        found = [
            job
            for job in reversed(self.jobs.values())
            if account_id in (None, job.request.account_id) and (job.is_open or not open_only)
            if operations is None or job.request.operation in operations
        ]
        return tuple(found[:limit])

    def pages(self, account_id: AccountId, job_id: JobId, first: int = 0, count: int | None = None) -> Sequence[bytes]:
        found = self.results.get((account_id, job_id), [])
        return tuple(found[first : None if count is None else first + count])

    def last_page(self, account_id: AccountId, job_id: JobId) -> bytes | None:
        found = self.results.get((account_id, job_id), [])
        return found[-1] if found else None

    def claim(self, operations: Collection[str], owner: str, now_ms: int) -> Job | None:
        def turn(job: Job) -> tuple[int, int]:
            same = [other for other in self.jobs.values() if other.request.account_id == job.request.account_id]
            running = [one for one in same if one.state is JobState.RUNNING and one.ready_ts_ms > now_ms]
            return len(running), max(one.fence for one in same)

        wanted = [
            job
            for job in self.jobs.values()
            if job.request.operation in operations and rules.claimable(job, now_ms, self.limits)
        ]
        if not wanted:
            return None
        fence = 1 + max(job.fence for job in self.jobs.values())
        return self._keep(rules.claimed(min(wanted, key=turn), fence, owner, now_ms, self.limits))

    def renew(self, lease: Lease, now_ms: int) -> bool:
        return self._change(lease, lambda job: rules.renewed(job, now_ms, self.limits))

    def advance(self, lease: Lease, checkpoint: JobCheckpoint, now_ms: int) -> bool:
        done = self._change(lease, lambda job: rules.reached(job, checkpoint, now_ms, self.limits))
        if done:
            self.results.setdefault((lease.account_id, lease.job_id), []).extend(checkpoint.pages)
        return done

    def finish(self, lease: Lease, error: str | None, now_ms: int) -> bool:
        return self._change(lease, lambda job: rules.finished(job, error, now_ms, self.limits))

    def postpone(self, lease: Lease, error: str, now_ms: int) -> bool:
        return self._change(lease, lambda job: rules.postponed(job, error, now_ms, self.limits))

    def interrupt(self, lease: Lease, now_ms: int) -> bool:
        return self._change(lease, lambda job: rules.interrupted(job, now_ms))

    def cancel(self, account_id: AccountId, job_id: JobId, error: str, now_ms: int) -> bool:
        job = self.find(account_id, job_id)
        if job is None or not job.is_open:
            return False
        self._keep(rules.finished(job, error, now_ms, self.limits))
        return True

    def sweep(self, now_ms: int) -> int:
        changed = 0
        for key, job in list(self.jobs.items()):
            after = rules.swept(job, now_ms, self.limits)
            changed += after != job
            if after is None:
                for kept in (self.jobs, self.results, self.outbox):
                    kept.pop(key, None)
            elif after != job:
                self._keep(after)
        return changed

    def notices(self, now_ms: int, limit: int) -> Sequence[Notice]:
        order = list(self.jobs)
        due = [(due_ms, order.index(key), notice) for key, (notice, due_ms) in self.outbox.items() if due_ms <= now_ms]
        return tuple(notice for _, _, notice in sorted(due, key=lambda one: one[:2]))[:limit]

    def delay_notice(self, notice: Notice, until_ms: int) -> None:
        self.outbox[notice.account_id, notice.job_id] = replace(notice, attempt=notice.attempt + 1), until_ms

    def drop_notice(self, notice: Notice) -> None:
        self.outbox.pop((notice.account_id, notice.job_id), None)

    def _change(self, lease: Lease, change: Callable[[Job], Job]) -> bool:
        job = self.find(lease.account_id, lease.job_id)
        if job is None or job.fence != lease.fence or job.state is not JobState.RUNNING:
            return False
        self._keep(change(job))
        return True

    def _keep(self, job: Job) -> Job:
        key = job.request.account_id, job.request.job_id
        self.jobs[key] = job
        if not job.is_open and job.request.channel is not None:
            self.outbox[key] = Notice(*key, job.updated_ts_ms, 0), job.updated_ts_ms
        return job


class Scripted:
    """A JobHandler that does what its function says."""

    def __init__(self, work: Callable[[Job], Iterator[JobCheckpoint]]) -> None:
        self._work = work

    def run(self, job: Job) -> Iterator[JobCheckpoint]:
        return self._work(job)
