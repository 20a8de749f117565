"""Rows of faces: enrolling, listing, deleting, and their sealed vectors.

In: an open connection and a found collection. Out: entities, or sealed rows that ``vectors`` opens. Transactions are
the caller's.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Dialect, Select, bindparam, delete, insert, select
from sqlalchemy.sql.compiler import SQLCompiler

from custodes.core.box import BoxRatio
from custodes.core.errors import ConflictError, QuotaError
from custodes.core.ids import ExternalImageId, FaceId, ImageId, ModelVersion, UserId
from custodes.gallery.entities import CollectionKey, Face, NewFace, OutdatedError, Page
from custodes.storage.files.seal import KeyBox, Sealed
from custodes.storage.sql.database import Database
from custodes.storage.sql.gallery import collection_rows
from custodes.storage.sql.gallery.collection_rows import CollectionRow
from custodes.storage.sql.gallery.vectors import SealedRow
from custodes.storage.sql.schema import COLLECTIONS, FACES, USERS

T = TypeVar("T")

_IN_LIST = 1000
"""Values in one SQL list; databases limit the number of bound values in a statement."""


def seal(place: CollectionRow, box: KeyBox, faces: Sequence[NewFace]) -> list[Sealed]:
    """The vectors of ``faces`` sealed for ``place``."""
    version = place.collection.model_version
    return [box.seal(face.vector, place.vector_names("face", face.face_id, version)) for face in faces]


def enrol(
    connection: Connection,
    place: CollectionRow,
    faces: Sequence[NewFace],
    sealed: Sequence[Sealed],
    quota: int,
    known: Sequence[FaceId] | None,
) -> tuple[Face, ...]:
    """Insert ``faces`` in order, if the collection is the one of ``place`` still.

    Raises QuotaError, ConflictError, OutdatedError, NotFoundError.
    """
    place = collection_rows.find_same(connection, place)
    if any(face.model_version not in (None, place.collection.model_version) for face in faces):
        raise ConflictError("The collection was switched to another face model")
    if known is not None:
        _require_known(connection, place, faces[0].image_id, known)
    if place.collection.face_count + len(faces) > quota:
        raise QuotaError("The collection has no room for more faces")
    ids = [face.face_id for face in faces]
    if len(set(ids)) < len(ids) or by_id(connection, place, ids):
        raise ConflictError("A face of this id exists already")
    values = [_values(place, face, vector) for face, vector in zip(faces, sealed, strict=True)]
    statement = insert(FACES).returning(FACES.c.row, sort_by_parameter_order=True)
    rows = connection.execute(statement, values).scalars().all()
    collection_rows.count(connection, place, faces=len(faces))
    version = place.collection.model_version
    return tuple(
        Face(
            row,
            new.face_id,
            new.image_id,
            new.external_image_id,
            new.box_ratio,
            new.confidence_pct,
            version,
            enrolled_ts_ms=new.enrolled_ts_ms,
        )
        for row, new in zip(rows, faces, strict=True)
    )


def of_image(connection: Connection, place: CollectionRow, image_id: ImageId) -> tuple[Face, ...]:
    """Faces enrolled from one picture, in order of enrolment."""
    found = connection.execute(_select(place).where(FACES.c.image_id == image_id).order_by(FACES.c.row))
    return tuple(_entity(row) for row in found)


def _require_known(connection: Connection, place: CollectionRow, image_id: ImageId, known: Sequence[FaceId]) -> None:
    """Raise OutdatedError unless the faces of a picture are those that are known."""
    query = select(FACES.c.face_id).where(_within(place), FACES.c.image_id == image_id)
    if set(connection.execute(query).scalars()) != set(known):
        raise OutdatedError("Another request enrolled or erased faces of this picture")


def listing(
    connection: Connection,
    place: CollectionRow,
    after: int | None,
    limit: int,
    user_id: UserId | None,
    face_ids: Sequence[FaceId] | None,
) -> Page[Face]:
    """A page ordered by row."""
    if limit < 1:
        return Page(())
    query = _select(place).where(FACES.c.row > (after or 0)).order_by(FACES.c.row).limit(limit + 1)
    if user_id is not None:
        query = query.where(USERS.c.user_id == user_id)
    if face_ids is not None:
        query = query.where(FACES.c.face_id.in_(face_ids))
    rows = connection.execute(query).all()
    found = tuple(_entity(row) for row in rows[:limit])
    return Page(found, found[-1].row if len(rows) > limit else None)


def listing_of(
    connection: Connection, place: CollectionRow, after: int | None, limit: int, which: ColumnElement[bool]
) -> Page[Face]:
    """A page of faces that ``which`` is true of, ordered by row."""
    query = _select(place).where(FACES.c.row > (after or 0), which).order_by(FACES.c.row).limit(limit + 1)
    rows = connection.execute(query).all()
    found = tuple(_entity(row) for row in rows[:limit])
    return Page(found, found[-1].row if len(rows) > limit > 0 else None)


def by_id(connection: Connection, place: CollectionRow, face_ids: Sequence[FaceId]) -> dict[FaceId, Face]:
    """Those of ``face_ids`` that exist, in that order."""
    found: dict[FaceId, Face] = {}
    for part in parts(face_ids):
        rows = connection.execute(_select(place).where(FACES.c.face_id.in_(part)))
        found |= {face.face_id: face for face in map(_entity, rows)}
    return {face_id: found[face_id] for face_id in face_ids if face_id in found}


def by_row(database: Database, key: CollectionKey, rows: Sequence[int]) -> dict[int, Face]:
    """Those of ``rows`` that exist, in that order; none where the collection does not exist."""
    found: dict[int, Face] = {}
    for part in parts(rows):
        count = 1 << (len(part) - 1).bit_length()
        statement, names = _by_row(count, database.dialect)
        # Rows are counted from 1, so 0 finds nothing.
        asked: dict[str, object] = {f"rows_{number}": 0 for number in range(1, count + 1)}
        asked |= {f"rows_{number}": row for number, row in enumerate(part, 1)}
        asked |= {"account": key.account_id, "collection": key.collection_id}
        faces = database.fetch(statement, asked if names is None else [asked[name] for name in names])
        found |= {face.row: face for face in map(_entity, map(_FaceRow._make, faces))}
    return {row: found[row] for row in rows if row in found}


def enrolled_before(connection: Connection, place: CollectionRow, ts_ms: int, limit: int) -> tuple[Face, ...]:
    """Faces enrolled before ``ts_ms``, oldest first, then by row."""
    query = _select(place).where(FACES.c.enrolled_ts_ms < ts_ms).order_by(FACES.c.enrolled_ts_ms, FACES.c.row)
    return tuple(_entity(row) for row in connection.execute(query.limit(max(0, limit))))


def remove(connection: Connection, place: CollectionRow, face_ids: Sequence[FaceId]) -> tuple[Face, ...]:
    """Delete those of ``face_ids`` that exist and belong to no user; returns these by rising row."""
    free = [face for face in by_id(connection, place, face_ids).values() if face.user_id is None]
    for part in parts([face.row for face in free]):
        connection.execute(delete(FACES).where(_within(place), FACES.c.row.in_(part)))
    if free:
        collection_rows.count(connection, place, faces=-len(free))
    return tuple(sorted(free, key=lambda face: face.row))


def sealed_by_row(connection: Connection, place: CollectionRow, rows: Sequence[int]) -> dict[int, SealedRow]:
    """Sealed vectors of those of ``rows`` that exist."""
    found: dict[int, SealedRow] = {}
    for part in parts(rows):
        for row in connection.execute(_select_sealed(place).where(FACES.c.row.in_(part))):
            found[row.row] = SealedRow(row.row, row.face_id, row.model_version, row.wrapped_key, row.sealed)
    return found


def sealed_between(
    connection: Connection, place: CollectionRow, after: int, through: int, limit: int
) -> list[SealedRow]:
    """The next ``limit`` sealed vectors behind row ``after``, up to ``through``, by rising row."""
    query = _select_sealed(place).where(FACES.c.row > after, FACES.c.row <= through)
    return [SealedRow(*row) for row in connection.execute(query.order_by(FACES.c.row).limit(limit))]


def numbers_between(connection: Connection, place: CollectionRow, after: int, through: int, limit: int) -> list[int]:
    """The numbers of these rows alone."""
    query = select(FACES.c.row).where(_within(place), FACES.c.row > after, FACES.c.row <= through)
    return list(connection.execute(query.order_by(FACES.c.row).limit(limit)).scalars())


def parts(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """``values`` in lists that fit into a statement."""
    for start in range(0, len(values), _IN_LIST):
        yield values[start : start + _IN_LIST]


def _within(place: CollectionRow) -> ColumnElement[bool]:
    return (FACES.c.account_id == place.account_id) & (FACES.c.collection_row == place.row)


_PLAIN = [column for column in FACES.c if column.name not in ("wrapped_key", "sealed", "collection_row")]


def _all_of(account: Any, collection_row: Any) -> Select[Any]:
    owner = (USERS.c.account_id == FACES.c.account_id) & (USERS.c.row == FACES.c.user_row)
    return (
        select(*_PLAIN, USERS.c.user_id)
        .join(USERS, owner, isouter=True)
        .where(FACES.c.account_id == account, FACES.c.collection_row == collection_row)
    )


_named: Any = namedtuple  # the names follow from the schema
_FaceRow = _named("_FaceRow", [*(column.name for column in _PLAIN), "user_id"])

# Every search runs this one, so it finds its collection by itself, and is put together once for each power of two.
_BY_ROW = _all_of(
    bindparam("account"),
    select(COLLECTIONS.c.row)
    .where(COLLECTIONS.c.account_id == bindparam("account"), COLLECTIONS.c.collection_id == bindparam("collection"))
    .scalar_subquery(),
).where(FACES.c.row.in_(bindparam("rows", expanding=True)))


@cache
def _by_row(count: int, dialect: Dialect) -> tuple[str, list[str] | None]:
    """SQL for ``count`` rows, and the names of its parameters in their order, where the dialect has them by place."""
    asked = _BY_ROW.params(account="", collection="", rows=[0] * count)
    compiled = asked.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    assert isinstance(compiled, SQLCompiler)
    return str(compiled), None if compiled.positiontup is None else list(compiled.positiontup)


def _select(place: CollectionRow) -> Select[Any]:
    return _all_of(place.account_id, place.row)


def _select_sealed(place: CollectionRow) -> Select[Any]:
    table = FACES.c
    return select(table.row, table.face_id, table.model_version, table.wrapped_key, table.sealed).where(_within(place))


def _values(place: CollectionRow, face: NewFace, vector: Sealed) -> dict[str, object]:
    return {
        "account_id": place.account_id,
        "collection_row": place.row,
        "face_id": face.face_id,
        "image_id": face.image_id,
        "external_image_id": face.external_image_id,
        "left": float(face.box_ratio.left),
        "top": float(face.box_ratio.top),
        "width": float(face.box_ratio.width),
        "height": float(face.box_ratio.height),
        "confidence_pct": float(face.confidence_pct),
        "model_version": place.collection.model_version,
        "wrapped_key": vector.wrapped_key,
        "sealed": vector.sealed,
        "enrolled_ts_ms": face.enrolled_ts_ms,
    }


def _entity(row: Any) -> Face:
    return Face(
        row=row.row,
        face_id=FaceId(row.face_id),
        image_id=ImageId(row.image_id),
        external_image_id=None if row.external_image_id is None else ExternalImageId(row.external_image_id),
        box_ratio=BoxRatio(row.left, row.top, row.width, row.height),
        confidence_pct=row.confidence_pct,
        model_version=ModelVersion(row.model_version),
        user_id=None if row.user_id is None else UserId(row.user_id),
        enrolled_ts_ms=row.enrolled_ts_ms,
    )
