"""Verdicts of screening in a server that only follows them: another one screens.

In: the store that all servers share, which lists there are as that one says. Out: what rules see. It decides nothing.
"""

from __future__ import annotations

from typing import Protocol

from custodes.core.ids import AccountId
from custodes.operations.screening.ports import CustomerCase, Run


class VerdictStore(Protocol):
    """The reading side of a CaseStore. Both methods raise UnavailableError."""

    def case(self, account_id: AccountId) -> CustomerCase | None:
        """The case of one account."""
        ...

    def run(self) -> Run | None:
        """The last run."""
        ...


class FollowedVerdicts:
    """``Verdicts``, each read when it is first asked for after a change."""

    def __init__(self, store: VerdictStore) -> None:
        """Read ``store``; there are no lists before ``lists`` says so."""
        self._store = store
        self._known: dict[AccountId, CustomerCase | None] = {}
        self._run: Run | None = None
        self.lists_digest = ""

    def reload(self) -> None:
        """Some verdict is another one now. Raises UnavailableError."""
        self._run = self._store.run()
        self._known = {}

    @property
    def required(self) -> bool:
        """See Verdicts."""
        return bool(self.lists_digest)

    def known(self, account_id: AccountId) -> CustomerCase | None:
        """See Verdicts."""
        known = self._known  # a change meanwhile begins another one
        if account_id not in known:
            known[account_id] = self._store.case(account_id)
        return known[account_id]

    def last_run(self) -> Run | None:
        """See Verdicts."""
        return self._run
