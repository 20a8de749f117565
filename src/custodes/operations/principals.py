"""Access keys as the edge needs them: who owns a key, what secret signs with it, what its owner is called.

A port and its values; the directory of accounts implements it. ARNs of principals are spelled here and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from custodes.core.ids import AccountId
from custodes.operations.arn import partition
from custodes.operations.context import Caller, Principal


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


def principal_arn(account_id: AccountId, principal: Principal, region: str) -> str:
    """ARN of a root, a user, or a session of a role."""
    if principal.path.startswith("role/") and principal.session is not None:
        name = f"assumed-role/{principal.name}/{principal.session.name}"
        return f"arn:{partition(region)}:sts::{account_id}:{name}"
    return identity_arn(account_id, principal.path, region)


def identity_arn(account_id: AccountId, path: str, region: str) -> str:
    """ARN of ``root``, ``user/NAME`` or ``role/NAME``."""
    return f"arn:{partition(region)}:iam::{account_id}:{path}"
