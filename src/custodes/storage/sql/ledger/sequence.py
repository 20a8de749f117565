"""The order of entries of a log that several servers write: a row of PostgreSQL that whoever adds entries holds.

In: entries. Out: their places, durable with them. A turn is one transaction of two round trips: take the row and the
time; add entries, move the row and commit. Where the connection is lost during a commit, the next one asks whether the
turn is in the database, behind whatever the lost one still held.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql

from custodes.core.ids import AccountId
from custodes.ledger.sequence.claim import WorkClaim
from custodes.ledger.sequence.ports import SequencedEntry
from custodes.ledger.writer.ports import HeadConflictError
from custodes.storage.sql.ledger.session import DatabaseLostError, PostgresSession
from custodes.storage.sql.postgres_database import WRITE_LOCK

# All times are the database's: milliseconds since the epoch, extract(epoch FROM clock_timestamp()) * 1000.
DEAD_MS = 10_000
"""A node that said for so long nothing is taken for dead: what it was permitted is given up."""
_TAKE = sql.SQL(
    "BEGIN; SELECT next_index, greatest(t_ms, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)"
    " FROM ledger_sequences WHERE account_id = {0} FOR UPDATE"
)
_SETTLE = "DELETE FROM ledger_permissions WHERE account_id = %s AND entry_index = ANY(%s) RETURNING entry_index"
_ENTRIES = (
    "INSERT INTO ledger_entries (account_id, entry_index, envelope)"
    " SELECT %s, %s + place - 1, envelope FROM unnest(%s::bytea[]) WITH ORDINALITY AS added (envelope, place)"
)
_BODIES = (
    "INSERT INTO ledger_bodies (account_id, entry_index, salt, sealed)"
    " SELECT %s, entry_index, salt, sealed FROM unnest(%s::bigint[], %s::bytea[], %s::bytea[])"
    " AS added (entry_index, salt, sealed)"
)
_PERMISSIONS = (
    "INSERT INTO ledger_permissions (account_id, entry_index, node)"
    " SELECT %s, entry_index, %s FROM unnest(%s::bigint[]) AS added (entry_index)"
)
_FOUND = "INSERT INTO ledger_sequences (account_id, next_index, t_ms) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"
_MOVE = "UPDATE ledger_sequences SET next_index = next_index + %s, t_ms = %s WHERE account_id = %s"
_END = "SELECT next_index FROM ledger_sequences WHERE account_id = %s"
_LIVE = (
    "INSERT INTO ledger_nodes (account_id, node, seen_ms, turn)"
    " VALUES (%s, %s, (extract(epoch FROM clock_timestamp()) * 1000)::bigint, %s)"
    " ON CONFLICT (account_id, node)"
    " DO UPDATE SET seen_ms = excluded.seen_ms, turn = greatest(ledger_nodes.turn, excluded.turn)"
)
_HOLDS = "SELECT 1 FROM leases WHERE account_id = %s AND name = 'publisher' AND holder = %s AND number = %s FOR SHARE"
_WORKS = "SELECT 1 FROM jobs WHERE account_id = %s AND job_id = %s AND fence = %s FOR SHARE"
_NO_WRITER = "SELECT pg_advisory_xact_lock_shared(%s)"
_LEAVE = "DELETE FROM ledger_nodes WHERE account_id = %s AND node = %s"
_NUMBER = "SELECT turn FROM ledger_nodes WHERE account_id = %s AND node = %s"
_OWN = "SELECT entry_index FROM ledger_permissions WHERE account_id = %s AND node = %s"
_DEAD = (
    "WITH late AS (SELECT node FROM ledger_nodes WHERE account_id = %(account)s"
    " AND seen_ms < (extract(epoch FROM clock_timestamp()) * 1000)::bigint - %(dead)s),"
    " dead AS (DELETE FROM ledger_nodes WHERE account_id = %(account)s AND node IN (SELECT node FROM late))"
    " SELECT entry_index FROM ledger_permissions WHERE account_id = %(account)s AND node NOT IN"
    " (SELECT node FROM ledger_nodes WHERE account_id = %(account)s AND node NOT IN (SELECT node FROM late))"
)


class PostgresTurn:
    """See Turn."""

    def __init__(self, connection: psycopg.Connection[Any], account: AccountId, node: str, number: int) -> None:
        """Take the end of the log: begins a transaction."""
        self._connection = connection
        self._account = account
        self._node = node
        self._number = number
        self._added: list[tuple[str, Sequence[object]]] = []
        found = connection.execute(_TAKE.format(sql.Literal(str(account))))
        found.nextset()
        row = found.fetchone()
        if row is None:
            raise HeadConflictError("the database has no ledger of this server")
        self.first, self.t = int(row[0]), int(row[1])

    def settle(self, permissions: Collection[int]) -> frozenset[int]:
        """See Turn."""
        found = self._connection.execute(_SETTLE, (self._account, list(permissions)))
        return frozenset(row[0] for row in found)

    def holds(self, lease: int) -> bool:
        """See Turn."""
        return self._connection.execute(_HOLDS, (self._account, self._node, lease)).fetchone() is not None

    def works(self, claims: Collection[WorkClaim]) -> frozenset[WorkClaim]:
        """See Turn."""
        if len(claims) > 1:
            # Whoever changes several jobs in one transaction could wait for this turn, and this turn for it.
            self._connection.execute(_NO_WRITER, (WRITE_LOCK,))
        return frozenset(
            claim
            for claim in claims
            if self._connection.execute(_WORKS, (claim.account_id, claim.job_id, claim.fence)).fetchone() is not None
        )

    def add(self, entries: Sequence[SequencedEntry]) -> None:
        """See Turn."""
        places = range(self.first, self.first + len(entries))
        bodies = [(at, one.body) for at, one in zip(places, entries, strict=True) if one.body is not None]
        opened = [at for at, one in zip(places, entries, strict=True) if one.opens]
        added: list[tuple[str, Sequence[object]]] = [
            (_ENTRIES, (self._account, self.first, [one.envelope for one in entries]))
        ]
        if bodies:
            salts, sealed = [body.salt for _, body in bodies], [body.sealed for _, body in bodies]
            added.append((_BODIES, (self._account, [at for at, _ in bodies], salts, sealed)))
        if opened:
            added.append((_PERMISSIONS, (self._account, self._node, opened)))
        added.append((_MOVE, (len(entries), self.t, self._account)))
        added.append((_LIVE, (self._account, self._node, self._number)))
        self._added = added

    def commit(self) -> None:
        """Make it durable, and let the end go: all in one go, of which nothing counts where one part fails."""
        if not self._added:
            self._connection.execute("ROLLBACK")
            return
        with self._connection.pipeline():
            for statement, values in self._added:
                self._connection.execute(statement, values)
            self._connection.execute("COMMIT")


class PostgresSequence:
    """See EntrySequence."""

    def __init__(self, url: str, account: AccountId, node: str, dead_ms: int = DEAD_MS) -> None:
        """The log of ``account``, the operator's; ``node`` is drawn at random for each process."""
        self._dead_ms = dead_ms
        self._account = account
        self._node = node
        self._turns = PostgresSession(url)
        self._asking = PostgresSession(url)
        self._number = 0

    def found(self, size: int, t_ms: int) -> None:
        """Begin the order behind ``size`` entries, the last one of ``t_ms``, where there is none yet."""
        values = (self._account, size, t_ms)
        with self._asking.connected() as connection:
            connection.execute(_FOUND, values)

    @contextmanager
    def turn(self) -> Iterator[PostgresTurn]:
        """See EntrySequence. For one thread."""
        self._number += 1
        committing = False
        try:
            with self._turns.connected() as connection:
                turn = PostgresTurn(connection, self._account, self._node, self._number)
                yield turn
                committing = True
                turn.commit()
        except DatabaseLostError:
            if not committing or not self._is_committed(self._number):
                raise

    def end(self) -> int:
        """See EntrySequence."""
        with self._asking.connected() as connection:
            asked = connection.execute(
                "SELECT next_index FROM ledger_sequences WHERE account_id = %s", (self._account,)
            )
            row = asked.fetchone()
        return 0 if row is None else int(str(row[0]))

    def beat(self) -> None:
        """See EntrySequence."""
        with self._asking.connected() as connection:
            connection.execute(_LIVE, (self._account, self._node, 0))

    def own_permissions(self) -> frozenset[int]:
        """See EntrySequence."""
        with self._asking.connected() as connection:
            return frozenset(int(str(row[0])) for row in connection.execute(_OWN, (self._account, self._node)))

    def orphaned_permissions(self) -> frozenset[int]:
        """See EntrySequence."""
        asked = {"account": self._account, "dead": self._dead_ms}
        with self._asking.connected() as connection:
            return frozenset(int(str(row[0])) for row in connection.execute(_DEAD, asked))

    def leave(self) -> None:
        """See EntrySequence. Harmless where the database is away: the node is taken for dead after a while."""
        try:
            with self._asking.connected() as connection:
                connection.execute(
                    "DELETE FROM ledger_nodes WHERE account_id = %s AND node = %s", (self._account, self._node)
                )
        except DatabaseLostError:
            return
        finally:
            self._turns.close()
            self._asking.close()

    def _is_committed(self, number: int) -> bool:
        """Whether turn ``number`` is in the database; asked behind the row, which the lost session may still hold."""
        with self._turns.connected() as connection:
            connection.execute(f"{_END} FOR UPDATE", (self._account,))
            row = connection.execute(_NUMBER, (self._account, self._node)).fetchone()
        return row is not None and row[0] == number
