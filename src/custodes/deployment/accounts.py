"""The accounts of an open database: everything that keeps, reads and changes them, put together.

In: a database, its directory, whose server it is. Out: the directory in memory, and what carries out commands
that change it, on record.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from custodes.core.clock import Clock, SystemClock
from custodes.core.ids import AccountId
from custodes.ledger.writer.settings import LedgerWriter
from custodes.operations.accounts.accounts import Accounts, keep_operator
from custodes.operations.accounts.admin import account_handlers
from custodes.operations.accounts.directory import AccountDirectory
from custodes.operations.accounts.identities import Identities
from custodes.operations.accounts.identity_admin import IdentityAdmin
from custodes.operations.accounts.log import AccountLog
from custodes.operations.accounts.sessions import SessionTokens
from custodes.operations.requests.admin import AdminHandlers
from custodes.operations.reviews.reviews import OPERATIONS
from custodes.operations.screening.account_effects import AccountSuspender, ScreenedAdmission
from custodes.operations.screening.screening import Screenings
from custodes.storage.sql.accounts.sealer import MasterSealer
from custodes.storage.sql.accounts.store import SqlAccountStore
from custodes.storage.sql.database import Database
from custodes.storage.sql.master import open_master


@contextmanager
def open_directory(
    database: Database, data: Path, operator: AccountId, operations: Iterable[str]
) -> Iterator[AccountDirectory]:
    """All accounts of a database, the operator's among them; when keys were last used is kept at the end.

    Args:
        database: stays the caller's to close.
        data: the data directory, which has the master key.
        operator: the server's own account.
        operations: what policy documents can be about, beside reviews.

    Raises:
        UnavailableError: a record is damaged or was altered, or the master key is missing or wrong.
    """
    master = open_master(database, data, os.urandom)
    sessions = SessionTokens(MasterSealer(master), os.urandom)
    directory = AccountDirectory(SqlAccountStore(database, master), (*operations, *OPERATIONS), sessions)
    keep_operator(directory, operator, SystemClock().now_ms())
    yield directory
    directory.save_uses()


def account_admin(
    directory: AccountDirectory, log: LedgerWriter, operator: AccountId, screenings: Screenings, clock: Clock
) -> AdminHandlers:
    """What carries out commands about accounts, on record in ``log``; screening admits and suspends."""
    account_log = AccountLog(log, os.urandom)
    accounts = Accounts(directory, account_log, ScreenedAdmission(screenings), clock, random=os.urandom)
    screenings.act_through(AccountSuspender(accounts))
    identities = IdentityAdmin(Identities(directory, account_log, clock, os.urandom), operator)
    return {**account_handlers(accounts), **identities.handlers}
