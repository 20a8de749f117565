"""Rows of collections: finding one with its key, creating, listing, counting, deleting.

In: an open connection. Out: entities. Transactions are the caller's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select, update

from custodes.core.errors import AlreadyExistsError, ConflictError, NotFoundError, QuotaError
from custodes.core.ids import AccountId, CollectionId, ModelVersion
from custodes.gallery.entities import Collection, CollectionKey, Page
from custodes.gallery.following import CollectionVersion
from custodes.storage.files.seal import KEY_BYTES, KeyBox, Randomness, names_of
from custodes.storage.sql.schema import COLLECTION_KEYS, COLLECTIONS, FACES, USERS


@dataclass(frozen=True, slots=True)
class CollectionRow:
    """A collection that was found: its row number, its entity, the box of its key, and how often it was changed.

    ``known_from`` is the version behind which all changes are known that indexes follow.
    """

    row: int
    collection: Collection
    wrapped_key: bytes
    version: int
    known_from: int

    @property
    def changed(self) -> CollectionVersion:
        """How far it has come."""
        return CollectionVersion(self.row, self.version, self.collection.model_version, self.collection.face_count)

    @property
    def account_id(self) -> AccountId:
        """Whose it is."""
        return self.collection.key.account_id

    def box(self, master: KeyBox, randomness: Randomness) -> KeyBox:
        """What opens this collection's vectors. Raises DamagedError."""
        return KeyBox(master.unwrap(self.wrapped_key, _key_names(self.collection.key)), randomness)

    def vector_names(self, kind: str, name: str, model_version: str) -> bytes:
        """What the vector of face or user ``name`` is bound to."""
        key = self.collection.key
        return names_of(kind, key.account_id, key.collection_id, name, model_version)


def _key_names(key: CollectionKey) -> bytes:
    return names_of("collection", key.account_id, key.collection_id)


# Built once: putting a statement together costs more than running it, and every request runs this one twice.
_FIND = (
    select(COLLECTIONS, COLLECTION_KEYS.c.wrapped_key)
    .join(
        COLLECTION_KEYS,
        (COLLECTION_KEYS.c.account_id == COLLECTIONS.c.account_id)
        & (COLLECTION_KEYS.c.collection_row == COLLECTIONS.c.row),
    )
    .where(COLLECTIONS.c.account_id == bindparam("account"), COLLECTIONS.c.collection_id == bindparam("collection"))
)


def find(connection: Connection, key: CollectionKey) -> CollectionRow:
    """The collection of ``key``. Raises NotFoundError."""
    asked = {"account": key.account_id, "collection": key.collection_id}
    found = connection.execute(_FIND, asked).one_or_none()
    if found is None:
        raise NotFoundError(f"The collection id: {key.collection_id} does not exist")
    return CollectionRow(found.row, _entity(found), found.wrapped_key, found.version, found.known_from)


def find_same(connection: Connection, place: CollectionRow) -> CollectionRow:
    """``place`` as it is now.

    Raises:
        NotFoundError: it is gone, or was deleted and created anew.
        ConflictError: its vectors are of another model version by now.
    """
    now = find(connection, place.collection.key)
    if now.row != place.row:
        raise NotFoundError(f"The collection id: {place.collection.key.collection_id} does not exist")
    if now.collection.model_version != place.collection.model_version:
        raise ConflictError("The collection was switched to another face model")
    return now


