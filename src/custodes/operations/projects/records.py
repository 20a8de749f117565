"""What the use cases ask of the store: records that must be there, and changes that nobody else makes meanwhile.

In: keys. Out: typed records; errors in the words of the API. It decides nothing about states.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TypeVar, cast

from custodes.core.errors import InUseError
from custodes.operations.projects.arns import arn_of, not_found
from custodes.projects.entities import Dataset, DatasetKey, DatasetStats, Project, ProjectKey, Version, VersionKey
from custodes.projects.ports import ProjectStore
from custodes.projects.records import ProjectRecord, ProjectRecordKind, Value, dataset_name, version_name

IN_USE = "Specified resource is in use."
V = TypeVar("V", Project, Dataset, Version)


class ProjectRecords:
    """Typed access to one store."""

    def __init__(self, store: ProjectStore, region: str) -> None:
        """Look in ``store``; ``region`` is for names in errors."""
        self.store = store
        self.region = region

    def project(self, key: ProjectKey) -> ProjectRecord:
        """The project's record. Raises NotFoundError."""
        return self._found(key, self.store.find(key.account_id, ProjectRecordKind.PROJECT, key.name))

    def dataset(self, key: DatasetKey) -> ProjectRecord:
        """The dataset's record. Raises NotFoundError."""
        found = self.store.find(key.account_id, ProjectRecordKind.DATASET, dataset_name(key.project, key.kind))
        return self._found(key, found)

    def version(self, key: VersionKey) -> ProjectRecord:
        """The version's record. Raises NotFoundError."""
        found = self.store.find(key.account_id, ProjectRecordKind.VERSION, version_name(key.project, key.name))
        return self._found(key, found)

    def versions(self, project: ProjectKey) -> list[Version]:
        """Versions of a project, oldest first."""
        found = self.store.listing(project.account_id, ProjectRecordKind.VERSION, project.name)
        return [cast("Version", record.value) for record in found]

    def datasets(self, project: ProjectKey) -> list[Dataset]:
        """Datasets of a project, oldest first."""
        found = self.store.listing(project.account_id, ProjectRecordKind.DATASET, project.name)
        return [cast("Dataset", record.value) for record in found]

    def numbers(self, key: DatasetKey) -> tuple[DatasetStats, dict[str, tuple[int, int]]]:
        """Numbers of a dataset's entries, and of entries and boxes of each label."""
        total = labeled = errors = 0
        entries, boxes = Counter[str](), Counter[str]()
        for found in self.store.entries(key):
            entry = found.entry
            total, labeled = total + 1, labeled + entry.labeled
            errors += bool(entry.errors)
            entries.update(entry.label_names)
            boxes.update(box.name for box in entry.boxes)
        names = {name: (entries[name], boxes[name]) for name in entries}
        return DatasetStats(total, labeled, errors, len(names)), names

    def change(self, record: ProjectRecord, value: Value) -> ProjectRecord:
        """Keep ``value`` in place of what ``record`` holds. Raises InUseError where somebody else changed it."""
        changed = replace(record, value=value)
        if not self.store.exchange(changed):
            raise InUseError(IN_USE)
        return replace(changed, revision=record.revision + 1)

    def _found(self, key: ProjectKey | DatasetKey | VersionKey, record: ProjectRecord | None) -> ProjectRecord:
        # Something of the same name that was made at another time is something else.
        if record is None or record.created_ts_ms != key.created_ts_ms:
            raise not_found(arn_of(self.region, key))
        return record
