"""How often each thing changed that servers over one database keep in memory, and small things themselves.

In: names. Out: counters for all names in one read, which every request asks; values, sealed under the master key and
bound to their names. A counter moves in the transaction of the change that it is about, or before anybody is told that
the change is there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from sqlalchemy import ColumnElement, Connection, Dialect, bindparam, insert, select, update
from sqlalchemy.sql.compiler import SQLCompiler

from custodes.core.errors import UnavailableError
from custodes.core.ids import AccountId
from custodes.storage.files.seal import DamagedError, KeyBox, names_of
from custodes.storage.sql.database import Database, InTransaction
from custodes.storage.sql.tables.nodes import SHARED_NOTES

_COLUMNS = SHARED_NOTES.c
_ALL = select(_COLUMNS.name, _COLUMNS.changes).where(_COLUMNS.account_id == bindparam("account"))


@cache
def _all_sql(dialect: Dialect) -> tuple[str, bool]:
    compiled = _ALL.compile(dialect=dialect)
    assert isinstance(compiled, SQLCompiler)
    return str(compiled), compiled.positiontup is not None


class SharedNotes:
    """The counters and values of one operator. Every method may raise UnavailableError."""

    def __init__(self, database: Database, operator: AccountId, master: KeyBox) -> None:
        """Keep them in ``database``, values sealed by ``master``."""
        self._database = database
        self._operator = operator
        self._master = master

    def changes(self) -> Mapping[str, int]:
        """How often each thing changed, by name."""
        statement, placed = _all_sql(self._database.dialect)
        asked = [self._operator] if placed else {"account": self._operator}
        return {str(name): int(changes) for name, changes in self._database.fetch(statement, asked)}

    def value(self, name: str) -> bytes | None:
        """What was told last under ``name``; None for nothing."""
        with self._database.read() as connection:
            return self._value(connection, name)

    def change(self, name: str, change: Callable[[bytes | None], bytes]) -> None:
        """Replace a value by what ``change`` makes of it, one process after the other; durable when this returns."""

        def write(connection: Connection) -> None:
            self.moved(connection, name, self._sealed(name, change(self._value(connection, name))))

        self._database.write(write)

    def tell(self, name: str, value: bytes | None = None) -> None:
        """Say that the thing called ``name`` changed, and what it is now; durable when this returns."""
        sealed = None if value is None else self._sealed(name, value)
        self._database.write(lambda connection: self.moved(connection, name, sealed))

    def moves(self, name: str) -> InTransaction:
        """What says, within the transaction of a change, that the thing called ``name`` changed."""
        return lambda connection: self.moved(connection, name)

    def moved(self, connection: Connection, name: str, sealed: bytes | None = None) -> None:
        """The same within a transaction, with a value that is sealed already."""
        changed = update(SHARED_NOTES).where(self._here(name)).values(changes=_COLUMNS.changes + 1, sealed=sealed)
        if not connection.execute(changed).rowcount:
            row = {"account_id": self._operator, "name": name, "changes": 1, "sealed": sealed}
            connection.execute(insert(SHARED_NOTES).values(row))

    def _value(self, connection: Connection, name: str) -> bytes | None:
        sealed = connection.execute(select(_COLUMNS.sealed).where(self._here(name))).scalar_one_or_none()
        try:
            return None if sealed is None else self._master.unwrap(sealed, names_of("shared-note", name))
        except DamagedError as error:
            raise UnavailableError(f"the shared note {name} is damaged or was altered") from error

    def _sealed(self, name: str, value: bytes) -> bytes:
        return self._master.wrap(value, names_of("shared-note", name))

    def _here(self, name: str) -> ColumnElement[bool]:
        return (_COLUMNS.account_id == self._operator) & (_COLUMNS.name == name)
