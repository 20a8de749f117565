"""Who asks, when, from where, under which request id. A plain value handed to every use case; no globals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from custodes.core.ids import AccountId, RequestId


@dataclass(frozen=True, slots=True)
class RoleSession:
    """What temporary credentials add to whom they were given to.

    Attributes:
        name: of the session; of a role's session, whoever opened it chose it.
        issued_ts_ms: when it was opened.
        tags: session tags.
        transitive: keys of tags that go on to sessions opened from this one.
        policy: a policy document that limits it; empty for none.
        origin_key: the long-term key that the first session of this line was opened with.
    """

    name: str
    issued_ts_ms: int
    tags: Mapping[str, str] = field(default_factory=dict)
    transitive: frozenset[str] = frozenset()
    policy: str = ""
    origin_key: str = ""


@dataclass(frozen=True, slots=True)
class Principal:
    """Whom of an account a key stands for.

    Attributes:
        path: ``root``, ``user/NAME`` or ``role/NAME``.
        principal_id: id of the user or role that is never given out twice; empty for the root.
        tags: the user's or role's own tags.
        session: for temporary credentials.
    """

    path: str = "root"
    principal_id: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    session: RoleSession | None = None

    @property
    def name(self) -> str:
        """Name of the user or role, or ``root``."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated principal. ``arn`` is shown in denials; ``session_tags`` come with temporary credentials."""

    account_id: AccountId
    access_key_id: str
    arn: str
    region: str
    session_tags: Mapping[str, str] = field(default_factory=dict)
    principal: Principal = field(default_factory=Principal)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came from: the peer's address, and whether its connection was encrypted. Empty in-process."""

    address: str = ""
    secure: bool = False
    user_agent: str = ""


@dataclass(frozen=True, slots=True)
class Context:
    """One request: its caller, its id, the time it arrived (ms since the epoch), where it came from."""

    caller: Caller
    request_id: RequestId
    ts_ms: int
    origin: Origin = field(default_factory=Origin)
