"""Where the lists of a data directory are: ``screening/lists.sqlite3``, or a schema of their own on PostgreSQL.

In: the data directory, the URL of the database. Out: an engine, and write transactions that wait for each other instead
of failing. Lists have a file of their own because an import writes for long, and because commands import beside a
running server, which has the other database alone; they are public, so nothing in them is sealed.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import Connection, Engine, ExceptionContext, create_engine, event, text
from sqlalchemy.exc import ArgumentError, OperationalError

from custodes.core.errors import UnavailableError
from custodes.storage.sql.screening import schema as tables

FILE = "screening/lists.sqlite3"
SCHEMA = "custodes_lists"
_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=60000", "cache_size=-65536")
_WRITE_LOCK = 0x6375_7374_6F64_0004
"""See ``postgres_database`` for its neighbours."""
_VERSION = text(f"SELECT obj_description(to_regnamespace('{SCHEMA}'), 'pg_namespace')")


def open_lists(data: Path, url: str = "") -> Engine:
    """Open the lists of ``data``, those on PostgreSQL where ``url`` names it. Raises UnavailableError."""
    return open_schema(url) if url else open_file(data)


def open_file(data: Path) -> Engine:
    """Open, and create where it is missing, the file below ``data``; only its owner can read it."""
    path = data / FILE
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Only a file that is not there is opened here: to close any descriptor of a database gives up the locks that
    # SQLite holds on it for this whole process (sqlite.org/howtocorrupt.html, 2.2).
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    engine = create_engine(f"sqlite:///{path}")
    event.listen(engine, "connect", _prepare)
    explain_damage(engine, path, "restore it from a backup, or move it away and import the lists again")
    return engine


def open_schema(url: str) -> Engine:
    """Open the lists on the PostgreSQL server of ``url``. Raises UnavailableError where that is no URL."""
    options = {"options": f"-c search_path={SCHEMA}", "connect_timeout": 10}
    try:
        # Each question is one statement, so none needs a transaction around it and its round trips.
        engine = create_engine(url, connect_args=options, pool_pre_ping=False, isolation_level="AUTOCOMMIT")
    except (ArgumentError, ImportError) as error:
        raise UnavailableError("the lists are on PostgreSQL, and the setting `database` cannot be used") from error

    def explain(context: ExceptionContext) -> None:
        if isinstance(context.sqlalchemy_exception, OperationalError):
            raise UnavailableError("the database with the sanctions lists does not answer") from (
                context.original_exception
            )

    event.listen(engine, "handle_error", explain)
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
    """A transaction that is the only one that writes, from its beginning.

    Raises:
        UnavailableError: another process kept the lock of the file for a minute.
    """
    if engine.dialect.name != "sqlite":
        with engine.execution_options(isolation_level="READ COMMITTED").begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _WRITE_LOCK})
            yield connection
        return
    with engine.begin() as connection:
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        except OperationalError as error:
            raise UnavailableError("another process is writing the sanctions lists") from error
        yield connection


def outdated(engine: Engine) -> bool:
    """Whether the lists are new, or an older release made what is derived in them."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            return connection.exec_driver_sql("PRAGMA user_version").scalar() != tables.VERSION
        return connection.execute(_VERSION).scalar() != str(tables.VERSION)


def make_tables(connection: Connection) -> None:
    """Have all tables, those with nothing but what is derived empty; the version is this release's at the commit."""
    if connection.dialect.name == "sqlite":
        for former in tables.FORMER:
            connection.exec_driver_sql(f"DROP TABLE IF EXISTS {former}")
        connection.exec_driver_sql(f"PRAGMA user_version = {tables.VERSION}")
    else:
        connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
        connection.execute(text(f"COMMENT ON SCHEMA {SCHEMA} IS '{tables.VERSION}'"))
    tables.metadata.drop_all(connection, tables.derived)
    tables.metadata.create_all(connection)


def _prepare(connection: object, _record: object) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]
    for pragma in _PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
