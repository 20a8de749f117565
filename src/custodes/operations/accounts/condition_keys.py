"""Condition keys of a request, as policies of a tenant look at them.

In: an intent, the keys that are asked for, tags of its resource. Out: their values, names in lower case. A key without
a value for this request is absent. Only keys that some policy looks at are worked out.

Source: IAM User Guide, "AWS global condition context keys"; behaviour specification, section 4.2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from custodes.governance.accounts.identities import ROOT
from custodes.governance.iam.pattern import Context as Conditions
from custodes.operations.requests.context import Caller
from custodes.operations.requests.gate import Intent
from custodes.operations.requests.principals import identity_arn

_RESOURCE_TAG, _REQUEST_TAG, _PRINCIPAL_TAG = "aws:resourcetag/", "aws:requesttag/", "aws:principaltag/"

Values = tuple[str, ...]


def conditions(intent: Intent, keys: Iterable[str], resource_tags: Mapping[str, str]) -> Conditions:
    """Values of ``keys`` for this request; keys are in lower case, and so are keys of tags: IAM does not tell apart."""
    found: dict[str, Values] = {}
    for key in keys:
        source = _SINGLE.get(key)
        values = _tag(intent, key, resource_tags) if source is None else source(intent)
        if values:
            found[key] = values
    return found


def _tag(intent: Intent, key: str, resource_tags: Mapping[str, str]) -> Values:
    if key.startswith(_RESOURCE_TAG):
        return _valued(resource_tags, key.removeprefix(_RESOURCE_TAG))
    if key.startswith(_REQUEST_TAG):
        return _valued(_mapping(intent, "request_tags"), key.removeprefix(_REQUEST_TAG))
    if key.startswith(_PRINCIPAL_TAG):
        principal = intent.context.caller.principal
        session = {} if principal.session is None else principal.session.tags
        name = key.removeprefix(_PRINCIPAL_TAG)
        return _valued(session, name) or _valued(principal.tags, name)
    return ()


def _valued(tags: Mapping[str, str], wanted: str) -> Values:
    return tuple(value for key, value in tags.items() if key.lower() == wanted)[:1]


def _mapping(intent: Intent, name: str) -> Mapping[str, str]:
    found = intent.facts.get(name)
    return found if isinstance(found, Mapping) else {}


def _tag_keys(intent: Intent) -> Values:
    named = intent.facts.get("tag_keys")
    listed = [str(key) for key in named] if isinstance(named, list | tuple) else []
    return tuple(dict.fromkeys([*_mapping(intent, "request_tags"), *listed]))


def _label_names(intent: Intent) -> Values:
    named = intent.facts.get("label_names")
    return tuple(str(name) for name in named) if isinstance(named, list) else ()


def _text(intent: Intent, name: str) -> Values:
    found = intent.facts.get(name)
    return (found,) if isinstance(found, str) else ()


def _principal_arn(intent: Intent) -> Values:
    caller = intent.context.caller
    return (identity_arn(caller.account_id, caller.principal.path, caller.region),)


def _principal_type(caller: Caller) -> str:
    if caller.principal.path == ROOT:
        return "Account"
    return "User" if caller.principal.path.startswith("user/") else "AssumedRole"


def user_id(caller: Caller) -> str:
    """What ``aws:userid`` is, and GetCallerIdentity says."""
    principal = caller.principal
    if principal.path == ROOT:
        return caller.account_id
    if principal.path.startswith("role/") and principal.session is not None:
        return f"{principal.principal_id}:{principal.session.name}"
    return principal.principal_id


def _user_name(caller: Caller) -> Values:
    return (caller.principal.name,) if caller.principal.path.startswith("user/") else ()


def _resource_account(intent: Intent) -> Values:
    parts = intent.resource.split(":", 5)
    return (parts[4] if len(parts) == 6 else intent.context.caller.account_id,)


def _issued(intent: Intent) -> Values:
    session = intent.context.caller.principal.session
    return () if session is None else (_moment(session.issued_ts_ms),)


def _moment(ts_ms: int) -> str:
    return datetime.fromtimestamp(ts_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


_SINGLE: Mapping[str, Callable[[Intent], Values]] = MappingProxyType(
    {
        "aws:currenttime": lambda intent: (_moment(intent.context.ts_ms),),
        "aws:epochtime": lambda intent: (str(intent.context.ts_ms // 1000),),
        "aws:principalaccount": lambda intent: (str(intent.context.caller.account_id),),
        "aws:principalarn": _principal_arn,
        "aws:principaltype": lambda intent: (_principal_type(intent.context.caller),),
        "aws:requestedregion": lambda intent: (intent.context.caller.region,),
        "aws:resourceaccount": _resource_account,
        "aws:securetransport": lambda intent: ("true" if intent.context.origin.secure else "false",),
        "aws:sourceip": lambda intent: (intent.context.origin.address,) if intent.context.origin.address else (),
        "aws:tagkeys": _tag_keys,
        "custodes:labelnames": _label_names,
        "aws:tokenissuetime": _issued,
        "aws:useragent": lambda intent: (intent.context.origin.user_agent,) if intent.context.origin.user_agent else (),
        "aws:userid": lambda intent: (user_id(intent.context.caller),),
        "aws:username": lambda intent: _user_name(intent.context.caller),
        "sts:externalid": lambda intent: _text(intent, "external_id"),
        "sts:rolesessionname": lambda intent: _text(intent, "session_name"),
    }
)
