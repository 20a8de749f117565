"""The AccountStore over the embedded database: one row a record, its value sealed under the master key.

In: calls of the port. Out: records. The seal binds a value to its account, kind and name, so that a row that was
altered, or moved to another account or user, is refused at the next start instead of being believed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, delete, insert, select

from custodes.core.errors import UnavailableError
from custodes.core.ids import AccountId
from custodes.operations.accounts.ports import AccountRecord, RecordKind, RecordName
from custodes.storage.files.seal import DamagedError, KeyBox, names_of
from custodes.storage.sql.database import Database, InTransaction, alone
from custodes.storage.sql.schema import ACCOUNT_RECORDS

_COLUMNS = ACCOUNT_RECORDS.c


class SqlAccountStore:
    """A durable AccountStore."""

    def __init__(self, database: Database, master: KeyBox, changed: InTransaction = alone) -> None:
        """Keep records in ``database``, sealed by ``master``.

        ``changed`` is called in the transaction of each change but those of when keys were used.
        """
        self._database = database
        self._master = master
        self._changed = changed

    def load(self) -> Iterator[AccountRecord]:
        """See AccountStore."""
        with self._database.read() as connection:
            for row in connection.execute(select(ACCOUNT_RECORDS)):
                try:
                    name = RecordName(AccountId(row.account_id), RecordKind(row.kind), row.name)
                    yield AccountRecord(name, self._master.unwrap(row.sealed, _names(name)))
                except (DamagedError, ValueError) as error:
                    raise UnavailableError(
                        f"the record {row.kind}/{row.name} of account {row.account_id} is damaged or was altered"
                    ) from error

    def change(self, put: Sequence[AccountRecord], remove: Sequence[RecordName] = ()) -> None:
        """See AccountStore."""
        rows = [
            {
                "account_id": record.name.account_id,
                "kind": record.name.kind.value,
                "name": record.name.name,
                "sealed": self._master.wrap(record.value, _names(record.name)),
            }
            for record in put
        ]
        gone = [*remove, *(record.name for record in put)]

        def write(connection: Connection) -> None:
            for name in gone:
                connection.execute(
                    delete(ACCOUNT_RECORDS).where(
                        _COLUMNS.account_id == name.account_id,
                        _COLUMNS.kind == name.kind.value,
                        _COLUMNS.name == name.name,
                    )
                )
            if rows:
                connection.execute(insert(ACCOUNT_RECORDS), rows)
            if any(name.kind is not RecordKind.KEY_USE for name in gone):
                self._changed(connection)

        self._database.write(write, erases=True)


def _names(name: RecordName) -> bytes:
    return names_of("account-record", name.account_id, name.kind.value, name.name)
