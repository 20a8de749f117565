"""Documents of handlers over the embedded database, sealed under the master key and bound to account and name."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, select

from custodes.core.errors import QuotaError
from custodes.core.ids import AccountId
from custodes.storage.files.seal import KeyBox, names_of
from custodes.storage.sql.database import Database
from custodes.storage.sql.tables.streams import HANDLERS

_COLUMN = HANDLERS.c


class SqlHandlers:
    """A durable ``HandlerStore``."""

    def __init__(self, database: Database, master: KeyBox) -> None:
        """Keep documents in ``database``, sealed by ``master``."""
        self._database = database
        self._master = master

    def put(self, account_id: AccountId, name: str, document: bytes, at_most: int) -> None:
        """See HandlerStore."""
        sealed = self._master.wrap(document, _names(account_id, name))

        def write(connection: Connection) -> None:
            connection.execute(delete(HANDLERS).where(_is(account_id, name)))
            others = select(func.count()).select_from(HANDLERS).where(_COLUMN.account_id == account_id)
            if connection.execute(others).scalar_one() >= at_most:
                raise QuotaError(f"An account has at most {at_most} handlers.")
            connection.execute(insert(HANDLERS).values(account_id=account_id, name=name, sealed=sealed))

        self._database.write(write)

    def find(self, account_id: AccountId, name: str) -> bytes | None:
        """See HandlerStore."""
        with self._database.read() as connection:
            row = connection.execute(select(_COLUMN.sealed).where(_is(account_id, name))).one_or_none()
        return None if row is None else self._master.unwrap(row.sealed, _names(account_id, name))

    def names(self, account_id: AccountId) -> Sequence[str]:
        """See HandlerStore."""
        query = select(_COLUMN.name).where(_COLUMN.account_id == account_id).order_by(_COLUMN.name)
        with self._database.read() as connection:
            return tuple(connection.execute(query).scalars())

    def drop(self, account_id: AccountId, name: str) -> bool:
        """See HandlerStore."""
        gone = delete(HANDLERS).where(_is(account_id, name))
        return self._database.write(lambda connection: connection.execute(gone).rowcount == 1)


def _is(account_id: AccountId, name: str) -> ColumnElement[bool]:
    return and_(_COLUMN.account_id == account_id, _COLUMN.name == name)


def _names(account_id: AccountId, name: str) -> bytes:
    return names_of("handler", account_id, name)
