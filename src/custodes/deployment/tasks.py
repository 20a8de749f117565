"""Tasks over a data directory: who begins them, and workers that carry them out.

In: the store of jobs. Out: what the use cases need, and workers. Nothing is decided here.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from custodes.core.clock import Clock
from custodes.core.ids import AccountId, RequestId
from custodes.deployment.record.claims import recorded_under_claims
from custodes.deployment.storage.objects import object_lister
from custodes.deployment.video import LedgerCharges, Videos, VideoWork, Wake, new_job_id
from custodes.gallery.neighbours import Products
from custodes.governance.accounts.account import Status
from custodes.jobs.ports import JobHandler
from custodes.jobs.schedule import HOUR_MS, Schedule, regularly
from custodes.jobs.worker import JobWorkers, WorkerSettings
from custodes.operations.accounts.directory import AccountDirectory
from custodes.operations.bulk.enrolment import BulkEnrolmentJobs
from custodes.operations.bulk.part import BulkParts
from custodes.operations.catalogue import Operations, Ports
from custodes.operations.requests.gate import Gate
from custodes.operations.tasks.commands import TASKS, StartBulkEnrolment
from custodes.operations.tasks.compute import TaskParts
from custodes.operations.tasks.ports import Executors
from custodes.operations.tasks.regular import RegularParts, RegularTasks
from custodes.operations.tasks.run import TaskJobs
from custodes.operations.tasks.use_cases import TaskAdapters
from custodes.operations.video.ports import ChargedParts, NothingCharged


@dataclass(frozen=True, slots=True)
class CollectionTasks:
    """Tasks of an opened data directory; ``at_once`` of them are worked on at the same time."""

    adapters: TaskAdapters
    wake: Wake
    clock: Clock
    at_once: int
    executors: Executors


def open_tasks(videos: Videos, clock: Clock, at_once: int, executors: Executors) -> CollectionTasks:
    """Tasks are jobs of the one store."""
    wake = Wake()
    adapters = TaskAdapters(videos.jobs, new_job_id, wake, executors.require)
    return CollectionTasks(adapters, wake, clock, at_once, executors)


def schedule_tasks(
    work: CollectionTasks, ports: Ports, operations: Operations, gate: Gate, directory: AccountDirectory, region: str
) -> Schedule:
    """Tasks that collections want every few days."""

    def accounts() -> list[AccountId]:
        return [one.account_id for one in directory.accounts() if one.status is Status.ACTIVE]

    parts = RegularParts(
        gate,
        operations.tasks,
        ports.gallery,
        work.adapters.jobs,
        accounts,
        work.clock,
        lambda: RequestId(str(uuid.uuid4())),
        region,
    )
    return Schedule("regular tasks", HOUR_MS, regularly(RegularTasks(parts).begin))


def byte_products() -> Products:
    """What multiplies bytes; opened when a task begins, since few servers have any."""
    from custodes.engine.runtime.session import ByteProducts
    from custodes.models.importers.graphs.byte_products import byte_products_model

    return ByteProducts(byte_products_model())


@contextmanager
def task_workers(work: CollectionTasks, whole: VideoWork) -> Iterator[JobWorkers]:
    """Carry tasks out until the end of the block."""
    ports = whole.ports
    parts = TaskParts(
        ports.engine,
        ports.gallery,
        ports.false_match_rate,
        os.cpu_count() or 1,
        products=byte_products,
        executors=work.executors,
    )
    handler = TaskJobs(whole.gate, parts, work.clock, lambda: RequestId(str(uuid.uuid4())))
    handlers: dict[str, JobHandler] = {
        **dict.fromkeys(TASKS, handler),
        StartBulkEnrolment.operation: _enrolment(work, whole),
    }
    workers = JobWorkers(
        work.adapters.jobs, recorded_under_claims(handlers), work.clock, WorkerSettings("tasks", work.at_once)
    )
    with closing(workers):
        workers.start()
        work.wake.workers = workers
        try:
            yield workers
        finally:
            work.wake.workers = None


def _enrolment(work: CollectionTasks, whole: VideoWork) -> BulkEnrolmentJobs:
    """Who carries out bulk enrolments."""
    ports = whole.ports
    charged: ChargedParts = NothingCharged() if whole.ledger is None else LedgerCharges(whole.ledger.log)
    parts = BulkParts(
        ports.engine,
        ports.gallery,
        whole.operations.enrolment,
        ports.objects,
        object_lister(whole.videos.settings),
        work.adapters.jobs,
        charged,
        work.executors,
        whole.videos.record_clock,
        lambda: RequestId(str(uuid.uuid4())),
    )
    return BulkEnrolmentJobs(whole.gate, parts)
