"""Where the private bodies of a data directory's ledger are: in it, or in the database of several servers.

In: the directory, the setting `database`. Out: a reader, fine beside running servers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from custodes.core.errors import UnavailableError
from custodes.ledger.writer.ports import BodyReader
from custodes.storage.ledger.open import LedgerPaths, read_bodies


@contextmanager
def ledger_bodies(data: Path, database: str) -> Iterator[BodyReader]:
    """The bodies of the ledger in ``data``. Raises UnavailableError: they are in a database that was not named."""
    if not LedgerPaths(data).shared_mark.exists():
        yield read_bodies(data)
        return
    # Loads what commands without a database do without.
    from custodes.storage.files.credentials import stored_account

    account = stored_account(data)
    if not database or account is None:
        raise UnavailableError(
            "private bodies of this ledger are in the database of several servers: set CUSTODES_DATABASE"
        )
    from custodes.storage.ledger.shared_log import SharedPlace

    with closing(SharedPlace(data, database, account).bodies) as bodies:
        yield bodies
