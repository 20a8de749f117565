"""Rows that say which vectors of a collection went or changed, for the indexes of other servers.

In: an open connection and a found collection. Out: row numbers. Transactions are the caller's. New faces need no such
row: the database numbers faces in the order of commits, so they are those behind the last one that is known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
from sqlalchemy import Connection, Dialect, bindparam, delete, func, insert, select, update
from sqlalchemy.sql.compiler import SQLCompiler

from custodes.core.errors import NotFoundError
from custodes.gallery.entities import CollectionKey
from custodes.gallery.following import CollectionVersion, VectorChanges
from custodes.gallery.ports import FloatArray
from custodes.storage.sql.database import Database
from custodes.storage.sql.gallery import face_rows, user_rows
from custodes.storage.sql.gallery.collection_rows import CollectionRow
from custodes.storage.sql.gallery.sealed_segments import FACES, VectorRows
from custodes.storage.sql.gallery.vectors import SealedRow
from custodes.storage.sql.schema import COLLECTION_CHANGES, COLLECTIONS
from custodes.storage.sql.schema import FACES as FACE_TABLE

KEPT = 100_000
"""So many versions back changes are known; an index that is older is filled anew."""
_MOST = 65_536
"""More new vectors than these are not followed one by one: filling anew reads sealed files."""
_LAST_ROW = 2**63 - 1

_VERSION = select(
    COLLECTIONS.c.row, COLLECTIONS.c.version, COLLECTIONS.c.model_version, COLLECTIONS.c.face_count
).where(COLLECTIONS.c.account_id == bindparam("account"), COLLECTIONS.c.collection_id == bindparam("collection"))


@cache
def _version_sql(dialect: Dialect) -> tuple[str, list[str] | None]:
    compiled = _VERSION.compile(dialect=dialect)
    assert isinstance(compiled, SQLCompiler)
    return str(compiled), None if compiled.positiontup is None else list(compiled.positiontup)


def version(database: Database, key: CollectionKey) -> CollectionVersion:
    """See CountingStore; every search asks it."""
    statement, names = _version_sql(database.dialect)
    asked: dict[str, object] = {"account": key.account_id, "collection": key.collection_id}
    rows = database.fetch(statement, asked if names is None else [asked[name] for name in names])
    if not rows:
        raise NotFoundError(f"The collection id: {key.collection_id} does not exist")
    return CollectionVersion(*rows[0])


def highest_face(connection: Connection, place: CollectionRow) -> int:
    """The highest row of a face; 0 where there is none."""
    here = (FACE_TABLE.c.account_id == place.account_id) & (FACE_TABLE.c.collection_row == place.row)
    return connection.execute(select(func.max(FACE_TABLE.c.row)).where(here)).scalar_one() or 0


def record(
    connection: Connection, place: CollectionRow, source: VectorRows, rows: Sequence[int], kept: int = KEPT
) -> None:
    """Say that vectors of ``rows`` went or changed with the version that follows the one of ``place``."""
    if not rows:
        return
    here = {"account_id": place.account_id, "collection_row": place.row, "kind": source.kind}
    later = place.version + 1
    connection.execute(insert(COLLECTION_CHANGES), [{**here, "version": later, "changed_row": row} for row in rows])
    if later % (kept // 100 + 1) == 0:
        _sweep(connection, place, later - kept)


def since(connection: Connection, place: CollectionRow, source: VectorRows, version: int) -> list[int]:
    """Rows whose vectors went or changed behind ``version``."""
    table = COLLECTION_CHANGES.c
    here = (table.account_id == place.account_id) & (table.collection_row == place.row) & (table.kind == source.kind)
    return list(connection.execute(select(table.changed_row).where(here, table.version > version).distinct()).scalars())


def changes(
    connection: Connection, place: CollectionRow, source: VectorRows, version: int, after: int
) -> tuple[list[SealedRow], list[int]] | None:
    """Sealed vectors that are new or changed, by rising row, and rows without one any more; None where unknown."""
    if version < place.known_from:
        return None
    rows = since(connection, place, source, version)
    if len(rows) > _MOST:
        return None
    if source is FACES:
        new = face_rows.sealed_between(connection, place, after, _LAST_ROW, _MOST + 1)
        return None if len(new) > _MOST else (new, rows)
    found = user_rows.sealed_by_row(connection, place, rows)
    return [found[row] for row in sorted(found)], [row for row in rows if row not in found]


def changed(
    place: CollectionRow, found: tuple[list[SealedRow], list[int]], opened: Callable[[list[SealedRow]], FloatArray]
) -> VectorChanges:
    """What was found, with its vectors opened."""
    sealed, gone = found
    rows = np.array([one.row for one in sealed], np.int64)
    vectors = opened(sealed) if sealed else np.empty((0, place.collection.dimension), np.float32)
    return VectorChanges(place.changed, np.array(gone, np.int64), rows, vectors)


def _sweep(connection: Connection, place: CollectionRow, version: int) -> None:
    """Forget changes up to ``version``."""
    table = COLLECTION_CHANGES.c
    here = (table.account_id == place.account_id) & (table.collection_row == place.row)
    connection.execute(delete(COLLECTION_CHANGES).where(here, table.version <= version))
    connection.execute(
        update(COLLECTIONS)
        .where(COLLECTIONS.c.account_id == place.account_id, COLLECTIONS.c.row == place.row)
        .values(known_from=max(version, 0))
    )
