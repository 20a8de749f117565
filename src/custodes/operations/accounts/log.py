"""What the ledger is told about accounts: that one was opened, changed, suspended, closed, and who acts for it.

In: what is about to happen. Out: durable ``acc`` and ``org`` entries. In public they say what kind of change it was,
how many accounts are open, and the salted digest of a profile; names of organisations are in the private bodies.
An entry is written before the change is made: nothing happens off the record, at the price that an entry may tell of a
change that a crash prevented.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from custodes.core.errors import UnavailableError
from custodes.core.ids import AccountId
from custodes.governance.accounts.account import Account
from custodes.ledger.tlog.commitment import BodyError
from custodes.ledger.tlog.entry import EntryError, b64url
from custodes.ledger.tlog.tiles import LedgerUnavailableError
from custodes.ledger.writer.settings import LedgerWriter

_SALT_BYTES = 16


class AccountLog:
    """Writes the entries."""

    def __init__(self, log: LedgerWriter, random: Callable[[int], bytes]) -> None:
        """Write to ``log``; ``random`` salts digests."""
        self._log = log
        self._random = random

    def profile(self, account: Account) -> None:
        """The profile of an account as it is declared from now on. Raises UnavailableError."""
        salt = self._random(_SALT_BYTES)
        digest = b64url(account.organisation.digest(salt))
        body = {"acct": account.account_id, "profile": account.organisation.members(), "salt": b64url(salt)}
        self._write("org", body, {"e": digest})

    def state(self, account: Account, what: str, open_count: int, before: Account | None = None) -> None:
        """An account came into a state or changed otherwise; ``what`` names the change. Raises UnavailableError.

        ``before`` is the account as it was: a change of its sector is part of what an excerpt shows without its name.
        """
        body: dict[str, object] = {
            "acct": account.account_id,
            "country": account.organisation.country,
            "demographics": account.demographics,
            "limits": dict(account.limits),
            "reason": account.reason,
            "sector": account.organisation.sector,
            "stated": account.stated.members(),
            "status": account.status.value,
        }
        if before is not None and before.organisation.sector != account.organisation.sector:
            body["sector_before"] = before.organisation.sector
        self._write("acc", body, {"n": open_count, "x": what})

    def identity(self, account_id: AccountId, what: str, facts: Mapping[str, object]) -> None:
        """Somebody may act for an account, or no longer. Raises UnavailableError."""
        self._write("acc", {"acct": account_id, **facts}, {"x": what})

    def _write(self, kind: str, body: Mapping[str, object], fields: Mapping[str, int | str]) -> None:
        try:
            self._log.append(kind, body=body, fields=fields).wait_durable()
        except (LedgerUnavailableError, EntryError, BodyError) as error:
            raise UnavailableError("The ledger cannot be written now, so nothing was changed.") from error
