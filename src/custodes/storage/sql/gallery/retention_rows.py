"""Rows of retention rules: at most one per collection, gone with it.

In: an open connection and a found collection. Out: entities. Transactions are the caller's; nothing is erased here.
"""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select

from custodes.core.ids import AccountId, CollectionId
from custodes.gallery.entities import CollectionKey, RetentionRule
from custodes.storage.sql.gallery.collection_rows import CollectionRow
from custodes.storage.sql.schema import COLLECTIONS, RETENTION_RULES


def require_days(days: int | None) -> None:
    """Raises ValueError for less than one day: such a rule would erase what is being enrolled."""
    if days is not None and days < 1:
        raise ValueError("faces are kept for at least one day")


def listing(connection: Connection) -> tuple[RetentionRule, ...]:
    """All rules, ordered by account and collection id."""
    rules, collections = RETENTION_RULES.c, COLLECTIONS.c
    query = (
        select(rules.account_id, collections.collection_id, rules.days)
        .join(COLLECTIONS, (collections.account_id == rules.account_id) & (collections.row == rules.collection_row))
        .order_by(rules.account_id, collections.collection_id)
    )
    return tuple(
        RetentionRule(CollectionKey(AccountId(row.account_id), CollectionId(row.collection_id)), row.days)
        for row in connection.execute(query)
    )


def put(connection: Connection, place: CollectionRow, days: int | None) -> None:
    """Replace the rule of a collection; None only takes it away."""
    rules = RETENTION_RULES.c
    connection.execute(
        delete(RETENTION_RULES).where(rules.account_id == place.account_id, rules.collection_row == place.row)
    )
    if days is not None:
        connection.execute(
            insert(RETENTION_RULES).values(account_id=place.account_id, collection_row=place.row, days=days)
        )
