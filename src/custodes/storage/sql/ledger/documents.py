"""Private documents of several servers, as rows of their database: what is made from the ledger, rules, drafts.

In: names and bytes. Out: the same, for any of the servers. Content stands in pieces, each sealed under the master key
and bound to its name and place. Whoever writes does so under a lease, which is looked at in the transaction of the
change: a process that was paused, and wakes up behind the next holder, changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg

from custodes.core.ids import AccountId
from custodes.storage.files.seal import DamagedError, KeyBox, names_of
from custodes.storage.sql.ledger.head import PUBLISHER
from custodes.storage.sql.ledger.session import PostgresSession

_PIECE_BYTES = 1 << 20
_Connection = psycopg.Connection[tuple[object, ...]]
_HELD = "SELECT number FROM leases WHERE account_id = %s AND name = %s FOR SHARE"
_PIECES = (
    "SELECT first_byte, sealed FROM documents WHERE account_id = %s AND name = %s"
    " AND first_byte < %s AND first_byte + length > %s ORDER BY first_byte"
)
_END = "SELECT max(first_byte + length) FROM documents WHERE account_id = %s AND name = %s"
_NAMES = (
    "SELECT DISTINCT substr(name, %s) FROM documents WHERE account_id = %s AND starts_with(name, %s)"
    " AND strpos(substr(name, %s), '/') = 0"
)
_CUT = "DELETE FROM documents WHERE account_id = %s AND name = %s AND (first_byte >= %s OR first_byte + length > %s)"
_ADD = "INSERT INTO documents (account_id, name, first_byte, length, sealed) VALUES (%s, %s, %s, %s, %s)"
_NO_END = (1 << 63) - 1


class PostgresDocuments:
    """Implements ``ledger.prover.ports.Documents``."""

    def __init__(self, url: str, account: AccountId, master: KeyBox, lease: int | None = None) -> None:
        """Keep documents of ``account``, the operator's, at ``url``, sealed by ``master``.

        Without the number of a ``lease`` they can be read only.
        """
        self._account = account
        self._master = master
        self._lease = lease
        self._session = PostgresSession(url)

    def get(self, name: str) -> bytes | None:
        """See Documents."""
        with self._session.connected() as connection, connection.transaction():
            if self._end(connection, name) is None:
                return None
            return b"".join(piece for _, piece in self._pieces(connection, name, 0, _NO_END))

    def put(self, name: str, data: bytes) -> None:
        """See Documents."""
        with self._session.connected() as connection, connection.transaction():
            self._hold(connection)
            connection.execute(_CUT, (self._account, name, 0, 0))
            self._add(connection, name, 0, data)

    def remove(self, name: str) -> None:
        """See Documents."""
        with self._session.connected() as connection, connection.transaction():
            self._hold(connection)
            connection.execute(_CUT, (self._account, name, 0, 0))

    def names(self, folder: str) -> Sequence[str]:
        """See Documents."""
        prefix = f"{folder}/" if folder else ""
        behind = len(prefix) + 1
        with self._session.connected() as connection:
            rows = connection.execute(_NAMES, (behind, self._account, prefix, behind)).fetchall()
        return sorted(str(row[0]) for row in rows)

    def size(self, name: str) -> int:
        """See Documents."""
        with self._session.connected() as connection:
            return self._end(connection, name) or 0

    def read(self, name: str, begin: int, length: int) -> bytes:
        """See Documents."""
        with self._session.connected() as connection:
            pieces = self._pieces(connection, name, begin, begin + length)
        if not pieces:
            return b""
        skipped = begin - pieces[0][0]
        return b"".join(piece for _, piece in pieces)[skipped : skipped + length]

    def extend(self, name: str, end: int, data: bytes) -> None:
        """See Documents."""
        with self._session.connected() as connection, connection.transaction():
            self._hold(connection)
            if (self._end(connection, name) or 0) < end:
                raise OSError(f"{name} is cut off: it has fewer than {end} bytes")
            across = [piece for piece in self._pieces(connection, name, end, end + 1) if piece[0] < end]
            connection.execute(_CUT, (self._account, name, end, end))
            for first, piece in across:
                self._add(connection, name, first, piece[: end - first])
            if data or end == 0:
                self._add(connection, name, end, data)

    def take_over(self, documents: dict[str, bytes]) -> None:
        """Put all of these in one transaction."""
        with self._session.connected() as connection, connection.transaction():
            self._hold(connection)
            for name, data in documents.items():
                connection.execute(_CUT, (self._account, name, 0, 0))
                self._add(connection, name, 0, data)

    def close(self) -> None:
        """Let go of the connection. Harmless when called again."""
        self._session.close()

    def _hold(self, connection: _Connection) -> None:
        """Be sure to have the lease until the end of the transaction."""
        row = connection.execute(_HELD, (self._account, PUBLISHER)).fetchone()
        if self._lease is None or row is None or row[0] != self._lease:
            raise PermissionError("another server has the duties now")

    def _end(self, connection: _Connection, name: str) -> int | None:
        row = connection.execute(_END, (self._account, name)).fetchone()
        return None if row is None or row[0] is None else int(str(row[0]))

    def _pieces(self, connection: _Connection, name: str, begin: int, end: int) -> list[tuple[int, bytes]]:
        rows = connection.execute(_PIECES, (self._account, name, end, begin)).fetchall()
        return [(int(str(first)), self._opened(name, int(str(first)), sealed)) for first, sealed in rows]

    def _opened(self, name: str, first: int, sealed: Any) -> bytes:
        try:
            return self._master.unwrap(bytes(sealed), names_of("document", name, str(first)))
        except DamagedError as error:
            raise OSError(f"the document {name} is damaged, was altered, or is of another master key") from error

    def _add(self, connection: _Connection, name: str, first: int, data: bytes) -> None:
        for begin in range(0, max(1, len(data)), _PIECE_BYTES):
            piece, at = data[begin : begin + _PIECE_BYTES], first + begin
            sealed = self._master.wrap(piece, names_of("document", name, str(at)))
            connection.execute(_ADD, (self._account, name, at, len(piece), sealed))
