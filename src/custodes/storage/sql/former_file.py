"""A file of its own in which an earlier version kept what is in the database now: taken over once, then removed.

In: the path of an SQLite file, a query, what puts its rows into the database. Out: nothing; the rows are durable before
the file goes, so that a crash in between only has them put in again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from custodes.core.errors import UnavailableError
from custodes.durable import sync_directory


def take_over(path: Path, query: str, put: Callable[[Sequence[tuple[Any, ...]]], object]) -> None:
    """Give the rows of ``query`` in the file at ``path`` to ``put``, and remove it; nothing where there is none.

    Raises:
        UnavailableError: the file cannot be read; it stays.
    """
    if not path.exists():
        return
    try:
        with closing(sqlite3.connect(path)) as connection:
            rows = connection.execute(query).fetchall()
    except sqlite3.Error as error:
        raise UnavailableError(f"{path} is damaged: restore it from a backup of the data directory") from error
    put(rows)
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        path.with_name(name).unlink(missing_ok=True)
    sync_directory(path.parent)
