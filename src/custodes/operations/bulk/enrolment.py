"""Carries out bulk enrolments: pictures of a bucket into a collection, part after part.

In: a job. Out: checkpoints. First the keys are listed and kept with the job, so that a part means the same pictures
after a crash. Then come the parts, some of them under way at the same time, so that workers do not wait; checkpoints
come in order. A part that is done again after a crash adds no face twice, and is not charged again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from pathlib import PurePosixPath

import msgspec

from custodes.core.errors import InvalidParameterError
from custodes.jobs.job import Cursor, Job, JobCheckpoint
from custodes.operations.bulk.part import PICTURES_A_PART, PICTURES_A_UNIT, BulkParts, EnrolmentPart, PartDone
from custodes.operations.requests.gate import Gate
from custodes.operations.tasks.commands import StartBulkEnrolment
from custodes.operations.tasks.findings import TaskSummary, write_left_out
from custodes.operations.tasks.run import TaskRequest

LISTED_A_PAGE = 100 * PICTURES_A_PART
MAX_LISTED = 20_000_000
MAX_AHEAD = 32
"""Parts under way at the same time, at most: after a crash so many may have been done that no checkpoint tells of."""
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})


class _State(msgspec.Struct):
    """Where an enrolment is.

    Attributes:
        listed: keys so far; ``pages`` of them; ``last``: the last one; ``complete``: whether these are all.
        done, faces, left_out, found_pages: of the parts that are done.
        since_ms: parts that no checkpoint tells of began then or later.
    """

    listed: int = 0
    pages: int = 0
    last: str = ""
    complete: bool = False
    done: int = 0
    faces: int = 0
    left_out: int = 0
    found_pages: int = 0
    since_ms: int = 0


@dataclass(frozen=True, slots=True)
class _UnderWay:
    """A part that was begun."""

    begun_ms: int
    done: Future[PartDone]


class BulkEnrolmentJobs:
    """Implements ``JobHandler`` for bulk enrolments."""

    def __init__(self, gate: Gate, parts: BulkParts) -> None:
        """Let every part pass ``gate``."""
        self._gate = gate
        self._parts = parts

    def run(self, job: Job) -> Iterator[JobCheckpoint]:
        """See JobHandler."""
        request = TaskRequest.from_bytes(job.request.input)
        assert isinstance(request.command, StartBulkEnrolment)
        state = msgspec.json.decode(job.cursor.state, type=_State) if job.cursor.state else _State()
        yield from self._list(request.command, state)
        executor = self._parts.executors.on(request.command.on)
        yield from self._enrol(job, EnrolmentPart(self._gate, self._parts, request, executor), state)
        summary = TaskSummary(
            state.faces,
            pictures=state.listed,
            left_out=state.left_out,
            pages=(state.pages, state.pages + state.found_pages),
        )
        yield JobCheckpoint(Cursor(state.listed, state.listed), (msgspec.json.encode(summary),), last=True)

    def _list(self, command: StartBulkEnrolment, state: _State) -> Iterator[JobCheckpoint]:
        """Keep the keys with the job, from the last one on that is kept."""
        if state.complete:
            return
        found: list[str] = []
        for key in self._parts.lister.keys(command.bucket, command.prefix):
            if key <= state.last or PurePosixPath(key).suffix.lower() not in SUFFIXES:
                continue
            found.append(key)
            if len(found) == LISTED_A_PAGE:
                yield _listed(state, found)
                found = []
            if state.listed > MAX_LISTED:
                raise InvalidParameterError(f"One task enrols at most {MAX_LISTED} pictures: give a longer prefix.")
        state.complete, state.since_ms = True, self._parts.clock.now_ms()
        yield _listed(state, found)

    def _enrol(self, job: Job, work: EnrolmentPart, state: _State) -> Iterator[JobCheckpoint]:
        ahead = min(MAX_AHEAD, max(2, 1 + 2 * work.at_once * PICTURES_A_UNIT // PICTURES_A_PART))
        doubtful = state.done // PICTURES_A_PART + MAX_AHEAD if job.fence > 1 else 0
        since_ms, now_ms = state.since_ms, self._parts.clock.now_ms
        running: deque[_UnderWay] = deque()
        with ThreadPoolExecutor(ahead, "part") as pool:
            try:
                for number, keys in self._keys(job, state):
                    again = number < doubtful and self._parts.charged.charged(job.request.job_id, number, since_ms)
                    begun_ms = now_ms()
                    # A context for each part, so that it is recorded under this thread's claim.
                    recorded = copy_context().run
                    done = pool.submit(recorded, work.run, job.request.job_id, number, keys, again)
                    running.append(_UnderWay(begun_ms, done))
                    if len(running) >= ahead:
                        yield self._next(state, running)
                while running:
                    yield self._next(state, running)
            finally:
                for one in running:
                    one.done.cancel()

    def _next(self, state: _State, running: deque[_UnderWay]) -> JobCheckpoint:
        """The first part that is under way, when it is done."""
        done = running[0].done.result()
        running.popleft()
        state.done += done.pictures
        state.faces += done.faces
        state.left_out += len(done.left_out)
        state.found_pages += bool(done.left_out)
        state.since_ms = min((one.begun_ms for one in running), default=self._parts.clock.now_ms())
        return _checkpoint(state, write_left_out(done.left_out) if done.left_out else None)

    def _keys(self, job: Job, state: _State) -> Iterator[tuple[int, list[str]]]:
        """Parts that are not done, by number, with their keys."""
        first, skipped = divmod(state.done, LISTED_A_PAGE)
        for page in range(first, state.pages):
            (data,) = self._parts.jobs.pages(job.request.account_id, job.request.job_id, page, 1)
            keys = msgspec.json.decode(data, type=list[str])
            for at in range(skipped if page == first else 0, len(keys), PICTURES_A_PART):
                yield (page * LISTED_A_PAGE + at) // PICTURES_A_PART, keys[at : at + PICTURES_A_PART]


def _listed(state: _State, keys: list[str]) -> JobCheckpoint:
    """Another page of keys."""
    state.listed += len(keys)
    state.pages += 1
    state.last = keys[-1] if keys else state.last
    return _checkpoint(state, msgspec.json.encode(keys))


def _checkpoint(state: _State, page: bytes | None) -> JobCheckpoint:
    total = state.listed if state.complete else None
    return JobCheckpoint(Cursor(state.done, total, msgspec.json.encode(state)), () if page is None else (page,))
