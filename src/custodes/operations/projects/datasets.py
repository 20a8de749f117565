"""What is done with datasets: made, filled, listed, split, erased. In: commands within the gate. Out: entities, pages.

Manifests are read within the request: whoever asks for the state afterwards finds it decided. The states in between are
kept all the same, so that a server that dies in between leaves a dataset that says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypeVar, cast

from custodes.core.errors import (
    AlreadyExistsError,
    ImageTooLargeError,
    InUseError,
    InvalidParameterError,
    NotUsableError,
)
from custodes.core.pages import PageTokens
from custodes.operations.images.ports import ObjectStore, S3Object
from custodes.operations.projects.arns import dataset_key, project_key
from custodes.operations.projects.commands import (
    INVALID,
    CreateDataset,
    DeleteDataset,
    DescribeDataset,
    DistributeDatasetEntries,
    ListDatasetEntries,
    ListDatasetLabels,
    UpdateDatasetEntries,
)
from custodes.operations.projects.records import IN_USE, ProjectRecords
from custodes.operations.projects.upkeep.erasure import ErasedSources, source_digest
from custodes.operations.requests.gate import Permit
from custodes.projects.content import MAX_LINES
from custodes.projects.entities import (
    BUSY_DATASET,
    READY_DATASET,
    Dataset,
    DatasetKey,
    DatasetStatus,
    DatasetType,
    Project,
    ProjectFeature,
    Version,
)
from custodes.projects.manifest import ManifestLine, read_manifest
from custodes.projects.records import ProjectRecord, ProjectRecordKind, record_of
from custodes.projects.split import test_places

MAX_MANIFEST_BYTES = 256 * 1024 * 1024
"""The API's own limit is 1 GB; a manifest is held in memory while it is read."""
PAGE = 100
_BATCH = 1000
CLIENT_ERROR = "CLIENT_ERROR"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class EntriesListed:
    """A page of entries as they are listed."""

    lines: Sequence[str]
    next_token: str | None


@dataclass(frozen=True, slots=True)
class LabelsListed:
    """A page of labels with their numbers of entries and boxes."""

    labels: Sequence[tuple[str, int, int]]
    next_token: str | None


