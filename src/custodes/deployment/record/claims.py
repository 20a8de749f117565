"""What jobs put on record, bound to the claim under which they are worked on.

In: handlers of jobs. Out: the same handlers; a log of several servers gives their entries no place once another worker
claimed the job. A log of one server does not ask.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping

from custodes.jobs.job import Job, JobCheckpoint
from custodes.jobs.ports import JobHandler
from custodes.ledger.sequence.claim import WorkClaim, under_claim


class ClaimedJobs:
    """Implements ``JobHandler`` over another one."""

    def __init__(self, handler: JobHandler) -> None:
        """Let ``handler`` do the work."""
        self._handler = handler

    def run(self, job: Job) -> Iterator[JobCheckpoint]:
        """See JobHandler. Between checkpoints the thread is its caller's, so the claim is put on for each step."""
        claim = WorkClaim(job.request.account_id, job.request.job_id, job.fence)
        with under_claim(claim):
            checkpoints = self._handler.run(job)
        try:
            while True:
                with under_claim(claim):
                    checkpoint = next(checkpoints, None)
                if checkpoint is None:
                    return
                yield checkpoint
        finally:
            if isinstance(checkpoints, Generator):
                with under_claim(claim):
                    checkpoints.close()


def recorded_under_claims(handlers: Mapping[str, JobHandler]) -> dict[str, JobHandler]:
    """Each of ``handlers``, bound."""
    return {operation: ClaimedJobs(handler) for operation, handler in handlers.items()}
