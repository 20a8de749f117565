"""What the operations on tasks do: begin, tell how far they are and what they found, end.

In: commands within the gate. Out: ids, states, findings with what is known of their faces now: of a face that was
erased since, nothing is told, and of a group that it leaves alone neither.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from custodes.core.errors import NotFoundError, NotSupportedError
from custodes.core.ids import AccountId, CollectionId, FaceId
from custodes.engine.ports import FaceEngine
from custodes.gallery.entities import CollectionKey, Face
from custodes.jobs.job import Job, JobId, JobRequest, JobState
from custodes.jobs.ports import JobStore
from custodes.operations.collections.ports import Gallery
from custodes.operations.images.scale import require_same_model
from custodes.operations.requests.gate import Permit
from custodes.operations.tasks.commands import (
    TASKS,
    GetTask,
    ListTasks,
    On,
    StartBulkEnrolment,
    StartCrossMatch,
    StopTask,
    TaskCommand,
)
from custodes.operations.tasks.findings import (
    LeftOut,
    TaskFinding,
    TaskSummary,
    read_findings,
    read_left_out,
    read_summary,
)
from custodes.operations.tasks.run import TaskRequest

STOPPED = "It was stopped."
_MAX_LISTED = 1000


@dataclass(frozen=True, slots=True)
class TaskAdapters:
    """Where jobs are; ``new_id`` makes ids, ``wake`` tells workers that there is a job.

    ``require`` raises NotSupportedError where nobody computes there.
    """

    jobs: JobStore
    new_id: Callable[[], JobId]
    wake: Callable[[], None]
    require: Callable[[On], None] = lambda _: None


@dataclass(frozen=True, slots=True)
class FindingTold:
    """A finding with its faces as they are now, each with its collection."""

    faces: tuple[tuple[CollectionId, Face], ...]
    finding: TaskFinding


@dataclass(frozen=True, slots=True)
class TaskTold:
    """A task: where it stands, and when it is over what it found, a page at a time; ``more`` is the next page."""

    job: Job
    summary: TaskSummary | None = None
    findings: Sequence[FindingTold] = ()
    left_out: Sequence[LeftOut] = ()
    more: int | None = None


class TaskOperations:
    """Handles the operations."""

    def __init__(self, engine: FaceEngine, gallery: Gallery, adapters: TaskAdapters | None) -> None:
        """Keep tasks in ``adapters``; without any, every operation is refused."""
        self._engine = engine
        self._gallery = gallery
        self._adapters = adapters

    @property
    def _ports(self) -> TaskAdapters:
        if self._adapters is None:
            raise NotSupportedError("This server was put together without tasks.")
        return self._adapters

    def start(self, permit: Permit, command: TaskCommand) -> JobId:
        """The new task's id. Raises NotFoundError, InvalidParameterError, OpenJobsError."""
        caller, ports = permit.context.caller, self._ports
        keys = [command.key(caller)]
        if isinstance(command, StartCrossMatch):
            keys.append(command.other_way().key(caller))
        ports.require(command.on if isinstance(command, StartCrossMatch | StartBulkEnrolment) else On.LOCAL)
        for key in keys:
            require_same_model(self._engine, self._gallery.outline(key))
        asked = TaskRequest(command, caller).to_bytes()
        request = JobRequest(ports.new_id(), caller.account_id, command.operation, asked)
        job = ports.jobs.add(request, permit.context.ts_ms)
        ports.wake()
        return job.request.job_id

    def get(self, permit: Permit, command: GetTask) -> TaskTold:
        """One task. Raises NotFoundError."""
        account = permit.context.caller.account_id
        job = self._found(account, command.task_id)
        if job.state is not JobState.SUCCEEDED:
            return TaskTold(job)
        if job.request.operation == StartBulkEnrolment.operation:
            return self._enrolled(job, command.page)
        pages = self._ports.jobs.pages(account, job.request.job_id, 0, 1)
        # The next page is asked for, too, to know whether there is one.
        wanted = self._ports.jobs.pages(account, job.request.job_id, 1 + command.page, 2)
        told = self._told(account, read_findings(wanted[0])) if wanted else ()
        permit.tally.add(findings_shown=len(told))
        more = command.page + 1 if len(wanted) > 1 else None
        return TaskTold(job, read_summary(pages[0]), told, more=more)

    def _enrolled(self, job: Job, page: int) -> TaskTold:
        """Its pages: what was listed, what was left out, the summary."""
        account, jobs = job.request.account_id, self._ports.jobs
        summary = read_summary(jobs.last_page(account, job.request.job_id) or b"{}")
        first, end = summary.pages
        at = first + page
        left_out = read_left_out(jobs.pages(account, job.request.job_id, at, 1)[0]) if at < end else ()
        return TaskTold(job, summary, left_out=left_out, more=page + 1 if at + 1 < end else None)

    def listing(self, permit: Permit, _: ListTasks) -> Sequence[Job]:
        """Newest first."""
        account = permit.context.caller.account_id
        return self._ports.jobs.listing(account, open_only=False, limit=_MAX_LISTED, operations=TASKS)

    def stop(self, permit: Permit, command: StopTask) -> None:
        """End it. Raises NotFoundError where there is no such open task."""
        account = permit.context.caller.account_id
        job = self._found(account, command.task_id)
        if not self._ports.jobs.cancel(account, job.request.job_id, STOPPED, permit.context.ts_ms):
            raise NotFoundError("There is no such open task.")

    def _found(self, account: AccountId, task_id: str) -> Job:
        job = self._ports.jobs.find(account, JobId(task_id))
        if job is None or job.request.operation not in TASKS:
            raise NotFoundError("There is no such task.")
        return job

    def _told(self, account: AccountId, findings: Sequence[TaskFinding]) -> tuple[FindingTold, ...]:
        wanted: dict[str, dict[FaceId, None]] = {}
        for finding in findings:
            for collection, face_id in finding.faces:
                wanted.setdefault(collection, {})[FaceId(face_id)] = None
        known = {
            collection: self._there(CollectionKey(account, CollectionId(collection)), tuple(ids))
            for collection, ids in wanted.items()
        }
        told = []
        for finding in findings:
            faces = tuple(
                (CollectionId(collection), face)
                for collection, face_id in finding.faces
                if (face := known[collection].get(FaceId(face_id))) is not None
            )
            whole = finding.weakest is None or {*finding.weakest} <= {str(face.face_id) for _, face in faces}
            if len(faces) > 1 and whole:
                told.append(FindingTold(faces, finding))
        return tuple(told)

    def _there(self, key: CollectionKey, ids: Sequence[FaceId]) -> Mapping[FaceId, Face]:
        try:
            return self._gallery.faces_by_id(key, ids)
        except NotFoundError:  # the collection is gone, and everybody with it
            return {}
