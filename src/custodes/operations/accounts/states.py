"""The states of accounts: active, suspended, closed. Each change is on record before it is made.

In: an account and the state that is wanted. Out: the account in that state. Whether an account may start is settled
before: by ``accounts`` for an operator's order, by screening for what follows from a verdict.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from custodes.core.clock import Clock
from custodes.core.ids import AccountId
from custodes.governance.accounts.account import Account, Status, require_change
from custodes.operations.accounts.directory import AccountDirectory, account_record
from custodes.operations.accounts.log import AccountLog

_EVENTS: Mapping[Status, str] = {
    Status.ACTIVE: "activate",
    Status.SUSPENDED: "suspend",
    Status.CLOSED: "close",
    Status.PENDING: "pending",
}


class AccountStates:
    """Changes states. Any thread; one change at a time."""

    def __init__(self, directory: AccountDirectory, log: AccountLog, clock: Clock) -> None:
        """Change ``directory``, on record in ``log``."""
        self.directory = directory
        self._log = log
        self._clock = clock
        self._lock = threading.RLock()

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Keep all other changes of accounts waiting until the end of the block."""
        with self._lock:
            yield

    def move(self, account_id: AccountId, wanted: Status, reason: str = "") -> Account:
        """Bring an account into another state.

        Raises:
            NotFoundError: no such account.
            ConflictError: it cannot come into that state from its own.
            UnavailableError: nothing was changed.
        """
        with self._lock:
            found = self.directory.account(account_id)
            require_change(found, wanted)
            made = replace(found, status=wanted, reason=reason, changed_ts_ms=self._clock.now_ms())
            closing = wanted is Status.CLOSED
            self._log.state(made, _EVENTS[wanted], self.directory.open_count() - closing)
            self.directory.change([account_record(made)])
            return made
