"""The commands of custom labels, by the API's names. Properties, resources and facts for rules are declared here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from custodes.core.errors import InvalidParameterError
from custodes.operations.collections.tags import check_tags
from custodes.operations.images.ports import S3Object
from custodes.operations.images.sources import ImageInput
from custodes.operations.requests.arn import partition
from custodes.operations.requests.command import Command
from custodes.operations.requests.context import Caller
from custodes.operations.requests.properties import CHANGES, READS, Properties, Reveals, Unit
from custodes.projects.entities import DatasetType, ProjectFeature, S3Place
from custodes.projects.protected import SensitiveContent, trait_of

INVALID = "Request has invalid parameters"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArnCommand(Command):
    """A request on the project, dataset or version that ``arn`` names."""

    arn: str

    def resource(self, caller: Caller) -> str:  # noqa: ARG002 - the ARN names its account itself
        """The ARN as given."""
        return self.arn


def naming(names: tuple[str, ...]) -> dict[str, object]:
    """Facts about labels, for rules: their names, and whether one of them is about a protected trait."""
    return {"label_names": list(names), "custom_labels": str(trait_of(names))}


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateProject(Command):
    """Make a project."""

    operation: ClassVar[str] = "CreateProject"
    properties: ClassVar[Properties] = CHANGES
    name: str
    feature: ProjectFeature = ProjectFeature.CUSTOM_LABELS
    auto_update: bool | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    def resource(self, caller: Caller) -> str:
        """The project, whose time of creation is not known yet."""
        region = caller.region
        return f"arn:{partition(region)}:rekognition:{region}:{caller.account_id}:project/{self.name}/*"

    def facts(self) -> Mapping[str, object]:
        """Tags asked for."""
        return {"request_tags": dict(self.tags)}

    def check(self) -> None:
        """AutoUpdate belongs to adapters, and only to them."""
        check_tags(self.tags)
        if (self.auto_update is None) == (self.feature is ProjectFeature.CONTENT_MODERATION):
            raise InvalidParameterError("AutoUpdate is required for, and valid only with, CONTENT_MODERATION")


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeProjects(Command):
    """List projects."""

    operation: ClassVar[str] = "DescribeProjects"
    properties: ClassVar[Properties] = READS
    names: tuple[str, ...] = ()
    features: tuple[ProjectFeature, ...] = (ProjectFeature.CUSTOM_LABELS,)
    max_results: int | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteProject(ArnCommand):
    """Delete a project without versions."""

    operation: ClassVar[str] = "DeleteProject"
    properties: ClassVar[Properties] = CHANGES


@dataclass(frozen=True, slots=True, kw_only=True)
class PutProjectPolicy(ArnCommand):
    """Attach a policy document to a project."""

    operation: ClassVar[str] = "PutProjectPolicy"
    properties: ClassVar[Properties] = CHANGES
    name: str
    document: str
    revision: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListProjectPolicies(ArnCommand):
    """List the policy documents of a project."""

    operation: ClassVar[str] = "ListProjectPolicies"
    properties: ClassVar[Properties] = READS
    max_results: int | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteProjectPolicy(ArnCommand):
    """Take a policy document away."""

    operation: ClassVar[str] = "DeleteProjectPolicy"
    properties: ClassVar[Properties] = CHANGES
    name: str
    revision: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateDataset(ArnCommand):
    """Make a dataset of a project: empty, from a manifest, or as a copy."""

    operation: ClassVar[str] = "CreateDataset"
    properties: ClassVar[Properties] = CHANGES
    kind: DatasetType
    manifest: S3Object | None = None
    copy_of: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    sourced: bool = False

    def facts(self) -> Mapping[str, object]:
        """Tags asked for."""
        return {"request_tags": dict(self.tags)}

    def check(self) -> None:
        """At most one source, and one where the request has a member for it."""
        check_tags(self.tags)
        given = (self.manifest is not None) + (self.copy_of is not None)
        if given > 1 or (self.sourced and not given):
            raise InvalidParameterError(INVALID)


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeDataset(ArnCommand):
    """State and numbers of a dataset."""

    operation: ClassVar[str] = "DescribeDataset"
    properties: ClassVar[Properties] = READS


@dataclass(frozen=True, slots=True, kw_only=True)
class ListDatasetEntries(ArnCommand):
    """Entries of a dataset, filtered. Filters that are not given let everything pass."""

    operation: ClassVar[str] = "ListDatasetEntries"
    properties: ClassVar[Properties] = READS
    contains_labels: tuple[str, ...] = ()
    labeled: bool | None = None
    source_contains: str | None = None
    has_errors: bool | None = None
    max_results: int | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListDatasetLabels(ArnCommand):
    """Labels of a dataset."""

    operation: ClassVar[str] = "ListDatasetLabels"
    properties: ClassVar[Properties] = READS
    max_results: int | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateDatasetEntries(ArnCommand):
    """Add lines, or put them in the place of those with the same source."""

    operation: ClassVar[str] = "UpdateDatasetEntries"
    properties: ClassVar[Properties] = CHANGES
    lines: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DistributeDatasetEntries(Command):
    """Move a fifth of the training entries to the empty test dataset."""

    operation: ClassVar[str] = "DistributeDatasetEntries"
    properties: ClassVar[Properties] = CHANGES
    arns: tuple[str, ...]

    def resource(self, caller: Caller) -> str:  # noqa: ARG002 - the ARN names its account itself
        """The first dataset."""
        return self.arns[0] if self.arns else "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteDataset(ArnCommand):
    """Erase a dataset."""

    operation: ClassVar[str] = "DeleteDataset"
    properties: ClassVar[Properties] = CHANGES


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateProjectVersion(ArnCommand):
    """Train a version. Also the command of each part of a training, with ``job`` and ``part``.

    Attributes:
        sets: whether the request gives manifests instead of using the project's datasets.
        train, test: these manifests.
        auto_create: a fifth of the training data becomes the test data.
        label_names: as far as they are known yet.
        faces: whether what is trained on shows faces most of all; known once it was looked at.
    """

    operation: ClassVar[str] = "CreateProjectVersion"
    properties: ClassVar[Properties] = Properties(Reveals.NOTHING, changes=True, unit=Unit.IMAGE)
    name: str
    output: S3Place
    train: tuple[S3Place, ...] | None = None
    test: tuple[S3Place, ...] | None = None
    auto_create: bool = False
    kms_key: str | None = None
    description: str | None = None
    threshold_pct: float | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    job: str | None = None
    part: int | None = None
    faces: bool = False
    label_names: tuple[str, ...] = ()

    def facts(self) -> Mapping[str, object]:
        """Tags, labels, and which part of which job, if it is one."""
        about = naming(self.label_names)
        if self.faces and about["custom_labels"] == str(SensitiveContent.NONE):
            about["custom_labels"] = str(SensitiveContent.FACES)
        parts = {} if self.part is None else {"job": self.job, "part": self.part}
        return {"request_tags": dict(self.tags), **about, **parts}

    def check(self) -> None:
        """Training and test data are given both or neither; a bucket for results."""
        check_tags(self.tags)
        if (self.train is None) != (self.test is None and not self.auto_create):
            raise InvalidParameterError("TrainingData and TestingData are given both or neither")
        if self.train is not None and not self.train:
            raise InvalidParameterError("TrainingData needs an asset")
        if self.auto_create and self.test:
            raise InvalidParameterError("TestingData has either assets or AutoCreate")
        if not self.output.bucket:
            raise InvalidParameterError("OutputConfig needs a bucket")


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeProjectVersions(ArnCommand):
    """List versions of a project."""

    operation: ClassVar[str] = "DescribeProjectVersions"
    properties: ClassVar[Properties] = READS
    names: tuple[str, ...] = ()
    max_results: int | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyProjectVersion(Command):
    """Copy a trained version to another project, maybe of another account."""

    operation: ClassVar[str] = "CopyProjectVersion"
    properties: ClassVar[Properties] = CHANGES
    source_project: str
    source_version: str
    destination: str
    name: str
    output: S3Place
    kms_key: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    label_names: tuple[str, ...] = ()

    def resource(self, caller: Caller) -> str:  # noqa: ARG002 - the ARN names its account itself
        """The project that it goes to."""
        return self.destination

    def facts(self) -> Mapping[str, object]:
        """Tags and labels."""
        return {"request_tags": dict(self.tags), **naming(self.label_names)}

    def check(self) -> None:
        """No reserved tags."""
        check_tags(self.tags)


@dataclass(frozen=True, slots=True, kw_only=True)
class StartProjectVersion(ArnCommand):
    """Begin to serve a version."""

    operation: ClassVar[str] = "StartProjectVersion"
    properties: ClassVar[Properties] = CHANGES
    min_units: int
    max_units: int | None = None
    label_names: tuple[str, ...] = ()

    def facts(self) -> Mapping[str, object]:
        """Its labels."""
        return naming(self.label_names)

    def check(self) -> None:
        """No fewer units at most than at least."""
        if self.max_units is not None and self.max_units < self.min_units:
            raise InvalidParameterError("MaxInferenceUnits must not be less than MinInferenceUnits")


@dataclass(frozen=True, slots=True, kw_only=True)
class StopProjectVersion(ArnCommand):
    """Stop serving a version."""

    operation: ClassVar[str] = "StopProjectVersion"
    properties: ClassVar[Properties] = CHANGES


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteProjectVersion(ArnCommand):
    """Erase a version with its weights."""

    operation: ClassVar[str] = "DeleteProjectVersion"
    properties: ClassVar[Properties] = CHANGES


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectCustomLabels(ArnCommand):
    """Ask a running version about one picture; ``None`` stands for what the request leaves to the version."""

    operation: ClassVar[str] = "DetectCustomLabels"
    properties: ClassVar[Properties] = Properties(Reveals.NOTHING, changes=False, unit=Unit.IMAGE)
    image: ImageInput
    max_results: int | None = None
    min_confidence_pct: float | None = None
    label_names: tuple[str, ...] = ()

    def facts(self) -> Mapping[str, object]:
        """The version's labels."""
        return naming(self.label_names)

    def check(self) -> None:
        """One source."""
        self.image.check()