def create(connection: Connection, collection: Collection, master: KeyBox, randomness: Randomness, quota: int) -> int:
    """A new empty collection with a key of its own; returns its row number.

    Raises:
        AlreadyExistsError: the account has one of this id.
        QuotaError: the account has ``quota`` collections.
    """
    key = collection.key
    taken = connection.execute(
        select(COLLECTIONS.c.row).where(
            COLLECTIONS.c.account_id == key.account_id, COLLECTIONS.c.collection_id == key.collection_id
        )
    ).one_or_none()
    if taken is not None:
        raise AlreadyExistsError(f"The collection id: {key.collection_id} already exists")
    mine = select(func.count()).select_from(COLLECTIONS).where(COLLECTIONS.c.account_id == key.account_id)
    if connection.execute(mine).scalar_one() >= quota:
        raise QuotaError("The account has no room for more collections")
    row = connection.execute(
        insert(COLLECTIONS)
        .values(
            account_id=key.account_id,
            collection_id=key.collection_id,
            model_version=collection.model_version,
            dimension=collection.dimension,
            created_ts_ms=collection.created_ts_ms,
            face_count=0,
            user_count=0,
        )
        .returning(COLLECTIONS.c.row)
    ).scalar_one()
    wrapped = master.wrap(randomness(KEY_BYTES), _key_names(key))
    connection.execute(
        insert(COLLECTION_KEYS).values(account_id=key.account_id, collection_row=row, wrapped_key=wrapped)
    )
    return int(row)


def listing(connection: Connection, account_id: AccountId, after: str | None, limit: int) -> Page[Collection]:
    """A page ordered by collection id."""
    if limit < 1:
        return Page(())
    rows = connection.execute(
        select(COLLECTIONS)
        .where(COLLECTIONS.c.account_id == account_id, COLLECTIONS.c.collection_id > (after or ""))
        .order_by(COLLECTIONS.c.collection_id)
        .limit(limit + 1)
    ).all()
    found = tuple(_entity(row) for row in rows[:limit])
    return Page(found, found[-1].key.collection_id if len(rows) > limit else None)


def by_size(connection: Connection) -> list[CollectionKey]:
    """All collections with faces, the largest first."""
    table = COLLECTIONS.c
    query = select(table.account_id, table.collection_id).where(table.face_count > 0)
    rows = connection.execute(query.order_by(table.face_count.desc(), table.row))
    return [CollectionKey(AccountId(row.account_id), CollectionId(row.collection_id)) for row in rows]


def every(connection: Connection) -> list[Collection]:
    """All collections of all accounts."""
    return [_entity(row) for row in connection.execute(select(COLLECTIONS).order_by(COLLECTIONS.c.row))]


def count(connection: Connection, place: CollectionRow, *, faces: int = 0, users: int = 0) -> None:
    """Change the counters by ``faces`` and ``users``; the collection gets its next version."""
    connection.execute(
        update(COLLECTIONS)
        .where(COLLECTIONS.c.account_id == place.account_id, COLLECTIONS.c.row == place.row)
        .values(
            face_count=COLLECTIONS.c.face_count + faces,
            user_count=COLLECTIONS.c.user_count + users,
            version=COLLECTIONS.c.version + 1,
        )
    )


def switch(connection: Connection, place: CollectionRow, version: ModelVersion, dimension: int) -> None:
    """Its vectors are of ``version`` from now on; indexes of other servers are filled anew."""
    table = COLLECTIONS.c
    connection.execute(
        update(COLLECTIONS)
        .where(table.account_id == place.account_id, table.row == place.row)
        .values(
            model_version=version,
            dimension=dimension,
            first_version=func.coalesce(table.first_version, table.model_version),
            version=table.version + 1,
            known_from=table.version + 1,
        )
    )


def remove(connection: Connection, place: CollectionRow) -> None:
    """Delete the collection with everything in it; keys and tags go by cascade."""
    for table in (FACES, USERS):
        connection.execute(
            delete(table).where(table.c.account_id == place.account_id, table.c.collection_row == place.row)
        )
    connection.execute(
        delete(COLLECTIONS).where(COLLECTIONS.c.account_id == place.account_id, COLLECTIONS.c.row == place.row)
    )


def _entity(row: Row[Any]) -> Collection:
    return Collection(
        key=CollectionKey(AccountId(row.account_id), CollectionId(row.collection_id)),
        model_version=ModelVersion(row.model_version),
        dimension=row.dimension,
        created_ts_ms=row.created_ts_ms,
        face_count=row.face_count,
        user_count=row.user_count,
        first_version=None if row.first_version is None else ModelVersion(row.first_version),
    )
