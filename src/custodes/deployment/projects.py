"""Custom labels over a data directory: the store of projects, workers that train.

In: settings and opened rooms. Out: what the use cases need, and workers. Nothing is decided here.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from custodes.core.clock import Clock
from custodes.core.ids import RequestId
from custodes.deployment.record.claims import recorded_under_claims
from custodes.deployment.record.ledger import ServerLedger
from custodes.deployment.video import LedgerCharges, Videos, Wake, new_job_id
from custodes.edge.aws.translate.images.moderation import found_output
from custodes.jobs.ports import JobHandler
from custodes.jobs.worker import JobWorkers, WorkerSettings
from custodes.operations.catalogue import Operations
from custodes.operations.media.run import MediaJobs, MediaParts
from custodes.operations.media.use_cases import OPERATION as MEDIA_ANALYSIS
from custodes.operations.projects.training import TrainingJobs, TrainingParts
from custodes.operations.projects.trainings import OPERATION
from custodes.operations.projects.upkeep.interrupted import settle_interrupted
from custodes.operations.projects.use_cases import ProjectAdapters
from custodes.operations.requests.gate import Gate
from custodes.operations.video.ports import ChargedParts, NothingCharged
from custodes.settings import Settings
from custodes.storage.objects.buckets import BucketObjects
from custodes.storage.objects.outputs import OutputBuckets
from custodes.storage.sql.database import Database
from custodes.storage.sql.master import open_master
from custodes.storage.sql.projects import SqlProjectStore


@dataclass(frozen=True, slots=True)
class CustomLabelling:
    """Projects in an opened data directory; ``wake`` tells workers that there is a job."""

    settings: Settings
    clock: Clock
    objects: BucketObjects
    outputs: OutputBuckets
    adapters: ProjectAdapters
    wake: Wake


def open_projects(
    settings: Settings, database: Database, videos: Videos, outputs: OutputBuckets, clock: Clock
) -> CustomLabelling:
    """Open the store of projects; what the end of a server interrupted says so from now on."""
    store = SqlProjectStore(database, open_master(database, settings.data, os.urandom), os.urandom)
    settle_interrupted(store)
    wake = Wake()
    adapters = ProjectAdapters(
        store, videos.jobs, outputs, settings.region, new_job_id, wake, float(settings.training_wait_s)
    )
    return CustomLabelling(settings, clock, videos.objects, outputs, adapters, wake)


@contextmanager
def training_workers(
    work: CustomLabelling, operations: Operations, gate: Gate, ledger: ServerLedger | None
) -> Iterator[JobWorkers]:
    """Train until the end of the block; ``ledger`` is the record of use."""
    charged: ChargedParts = NothingCharged() if ledger is None else LedgerCharges(ledger.log)
    found = operations.projects
    parts = TrainingParts(
        found.trainings,
        found.sources,
        found.study,
        found.reporting,
        charged,
        work.clock,
        lambda: RequestId(str(uuid.uuid4())),
    )
    media = MediaParts(
        operations.moderation,
        work.objects,
        work.outputs,
        work.adapters.jobs,
        charged,
        found_output,
        work.clock,
        parts.request_ids,
    )
    handlers: dict[str, JobHandler] = {OPERATION: TrainingJobs(gate, parts), MEDIA_ANALYSIS: MediaJobs(gate, media)}
    workers = JobWorkers(
        work.adapters.jobs,
        recorded_under_claims(handlers),
        work.clock,
        WorkerSettings("training", work.settings.training_workers),
    )
    with closing(workers):
        workers.start()
        work.wake.workers = workers
        try:
            yield workers
        finally:
            work.wake.workers = None
