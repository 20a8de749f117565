"""Who publishes the ledger, and what was published last, in PostgreSQL. All times are the database's."""

from __future__ import annotations

from collections.abc import Sequence

from custodes.core.ids import AccountId
from custodes.ledger.sequence.ports import QueuedEntry
from custodes.ledger.writer.ports import HeadConflictError
from custodes.storage.sql.ledger.session import PostgresSession

LEASE_MS = 5_000
PUBLISHER = "publisher"
"""Name of the lease of whoever publishes, and has the duties."""
_ACQUIRE = (
    "INSERT INTO leases (account_id, name, holder, address, number, expires_ms) VALUES"
    " (%(account)s, %(name)s, %(holder)s, %(address)s, 1,"
    " (extract(epoch FROM clock_timestamp()) * 1000)::bigint + %(for)s)"
    " ON CONFLICT (account_id, name) DO UPDATE SET holder = excluded.holder, address = excluded.address,"
    " number = leases.number + 1, expires_ms = excluded.expires_ms"
    " WHERE leases.expires_ms < (extract(epoch FROM clock_timestamp()) * 1000)::bigint RETURNING number"
)
_RENEW = (
    "UPDATE leases SET expires_ms = (extract(epoch FROM clock_timestamp()) * 1000)::bigint + %(for)s"
    " WHERE account_id = %(account)s AND name = %(name)s AND holder = %(holder)s AND number = %(number)s"
)
_RELEASE = (
    "UPDATE leases SET expires_ms = 0"
    " WHERE account_id = %(account)s AND name = %(name)s AND holder = %(holder)s AND number = %(number)s"
)
_HOLDER = (
    "SELECT address FROM leases WHERE account_id = %(account)s AND name = %(name)s"
    " AND expires_ms >= (extract(epoch FROM clock_timestamp()) * 1000)::bigint"
)
_KEEP = (
    "SELECT 1 FROM leases"
    " WHERE account_id = %(account)s AND name = %(name)s AND holder = %(holder)s AND number = %(number)s FOR UPDATE"
)
_FIRST = "INSERT INTO ledger_heads (account_id, note) VALUES (%(account)s, %(new)s) ON CONFLICT DO NOTHING"
_NEXT = "UPDATE ledger_heads SET note = %(new)s WHERE account_id = %(account)s AND note = %(old)s"
_QUEUED = (
    "SELECT entry_index, envelope FROM ledger_entries WHERE account_id = %s AND entry_index >= %s"
    " ORDER BY entry_index LIMIT %s"
)


class PostgresHead:
    """See PublicHead."""

    def __init__(self, url: str, account: AccountId, node: str, address: str = "", lease_ms: int = LEASE_MS) -> None:
        """The head of the log of ``account``, the operator's.

        Args:
            url: of the database.
            account: the operator's.
            node: this process.
            address: URL at which others reach it.
            lease_ms: how long a lease lasts that is not renewed.
        """
        self._account = account
        self._asked = {"account": account, "name": PUBLISHER, "holder": node, "address": address, "for": lease_ms}
        self._session = PostgresSession(url)
        self._reading = PostgresSession(url)

    def acquire(self) -> int | None:
        """See PublicHead."""
        with self._session.connected() as connection:
            row = connection.execute(_ACQUIRE, self._asked).fetchone()
        return None if row is None else int(str(row[0]))

    def holder(self) -> str | None:
        """Where the publisher is reached; None where nobody is it now."""
        with self._reading.connected() as connection:
            row = connection.execute(_HOLDER, self._asked).fetchone()
        return None if row is None else str(row[0])

    def renew(self, lease: int) -> None:
        """See PublicHead."""
        with self._session.connected() as connection:
            kept = connection.execute(_RENEW, {**self._asked, "number": lease}).rowcount
        if not kept:
            raise HeadConflictError("another server publishes the ledger now")

    def release(self, lease: int) -> None:
        """See PublicHead."""
        with self._session.connected() as connection:
            connection.execute(_RELEASE, {**self._asked, "number": lease})

    def fetch(self) -> bytes | None:
        """See PublicHead."""
        with self._reading.connected() as connection:
            asked = connection.execute("SELECT note FROM ledger_heads WHERE account_id = %s", (self._account,))
            row = asked.fetchone()
        return None if row is None else _bytes(row[0])

    def replace(self, old: bytes | None, new: bytes, lease: int) -> None:
        """See PublicHead."""
        asked = {**self._asked, "number": lease, "old": old, "new": new}
        with self._session.connected() as connection, connection.transaction():
            if connection.execute(_KEEP, asked).fetchone() is None:
                raise HeadConflictError("another server publishes the ledger now")
            if not connection.execute(_FIRST if old is None else _NEXT, asked).rowcount:
                raise HeadConflictError("another server moved this ledger's head")

    def queued(self, first: int, limit: int) -> Sequence[QueuedEntry]:
        """See PublicHead."""
        with self._session.connected() as connection:
            found = connection.execute(_QUEUED, (self._account, first, limit)).fetchall()
        return [QueuedEntry(int(str(index)), _bytes(envelope)) for index, envelope in found]

    def prune(self, size: int) -> None:
        """See PublicHead."""
        with self._session.connected() as connection:
            connection.execute(
                "DELETE FROM ledger_entries WHERE account_id = %s AND entry_index < %s", (self._account, size)
            )

    def close(self) -> None:
        """Let go of the connections. Harmless when called again."""
        self._session.close()
        self._reading.close()


def _bytes(value: object) -> bytes:
    assert isinstance(value, bytes | memoryview)
    return bytes(value)
