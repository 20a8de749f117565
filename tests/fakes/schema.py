"""A new data directory's databases, empty and of the newest schema, without going through all migrations again.

In: a folder. Out: their files, copies of those that the program made, once in a process. What the migrations do is for
tests/storage/test_schema.py and for every server that runs as a process of its own.
"""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from custodes.storage.sql.screening.database import FILE as LISTS_FILE
from custodes.storage.sql.screening.lists import ScreeningLists
from custodes.storage.sql.sqlite_database import FILE_NAME, SqliteDatabase


def new_database(directory: Path, *names: str) -> None:
    """Give ``directory``, which need not be there, an empty database and files of ``names``; what is there stays."""
    for path in (directory / name for name in (FILE_NAME, *names)):
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.touch(0o600)
            path.write_bytes(_empty()[path.relative_to(directory).as_posix()])


def open_sqlite(directory: Path) -> SqliteDatabase:
    """The database of ``directory``, which a new one gets at once."""
    new_database(directory)
    return SqliteDatabase.open(directory)


@cache
def _empty() -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        SqliteDatabase.open(Path(folder)).close()
        ScreeningLists(Path(folder)).close()
        return {name: (Path(folder) / name).read_bytes() for name in (FILE_NAME, LISTS_FILE)}
