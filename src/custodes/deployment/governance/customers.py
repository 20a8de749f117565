"""Accounts and the screening of who stands behind them, put together: each needs the other.

In: an open database, directory of accounts and ledger. Out: what carries out commands about them, and screening,
which suspends and admits through the states of accounts; closed again in order.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from custodes.core.clock import Clock
from custodes.core.ids import AccountId
from custodes.deployment.governance.screening import OpenScreening, open_screening
from custodes.deployment.record.sharing import Sharing
from custodes.ledger.writer.settings import LedgerWriter
from custodes.operations.accounts.accounts import Accounts
from custodes.operations.accounts.admin.accounts import account_handlers
from custodes.operations.accounts.admin.identities import IdentityAdmin
from custodes.operations.accounts.directory import AccountDirectory
from custodes.operations.accounts.identities import Identities
from custodes.operations.accounts.log import AccountLog
from custodes.operations.accounts.states import AccountStates
from custodes.operations.record.evidence.statements import Statements
from custodes.operations.requests.admin import AdminHandlers
from custodes.operations.screening.account_effects import AccountSuspender, ScreenedAdmission
from custodes.settings import Settings
from custodes.storage.sql.database import Database


@dataclass(frozen=True, slots=True)
class Customers:
    """What carries out commands about customers, and the screening of them."""

    handlers: AdminHandlers
    screening: OpenScreening


@contextmanager
def open_customers(
    database: Database,
    settings: Settings,
    directory: AccountDirectory,
    log: LedgerWriter,
    statements: Statements,
    operator: AccountId,
    clock: Clock,
    sharing: Sharing | None = None,
) -> Iterator[Customers]:
    """The accounts of ``directory`` and their screening, on record in ``log``, until the end of the block.

    Other servers are told of verdicts through ``sharing``.

    Raises:
        UnavailableError: a file cannot be read, or was altered.
    """
    account_log = AccountLog(log, os.urandom)
    states = AccountStates(directory, account_log, clock)
    suspender = AccountSuspender(states)
    with open_screening(database, settings, operator, log, statements, suspender, sharing) as screening:
        admission = ScreenedAdmission(screening.screenings)
        accounts = Accounts(states, account_log, admission, clock, random=os.urandom)
        identities = IdentityAdmin(Identities(directory, account_log, clock, os.urandom), operator)
        yield Customers({**account_handlers(accounts), **identities.handlers, **screening.admin(directory)}, screening)
