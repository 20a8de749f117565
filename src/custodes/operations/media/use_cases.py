"""Starting media analysis jobs and looking at them, within the gate.

In: commands. Out: a job's id, or what is known of jobs. A list that is missing, empty or too long is refused at the
start; what is wrong with single lines is told in the summary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import orjson

from custodes.core.errors import ImageTooLargeError, ManifestError, NotFoundError
from custodes.core.pages import PageTokens
from custodes.jobs.job import Job, JobId, JobRequest, JobState
from custodes.jobs.ports import JobStore
from custodes.operations.images.ports import ObjectStore, S3Object
from custodes.operations.media.commands import (
    GetMediaAnalysisJob,
    ListMediaAnalysisJobs,
    ResultPlace,
    StartMediaAnalysisJob,
)
from custodes.operations.requests.callers import caller_members, read_caller
from custodes.operations.requests.context import Caller
from custodes.operations.requests.gate import Permit

OPERATION = StartMediaAnalysisJob.operation
MAX_LINES = 10_000
MAX_LIST_BYTES = 16 * 1024 * 1024
PAGE = 100
_MAX_LISTED = 10_000
INTERNAL, ACCESS_DENIED = "INTERNAL_ERROR", "ACCESS_DENIED"
CODES = frozenset(
    {
        INTERNAL,
        "INVALID_S3_OBJECT",
        "INVALID_MANIFEST",
        "INVALID_OUTPUT_CONFIG",
        "INVALID_KMS_KEY",
        ACCESS_DENIED,
        "RESOURCE_NOT_FOUND",
        "RESOURCE_NOT_READY",
        "THROTTLED",
    }
)
"""Why a job may have failed. Source: API enum ``MediaAnalysisJobFailureCode``."""


@dataclass(frozen=True, slots=True)
class MediaRequest:
    """What a job was asked for, and by whom."""

    command: StartMediaAnalysisJob
    caller: Caller

    def to_bytes(self) -> bytes:
        """JSON; equal requests have equal bytes."""
        command = asdict(self.command)
        for name in ("token", "job", "part"):
            command.pop(name)
        value = {"command": command, "caller": caller_members(self.caller)}
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)

    @classmethod
    def from_bytes(cls, data: bytes) -> MediaRequest:
        """What ``to_bytes`` wrote."""
        value = orjson.loads(data)
        command = value["command"]
        source, output = S3Object(**command.pop("source")), ResultPlace(**command.pop("output"))
        found = StartMediaAnalysisJob(source=source, output=output, **command)
        return cls(found, read_caller(value["caller"]))


@dataclass(frozen=True, slots=True)
class MediaJob:
    """A job with what it was asked for and, once it is over, where its files are or why there are none.

    Attributes:
        results, summary: files; None where there are none.
        model_version: of the moderation model.
        failure: code and message.
    """

    job: Job
    command: StartMediaAnalysisJob
    results: S3Object | None = None
    summary: S3Object | None = None
    model_version: str = ""
    failure: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class MediaJobsListed:
    """A page of jobs."""

    jobs: Sequence[MediaJob]
    next_token: str | None


@dataclass(frozen=True, slots=True)
class MediaAnalysis:
    """Handles the three operations.

    Attributes:
        jobs: where jobs are.
        objects: where lists and pictures are.
        pages: signs tokens.
        adapter: refuses an adapter that cannot be used.
        new_id: makes ids of jobs.
        wake: tells workers that there is a job.
    """

    jobs: JobStore
    objects: ObjectStore
    pages: PageTokens
    adapter: Callable[[Caller, str], object]
    new_id: Callable[[], JobId]
    wake: Callable[[], None]

    def start(self, permit: Permit, command: StartMediaAnalysisJob) -> JobId:
        """The new job, or the one that the same token made before.

        Raises:
            ObjectStoreError: the list cannot be read.
            ManifestError: it is empty or too long.
            NotFoundError, NotUsableError: the adapter cannot be used.
        """
        caller = permit.context.caller
        if command.project_version is not None:
            self.adapter(caller, command.project_version)
        lines_of(self.objects, command.source)
        data = MediaRequest(command, caller).to_bytes()
        request = JobRequest(self.new_id(), caller.account_id, OPERATION, data, command.token)
        job = self.jobs.add(request, permit.context.ts_ms)
        self.wake()
        return job.request.job_id

    def get(self, permit: Permit, command: GetMediaAnalysisJob) -> MediaJob:
        """Raises NotFoundError where the account has no such job."""
        job = self.jobs.find(permit.context.caller.account_id, command.job_id)
        if job is None or job.request.operation != OPERATION:
            raise NotFoundError("Could not find JobId")
        return self._described(job)

    def list(self, permit: Permit, command: ListMediaAnalysisJobs) -> MediaJobsListed:
        """Newest first."""
        account = permit.context.caller.account_id
        own = self.jobs.listing(account, open_only=False, limit=_MAX_LISTED, operations=(OPERATION,))
        scope = (command.operation, account)
        start = 0 if command.next_token is None else self.pages.read_row(scope, command.next_token)
        end = start + (command.max_results or PAGE)
        token = self.pages.issue(scope, end) if end < len(own) else None
        return MediaJobsListed([self._described(job) for job in own[start:end]], token)

    def _described(self, job: Job) -> MediaJob:
        command = MediaRequest.from_bytes(job.request.input).command
        if job.state is JobState.FAILED:
            return MediaJob(job, command, failure=_failure(job.error or ""))
        last = self.jobs.last_page(job.request.account_id, job.request.job_id)
        if job.state is not JobState.SUCCEEDED or last is None:
            return MediaJob(job, command)
        facts = orjson.loads(last)
        bucket = command.output.bucket
        results, summary = (S3Object(bucket, facts[name]) for name in ("results", "summary"))
        return MediaJob(job, command, results, summary, facts["model_version"])


def lines_of(objects: ObjectStore, source: S3Object) -> list[str]:
    """Lines of a list that are not empty. Raises ObjectStoreError, ManifestError."""
    try:
        text = objects.read(source, MAX_LIST_BYTES).decode("utf-8")
    except ImageTooLargeError as error:
        raise ManifestError("The manifest is too large.") from error
    except UnicodeDecodeError as error:
        raise ManifestError("The manifest is not UTF-8.") from error
    lines = [line for line in text.split("\n") if line.strip()]
    if not lines:
        raise ManifestError("The manifest is empty.")
    if len(lines) > MAX_LINES:
        raise ManifestError(f"The manifest has more than {MAX_LINES} lines.")
    return lines


def _failure(message: str) -> tuple[str, str]:
    code, colon, rest = message.partition(": ")
    return (code, rest) if colon and code in CODES else (INTERNAL, message)
