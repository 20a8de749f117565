"""The file ``screening/lists.sqlite3`` of a data directory: opened, made, and its derived tables brought up to date.

In: the data directory. Out: an engine, and write transactions that wait for each other instead of failing.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import Connection, Engine, ExceptionContext, create_engine, event
from sqlalchemy.exc import OperationalError

from custodes.core.errors import UnavailableError
from custodes.storage.sql.screening import schema as tables

_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=60000", "cache_size=-65536")


def open_file(data: Path) -> Engine:
    """Open, and create where it is missing, the file below ``data``; only its owner can read it."""
    folder = data / "screening"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / "lists.sqlite3"
    # Only a file that is not there is opened here: to close any descriptor of a database gives up the locks that
    # SQLite holds on it for this whole process (sqlite.org/howtocorrupt.html, 2.2).
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    engine = create_engine(f"sqlite:///{path}")
    event.listen(engine, "connect", _prepare)
    explain_damage(engine, path, "restore it from a backup, or move it away and import the lists again")
    return engine


def explain_damage(engine: Engine, path: Path, remedy: str) -> None:
    """Have ``engine`` raise UnavailableError with ``remedy`` where SQLite finds that the file is no whole database."""

    def explain(context: ExceptionContext) -> None:
        error = context.original_exception
        if isinstance(error, sqlite3.DatabaseError) and error.sqlite_errorcode & 0xFF in _DAMAGE:
            raise UnavailableError(f"{path} is damaged: {remedy}") from error

    event.listen(engine, "handle_error", explain)


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that holds the file's write lock from its beginning.

    Raises:
        UnavailableError: another process kept the lock for a minute.
    """
    with engine.begin() as connection:
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        except OperationalError as error:
            raise UnavailableError("another process is writing the sanctions lists") from error
        yield connection


def outdated(engine: Engine) -> bool:
    """Whether the file is new, or an older release made what is derived in it."""
    with engine.connect() as connection:
        return connection.exec_driver_sql("PRAGMA user_version").scalar() != tables.VERSION


def _prepare(connection: object, _record: object) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]
    for pragma in _PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
