"""Whether an account may be used at all, whatever the rules in force say.

In: an intent, the directory. Out: what the rules say, but a refusal for accounts that are not active. It also notes
when a key was last used, because here the caller is known to be authentic.
"""

from __future__ import annotations

from custodes.governance.accounts.account import Status
from custodes.operations.accounts.directory import AccountDirectory
from custodes.operations.requests.gate import Allow, Decision, Deny, Intent, Policy

RULE = "baseline.active"
"""The id that the provider's rules have for the same refusal."""


class AccountStanding:
    """A policy around another."""

    def __init__(self, directory: AccountDirectory, rules: Policy) -> None:
        """Decide as ``rules`` for callers whose account in ``directory`` is active."""
        self._directory = directory
        self._rules = rules

    def decide(self, intent: Intent) -> Decision:
        """As the rules do; refuse callers of accounts that are not active even where they forgot to."""
        caller = intent.context.caller
        self._directory.saw(caller.access_key_id, intent.context.ts_ms)
        decision = self._rules.decide(intent)
        if isinstance(decision, Allow) and self._directory.status(caller.account_id) is not Status.ACTIVE:
            return Deny(f"the account is not active (rule {RULE})", RULE, decision.grounds)
        return decision
