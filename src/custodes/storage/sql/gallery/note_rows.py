"""Rows of tags and of idempotent replies. In: an open connection. Out: plain values. Transactions are the caller's."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, delete, insert, select

from custodes.core.errors import QuotaError
from custodes.core.ids import AccountId
from custodes.gallery.entities import IdempotentReply
from custodes.storage.sql.gallery.collection_rows import CollectionRow
from custodes.storage.sql.gallery.face_rows import parts
from custodes.storage.sql.schema import REPLIES, TAGS

_DAY_MS = 24 * 60 * 60 * 1000


def tags(connection: Connection, place: CollectionRow) -> dict[str, str]:
    """All tags of a collection, ordered by name."""
    rows = connection.execute(
        select(TAGS.c.name, TAGS.c.value)
        .where(TAGS.c.account_id == place.account_id, TAGS.c.collection_row == place.row)
        .order_by(TAGS.c.name)
    )
    return {row.name: row.value for row in rows}


def put_tags(connection: Connection, place: CollectionRow, new: Mapping[str, str], quota: int) -> None:
    """Add or overwrite. Raises QuotaError."""
    if len(tags(connection, place) | dict(new)) > quota:
        raise QuotaError("The collection has no room for more tags")
    drop_tags(connection, place, list(new))
    for name, value in new.items():
        connection.execute(
            insert(TAGS).values(account_id=place.account_id, collection_row=place.row, name=name, value=value)
        )


def drop_tags(connection: Connection, place: CollectionRow, names: Sequence[str]) -> None:
    """Remove; unknown names are ignored."""
    for part in parts(names):
        connection.execute(
            delete(TAGS).where(
                TAGS.c.account_id == place.account_id, TAGS.c.collection_row == place.row, TAGS.c.name.in_(part)
            )
        )


def reply(connection: Connection, account_id: AccountId, operation: str, token: str) -> IdempotentReply | None:
    """What was answered to ``token``."""
    row = connection.execute(
        select(REPLIES.c.input_sha256, REPLIES.c.answer).where(
            REPLIES.c.account_id == account_id, REPLIES.c.operation == operation, REPLIES.c.token == token
        )
    ).one_or_none()
    return None if row is None else IdempotentReply(row.input_sha256, json.loads(row.answer))


def keep_reply(
    connection: Connection, account_id: AccountId, operation: str, token: str, kept: IdempotentReply, ts_ms: int
) -> None:
    """Remember an answer and drop those that are a day older."""
    same = (REPLIES.c.account_id == account_id) & (REPLIES.c.operation == operation) & (REPLIES.c.token == token)
    connection.execute(delete(REPLIES).where(same | (REPLIES.c.ts_ms < ts_ms - _DAY_MS)))
    connection.execute(
        insert(REPLIES).values(
            account_id=account_id,
            operation=operation,
            token=token,
            input_sha256=kept.input_sha256,
            answer=json.dumps(dict(kept.answer)),
            ts_ms=ts_ms,
        )
    )
