"""Stored video over a data directory: the store of jobs, files, workers, messages.

In: settings and opened rooms. Out: what starting and reading jobs need, and workers that carry them out. Nothing is
decided here.
"""

from __future__ import annotations

import os
import secrets
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial

import orjson

from custodes.core.clock import Clock
from custodes.core.ids import RequestId
from custodes.deployment.record.claims import recorded_under_claims
from custodes.deployment.record.ledger import ServerLedger
from custodes.edge.aws.translate.video.format import AwsResultFormat
from custodes.engine.runtime.memory import RunMemory
from custodes.jobs.job import JobId, JobLimits
from custodes.jobs.outbox import NoticeDelivery
from custodes.jobs.ports import JobStore
from custodes.jobs.schedule import Schedule
from custodes.jobs.worker import JobWorkers, WorkerSettings
from custodes.ledger.tlog.entry import decode
from custodes.ledger.writer.published import RunningLog
from custodes.operations.catalogue import Operations, Ports
from custodes.operations.requests.gate import Gate
from custodes.operations.video.analysis import VideoEngines
from custodes.operations.video.commands import START_COMMANDS
from custodes.operations.video.notices import completion_message
from custodes.operations.video.ports import ChargedParts, NothingCharged
from custodes.operations.video.run import VideoJobs, VideoParts, VideoSettings
from custodes.operations.video.use_cases import VideoAdapters
from custodes.settings import Settings
from custodes.storage.files import uploads
from custodes.storage.media.decoder import LockedDecoder, lock_layers
from custodes.storage.media.files import MediaFiles, StructureProbe
from custodes.storage.messages.sns import JobMessages, MessageTargets
from custodes.storage.objects.buckets import BucketObjects
from custodes.storage.sql.database import Database
from custodes.storage.sql.jobs import SqlJobStore, callers_time
from custodes.storage.sql.master import open_master
from custodes.storage.sql.nodes.time import DatabaseTime
from custodes.video.formats.facts import VideoLimits

_MAX_FRAMES_AT_ONCE = 4
_NOTICES_MS, _SWEEP_MS, _LOCK_MS = 1_000, 60_000, 86_400_000


@dataclass(slots=True)
class Wake:
    """Tells workers of a new job once there are any."""

    workers: JobWorkers | None = field(default=None)

    def __call__(self) -> None:
        """Look for jobs now."""
        if self.workers is not None:
            self.workers.wake()


@dataclass(slots=True)
class DecoderLock:
    """Which layers lock decoders here; None before it was looked."""

    layers: tuple[str, ...] | None = field(default=None)

    def look(self) -> bool:
        """Lock a process and see."""
        self.layers = lock_layers()
        return False


class LedgerCharges:
    """Implements ``ChargedParts`` by reading the ledger backwards; asked only after a crash."""

    def __init__(self, log: RunningLog) -> None:
        """Read ``log``."""
        self._log = log

    def charged(self, job_id: JobId, part: int, since_ts_ms: int) -> bool:
        """See ChargedParts."""
        self._log.flush()
        tree = self._log.tree()
        for index in range(self._log.published.size - 1, -1, -1):
            entry = decode(tree.entry(index))
            if entry.t < since_ts_ms:
                return False
            if entry.kind == "use" and entry.units is not None:
                body = self._log.body(index)
                facts = {} if body is None else orjson.loads(body)
                if facts.get("job") == job_id and facts.get("part") == part and facts.get("code") == "Done":
                    return True
        return False


def new_job_id() -> JobId:
    """64 random hexadecimal digits."""
    return JobId(secrets.token_hex(32))


def video_limits(settings: Settings) -> VideoLimits:
    """As set."""
    return VideoLimits(strict=settings.video_strict)


@dataclass(frozen=True, slots=True)
class Videos:
    """Jobs and files of stored videos in an opened data directory.

    ``adapters`` is what the use cases need, ``objects`` where videos come from, ``files`` what was fetched of them;
    ``record_clock`` tells the time of entries of the ledger, which of several servers is the database's.
    """

    settings: Settings
    clock: Clock
    jobs: SqlJobStore
    files: MediaFiles
    adapters: VideoAdapters
    objects: BucketObjects
    wake: Wake
    record_clock: Clock
    lock: DecoderLock = field(default_factory=DecoderLock)

    def health(self) -> dict[str, object]:
        """What ``/healthz`` tells of stored video."""
        layers = self.lock.layers
        return {} if layers is None else {"video": {"decoder_lock": list(layers)}}


