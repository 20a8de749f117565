"""A caller as JSON, for jobs: every part of one is decided again for whoever started it.

In: a caller. Out: plain values, and back. It keeps no secret: a caller has none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from custodes.core.ids import AccountId
from custodes.operations.requests.context import Caller, Principal, RoleSession


def caller_to_json(caller: Caller) -> dict[str, Any]:
    """Plain values; equal callers have equal ones."""
    session = caller.principal.session
    principal = {**asdict(caller.principal), "session": None if session is None else _session(session)}
    return {**asdict(caller), "principal": principal}


def caller_of_json(value: Mapping[str, Any]) -> Caller:
    """What ``caller_to_json`` wrote."""
    principal = dict(value["principal"])
    session = principal.pop("session")
    opened = None if session is None else RoleSession(**{**session, "transitive": frozenset(session["transitive"])})
    fields = {name: value[name] for name in ("access_key_id", "arn", "region", "session_tags")}
    return Caller(AccountId(str(value["account_id"])), principal=Principal(**principal, session=opened), **fields)


def _session(session: RoleSession) -> dict[str, object]:
    return {**asdict(session), "transitive": sorted(session.transitive)}
