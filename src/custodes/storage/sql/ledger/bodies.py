"""Private bodies of a log that several servers write, in PostgreSQL, each of which can be destroyed by itself.

In: indexes. Out: sealed bodies with their salts, until erased. They are put in with their entries (``sequence``).
Erasing removes salt and bytes from the row; the server's files have them until it vacuums, its log and its backups for
as long as they are kept. The bytes are sealed under a key of the data directory, which is not in the database.
"""

from __future__ import annotations

from collections.abc import Sequence

from custodes.core.ids import AccountId
from custodes.ledger.writer.body import SealedBody
from custodes.ledger.writer.ports import BodyStore
from custodes.storage.sql.ledger.session import PostgresSession

_FIND = "SELECT salt, sealed FROM ledger_bodies WHERE account_id = %s AND entry_index = %s"
_ERASE = (
    "UPDATE ledger_bodies SET salt = NULL, sealed = NULL WHERE account_id = %s AND entry_index = %s"
    " AND salt IS NOT NULL"
)


class PostgresBodies:
    """``BodyStore``; ``before`` has those of entries from before the log was shared."""

    def __init__(self, url: str, account: AccountId, before: BodyStore) -> None:
        """Bodies of the log of ``account``, the operator's."""
        self._account = account
        self._before = before
        self._session = PostgresSession(url)

    def get(self, index: int) -> SealedBody | None:
        """See BodyReader."""
        row = self._row(index)
        if row is None:
            return self._before.get(index)
        salt, sealed = row
        return SealedBody(bytes(salt), bytes(sealed)) if salt is not None and sealed is not None else None

    def erased(self, index: int) -> bool:
        """See BodyReader."""
        row = self._row(index)
        return self._before.erased(index) if row is None else row[0] is None

    def put(self, first: int, bodies: Sequence[SealedBody | None]) -> None:
        """Nothing is left to be done: they came with their entries."""

    def erase(self, index: int) -> bool:
        """See BodyStore."""
        if self._row(index) is None:
            return self._before.erase(index)
        with self._session.connected() as connection:
            return connection.execute(_ERASE, (self._account, index)).rowcount > 0

    def sync(self) -> None:
        """Nothing waits."""
        self._before.sync()

    def close(self) -> None:
        """Let go of the connection. Harmless when called again."""
        self._session.close()

    def _row(self, index: int) -> tuple[bytes | None, bytes | None] | None:
        with self._session.connected() as connection:
            row = connection.execute(_FIND, (self._account, index)).fetchone()
        if row is None:
            return None
        salt, sealed = row
        assert isinstance(salt, bytes | None) and isinstance(sealed, bytes | None)
        return salt, sealed
