"""Sends the notices of jobs that are over.

In: the outbox of a store, somebody who sends. Out: notices sent, tried again with growing waits, or given up after an
hour. A notice whose job is forgotten is dropped. It knows no protocol.
"""

from __future__ import annotations

import structlog

from custodes.core.clock import Clock
from custodes.core.errors import CustodesError
from custodes.core.ids import AccountId
from custodes.jobs.job import Job, JobId
from custodes.jobs.ports import JobStore, Notice, NoticeSender, NoticeStore

FIRST_WAIT_MS = 1_000
GIVE_UP_MS = 3_600_000
_AT_ONCE = 20


class NoticeDelivery:
    """Empties the outbox of one store."""

    def __init__(self, jobs: JobStore, outbox: NoticeStore, sender: NoticeSender, clock: Clock) -> None:
        """Send what is in ``outbox`` through ``sender``."""
        self._jobs = jobs
        self._outbox = outbox
        self._sender = sender
        self._clock = clock
        self._logger = structlog.get_logger("custodes.jobs")

    def deliver(self) -> bool:
        """Send what is due, at most a few; True where more is due already.

        Raises:
            UnavailableError: the store cannot be read or written.
        """
        due = self._outbox.notices(self._clock.now_ms(), _AT_ONCE)
        for notice in due:
            self._deliver(notice, self._jobs.find(notice.account_id, notice.job_id))
        return len(due) == _AT_ONCE

    def _deliver(self, notice: Notice, job: Job | None) -> None:
        try:
            if job is not None:
                self._sender.send(job)
        except (CustodesError, OSError) as error:
            wait_ms = FIRST_WAIT_MS << min(notice.attempt, 20)
            given_up = self._clock.now_ms() + wait_ms >= notice.created_ts_ms + GIVE_UP_MS
            self._log(notice.account_id, notice.job_id, error, given_up=given_up)
            if not given_up:
                self._outbox.delay_notice(notice, self._clock.now_ms() + wait_ms)
                return
        self._outbox.drop_notice(notice)

    def _log(self, account_id: AccountId, job_id: JobId, error: Exception, *, given_up: bool) -> None:
        self._logger.warning(
            "a notice was not sent",
            account=account_id,
            job=job_id,
            given_up=given_up,
            error=type(error).__name__,
        )
