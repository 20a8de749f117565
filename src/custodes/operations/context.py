"""Who asks, when, under which request id. A plain value handed to every use case; no globals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from custodes.core.ids import AccountId, RequestId


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated principal. ``arn`` is shown in denials; ``session_tags`` come with temporary credentials."""

    account_id: AccountId
    access_key_id: str
    arn: str
    region: str
    session_tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Context:
    """One request: its caller, its id and the time it arrived (ms since the epoch)."""

    caller: Caller
    request_id: RequestId
    ts_ms: int
