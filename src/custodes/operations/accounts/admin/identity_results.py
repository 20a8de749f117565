"""Results of the operator's commands about users, roles, keys and documents. In: nothing. Out: frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class UserFacts:
    """A user of an account; times are milliseconds since the epoch."""

    account_id: str
    user: str
    user_id: str
    arn: str
    person: str
    tags: Mapping[str, str]
    created_ts_ms: int


@dataclass(frozen=True, slots=True)
class UserList:
    """Users of an account."""

    users: tuple[UserFacts, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFacts:
    """An access key without its secret; ``used_ts_ms`` is None for one that was never used."""

    account_id: str
    user: str
    access_key_id: str
    enabled: bool
    created_ts_ms: int
    used_ts_ms: int | None


@dataclass(frozen=True, slots=True)
class KeyList:
    """Access keys."""

    keys: tuple[KeyFacts, ...]


@dataclass(frozen=True, slots=True)
class KeyWithSecret:
    """A new access key; nothing tells its secret again."""

    account_id: str
    user: str
    access_key_id: str
    secret_access_key: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleFacts:
    """A role."""

    account_id: str
    role: str
    role_id: str
    arn: str
    max_session_s: int
    tags: Mapping[str, str]
    created_ts_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedRole(RoleFacts):
    """A role with the policy document that says who may assume it."""

    trust: str


@dataclass(frozen=True, slots=True)
class RoleList:
    """Roles of an account."""

    roles: tuple[RoleFacts, ...]


@dataclass(frozen=True, slots=True)
class DocumentText:
    """A policy document as it was written."""

    text: str


@dataclass(frozen=True, slots=True)
class DocumentNames:
    """Names of policy documents."""

    names: tuple[str, ...]
