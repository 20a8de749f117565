"""A caller as JSON values, for work that outlives its request and is decided again for the same principal.

In: a caller. Out: plain values, and the caller back. It decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import orjson

from custodes.core.ids import AccountId
from custodes.operations.requests.context import Caller, Principal, RoleSession


def caller_members(caller: Caller) -> dict[str, Any]:
    """All of ``caller``; equal callers have equal members."""
    session = caller.principal.session
    members = None if session is None else {**asdict(session), "transitive": sorted(session.transitive)}
    return {**asdict(caller), "principal": {**asdict(caller.principal), "session": members}}


def read_caller(value: Mapping[str, Any]) -> Caller:
    """What ``caller_members`` gave."""
    principal = dict(value["principal"])
    session = principal.pop("session")
    opened = None if session is None else RoleSession(**{**session, "transitive": frozenset(session["transitive"])})
    fields = {name: value[name] for name in ("access_key_id", "arn", "region", "session_tags")}
    return Caller(AccountId(str(value["account_id"])), principal=Principal(**principal, session=opened), **fields)


def encode_caller(caller: Caller) -> bytes:
    """``caller_members`` as JSON."""
    return orjson.dumps(caller_members(caller), option=orjson.OPT_SORT_KEYS)


def decode_caller(data: bytes) -> Caller:
    """What ``encode_caller`` gave."""
    return read_caller(orjson.loads(data))
