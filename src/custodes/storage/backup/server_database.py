"""A database on PostgreSQL as the files that a backup keeps: those that one server without it would have.

In: an open database that others write meanwhile. Out: one state of it in SQLite files, every row compared; overwritten
and removed at the end. The same files go back to PostgreSQL by ``custodes database copy``.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path, PurePath

from sqlalchemy import Connection, select

from custodes.core.ids import AccountId
from custodes.storage.backup.database_copy import copy_rows
from custodes.storage.sql.database import Database
from custodes.storage.sql.screening.database import FILE as LISTS
from custodes.storage.sql.screening.list_copy import copy_to_file
from custodes.storage.sql.sqlite_database import FILE_NAME, SqliteDatabase
from custodes.storage.sql.tables.ledger import LEDGER_HEADS

_OVERWRITE_BYTES = 1 << 20


class ServerDatabase:
    """The database of ``url``, where ``operator``'s ledger has its head if several servers write it."""

    def __init__(self, database: Database, url: str, operator: AccountId) -> None:
        """Read ``database``."""
        self._database = database
        self._url = url
        self._operator = operator

    @contextmanager
    def copied(self, scratch: Path, begun: Callable[[bytes | None], object]) -> Iterator[Path]:
        """One state of the database as files in ``scratch``, until the end of the block.

        ``begun`` is called with the ledger's published head in that state, None for none, before anything is copied.

        Raises:
            UnavailableError: it cannot be read, or the copy is not the same.
        """
        _remove(scratch)  # what a killed process left
        scratch.mkdir(mode=0o700, parents=True)
        try:
            with self._database.read() as read:
                begun(self._head(read))
                with closing(SqliteDatabase.open(scratch)) as target:
                    copy_rows(read, target)
            copy_to_file(self._url, scratch)
            yield scratch
        finally:
            _remove(scratch)

    def _head(self, read: Connection) -> bytes | None:
        wanted = select(LEDGER_HEADS.c.note).where(LEDGER_HEADS.c.account_id == self._operator)
        found = read.execute(wanted).scalar_one_or_none()
        return None if found is None else bytes(found)


def copied_files(scratch: Path) -> Iterator[PurePath]:
    """What is in a copy."""
    return (PurePath(name) for name in (FILE_NAME, LISTS) if (scratch / name).exists())


def overwrite(path: Path) -> None:
    """Overwrite and remove a copy: it has the wrapped keys of faces that may be erased later."""
    if not path.exists():
        return
    with path.open("r+b") as file:
        left = path.stat().st_size
        while left > 0:
            left -= file.write(bytes(min(left, _OVERWRITE_BYTES)))
        file.flush()
        os.fdatasync(file.fileno())
    path.unlink()


def _remove(scratch: Path) -> None:
    for path in scratch.rglob("*"):
        if path.is_file():
            overwrite(path)
    shutil.rmtree(scratch, ignore_errors=True)
