"""What custom labels need from outside: a store of records, of datasets' entries, and of what training keeps.

Every adapter passes the same contract suite. Methods return once a change would survive a power cut, and raise
UnavailableError where nothing was changed. What is kept is encrypted, and what is dropped cannot be read any more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from custodes.core.ids import AccountId
from custodes.projects.entities import DatasetKey, VersionKey
from custodes.projects.manifest import ManifestLine
from custodes.projects.records import ProjectRecord, ProjectRecordKind


@dataclass(frozen=True, slots=True)
class NumberedEntry:
    """An entry of a dataset with its number, which rises in the order in which entries came."""

    number: int
    entry: ManifestLine


class ProjectStore(Protocol):
    """Durable records, entries and parts."""

    def add(self, record: ProjectRecord) -> bool:
        """Keep a new record; False, and nothing changed, where its kind and name exist already."""
        ...

    def find(self, account_id: AccountId, kind: ProjectRecordKind, name: str) -> ProjectRecord | None:
        """The record, or None where there is none."""
        ...

    def exchange(self, record: ProjectRecord) -> bool:
        """Keep ``record`` in place of the one of its revision; False where somebody changed or dropped that since."""
        ...

    def drop(self, record: ProjectRecord) -> bool:
        """Drop the record with its entries and parts; False where it is not there."""
        ...

    def listing(
        self, account_id: AccountId | None, kind: ProjectRecordKind, project: str | None = None
    ) -> Sequence[ProjectRecord]:
        """Records of a kind, of one account or all, of one project or all, oldest first."""
        ...

    def put_entries(self, dataset: DatasetKey, entries: Sequence[ManifestLine]) -> None:
        """Add entries, or put them in the place of those with the same source."""
        ...

    def entries(self, dataset: DatasetKey, after: int = 0, *, labeled: bool | None = None) -> Iterator[NumberedEntry]:
        """Entries behind number ``after``, in their order; of all, or those that are labelled or are not."""
        ...

    def move_entries(self, source: DatasetKey, target: DatasetKey, numbers: Sequence[int]) -> None:
        """Move entries of ``source``, all of them or none."""
        ...

    def drop_entries(self, dataset: DatasetKey, numbers: Sequence[int]) -> None:
        """Destroy entries, all of them or none."""
        ...

    def put_part(self, version: VersionKey, name: str, data: bytes) -> None:
        """Keep bytes of a version under ``name``, in place of earlier ones."""
        ...

    def part(self, version: VersionKey, name: str) -> bytes | None:
        """What was kept, or None."""
        ...

    def drop_parts(self, version: VersionKey, prefix: str) -> None:
        """Destroy all parts of a version whose names begin with ``prefix``."""
        ...
