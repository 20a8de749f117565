"""Starting video jobs and reading their results: what the sixteen operations do within the gate.

In: commands. Out: a job's id, or a page of results. Missing objects, unknown collections and files over the limit are
refused at the start; what only a look into the file can tell makes the job fail.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from custodes.core.errors import DeniedError, NotFoundError, NotSupportedError, PaginationTokenError
from custodes.core.pages import PageTokens
from custodes.engine.ports import FaceEngine
from custodes.jobs.job import Job, JobId, JobRequest, JobState
from custodes.jobs.ports import JobStore
from custodes.operations.collections.ports import Gallery
from custodes.operations.images.scale import require_same_model
from custodes.operations.requests.gate import Permit
from custodes.operations.reviews.redaction import is_held
from custodes.operations.reviews.reviews import Holding
from custodes.operations.video.commands import GetVideo, StartFaceSearch, StartVideo
from custodes.operations.video.matches import PersonSearch, with_matches
from custodes.operations.video.ordering import Ordering
from custodes.operations.video.ports import Item, VideoObjects
from custodes.operations.video.reading import OrderedResults, ResultReader
from custodes.operations.video.request import VideoRequest
from custodes.operations.video.segments import Segment
from custodes.video.formats.facts import VideoFacts, VideoLimits
from custodes.video.formats.mp4 import too_many_bytes

MAX_PAGE = 1000
"""Default and ceiling. Source: API reference: a larger number is silently this one."""
TOKEN_MS = 24 * 3600 * 1000
_CELEBRITIES = "StartCelebrityRecognition"


@dataclass(frozen=True, slots=True)
class VideoAdapters:
    """Where jobs and videos are.

    Attributes:
        new_id: makes job ids.
        wake: tells workers that there is a job.
        tells: whether somebody is told that a job is over also where its request names no topic.
    """

    jobs: JobStore
    objects: VideoObjects
    limits: VideoLimits
    new_id: Callable[[], JobId]
    wake: Callable[[], None]
    tells: bool = False


@dataclass(frozen=True, slots=True)
class VideoPage:
    """A page of results of a job that is over, or where it stands.

    Attributes:
        ordering: how ``items`` are sorted and joined.
        items: in the API's members, with ``t`` and what belongs to the kind of result.
        segments: instead of items, for segments.
    """

    job_id: JobId
    request: VideoRequest
    state: JobState
    message: str | None
    ordering: Ordering
    facts: VideoFacts | None = None
    items: Sequence[Item] = field(default_factory=tuple)
    segments: Sequence[Segment] = field(default_factory=tuple)
    next_token: str | None = None
    model_version: str = ""


class VideoOperations:
    """Handles Start and Get."""

    def __init__(
        self,
        engine: FaceEngine,
        gallery: Gallery,
        holding: Holding,
        pages: PageTokens,
        adapters: VideoAdapters | None,
    ) -> None:
        """Start and read jobs of ``adapters``; without any, every operation is refused."""
        self._engine = engine
        self._gallery = gallery
        self._holding = holding
        self._pages = pages
        self._adapters = adapters
        self._kept = OrderedResults()

    @property
    def _ports(self) -> VideoAdapters:
        if self._adapters is None:
            raise NotSupportedError("This server was put together without stored video.")
        return self._adapters

    def start(self, permit: Permit, command: StartVideo) -> JobId:
        """The new job, or the one that the same token made before.

        Raises:
            ObjectStoreError: no such object.
            VideoTooLargeError: it has too many bytes.
            NotFoundError: no such collection.
            IdempotencyError, OpenJobsError: see JobStore.
        """
        ports, caller = self._ports, permit.context.caller
        if command.operation == _CELEBRITIES and is_held(permit):
            raise DeniedError("names of known people cannot be held back until two persons have confirmed them")
        if isinstance(command, StartFaceSearch):
            require_same_model(self._engine, self._gallery.outline(command.key(caller)))
        version = ports.objects.version(command.video)
        if version.size_bytes > ports.limits.max_bytes:
            raise too_many_bytes(version.size_bytes, ports.limits)
        request = JobRequest(
            job_id=ports.new_id(),
            account_id=caller.account_id,
            operation=command.operation,
            input=VideoRequest(command, caller, version).to_bytes(),
            token=command.token,
            channel=_channel(command, ports),
        )
        job = ports.jobs.add(request, permit.context.ts_ms)
        ports.wake()
        return job.request.job_id

    def threshold_pct(self, job_id: JobId) -> float | None:
        """That a job searches faces with: rules about it hold for reading its results, too. None for no search."""
        job = None if self._adapters is None else self._adapters.jobs.find(None, job_id)
        if job is None or job.request.operation != StartFaceSearch.operation:
            return None
        command = VideoRequest.from_bytes(job.request.input).command
        return command.threshold_pct if isinstance(command, StartFaceSearch) else None

    def get(self, permit: Permit, command: GetVideo) -> VideoPage:
        """One page.

        Raises:
            NotFoundError: the account has no such job of this operation.
            PaginationTokenError: the token is not of this job and ordering, or older than 24 hours.
        """
        job = self._ports.jobs.find(permit.context.caller.account_id, command.job_id)
        if job is None or job.request.operation != command.started_by:
            raise NotFoundError("Could not find JobId")
        ordering = Ordering.of(command)
        request = VideoRequest.from_bytes(job.request.input)
        start = self._offset(permit, command, ordering)
        if job.state is not JobState.SUCCEEDED:
            state = JobState.FAILED if job.state is JobState.FAILED else JobState.RUNNING
            return VideoPage(command.job_id, request, state, job.error, ordering)
        return self._results(permit, command, job, request, start)

    def _results(self, permit: Permit, command: GetVideo, job: Job, request: VideoRequest, start: int) -> VideoPage:
        reader, ordering = ResultReader(self._ports.jobs, self._kept), Ordering.of(command)
        summary = reader.summary(job)
        if summary is None:
            raise NotFoundError("Could not find JobId")
        end = start + min(command.max_results or MAX_PAGE, MAX_PAGE)
        segments: Sequence[Segment] = ()
        items: Sequence[Item] = ()
        if command.started_by == "StartSegmentDetection":
            segments, more = reader.segments(job, request.command.options, start, end)
        else:
            items, more = reader.items(job, summary, ordering, start, end)
            if isinstance(request.command, StartFaceSearch):
                search = PersonSearch(command.job_id, request.command.key(request.caller), summary.names)
                items = with_matches(permit, self._gallery, self._holding, search, items)
        permit.tally.add(results=len(items) + len(segments))
        return VideoPage(
            command.job_id,
            request,
            job.state,
            None,
            ordering,
            summary.facts,
            items,
            segments,
            self._token(permit, command, ordering, end) if more else None,
            summary.model_version,
        )

    def _scope(self, permit: Permit, command: GetVideo, ordering: Ordering) -> tuple[str, ...]:
        account = permit.context.caller.account_id
        return (command.operation, account, command.job_id, ordering.sort_by, ordering.aggregate_by)

    def _token(self, permit: Permit, command: GetVideo, ordering: Ordering, offset: int) -> str:
        scope = self._scope(permit, command, ordering)
        return self._pages.issue(scope, f"{offset}.{permit.context.ts_ms}")

    def _offset(self, permit: Permit, command: GetVideo, ordering: Ordering) -> int:
        if command.next_token is None:
            return 0
        scope = self._scope(permit, command, ordering)
        offset, _, issued = self._pages.read(scope, command.next_token).partition(".")
        if not 0 <= permit.context.ts_ms - int(issued or 0) <= TOKEN_MS:
            raise PaginationTokenError("Invalid Pagination Token")
        return int(offset)


def _channel(command: StartVideo, ports: VideoAdapters) -> str | None:
    """See ``JobRequest.channel``."""
    if command.channel is not None:
        return command.channel.topic_arn
    return "" if ports.tells else None
