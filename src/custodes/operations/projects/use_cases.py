"""All use cases of custom labels in one value, built from the ports they need. It keeps no state of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from custodes.core.errors import NotSupportedError
from custodes.core.pages import PageTokens
from custodes.engine.ports import CustomLabelEngine, FaceEngine, ModerationEngine
from custodes.jobs.job import JobId
from custodes.jobs.ports import JobStore
from custodes.operations.images.ports import ObjectStore, ObjectWriter
from custodes.operations.images.sources import Pictures
from custodes.operations.projects.adapters import VersionAdapters
from custodes.operations.projects.commands import DetectCustomLabels
from custodes.operations.projects.datasets import Datasets
from custodes.operations.projects.projects import Projects
from custodes.operations.projects.records import ProjectRecords
from custodes.operations.projects.reporting import Reporting
from custodes.operations.projects.sources import TrainingSources
from custodes.operations.projects.study import Study
from custodes.operations.projects.tags import ProjectTags
from custodes.operations.projects.trainings import Trainings
from custodes.operations.projects.versions import CustomLabelsDetected, OpenModels, Versions
from custodes.operations.requests.gate import Permit
from custodes.projects.ports import ProjectStore


@dataclass(frozen=True, slots=True)
class ProjectAdapters:
    """Where custom labels are kept and worked on.

    Attributes:
        jobs: jobs that are carried out by workers of this server or another.
        writer: puts reports into buckets.
        region: of the server, for ARNs.
        new_id: makes ids of jobs.
        wake: tells workers that there is a job.
        wait_s: for how long a request that trains waits for the end.
    """

    store: ProjectStore
    jobs: JobStore
    writer: ObjectWriter
    region: str
    new_id: Callable[[], JobId]
    wake: Callable[[], None]
    wait_s: float = 10.0


@dataclass(frozen=True, slots=True)
class ProjectEngines:
    """What looks at pictures. Those that are opened when first asked are functions."""

    custom: Callable[[], CustomLabelEngine]
    moderation: Callable[[], ModerationEngine]
    faces: FaceEngine


class CustomLabels:
    """Handles DetectCustomLabels."""

    def __init__(self, versions: Versions, pictures: Pictures) -> None:
        """Ask ``versions`` about what ``pictures`` loads."""
        self._versions = versions
        self._pictures = pictures

    def detect(self, permit: Permit, command: DetectCustomLabels) -> CustomLabelsDetected:
        """See Versions.detect."""
        return self._versions.detect(permit, command, self._pictures)


@dataclass(frozen=True, slots=True)
class ProjectOperations:
    """The use cases by family, and what trainings need."""

    projects: Projects
    datasets: Datasets
    versions: Versions
    labels: CustomLabels
    trainings: Trainings
    sources: TrainingSources
    study: Study
    reporting: Reporting
    adapters: VersionAdapters
    tags: ProjectTags


def build_projects(
    adapters: ProjectAdapters | None, engines: ProjectEngines, objects: ObjectStore, pages: PageTokens
) -> ProjectOperations:
    """Connect the use cases to ``adapters``; without any, every operation is refused when it is asked."""
    given = adapters or absent()
    records = ProjectRecords(given.store, given.region)
    trainings = Trainings(
        records,
        given.jobs,
        given.new_id,
        given.wake,
        engines.custom,
        lambda: engines.moderation().model_version,
        given.wait_s,
    )
    models = OpenModels(engines.custom, records)
    versions = Versions(records, models, pages, trainings, given.writer)
    sources = TrainingSources(records, objects)
    return ProjectOperations(
        projects=Projects(records, pages),
        datasets=Datasets(records, objects, pages),
        versions=versions,
        labels=CustomLabels(versions, Pictures(objects)),
        trainings=trainings,
        sources=sources,
        study=Study(sources, engines.custom, engines.faces, engines.moderation),
        reporting=Reporting(given.writer, given.region),
        adapters=VersionAdapters(records, models, engines.custom),
        tags=ProjectTags(records),
    )


class Absent:
    """Stands where this server was put together without a store of projects."""

    def __getattr__(self, name: str) -> object:
        """Refuse, whatever is asked."""
        raise NotSupportedError("This server was put together without custom labels.")


def absent() -> ProjectAdapters:
    """Adapters that refuse everything."""
    nothing: Any = Absent()
    return ProjectAdapters(nothing, nothing, nothing, "", _refuse, nothing)


def _refuse() -> JobId:
    raise NotSupportedError("This server was put together without custom labels.")
