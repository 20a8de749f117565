"""The JobStore over the embedded database: jobs, their pages of results, and the outbox.

In: calls of the ports in ``jobs.ports``. Out: jobs, pages, notices. Which change may follow which is a matter of
``jobs.job``; here each change is read, applied and written in one transaction, and a claim is one UPDATE. What was
asked, what a handler keeps and what it found are sealed under the master key and bound to their job; what is removed is
overwritten on disk.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, not_, or_, select, update
from sqlalchemy.engine import RowMapping

from custodes.core.clock import Clock
from custodes.core.errors import IdempotencyError, OpenJobsError
from custodes.core.ids import AccountId
from custodes.jobs import job as rules
from custodes.jobs.job import Cursor, Job, JobCheckpoint, JobId, JobLimits, JobRequest, JobState, Lease
from custodes.jobs.ports import Notice
from custodes.storage.files.seal import KeyBox, names_of
from custodes.storage.sql.database import Database
from custodes.storage.sql.schema import JOB_NOTICES, JOB_PAGES, JOBS

_JOB, _PAGE, _NOTICE = JOBS.c, JOB_PAGES.c, JOB_NOTICES.c
_OPEN = tuple(state.value for state in rules.OPEN)
_SWEEP_LIMIT = 100
"""Jobs changed in one transaction, so that a long list does not keep other writers waiting."""

Change = Callable[[Job], Job]

JobTime = Callable[[int], int]
"""The time that counts, given that of the caller's clock. Raises UnavailableError: it cannot be told."""


def callers_time(now_ms: int) -> int:
    """Where one process has the store, its clock is the clock."""
    return now_ms


