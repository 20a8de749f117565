"""What the end of a server interrupted, told when the next one starts. In: a store. Out: records that say so."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from custodes.projects.entities import INTERRUPTED, Dataset, DatasetStatus, Version, VersionStatus
from custodes.projects.ports import ProjectStore
from custodes.projects.records import ProjectRecordKind

MESSAGE = "The server stopped before this was done."
_FAILED = {
    DatasetStatus.CREATE_IN_PROGRESS: DatasetStatus.CREATE_FAILED,
    DatasetStatus.UPDATE_IN_PROGRESS: DatasetStatus.UPDATE_FAILED,
}


def settle_interrupted(store: ProjectStore) -> None:
    """Give everything that is in between two states the state that it is in now. Trainings are jobs, and go on."""
    for record in store.listing(None, ProjectRecordKind.DATASET):
        dataset = cast("Dataset", record.value)
        if dataset.status in _FAILED:
            status = _FAILED[dataset.status]
            changed = replace(dataset, status=status, message=MESSAGE, message_code="SERVICE_ERROR")
            store.exchange(replace(record, value=changed))
        elif dataset.status is DatasetStatus.DELETE_IN_PROGRESS:
            store.drop(record)
    for record in store.listing(None, ProjectRecordKind.VERSION):
        version = cast("Version", record.value)
        if version.status in INTERRUPTED:
            changed_version = replace(version, status=INTERRUPTED[version.status], message=MESSAGE)
            store.exchange(replace(record, value=changed_version))
        elif version.status is VersionStatus.DELETING:
            store.drop(record)
