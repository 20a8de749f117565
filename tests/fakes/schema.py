"""A new data directory's database, empty and of the newest schema, without going through all migrations again.

In: a folder. Out: its file, a copy of one that the migrations made, once in a process. What the migrations do is for
tests/storage/test_schema.py and for every server that runs as a process of its own.
"""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from custodes.storage.sql.sqlite_database import FILE_NAME, SqliteDatabase


def new_database(directory: Path) -> None:
    """Give ``directory``, which need not be there, an empty database; one that is there stays."""
    path = directory / FILE_NAME
    if not path.exists():
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(0o600)
        path.write_bytes(_empty())


def open_sqlite(directory: Path) -> SqliteDatabase:
    """The database of ``directory``, which a new one gets at once."""
    new_database(directory)
    return SqliteDatabase.open(directory)


@cache
def _empty() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        SqliteDatabase.open(Path(folder)).close()
        return (Path(folder) / FILE_NAME).read_bytes()
