"""Stores of accounts in memory, and admissions that say what a test wants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from custodes.core.errors import UnavailableError
from custodes.core.ids import AccountId
from custodes.governance.accounts.account import Account, Status
from custodes.operations.accounts.ports import AccountRecord, RecordName


@dataclass
class MemoryAccountStore:
    """Implements ``AccountStore``; ``broken`` makes changes fail."""

    records: dict[RecordName, bytes] = field(default_factory=dict)
    broken: bool = False

    def load(self) -> list[AccountRecord]:
        return [AccountRecord(name, value) for name, value in self.records.items()]

    def change(self, put: Sequence[AccountRecord], remove: Sequence[RecordName] = ()) -> None:
        if self.broken:
            raise UnavailableError("the disk is full")
        for name in remove:
            self.records.pop(name, None)
        self.records.update({record.name: record.value for record in put})


@dataclass
class Admits:
    """Implements ``Admission``: everybody comes into ``verdict``."""

    verdict: Status
    asked: list[Account] = field(default_factory=list)

    def status(self, account: Account) -> Status:
        self.asked.append(account)
        return self.verdict

    def check_start(self, account_id: AccountId) -> None:
        """Operators may start whom they like."""
