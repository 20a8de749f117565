"""What is done with versions: trained, described, started, stopped, copied, deleted, asked. Commands in, entities out.

A training is a job; whoever creates a version is answered once it is over, or after a while, so that a client's first
look at it finds it trained where that is quick. Start, stop, copy and deletion are over when they are answered; the
states in between are kept, so that a server that dies in between leaves versions that say so.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import cast

from custodes.core.box import Size
from custodes.core.errors import (
    DeniedError,
    InUseError,
    InvalidParameterError,
    NotFoundError,
    NotSupportedError,
    NotUsableError,
    ObjectStoreError,
    UnavailableError,
)
from custodes.core.ids import AccountId
from custodes.core.pages import PageTokens
from custodes.engine.ports import CustomLabelEngine
from custodes.engine.results.custom import CustomLabel, TrainedModel
from custodes.governance.iam.document import DocumentKind, parse_document
from custodes.governance.iam.evaluate import AccessRequest, Policies, evaluate
from custodes.operations.images.ports import ObjectWriter
from custodes.operations.images.sources import CUSTOM_LABEL_RULES, Pictures
from custodes.operations.projects.arns import key_of_arn, project_key, version_key
from custodes.operations.projects.commands import (
    CopyProjectVersion,
    CreateProjectVersion,
    DeleteProjectVersion,
    DescribeProjectVersions,
    DetectCustomLabels,
    StartProjectVersion,
    StopProjectVersion,
)
from custodes.operations.projects.projects import COPY
from custodes.operations.projects.records import ProjectRecords
from custodes.operations.projects.trainings import Trainings
from custodes.operations.projects.upkeep.erasure import SOURCES
from custodes.operations.requests.gate import Permit
from custodes.projects.entities import (
    DELETABLE,
    READY_DATASET,
    STARTABLE,
    TRAINED,
    DatasetType,
    Project,
    ProjectFeature,
    ProjectKey,
    ProjectPolicy,
    S3Place,
    Version,
    VersionKey,
    VersionStatus,
)
from custodes.projects.records import ProjectRecord, ProjectRecordKind, record_of

PAGE = 100
WEIGHTS = "weights"
MAX_OPEN = 8
BACKBONE_TAG = "custodes:backbone"
"""Tag of CreateProjectVersion that names the frozen network that a version's features come from."""
"""Opened models that are kept; the one that was asked longest ago makes room."""
_ALLOW_ALL = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}'


@dataclass(frozen=True, slots=True)
class VersionsListed:
    """A page of versions."""

    versions: Sequence[Version]
    next_token: str | None


@dataclass(frozen=True, slots=True)
class CustomLabelsDetected:
    """Labels of a picture of ``size``, surest first."""

    size: Size
    labels: Sequence[CustomLabel]


class OpenModels:
    """Opened models of running versions, a few at a time."""

    def __init__(self, engine: Callable[[], CustomLabelEngine], records: ProjectRecords) -> None:
        """Open with ``engine`` what is kept in ``records``."""
        self._engine = engine
        self._records = records
        self._lock = Lock()
        self._opened: OrderedDict[VersionKey, TrainedModel] = OrderedDict()

    def model(self, key: VersionKey) -> TrainedModel:
        """The opened model. Raises UnavailableError when its weights are not there or damaged."""
        with self._lock:
            found = self._opened.get(key)
            if found is not None:
                self._opened.move_to_end(key)
                return found
        weights = self._records.store.part(key, WEIGHTS)
        if weights is None:
            raise UnavailableError("the weights of this version are not here")
        opened = self._engine().open(weights)
        with self._lock:
            self._opened[key] = opened
            while len(self._opened) > MAX_OPEN:
                self._opened.popitem(last=False)
        return opened

    def forget(self, key: VersionKey) -> None:
        """Close it."""
        with self._lock:
            self._opened.pop(key, None)


