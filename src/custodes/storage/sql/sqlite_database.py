"""The embedded database of a data directory: opening, reading, writing, closing.

In: a directory. Out: ``read`` for short consistent reads on connections of their own, ``write`` for durable changes
through the one writer. SQLite in WAL mode with synchronous=FULL: a commit that returned survives a power cut, and
readers never wait for the writer. Deleted content is overwritten (secure_delete). It knows no tables.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Dialect, Engine, create_engine, event
from sqlalchemy.exc import SQLAlchemyError

from custodes.core.errors import UnavailableError
from custodes.storage.files.directory import DirectoryLock
from custodes.storage.sql.database import Parameters
from custodes.storage.sql.migrate import migrate
from custodes.storage.sql.readers import Readers
from custodes.storage.sql.writer import Writer

T = TypeVar("T")

FILE_NAME = "custodes.sqlite3"
BUSY_TIMEOUT_MS = 2000
"""How long a write waits for a foreign process (a backup tool) that holds the database."""

_READERS = 16
_REMEDY = "bring a backup back with custodes restore"
_WRITER_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "secure_delete=ON",
    f"busy_timeout={BUSY_TIMEOUT_MS}",
)
_READER_PRAGMAS = ("query_only=ON", "busy_timeout=5000")


class SqliteDatabase:
    """One data directory's database, owned by this process."""

    def __init__(
        self, lock: DirectoryLock, writing: Engine, reading: Engine, writer: Writer, fetching: Readers
    ) -> None:
        """Keep the parts; use ``open``."""
        self._lock = lock
        self._writing = writing
        self._reading = reading
        self._writer = writer
        self._fetching = fetching

    @classmethod
    def open(cls, directory: Path) -> SqliteDatabase:
        """Own ``directory``, bring its database to the newest schema and start its writer.

        Raises:
            UnavailableError: owned by another process, not writable, not a database, or of a newer version.
        """
        lock = DirectoryLock.acquire(directory)
        path = directory / FILE_NAME
        writing = _engine(path, _WRITER_PRAGMAS, begin="BEGIN IMMEDIATE", connections=1)
        try:
            _create_private(path)
            with writing.connect() as connection:
                migrate(connection)
        except (SQLAlchemyError, sqlite3.Error, OSError) as error:
            writing.dispose()
            lock.release()
            raise UnavailableError(f"{path} cannot be opened: {_reason(error)}; {_REMEDY}") from error
        except UnavailableError:
            writing.dispose()
            lock.release()
            raise
        writer = Writer(writing, scrub=_scrubbed)
        writer.start()
        reading = _engine(path, _READER_PRAGMAS, begin="BEGIN", connections=_READERS)
        return cls(lock, writing, reading, writer, Readers(path, _READER_PRAGMAS))

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """See Database."""
        try:
            with self._reading.connect() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise UnavailableError("the database could not be read") from error

    @property
    def dialect(self) -> Dialect:
        """See Database."""
        return self._reading.dialect

    def fetch(self, statement: str, parameters: Parameters) -> list[tuple[Any, ...]]:
        """See Database."""
        try:
            return self._fetching.fetch(statement, parameters)
        except sqlite3.Error as error:
            raise UnavailableError("the database could not be read") from error

    def write(self, change: Callable[[Connection], T], *, erases: bool = False) -> T:
        """Run ``change`` and return its result once it is durable; see ``Writer.run``."""
        return self._writer.run(change, erases=erases)

    def close(self) -> None:
        """Finish pending changes, close all connections, give the directory up. Harmless when called again."""
        self._writer.close()
        self._fetching.close()
        self._reading.dispose()
        self._writing.dispose()
        self._lock.release()


def _scrubbed(connection: Connection) -> bool:
    """Empty the write-ahead log, which still holds pages from before a deletion; False while readers use it."""
    raw: Any = connection.connection.cursor()
    try:
        raw.execute("PRAGMA busy_timeout=0")  # changes that wait are more urgent than readers that linger
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return not raw.fetchone()[0]
    finally:
        raw.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        raw.close()


def _create_private(path: Path) -> None:
    """SQLite gives its side files the mode of the database, so this one decides for all."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))


def _engine(path: Path, pragmas: tuple[str, ...], begin: str, connections: int) -> Engine:
    engine = create_engine(
        URL.create("sqlite+pysqlite", database=str(path)),
        connect_args={"check_same_thread": False},
        pool_size=connections,
        max_overflow=0 if connections == 1 else connections,
    )

    def prepare(connection: Any, _record: object) -> None:
        # The driver must not open transactions by itself: it would do so before writes only, and never for DDL.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine


def _reason(error: Exception) -> str:
    """What SQLite or the system says, without statements."""
    return str(getattr(error, "orig", None) or error)
