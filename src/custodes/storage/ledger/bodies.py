"""Private bodies of ledger entries in files, each of which can be destroyed by itself.

In: sealed bodies with their salts, by index. Out: the same, until erased. Per 65,536 entries one file of slots
(32 bytes each: salt, offset, length, state) and one of sealed bytes. Erasing overwrites the salt, which is the key
share, and then the sealed bytes; both are durable when it returns. Copies that a file system, a disk's wear levelling
or a backup keeps are out of its reach; destroying a backup's key destroys the slots in it (docs/guides/backup.md).
"""

from __future__ import annotations

import os
import struct
import threading
from collections.abc import Sequence
from pathlib import Path

from custodes.durable import sync_directory
from custodes.ledger.tlog.commitment import SALT_BYTES
from custodes.ledger.tlog.tiles import LedgerCorruptError
from custodes.ledger.writer.body import SealedBody

SLOTS_PER_FILE = 1 << 16
_SLOT = struct.Struct(">16sQIB3x")
SLOT_BYTES = _SLOT.size
_ABSENT, _KEPT, _NONE, _ERASED = range(4)


class FileBodies:
    """``ledger.ports.BodyStore`` in a folder."""

    def __init__(self, directory: Path) -> None:
        """Keep files in ``directory``, which must exist for writing."""
        self._directory = directory
        self._lock = threading.Lock()
        self._dirty: set[int] = set()

    def get(self, index: int) -> SealedBody | None:
        """The body of entry ``index``, or None."""
        number, at = divmod(index, SLOTS_PER_FILE)
        try:
            with self._path(number, "slots").open("rb") as slots:
                slots.seek(at * _SLOT.size)
                packed = slots.read(_SLOT.size)
            if len(packed) < _SLOT.size:
                return None
            salt, offset, length, state = _SLOT.unpack(packed)
            if state != _KEPT:
                return None
            with self._path(number, "data").open("rb") as data:
                data.seek(offset)
                sealed = data.read(length)
        except FileNotFoundError:
            return None
        if len(sealed) != length:
            raise LedgerCorruptError(f"the body of entry {index} is cut short")
        return SealedBody(salt, sealed)

    def erased(self, index: int) -> bool:
        """Whether a body of entry ``index`` was here and was erased."""
        number, at = divmod(index, SLOTS_PER_FILE)
        try:
            with self._path(number, "slots").open("rb") as slots:
                slots.seek(at * _SLOT.size)
                packed = slots.read(_SLOT.size)
        except FileNotFoundError:
            return False
        return len(packed) == _SLOT.size and _SLOT.unpack(packed)[3] == _ERASED

    def put(self, first: int, bodies: Sequence[SealedBody | None]) -> None:
        """Keep bodies of consecutive entries."""
        with self._lock:
            while bodies:
                number, at = divmod(first, SLOTS_PER_FILE)
                part = bodies[: SLOTS_PER_FILE - at]
                self._put(number, at, part)
                first += len(part)
                bodies = bodies[len(part) :]

    def erase(self, index: int) -> bool:
        """Destroy the body of entry ``index``."""
        number, at = divmod(index, SLOTS_PER_FILE)
        with self._lock:
            try:
                slots = os.open(self._path(number, "slots"), os.O_RDWR | os.O_CLOEXEC)
            except FileNotFoundError:
                return False
            try:
                packed = os.pread(slots, _SLOT.size, at * _SLOT.size)
                if len(packed) < _SLOT.size:
                    return False
                _, offset, length, state = _SLOT.unpack(packed)
                if state not in (_KEPT, _ERASED):
                    return False
                # The salt first: without it the sealed bytes are noise, whatever happens next.
                os.pwrite(slots, _SLOT.pack(bytes(SALT_BYTES), offset, length, _ERASED), at * _SLOT.size)
                os.fdatasync(slots)
            finally:
                os.close(slots)
            self._blank(number, offset, length)
            return bool(state == _KEPT)

    def sync(self) -> None:
        """Make all bodies durable."""
        with self._lock:
            numbers, self._dirty = sorted(self._dirty), set()
            for number in numbers:
                for suffix in ("data", "slots"):
                    fd = os.open(self._path(number, suffix), os.O_RDONLY | os.O_CLOEXEC)
                    try:
                        os.fdatasync(fd)
                    finally:
                        os.close(fd)
            if numbers:
                sync_directory(self._directory)

    def _path(self, number: int, suffix: str) -> Path:
        return self._directory / f"{number:06d}.{suffix}"

    def _put(self, number: int, at: int, bodies: Sequence[SealedBody | None]) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        self._dirty.add(number)
        slots = os.open(self._path(number, "slots"), flags, 0o600)
        try:
            offset = _end_of_slot(slots, at - 1)
            present = os.pread(slots, len(bodies) * _SLOT.size, at * _SLOT.size)
            packed, sealed = _lay_out(bodies, offset, present)
            data = os.open(self._path(number, "data"), flags, 0o600)
            try:
                _write_all(data, sealed, offset)
            finally:
                os.close(data)
            _write_all(slots, packed, at * _SLOT.size)
        finally:
            os.close(slots)

    def _blank(self, number: int, offset: int, length: int) -> None:
        data = os.open(self._path(number, "data"), os.O_WRONLY | os.O_CLOEXEC)
        try:
            _write_all(data, bytes(length), offset)
            os.fdatasync(data)
        finally:
            os.close(data)


def _end_of_slot(slots: int, at: int) -> int:
    """Where the bytes of the slot before end: a replay after a crash lays bodies out exactly as the first time."""
    if at < 0:
        return 0
    packed = os.pread(slots, _SLOT.size, at * _SLOT.size)
    if len(packed) < _SLOT.size:
        raise LedgerCorruptError("the slot of the entry before is missing")
    _, offset, length, state = _SLOT.unpack(packed)
    if state == _ABSENT:
        raise LedgerCorruptError("the slot of the entry before is empty")
    return int(offset) + int(length)


def _lay_out(bodies: Sequence[SealedBody | None], offset: int, present: bytes) -> tuple[bytes, bytes]:
    """Slots and sealed bytes for ``bodies`` from ``offset``; what ``present`` slots say was erased stays erased."""
    slots, sealed = [], []
    for number, body in enumerate(bodies):
        old = present[number * _SLOT.size : (number + 1) * _SLOT.size]
        length = 0 if body is None else len(body.sealed)
        if len(old) == _SLOT.size and _SLOT.unpack(old)[3] == _ERASED:
            slots.append(old)
            sealed.append(bytes(length))
        elif body is None:
            slots.append(_SLOT.pack(bytes(SALT_BYTES), offset, 0, _NONE))
        else:
            slots.append(_SLOT.pack(body.salt, offset, length, _KEPT))
            sealed.append(body.sealed)
        offset += length
    return b"".join(slots), b"".join(sealed)


def _write_all(fd: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(fd, view, offset)
        view = view[written:]
        offset += written
