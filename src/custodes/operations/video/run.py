"""Carries out video jobs: in parts of some seconds, each under a permission of its own.

In: a job. Out: checkpoints. Each part passes the gate: decided again for whoever started the job, a slot, the frames
decoded and looked at, recorded with its units. A suspended account, a new rule or a deleted collection therefore stops
the job at the next part. One decoder runs through all parts; after a crash another one starts at the last checkpoint.
A part that is done again after a crash is not charged again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, nullcontext
from contextvars import copy_context
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import orjson

from custodes.core.box import Size
from custodes.core.clock import Clock
from custodes.core.errors import UnavailableError
from custodes.core.ids import RequestId
from custodes.imaging.image import Image
from custodes.jobs.job import Cursor, Job, JobCheckpoint
from custodes.operations.requests.context import Context, Origin
from custodes.operations.requests.gate import Gate, Permit
from custodes.operations.requests.properties import minutes_begun
from custodes.operations.video.analysis import (
    NO_HASH,
    Analysis,
    CelebrityAnalysis,
    FaceAnalysis,
    FrameLook,
    LabelAnalysis,
    ModerationAnalysis,
    SegmentAnalysis,
    TextAnalysis,
    VideoEngines,
)
from custodes.operations.video.commands import StartFaceSearch, StartVideo
from custodes.operations.video.pages import (
    VideoSummary,
    curves_page,
    decode_facts,
    encode_facts,
    items_page,
    summary_page,
)
from custodes.operations.video.persons import FaceSearchAnalysis, PersonAnalysis
from custodes.operations.video.ports import ChargedParts, Item, VideoObjects, VideoProbe
from custodes.operations.video.request import VideoRequest
from custodes.video.formats.facts import VideoFacts
from custodes.video.frames import DecoderCrashedError, DecodingPlan, FrameSource, VideoFrame
from custodes.video.segments.signature import FrameSignature

_ANALYSES: dict[str, type[Analysis]] = {
    "StartFaceDetection": FaceAnalysis,
    "StartPersonTracking": PersonAnalysis,
    "StartLabelDetection": LabelAnalysis,
    "StartContentModeration": ModerationAnalysis,
    "StartTextDetection": TextAnalysis,
    "StartCelebrityRecognition": CelebrityAnalysis,
    "StartSegmentDetection": SegmentAnalysis,
}


@dataclass(frozen=True, slots=True)
class VideoSettings:
    """How videos are looked at.

    Attributes:
        samples_per_second: of every job but segments, which look at every frame.
        rates: the same for single kinds of jobs, by their operation.
        part_ms: of video under one permission.
        frames_at_once: so many frames of one video are looked at at the same time.
    """

    samples_per_second: Fraction = Fraction(2)
    rates: Mapping[str, Fraction] = field(default_factory=dict)
    part_ms: int = 30_000
    frames_at_once: int = 2


@dataclass(frozen=True, slots=True)
class VideoParts:
    """What a video job needs.

    Attributes:
        frames: decodes.
        probe: reads the structure of files.
        objects: fetches files.
        charged: whether a part was charged before.
        request_ids: gives an id to each part.
        series: while a video is looked at, networks keep their memory from one frame to the next.
    """

    engines: VideoEngines
    frames: FrameSource
    probe: VideoProbe
    objects: VideoObjects
    charged: ChargedParts
    clock: Clock
    request_ids: Callable[[], RequestId]
    settings: VideoSettings = VideoSettings()
    series: Callable[[], AbstractContextManager[None]] = nullcontext


@dataclass(slots=True)
class _Progress:
    """Where a job is. ``frame`` is the next one to hand over, ``part`` the next part, ``counts`` items by page."""

    facts: VideoFacts
    frame: int = 0
    part: int = 0
    state: Any = None
    counts: list[int] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Frames of the video."""
        return self.facts.frames or int(self.facts.duration_ms * self.facts.frame_rate / 1000)

    def cursor(self) -> Cursor:
        value = {"facts": encode_facts(self.facts), "part": self.part, "state": self.state, "counts": self.counts}
        return Cursor(self.frame, max(self.total, self.frame), orjson.dumps(value))


