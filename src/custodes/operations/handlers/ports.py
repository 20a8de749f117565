"""What handlers need from outside: a store of documents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from custodes.core.ids import AccountId


class HandlerStore(Protocol):
    """Keeps documents. All methods raise UnavailableError when the store cannot be used."""

    def put(self, account_id: AccountId, name: str, document: bytes, at_most: int) -> None:
        """Keep it, over what was there. Raises QuotaError beyond ``at_most`` of the account."""
        ...

    def find(self, account_id: AccountId, name: str) -> bytes | None:
        """One, or None."""
        ...

    def names(self, account_id: AccountId) -> Sequence[str]:
        """All, in order."""
        ...

    def drop(self, account_id: AccountId, name: str) -> bool:
        """Forget one; False where there is none."""
        ...
