"""Copies lists between their file and PostgreSQL: whole or not at all, compared row by row.

In: open engines, or the data directory and a URL. Out: how many rows each table has.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import Connection, Engine, Table, func, insert, select, text

from custodes.core.errors import UnavailableError
from custodes.durable import move_durably
from custodes.storage.sql.screening import schema as tables
from custodes.storage.sql.screening.database import FILE, make_tables, open_file, open_lists, outdated, writing

_ROWS = 500


def copy_lists(source: Engine, target: Engine) -> Mapping[str, int]:
    """Copy all rows into ``target``, which is empty.

    Raises:
        UnavailableError: it is not, or the copy is not the same; nothing was kept.
    """
    with _at_one_moment(source).connect() as read, writing(target) as written:
        if has_lists(written):
            raise UnavailableError("the target has lists already")
        if outdated(source):
            raise UnavailableError("the lists are of another release: start the server on them once")
        counts = {}
        for table in tables.metadata.sorted_tables:
            written.execute(table.delete())
            counts[table.name] = _copy(read, written, table)
            if _digest(read, table) != _digest(written, table):
                raise UnavailableError(f"the copy of {table.name} is not the same; nothing was kept")
        if written.dialect.name != "sqlite" and counts[tables.edition.name]:
            last = select(func.max(tables.edition.c.id)).scalar_subquery()
            written.execute(select(func.setval(text("pg_get_serial_sequence('edition', 'id')"), last)))
        return counts


def copy_to_file(url: str, data: Path) -> None:
    """Have the lists of the database of ``url`` in their file below ``data``, too; none where there are none there.

    Raises:
        UnavailableError: one of both cannot be used, or the copy is not the same.
    """
    server = open_lists(data, url)
    try:
        if not _are_there(server):
            return
        file = open_file(data)
        try:
            with writing(file) as connection:
                make_tables(connection)
            copy_lists(server, file)
        finally:
            file.dispose()
    finally:
        server.dispose()


def move_lists(data: Path, url: str, *, back: bool = False) -> Mapping[str, int]:
    """Copy the lists of ``data`` to the database of ``url``, or ``back``; nothing where there are none.

    Raises:
        UnavailableError: the target has some already, or one of both cannot be used.
    """
    if not back and not (data / FILE).exists():
        return {}
    file, server = open_file(data), open_lists(data, url)
    source, target = (server, file) if back else (file, server)
    try:
        for engine in (source, target):
            if outdated(engine) and (engine is target or not _are_there(engine)):
                with writing(engine) as connection:
                    make_tables(connection)
        copied = copy_lists(source, target)
    finally:
        file.dispose()
        server.dispose()
    if not back:
        _put_away(data)
    return copied


def take_over_lists(data: Path, engine: Engine) -> None:
    """Have what an earlier release kept in the directory where the database has no lists yet."""
    if not (data / FILE).exists():
        return
    with engine.connect() as connection:
        if has_lists(connection):
            return
    file = open_file(data)
    try:
        if _are_there(file):
            copy_lists(file, engine)
    finally:
        file.dispose()
    _put_away(data)


def has_lists(connection: Connection) -> bool:
    """Whether a list was ever imported, or is fetched from somewhere."""
    return any(
        connection.execute(select(func.count()).select_from(table)).scalar_one()
        for table in (tables.edition, tables.publisher)
    )


def _at_one_moment(engine: Engine) -> Engine:
    """For reading in a transaction."""
    return engine if engine.dialect.name == "sqlite" else engine.execution_options(isolation_level="REPEATABLE READ")


def _are_there(engine: Engine) -> bool:
    with engine.connect() as connection:
        return engine.dialect.has_table(connection, tables.edition.name)


def _put_away(data: Path) -> None:
    """Keep the file under another name; its log goes, because the last connection to it was closed."""
    move_durably(data / FILE, data / f"{FILE}.copied")


def _copy(read: Connection, written: Connection, table: Table) -> int:
    count = 0
    result = read.execute(select(table).execution_options(yield_per=_ROWS))
    for part in result.partitions(_ROWS):
        written.execute(insert(table), [dict(row._mapping) for row in part])
        count += len(part)
    return count


def _digest(connection: Connection, table: Table) -> bytes:
    """SHA-256 over all rows in the order of their keys."""
    found = hashlib.sha256()
    result = connection.execute(select(table).order_by(*table.primary_key.columns).execution_options(yield_per=_ROWS))
    for row in result:
        found.update(repr(tuple(bytes(one) if isinstance(one, memoryview) else one for one in row)).encode())
    return found.digest()
