"""Destinations of events over the embedded database, sealed under the master key and bound to account and name.

In: calls of the port. Out: destinations. How far one is stands in its row, so that sending goes on there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import orjson
from sqlalchemy import ColumnElement, Connection, and_, delete, insert, select, update

from custodes.core.ids import AccountId
from custodes.storage.files.seal import KeyBox, names_of
from custodes.storage.sql.database import Database
from custodes.storage.sql.tables.streams import EVENT_DESTINATIONS
from custodes.video.live.destination import EventDestination

_COLUMN = EVENT_DESTINATIONS.c


class SqlEventDestinations:
    """A durable ``EventDestinations``."""

    def __init__(self, database: Database, master: KeyBox) -> None:
        """Keep destinations in ``database``, sealed by ``master``."""
        self._database = database
        self._master = master

    def all(self) -> Sequence[EventDestination]:
        """See EventDestinations."""
        with self._database.read() as connection:
            rows = connection.execute(select(EVENT_DESTINATIONS).order_by(_COLUMN.account_id, _COLUMN.name)).all()
        return tuple(self._opened(AccountId(row.account_id), row.name, row.sealed) for row in rows)

    def put(self, destination: EventDestination) -> None:
        """See EventDestinations."""
        row = self._row(destination)

        def write(connection: Connection) -> None:
            connection.execute(delete(EVENT_DESTINATIONS).where(_is(destination.account_id, destination.name)))
            connection.execute(insert(EVENT_DESTINATIONS).values(row))

        self._database.write(write, erases=True)

    def keep(self, destination: EventDestination) -> bool:
        """See EventDestinations."""
        before = and_(_is(destination.account_id, destination.name), _COLUMN.revision == destination.revision - 1)
        change = update(EVENT_DESTINATIONS).where(before).values(self._row(destination))
        return self._database.write(lambda connection: connection.execute(change).rowcount == 1)

    def drop(self, account_id: AccountId, name: str) -> bool:
        """See EventDestinations."""
        gone = delete(EVENT_DESTINATIONS).where(_is(account_id, name))
        return self._database.write(lambda connection: connection.execute(gone).rowcount == 1, erases=True)

    def _row(self, destination: EventDestination) -> dict[str, object]:
        names = _names(destination.account_id, destination.name)
        return {
            "account_id": destination.account_id,
            "name": destination.name,
            "revision": destination.revision,
            "sealed": self._master.wrap(orjson.dumps(asdict(destination)), names),
        }

    def _opened(self, account_id: AccountId, name: str, sealed: bytes) -> EventDestination:
        members = orjson.loads(self._master.unwrap(sealed, _names(account_id, name)))
        return EventDestination(**members | {"account_id": account_id})


def _is(account_id: AccountId, name: str) -> ColumnElement[bool]:
    return and_(_COLUMN.account_id == account_id, _COLUMN.name == name)


def _names(account_id: AccountId, name: str) -> bytes:
    return names_of("event destination", account_id, name)
