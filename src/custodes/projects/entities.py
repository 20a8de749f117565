"""Projects, datasets, versions of models and policies of projects: what is known of each, and their states.

In and out: frozen values. Keys are what stands in an ARN behind ``project/``; they are made here and nowhere else. It
stores nothing and knows no pictures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from custodes.core.ids import AccountId


class ProjectFeature(StrEnum):
    """What a project trains (API enum ``CustomizationFeature``)."""

    CUSTOM_LABELS = "CUSTOM_LABELS"
    CONTENT_MODERATION = "CONTENT_MODERATION"


class ProjectStatus(StrEnum):
    """State of a project."""

    CREATING = "CREATING"
    CREATED = "CREATED"
    DELETING = "DELETING"


class DatasetType(StrEnum):
    """What a dataset is for."""

    TRAIN = "TRAIN"
    TEST = "TEST"


class DatasetStatus(StrEnum):
    """State of a dataset."""

    CREATE_IN_PROGRESS = "CREATE_IN_PROGRESS"
    CREATE_COMPLETE = "CREATE_COMPLETE"
    CREATE_FAILED = "CREATE_FAILED"
    UPDATE_IN_PROGRESS = "UPDATE_IN_PROGRESS"
    UPDATE_COMPLETE = "UPDATE_COMPLETE"
    UPDATE_FAILED = "UPDATE_FAILED"
    DELETE_IN_PROGRESS = "DELETE_IN_PROGRESS"


class VersionStatus(StrEnum):
    """State of a version."""

    TRAINING_IN_PROGRESS = "TRAINING_IN_PROGRESS"
    TRAINING_COMPLETED = "TRAINING_COMPLETED"
    TRAINING_FAILED = "TRAINING_FAILED"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    FAILED = "FAILED"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"
    DELETING = "DELETING"
    COPYING_IN_PROGRESS = "COPYING_IN_PROGRESS"
    COPYING_COMPLETED = "COPYING_COMPLETED"
    COPYING_FAILED = "COPYING_FAILED"
    DEPRECATED = "DEPRECATED"
    EXPIRED = "EXPIRED"


BUSY_DATASET = frozenset(
    {DatasetStatus.CREATE_IN_PROGRESS, DatasetStatus.UPDATE_IN_PROGRESS, DatasetStatus.DELETE_IN_PROGRESS}
)
READY_DATASET = frozenset({DatasetStatus.CREATE_COMPLETE, DatasetStatus.UPDATE_COMPLETE, DatasetStatus.UPDATE_FAILED})
STARTABLE = frozenset(
    {
        VersionStatus.TRAINING_COMPLETED,
        VersionStatus.STOPPED,
        VersionStatus.COPYING_COMPLETED,
        VersionStatus.FAILED,
    }
)
"""Statuses from which a version may be started."""
DELETABLE = STARTABLE | {
    VersionStatus.TRAINING_FAILED,
    VersionStatus.COPYING_FAILED,
    VersionStatus.DEPRECATED,
    VersionStatus.EXPIRED,
}
"""Statuses in which a version may be deleted."""
TRAINED = STARTABLE | {VersionStatus.STARTING, VersionStatus.RUNNING, VersionStatus.STOPPING}
"""Statuses in which a version has weights."""
INTERRUPTED: Mapping[VersionStatus, VersionStatus] = {
    VersionStatus.STARTING: VersionStatus.STOPPED,
    VersionStatus.STOPPING: VersionStatus.STOPPED,
    VersionStatus.COPYING_IN_PROGRESS: VersionStatus.COPYING_FAILED,
}
"""What becomes of a state that the end of a server interrupted."""


@dataclass(frozen=True, slots=True)
class S3Place:
    """An object of a bucket, or with an empty name a prefix of one."""

    bucket: str
    name: str = ""
    version: str | None = None


@dataclass(frozen=True, slots=True)
class ProjectKey:
    """A project: its account, its name and when it was created, milliseconds since the epoch."""

    account_id: AccountId
    name: str
    created_ts_ms: int

    @property
    def path(self) -> str:
        """Behind ``project/`` in its ARN."""
        return f"{self.name}/{self.created_ts_ms}"


@dataclass(frozen=True, slots=True)
class DatasetKey:
    """A dataset of a project."""

    account_id: AccountId
    project: str
    kind: DatasetType
    created_ts_ms: int

    @property
    def path(self) -> str:
        """Behind ``project/`` in its ARN."""
        return f"{self.project}/dataset/{self.kind.lower()}/{self.created_ts_ms}"


@dataclass(frozen=True, slots=True)
class VersionKey:
    """A version of a project's model."""

    account_id: AccountId
    project: str
    name: str
    created_ts_ms: int

    @property
    def path(self) -> str:
        """Behind ``project/`` in its ARN."""
        return f"{self.project}/version/{self.name}/{self.created_ts_ms}"


