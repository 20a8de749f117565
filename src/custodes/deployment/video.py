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

import orjson

from custodes.core.clock import Clock
from custodes.core.ids import RequestId
from custodes.deployment.ledger import ServerLedger
from custodes.edge.aws.translate.video_format import AwsResultFormat
from custodes.jobs.job import JobId, JobLimits
from custodes.jobs.outbox import NoticeDelivery
from custodes.jobs.schedule import Schedule, Scheduler, regularly
from custodes.jobs.worker import Workers, WorkerSettings
from custodes.ledger.tlog.entry import decode
from custodes.ledger.writer.log import LedgerLog
from custodes.operations.catalogue import Operations, Ports
from custodes.operations.requests.gate import Gate
from custodes.operations.video.analysis import VideoEngines
from custodes.operations.video.commands import START_COMMANDS
from custodes.operations.video.notices import completion_message
from custodes.operations.video.ports import ChargedParts, NothingCharged
from custodes.operations.video.run import VideoJobs, VideoParts, VideoSettings
from custodes.operations.video.use_cases import VideoAdapters
from custodes.settings import Settings
from custodes.storage.media.decoder import LockedDecoder
from custodes.storage.media.files import MediaFiles, StructureProbe
from custodes.storage.messages.sns import JobMessages, MessageTargets
from custodes.storage.objects.buckets import BucketObjects
from custodes.storage.sql.database import Database
from custodes.storage.sql.jobs import SqlJobStore
from custodes.storage.sql.master import open_master
from custodes.video.facts import VideoLimits

_NOTICES_MS, _SWEEP_MS = 1_000, 60_000
_SHOWN_JOBS = 1_000_000


@dataclass(slots=True)
class Wake:
    """Tells workers of a new job once there are any."""

    workers: Workers | None = field(default=None)

    def __call__(self) -> None:
        """Look for jobs now."""
        if self.workers is not None:
            self.workers.wake()


class LedgerCharges:
    """Implements ``ChargedParts`` by reading the ledger backwards; asked only after a crash."""

    def __init__(self, log: LedgerLog) -> None:
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

    ``adapters`` is what the use cases need, ``objects`` where videos come from.
    """

    settings: Settings
    clock: Clock
    jobs: SqlJobStore
    adapters: VideoAdapters
    objects: BucketObjects
    wake: Wake


def open_videos(settings: Settings, database: Database, objects: BucketObjects, clock: Clock) -> Videos:
    """Open the store of jobs. Files of jobs that are over are removed."""
    jobs = SqlJobStore.open(database, open_master(database, settings.data, os.urandom), JobLimits(), clock)
    files, wake = MediaFiles(settings.data, objects), Wake()
    open_jobs = jobs.listing(None, open_only=True, limit=_SHOWN_JOBS)
    files.keep_only({job.request.job_id for job in open_jobs})
    adapters = VideoAdapters(jobs, files, video_limits(settings), new_job_id, wake)
    return Videos(settings, clock, jobs, adapters, objects, wake)


@contextmanager
def video_workers(
    work: Videos, ports: Ports, operations: Operations, gate: Gate, ledger: ServerLedger | None
) -> Iterator[Workers]:
    """Carry out jobs and send their messages until the end of the block; ``ledger`` is the record of use."""
    settings = work.settings
    charged: ChargedParts = NothingCharged() if ledger is None else LedgerCharges(ledger.log)
    engines = VideoEngines(
        ports.engine,
        ports.sight.labels,
        ports.sight.moderation,
        ports.text,
        ports.gallery,
        operations.celebrities,
        AwsResultFormat(),
    )
    parts = VideoParts(
        engines,
        LockedDecoder(),
        StructureProbe(video_limits(settings)),
        work.adapters.objects,
        charged,
        work.clock,
        lambda: RequestId(str(uuid.uuid4())),
        VideoSettings(Fraction(settings.video_samples_per_second), settings.video_part_s * 1000),
    )
    handler = VideoJobs(gate, parts)
    workers = Workers(
        work.jobs,
        dict.fromkeys(START_COMMANDS, handler),
        work.clock,
        WorkerSettings("video", settings.video_workers),
    )
    sender = JobMessages(_targets(settings), completion_message, work.clock)
    delivery = NoticeDelivery(work.jobs, work.jobs, sender, work.clock)
    schedules = (
        Schedule("job notices", _NOTICES_MS, delivery.deliver),
        Schedule("job sweep", _SWEEP_MS, regularly(lambda: work.jobs.sweep(work.clock.now_ms()))),
    )
    with closing(Scheduler(schedules, work.clock)) as scheduler, closing(workers):
        workers.start()
        scheduler.start()
        work.wake.workers = workers
        try:
            yield workers
        finally:
            work.wake.workers = None


def _targets(settings: Settings) -> MessageTargets:
    return MessageTargets(
        settings.region,
        settings.sns_endpoint,
        settings.sns_access_key_id,
        settings.sns_secret_access_key,
        settings.job_webhook,
        settings.job_webhook_secret,
    )
