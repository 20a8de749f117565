"""Rows of users: creating, listing, deleting, which faces are theirs, and their sealed vectors.

In: an open connection and a found collection. Out: entities. Transactions are the caller's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, insert, select, update

from custodes.core.errors import ConflictError, NotFoundError, QuotaError
from custodes.core.ids import FaceId, UserId
from custodes.gallery.entities import GalleryUser, Page, UserStatus
from custodes.storage.files.seal import Sealed
from custodes.storage.sql.gallery import collection_rows, face_rows
from custodes.storage.sql.gallery.collection_rows import CollectionRow
from custodes.storage.sql.gallery.vectors import SealedRow
from custodes.storage.sql.schema import FACES, USERS

_COLUMNS = (USERS.c.row, USERS.c.user_id, USERS.c.face_count, USERS.c.revision)


def create(connection: Connection, place: CollectionRow, user_id: UserId, quota: int) -> None:
    """A user without faces. Raises ConflictError, QuotaError."""
    taken = connection.execute(select(USERS.c.row).where(_named(place, user_id))).one_or_none()
    if taken is not None:
        raise ConflictError(f"The user {user_id} exists already")
    if place.collection.user_count >= quota:
        raise QuotaError("The collection has no room for more users")
    connection.execute(
        insert(USERS).values(
            account_id=place.account_id, collection_row=place.row, user_id=user_id, face_count=0, revision=0
        )
    )
    collection_rows.count(connection, place, users=1)


def find(connection: Connection, place: CollectionRow, user_id: UserId) -> GalleryUser:
    """Raises NotFoundError."""
    row = connection.execute(select(*_COLUMNS).where(_named(place, user_id))).one_or_none()
    if row is None:
        raise NotFoundError(f"The user id: {user_id} does not exist")
    return _entity(row)


def by_row(connection: Connection, place: CollectionRow, rows: Sequence[int]) -> dict[int, GalleryUser]:
    """Those of ``rows`` that exist, in that order."""
    found: dict[int, GalleryUser] = {}
    for part in face_rows.parts(rows):
        users = connection.execute(select(*_COLUMNS).where(_within(place), USERS.c.row.in_(part)))
        found |= {user.row: user for user in map(_entity, users)}
    return {row: found[row] for row in rows if row in found}


def listing(connection: Connection, place: CollectionRow, after: str | None, limit: int) -> Page[GalleryUser]:
    """A page ordered by user id."""
    if limit < 1:
        return Page(())
    rows = connection.execute(
        select(*_COLUMNS)
        .where(_within(place), USERS.c.user_id > (after or ""))
        .order_by(USERS.c.user_id)
        .limit(limit + 1)
    ).all()
    found = tuple(_entity(row) for row in rows[:limit])
    return Page(found, found[-1].user_id if len(rows) > limit else None)


def remove(connection: Connection, place: CollectionRow, user_id: UserId) -> int:
    """Delete the user and return its row; its faces stay and lose it. Raises NotFoundError."""
    user = find(connection, place, user_id)
    connection.execute(update(FACES).where(_owned(place, user.row)).values(user_row=None))
    connection.execute(delete(USERS).where(_within(place), USERS.c.row == user.row))
    collection_rows.count(connection, place, users=-1)
    return user.row


def require_unchanged(user: GalleryUser, seen: GalleryUser | None) -> None:
    """Raises ConflictError when ``user`` is not what was ``seen``."""
    if seen is not None and (seen.row, seen.revision) != (user.row, user.revision):
        raise ConflictError("The user changed meanwhile")


def set_faces(
    connection: Connection,
    place: CollectionRow,
    user: GalleryUser,
    add: Sequence[FaceId],
    remove: Sequence[FaceId],
    quota: int,
) -> int:
    """Give ``add`` to ``user`` and take ``remove`` from it; returns how many faces it has then.

    Raises:
        ConflictError: one of ``add`` is gone or another user's, one of ``remove`` is not this user's.
        QuotaError: more than ``quota`` faces.
    """
    named = face_rows.by_id(connection, place, [*add, *remove])
    if any(face_id not in named or named[face_id].user_id not in (None, user.user_id) for face_id in add):
        raise ConflictError("A face is gone or belongs to another user")
    if any(face_id not in named or named[face_id].user_id != user.user_id for face_id in remove):
        raise ConflictError("The user's faces changed meanwhile")
    gained = {named[face_id].row for face_id in add if named[face_id].user_id is None} - _rows(named, remove)
    lost = _rows(named, remove)
    after = user.face_count + len(gained) - len(lost)
    if after > quota:
        raise QuotaError("The user has no room for more faces")
    for rows, owner in ((gained, user.row), (lost, None)):
        for part in face_rows.parts(sorted(rows)):
            connection.execute(
                update(FACES)
                .where(
                    FACES.c.account_id == place.account_id,
                    FACES.c.collection_row == place.row,
                    FACES.c.row.in_(part),
                )
                .values(user_row=owner)
            )
    return after


def set_vector(
    connection: Connection, place: CollectionRow, user: GalleryUser, face_count: int, sealed: Sealed | None
) -> GalleryUser:
    """Store the vector of ``user``, who has ``face_count`` faces now."""
    connection.execute(
        update(USERS)
        .where(_within(place), USERS.c.row == user.row)
        .values(
            face_count=face_count,
            revision=user.revision + 1,
            wrapped_key=sealed.wrapped_key if sealed else None,
            sealed=sealed.sealed if sealed else None,
        )
    )
    return GalleryUser(user.row, user.user_id, _status(face_count), face_count, user.revision + 1)


def sealed_between(
    connection: Connection, place: CollectionRow, after: int, through: int, limit: int
) -> list[SealedRow]:
    """The next ``limit`` sealed vectors of users who have one behind row ``after``, up to ``through``."""
    query = select(USERS.c.row, USERS.c.user_id, USERS.c.wrapped_key, USERS.c.sealed)
    rows = connection.execute(query.where(_sought(place, after, through)).order_by(USERS.c.row).limit(limit))
    version = place.collection.model_version
    return [SealedRow(row.row, row.user_id, version, row.wrapped_key, row.sealed) for row in rows]


def sealed_by_row(connection: Connection, place: CollectionRow, rows: Sequence[int]) -> dict[int, SealedRow]:
    """Sealed vectors of those of ``rows`` that are users who have one."""
    found: dict[int, SealedRow] = {}
    query = select(USERS.c.row, USERS.c.user_id, USERS.c.wrapped_key, USERS.c.sealed)
    version = place.collection.model_version
    for part in face_rows.parts(rows):
        here = query.where(_within(place), USERS.c.sealed.is_not(None), USERS.c.row.in_(part))
        for row in connection.execute(here):
            found[row.row] = SealedRow(row.row, row.user_id, version, row.wrapped_key, row.sealed)
    return found


def numbers_between(connection: Connection, place: CollectionRow, after: int, through: int, limit: int) -> list[int]:
    """The numbers of these rows alone."""
    query = select(USERS.c.row).where(_sought(place, after, through))
    return list(connection.execute(query.order_by(USERS.c.row).limit(limit)).scalars())


def sealed_of(connection: Connection, place: CollectionRow, user_id: UserId) -> SealedRow | None:
    """The sealed vector of a user; None when it has no faces. Raises NotFoundError."""
    row = connection.execute(
        select(USERS.c.row, USERS.c.wrapped_key, USERS.c.sealed).where(_named(place, user_id))
    ).one_or_none()
    if row is None:
        raise NotFoundError(f"The user id: {user_id} does not exist")
    if row.sealed is None:
        return None
    return SealedRow(row.row, user_id, place.collection.model_version, row.wrapped_key, row.sealed)


def _rows(named: dict[FaceId, Any], face_ids: Sequence[FaceId]) -> set[int]:
    return {named[face_id].row for face_id in face_ids}


def _within(place: CollectionRow) -> ColumnElement[bool]:
    return (USERS.c.account_id == place.account_id) & (USERS.c.collection_row == place.row)


def _sought(place: CollectionRow, after: int, through: int) -> ColumnElement[bool]:
    return _within(place) & (USERS.c.row > after) & (USERS.c.row <= through) & USERS.c.sealed.is_not(None)


def _named(place: CollectionRow, user_id: UserId) -> ColumnElement[bool]:
    return _within(place) & (USERS.c.user_id == user_id)


def _owned(place: CollectionRow, user_row: int) -> ColumnElement[bool]:
    return (FACES.c.account_id == place.account_id) & (FACES.c.user_row == user_row)


def _status(face_count: int) -> UserStatus:
    return UserStatus.ACTIVE if face_count else UserStatus.CREATED


def _entity(row: Row[*tuple[Any, ...]]) -> GalleryUser:
    return GalleryUser(row.row, UserId(row.user_id), _status(row.face_count), row.face_count, row.revision)
