"""Which servers live that share collections: a lease of each, in PostgreSQL. All times are the database's.

In: beats. Out: who beat lately, and where it is reached.
"""

from __future__ import annotations

from collections.abc import Mapping

from custodes.core.errors import UnavailableError
from custodes.core.ids import AccountId
from custodes.storage.sql.ledger.session import DatabaseLostError, PostgresSession

LEASE_MS = 5_000
_PREFIX = "shards "
_BEAT = (
    "INSERT INTO leases (account_id, name, holder, address, number, expires_ms) VALUES"
    " (%(account)s, %(name)s, '', %(address)s, 1, (extract(epoch FROM clock_timestamp()) * 1000)::bigint + %(for)s)"
    " ON CONFLICT (account_id, name) DO UPDATE SET address = excluded.address, expires_ms = excluded.expires_ms"
)
_LIVING = (
    "SELECT name, address FROM leases WHERE account_id = %(account)s AND starts_with(name, 'shards ')"
    " AND expires_ms >= (extract(epoch FROM clock_timestamp()) * 1000)::bigint"
)
_LEAVE = "DELETE FROM leases WHERE account_id = %(account)s AND name = %(name)s"


class PostgresLiving:
    """Implements LivingServers; for one thread at a time."""

    def __init__(self, url: str, account: AccountId, node: str, address: str, lease_ms: int = LEASE_MS) -> None:
        """This server is ``node``, reached at ``address``.

        Args:
            url: of the database.
            account: the operator's.
            node: a name that no other server has.
            address: URL.
            lease_ms: who did not beat for so long does not live.
        """
        self._asked = {"account": account, "name": f"{_PREFIX}{node}", "address": address, "for": lease_ms}
        self._session = PostgresSession(url)

    def look(self) -> Mapping[str, str]:
        """See LivingServers."""
        return self._looked(beat=False)

    def beat(self) -> Mapping[str, str]:
        """See LivingServers."""
        return self._looked(beat=True)

    def _looked(self, *, beat: bool) -> Mapping[str, str]:
        try:
            with self._session.connected() as connection:
                if beat:
                    connection.execute(_BEAT, self._asked)
                found = connection.execute(_LIVING, self._asked).fetchall()
        except DatabaseLostError as error:
            raise UnavailableError(f"servers cannot be told that this one lives: {error}") from error
        return {str(name).removeprefix(_PREFIX): str(address) for name, address in found}

    def leave(self) -> None:
        """See LivingServers."""
        try:
            with self._session.connected() as connection:
                connection.execute(_LEAVE, self._asked)
        except DatabaseLostError as error:
            raise UnavailableError(f"servers cannot be told that this one ends: {error}") from error
        finally:
            self._session.close()