@dataclass(frozen=True, slots=True)
class Project:
    """A project.

    Attributes:
        auto_update: of adapters: whether they follow new base models.
        tags: as given at creation.
    """

    key: ProjectKey
    feature: ProjectFeature = ProjectFeature.CUSTOM_LABELS
    auto_update: bool | None = None
    status: ProjectStatus = ProjectStatus.CREATED
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DatasetStats:
    """Numbers of entries: all, with labels, with errors; and of different labels."""

    total: int = 0
    labeled: int = 0
    errors: int = 0
    labels: int = 0


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset; its entries are kept apart.

    Attributes:
        message: on its last change; ``message_code`` says whose fault a failure was.
        names: its labels, each with the number of entries and of boxes.
    """

    key: DatasetKey
    status: DatasetStatus
    updated_ts_ms: int
    message: str = ""
    message_code: str = "SUCCESS"
    stats: DatasetStats = DatasetStats()
    names: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VersionResult:
    """What training left behind.

    Attributes:
        f1: over all labels, 0 to 1.
        summary, manifest: reports in the bucket of the output.
        training, testing: manifests of what was trained and tested on, with what the model said.
        validation: lines with errors of both, empty where there are none.
        sources_sha256: digest over the sources' references and contents, in hexadecimal.
        sources: how many pictures it was trained on.
    """

    f1: float | None = None
    summary: S3Place | None = None
    manifest: S3Place | None = None
    training: S3Place | None = None
    testing: S3Place | None = None
    validation: tuple[S3Place | None, S3Place | None] = (None, None)
    sources_sha256: str = ""
    sources: int = 0


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a project's model.

    Attributes:
        output: where reports go.
        train, test: manifests that were given instead of datasets.
        auto_split: whether a fifth of the training data is the test data.
        datasets: paths of the datasets it is trained from, where no manifests were given.
        threshold_pct: of an adapter, from which on moderation labels count.
        backbone: which frozen network its features come from.
        names: its labels; ``thresholds`` (0 to 1) from which on each is told where a request does not say.
        source_arn: of the version that it is a copy of.
        job_id: of its training.
        erased_ts_ms: when data that it was trained on were erased; its weights are still there.
        erased_sources: of how many of its pictures that is known, one by one.
    """

    key: VersionKey
    status: VersionStatus
    feature: ProjectFeature
    output: S3Place
    message: str = ""
    train: tuple[S3Place, ...] = ()
    test: tuple[S3Place, ...] = ()
    auto_split: bool = False
    datasets: tuple[str, ...] = ()
    kms_key: str | None = None
    description: str | None = None
    threshold_pct: float | None = None
    backbone: str = ""
    base_model: str | None = None
    names: tuple[str, ...] = ()
    thresholds: tuple[float, ...] = ()
    trained_ts_ms: int | None = None
    trained_s: int | None = None
    min_units: int | None = None
    max_units: int | None = None
    result: VersionResult = VersionResult()
    source_arn: str | None = None
    job_id: str | None = None
    erased_ts_ms: int | None = None
    erased_sources: int = 0
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProjectPolicy:
    """A policy document on a project, that lets others copy its versions."""

    project: ProjectKey
    name: str
    revision: str
    document: str
    created_ts_ms: int
    updated_ts_ms: int
