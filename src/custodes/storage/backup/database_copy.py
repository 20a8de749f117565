"""Copies one database into another, empty one: from SQLite to PostgreSQL and back.

In: two open databases of the newest schema. Out: how many rows each table has, which are the same on both sides, row by
row. One transaction on either side, so that a copy is there whole or not at all. Row numbers go on where they were, so
that none is used twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping

from sqlalchemy import Connection, Row, Table, func, insert, select, text

from custodes.core.errors import UnavailableError
from custodes.storage.sql.database import Database
from custodes.storage.sql.schema import METADATA, SECRETS

_BATCH_ROWS = 1000
_OWNER = "owner"


def copy_database(source: Database, target: Database) -> Mapping[str, int]:
    """Copy all rows; returns their number by table.

    Raises:
        UnavailableError: the target is not empty, one cannot be read or written, or what was written is not the same.
    """
    with source.read() as read:
        return copy_rows(read, target)


def copy_rows(read: Connection, target: Database) -> Mapping[str, int]:
    """The same from a connection that sees one state of the source."""

    def change(connection: Connection) -> dict[str, int]:
        _require_empty(connection)
        copied = {}
        for table in METADATA.sorted_tables:
            copied[table.name] = _copy(read, connection, table)
            if _digest(read, table) != _digest(connection, table):
                raise UnavailableError(f"the copy of {table.name} is not the same; nothing was kept")
            if "row" in table.c and table.c.row.autoincrement is True:
                _go_on(read, connection, table)
        return copied

    return target.write(change)


def _require_empty(connection: Connection) -> None:
    for table in METADATA.sorted_tables:
        if table is not SECRETS and connection.execute(select(func.count()).select_from(table)).scalar_one():
            raise UnavailableError(f"the target is not empty: it has rows in {table.name}")
    names = set(connection.execute(select(SECRETS.c.name)).scalars()) - {_OWNER}
    if names:
        raise UnavailableError("the target is not empty: a server has started on it")


def _copy(read: Connection, written: Connection, table: Table) -> int:
    count = 0
    for rows in _batches(read, table):
        written.execute(insert(table), [dict(row._mapping) for row in rows])
        count += len(rows)
    return count


def _digest(connection: Connection, table: Table) -> bytes:
    """SHA-256 over all rows in the order of their keys."""
    found = hashlib.sha256()
    for rows in _batches(connection, table):
        for row in rows:
            found.update(
                repr(tuple(bytes(value) if isinstance(value, memoryview) else value for value in row)).encode()
            )
    return found.digest()


def _batches(connection: Connection, table: Table) -> Iterator[list[Row[tuple[object, ...]]]]:
    query = select(table).order_by(*table.primary_key.columns)
    if table is SECRETS:
        query = query.where(SECRETS.c.name != _OWNER)
    result = connection.execute(query.execution_options(yield_per=_BATCH_ROWS))
    for part in result.partitions(_BATCH_ROWS):
        yield list(part)


def _go_on(read: Connection, written: Connection, table: Table) -> None:
    """Have the target number rows from where the source is, also where its last rows were deleted."""
    last = _last_number(read, table)
    if written.dialect.name == "sqlite":
        written.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), {"name": table.name})
        written.execute(
            text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :last)"), {"name": table.name, "last": last}
        )
    elif last:
        written.execute(
            text("SELECT setval(pg_get_serial_sequence(:name, 'row'), :last)"), {"name": table.name, "last": last}
        )


def _last_number(connection: Connection, table: Table) -> int:
    if connection.dialect.name == "sqlite":
        query = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = :name"
        return int(connection.execute(text(query), {"name": table.name}).scalar_one())
    query = (
        "SELECT coalesce(last_value, 0) FROM pg_sequences"
        " WHERE format('%I.%I', schemaname, sequencename) = pg_get_serial_sequence(:name, 'row')"
    )
    return int(connection.execute(text(query), {"name": table.name}).scalar_one())
