"""Rows of cached ranges of vectors: which ranges there are, and the only keys of their files.

In: an open connection and a found collection. Out: plain values. Transactions are the caller's. A range is written down
before its vectors are read, and whatever changes a vector in it deletes it in the same transaction: so while its row is
there, nothing in it has changed since.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import ColumnElement, Connection, delete, insert, select

from custodes.storage.files.seal import names_of
from custodes.storage.sql.gallery.collection_rows import CollectionRow
from custodes.storage.sql.schema import VECTOR_SEGMENTS


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """A cached range of one kind of vectors.

    Attributes:
        kind: ``face`` or ``user``.
        first: number of its first row.
        through: number of its last row.
        count: rows in it.
        segment_id: name of its file.
        wrapped_key: its key, wrapped by the collection's.
    """

    kind: str
    first: int
    through: int
    count: int
    segment_id: str
    wrapped_key: bytes

    def names(self, place: CollectionRow) -> bytes:
        """What key and content are bound to."""
        key, version = place.collection.key, place.collection.model_version
        return names_of(
            f"segment of {self.kind}", key.account_id, key.collection_id, version, f"{self.first}-{self.through}"
        )


def find(connection: Connection, place: CollectionRow, kind: str) -> list[SegmentRow]:
    """All ranges by rising row."""
    table = VECTOR_SEGMENTS.c
    query = select(table.kind, table.first_row, table.through_row, table.row_count, table.segment_id, table.wrapped_key)
    return [SegmentRow(*row) for row in connection.execute(query.where(_of(place, kind)).order_by(table.first_row))]


def ids(connection: Connection) -> set[str]:
    """The names of all files that have a key."""
    return set(connection.execute(select(VECTOR_SEGMENTS.c.segment_id)).scalars())


def of_collection(connection: Connection, place: CollectionRow) -> list[str]:
    """The names of a collection's files."""
    table = VECTOR_SEGMENTS.c
    here = (table.account_id == place.account_id) & (table.collection_row == place.row)
    return list(connection.execute(select(table.segment_id).where(here)).scalars())


def put(connection: Connection, place: CollectionRow, segment: SegmentRow) -> list[str]:
    """Write ``segment`` down in place of those that it overlaps; returns the names of their files."""
    gone = [old for old in find(connection, place, segment.kind) if _overlap(old, segment)]
    _delete(connection, place, gone)
    connection.execute(
        insert(VECTOR_SEGMENTS).values(
            account_id=place.account_id,
            collection_row=place.row,
            kind=segment.kind,
            first_row=segment.first,
            through_row=segment.through,
            row_count=segment.count,
            segment_id=segment.segment_id,
            wrapped_key=segment.wrapped_key,
        )
    )
    return [old.segment_id for old in gone]


def forget(connection: Connection, place: CollectionRow, kind: str, rows: Sequence[int]) -> list[str]:
    """Destroy the keys of all ranges that one of ``rows`` is in; returns the names of their files."""
    if not rows:
        return []
    sought = np.sort(np.asarray(rows, np.int64))
    hit = [
        segment
        for segment in find(connection, place, kind)
        if np.searchsorted(sought, segment.first) < np.searchsorted(sought, segment.through, side="right")
    ]
    _delete(connection, place, hit)
    return [segment.segment_id for segment in hit]


def forget_all(connection: Connection, place: CollectionRow) -> list[str]:
    """Destroy the keys of all ranges of a collection; returns the names of their files."""
    files = of_collection(connection, place)
    table = VECTOR_SEGMENTS.c
    connection.execute(
        delete(VECTOR_SEGMENTS).where(table.account_id == place.account_id, table.collection_row == place.row)
    )
    return files


def _delete(connection: Connection, place: CollectionRow, segments: Sequence[SegmentRow]) -> None:
    for segment in segments:
        here = _of(place, segment.kind) & (VECTOR_SEGMENTS.c.first_row == segment.first)
        connection.execute(delete(VECTOR_SEGMENTS).where(here))


def _of(place: CollectionRow, kind: str) -> ColumnElement[bool]:
    table = VECTOR_SEGMENTS.c
    return (table.account_id == place.account_id) & (table.collection_row == place.row) & (table.kind == kind)


def _overlap(one: SegmentRow, other: SegmentRow) -> bool:
    return one.first <= other.through and other.first <= one.through
