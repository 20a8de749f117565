"""The time of a database that several servers share, so that no server's own clock decides about a lease.

In: nothing. Out: milliseconds since the epoch. What is read is a little old when it is used, by as much as the process
was held up: a lease then ends earlier, and nothing is claimed too early.
"""

from __future__ import annotations

from custodes.storage.sql.database import Database

_NOW = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint"


class DatabaseTime:
    """Implements ``Clock`` and ``JobTime`` by asking PostgreSQL."""

    def __init__(self, database: Database) -> None:
        """Ask ``database``."""
        self._database = database

    def now_ms(self) -> int:
        """See Clock. Raises UnavailableError: the database cannot be asked."""
        return int(self._database.fetch(_NOW, ())[0][0])

    def __call__(self, now_ms: int) -> int:  # noqa: ARG002 - the port's signature
        """The database's time, whatever the caller's clock says. Raises UnavailableError: it cannot be asked."""
        return self.now_ms()
