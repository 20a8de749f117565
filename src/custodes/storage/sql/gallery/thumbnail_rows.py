"""Rows of small pictures of faces, each sealed under a key of its own. In: an open connection. Out: sealed rows.

The row refers to its face and goes with it, whoever deletes that; the key in it is destroyed by the same deletion.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, select

from custodes.core.errors import UnavailableError
from custodes.core.ids import FaceId
from custodes.storage.files.seal import DamagedError, KeyBox, Sealed
from custodes.storage.sql.gallery import face_rows
from custodes.storage.sql.gallery.collection_rows import CollectionRow
from custodes.storage.sql.gallery.face_rows import parts
from custodes.storage.sql.schema import FACES, THUMBNAILS


class SealedPicture(NamedTuple):
    """A picture as stored."""

    face_id: FaceId
    wrapped_key: bytes
    sealed: bytes


def seal(place: CollectionRow, box: KeyBox, pictures: Mapping[FaceId, bytes]) -> dict[FaceId, Sealed]:
    """Each picture under a key of its own, bound to its face."""
    return {face_id: box.seal_bytes(picture, _names(place, face_id)) for face_id, picture in pictures.items()}


def unseal(place: CollectionRow, box: KeyBox, found: Sequence[SealedPicture]) -> dict[FaceId, bytes]:
    """The pictures. Raises UnavailableError for one that does not open."""
    try:
        return {one.face_id: box.open(one.wrapped_key, one.sealed, _names(place, one.face_id)) for one in found}
    except DamagedError as error:
        raise UnavailableError("a stored thumbnail cannot be opened") from error


def put(connection: Connection, place: CollectionRow, sealed: Mapping[FaceId, Sealed]) -> None:
    """Keep them, in place of former ones; faces that are gone are left out."""
    for face in face_rows.by_id(connection, place, list(sealed)).values():
        one = sealed[face.face_id]
        connection.execute(
            delete(THUMBNAILS).where(THUMBNAILS.c.account_id == place.account_id, THUMBNAILS.c.face_row == face.row)
        )
        values = {
            "account_id": place.account_id,
            "face_row": face.row,
            "wrapped_key": one.wrapped_key,
            "sealed": one.sealed,
        }
        connection.execute(insert(THUMBNAILS).values(values))


def find(connection: Connection, place: CollectionRow, face_ids: Sequence[FaceId]) -> list[SealedPicture]:
    """Those of ``face_ids`` that are there, in that order."""
    found: dict[str, SealedPicture] = {}
    for part in parts(face_ids):
        rows = connection.execute(
            select(FACES.c.face_id, THUMBNAILS.c.wrapped_key, THUMBNAILS.c.sealed)
            .join(
                THUMBNAILS,
                (THUMBNAILS.c.account_id == FACES.c.account_id) & (THUMBNAILS.c.face_row == FACES.c.row),
            )
            .where(
                FACES.c.account_id == place.account_id,
                FACES.c.collection_row == place.row,
                FACES.c.face_id.in_(part),
            )
        )
        found |= {row.face_id: SealedPicture(FaceId(row.face_id), row.wrapped_key, row.sealed) for row in rows}
    return [found[face_id] for face_id in face_ids if face_id in found]


def _names(place: CollectionRow, face_id: FaceId) -> bytes:
    return place.vector_names("thumbnail", face_id, place.collection.picture_version)
