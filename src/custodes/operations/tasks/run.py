"""Tasks carried out: one job each, computed within the gate for whoever asked, told how far it is meanwhile.

In: a job. Out: checkpoints with its progress, at the end with what was found. A match of two collections passes the
gate for both. A task that is interrupted begins anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass

import orjson

from custodes.core.clock import Clock
from custodes.core.ids import RequestId
from custodes.jobs.job import Cursor, Job, JobCheckpoint
from custodes.operations.requests.callers import caller_members, read_caller
from custodes.operations.requests.context import Caller, Context, Origin
from custodes.operations.requests.gate import Gate, Permit
from custodes.operations.tasks.commands import StartCrossMatch, TaskCommand, read_task
from custodes.operations.tasks.compute import TaskParts, TaskProgress, compute
from custodes.operations.tasks.findings import TaskFound

_TOTAL = 1000
_TOLD_S = 1.0


@dataclass(frozen=True, slots=True)
class TaskRequest:
    """What a task was asked for, and by whom."""

    command: TaskCommand
    caller: Caller

    def to_bytes(self) -> bytes:
        """Equal requests have equal bytes."""
        value = {
            "operation": self.command.operation,
            "options": self.command.options(),
            "caller": caller_members(self.caller),
        }
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)

    @classmethod
    def from_bytes(cls, data: bytes) -> TaskRequest:
        """What ``to_bytes`` gave."""
        value = orjson.loads(data)
        return cls(read_task(value["operation"], value["options"]), read_caller(value["caller"]))


class TaskJobs:
    """Implements ``JobHandler``."""

    def __init__(self, gate: Gate, parts: TaskParts, clock: Clock, request_ids: Callable[[], RequestId]) -> None:
        """Let tasks pass ``gate``."""
        self._gate = gate
        self._parts = parts
        self._clock = clock
        self._request_ids = request_ids

    def run(self, job: Job) -> Iterator[JobCheckpoint]:
        """See JobHandler."""
        request, progress = TaskRequest.from_bytes(job.request.input), TaskProgress()
        before = job.cursor.position
        with ThreadPoolExecutor(1, "task") as pool:
            working: Future[TaskFound] = pool.submit(copy_context().run, self._perform, request, progress)
            try:
                while not wait((working,), _TOLD_S).done:
                    before = max(before, min(int(progress.share * _TOTAL), _TOTAL - 1))
                    yield JobCheckpoint(Cursor(before, _TOTAL))
            finally:
                progress.stopped = not working.done()
            yield JobCheckpoint(Cursor(_TOTAL, _TOTAL), working.result().pages(), last=True)

    def _perform(self, request: TaskRequest, progress: TaskProgress) -> TaskFound:
        command = request.command

        def run(permit: Permit, asked: TaskCommand) -> TaskFound:
            if isinstance(asked, StartCrossMatch):
                self._gate.perform(self._context(request), asked.other_way(), lambda _permit, _command: None)
            return compute(permit, self._parts, asked, progress)

        return self._gate.perform(self._context(request), command, run).result

    def _context(self, request: TaskRequest) -> Context:
        return Context(request.caller, self._request_ids(), self._clock.now_ms(), Origin())
