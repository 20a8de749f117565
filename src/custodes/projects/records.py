"""What a store keeps of projects: records by kind and name, and their bytes.

In: entities. Out: JSON, and back. Which names must be unique is decided here. It stores nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from custodes.core.ids import AccountId
from custodes.projects.entities import (
    Dataset,
    DatasetType,
    Project,
    ProjectPolicy,
    Version,
)

Value = Project | Dataset | Version | ProjectPolicy


class ProjectRecordKind(StrEnum):
    """Kinds of records."""

    PROJECT = "project"
    DATASET = "dataset"
    VERSION = "version"
    POLICY = "policy"


@dataclass(frozen=True, slots=True)
class ProjectRecord:
    """One record.

    Attributes:
        kind, name: unique within the account.
        project: name of the project that it belongs to.
        created_ts_ms: when it was made, for the order of listings.
        value: what is kept.
        revision: raised by every change.
    """

    account_id: AccountId
    kind: ProjectRecordKind
    name: str
    project: str
    created_ts_ms: int
    value: Value
    revision: int = 0


def dataset_name(project: str, kind: DatasetType) -> str:
    """A project has one dataset of each type."""
    return f"{project}/{kind.lower()}"


def version_name(project: str, name: str) -> str:
    """Versions of a project have different names."""
    return f"{project}/{name}"


policy_name = version_name
"""So have its policies."""


def record_of(value: Value, revision: int = 0) -> ProjectRecord:
    """The record of ``value``."""
    if isinstance(value, Project):
        key = value.key
        return ProjectRecord(
            key.account_id, ProjectRecordKind.PROJECT, key.name, key.name, key.created_ts_ms, value, revision
        )
    if isinstance(value, ProjectPolicy):
        owner, name = value.project, policy_name(value.project.name, value.name)
        return ProjectRecord(
            owner.account_id, ProjectRecordKind.POLICY, name, owner.name, value.created_ts_ms, value, revision
        )
    if isinstance(value, Dataset):
        place, kind = value.key, ProjectRecordKind.DATASET
        name = dataset_name(place.project, place.kind)
        return ProjectRecord(place.account_id, kind, name, place.project, place.created_ts_ms, value, revision)
    at = value.key
    name = version_name(at.project, at.name)
    return ProjectRecord(at.account_id, ProjectRecordKind.VERSION, name, at.project, at.created_ts_ms, value, revision)


_KINDS: Mapping[ProjectRecordKind, type[Value]] = {
    ProjectRecordKind.PROJECT: Project,
    ProjectRecordKind.DATASET: Dataset,
    ProjectRecordKind.VERSION: Version,
    ProjectRecordKind.POLICY: ProjectPolicy,
}


def encode(value: Value) -> bytes:
    """JSON of ``value``."""
    return msgspec.json.encode(value)


def decode(kind: ProjectRecordKind, data: bytes) -> Value:
    """What ``encode`` wrote. Raises ValueError for anything else."""
    try:
        return msgspec.json.decode(data, type=_KINDS[kind])
    except msgspec.DecodeError as error:
        raise ValueError(f"this is no {kind.value}: {error}") from error
