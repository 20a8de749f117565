"""Taking a backup of a data directory that a server is writing.

In: the directory, its log, two new folders. Out: a backup whose parts fit together. Order is what makes it consistent:
databases and files first, the ledger last, so that the ledger of a backup is never older than what it speaks of; that
is the state a crash can leave, and every start knows how to go on from it. What is called erased in the copied ledger
has its tombstone in the copy, too, so a face that went meanwhile stays gone. Entries are committed all the while;
publishing stands still for as long as reading the journal takes.
"""

from __future__ import annotations

import io
import os
import sqlite3
import tarfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePath

from custodes.core.errors import UnavailableError
from custodes.ledger.tlog.checkpoint import Checkpoint
from custodes.ledger.tlog.tiles import CHECKPOINT_PATH, TILE_WIDTH, bundle_path
from custodes.ledger.tree.tiles import TILE_HEIGHT, tile_path
from custodes.storage.backup.folder import (
    BACKUP_KEY,
    SCRATCH,
    SEALED,
    VERSION,
    BackupManifest,
    databases_of,
    keys_of,
    new_folder,
    private_files_of,
    public_files_of,
    write_manifest,
)
from custodes.storage.backup.sealing import KEY_BYTES, SealedWriter
from custodes.storage.files.directory import write_secret
from custodes.storage.ledger.bodies import SLOT_BYTES, SLOTS_PER_FILE
from custodes.storage.ledger.open import LedgerPaths
from custodes.storage.ledger.tombstones import FILE_NAME as TOMBSTONES

_OVERWRITE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class BackupSource:
    """What is backed up.

    Attributes:
        data: the data directory.
        published: makes everything appended so far public; returns the checkpoint.
        at_rest: the published checkpoint and its signed note, while nothing is published or retired.
        settle: returns once every erasure that was begun before has its tombstones.
        program: version of this program.
    """

    data: Path
    published: Callable[[], Checkpoint]
    at_rest: Callable[[], AbstractContextManager[tuple[Checkpoint, bytes]]]
    settle: Callable[[], None]
    program: str


def take_backup(source: BackupSource, folder: Path, keys: Path, taken_ms: int) -> BackupManifest:
    """Back ``source`` up into ``folder`` and ``keys``, which must be new or empty.

    Raises:
        InvalidParameterError: a folder is not empty, or lies in the data directory.
        UnavailableError: a database cannot be read.
        LedgerUnavailableError: the log cannot be published.
        OSError: a file cannot be read or written.
    """
    for part in (folder, keys):
        new_folder(part)
    key = os.urandom(KEY_BYTES)
    database_at = source.published().size
    with (folder / SEALED).open("xb") as out:
        os.fchmod(out.fileno(), 0o600)
        sealed = SealedWriter(out, key)
        with tarfile.open(fileobj=sealed, mode="w|", format=tarfile.PAX_FORMAT) as tar:  # type: ignore[call-overload]
            _add_databases(tar, source.data)
            for path in private_files_of(source.data):
                with suppress(FileNotFoundError):  # removed by the server since it was listed
                    _add(tar, path, (source.data / path).read_bytes())
            checkpoint = _add_ledger(tar, source, folder)
        sealed.finish()
    for path in public_files_of(source.data):
        _put(folder / path, (source.data / path).read_bytes())
    for path in keys_of(source.data):
        _put(keys / path, (source.data / path).read_bytes(), secret=True)
    write_secret(keys / BACKUP_KEY, f"{key.hex()}\n".encode())
    manifest = BackupManifest(VERSION, source.program, checkpoint.origin, taken_ms, database_at, checkpoint.size)
    write_manifest(folder, keys, manifest, key)
    return manifest


def _add_ledger(tar: tarfile.TarFile, source: BackupSource, folder: Path) -> Checkpoint:
    """The log at one moment, as a crash might leave it: what is published, and the journal behind it."""
    paths = LedgerPaths(source.data)
    source.published()
    with source.at_rest() as (checkpoint, note):
        journal = [(path, path.read_bytes()) for path in _segments(paths.private / "journal")]
        for path in (paths.public / "tile").rglob("*.p/*"):
            _put(folder / path.relative_to(source.data), path.read_bytes())
    source.settle()
    for path, content in journal:
        _add(tar, path.relative_to(source.data), content)
    tombstones = paths.private / TOMBSTONES
    if tombstones.exists():
        _add(tar, tombstones.relative_to(source.data), tombstones.read_bytes())
    # Bytes before slots: a body that is erased in between then has no salt in the copy, rather than no bytes.
    for path in sorted((paths.private / "bodies").glob("*.data")):
        _add(tar, path.relative_to(source.data), path.read_bytes())
    for path in sorted((paths.private / "bodies").glob("*.slots")):
        slots = max(0, min(SLOTS_PER_FILE, checkpoint.size - int(path.stem) * SLOTS_PER_FILE))
        _add(tar, path.relative_to(source.data), path.read_bytes()[: slots * SLOT_BYTES])
    for name in _full_tiles(checkpoint.size):
        _put(folder / "ledger" / name, (paths.public / name).read_bytes())
    _put(folder / "ledger" / CHECKPOINT_PATH, note)
    return checkpoint


def _segments(folder: Path) -> Iterator[Path]:
    """Segments with their keys, oldest first."""
    for path in sorted(folder.glob("[0-9]*.seg")):
        yield path.with_suffix(".key")
        yield path


def _full_tiles(size: int) -> Iterator[str]:
    yield from (bundle_path(index) for index in range(size // TILE_WIDTH))
    level = 0
    while size >> (TILE_HEIGHT * level):
        yield from (tile_path(level, index) for index in range((size >> (TILE_HEIGHT * level)) // TILE_WIDTH))
        level += 1


def _add_databases(tar: tarfile.TarFile, data: Path) -> None:
    for path in databases_of(data):
        with _snapshot(data, data / path) as copy, copy.open("rb") as file:
            info = _info(path, copy.stat().st_size)
            tar.addfile(info, file)


@contextmanager
def _snapshot(data: Path, database: Path) -> Iterator[Path]:
    """A copy of one state of a database that others write meanwhile; overwritten and removed after the block."""
    scratch = data / SCRATCH
    scratch.mkdir(mode=0o700, exist_ok=True)
    copy = scratch / database.name
    _destroy(copy)  # what a killed process left
    try:
        os.close(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
        with closing(sqlite3.connect(database)) as read, closing(sqlite3.connect(copy)) as written:
            read.backup(written)
        yield copy
    except sqlite3.Error as error:
        raise UnavailableError(f"{database.name} cannot be read: {error}") from error
    finally:
        _destroy(copy)
        scratch.rmdir()


def _destroy(copy: Path) -> None:
    """Overwrite and remove: it has the wrapped keys of faces that may be erased later."""
    if not copy.exists():
        return
    with copy.open("r+b") as file:
        left = copy.stat().st_size
        while left > 0:
            left -= file.write(bytes(min(left, _OVERWRITE_BYTES)))
        file.flush()
        os.fdatasync(file.fileno())
    copy.unlink()


def _add(tar: tarfile.TarFile, path: PurePath, content: bytes) -> None:
    tar.addfile(_info(path, len(content)), io.BytesIO(content))


def _info(path: PurePath, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(path.as_posix())
    info.size, info.mode = size, 0o600
    return info


def _put(path: Path, content: bytes, *, secret: bool = False) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600 if secret else 0o644)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
