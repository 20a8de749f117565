"""Two batches on their way to the disk, and the sync of the first fails: neither may be acknowledged.

A power cut may lose what was written before a failed sync, although later syncs report success. So every batch that
was taken from the queue before the failure is refused, whatever its own sync said.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from custodes.core.clock import FixedClock
from custodes.ledger.tlog.tiles import LedgerUnavailableError
from custodes.ledger.writer.log import LedgerLog, LogSettings
from custodes.ledger.writer.ports import Journal, JournalRecord, JournalSegment
from custodes.storage.ledger.journal import FileJournal
from custodes.storage.ledger.open import LedgerOptions, ledger_parts
from custodes.storage.ledger.tiles import FileTiles

ORIGIN = "test.example/ledger"
# Recovery waits until the test has seen what it wants to see.
SETTINGS = LogSettings(publish_every_s=0.01, retry_s=30.0, commits_in_flight=2)


class SlowJournal:
    """A journal whose next sync fails, at the moment at which ``write`` of the following batch has begun."""

    def __init__(self, inner: Journal) -> None:
        self.inner = inner
        self.armed = False
        self.first_syncs = threading.Event()
        self.second_writes = threading.Event()
        self.failed_for_all = threading.Event()
        self._writes = 0

    def lock(self) -> None:
        self.inner.lock()

    def segments(self) -> Iterator[JournalSegment]:
        return self.inner.segments()

    def begin(self, header: bytes) -> int:
        return self.inner.begin(header)

    def size(self) -> int:
        return self.inner.size()

    def retire(self, before: int) -> None:
        self.inner.retire(before)

    def close(self) -> None:
        self.inner.close()

    def write(self, record: JournalRecord) -> int:
        self._writes += self.armed
        if self._writes == 2:
            self.second_writes.set()
            assert self.failed_for_all.wait(10)
        return self.inner.write(record)

    def sync(self, written: int) -> None:
        if self.armed and not self.first_syncs.is_set():
            self.first_syncs.set()
            assert self.second_writes.wait(10)
            raise OSError(5, "injected")
        self.inner.sync(written)


def _log(data: Path) -> tuple[LedgerLog, SlowJournal]:
    parts = ledger_parts(data, ORIGIN, FixedClock(), LedgerOptions())
    journal = SlowJournal(parts.stores.journal)
    stores = dataclasses.replace(parts.stores, journal=journal)
    return LedgerLog(dataclasses.replace(parts, stores=stores), SETTINGS), journal


def test_a_batch_that_is_staged_while_the_sync_in_front_fails_is_not_acknowledged(tmp_path: Path) -> None:
    log, journal = _log(tmp_path)
    log.start()
    try:
        journal.armed = True
        first = log.append("inc", fields={"n": 1})
        assert journal.first_syncs.wait(10)
        second = log.append("inc", fields={"n": 2})
        assert journal.second_writes.wait(10)
        deadline = time.monotonic() + 10
        while log.unavailable is None and time.monotonic() < deadline:
            time.sleep(0.001)
        journal.failed_for_all.set()
        with pytest.raises(LedgerUnavailableError):
            first.wait(10)
        with pytest.raises(LedgerUnavailableError):
            second.wait(10)
    finally:
        log.close()


class Disk:
    """Counts syncs and fails one of them; knows by which descriptor each came."""

    def __init__(self, fail_at: int = 0) -> None:
        self.descriptors: list[int] = []
        self._fail_at = fail_at

    def __call__(self, fd: int) -> None:
        self.descriptors.append(fd)
        if len(self.descriptors) == self._fail_at:
            raise OSError(5, "injected")


def _journal(tmp_path: Path, disk: Disk) -> FileJournal:
    journal = FileJournal(tmp_path / "journal", disk)
    journal.lock()
    journal.begin(b"header")
    return journal


def test_a_segment_whose_sync_failed_takes_and_confirms_nothing_more(tmp_path: Path) -> None:
    journal = _journal(tmp_path, Disk(fail_at=1))
    first, second = journal.write(JournalRecord(b"1", b"")), journal.write(JournalRecord(b"2", b""))
    with pytest.raises(OSError, match="injected"):
        journal.sync(first)
    with pytest.raises(OSError, match="failed before"):
        journal.sync(second)
    with pytest.raises(OSError, match="failed before"):
        journal.write(JournalRecord(b"3", b""))
    journal.begin(b"header")  # recovery read what there is, and goes on in a new one
    journal.sync(journal.write(JournalRecord(b"4", b"")))
    journal.close()


def test_batches_in_flight_have_descriptors_of_their_own(tmp_path: Path) -> None:
    # Linux reports a failed write-back once to each open file: a shared one would tell the wrong batch.
    disk = Disk()
    journal = _journal(tmp_path, disk)
    written = [journal.write(JournalRecord(b"1", b"")), journal.write(JournalRecord(b"2", b""))]
    journal.sync(written[1])
    journal.sync(written[0])
    assert len(set(disk.descriptors)) == 2
    journal.sync(journal.write(JournalRecord(b"3", b"")))
    assert disk.descriptors[2] in disk.descriptors[:2], "one that has heard of every failure so far is used again"
    journal.close()


def test_a_tile_whose_sync_failed_is_written_anew_before_the_next_sync_counts(tmp_path: Path) -> None:
    # After a failed fsync the kernel may keep the page as clean: it reads back well and is never written.
    disk = Disk(fail_at=1)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    tiles = FileTiles(tmp_path / "public", scratch, disk)
    (tmp_path / "public").mkdir()
    tiles.put("tile/0/000", b"x" * 8192)
    with pytest.raises(OSError, match="injected"):
        tiles.sync()
    before = (tmp_path / "public/tile/0/000").stat().st_ino
    tiles.put("tile/0/000", b"x" * 8192, repair=True)
    tiles.sync()
    assert (tmp_path / "public/tile/0/000").stat().st_ino != before
    tiles.put("tile/0/000", b"x" * 8192)
    assert len(disk.descriptors) == 2
