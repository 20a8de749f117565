"""Erases what is kept of single pictures that models are trained on, and lets the models say so.

In: digests of pictures' references. Out: entries are gone from all datasets; versions that were trained on those
pictures, copies of them included, say how many of theirs are erased. Weights stay until a version is deleted. A version
keeps digests of references, sealed, to know which pictures were its own.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from typing import ClassVar, cast

from custodes.core.clock import Clock
from custodes.core.errors import InUseError, InvalidParameterError
from custodes.core.ids import AccountId
from custodes.operations.projects.records import ProjectRecords
from custodes.operations.requests.admin import AccountAdminCommand, AdminHandlers
from custodes.projects.entities import BUSY_DATASET, Dataset, Version, VersionStatus
from custodes.projects.ports import ProjectStore
from custodes.projects.records import ProjectRecordKind

SOURCES = "sources"
"""Part of a version: digests of the references of pictures that it was trained on and that are not erased."""
_DIGEST_BYTES = 32
_HEX = re.compile(r"[0-9a-f]{64}")


def source_digest(reference: str) -> bytes:
    """SHA-256 of a reference like ``s3://bucket/name``."""
    return hashlib.sha256(reference.encode()).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class EraseLabelSource(AccountAdminCommand):
    """Erase what is kept of a picture, of all accounts where none is named; a digest, so that no record names it."""

    operation: ClassVar[str] = "labels erase"
    source_sha256: str


@dataclass(frozen=True, slots=True)
class SourceErased:
    """How many entries of datasets were erased, and how many versions say so from now on."""

    entries: int
    versions: int


class ErasedSources:
    """Tells versions that pictures of theirs were erased."""

    def __init__(self, records: ProjectRecords) -> None:
        """Versions are in ``records``."""
        self._records = records

    def tell(self, digests: frozenset[bytes], ts_ms: int, account: AccountId | None = None) -> int:
        """Each version that was trained on one of them counts it once; how many versions did."""
        store, told = self._records.store, 0
        for record in store.listing(account, ProjectRecordKind.VERSION):
            version = cast("Version", record.value)
            known = _digests(store.part(version.key, SOURCES) or b"")
            gone = [digest for digest in known if digest in digests]
            if not gone:
                continue
            # The number first: where the digests cannot be written any more, it says more rather than less.
            erased = version.erased_sources + len(gone)
            self._records.change(record, replace(version, erased_ts_ms=ts_ms, erased_sources=erased))
            store.put_part(version.key, SOURCES, b"".join(digest for digest in known if digest not in digests))
            told += 1
        return told


def keep_sources(store: ProjectStore, version: Version, references: list[str]) -> None:
    """Remember what ``version`` was trained on."""
    store.put_part(version.key, SOURCES, b"".join(sorted(source_digest(one) for one in references)))


def erasure_handlers(records: ProjectRecords, clock: Clock) -> AdminHandlers:
    """What carries the operator's command out.

    It raises InvalidParameterError for what is no digest, InUseError while a dataset changes or a version is trained.
    """

    def erased(command: EraseLabelSource) -> SourceErased:
        if not _HEX.fullmatch(command.source_sha256):
            raise InvalidParameterError("source_sha256 has 64 hexadecimal digits")
        digest = bytes.fromhex(command.source_sha256)
        account = None if command.account is None else AccountId(command.account)
        versions = records.store.listing(account, ProjectRecordKind.VERSION)
        if any(cast("Version", one.value).status is VersionStatus.TRAINING_IN_PROGRESS for one in versions):
            raise InUseError("a version is being trained, maybe on this picture: try again when that is over")
        entries = 0
        for record in records.store.listing(account, ProjectRecordKind.DATASET):
            dataset = cast("Dataset", record.value)
            if dataset.status in BUSY_DATASET:
                raise InUseError("a dataset is being changed: try again when that is over")
            dropped = _drop(records.store, dataset, digest)
            if dropped:
                stats, names = records.numbers(dataset.key)
                records.change(record, replace(dataset, stats=stats, names=names))
            entries += dropped
        now = clock.now_ms()
        return SourceErased(entries, ErasedSources(records).tell(frozenset({digest}), now, account))

    return {EraseLabelSource: erased}


def _drop(store: ProjectStore, dataset: Dataset, digest: bytes) -> int:
    numbers = [found.number for found in store.entries(dataset.key) if source_digest(found.entry.source) == digest]
    if numbers:
        store.drop_entries(dataset.key, numbers)
    return len(numbers)


def _digests(data: bytes) -> list[bytes]:
    return [data[at : at + _DIGEST_BYTES] for at in range(0, len(data), _DIGEST_BYTES)]
