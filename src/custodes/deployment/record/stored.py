"""Where the parts of a data directory's ledger are: in it, or in the database and the bucket of several servers.

In: settings. Out: readers of its public files, of its private bodies and of what is made from it, fine beside running
servers.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from custodes.core.errors import UnavailableError
from custodes.core.ids import AccountId
from custodes.deployment.storage.s3_places import s3_place
from custodes.durable import write_durably
from custodes.ledger.prover.ports import Documents
from custodes.ledger.tree.tiles import WITNESSED_PATH
from custodes.ledger.writer.ports import BodyReader, TileStore
from custodes.settings import Settings
from custodes.storage.files.documents import FolderDocuments
from custodes.storage.ledger.open import LedgerPaths, read_bodies, read_tiles
from custodes.storage.objects.places import S3Location


@dataclass(frozen=True, slots=True)
class LedgerSource:
    """Where a ledger is to be looked for.

    Attributes:
        data: the data directory.
        database: of several servers; empty where none was named.
        tiles: their bucket; None for a folder of the directory.
    """

    data: Path
    database: str = ""
    tiles: S3Location | None = None


@dataclass(frozen=True, slots=True)
class StoredLedger:
    """What a ledger consists of, with what is made from it.

    Attributes:
        tiles: public files.
        bodies: private bodies.
        witnessed: publishes the checkpoint with cosignatures.
        documents: maps, bills, erasures, rules and drafts, named as files of a data directory are.
    """

    tiles: TileStore
    bodies: BodyReader
    witnessed: Callable[[bytes], object]
    documents: Documents


def ledger_source(settings: Settings) -> LedgerSource:
    """Where the settings say that the ledger is. Raises InvalidParameterError: they name no object, or no endpoint."""
    return LedgerSource(settings.data, settings.database, tiles_place(settings))


def tiles_place(settings: Settings) -> S3Location | None:
    """The bucket of the ledger's public files; None for a folder. Raises InvalidParameterError, likewise."""
    return s3_place(settings, "ledger_tiles") if settings.ledger_tiles else None


def in_directory(data: Path) -> StoredLedger:
    """The ledger of one server."""

    def witnessed(note: bytes) -> None:
        write_durably(LedgerPaths(data).public / WITNESSED_PATH, note, 0o644)

    return StoredLedger(read_tiles(data), read_bodies(data), witnessed, FolderDocuments(data))


def stored_tiles(source: LedgerSource) -> TileStore:
    """The public files, as they are now. Raises UnavailableError: they are in a bucket that was not named."""
    if source.tiles is not None:
        from custodes.storage.objects.s3_tiles import s3_tiles

        return s3_tiles(source.tiles, keep_bytes=0)
    mark = LedgerPaths(source.data).shared_mark
    if mark.exists() and (elsewhere := mark.read_text(encoding="utf-8")):
        raise UnavailableError(f"the public files of this ledger are in {elsewhere}: set CUSTODES_LEDGER_TILES")
    return read_tiles(source.data)


@contextmanager
def stored_ledger(source: LedgerSource) -> Iterator[StoredLedger]:
    """All of it. Raises UnavailableError: it is in a database or a bucket that was not named."""
    if not LedgerPaths(source.data).shared_mark.exists():
        yield in_directory(source.data)
        return
    tiles = stored_tiles(source)
    with stored_documents(source) as documents:
        from custodes.storage.ledger.shared_log import SharedPlace

        with closing(SharedPlace(source.data, source.database, _account(source)).bodies) as bodies:
            yield StoredLedger(tiles, bodies, _refused, documents)


@contextmanager
def stored_documents(source: LedgerSource) -> Iterator[Documents]:
    """What is made from the ledger, for reading where it is shared. Raises UnavailableError: no database was named."""
    if not LedgerPaths(source.data).shared_mark.exists():
        yield FolderDocuments(source.data)
        return
    account = _account(source)
    from custodes.storage.files import master_key
    from custodes.storage.sql.ledger.documents import PostgresDocuments

    master = master_key.stored(source.data, os.urandom)
    with closing(PostgresDocuments(source.database, account, master)) as documents:
        yield documents


def _account(source: LedgerSource) -> AccountId:
    """Whose ledger it is, which several servers write."""
    # Loads what commands without a database do without.
    from custodes.storage.files.credentials import stored_account

    account = stored_account(source.data)
    if not source.database or account is None:
        raise UnavailableError("parts of this ledger are in the database of several servers: set CUSTODES_DATABASE")
    return account


def _refused(_: bytes) -> None:
    raise PermissionError("this view of the ledger's files is read-only")
