"""Taking a backup of a data directory that a server is writing.

In: the directory, its log, two new folders. Out: a backup whose parts fit together. Order is what makes it consistent:
databases and files first, the ledger last, so that the ledger of a backup is never older than what it speaks of; that
is the state a crash can leave, and every start knows how to go on from it. What is called erased in the copied ledger
has its tombstone in the copy, too, so a face that went meanwhile stays gone. Entries are committed all the while;
publishing stands still for as long as reading the journal takes. Of several servers the database has the ledger's
order, its bodies and all that is made from it: one state of it is one moment of all of these, as a crash leaves it, and
the public files are taken as of the head in it.
"""

from __future__ import annotations

import io
import os
import shutil
import sqlite3
import tarfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePath

from custodes.core.errors import UnavailableError
from custodes.ledger.tlog.checkpoint import Checkpoint, parse_checkpoint
from custodes.ledger.tlog.note import parse_note
from custodes.ledger.tlog.tiles import CHECKPOINT_PATH, TILE_WIDTH, LedgerCorruptError, TileReader, bundle_path
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
from custodes.storage.backup.server_database import ServerDatabase, copied_files, overwrite
from custodes.storage.files.directory import write_secret
from custodes.storage.ledger.bodies import SLOT_BYTES, SLOTS_PER_FILE
from custodes.storage.ledger.open import LedgerPaths
from custodes.storage.ledger.tile_copy import copy_at
from custodes.storage.ledger.tombstones import FILE_NAME as TOMBSTONES

_TRIES = 20
"""How often the end of a shared ledger is looked for; it is published four times a second."""


@dataclass(frozen=True, slots=True)
class BackupSource:
    """What is backed up.

    Attributes:
        data: the data directory.
        published: makes everything appended so far public; returns the checkpoint.
        at_rest: the published checkpoint and its signed note, while nothing is published or retired.
        settle: returns once every erasure that was begun before has its tombstones.
        program: version of this program.
        database: where it is on PostgreSQL.
        shared: public files of the ledger where several servers write it.
    """

    data: Path
    published: Callable[[], Checkpoint]
    at_rest: Callable[[], AbstractContextManager[tuple[Checkpoint, bytes]]]
    settle: Callable[[], None]
    program: str
    database: ServerDatabase | None = None
    shared: TileReader | None = None


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
            head = _add_databases(tar, source, folder)
            for path in private_files_of(source.data):
                with suppress(FileNotFoundError):  # removed by the server since it was listed
                    _add(tar, path, (source.data / path).read_bytes())
            if head is None:
                checkpoint = _add_ledger(tar, source, folder)
            else:
                checkpoint = head
                database_at = head.size
                _add_bodies(tar, source.data, head.size)
                _add(tar, PurePath("ledger-private/shared"), b"")
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
    _add_bodies(tar, source.data, checkpoint.size)
    for name in _full_tiles(checkpoint.size):
        _put(folder / "ledger" / name, (paths.public / name).read_bytes())
    _put(folder / "ledger" / CHECKPOINT_PATH, note)
    return checkpoint


def _add_bodies(tar: tarfile.TarFile, data: Path, size: int) -> None:
    bodies = LedgerPaths(data).private / "bodies"
    # Bytes before slots: a body that is erased in between then has no salt in the copy, rather than no bytes.
    for path in sorted(bodies.glob("*.data")):
        _add(tar, path.relative_to(data), path.read_bytes())
    for path in sorted(bodies.glob("*.slots")):
        slots = max(0, min(SLOTS_PER_FILE, size - int(path.stem) * SLOTS_PER_FILE))
        _add(tar, path.relative_to(data), path.read_bytes()[: slots * SLOT_BYTES])


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


def _add_databases(tar: tarfile.TarFile, source: BackupSource, folder: Path) -> Checkpoint | None:
    """All databases; the ledger's head in them where several servers write it, and its public files up to there."""
    if source.database is not None:
        return _add_server_database(tar, source, source.database, folder)
    for path in databases_of(source.data):
        with _snapshot(source.data, source.data / path) as copy:
            _add_file(tar, path, copy)
    return None


def _add_server_database(
    tar: tarfile.TarFile, source: BackupSource, database: ServerDatabase, folder: Path
) -> Checkpoint | None:
    heads: list[Checkpoint] = []

    def begun(note: bytes | None) -> None:
        if source.shared is None:
            return
        if note is None:
            raise LedgerCorruptError("the database has no head of the ledger")
        head = parse_checkpoint(parse_note(note).text)
        copy_at(source.shared, head.size, lambda path, data: _put(folder / "ledger" / path, data))
        _put(folder / "ledger" / CHECKPOINT_PATH, note)
        heads[:] = [head]

    for left in reversed(range(_TRIES)):
        try:
            with database.copied(source.data / SCRATCH, begun) as copy:
                for path in copied_files(copy):
                    _add_file(tar, path, copy / path)
        except LedgerCorruptError:  # more was published before the end of the ledger was read
            shutil.rmtree(folder / "ledger", ignore_errors=True)
            if not left:
                raise
        else:
            break
    return heads[0] if heads else None


def _add_file(tar: tarfile.TarFile, path: PurePath, copy: Path) -> None:
    with copy.open("rb") as file:
        tar.addfile(_info(path, copy.stat().st_size), file)


@contextmanager
def _snapshot(data: Path, database: Path) -> Iterator[Path]:
    """A copy of one state of a database that others write meanwhile; overwritten and removed after the block."""
    scratch = data / SCRATCH
    scratch.mkdir(mode=0o700, exist_ok=True)
    copy = scratch / database.name
    overwrite(copy)  # what a killed process left
    try:
        os.close(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
        with closing(sqlite3.connect(database)) as read, closing(sqlite3.connect(copy)) as written:
            read.backup(written)
        yield copy
    except sqlite3.Error as error:
        raise UnavailableError(f"{database.name} cannot be read: {error}") from error
    finally:
        overwrite(copy)
        scratch.rmdir()


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
