"""What the edge needs to know who signed: access keys, and a place that finds them. In: an id. Out: a key."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from custodes.core.ids import AccountId
from custodes.operations.requests.context import Caller, Principal
from custodes.operations.requests.principals import principal_arn


@dataclass(frozen=True, slots=True)
class AccessKey:
    """One access key. ``secret`` never leaves the process and never reaches a log; repr hides it.

    ``session_token`` is set for temporary credentials and must then accompany every request.
    """

    access_key_id: str
    secret: str = field(repr=False)
    account_id: AccountId
    principal: Principal = field(default_factory=Principal)
    session_token: str | None = field(default=None, repr=False)
    expires_ts_ms: int | None = None

    def __repr__(self) -> str:
        """Name the key, not its secret."""
        return f"AccessKey({self.access_key_id})"

    def caller(self, region: str) -> Caller:
        """Whoever signs with this key, in ``region``."""
        session = self.principal.session
        return Caller(
            self.account_id,
            self.access_key_id,
            principal_arn(self.account_id, self.principal, region),
            region,
            {} if session is None else session.tags,
            self.principal,
        )


class KeyLookup(Protocol):
    """Finds access keys."""

    def find(self, access_key_id: str, session_token: str | None = None) -> AccessKey | None:
        """The key; None when it does not exist, is disabled, or is temporary and came without its own token."""
        ...
