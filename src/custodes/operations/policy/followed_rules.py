"""The provider's rules in a server that only follows them: another one changes them, on record.

In: the records, and where their chain has come to, as that one says. Out: the rules in force. It writes nothing.
"""

from __future__ import annotations

from custodes.core.errors import UnavailableError
from custodes.governance.provider.guardrails import PackError, load
from custodes.governance.provider.records import PolicyStore, replay
from custodes.operations.policy.decide import RulesInForce


class FollowedRules:
    """The rules as last read. Any thread."""

    def __init__(self, store: PolicyStore) -> None:
        """Read ``store`` when told to."""
        self._store = store
        self._rules: RulesInForce | None = None

    def reload(self, head: str) -> None:
        """Read the records again, which lead to ``head``.

        Raises:
            UnavailableError: they do not, yet, or cannot be used; nobody may be served by what was known before.
        """
        self._rules = None
        try:
            state = replay(self._store)
            if state.head != head:
                raise UnavailableError("the rules that this server reads are not those in force")
            policy = self._store.policy(state.in_force)
            self._rules = RulesInForce(state.in_force, load(policy.packs, policy.schema))
        except (PackError, LookupError, OSError) as error:
            raise UnavailableError(f"the rules in force cannot be read: {error}") from error

    def in_force(self) -> RulesInForce:
        """The rules in force. Raises UnavailableError before they were read."""
        if self._rules is None:
            raise UnavailableError("the provider's rules are not known yet")
        return self._rules
