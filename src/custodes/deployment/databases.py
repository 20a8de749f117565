"""Which database a data directory has: the one in it, or one on PostgreSQL.

In: settings. Out: an open database. A directory remembers that its database is elsewhere, so that forgetting a setting
does not start a server on an empty or outdated one. Drivers are imported when they are asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from custodes.core.errors import UnavailableError
from custodes.durable import move_durably, sync_directory, write_durably
from custodes.settings import Settings
from custodes.storage.sql.database import Database
from custodes.storage.sql.sqlite_database import FILE_NAME, SqliteDatabase

_MARK = "database"
_ELSEWHERE = b"postgresql\n"


def is_elsewhere(data: Path) -> bool:
    """Whether the database of ``data`` is on PostgreSQL."""
    return (data / _MARK).exists()


def open_database(settings: Settings) -> Database:
    """The database of the data directory, owned by this process, of the newest schema.

    Raises:
        UnavailableError: it is in use, cannot be opened, or is not where the settings say.
    """
    if not settings.database:
        if is_elsewhere(settings.data):
            raise UnavailableError(
                "the database of this directory is on PostgreSQL: set CUSTODES_DATABASE, or bring it back with "
                "custodes database copy --from URL"
            )
        return SqliteDatabase.open(settings.data)
    _require_moved(settings.data)
    from custodes.storage.sql.postgres_database import PostgresDatabase

    database = PostgresDatabase.open(settings.data, settings.database)
    write_durably(settings.data / _MARK, _ELSEWHERE)
    return database


def join_database(settings: Settings, folder: Path) -> Database:
    """The database of a data directory that several servers have; ``folder`` is this one's alone. Raises likewise."""
    _require_moved(settings.data)
    from custodes.storage.sql.postgres_database import PostgresDatabase

    database = PostgresDatabase.joined(folder, settings.database)
    write_durably(settings.data / _MARK, _ELSEWHERE)
    return database


def _require_moved(data: Path) -> None:
    if (data / FILE_NAME).exists():
        raise UnavailableError(f"there is a database in {data} already: move it with custodes database copy --to URL")


def copy_to_shared(data: Path, url: str) -> Mapping[str, int]:
    """Copy the directory's database to ``url``, and remember that it is there; rows by table.

    Raises:
        UnavailableError: one cannot be opened, the target is not empty, or the copy is not the same.
    """
    from custodes.storage.backup.database_copy import copy_database
    from custodes.storage.sql.postgres_database import PostgresDatabase
    from custodes.storage.sql.screening.list_copy import move_lists

    if not (data / FILE_NAME).exists():
        raise UnavailableError(f"there is no database in {data}")
    with closing(SqliteDatabase.open(data)) as source, closing(PostgresDatabase.beside(url)) as target:
        copied = dict(copy_database(source, target))
        copied |= move_lists(data, url)
        write_durably(data / _MARK, _ELSEWHERE)
    move_durably(data / FILE_NAME, data / f"{FILE_NAME}.copied")
    return copied


def put_on_server(data: Path, url: str) -> None:
    """Have the database of a directory that was just restored at ``url`` alone. Raises as ``copy_to_shared``."""
    from custodes.storage.backup.server_database import overwrite

    copy_to_shared(data, url)
    for path in (*data.glob(f"{FILE_NAME}*"), *(data / "screening").glob("*.sqlite3*")):
        overwrite(path)


def copy_from_shared(data: Path, url: str) -> Mapping[str, int]:
    """Copy the database of ``url`` into the directory, which has it from then on; rows by table. Raises likewise."""
    from custodes.storage.backup.database_copy import copy_database
    from custodes.storage.sql.postgres_database import PostgresDatabase
    from custodes.storage.sql.screening.list_copy import move_lists

    with closing(PostgresDatabase.beside(url)) as source, closing(SqliteDatabase.open(data)) as target:
        copied = dict(copy_database(source, target))
        copied |= move_lists(data, url, back=True)
        (data / _MARK).unlink(missing_ok=True)
        sync_directory(data)
    return copied