class VideoJobs:
    """Implements ``JobHandler`` for all Start operations."""

    def __init__(self, gate: Gate, parts: VideoParts) -> None:
        """Let every part pass ``gate``."""
        self._gate = gate
        self._parts = parts

    def run(self, job: Job) -> Iterator[JobCheckpoint]:
        """See JobHandler."""
        try:
            yield from self._run(job)
        except DecoderCrashedError as error:
            # Another attempt may get further; after the last one the job fails with this message.
            raise UnavailableError(error.message) from error

    def _run(self, job: Job) -> Iterator[JobCheckpoint]:
        request, job_id = VideoRequest.from_bytes(job.request.input), job.request.job_id
        path = self._parts.objects.obtain(job_id, request.command.video, request.version)
        progress = _progress(job)
        if progress is None:
            progress = _Progress(self._parts.probe.facts(path))
        analysis = self._analysis(request)
        if progress.state is not None:
            analysis.restore(progress.state)
        plan = self._plan(job.request.operation, analysis, progress)
        with self._parts.series(), self._parts.frames.frames(path, plan) as frames:
            feed = _Feed(frames)
            while True:
                part = _Part(self._parts, analysis, feed, progress, self._is_charged(job, progress))
                command = request.part(job_id, progress.part)
                pages = self._gate.perform(self._context(request), command, part.run).result
                progress.counts.append(part.items)
                progress.part += 1
                progress.state = analysis.state()
                if feed.ended():
                    break
                progress.frame = feed.next_index()
                yield JobCheckpoint(progress.cursor(), pages)
        progress.frame = max(progress.frame, feed.seen, progress.total)
        counts = tuple(progress.counts)
        summary = VideoSummary(progress.facts, analysis.names(), analysis.model_version, counts)
        yield JobCheckpoint(progress.cursor(), (*pages, summary_page(summary)), last=True)
        self._parts.objects.drop(job_id)

    def _analysis(self, request: VideoRequest) -> Analysis:
        command, engines = request.command, self._parts.engines
        if isinstance(command, StartFaceSearch):
            return FaceSearchAnalysis(engines, command.options, key=command.key(request.caller))
        return _ANALYSES[command.operation](engines, command.options)

    def _plan(self, operation: str, analysis: Analysis, progress: _Progress) -> DecodingPlan:
        facts, own, settings = progress.facts, analysis.samples_per_second, self._parts.settings
        samples = settings.rates.get(operation, settings.samples_per_second) if own is None else own
        return DecodingPlan(facts.frame_rate, samples, analysis.every_frame, progress.frame, facts.duration_ms)

    def _context(self, request: VideoRequest) -> Context:
        return Context(request.caller, self._parts.request_ids(), self._parts.clock.now_ms(), Origin())

    def _is_charged(self, job: Job, progress: _Progress) -> bool:
        """Whether the next part was done and charged by an attempt that did not live to say so."""
        first = progress.frame == job.cursor.position and job.fence > 1
        return first and self._parts.charged.charged(job.request.job_id, progress.part, job.created_ts_ms)


class _Feed:
    """Frames with one of them held back, to see where a part ends."""

    def __init__(self, frames: Iterator[VideoFrame]) -> None:
        self._frames = frames
        self._held: VideoFrame | None = None
        self._over = False
        self.seen = 0

    def before(self, end_ms: int) -> Iterator[VideoFrame]:
        """Frames that begin before ``end_ms``."""
        while (frame := self._peek()) is not None and frame.ts_ms < end_ms:
            self._held = None
            self.seen = frame.index + 1
            yield frame

    def ended(self) -> bool:
        """Whether there are no further frames."""
        return self._peek() is None

    def next_index(self) -> int:
        """Number of the next frame; there is one."""
        assert self._held is not None
        return self._held.index

    def _peek(self) -> VideoFrame | None:
        if self._held is None and not self._over:
            self._held = next(self._frames, None)
            self._over = self._held is None
        return self._held


class _Part:
    """One part of a video, looked at within the gate."""

    def __init__(self, parts: VideoParts, analysis: Analysis, feed: _Feed, progress: _Progress, charged: bool) -> None:
        self._analysis = analysis
        self._feed = feed
        self._facts = progress.facts
        self._start_ms = progress.part * parts.settings.part_ms
        self._end_ms = self._start_ms + parts.settings.part_ms
        self._at_once = parts.settings.frames_at_once
        self._charged = charged
        self.items = 0

    def run(self, permit: Permit, _command: StartVideo) -> tuple[bytes, ...]:
        """Pages of this part."""
        samples: list[int] = []
        items: list[Item] = []
        signatures: list[tuple[int, FrameSignature]] = []
        with closing(self._looked(permit, signatures)) as looked:
            for look in looked:
                samples.append(look.ts_ms)
                items += self._analysis.tell(permit, look)
        last = self._feed.ended()
        end_ms = max(self._start_ms, self._facts.duration_ms) if last else self._end_ms
        permit.tally.add(video_ms=end_ms - self._start_ms, frames=max(len(samples), len(signatures)))
        if not self._charged:
            permit.tally.add(video_minutes=minutes_begun(end_ms) - minutes_begun(self._start_ms))
        if isinstance(self._analysis, SegmentAnalysis):
            return (curves_page(self._analysis.curves(signatures)),)
        self.items = len(items)
        return (items_page(samples, items),)

    def _looked(self, permit: Permit, signatures: list[tuple[int, FrameSignature]]) -> Generator[FrameLook[Any]]:
        """Sampled frames in order with what is seen in them; some are looked at while others are decoded.

        ``signatures`` gets those of all frames.
        """
        under_way: deque[tuple[int, Size, Future[Any]]] = deque()
        with ThreadPoolExecutor(self._at_once, "frame") as threads:
            try:
                for frame in self._feed.before(self._end_ms):
                    if frame.signature is not None:
                        signatures.append((frame.ts_ms, frame.signature))
                    if frame.rgb is not None:
                        image = Image(frame.rgb, NO_HASH)
                        seen = threads.submit(copy_context().run, self._analysis.see, permit, image)
                        under_way.append((frame.ts_ms, image.size, seen))
                    while len(under_way) > self._at_once:
                        yield _ended(under_way)
                while under_way:
                    yield _ended(under_way)
            finally:
                threads.shutdown(cancel_futures=True)


def _ended(under_way: deque[tuple[int, Size, Future[Any]]]) -> FrameLook[Any]:
    ts_ms, size, seen = under_way.popleft()
    return FrameLook(ts_ms, size, seen.result())


def _progress(job: Job) -> _Progress | None:
    if not job.cursor.state:
        return None
    value = orjson.loads(job.cursor.state)
    return _Progress(decode_facts(value["facts"]), job.cursor.position, value["part"], value["state"], value["counts"])
