"""Tags of projects, datasets and versions: each is kept with what has it. In: an ARN. Out: tags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import cast

from custodes.operations.projects.arns import parse_key
from custodes.operations.projects.records import ProjectRecords
from custodes.operations.requests.context import Caller
from custodes.projects.entities import Dataset, DatasetKey, Project, ProjectKey, Version
from custodes.projects.records import ProjectRecord


@dataclass(frozen=True, slots=True)
class ProjectTags:
    """Implements ``TaggedProjects`` over records."""

    records: ProjectRecords

    def tags(self, caller: Caller, arn: str) -> dict[str, str]:
        """See TaggedProjects."""
        return dict(_tagged(self._record(caller, arn)).tags)

    def put_tags(self, caller: Caller, arn: str, tags: Mapping[str, str]) -> None:
        """See TaggedProjects."""
        record = self._record(caller, arn)
        self.records.change(record, replace(_tagged(record), tags=dict(tags)))

    def _record(self, caller: Caller, arn: str) -> ProjectRecord:
        key = parse_key(caller, arn)
        if isinstance(key, ProjectKey):
            return self.records.project(key)
        return self.records.dataset(key) if isinstance(key, DatasetKey) else self.records.version(key)


def _tagged(record: ProjectRecord) -> Project | Dataset | Version:
    return cast("Project | Dataset | Version", record.value)
