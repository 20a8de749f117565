"""Principals and their ARNs, spelled here and nowhere else. In: an account and who acts for it. Out: text, callers."""

from __future__ import annotations

from custodes.core.ids import AccountId
from custodes.operations.requests.arn import partition
from custodes.operations.requests.context import Caller, Principal


def account_itself(account_id: AccountId, region: str) -> Caller:
    """Who asks where whoever runs the server acts on behalf of an account: its root, without a key."""
    return Caller(account_id, "", principal_arn(account_id, Principal(), region), region)


def principal_arn(account_id: AccountId, principal: Principal, region: str) -> str:
    """ARN of a root, a user, or a session of a role."""
    if principal.path.startswith("role/") and principal.session is not None:
        name = f"assumed-role/{principal.name}/{principal.session.name}"
        return f"arn:{partition(region)}:sts::{account_id}:{name}"
    return identity_arn(account_id, principal.path, region)


def identity_arn(account_id: AccountId, path: str, region: str) -> str:
    """ARN of ``root``, ``user/NAME`` or ``role/NAME``."""
    return f"arn:{partition(region)}:iam::{account_id}:{path}"
