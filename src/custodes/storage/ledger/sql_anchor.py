"""The last published checkpoint of the ledger in the shared database, beside what the ledger speaks of.

In and out: signed checkpoints. A data directory that was set back, or a copy of it that another server writes, is
noticed against it. In the embedded database it would only be set back together with the ledger.
"""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select

from custodes.core.errors import UnavailableError
from custodes.core.ids import AccountId
from custodes.ledger.writer.ports import HeadConflictError
from custodes.storage.sql.database import Database
from custodes.storage.sql.tables.ledger import LEDGER_HEADS


class SqlAnchor:
    """``ledger.ports.Anchor`` in a row."""

    def __init__(self, database: Database, account: AccountId) -> None:
        """Keep the checkpoint of the log of ``account``, the operator's."""
        self._database = database
        self._account = account

    def fetch(self) -> bytes | None:
        """The checkpoint kept, or None. Raises OSError."""
        try:
            with self._database.read() as connection:
                return self._kept(connection)
        except UnavailableError as error:
            raise OSError(error.message) from error

    def replace(self, old: bytes | None, new: bytes) -> None:
        """Compare and swap in one transaction. Raises OSError, HeadConflictError."""

        def change(connection: Connection) -> None:
            if self._kept(connection) != old:
                raise HeadConflictError("another server moved this ledger's head")
            connection.execute(delete(LEDGER_HEADS).where(LEDGER_HEADS.c.account_id == self._account))
            connection.execute(insert(LEDGER_HEADS).values(account_id=self._account, note=new))

        try:
            self._database.write(change)
        except UnavailableError as error:
            raise OSError(error.message) from error

    def _kept(self, connection: Connection) -> bytes | None:
        query = select(LEDGER_HEADS.c.note).where(LEDGER_HEADS.c.account_id == self._account)
        return connection.execute(query).scalar_one_or_none()
