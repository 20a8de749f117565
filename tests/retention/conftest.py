"""Retention over a real log and a gallery in memory, with a clock that the test moves."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from custodes.core.clock import FixedClock
from custodes.deployment.record.statements import open_statements
from custodes.gallery.entities import Face
from custodes.gallery.exact import BruteForceIndex
from custodes.gallery.gallery import IndexedGallery
from custodes.ledger.tlog.entry import Entry, decode
from custodes.ledger.writer.log import LedgerLog
from custodes.ledger.writer.settings import LedgerWriter
from custodes.operations.collections.erasure import RecordedErasures
from custodes.operations.collections.retention import Retention, retention_handlers
from custodes.operations.record.evidence.statements import Statements
from custodes.storage.files.documents import FolderDocuments
from custodes.storage.ledger.open import open_ledger
from custodes.storage.ledger.tombstones import KeptTombstones
from tests.fakes.administration import carry_out
from tests.fakes.gallery import MemoryGalleryStore
from tests.fakes.vectors import KEY, collection, new_face, units


@dataclass
class Keeper:
    """Everything that a run touches."""

    clock: FixedClock
    log: LedgerLog
    store: MemoryGalleryStore
    gallery: IndexedGallery
    statements: Statements
    erasures: RecordedErasures
    tombstones: KeptTombstones

    def order(self, operation: str, **members: object) -> Any:
        """The rules after a command."""
        return carry_out(retention_handlers(self.gallery, KEY.account_id), f"retention {operation}", members)["rules"]

    def retention(self, gallery: IndexedGallery | None = None, log: LedgerWriter | None = None) -> Retention:
        return Retention(gallery or self.gallery, self.erasures, log or self.log, self.clock)

    def enrol(self, count: int, seed: int = 1) -> tuple[Face, ...]:
        """Faces of now."""
        now = self.clock.now_ms()
        return self.gallery.add_faces(
            KEY, [new_face(vector, str(uuid.uuid4()), ts_ms=now) for vector in units(seed, count)]
        )

    def entries(self, kind: str) -> list[Entry]:
        self.log.flush()
        return [entry for _, envelope in self.log.tree().entries() if (entry := decode(envelope)).kind == kind]


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[Keeper]:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    clock = FixedClock()
    log = open_ledger(data, "ledger.example/1", clock)
    log.start()
    try:
        store = MemoryGalleryStore()
        gallery = IndexedGallery(store, BruteForceIndex)
        gallery.create_collection(collection(), {})
        statements = open_statements(data)
        tombstones = KeptTombstones(FolderDocuments(data))
        erasures = RecordedErasures(log, gallery, statements.maps.face_indexes(), statements.erasures, tombstones)
        yield Keeper(clock, log, store, gallery, statements, erasures, tombstones)
    finally:
        log.close()