class Datasets:
    """Handles operations on datasets."""

    def __init__(self, records: ProjectRecords, objects: ObjectStore, pages: PageTokens) -> None:
        """Keep datasets in ``records``; manifests are in ``objects``."""
        self._records = records
        self._objects = objects
        self._pages = pages

    def create(self, permit: Permit, command: CreateDataset) -> DatasetKey:
        """Raises AlreadyExistsError where the project has one of this type, ObjectStoreError for no manifest."""
        caller = permit.context.caller
        owner = project_key(caller, command.arn)
        project = cast("Project", self._records.project(owner).value)
        source = None if command.copy_of is None else self._ready(dataset_key(caller, command.copy_of))
        text, message = (None, "") if command.manifest is None else self._manifest(command.manifest)
        key = DatasetKey(owner.account_id, owner.name, command.kind, permit.context.ts_ms)
        dataset = Dataset(key, DatasetStatus.CREATE_IN_PROGRESS, permit.context.ts_ms, tags=dict(command.tags))
        if not self._records.store.add(record_of(dataset)):
            raise AlreadyExistsError("The project has a dataset of this type already.")
        record = self._records.dataset(key)
        entries: Iterator[ManifestLine] = iter(())
        if text is not None:
            entries = read_manifest(text, adapter=project.feature is ProjectFeature.CONTENT_MODERATION)
        elif source is not None:
            entries = (found.entry for found in self._records.store.entries(source.key))
        message = message or self._fill(key, entries, manifest=text is not None)
        status = DatasetStatus.CREATE_FAILED if message else DatasetStatus.CREATE_COMPLETE
        self._end(record, status, message or "The dataset was created.", permit.context.ts_ms)
        return key

    def describe(self, permit: Permit, command: DescribeDataset) -> Dataset:
        """The dataset."""
        return self._dataset(dataset_key(permit.context.caller, command.arn))[1]

    def list_entries(self, permit: Permit, command: ListDatasetEntries) -> EntriesListed:
        """In the order in which they came."""
        dataset = self._ready(dataset_key(permit.context.caller, command.arn))
        filters = (
            ",".join(sorted(command.contains_labels)),
            str(command.labeled),
            command.source_contains or "",
            str(command.has_errors),
        )
        scope = (command.operation, dataset.key.account_id, dataset.key.path, *filters)
        after = 0 if command.next_token is None else self._pages.read_row(scope, command.next_token)
        found = self._records.store.entries(dataset.key, after, labeled=command.labeled)
        passing = ((one.number, one.entry) for one in found if _passes(one.entry, command))
        page = list(islice(passing, (command.max_results or PAGE) + 1))
        kept = page[: command.max_results or PAGE]
        token = self._pages.issue(scope, kept[-1][0]) if len(page) > len(kept) else None
        return EntriesListed([entry.listed() for _, entry in kept], token)

    def list_labels(self, permit: Permit, command: ListDatasetLabels) -> LabelsListed:
        """By name."""
        dataset = self._ready(dataset_key(permit.context.caller, command.arn))
        scope = (command.operation, dataset.key.account_id, dataset.key.path)
        start = 0 if command.next_token is None else self._pages.read_row(scope, command.next_token)
        end = start + (command.max_results or PAGE)
        names = sorted(dataset.names.items())
        token = self._pages.issue(scope, end) if end < len(names) else None
        return LabelsListed([(name, *counts) for name, counts in names[start:end]], token)

    def update(self, permit: Permit, command: UpdateDatasetEntries) -> None:
        """All lines or none; why none is in the state. Raises InUseError while the dataset is busy."""
        key = dataset_key(permit.context.caller, command.arn)
        record, dataset = self._dataset(key)
        _require_idle(dataset)
        project = cast("Project", self._project_of(key).value)
        record = self._records.change(record, replace(dataset, status=DatasetStatus.UPDATE_IN_PROGRESS))
        message = ""
        try:
            text = command.lines.decode("utf-8")
        except UnicodeDecodeError:
            text, message = "", "The changes are not UTF-8."
        entries = list(read_manifest(text, adapter=project.feature is ProjectFeature.CONTENT_MODERATION))
        unsourced = [number for number, entry in enumerate(entries, 1) if not entry.source]
        if not entries and not message:
            message = "The changes have no lines."
        elif unsourced:
            message = f"Line {unsourced[0]}: {entries[unsourced[0] - 1].errors[0].message}"
        elif dataset.stats.total + len(entries) > MAX_LINES:
            message = f"A dataset can have at most {MAX_LINES} entries."
        if not message:
            self._records.store.put_entries(key, entries)
        status = DatasetStatus.UPDATE_FAILED if message else DatasetStatus.UPDATE_COMPLETE
        self._end(record, status, message or "The dataset was updated.", permit.context.ts_ms)

    def distribute(self, permit: Permit, command: DistributeDatasetEntries) -> None:
        """Move a fifth of the training entries, stratified by label, to the empty test dataset."""
        keys = [dataset_key(permit.context.caller, arn) for arn in command.arns]
        kinds = {key.kind: key for key in keys}
        if len(keys) != 2 or len(kinds) != 2 or len({key.project for key in keys}) != 1:
            raise InvalidParameterError("A training and a test dataset of one project are expected.")
        train, test = kinds[DatasetType.TRAIN], kinds[DatasetType.TEST]
        (first, training), (second, testing) = self._dataset(train), self._dataset(test)
        for dataset in (training, testing):
            if dataset.status not in READY_DATASET:
                raise NotUsableError("The dataset is not ready.")
        if testing.stats.total:
            raise InvalidParameterError("The test dataset must be empty.")
        first = self._records.change(first, replace(training, status=DatasetStatus.UPDATE_IN_PROGRESS))
        second = self._records.change(second, replace(testing, status=DatasetStatus.UPDATE_IN_PROGRESS))
        found = list(self._records.store.entries(train))
        places = test_places([one.entry.label_names for one in found])
        self._records.store.move_entries(train, test, [found[place].number for place in places])
        for record in (first, second):
            self._end(record, DatasetStatus.UPDATE_COMPLETE, "The entries were distributed.", permit.context.ts_ms)

    def delete(self, permit: Permit, command: DeleteDataset) -> None:
        """Erase it; versions that were trained from it say so from now on. Raises InUseError while it is busy."""
        key = dataset_key(permit.context.caller, command.arn)
        record, dataset = self._dataset(key)
        _require_idle(dataset)
        sources = frozenset(source_digest(found.entry.source) for found in self._records.store.entries(key))
        record = self._records.change(record, replace(dataset, status=DatasetStatus.DELETE_IN_PROGRESS))
        self._records.store.drop(record)
        if key.kind is DatasetType.TRAIN:
            ErasedSources(self._records).tell(sources, permit.context.ts_ms)
        for version in self._records.store.listing(key.account_id, ProjectRecordKind.VERSION, key.project):
            value = cast("Version", version.value)
            if key.path in value.datasets and value.erased_ts_ms is None:
                self._records.change(version, replace(value, erased_ts_ms=permit.context.ts_ms))

    def _manifest(self, place: S3Object) -> tuple[str | None, str]:
        """Its text, or why the dataset fails. Raises ObjectStoreError where it cannot be read."""
        try:
            data = self._objects.read(place, MAX_MANIFEST_BYTES)
        except ImageTooLargeError:
            return None, "The manifest file size exceeds the maximum supported size."
        if not data.strip():
            return None, "The manifest file is empty."
        try:
            return data.decode("utf-8"), ""
        except UnicodeDecodeError:
            return None, "The manifest file extension or contents are invalid."

    def _fill(self, key: DatasetKey, entries: Iterator[ManifestLine], *, manifest: bool) -> str:
        """Keep all of ``entries``; why that failed, empty where it did not."""
        lines = readable = 0
        for batch in _batches(entries, _BATCH):
            lines += len(batch)
            readable += sum(bool(entry.source) for entry in batch)
            if lines > MAX_LINES:
                return f"The manifest file has more than {MAX_LINES} lines."
            self._records.store.put_entries(key, batch)
        return "The manifest file extension or contents are invalid." if manifest and not readable else ""

    def _end(self, record: ProjectRecord, status: DatasetStatus, message: str, now_ms: int) -> None:
        """The change is over: numbers of entries are those of now."""
        dataset = cast("Dataset", record.value)
        stats, names = self._records.numbers(dataset.key)
        failed = status in (DatasetStatus.CREATE_FAILED, DatasetStatus.UPDATE_FAILED)
        self._records.change(
            record,
            replace(
                dataset,
                status=status,
                updated_ts_ms=now_ms,
                message=message,
                message_code=CLIENT_ERROR if failed else "SUCCESS",
                stats=stats,
                names=names,
            ),
        )

    def _dataset(self, key: DatasetKey) -> tuple[ProjectRecord, Dataset]:
        record = self._records.dataset(key)
        return record, cast("Dataset", record.value)

    def _ready(self, key: DatasetKey) -> Dataset:
        dataset = self._dataset(key)[1]
        if dataset.status in BUSY_DATASET:
            raise InUseError(IN_USE)
        if dataset.status not in READY_DATASET:
            raise NotUsableError("The dataset is not ready.")
        return dataset

    def _project_of(self, key: DatasetKey) -> ProjectRecord:
        found = self._records.store.find(key.account_id, ProjectRecordKind.PROJECT, key.project)
        if found is None:
            raise InvalidParameterError(INVALID)
        return found


def _require_idle(dataset: Dataset) -> None:
    if dataset.status in BUSY_DATASET:
        raise InUseError(IN_USE)


def _passes(entry: ManifestLine, command: ListDatasetEntries) -> bool:
    if command.contains_labels and not entry.label_names & set(command.contains_labels):
        return False
    if command.source_contains is not None and command.source_contains not in entry.source:
        return False
    return command.has_errors is None or command.has_errors == bool(entry.errors)


def _batches(items: Iterator[T], size: int) -> Iterator[list[T]]:
    while batch := list(islice(items, size)):
        yield batch
