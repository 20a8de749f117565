"""Who acts for an account: its root, users, and the keys they sign with.

In: members of stored records. Out: frozen values and their JSON. A secret is part of a key here because whoever checks
a signature needs it; repr hides it, and only the sealed store and the signature check ever see it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson

from custodes.core.errors import InvalidParameterError
from custodes.core.ids import AccountId

ROOT = "root"
"""Name of the one identity of an account that its own policies cannot limit; no user can be called so."""
KEYS_PER_USER = 2
"""As in IAM: enough to change a key without a gap, too few to forget some."""

_NAME = re.compile(r"[A-Za-z0-9+=,.@_-]{1,64}")


@dataclass(frozen=True, slots=True)
class User:
    """A user of an account. ``user_id`` is never given out twice, so a name that comes back is somebody else."""

    account_id: AccountId
    name: str
    user_id: str
    tags: Mapping[str, str] = field(default_factory=dict)
    created_ts_ms: int = 0

    def encoded(self) -> bytes:
        """JSON bytes; ``user`` reads them."""
        return orjson.dumps(
            {
                "account_id": self.account_id,
                "name": self.name,
                "user_id": self.user_id,
                "tags": dict(self.tags),
                "created_ts_ms": self.created_ts_ms,
            }
        )


@dataclass(frozen=True, slots=True)
class UserKey:
    """An access key of a user, or of the root of an account."""

    account_id: AccountId
    access_key_id: str
    secret: str = field(repr=False)
    user_name: str = ROOT
    enabled: bool = True
    created_ts_ms: int = 0

    def encoded(self) -> bytes:
        """JSON bytes with the secret; ``user_key`` reads them. Only ever stored sealed."""
        return orjson.dumps(
            {
                "account_id": self.account_id,
                "access_key_id": self.access_key_id,
                "secret": self.secret,
                "user_name": self.user_name,
                "enabled": self.enabled,
                "created_ts_ms": self.created_ts_ms,
            }
        )


def user(data: bytes) -> User:
    """Read what ``User.encoded`` wrote."""
    told = orjson.loads(data)
    return User(AccountId(told["account_id"]), told["name"], told["user_id"], told["tags"], told["created_ts_ms"])


def user_key(data: bytes) -> UserKey:
    """Read what ``UserKey.encoded`` wrote."""
    told = orjson.loads(data)
    return UserKey(
        AccountId(told["account_id"]),
        told["access_key_id"],
        told["secret"],
        told["user_name"],
        told["enabled"],
        told["created_ts_ms"],
    )


def check_user_name(name: str) -> str:
    """``name`` if a user can be called so. Raises InvalidParameterError."""
    if not _NAME.fullmatch(name) or name.lower() == ROOT:
        raise InvalidParameterError("a name has 1 to 64 letters, digits or + = , . @ _ - and is not root")
    return name