class SqlJobStore:
    """A durable JobStore and NoticeStore."""

    def __init__(self, database: Database, master: KeyBox, limits: JobLimits, time: JobTime = callers_time) -> None:
        """Keep jobs in ``database``, sealed by ``master``; several servers need a ``time`` in common."""
        self._database = database
        self._master = master
        self._limits = limits
        self._time = time

    @classmethod
    def open(
        cls, database: Database, master: KeyBox, limits: JobLimits, clock: Clock, time: JobTime = callers_time
    ) -> SqlJobStore:
        """The store for whoever has the duties: who worked on a job before is dead, or will find its claim lost.

        Raises:
            UnavailableError: the database cannot be written.
        """
        now_ms = time(clock.now_ms())
        running = (_JOB.state == JobState.RUNNING) & (_JOB.ready_ts_ms > now_ms)
        database.write(lambda connection: connection.execute(update(JOBS).where(running).values(ready_ts_ms=now_ms)))
        return cls(database, master, limits, time)

    def add(self, request: JobRequest, now_ms: int) -> Job:
        """See JobStore."""
        now_ms = self._time(now_ms)
        job = rules.queued(request, now_ms, self._limits)
        row = self._row(job)

        def write(connection: Connection) -> Job:
            earlier = None if request.token is None else self._of_token(connection, request, now_ms)
            if earlier is not None:
                if not request.repeats(earlier.request):
                    raise IdempotencyError(
                        f"The ClientRequestToken: {request.token} you have supplied is already in use."
                    )
                return earlier
            mine = (_JOB.account_id == request.account_id) & _JOB.state.in_(_OPEN)
            if connection.execute(select(func.count()).where(mine)).scalar_one() >= self._limits.open_per_account:
                raise OpenJobsError(f"At most {self._limits.open_per_account} jobs may be open at the same time.")
            connection.execute(insert(JOBS).values(row))
            return job

        return self._database.write(write)

    def find(self, account_id: AccountId | None, job_id: JobId) -> Job | None:
        """See JobStore."""
        wanted = _JOB.job_id == job_id if account_id is None else _is(account_id, job_id)
        with self._database.read() as connection:
            row = connection.execute(select(JOBS).where(wanted)).mappings().first()
        return None if row is None else self._job(row)

    def listing(
        self, account_id: AccountId | None, *, open_only: bool, limit: int, operations: Collection[str] | None = None
    ) -> Sequence[Job]:
        """See JobStore."""
        query = select(JOBS).order_by(_JOB.row.desc()).limit(limit)
        if account_id is not None:
            query = query.where(_JOB.account_id == account_id)
        if open_only:
            query = query.where(_JOB.state.in_(_OPEN))
        if operations is not None:
            query = query.where(_JOB.operation.in_(operations))
        with self._database.read() as connection:
            return tuple(self._job(row) for row in connection.execute(query).mappings())

    def pages(self, account_id: AccountId, job_id: JobId, first: int = 0, count: int | None = None) -> Sequence[bytes]:
        """See JobStore."""
        query = (
            select(_PAGE.number, _PAGE.sealed)
            .join(JOBS, (_JOB.account_id == _PAGE.account_id) & (_JOB.row == _PAGE.job_row))
            .where(_is(account_id, job_id), _PAGE.number >= first)
            .order_by(_PAGE.number)
            .limit(count)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return tuple(self._master.unwrap(row.sealed, _page_names(account_id, job_id, row.number)) for row in rows)

    def last_page(self, account_id: AccountId, job_id: JobId) -> bytes | None:
        """See JobStore."""
        numbers = (
            select(func.max(_PAGE.number))
            .join(JOBS, (_JOB.account_id == _PAGE.account_id) & (_JOB.row == _PAGE.job_row))
            .where(_is(account_id, job_id))
        )
        with self._database.read() as connection:
            last = connection.execute(numbers).scalar_one()
        found = () if last is None else self.pages(account_id, job_id, last, 1)
        return found[0] if found else None

    def claim(self, operations: Collection[str], owner: str, now_ms: int) -> Job | None:
        """See JobStore."""
        now_ms = self._time(now_ms)
        wanted = self._claimable(operations, now_ms)
        with self._database.read() as connection:  # an idle worker must not wait for the writer, nor keep it busy
            if connection.execute(select(_JOB.row).where(wanted).limit(1)).one_or_none() is None:
                return None
        claim = (
            update(JOBS)
            .where(_JOB.row == self._next(wanted, now_ms).scalar_subquery())
            .values(
                state=JobState.RUNNING.value,
                ready_ts_ms=now_ms + self._limits.lease_ms,
                updated_ts_ms=now_ms,
                attempt=_JOB.attempt + 1,
                fence=select(func.coalesce(func.max(_JOB.fence), 0) + 1).scalar_subquery(),
                owner=owner,
                claimed_ts_ms=now_ms,
                claimed_position=_JOB.position,
            )
            .returning(*JOBS.c)
        )
        row = self._database.write(lambda connection: connection.execute(claim).mappings().one_or_none())
        return None if row is None else self._job(row)

    def renew(self, lease: Lease, now_ms: int) -> bool:
        """See JobStore."""
        now_ms = self._time(now_ms)
        return self._change(lease, lambda job: rules.renewed(job, now_ms, self._limits))

    def advance(self, lease: Lease, checkpoint: JobCheckpoint, now_ms: int) -> bool:
        """See JobStore."""
        now_ms = self._time(now_ms)

        def change(job: Job) -> Job:
            return rules.reached(job, checkpoint, now_ms, self._limits)

        return self._change(lease, change, checkpoint.pages, erases=checkpoint.last)

    def finish(self, lease: Lease, error: str | None, now_ms: int) -> bool:
        """See JobStore."""
        now_ms = self._time(now_ms)
        return self._change(lease, lambda job: rules.finished(job, error, now_ms, self._limits), erases=True)

    def postpone(self, lease: Lease, error: str, now_ms: int) -> bool:
        """See JobStore."""
        now_ms = self._time(now_ms)
        return self._change(lease, lambda job: rules.postponed(job, error, now_ms, self._limits), erases=True)

    def interrupt(self, lease: Lease, now_ms: int) -> bool:
        """See JobStore."""
        now_ms = self._time(now_ms)
        return self._change(lease, lambda job: rules.interrupted(job, now_ms))

    def cancel(self, account_id: AccountId, job_id: JobId, error: str, now_ms: int) -> bool:
        """See JobStore."""
        now_ms = self._time(now_ms)

        def write(connection: Connection) -> bool:
            open_ones = select(JOBS).where(_is(account_id, job_id), _JOB.state.in_(_OPEN))
            row = connection.execute(open_ones).mappings().one_or_none()
            if row is not None:
                self._keep(connection, row, rules.finished(self._job(row), error, now_ms, self._limits))
            return row is not None

        return self._database.write(write, erases=True)

    def sweep(self, now_ms: int) -> int:
        """See JobStore."""
        now_ms = self._time(now_ms)
        open_ones, late = _JOB.state.in_(_OPEN), _JOB.expires_ts_ms <= now_ms
        spent = (_JOB.ready_ts_ms <= now_ms) & (or_(late, _JOB.attempt >= self._limits.attempts))
        due = select(JOBS).where(or_(and_(not_(open_ones), late), and_(open_ones, spent))).limit(_SWEEP_LIMIT)
        with self._database.read() as connection:
            if connection.execute(due).first() is None:
                return 0

        def write(connection: Connection) -> int:
            rows = connection.execute(due).mappings().all()
            for row in rows:
                after = rules.swept(self._job(row), now_ms, self._limits)
                if after is None:
                    connection.execute(delete(JOBS).where(_JOB.row == row["row"]))
                else:
                    self._keep(connection, row, after)
            return len(rows)

        return self._database.write(write, erases=True)

    def notices(self, now_ms: int, limit: int) -> Sequence[Notice]:
        """See NoticeStore."""
        now_ms = self._time(now_ms)
        query = (
            select(_NOTICE.account_id, _JOB.job_id, _NOTICE.created_ts_ms, _NOTICE.attempt)
            .join(JOBS, (_JOB.account_id == _NOTICE.account_id) & (_JOB.row == _NOTICE.job_row))
            .where(_NOTICE.due_ts_ms <= now_ms)
            .order_by(_NOTICE.due_ts_ms, _NOTICE.job_row)
            .limit(limit)
        )
        with self._database.read() as connection:
            return tuple(Notice(AccountId(row[0]), JobId(row[1]), row[2], row[3]) for row in connection.execute(query))

    def delay_notice(self, notice: Notice, until_ms: int) -> None:
        """See NoticeStore."""
        later = update(JOB_NOTICES).where(_of(notice)).values(due_ts_ms=until_ms, attempt=notice.attempt + 1)
        self._database.write(lambda connection: connection.execute(later))

    def drop_notice(self, notice: Notice) -> None:
        """See NoticeStore."""
        self._database.write(lambda connection: connection.execute(delete(JOB_NOTICES).where(_of(notice))))

    def _of_token(self, connection: Connection, request: JobRequest, now_ms: int) -> Job | None:
        remembered = _JOB.created_ts_ms > now_ms - self._limits.kept_ms
        query = select(JOBS).where(_JOB.account_id == request.account_id, _JOB.token == request.token, remembered)
        row = connection.execute(query.order_by(_JOB.row.desc()).limit(1)).mappings().one_or_none()
        return None if row is None else self._job(row)

    def _claimable(self, operations: Collection[str], now_ms: int) -> ColumnElement[bool]:
        return and_(
            _JOB.state.in_(_OPEN),
            _JOB.ready_ts_ms <= now_ms,
            _JOB.expires_ts_ms > now_ms,
            _JOB.attempt < self._limits.attempts,
            _JOB.operation.in_(operations),
        )

    def _next(self, wanted: ColumnElement[bool], now_ms: int) -> Any:
        """The row to claim. Accounts take turns: the one with less under way, then the one served longest ago."""
        other = JOBS.alias("other")
        same = other.c.account_id == _JOB.account_id
        at_work = (other.c.state == JobState.RUNNING.value) & (other.c.ready_ts_ms > now_ms)
        running = select(func.count()).where(same, at_work).correlate(JOBS).scalar_subquery()
        served = select(func.max(other.c.fence)).where(same).correlate(JOBS).scalar_subquery()
        # Another process of a shared database may claim at the same time; it takes the next row then.
        return (
            select(_JOB.row)
            .where(wanted)
            .order_by(running, func.coalesce(served, 0), _JOB.row)
            .limit(1)
            .with_for_update(skip_locked=True, of=JOBS)
        )

    def _change(self, lease: Lease, change: Change, pages: Sequence[bytes] = (), *, erases: bool = False) -> bool:
        """Apply ``change`` and add ``pages`` while ``lease`` holds."""
        held = and_(
            _is(lease.account_id, lease.job_id), _JOB.fence == lease.fence, _JOB.state == JobState.RUNNING.value
        )

        def write(connection: Connection) -> bool:
            row = connection.execute(select(JOBS).where(held)).mappings().one_or_none()
            if row is None:
                return False
            self._keep(connection, row, change(self._job(row)))
            if pages:
                self._add_pages(connection, row, pages)
            return True

        return self._database.write(write, erases=erases)

    def _keep(self, connection: Connection, row: RowMapping, job: Job) -> None:
        """Write ``job`` over ``row``, and a notice where its end is to be told."""
        values = self._row(job)
        if job.cursor.state == self._state(row):
            del values["sealed_state"]
        del values["sealed_input"]
        connection.execute(update(JOBS).where(_JOB.row == row["row"]).values(values))
        if not job.is_open and job.request.channel is not None:
            notice = {"account_id": row["account_id"], "job_row": row["row"], "created_ts_ms": job.updated_ts_ms}
            connection.execute(insert(JOB_NOTICES).values(notice | {"due_ts_ms": job.updated_ts_ms, "attempt": 0}))

    def _add_pages(self, connection: Connection, row: RowMapping, pages: Sequence[bytes]) -> None:
        mine = (_PAGE.account_id == row["account_id"]) & (_PAGE.job_row == row["row"])
        first = connection.execute(select(func.coalesce(func.max(_PAGE.number) + 1, 0)).where(mine)).scalar_one()
        place = {"account_id": row["account_id"], "job_row": row["row"]}
        connection.execute(
            insert(JOB_PAGES),
            [
                place
                | {
                    "number": number,
                    "sealed": self._master.wrap(page, _page_names(row["account_id"], row["job_id"], number)),
                }
                for number, page in enumerate(pages, first)
            ],
        )

    def _row(self, job: Job) -> dict[str, Any]:
        request, cursor = job.request, job.cursor
        account, name = request.account_id, request.job_id
        return {
            "account_id": account,
            "job_id": name,
            "operation": request.operation,
            "token": request.token,
            "channel": request.channel,
            "state": job.state.value,
            "created_ts_ms": job.created_ts_ms,
            "ready_ts_ms": job.ready_ts_ms,
            "expires_ts_ms": job.expires_ts_ms,
            "updated_ts_ms": job.updated_ts_ms,
            "claimed_ts_ms": job.claimed_ts_ms,
            "finished_ts_ms": job.finished_ts_ms,
            "owner": job.owner,
            "fence": job.fence,
            "attempt": job.attempt,
            "position": cursor.position,
            "claimed_position": job.claimed_position,
            "total": cursor.total,
            "error": job.error,
            "sealed_input": self._master.wrap(request.input, _names("input", account, name)),
            "sealed_state": self._master.wrap(cursor.state, _names("state", account, name)),
        }

    def _job(self, row: RowMapping) -> Job:
        account, name = AccountId(row["account_id"]), JobId(row["job_id"])
        asked = self._master.unwrap(row["sealed_input"], _names("input", account, name))
        return Job(
            request=JobRequest(name, account, row["operation"], asked, row["token"], row["channel"]),
            state=JobState(row["state"]),
            cursor=Cursor(row["position"], row["total"], self._state(row)),
            **{column: row[column] for column in _SAME},
        )

    def _state(self, row: RowMapping) -> bytes:
        return self._master.unwrap(row["sealed_state"], _names("state", row["account_id"], row["job_id"]))


_SAME = (
    "created_ts_ms", "ready_ts_ms", "expires_ts_ms", "updated_ts_ms", "claimed_ts_ms", "finished_ts_ms", "owner",
    "fence", "attempt", "claimed_position", "error",
)  # fmt: skip
"""Columns that are called as the members of a job are."""


def _is(account_id: str, job_id: str) -> ColumnElement[bool]:
    return and_(_JOB.account_id == account_id, _JOB.job_id == job_id)


def _of(notice: Notice) -> ColumnElement[bool]:
    row = select(_JOB.row).where(_is(notice.account_id, notice.job_id)).scalar_subquery()
    return and_(_NOTICE.account_id == notice.account_id, _NOTICE.job_row == row)


def _names(kind: str, account_id: str, job_id: str) -> bytes:
    return names_of(f"job {kind}", account_id, job_id)


def _page_names(account_id: str, job_id: str, number: int) -> bytes:
    return names_of("job page", account_id, job_id, str(number))
