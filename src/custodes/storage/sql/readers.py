"""Plain connections for reading, kept open between reads.

In: a SELECT and its parameters. Out: rows as tuples. The connection used last is used next, so that a lone reader stays
with warm pages and a prepared statement. It knows no tables and never writes.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from custodes.storage.sql.database import Parameters


class Readers:
    """As many connections as there were threads reading at the same time."""

    def __init__(self, path: Path, pragmas: Sequence[str]) -> None:
        """Read the database at ``path``; each connection starts with ``pragmas``."""
        self._path = path
        self._pragmas = pragmas
        # Both ends are safe to use from any thread.
        self._idle: deque[sqlite3.Connection] = deque()

    def fetch(self, statement: str, parameters: Parameters) -> list[tuple[Any, ...]]:
        """All rows of ``statement``. Raises sqlite3.Error."""
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._connect()
        try:
            rows = connection.execute(statement, parameters).fetchall()
        except BaseException:
            connection.close()  # whatever it was, the next read starts afresh
            raise
        self._idle.append(connection)
        return rows

    def close(self) -> None:
        """Close all that are idle. Harmless when called again."""
        while self._idle:
            self._idle.pop().close()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        for pragma in self._pragmas:
            connection.execute(f"PRAGMA {pragma}")
        return connection
