"""What a store keeps of projects: records by kind and name, and their bytes.

In: entities. Out: JSON, and back. Which names must be unique is decided here. It stores nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import orjson

from custodes.core.ids import AccountId
from custodes.projects.entities import (
    Dataset,
    DatasetKey,
    DatasetStats,
    DatasetStatus,
    DatasetType,
    Project,
    ProjectFeature,
    ProjectKey,
    ProjectPolicy,
    ProjectStatus,
    S3Place,
    Version,
    VersionKey,
    VersionResult,
    VersionStatus,
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


def encode(value: Value) -> bytes:
    """JSON of ``value``."""
    return orjson.dumps(asdict(value))


def decode(kind: ProjectRecordKind, data: bytes) -> Value:
    """What ``encode`` wrote. Raises ValueError, KeyError or TypeError for anything else."""
    found: Value = _DECODERS[kind](orjson.loads(data))
    return found


def _project(found: dict[str, Any]) -> Project:
    key = ProjectKey(**found.pop("key"))
    feature, status = ProjectFeature(found.pop("feature")), ProjectStatus(found.pop("status"))
    return Project(key=key, feature=feature, status=status, **found)


def _dataset_key(found: Mapping[str, Any]) -> DatasetKey:
    return DatasetKey(**{**found, "kind": DatasetType(found["kind"])})


def _dataset(found: dict[str, Any]) -> Dataset:
    key, status = _dataset_key(found.pop("key")), DatasetStatus(found.pop("status"))
    stats = DatasetStats(**found.pop("stats"))
    names = {name: (int(entries), int(boxes)) for name, (entries, boxes) in found.pop("names").items()}
    return Dataset(key=key, status=status, stats=stats, names=names, **found)


def _place(found: Mapping[str, Any] | None) -> S3Place | None:
    return None if found is None else S3Place(**found)


def _result(found: dict[str, Any]) -> VersionResult:
    places: dict[str, Any] = {name: _place(found.pop(name)) for name in ("summary", "manifest", "training", "testing")}
    first, second = found.pop("validation")
    return VersionResult(**places, validation=(_place(first), _place(second)), **found)


def _version(found: dict[str, Any]) -> Version:
    lists: dict[str, Any] = {name: tuple(S3Place(**one) for one in found.pop(name)) for name in ("train", "test")}
    return Version(
        key=VersionKey(**found.pop("key")),
        status=VersionStatus(found.pop("status")),
        feature=ProjectFeature(found.pop("feature")),
        output=S3Place(**found.pop("output")),
        datasets=tuple(found.pop("datasets")),
        names=tuple(found.pop("names")),
        thresholds=tuple(found.pop("thresholds")),
        result=_result(found.pop("result")),
        **lists,
        **found,
    )


def _policy(found: dict[str, Any]) -> ProjectPolicy:
    return ProjectPolicy(project=ProjectKey(**found.pop("project")), **found)


_DECODERS: Mapping[ProjectRecordKind, Any] = {
    ProjectRecordKind.PROJECT: _project,
    ProjectRecordKind.DATASET: _dataset,
    ProjectRecordKind.VERSION: _version,
    ProjectRecordKind.POLICY: _policy,
}
