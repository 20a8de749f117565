"""Vectors of another model version, beside those that are searched, and the moment when they take their place.

In: an open connection and a found collection. Out: sealed rows. Transactions are the caller's. Each row refers to its
face and goes with it, whoever deletes that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, exists, func, insert, select, update

from custodes.core.errors import ConflictError
from custodes.core.ids import FaceId, ModelVersion
from custodes.storage.files.seal import Sealed
from custodes.storage.sql.gallery import face_rows
from custodes.storage.sql.gallery.collection_rows import CollectionRow
from custodes.storage.sql.gallery.vectors import SealedRow
from custodes.storage.sql.schema import FACES, STAGED_VECTORS, USERS


def put(connection: Connection, place: CollectionRow, version: ModelVersion, sealed: Mapping[FaceId, Sealed]) -> int:
    """Keep them, in place of former ones; faces that are gone are left out. Returns how many are kept."""
    faces = face_rows.by_id(connection, place, list(sealed))
    rows = [face.row for face in faces.values()]
    for part in face_rows.parts(rows):
        connection.execute(delete(STAGED_VECTORS).where(_of(place), STAGED_VECTORS.c.face_row.in_(part)))
    values = [
        {
            "account_id": place.account_id,
            "face_row": face.row,
            "model_version": version,
            "wrapped_key": sealed[face_id].wrapped_key,
            "sealed": sealed[face_id].sealed,
        }
        for face_id, face in faces.items()
    ]
    if values:
        connection.execute(insert(STAGED_VECTORS), values)
    return len(values)


def missing(place: CollectionRow, version: ModelVersion) -> ColumnElement[bool]:
    """Whether a face of ``place`` has no vector of ``version`` beside its own."""
    table = STAGED_VECTORS.c
    staged = exists().where(_of(place), table.face_row == FACES.c.row, table.model_version == version)
    return (FACES.c.account_id == place.account_id) & (FACES.c.collection_row == place.row) & ~staged


def missing_count(connection: Connection, place: CollectionRow, version: ModelVersion) -> int:
    """How many faces have none."""
    query = select(func.count()).select_from(FACES).where(missing(place, version))
    return int(connection.execute(query).scalar_one())


def sealed_by_row(
    connection: Connection, place: CollectionRow, version: ModelVersion, rows: Sequence[int]
) -> dict[int, SealedRow]:
    """Those of ``rows`` that have one."""
    table, found = STAGED_VECTORS.c, dict[int, SealedRow]()
    query = (
        select(FACES.c.row, FACES.c.face_id, table.model_version, table.wrapped_key, table.sealed)
        .join(STAGED_VECTORS, (table.account_id == FACES.c.account_id) & (table.face_row == FACES.c.row))
        .where(FACES.c.account_id == place.account_id, FACES.c.collection_row == place.row)
        .where(table.model_version == version)
    )
    for part in face_rows.parts(rows):
        found |= {row.row: SealedRow(*row) for row in connection.execute(query.where(FACES.c.row.in_(part)))}
    return found


def take_their_place(connection: Connection, place: CollectionRow, version: ModelVersion) -> None:
    """Give every face its vector of ``version``; the former ones are gone. Raises ConflictError where one has none."""
    if missing_count(connection, place, version):
        raise ConflictError("Some faces have no vector of the other model yet")
    here = (FACES.c.account_id == place.account_id) & (FACES.c.collection_row == place.row)
    own = _of(place) & (STAGED_VECTORS.c.face_row == FACES.c.row)
    values: dict[Any, Any] = {
        name: select(STAGED_VECTORS.c[name]).where(own).scalar_subquery() for name in ("wrapped_key", "sealed")
    }
    connection.execute(update(FACES).where(here).values({**values, "model_version": version}))
    rows = select(FACES.c.row).where(here)
    connection.execute(delete(STAGED_VECTORS).where(_of(place), STAGED_VECTORS.c.face_row.in_(rows)))


def require_users(connection: Connection, place: CollectionRow, seen: Mapping[int, int]) -> None:
    """Raise ConflictError unless the users are those of ``seen``, row to revision."""
    query = select(USERS.c.row, USERS.c.revision).where(
        USERS.c.account_id == place.account_id, USERS.c.collection_row == place.row
    )
    if {row.row: row.revision for row in connection.execute(query)} != dict(seen):
        raise ConflictError("Users of the collection changed meanwhile")


def _of(place: CollectionRow) -> ColumnElement[bool]:
    return STAGED_VECTORS.c.account_id == place.account_id
