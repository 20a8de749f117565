"""A PostgreSQL database: opening, reading, writing, closing.

In: a URL like ``postgresql+psycopg://user@host/name``, and the data directory that has the keys. Out: the same promises
as the embedded database. Changes of all processes take one advisory lock in turn, as SQLite's writers do, so that what
a change looked at is what it changes; group commit makes up for it. A commit that returned survives a power cut where
the server keeps ``synchronous_commit`` and ``fsync`` on, which is required. Deleted rows stay in the server's files
until it vacuums them; what they are sealed by never leaves the data directory.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from sqlalchemy import Connection, Dialect, Engine, create_engine, delete, insert, select, text
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from custodes.core.errors import UnavailableError
from custodes.storage.files.directory import DirectoryLock
from custodes.storage.sql.database import Parameters
from custodes.storage.sql.migrate import migrate
from custodes.storage.sql.schema import SECRETS
from custodes.storage.sql.writer import Writer

T = TypeVar("T")

_READERS = 16
_CONNECT_S = 10
_LEAVING_S, _LOOK_S = 1.0, 0.05
"""How long the database server may take to notice that the owner before has gone."""
# Advisory locks are numbers that all users of a database share: these are the first bytes of SHA-256("custodes ...").
_OWNER_LOCK = 0x6375_7374_6F64_0001
_MIGRATION_LOCK = 0x6375_7374_6F64_0002
WRITE_LOCK = 0x6375_7374_6F64_0003
_OWNER, _MARK_BYTES = "owner", 16
_TURN = text(
    "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND pid = :owner AND granted)"
    " FROM (SELECT pg_advisory_xact_lock(:write)) AS turn"
)
_READING: Mapping[str, Any] = MappingProxyType(
    {"execution_options": {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}}
)
_IMPATIENT = "-c idle_in_transaction_session_timeout=3000"
_WANTED = "the setting `database` is a URL like postgresql+psycopg://user@host/name"


class _Ownership:
    """That this process has the database, alone or with others that follow each other's changes.

    It is a lock of a session, and a mark that is drawn anew by each who has it alone. Where the session was lost (the
    server was restarted, a network failed) it is taken again, but only if the mark says that nobody else had the
    database alone meanwhile: what this process has in memory would be outdated otherwise.
    """

    def __init__(self, engine: Engine, *, shared: bool) -> None:
        """Own the database of ``engine``. Raises UnavailableError, SQLAlchemyError."""
        self._engine = engine
        self._shared = shared
        self._mark = os.urandom(_MARK_BYTES)
        self._connection = self._locked()

    def mark(self) -> None:
        """Say that this process is the owner, or look who was it last; the tables are there. Raises SQLAlchemyError."""
        if self._shared:
            self._mark = _mark(self._connection) or b""
        else:
            self._connection.execute(delete(SECRETS).where(SECRETS.c.name == _OWNER))
            self._connection.execute(insert(SECRETS).values(name=_OWNER, sealed=self._mark))
        self._connection.commit()

    def take_turn(self, connection: Connection) -> None:
        """Begin a change: wait for those of others, and be sure to be the owner still.

        Raises:
            UnavailableError: another process has had the database, or has it now.
        """
        asked = {"write": WRITE_LOCK, "owner": self._backend}
        if not connection.execute(_TURN, asked).scalar_one():
            self.close()
            self._connection = self._locked()
            if (_mark(connection) or b"") != self._mark:
                self.close()
                raise UnavailableError("another process has had the database meanwhile; start this one again")

    def close(self) -> None:
        """Give the database up, with the session: in a pool it would keep the lock."""
        with suppress(SQLAlchemyError):
            self._connection.invalidate()
            self._connection.close()

    def _locked(self) -> Connection:
        connection = self._engine.connect()
        self._backend = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        lock = "pg_try_advisory_lock_shared" if self._shared else "pg_try_advisory_lock"
        asked = text(f"SELECT {lock}(:lock)")
        taken, end = False, time.monotonic() + _LEAVING_S
        while not taken and time.monotonic() < end:
            taken = connection.execute(asked, {"lock": _OWNER_LOCK}).scalar_one()
            connection.commit()
            if not taken:
                time.sleep(_LOOK_S)
        if not taken:
            connection.invalidate()
            connection.close()
            raise UnavailableError("the database is in use by another process")
        return connection


def _mark(connection: Connection) -> bytes | None:
    found = connection.execute(select(SECRETS.c.sealed).where(SECRETS.c.name == _OWNER)).scalar_one_or_none()
    return None if found is None else bytes(found)


class PostgresDatabase:
    """One PostgreSQL database, owned by this process or by it and others like it."""

    def __init__(self, lock: DirectoryLock | None, owner: _Ownership, writing: Engine, url: str) -> None:
        """Keep the parts; use ``open``."""
        self._lock = lock
        self._owner = owner
        self._writing = writing
        self._reading = _engine(url, _READERS, **_READING)
        self._fetching = _engine(url, _READERS, isolation_level="AUTOCOMMIT", pool_pre_ping=False)
        self._writer = Writer(writing, begin=owner.take_turn)
        self._writer.start()

    @classmethod
    def open(cls, directory: Path, url: str) -> PostgresDatabase:
        """Own ``directory`` and the database of ``url``, and bring it to the newest schema.

        Raises:
            UnavailableError: owned by another process, not reachable, unfit, or of a newer version.
        """
        return cls._opened(url, DirectoryLock.acquire(directory))

    @classmethod
    def joined(cls, directory: Path, url: str) -> PostgresDatabase:
        """Own ``directory``, and the database of ``url`` together with others that joined it.

        A process that stands still in the middle of a change is cut off by the server after some seconds, so that
        others need not wait for it. Raises as ``open``.
        """
        return cls._opened(url, DirectoryLock.acquire(directory), shared=True)

    @classmethod
    def beside(cls, url: str) -> PostgresDatabase:
        """The database of ``url`` alone, for whoever has the data directory already. Raises likewise."""
        return cls._opened(url, None)

    @classmethod
    def _opened(cls, url: str, lock: DirectoryLock | None, *, shared: bool = False) -> PostgresDatabase:
        writing: Engine | None = None
        owner: _Ownership | None = None
        try:
            writing = _engine(url, 3, options=_IMPATIENT if shared else "")
            with writing.connect() as connection:
                _require_fit(connection)
            owner = _Ownership(writing, shared=shared)
            with writing.connect() as connection:
                _migrate(connection)
            owner.mark()
        except (SQLAlchemyError, UnavailableError) as error:
            if owner is not None:
                owner.close()
            if writing is not None:
                writing.dispose()
            if lock is not None:
                lock.release()
            if isinstance(error, UnavailableError):
                raise
            raise UnavailableError(f"the database cannot be opened: {_reason(error)}") from error
        return cls(lock, owner, writing, url)

    @property
    def dialect(self) -> Dialect:
        """See Database."""
        return self._reading.dialect

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """See Database."""
        try:
            with self._reading.connect() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise UnavailableError("the database could not be read") from error

    def fetch(self, statement: str, parameters: Parameters) -> list[tuple[Any, ...]]:
        """See Database."""
        try:
            return self._fetch(statement, parameters)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise UnavailableError("the database could not be read") from error
        except SQLAlchemyError as error:
            raise UnavailableError("the database could not be read") from error
        try:
            return self._fetch(statement, parameters)  # the session was lost meanwhile; this one is new
        except SQLAlchemyError as error:
            raise UnavailableError("the database could not be read") from error

    def _fetch(self, statement: str, parameters: Parameters) -> list[tuple[Any, ...]]:
        with self._fetching.connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(statement, parameters)]

    def write(self, change: Callable[[Connection], T], *, erases: bool = False) -> T:
        """See Database."""
        return self._writer.run(change, erases=erases)

    def close(self) -> None:
        """See Database."""
        self._writer.close()
        self._reading.dispose()
        self._fetching.dispose()
        self._owner.close()
        self._writing.dispose()
        if self._lock is not None:
            self._lock.release()


def _engine(url: str, connections: int, *, options: str = "", **more: Any) -> Engine:
    arguments: dict[str, Any] = {"connect_timeout": _CONNECT_S, "application_name": "custodes"}
    try:
        made = create_engine(
            url,
            pool_size=connections,
            connect_args={**arguments, "options": options} if options else arguments,
            **{"pool_pre_ping": True, **more},
        )
    except (ArgumentError, ImportError) as error:
        raise UnavailableError(f"{_WANTED} and needs custodes[postgres]") from error
    if made.dialect.name != "postgresql" or made.dialect.driver != "psycopg":
        raise UnavailableError(_WANTED)
    return made


def _migrate(connection: Connection) -> None:
    """Bring the database to the newest schema; of several processes one does it and the others wait."""
    connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _MIGRATION_LOCK})
    connection.commit()
    try:
        migrate(connection)
    finally:
        connection.rollback()
        connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": _MIGRATION_LOCK})
        connection.commit()


def _require_fit(connection: Connection) -> None:
    """Text is compared by its bytes, and a commit lasts: both are the database's own settings."""
    query = "SELECT datcollate, pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database()"
    collation, encoding = connection.execute(text(query)).one()
    if collation not in ("C", "POSIX") or encoding != "UTF8":
        raise UnavailableError(
            f"the database has collation {collation} and encoding {encoding}; make one with: "
            "CREATE DATABASE custodes TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'"
        )
    for name in ("fsync", "synchronous_commit"):
        if connection.execute(text(f"SHOW {name}")).scalar_one() == "off":
            raise UnavailableError(f"the database server has {name} off: what it confirms could be lost")
    connection.commit()


def _reason(error: SQLAlchemyError) -> str:
    """The first line of what the driver says, which names host and database, never the password."""
    lines = str(getattr(error, "orig", None) or type(error).__name__).strip().splitlines()
    return lines[0] if lines else type(error).__name__
