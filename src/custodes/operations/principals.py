"""Access keys as the edge needs them: who owns a key and what secret signs with it.

A port only; the adapter that reads and writes the data directory lives in storage.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from custodes.core.ids import AccountId


@dataclass(frozen=True, slots=True)
class AccessKey:
    """One access key. ``secret`` never leaves the process and never reaches a log; repr hides it.

    ``session_token`` is set for temporary credentials and must then accompany every request.
    """

    access_key_id: str
    secret: str
    account_id: AccountId
    user_name: str
    session_token: str | None = None
    expires_ts_ms: int | None = None

    def __repr__(self) -> str:
        """Name the key, not its secret."""
        return f"AccessKey({self.access_key_id})"


class KeyLookup(Protocol):
    """Finds access keys."""

    def find(self, access_key_id: str) -> AccessKey | None:
        """The key, or None when it does not exist or is disabled."""
        ...