def open_videos(settings: Settings, database: Database, objects: BucketObjects, clock: Clock) -> Videos:
    """Open the store of jobs. Files of jobs that are over are removed."""
    master = open_master(database, settings.data, os.urandom)
    shared = DatabaseTime(database) if settings.node else None
    jobs = SqlJobStore.open(database, master, JobLimits(), clock, shared or callers_time)
    files, wake = MediaFiles(settings.data, objects), Wake()
    files.remove_unless(partial(_is_open, jobs))
    tells = bool(settings.job_webhook)
    adapters = VideoAdapters(jobs, files, video_limits(settings), new_job_id, wake, tells)
    return Videos(settings, clock, jobs, files, adapters, objects, wake, shared or clock)


def _is_open(jobs: JobStore, job_id: JobId) -> bool:
    job = jobs.find(None, job_id)
    return job is not None and job.is_open


def schedule_videos(work: Videos) -> tuple[Schedule, ...]:
    """Messages of jobs that are over; ends of those whose time is over; files that nobody needs any more."""
    sender = JobMessages(_targets(work.settings), completion_message, work.clock)
    delivery = NoticeDelivery(work.jobs, work.jobs, sender, work.clock)

    def sweep() -> bool:
        work.jobs.sweep(work.clock.now_ms())
        work.files.remove_unless(partial(_is_open, work.jobs))
        uploads.remove_before(work.settings.data, (work.clock.now_ms() - JobLimits().kept_ms) / 1000)
        return False

    return (
        Schedule("decoder lock", _LOCK_MS, work.lock.look, at_start=True),
        Schedule("job notices", _NOTICES_MS, delivery.deliver),
        Schedule("job sweep", _SWEEP_MS, sweep),
    )


@dataclass(frozen=True, slots=True)
class VideoWork:
    """What jobs are carried out with; ``ledger`` is the record of use, ``memory`` what all networks share."""

    videos: Videos
    ports: Ports
    operations: Operations
    gate: Gate
    ledger: ServerLedger | None
    memory: RunMemory


@contextmanager
def video_workers(work: VideoWork) -> Iterator[JobWorkers]:
    """Carry out jobs until the end of the block."""
    videos, ports, settings = work.videos, work.ports, work.videos.settings
    charged: ChargedParts = NothingCharged() if work.ledger is None else LedgerCharges(work.ledger.log)
    engines = VideoEngines(
        ports.engine.for_video(),
        ports.sight.labels,
        ports.sight.moderation,
        ports.text,
        ports.gallery,
        work.operations.celebrities,
        AwsResultFormat(),
    )
    parts = VideoParts(
        engines,
        LockedDecoder(),
        StructureProbe(video_limits(settings)),
        videos.adapters.objects,
        charged,
        videos.clock,
        lambda: RequestId(str(uuid.uuid4())),
        VideoSettings(
            Fraction(settings.video_samples_per_second),
            rates=settings.video_rates,
            part_ms=settings.video_part_s * 1000,
            frames_at_once=min(_MAX_FRAMES_AT_ONCE, 1 + (os.cpu_count() or 1) // 2),
        ),
        series=work.memory.series,
    )
    handler = VideoJobs(work.gate, parts)
    workers = JobWorkers(
        videos.jobs,
        recorded_under_claims(dict.fromkeys(START_COMMANDS, handler)),
        videos.clock,
        WorkerSettings("video", settings.video_workers),
    )
    with closing(workers):
        workers.start()
        videos.wake.workers = workers
        try:
            yield workers
        finally:
            videos.wake.workers = None


def _targets(settings: Settings) -> MessageTargets:
    return MessageTargets(
        settings.region,
        settings.sns_endpoint,
        settings.sns_access_key_id,
        settings.sns_secret_access_key,
        settings.job_webhook,
        settings.job_webhook_secret,
    )
