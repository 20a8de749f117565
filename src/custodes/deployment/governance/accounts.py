"""The accounts of an open database: everything that keeps, reads and changes them, put together.

In: a database, its directory, whose server it is. Out: the directory in memory. Who changes it is put together in
``customers``.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from custodes.core.clock import SystemClock
from custodes.core.ids import AccountId
from custodes.jobs.schedule import HOUR_MS, Schedule, regularly
from custodes.operations.accounts.accounts import keep_operator
from custodes.operations.accounts.credentials.sessions import SessionTokens
from custodes.operations.accounts.directory import AccountDirectory
from custodes.operations.liveness.commands import STREAMED
from custodes.operations.reviews.reviews import OPERATIONS
from custodes.storage.sql.accounts.sealer import MasterSealer
from custodes.storage.sql.accounts.store import SqlAccountStore
from custodes.storage.sql.database import Database, InTransaction, alone
from custodes.storage.sql.master import open_master


@contextmanager
def open_directory(
    database: Database,
    data: Path,
    operator: AccountId,
    operations: Iterable[str],
    changed: InTransaction = alone,
) -> Iterator[AccountDirectory]:
    """All accounts of a database, the operator's among them; when keys were last used is kept at the end.

    Args:
        database: stays the caller's to close.
        data: the data directory, which has the master key.
        operator: the server's own account.
        operations: what policy documents can be about, beside reviews and streams.
        changed: called in the transaction of each change.

    Raises:
        UnavailableError: a record is damaged or was altered, or the master key is missing or wrong.
    """
    master = open_master(database, data, os.urandom)
    sessions = SessionTokens(MasterSealer(master), os.urandom)
    known = (*operations, *OPERATIONS, *STREAMED)
    directory = AccountDirectory(SqlAccountStore(database, master, changed), known, sessions)
    keep_operator(directory, operator, SystemClock().now_ms())
    yield directory
    directory.save_uses()


def schedule_key_uses(directory: AccountDirectory) -> Schedule:
    """Keeps when keys were last used."""
    return Schedule("uses of keys", HOUR_MS, regularly(directory.save_uses))
