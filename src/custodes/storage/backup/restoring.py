"""Restoring a backup into a new data directory, with the newest ledger that is still there.

In: the two folders of a backup, where to restore, and the directory that was lost if something is left of it. Out: a
data directory, and what the ledger says came after the databases in it. Its first server start destroys whatever the
ledger calls erased, before anybody can search. It starts nothing itself, and changes neither backup nor old directory.
"""

from __future__ import annotations

import os
import shutil
import tarfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from custodes.core.errors import InvalidParameterError, UnavailableError
from custodes.durable import sync_directory, write_durably
from custodes.ledger.tlog.checkpoint import Checkpoint, open_checkpoint
from custodes.ledger.tlog.entry import EntryError, decode
from custodes.ledger.tlog.merkle import EMPTY_ROOT
from custodes.ledger.tlog.note import NoteError, VerifierKey
from custodes.ledger.tlog.tiles import CHECKPOINT_PATH, LedgerCorruptError
from custodes.ledger.tree.growth import range_root
from custodes.ledger.tree.tiles import Tree, verified_tree
from custodes.ledger.writer.batch import decode_batch
from custodes.storage.backup.folder import BACKUP_KEY, MANIFEST, RESTORED, SEALED, SUMS, BackupManifest, check_folders
from custodes.storage.backup.sealing import SealedReader
from custodes.storage.files.directory import DirectoryLock
from custodes.storage.ledger.journal import FileJournal
from custodes.storage.ledger.open import LedgerPaths, old_verifiers, read_tiles

# What one log consists of, and what is chained to it: never mixed from two moments.
_OF_THE_LOG = ("ledger", "ledger-private", "keys", "policy", "ledger.pub", "ledger-old.pub", "trust.policy")


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored.

    Attributes:
        manifest: of the backup.
        entries: of the log in the new directory.
        newer: entries that came after the databases were copied, by kind.
    """

    manifest: BackupManifest
    entries: int
    newer: Mapping[str, int]


def restore_backup(folder: Path, keys: Path, data: Path, lost: Path | None) -> Restored:
    """Make the data directory ``data`` from a backup; it must not exist, or be empty.

    Args:
        folder: the backup.
        keys: its keys.
        data: the new data directory; it appears whole, or not at all.
        lost: the directory that was backed up, or a newer copy of it: the ledger is taken from there, so that nothing
            signed is unsigned and nobody erased comes back. None where nothing is left.

    Raises:
        InvalidParameterError: there is something in ``data``.
        UnavailableError: the backup is not whole, ``lost`` is of another log, damaged or in use.
        OSError: a file cannot be read or written.
    """
    manifest, key = check_folders(folder, keys)
    if data.exists() and any(data.iterdir()):
        raise InvalidParameterError(f"{data} is not empty: restore into a new directory")
    draft = data.with_name(f".{data.name}.restoring")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700, parents=True)
    try:
        _lay_out(folder, keys, draft, key)
        if lost is not None:
            _take_log(draft, lost)
        restored = _looked_through(draft, manifest)
        write_durably(draft / RESTORED, (folder / MANIFEST).read_bytes())
        os.sync()
        with suppress(FileNotFoundError):
            data.rmdir()
        draft.rename(data)
        sync_directory(data.parent)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return restored


def _lay_out(folder: Path, keys: Path, draft: Path, key: bytes) -> None:
    ours = shutil.ignore_patterns(SEALED, SUMS, MANIFEST, BACKUP_KEY)
    shutil.copytree(folder, draft, ignore=ours, dirs_exist_ok=True)
    shutil.copytree(keys, draft, ignore=ours, dirs_exist_ok=True)
    draft.chmod(0o700)
    with (folder / SEALED).open("rb") as file:
        stream = cast(IO[bytes], SealedReader(file, key))
        try:
            with tarfile.open(fileobj=stream, mode="r|") as tar:
                # The filter keeps every member inside of the directory.
                tar.extractall(draft, filter="data")
        except tarfile.TarError as error:
            raise UnavailableError(f"the sealed part of the backup cannot be read: {error}") from error
    for path in draft.iterdir():
        if path.is_dir() and path.name not in ("ledger",):
            path.chmod(0o700)


def _take_log(draft: Path, lost: Path) -> None:
    """Put the log of ``lost`` in place of the backup's, if it is the same one and goes on from there."""
    with _left_alone(lost):
        old, new = _checkpoint(draft), _checkpoint(lost)
        if old.origin != new.origin:
            raise UnavailableError(f"{lost} has the log {new.origin}, the backup has {old.origin}")
        if new.size < old.size:
            raise UnavailableError(f"the log in {lost} has {new.size} entries, the backup {old.size}: leave it out")
        try:
            tree = verified_tree(read_tiles(lost), new)
            root = range_root(0, old.size, tree.node) if old.size else EMPTY_ROOT
        except LedgerCorruptError as error:
            raise UnavailableError(f"the log in {lost} is damaged: {error}") from error
        if root != old.root:
            raise UnavailableError(f"at entry {old.size} the log in {lost} is not the one in the backup")
        for name in _OF_THE_LOG:
            source, target = lost / name, draft / name
            if source.is_dir():
                shutil.rmtree(target, ignore_errors=True)
                shutil.copytree(source, target)
            elif source.exists():
                shutil.copy2(source, target)


@contextmanager
def _left_alone(data: Path) -> Iterator[None]:
    """Keep servers off a directory in the block where it can be written; one that cannot be written has none."""
    if LedgerPaths(data).shared_mark.exists():
        raise UnavailableError(f"several servers wrote the log in {data}: its order is in their database, not there")
    if not LedgerPaths(data).public.is_dir():
        raise UnavailableError(f"there is no ledger in {data}")
    if not os.access(data, os.W_OK):
        yield
        return
    lock = DirectoryLock.acquire(data)
    try:
        yield
    finally:
        lock.release()


def _checkpoint(data: Path) -> Checkpoint:
    note = read_tiles(data).get(CHECKPOINT_PATH)
    try:
        verifiers = [VerifierKey.parse(LedgerPaths(data).verifier.read_text().strip()), *old_verifiers(data)]
        if note is None:
            raise UnavailableError(f"the ledger in {data} has no checkpoint")
        return open_checkpoint(note, verifiers)
    except (NoteError, OSError) as error:
        raise UnavailableError(f"the ledger in {data} cannot be read: {error}") from error


def _looked_through(draft: Path, manifest: BackupManifest) -> Restored:
    checkpoint = _checkpoint(draft)
    try:
        tree: Tree = verified_tree(read_tiles(draft), checkpoint)
        envelopes = dict(tree.entries(manifest.database_at))
        # What a killed server had committed and not published yet; the first start publishes it.
        for segment in FileJournal(LedgerPaths(draft).private / "journal").segments():
            for batch in map(decode_batch, segment.records):
                envelopes.update(enumerate(batch.envelopes, batch.first))
        newer = [envelope for index, envelope in envelopes.items() if index >= manifest.database_at]
        kinds = Counter(decode(envelope).kind for envelope in newer)
    except (LedgerCorruptError, EntryError) as error:
        raise UnavailableError(f"the ledger of the backup is damaged: {error}") from error
    return Restored(manifest, max([checkpoint.size, *(index + 1 for index in envelopes)]), dict(sorted(kinds.items())))
