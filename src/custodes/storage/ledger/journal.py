"""The ledger's journal in files: numbered segments, one writer process, one write and one fdatasync per batch.

In: records. Out: durable records, and all of them again at start. Layout of ``DIR``: ``lock``, and per segment
``NNNNNNNN.seg`` and ``NNNNNNNN.key``. A segment is magic, header frame, record frames; a frame is length (4 bytes),
CRC-32 (4 bytes), payload. Salts stand in the record under AES-256-GCM with the segment's key, so that destroying a key
of 32 bytes makes a retired segment worthless. It does not know what records say: that is ``custodes.ledger``'s.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from custodes.durable import sync_directory, write_durably
from custodes.ledger.tlog.tiles import LedgerCorruptError
from custodes.ledger.writer.ports import HeadConflictError, JournalRecord, JournalSegment

_MAGIC = b"CUSTODESJRNL\x00\x01\r\n"
_FRAME = struct.Struct(">II")
_SECRET = struct.Struct(">I")
_KEY_BYTES = 32


class FileJournal:
    """``ledger.ports.Journal`` on a local disk."""

    def __init__(self, directory: Path, datasync: Callable[[int], None] = os.fdatasync) -> None:
        """Keep segments in ``directory``, which ``lock`` makes; ``datasync`` makes an open file's content durable."""
        self._directory = directory
        self._datasync = datasync
        # Changed by the one writing thread only.
        self._lock: int | None = None
        self._fd: int | None = None
        self._number = 0
        self._offset = 0
        self._key: AESGCM | None = None
        # Guarded by _sync_lock. Linux reports a failed write-back once to each open file, so every record in flight
        # has a descriptor that was open before it was written; one whose sync succeeded has heard of every failure so
        # far and may serve again.
        self._sync_lock = threading.Lock()
        self._idle_fds: list[int] = []
        self._in_flight: dict[int, int] = {}
        self._failed = False

    def lock(self) -> None:
        """Become the one writer on this machine."""
        if self._lock is not None:
            return
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        fd = os.open(self._directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(fd)
            raise HeadConflictError("another process writes to this ledger") from error
        self._lock = fd

    def segments(self) -> Iterator[JournalSegment]:
        """All segments, oldest first."""
        numbers = self._numbers()
        for number in numbers:
            segment = self._read(number)
            if segment is not None:
                yield segment
            elif number == numbers[-1]:
                raise LedgerCorruptError(f"the last journal segment, {number}, has no key or no header")

    def begin(self, header: bytes) -> int:
        """Start a segment; returns its number."""
        number = max([self._number, *self._numbers()]) + 1
        key = secrets.token_bytes(_KEY_BYTES)
        write_durably(self._path(number, "key"), key)
        write_durably(self._path(number, "seg"), _MAGIC + _frame(header))
        fd = os.open(self._path(number, "seg"), os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        self._close_segment()
        self._fd, self._number, self._key = fd, number, AESGCM(key)
        with self._sync_lock:
            self._failed = False
        self._offset = os.fstat(fd).st_size
        return number

    def write(self, record: JournalRecord) -> int:
        """One write behind the last record; its number is the segment's size after it."""
        if self._fd is None or self._key is None:
            raise HeadConflictError("the journal is not open for writing")
        # The lock keeps honest writers out; this catches a copied, truncated or removed file.
        before = os.fstat(self._fd)
        if before.st_size != self._offset or before.st_nlink == 0:
            raise HeadConflictError("the journal was changed behind our back")
        with self._sync_lock:
            self._refuse_if_failed()
            descriptor = self._idle_fds.pop() if self._idle_fds else None
        if descriptor is None:
            descriptor = os.open(self._path(self._number, "seg"), os.O_WRONLY | os.O_CLOEXEC)
        nonce = self._offset.to_bytes(12, "big")
        secret = self._key.encrypt(nonce, record.secret, None)
        frame = _frame(_SECRET.pack(len(secret)) + secret + record.data)
        with self._sync_lock:
            self._in_flight[self._offset + len(frame)] = descriptor
        written = 0
        try:
            while written < len(frame):
                written += os.write(self._fd, memoryview(frame)[written:])
        except OSError:
            self._fail()
            raise
        self._offset += len(frame)
        return self._offset

    def sync(self, written: int) -> None:
        """One fdatasync, on the descriptor of this record."""
        with self._sync_lock:
            self._refuse_if_failed()
            descriptor = self._in_flight[written]
        try:
            self._datasync(descriptor)
        except OSError:
            self._fail()
            raise
        with self._sync_lock:
            # It may have reported to another record what was about this one.
            self._refuse_if_failed()
            del self._in_flight[written]
            self._idle_fds.append(descriptor)

    def _fail(self) -> None:
        with self._sync_lock:
            self._failed = True

    def _refuse_if_failed(self) -> None:
        if self._failed:
            raise OSError(errno.EIO, "a write or sync of this journal segment failed before")

    def size(self) -> int:
        """Bytes in the present segment."""
        return self._offset

    def retire(self, before: int) -> None:
        """Forget segments with numbers below ``before``: destroy the key, then remove both files."""
        for number in self._numbers():
            if number < before:
                key = self._path(number, "key")
                if key.exists():
                    _overwrite(key)
                self._path(number, "seg").unlink(missing_ok=True)
                key.unlink(missing_ok=True)
        sync_directory(self._directory)

    def close(self) -> None:
        """Let another writer in."""
        self._close_segment()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _close_segment(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
        with self._sync_lock:
            descriptors = [*self._idle_fds, *self._in_flight.values()]
            self._idle_fds, self._in_flight = [], {}
        for descriptor in descriptors:
            os.close(descriptor)

    def _path(self, number: int, suffix: str) -> Path:
        return self._directory / f"{number:08d}.{suffix}"

    def _numbers(self) -> list[int]:
        return sorted(int(path.stem) for path in self._directory.glob("[0-9]*.seg"))

    def _read(self, number: int) -> JournalSegment | None:
        """A segment, or None if its key is gone because it was being retired."""
        key_path = self._path(number, "key")
        key = key_path.read_bytes() if key_path.exists() else b""
        if len(key) != _KEY_BYTES or not any(key):
            return None
        data = self._path(number, "seg").read_bytes()
        if not data.startswith(_MAGIC):
            return None
        frames = list(_frames(data, len(_MAGIC)))
        if not frames:
            return None
        cipher = AESGCM(key)
        return JournalSegment(number, frames[0][1], [_open(cipher, at, payload) for at, payload in frames[1:]])


def _frame(payload: bytes) -> bytes:
    return _FRAME.pack(len(payload), zlib.crc32(payload)) + payload


def _frames(data: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """Offset and payload of each whole frame; the first torn one ends the segment."""
    while at + _FRAME.size <= len(data):
        length, crc = _FRAME.unpack_from(data, at)
        payload = data[at + _FRAME.size : at + _FRAME.size + length]
        if len(payload) != length or not length or zlib.crc32(payload) != crc:
            return
        yield at, payload
        at += _FRAME.size + length


def _open(cipher: AESGCM, offset: int, payload: bytes) -> JournalRecord:
    (length,) = _SECRET.unpack_from(payload)
    sealed = payload[_SECRET.size : _SECRET.size + length]
    try:
        secret = cipher.decrypt(offset.to_bytes(12, "big"), sealed, None)
    except (InvalidTag, ValueError) as error:
        raise LedgerCorruptError("a record of the journal cannot be decrypted") from error
    return JournalRecord(payload[_SECRET.size + length :], secret)


def _overwrite(path: Path) -> None:
    fd = os.open(path, os.O_WRONLY)
    try:
        os.pwrite(fd, bytes(_KEY_BYTES), 0)
        os.fdatasync(fd)
    finally:
        os.close(fd)