class Versions:
    """Handles operations on versions."""

    def __init__(
        self,
        records: ProjectRecords,
        models: OpenModels,
        pages: PageTokens,
        trainings: Trainings,
        writer: ObjectWriter,
    ) -> None:
        """Keep versions in ``records``; ``trainings`` makes them, what it reports is written by ``writer``."""
        self._records = records
        self._models = models
        self._pages = pages
        self._trainings = trainings
        self._writer = writer

    def create(self, permit: Permit, command: CreateProjectVersion) -> VersionKey:
        """Raises InUseError where the name is taken, InvalidParameterError where there is nothing to train on."""
        caller = permit.context.caller
        owner = project_key(caller, command.arn)
        project = cast("Project", self._records.project(owner).value)
        adapter = project.feature is ProjectFeature.CONTENT_MODERATION
        if command.threshold_pct is not None and not adapter:
            raise InvalidParameterError("ContentModeration does not go with a project of custom labels")
        self._check_output(owner.account_id, command.output)
        key = VersionKey(owner.account_id, owner.name, command.name, permit.context.ts_ms)
        version = Version(
            key,
            VersionStatus.TRAINING_IN_PROGRESS,
            project.feature,
            command.output,
            "The model is being trained.",
            train=command.train or (),
            test=command.test or (),
            auto_split=command.auto_create,
            datasets=() if command.train else self._datasets(owner),
            kms_key=command.kms_key,
            description=command.description,
            threshold_pct=command.threshold_pct if not adapter else (command.threshold_pct or 50.0),
            backbone=self._backbone(command.tags.get(BACKBONE_TAG)),
            base_model=self._trainings.base_model() if adapter else None,
            tags=dict(command.tags),
        )
        self._trainings.begin(permit, command, version)
        return key

    def _backbone(self, name: str | None) -> str:
        """The network that a tag asks for; empty for the default. Raises InvalidParameterError where it is not here."""
        if name is None:
            return ""
        engine = self._trainings.engine()
        if name not in engine.backbones:
            raise InvalidParameterError(f"{BACKBONE_TAG} is one of {', '.join(engine.backbones)}.")
        try:
            engine.require_backbone(name)
        except UnavailableError as error:
            raise InvalidParameterError(f"Training with {name} needs its file: {error.message}") from error
        return name

    def _check_output(self, account_id: AccountId, output: S3Place) -> None:
        try:
            self._writer.check(account_id, output.bucket)
        except ObjectStoreError as error:
            raise InvalidParameterError(f"Unable to write to the output S3 bucket. {error.message}") from error

    def _datasets(self, owner: ProjectKey) -> tuple[str, ...]:
        """Paths of the training and the test dataset. Raises InvalidParameterError where one is missing."""
        found = {dataset.key.kind: dataset for dataset in self._records.datasets(owner)}
        if set(found) != set(DatasetType):
            raise InvalidParameterError("The project needs a training and a test dataset, or manifests are to be given")
        for dataset in found.values():
            if dataset.status not in READY_DATASET:
                raise InUseError("A dataset of the project is not ready.")
        return (found[DatasetType.TRAIN].key.path, found[DatasetType.TEST].key.path)

    def describe(self, permit: Permit, command: DescribeProjectVersions) -> VersionsListed:
        """Newest first."""
        key = project_key(permit.context.caller, command.arn)
        self._records.project(key)
        records = self._records.store.listing(key.account_id, ProjectRecordKind.VERSION, key.name)
        settled = [self._trainings.settled(record) for record in reversed(records)]
        found = [v for v in settled if not command.names or v.key.name in command.names]
        scope = (command.operation, key.account_id, key.path, ",".join(sorted(command.names)))
        start = 0 if command.next_token is None else self._pages.read_row(scope, command.next_token)
        end = start + (command.max_results or PAGE)
        token = self._pages.issue(scope, end) if end < len(found) else None
        return VersionsListed(found[start:end], token)

    def start(self, permit: Permit, command: StartProjectVersion) -> VersionStatus:
        """Running when this returns, or failed. Raises InUseError in other states."""
        record, version = self._version(permit, command.arn)
        if version.feature is ProjectFeature.CONTENT_MODERATION:
            raise InvalidParameterError("An adapter is not started: name it in DetectModerationLabels")
        if version.status not in STARTABLE:
            raise InUseError(f"The version is {version.status}.")
        starting = replace(
            version, status=VersionStatus.STARTING, min_units=command.min_units, max_units=command.max_units
        )
        record = self._records.change(record, starting)
        try:
            self._models.model(version.key)
            ended = replace(starting, status=VersionStatus.RUNNING, message="The model is running.")
        except UnavailableError as error:
            ended = replace(starting, status=VersionStatus.FAILED, message=error.message)
        self._records.change(record, ended)
        return VersionStatus.STARTING

    def stop(self, permit: Permit, command: StopProjectVersion) -> VersionStatus:
        """Stopped when this returns. Raises InUseError unless it runs."""
        record, version = self._version(permit, command.arn)
        if version.status is not VersionStatus.RUNNING:
            raise InUseError(f"The version is {version.status}.")
        record = self._records.change(record, replace(version, status=VersionStatus.STOPPING))
        self._models.forget(version.key)
        stopped = replace(
            version, status=VersionStatus.STOPPED, message="The model is stopped.", min_units=None, max_units=None
        )
        self._records.change(record, stopped)
        return VersionStatus.STOPPING

    def delete(self, permit: Permit, command: DeleteProjectVersion) -> VersionStatus:
        """Erase it. Raises InUseError while it runs or is trained."""
        record, version = self._version(permit, command.arn)
        if version.status not in DELETABLE:
            raise InUseError(f"The version is {version.status}.")
        record = self._records.change(record, replace(version, status=VersionStatus.DELETING))
        self._models.forget(version.key)
        self._records.store.drop(record)
        return VersionStatus.DELETING

    def copy(self, permit: Permit, command: CopyProjectVersion) -> VersionKey:
        """Copied when this returns.

        Raises:
            NotFoundError: the source is not there; so it is told to those who may not copy it.
            NotUsableError: it is not trained.
        """
        caller = permit.context.caller
        source_project = project_key(caller, command.source_project, foreign=True)
        source = version_key(caller, command.source_version, foreign=True)
        target = project_key(caller, command.destination)
        if (source.account_id, source.project) != (source_project.account_id, source_project.name):
            raise InvalidParameterError("The version is not one of the source project")
        self._require_permission(permit, source_project, command.source_version)
        self._records.project(source_project)
        version = cast("Version", self._records.version(source).value)
        project = cast("Project", self._records.project(target).value)
        if ProjectFeature.CONTENT_MODERATION in (version.feature, project.feature):
            raise InvalidParameterError("Adapters cannot be copied")
        if version.status not in TRAINED:
            raise InvalidParameterError("The source version is not trained")
        weights = self._records.store.part(source, WEIGHTS)
        if weights is None:
            raise NotUsableError("The source version has no weights.")
        self._check_output(target.account_id, command.output)
        key = VersionKey(target.account_id, target.name, command.name, permit.context.ts_ms)
        copied = replace(
            version,
            key=key,
            status=VersionStatus.COPYING_IN_PROGRESS,
            message="The model is being copied.",
            output=command.output,
            kms_key=command.kms_key,
            datasets=(),
            train=(),
            test=(),
            min_units=None,
            max_units=None,
            trained_ts_ms=permit.context.ts_ms,
            trained_s=None,
            source_arn=command.source_version,
            tags=dict(command.tags),
        )
        if not self._records.store.add(record_of(copied)):
            raise InUseError("The project has a version of this name already.")
        self._records.store.put_part(key, WEIGHTS, weights)
        self._records.store.put_part(key, SOURCES, self._records.store.part(source, SOURCES) or b"")
        record = self._records.version(key)
        done = replace(copied, status=VersionStatus.COPYING_COMPLETED, message="The model was copied.")
        self._records.change(record, done)
        return key

    def detect(self, permit: Permit, command: DetectCustomLabels, pictures: Pictures) -> CustomLabelsDetected:
        """What a running version says. Raises NotUsableError for one that does not run."""
        _, version = self._version(permit, command.arn)
        if version.status is not VersionStatus.RUNNING:
            raise NotUsableError("The version is not running. Start it with StartProjectVersion.")
        image = pictures.load(command.image, CUSTOM_LABEL_RULES)
        permit.tally.images += 1
        found = self._trainings.engine().detect(permit.slot, image, self._models.model(version.key))
        kept = [label for label in found if label.confidence_pct >= _least(label, version, command)]
        kept = kept if command.max_results is None else kept[: command.max_results]
        permit.tally.add(custom_labels_detected=len(kept))
        return CustomLabelsDetected(image.size, kept)

    def names(self, arn: str) -> tuple[str, ...]:
        """Labels of a version, for rules; empty where there is no such version, which the use case then says."""
        key = key_of_arn(arn)
        if not isinstance(key, VersionKey):
            return ()
        try:
            version = cast("Version", self._records.version(key).value)
        except (NotFoundError, NotSupportedError):
            return ()
        # An adapter says no other names than moderation does.
        return () if version.feature is ProjectFeature.CONTENT_MODERATION else version.names

    def project_names(self, arn: str) -> tuple[str, ...]:
        """Labels of the datasets of a project, for rules; empty where there is no such project."""
        key = key_of_arn(arn)
        if not isinstance(key, ProjectKey):
            return ()
        try:
            found = self._records.store.find(key.account_id, ProjectRecordKind.PROJECT, key.name)
            if found is None or cast("Project", found.value).feature is ProjectFeature.CONTENT_MODERATION:
                return ()  # an adapter says no other names than moderation does
            return tuple(sorted({name for dataset in self._records.datasets(key) for name in dataset.names}))
        except NotSupportedError:  # the use case says so, on record
            return ()

    def _version(self, permit: Permit, arn: str) -> tuple[ProjectRecord, Version]:
        key = version_key(permit.context.caller, arn)
        self._trainings.settled(self._records.version(key))
        record = self._records.version(key)
        return record, cast("Version", record.value)

    def _require_permission(self, permit: Permit, source: ProjectKey, version_arn: str) -> None:
        """Whether the policies of the source project let the caller copy. Raises DeniedError."""
        caller = permit.context.caller
        found = self._records.store.listing(source.account_id, ProjectRecordKind.POLICY, source.name)
        documents = tuple(
            parse_document(f"project/{policy.name}", policy.document, DocumentKind.RESOURCE, (COPY,))
            for policy in (cast("ProjectPolicy", record.value) for record in found)
            if policy.project == source
        )
        # That the caller's own policies allow it was decided by the gate.
        own = parse_document("own", _ALLOW_ALL, DocumentKind.IDENTITY, (COPY,))
        request = AccessRequest(caller.arn, caller.account_id, f"rekognition:{COPY}", version_arn, {})
        if not evaluate(request, Policies((own,), documents)).allowed:
            raise DeniedError(
                f"User: {caller.arn} is not authorized to perform: rekognition:{COPY} on resource: {version_arn}"
            )


def _least(label: CustomLabel, version: Version, command: DetectCustomLabels) -> float:
    """From which confidence on a label is told."""
    if command.min_confidence_pct is not None:
        return command.min_confidence_pct
    return 100.0 * dict(zip(version.names, version.thresholds, strict=False)).get(label.name, 0.5)
