"""The provider's rules in a server that only follows them: another one changes them, on record.

In: the set in force, as that one says. Out: the rules. It writes nothing, and needs no records of changes.
"""

from __future__ import annotations

import json

from custodes.core.errors import UnavailableError
from custodes.governance.provider.guardrails import PackError, load
from custodes.governance.provider.policy_set import PolicySet, canonical, read_set
from custodes.operations.policy.decide import RulesInForce


class FollowedRules:
    """The rules as last read. Any thread."""

    def __init__(self) -> None:
        """Know none."""
        self._rules: RulesInForce | None = None

    def reload(self, told: bytes) -> None:
        """Follow the set that ``spelled`` gave as ``told``.

        Raises:
            UnavailableError: it cannot be used; nobody may be served by what was known before.
        """
        self._rules = None
        try:
            policy = read_set(json.loads(told))
            self._rules = RulesInForce(policy.digest(), load(policy.packs, policy.schema))
        except (PackError, ValueError) as error:
            raise UnavailableError(f"the rules in force cannot be read: {error}") from error

    def in_force(self) -> RulesInForce:
        """The rules in force. Raises UnavailableError before they were read."""
        if self._rules is None:
            raise UnavailableError("the provider's rules are not known yet")
        return self._rules


def spelled(policy: PolicySet) -> bytes:
    """A set as other servers are told of it."""
    return canonical(policy.members())
